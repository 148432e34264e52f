"""Features by name."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.data.datasets import Dataset
from gan_jax.errors import InputError
from gan_jax.evaluation.feature_network import FeatureNetwork, Features, Outputs
from gan_jax.evaluation.inception import inception_features
from gan_jax.evaluation.onnx_features import onnx_features
from gan_jax.evaluation.store import load_evaluator
from gan_jax.files import first_line
from gan_jax.parts import UnknownPartError, load_module

_FUNCTION_BATCH = 100


def _classifier(dataset: Dataset, weights: Path | None) -> Features:
    if weights is not None:
        raise InputError("--feature-weights is about --features inception; leave it out.")
    return load_evaluator(dataset)


# Each makes its features of the data set that is scored and of the file of --feature-weights, or None.
FEATURES: dict[str, Callable[[Dataset, Path | None], Features]] = {
    "classifier": _classifier,
    "inception": lambda dataset, weights: inception_features(weights),
}


def load_features(name: str, dataset: Dataset, weights: Path | None = None) -> Features:
    """The network whose features scores are computed in.

    Args:
      name: a key of ``FEATURES`` (``classifier``: the small network of the data set; ``inception``: torch-fidelity's),
        ``onnx:FILE``, or ``MODULE:FUNCTION`` or ``FILE.py:FUNCTION``, a function of ``[N, height, width, channels]``
        uint8 that returns ``[N, D]`` floats.
      dataset: the images that are scored.
      weights: a file for ``inception``, or for a key that was added.

    Raises:
      InputError: there are no such features, or what they need is not here.

    Examples:
      >>> load_features("inception", dataset, Path("weights.pth")).name  # doctest: +SKIP
      'inception'
    """
    if name in FEATURES:
        return FEATURES[name](dataset, weights)
    if weights is not None:
        raise InputError(
            f"--feature-weights is about --features inception; {name} has weights of its own: leave it out."
        )
    if name.startswith("onnx:"):
        return onnx_features(name.removeprefix("onnx:"))
    module, _, function = name.rpartition(":")
    if not module or not function:
        known = ", ".join(FEATURES)
        raise UnknownPartError(
            f"features is {name!r}; it must be one of {known}, onnx:FILE, MODULE:FUNCTION or FILE.py:FUNCTION."
        )
    return _of_function(name, module, function)


def _of_function(name: str, module_name: str, function_name: str) -> FeatureNetwork:
    """A user's own function; what it reads besides its source is not known here."""
    module, digest = load_module(module_name)
    try:
        function = attrgetter(function_name)(module)
    except AttributeError:
        function = None
    if not callable(function):
        raise InputError(f"features is {name!r}, but {module_name} has no function {function_name}.")
    shown = f"{Path(module_name).name}:{function_name}"
    return FeatureNetwork(shown, digest, partial(_call, shown, function), _FUNCTION_BATCH, is_fixed=False)


def _call(name: str, function: Callable[[np.ndarray], Any], images: np.ndarray) -> Outputs:
    try:
        return Outputs(np.asarray(function(images)), None)
    except Exception as error:
        raise InputError(f"{name} fails ({type(error).__name__}: {first_line(error)}); correct it.") from error
