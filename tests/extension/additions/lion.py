"""Lion (Chen et al. 2023, arXiv:2302.06675), from Optax."""

import optax

from gan_jax import OPTIMIZERS

OPTIMIZERS["lion"] = lambda learning_rate, beta1, beta2: optax.lion(learning_rate, beta1, beta2)
