import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close
from flax import linen as nn

from gan_jax import (
    NETWORKS,
    Batch,
    GanConfig,
    InputError,
    from_linen,
    gan_step,
    images_like,
    init_state,
    latents_like,
    sample_latents,
)
from gan_jax.nn.networks import apply_discriminator, apply_generator


def fresh_key():
    """The same key each time, unused each time."""
    return jax.random.key(0)


CONFIG = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=3, initializer="he")


def test_layers_are_the_courses():
    state = jax.eval_shape(lambda: init_state(GanConfig(width=8, latent_dim=16), fresh_key()))
    kernels = {
        name: [network.params[f"conv_{i}"]["kernel"].shape for i in range(4)]
        for name, network in (("generator", state.generator), ("discriminator", state.discriminator))
    }
    # height, width, channels nearer the image, channels farther from it
    assert kernels == {
        "generator": [(4, 4, 32, 16), (3, 3, 16, 32), (4, 4, 8, 16), (4, 4, 1, 8)],
        "discriminator": [(4, 4, 1, 8), (4, 4, 8, 16), (3, 3, 16, 32), (4, 4, 32, 1)],
    }
    assert sorted(state.discriminator.variables["batch_stats"]) == ["norm_1", "norm_2"]
    assert sorted(state.generator.variables["batch_stats"]) == ["norm_0", "norm_1", "norm_2"]


def test_initial_weights_have_the_named_distributions():
    dcgan, he = (init_state(GanConfig(width=16, initializer=name), fresh_key()) for name in ("dcgan", "he"))
    for name in ("generator", "discriminator"):
        for index in (1, 2):
            kernel = getattr(dcgan, name).params[f"conv_{index}"]["kernel"]
            assert jnp.std(kernel) == pytest.approx(0.02, rel=0.02)
            kernel = getattr(he, name).params[f"conv_{index}"]["kernel"]
            inputs = kernel.shape[3] if name == "generator" else kernel.shape[2]
            fan_in = kernel.shape[0] * kernel.shape[1] * inputs
            assert jnp.std(kernel) == pytest.approx(np.sqrt(2 / 1.04 / fan_in), rel=0.02)
        scale = getattr(dcgan, name).params["norm_2"]["scale"]
        assert jnp.mean(scale) == pytest.approx(1, abs=0.01)
        assert jnp.std(scale) == pytest.approx(0.02, rel=0.3)
        assert not getattr(dcgan, name).params["norm_2"]["bias"].any()


def test_train_mode_normalizes_by_the_batch_and_moves_the_statistics_a_tenth():
    network = init_state(CONFIG, fresh_key()).generator
    latents = sample_latents(CONFIG, fresh_key(), 6)
    images, moved = apply_generator(CONFIG, network.variables, latents, train=True)
    alone, _ = apply_generator(CONFIG, network.variables, latents[:3], train=True)
    assert not np.allclose(images[:3], alone)
    hidden = jnp.einsum("nl,hwol->nhwo", latents, network.params["conv_0"]["kernel"])
    expected = {"mean": 0.1 * hidden.mean((0, 1, 2)), "var": 0.9 + 0.1 * hidden.var((0, 1, 2))}
    assert_close(moved["batch_stats"]["norm_0"], expected)


def test_eval_mode_treats_each_image_alone_and_keeps_the_statistics():
    config = dataclasses.replace(CONFIG, image_shape=(16, 16, 1))
    network = init_state(config, fresh_key()).discriminator
    images = jax.random.uniform(fresh_key(), (6, 16, 16, 1), minval=-1)
    logits, variables = apply_discriminator(config, network.variables, images, train=False)
    alone, _ = apply_discriminator(config, network.variables, images[:1], train=False)
    assert_close(alone, logits[:1], terms=jnp.abs(logits).max())
    assert variables["batch_stats"] is network.variables["batch_stats"]


class Columns(nn.Module):
    """Logits ``[N, 1]``, which a relativistic loss would compare with every other image's."""

    @nn.compact
    def __call__(self, images, labels=None, *, train):
        return nn.Dense(1)(images.reshape(len(images), -1))


class Flat(nn.Module):
    @nn.compact
    def __call__(self, latents, labels=None, *, train):
        return nn.Dense(784)(latents)


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        (
            {"discriminator": from_linen(lambda config: Columns(), images_like)},
            r"the discriminator returns the shape \(2, 1\); it must return \(2,\)",
        ),
        (
            {"generator": from_linen(lambda config: Flat(), latents_like)},
            r"the generator returns the shape \(2, 784\); it must return \(2, 28, 28, 1\)",
        ),
    ],
)
def test_a_network_that_returns_another_shape_is_refused(pair, complaint, monkeypatch):
    name = f"odd {next(iter(pair))}"  # programs are kept by name
    monkeypatch.setitem(NETWORKS, name, NETWORKS["dcgan"]._replace(**pair))
    config = GanConfig(latent_dim=3, width=2, batch_size=2, network=name)
    with pytest.raises(InputError, match=complaint):
        jax.eval_shape(
            lambda: gan_step(
                config, init_state(config, fresh_key()), Batch(jnp.zeros((2, 28, 28, 1))), jax.random.key(1)
            )
        )
