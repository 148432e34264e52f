"""Small networks of every kind with weights that make images, and JAX's answers to compare others with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import GanConfig, discriminate, generate, init_state

SMALL = {"latent_dim": 5, "width": 4, "initializer": "he"}
CONFIGS = {
    "dcgan": GanConfig(**SMALL),
    "dcgan 32 in colour, spectral": GanConfig(
        image_shape=(32, 32, 3), normalization="spectral", discriminator_width=6, **SMALL
    ),
    "infogan": GanConfig(network="infogan", **SMALL),
    "r3gan, conditional": GanConfig(
        image_shape=(16, 16, 3),
        network="r3gan",
        normalization="none",
        conditional=True,
        num_classes=3,
        stage_widths=(6, 4, 4),
        stage_cardinalities=(3, 1, 4),
        stage_blocks=(2, 1, 1),
        **SMALL,
    ),
    "points": GanConfig(image_shape=(2,), network="dense", normalization="spectral", **SMALL),
    "conditional, spectral": GanConfig(normalization="spectral", conditional=True, num_classes=3, **SMALL),
    "packs of dense": GanConfig(packing=2, network="dense", normalization="none", **SMALL),
}


def trained_state(config):
    """A state of random weights and statistics, as after a training; nothing is compiled for it."""
    random = np.random.default_rng(0)

    def drawn(path, leaf):
        name, noise = path[-1].key, random.uniform(0.5, 1.5, leaf.shape)
        if name in ("scale", "var"):
            return noise
        if name in ("bias", "mean"):
            return 0.1 * (noise - 1)
        values = random.standard_normal(leaf.shape)
        if name == "v":
            return values / np.linalg.norm(values)
        outputs = 1 if name == "vectors" else leaf.shape[2 if path[0].name == "generator" else 3]
        return values * np.sqrt(2 * outputs / leaf.size)

    def filled(path, leaf):
        stays_zero = any(getattr(key, "name", "") == "opt_state" for key in path) or not path[1:]
        return jnp.asarray(np.zeros(leaf.shape) if stays_zero else drawn(path, leaf), leaf.dtype)

    return jax.tree_util.tree_map_with_path(filled, jax.eval_shape(lambda: init_state(config, jax.random.key(0))))


@jax.jit
def jax_answers(config, state, latents, labels):
    """Images, D's logits of them, and the logits' gradients."""
    images = generate(config, state.generator.variables, latents, labels)

    def judge(images):
        logits = discriminate(config, state.discriminator.variables, jnp.repeat(images, config.packing, axis=0), labels)
        return logits.sum(), logits

    gradients, logits = jax.grad(judge, has_aux=True)(images)
    return images, logits, gradients


IN_MAKE_TEST = ("dcgan", "r3gan, conditional", "packs of dense")
EVERY_KIND = [pytest.param(name, marks=() if name in IN_MAKE_TEST else pytest.mark.soak) for name in CONFIGS]
"""The names of ``CONFIGS`` as parameters of a test; most are for soak."""
