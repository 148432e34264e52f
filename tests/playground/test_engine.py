"""The page's networks in JavaScript against JAX."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close
from playground.in_node import run_in_node
from small_networks import CONFIGS, EVERY_KIND, jax_answers, trained_state

from gan_jax import GanConfig, generate, sample_latents
from gan_jax.errors import InputError
from gan_jax.inference.operations import discriminator_operations, generator_operations
from gan_jax.nn.networks import NETWORKS
from gan_jax.playground.packing import Pack


def packed(config, state, dtype="float32"):
    pack = Pack()
    networks = {
        "generator": pack.network("g", generator_operations(config, state.generator.variables), dtype),
        "discriminator": pack.network("d", discriminator_operations(config, state.discriminator.variables), dtype),
    }
    return {"manifest": pack.manifest, "data": pack.text(), "networks": networks}


R3GAN = {
    "R3GAN of 28 pixels in grey, groups by default": {"image_shape": (28, 28, 1), "width": 16, "max_channels": 32},
    "R3GAN of 32 in colour, one width and no class": {"stage_widths": (4,), "stage_cardinalities": (2,)},
    "R3GAN of 32 in colour, by class": {
        "stage_widths": (8, 4, 4, 2),
        "stage_blocks": (1, 1, 2, 1),
        "conditional": True,
    },
    "R3GAN of 32 in colour, packs and another width in D": {"packing": 2, "width": 2, "discriminator_width": 3},
}


def compare(config):
    """The page's images, logits and gradients with JAX's."""
    state, labels = trained_state(config), [2, 0]
    latents = sample_latents(config, jax.random.key(2), 2)
    found = run_in_node("networks", **packed(config, state), latents=np.asarray(latents).tolist(), labels=labels)
    kinds = jnp.asarray(labels) if config.conditional else None
    images, logits, gradients = jax_answers(config, state, latents, kinds)
    for n, one in enumerate(found):
        assert_close(np.array(one["image"]), images[n].ravel())
        for logit in (one["logit"], one["alone"]):
            assert_close(logit, logits[n], terms=jnp.abs(logits).max())
        assert_close(np.array(one["gradient"]), gradients[n].ravel(), rtol=2e-4)


@pytest.mark.parametrize("name", EVERY_KIND)
def test_images_logits_and_gradients_are_jaxs(name):
    compare(CONFIGS[name])


@pytest.mark.soak
@pytest.mark.parametrize("name", R3GAN)
def test_every_network_of_r3gan_gives_jaxs_images_logits_and_gradients(name):
    form = {"image_shape": (32, 32, 3), "stage_blocks": (1,), "latent_dim": 5, "num_classes": 3, "expansion": 2}
    compare(GanConfig(network="r3gan", normalization="none", initializer="he", **(form | R3GAN[name])))


@pytest.mark.soak
@pytest.mark.parametrize(("dtype", "most"), [("float16", 1.0), ("int8", 12.0)])
def test_smaller_types_change_pixels_by_little(dtype, most):
    config = dataclasses.replace(CONFIGS["dcgan"], image_shape=(8, 8, 1), width=16)
    state = trained_state(config)
    latents = sample_latents(config, jax.random.key(2), 2)
    values = {"latents": np.asarray(latents).tolist(), "labels": [0, 0]}
    found = run_in_node("networks", **packed(config, state, dtype), **values)
    wanted = generate(config, state.generator.variables, latents)
    differences = [127.5 * np.abs(one["image"] - np.ravel(image)) for one, image in zip(found, wanted, strict=True)]
    assert 0 < np.max(differences) <= most


def test_a_pack_is_the_same_text_for_the_same_arrays():
    config = CONFIGS["dcgan"]
    assert packed(config, trained_state(config)) == packed(config, trained_state(config))


def test_a_network_of_ones_own_is_refused_in_a_line(monkeypatch):
    monkeypatch.setitem(NETWORKS, "mine", NETWORKS["dcgan"])
    config = dataclasses.replace(CONFIGS["dcgan"], network="mine", conditional=True)
    state = trained_state(CONFIGS["dcgan"])
    for operations, network in (
        (generator_operations, state.generator),
        (discriminator_operations, state.discriminator),
    ):
        with pytest.raises(InputError, match="network mine is not one of the package's"):
            operations(config, network.variables)
