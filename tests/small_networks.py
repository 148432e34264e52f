"""Small networks of every kind with weights that make images, and JAX's answers to compare others with."""

import zlib

import jax
import jax.numpy as jnp
import pytest

from gan_jax import GanConfig, discriminate, generate, init_state

SMALL = {"latent_dim": 5, "width": 4, "initializer": "he"}
CONFIGS = {
    "dcgan": GanConfig(**SMALL),
    "dcgan 32 in colour, spectral": GanConfig(
        image_shape=(32, 32, 3), normalization="spectral", discriminator_width=6, **SMALL
    ),
    "infogan": GanConfig(network="infogan", **SMALL),
    "r3gan 32, conditional": GanConfig(
        image_shape=(32, 32, 3),
        network="r3gan",
        normalization="none",
        conditional=True,
        num_classes=3,
        stage_widths=(6, 4, 4, 2),
        stage_cardinalities=(3, 1, 2, 4),
        stage_blocks=(2, 1, 1, 1),
        **SMALL,
    ),
    "points": GanConfig(image_shape=(2,), network="dense", normalization="spectral", **SMALL),
    "conditional, spectral": GanConfig(normalization="spectral", conditional=True, num_classes=3, **SMALL),
    "packs of dense": GanConfig(packing=2, network="dense", normalization="none", **SMALL),
}


@jax.jit
def trained_state(config):
    """A state whose every weight and statistic has moved, as after a training."""
    state = init_state(config, jax.random.key(0))

    def moved(path, leaf):
        key = jax.random.fold_in(jax.random.key(1), zlib.crc32(jax.tree_util.keystr(path).encode()))
        noise = jax.random.uniform(key, leaf.shape, minval=0.5, maxval=1.5)
        return leaf * noise if "'v'" in jax.tree_util.keystr(path) else leaf * noise + 0.1 * (noise - 1)

    def network(found):
        return found.replace(variables=jax.tree_util.tree_map_with_path(moved, found.variables))

    return state.replace(generator=network(state.generator), discriminator=network(state.discriminator))


@jax.jit
def jax_answers(config, state, latents, labels):
    """Images, D's logits of them, and the logits' gradients."""
    images = generate(config, state.generator.variables, latents, labels)

    def judge(images):
        logits = discriminate(config, state.discriminator.variables, jnp.repeat(images, config.packing, axis=0), labels)
        return logits.sum(), logits

    gradients, logits = jax.grad(judge, has_aux=True)(images)
    return images, logits, gradients


IN_MAKE_TEST = ("dcgan", "r3gan 32, conditional", "packs of dense")
EVERY_KIND = [pytest.param(name, marks=() if name in IN_MAKE_TEST else pytest.mark.soak) for name in CONFIGS]
"""The names of ``CONFIGS`` as parameters of a test; most are for soak."""
