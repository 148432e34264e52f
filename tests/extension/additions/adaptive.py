"""Adaptive augmentation (Karras et al. 2020) by D's overfitting to the signs of its logits, moving quickly."""

import jax.numpy as jnp

from gan_jax import CONTROLLERS, Controller


def update(config, probability, metrics):
    return jnp.clip(probability + 0.05 * jnp.sign(metrics["d_sign"] - 0.6), 0, 1)


CONTROLLERS["quick_ada"] = Controller(
    init=lambda config: jnp.float32(0.5),
    update=update,
    settings=lambda config, probability: {"augmentation_probability": probability},
)
