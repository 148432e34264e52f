"""The networks of recipes: their layers, spectral normalization, and classes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close, in_float64
from flax import linen as nn

from gan_jax import (
    GanConfig,
    discriminate,
    generate,
    init_state,
    load_weights,
    sample_latents,
    save_weights,
)
from gan_jax.errors import InputError
from gan_jax.nn.networks import apply_discriminator, init_networks, score_batches
from gan_jax.nn.spectral import divide_by_spectral_norm

SMALL = {"latent_dim": 5, "width": 4}


def fresh_key():
    return jax.random.key(0)


def images_of(config, count=3):
    return jax.random.uniform(jax.random.key(1), (count, *config.image_shape), minval=-1)


@pytest.mark.parametrize("network", ["dcgan", "infogan", "r3gan", "dense"])
@pytest.mark.parametrize("image_shape", [(28, 28, 1), (64, 64, 3)])
def test_every_network_makes_and_scores_images_of_every_size(network, image_shape):
    normalization = "none" if network in ("r3gan", "dense") else "batch"
    config = GanConfig(image_shape=image_shape, network=network, normalization=normalization, **SMALL)
    state = jax.eval_shape(lambda: init_state(config, fresh_key()))
    images = jax.eval_shape(lambda state: generate(config, state.generator.variables, jnp.zeros((3, 5))), state)
    assert images.shape == (3, *image_shape)
    logits = jax.eval_shape(
        lambda state: discriminate(config, state.discriminator.variables, jnp.zeros(images.shape)), state
    )
    assert logits.shape == (3,)


def test_the_infogan_sized_network_has_lucics_layers():
    config = GanConfig(network="infogan", latent_dim=64)
    state = jax.eval_shape(lambda: init_state(config, fresh_key()))
    sizes = {
        name: [network.params[f"conv_{index}"]["kernel"].size for index in range(4)]
        for name, network in (("generator", state.generator), ("discriminator", state.discriminator))
    }
    assert sizes == {
        "generator": [64 * 1024, 1024 * 128 * 7 * 7, 128 * 64 * 16, 64 * 16],
        "discriminator": [64 * 16, 64 * 128 * 16, 128 * 7 * 7 * 1024, 1024],
    }


@pytest.mark.parametrize(
    "options", [{"conditional": True}, pytest.param({"normalization": "spectral"}, marks=pytest.mark.soak)], ids=str
)
def test_batches_in_one_pass_are_scored_as_one_after_the_other(options, monkeypatch):
    config = GanConfig(network="infogan", image_shape=(8, 8, 1), **SMALL, **options)
    labels = jnp.arange(6) if config.conditional else None
    passes, apply = [], nn.Module.apply
    monkeypatch.setattr(nn.Module, "apply", lambda *args, **kwargs: passes.append(args) or apply(*args, **kwargs))

    def in_turn(variables, batches):
        logits = []
        for images in batches:
            scored, variables = apply_discriminator(config, variables, images, labels, train=True)
            logits.append(scored)
        return logits, variables

    def at_once(variables, batches):
        return score_batches(config, variables, batches, labels)

    def gradient(scores):
        def loss(params):
            (first, second), variables = scores(network.with_params(params).variables, batches)
            return first.sum() - (second**2).sum(), (first, second, variables.get("batch_stats"))

        return jax.jit(jax.grad(loss, has_aux=True))(network.params)

    with jax.enable_x64(True):
        network = init_state(config, fresh_key()).discriminator
        network = in_float64(network)
        images = images_of(config, 6).astype(jnp.float64)
        batches = [images, images**3]
        wanted = gradient(in_turn)
        passes.clear()
        given = gradient(at_once)
    assert len(passes) == (2 if config.normalization == "spectral" or config.penalties else 1)
    assert_close(given, wanted)


@pytest.mark.parametrize("network", ["dcgan", "infogan", "r3gan", "dense"])
def test_the_discriminator_may_have_a_width_of_its_own(network):
    config = GanConfig(network=network, normalization="none", latent_dim=3, width=4)
    other = dataclasses.replace(config, discriminator_width=2)
    g_shapes, d_shapes = jax.eval_shape(lambda: init_networks(other, jax.random.key(0)))
    assert g_shapes == jax.eval_shape(lambda: init_networks(config, jax.random.key(0)))[0]
    narrow = dataclasses.replace(config, width=2)
    assert d_shapes == jax.eval_shape(lambda: init_networks(narrow, jax.random.key(0)))[1]


@pytest.mark.soak
def test_a_new_r3gan_network_is_the_identity_in_every_block():
    config = GanConfig(image_shape=(8, 8, 1), network="r3gan", normalization="none", **SMALL)
    state = init_state(config, fresh_key())
    assert set(state.generator.variables) == {"params"}
    assert not any(leaf.any() for leaf in jax.tree.leaves(state.generator.params["block_4_0"]["conv_2"]))
    changed = jax.tree.map(lambda leaf: leaf, state.discriminator.params)
    changed["block_8_1"]["conv_0"]["kernel"] = jnp.zeros_like(changed["block_8_1"]["conv_0"]["kernel"])
    images = images_of(config)
    before, after = (
        discriminate(config, {"params": params}, images) for params in (state.discriminator.params, changed)
    )
    np.testing.assert_array_equal(before, after)


class Divided(nn.Module):
    @nn.compact
    def __call__(self, weights, train):
        return divide_by_spectral_norm(self, weights, train)


def test_the_power_iteration_finds_the_largest_singular_value():
    weights = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3, 4, 6)), jnp.float32)
    module = Divided()
    variables = module.init(fresh_key(), weights, train=False)
    for _ in range(300):
        divided, variables = module.apply(variables, weights, train=True, mutable=["batch_stats"])
    largest = np.linalg.svd(weights.reshape(-1, 6), compute_uv=False)[0]
    assert_close(divided, weights / largest)
    same, kept = module.apply(variables, weights, train=False, mutable=["batch_stats"])
    assert_close(same, divided, rtol=1e-5)
    np.testing.assert_array_equal(kept["batch_stats"]["v"], variables["batch_stats"]["v"])


CONDITIONAL = GanConfig(
    image_shape=(8, 8, 1), conditional=True, normalization="none", initializer="he", num_classes=3, **SMALL
)


def test_the_projection_adds_the_inner_product_with_the_classs_vector():
    network = init_state(CONDITIONAL, fresh_key()).discriminator
    images, labels = images_of(CONDITIONAL), jnp.array([2, 0, 2])
    vectors = network.params["embed"]["vectors"]
    params = {**network.params, "embed": {"vectors": jnp.zeros_like(vectors)}}
    without = discriminate(CONDITIONAL, network.with_params(params).variables, images, labels)
    unit = {**network.params, "embed": {"vectors": jnp.ones_like(vectors)}}  # gives the sum over all features
    sums = discriminate(CONDITIONAL, network.with_params(unit).variables, images, labels) - without
    double = {**network.params, "embed": {"vectors": jnp.array([[1.0], [5.0], [2.0]]) * jnp.ones_like(vectors)}}
    added = discriminate(CONDITIONAL, network.with_params(double).variables, images, labels) - without
    assert_close(added, jnp.array([2.0, 1.0, 2.0]) * sums, terms=jnp.abs(without).max())


def test_a_conditional_generator_makes_other_images_for_other_classes():
    state = init_state(CONDITIONAL, fresh_key())
    latents = jnp.tile(sample_latents(CONDITIONAL, fresh_key(), 1), (4, 1))
    images = generate(CONDITIONAL, state.generator.variables, latents, jnp.array([0, 1, 1, 2]))
    assert_close(images[1], images[2])
    assert not np.allclose(images[0], images[1])
    in_turn = generate(CONDITIONAL, state.generator.variables, latents)  # of classes 0, 1, 2, 0
    assert_close(in_turn, images[jnp.array([0, 1, 3, 0])])


@pytest.mark.parametrize("normalization", ["batch", "spectral"])
def test_a_normalization_that_a_network_does_not_have_is_refused(normalization):
    with pytest.raises(InputError, match=f"normalization is '{normalization}'; network r3gan has none"):
        init_state(GanConfig(network="r3gan", normalization=normalization), fresh_key())


def test_dense_networks_make_points_and_score_each_alone():
    config = GanConfig(image_shape=(2,), network="dense", normalization="spectral", initializer="he", **SMALL)
    state = init_state(config, fresh_key())
    points = 100 * generate(config, state.generator.variables, jax.random.normal(jax.random.key(2), (7, 5)))
    assert points.shape == (7, 2)
    assert jnp.abs(points).max() > 1  # no tanh
    logits = discriminate(config, state.discriminator.variables, points)
    alone = discriminate(config, state.discriminator.variables, points[3:4])
    assert_close(alone, logits[3:4], terms=jnp.abs(logits).max())
    layers = [state.generator.params[f"dense_{index}"]["kernel"].shape for index in range(3)]
    assert layers == [(1, 1, 5, 4), (1, 1, 4, 4), (1, 1, 4, 2)]


def test_dense_networks_are_the_formula_and_its_first_and_second_derivatives():
    config = GanConfig(image_shape=(2,), network="dense", normalization="none", initializer="he", **SMALL)
    discriminator = init_state(config, fresh_key()).discriminator
    points = jax.random.normal(jax.random.key(2), (6, 2))

    def network(params, points):
        return discriminate(config, discriminator.with_params(params).variables, points)

    def formula(params, points):
        hidden = points
        for layer in (params[f"dense_{index}"] for index in range(3)):
            hidden = hidden @ layer["kernel"][0, 0] + layer["bias"][None]
            hidden = hidden if hidden.shape[1] == 1 else jnp.where(hidden > 0, hidden, 0.2 * hidden)
        return hidden[:, 0]

    def found(function):
        def loss(params, points):
            return jnp.sum(jnp.tanh(function(params, points)))

        def steepness(params, points):
            return jnp.sum(jax.grad(loss, 1)(params, points) ** 2)

        arguments = discriminator.params, points
        return function(*arguments), *(jax.grad(each, (0, 1))(*arguments) for each in (loss, steepness))

    assert_close(*jax.jit(lambda: (found(network), found(formula)))())


def test_networks_of_images_refuse_points():
    for network in ("dcgan", "infogan", "r3gan"):
        normalization = "none" if network == "r3gan" else "batch"
        config = GanConfig(image_shape=(2,), network=network, normalization=normalization)
        with pytest.raises(InputError, match=f"{network} is for images; points need"):
            init_state(config, fresh_key())


@pytest.mark.parametrize("image_shape", [(8, 8, 1), (2,)])
def test_a_discriminator_of_packs_sees_neighbours_as_channels(image_shape):
    network = {"network": "dense", "normalization": "none"} if len(image_shape) == 1 else {}
    packed = GanConfig(image_shape=image_shape, packing=2, **network, **SMALL)
    state, images = init_state(packed, fresh_key()), images_of(packed, 6)
    logits = discriminate(packed, state.discriminator.variables, images)
    assert logits.shape == (3,)
    joined = jnp.concatenate([images[::2], images[1::2]], axis=-1)
    plain = dataclasses.replace(packed, packing=1)
    assert_close(logits, discriminate(plain, state.discriminator.variables, joined))
    with pytest.raises(ValueError, match="5 images do not fill packs of 2"):
        discriminate(packed, state.discriminator.variables, images[:5])


def test_save_weights_tells_the_configuration(tmp_path):
    config = GanConfig(image_shape=(8, 8, 1), packing=2, discriminator_width=2, **SMALL)
    state = init_state(config, fresh_key())
    save_weights(tmp_path / "weights.npz", state, config)
    found, loaded = load_weights(tmp_path / "weights.npz")
    assert found == config
    images = images_of(config, 4)
    np.testing.assert_array_equal(
        discriminate(config, state.discriminator.variables, images),
        discriminate(found, loaded.discriminator.variables, images),
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"image_shape": (48, 48, 3)}, "network dcgan needs 4 or 7 times a power of two pixels"),
        ({"image_shape": (30, 30, 1), "network": "infogan"}, "network infogan needs 4 or 7 times"),
        ({"image_shape": (72, 72, 1), "network": "r3gan", "normalization": "none"}, "needs 4 or 5 or 6 or 7 times"),
    ],
)
def test_a_network_refuses_images_that_it_cannot_halve(options, complaint):
    with pytest.raises(InputError, match=complaint):
        init_state(GanConfig(**options), fresh_key())


@pytest.mark.parametrize("network", ["dcgan", "r3gan"])
def test_max_channels_caps_the_inner_layers_of_networks_for_large_images(network):
    config = GanConfig(image_shape=(256, 256, 3), network=network, normalization="none", width=8, max_channels=32)
    state = jax.eval_shape(lambda: init_state(config, fresh_key()))
    widest = 32 * (config.expansion if network == "r3gan" else 1)
    for network_state in (state.generator, state.discriminator):
        kernels = [leaf.shape for leaf in jax.tree.leaves(network_state.params) if len(leaf.shape) == 4]
        assert max(max(shape[2:]) for shape in kernels if config.latent_dim not in shape) == widest
