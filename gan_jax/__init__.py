"""Generative adversarial networks in functional JAX.

``training/steps.py`` has the training step, and ``__init__.pyi`` lists the public names. Importing the package loads
nothing else: a public name is imported when it is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
