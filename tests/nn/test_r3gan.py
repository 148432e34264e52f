"""R3GAN's layers: grouped convolutions, resampling, initial weights, precision, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close
from jax import lax

from gan_jax import GanConfig, InputError, discriminate, generate, init_state
from gan_jax.nn.grouped import convolve_grouped
from gan_jax.nn.networks import find_networks
from gan_jax.nn.r3gan import LOWPASS, grow, shrink, stages_of

CONFIG = GanConfig(
    image_shape=(16, 16, 3),
    network="r3gan",
    normalization="none",
    latent_dim=5,
    batch_size=2,
    stage_widths=(64, 64, 32),
    stage_cardinalities=(8, 8, 2),
    stage_blocks=(2, 1, 1),
)


def with_options(**options):
    return dataclasses.replace(CONFIG, **options)


def random(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape, float)


def native(x, w, groups):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=layout, feature_group_count=groups)


def with_derivatives(function, x, w):
    """What it returns, its gradients, and the gradients of a function of its gradients."""

    def loss(x, w):
        return jnp.sum(jnp.sin(function(x, w)))

    def steepness(x, w):
        return sum(jnp.sum(jnp.sin(gradient)) for gradient in jax.grad(loss, (0, 1))(x, w))

    return function(x, w), jax.grad(loss, (0, 1))(x, w), jax.grad(steepness, (0, 1))(x, w)


@pytest.mark.parametrize(
    ("groups", "inner", "outer"), [(3, 6, 12), pytest.param(6, 6, 6, marks=pytest.mark.soak), (1, 4, 2)]
)
def test_a_grouped_convolution_and_its_first_and_second_derivatives_are_xlas(groups, inner, outer):
    with jax.enable_x64(True):
        x, w = random(0, 2, 5, 6, inner), random(1, 3, 3, inner // groups, outer)
        ours = jax.jit(lambda x, w: with_derivatives(lambda x, w: convolve_grouped(x, w, groups), x, w))(x, w)
        assert_close(ours, jax.jit(lambda x, w: with_derivatives(lambda x, w: native(x, w, groups), x, w))(x, w))


def test_a_grouped_convolution_is_native_on_an_accelerator():
    shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((2, 8, 8, 32), (3, 3, 4, 32))]

    def gradients(x, w):
        return jax.grad(lambda x, w: jnp.sum(convolve_grouped(x, w, 8) ** 2), (0, 1))(x, w)

    text = jax.jit(gradients).trace(*shapes).lower(lowering_platforms=("cuda",)).as_text()
    assert text.count("stablehlo.convolution") == 3
    assert text.count("feature_group_count = 8") == 2
    assert text.count("batch_group_count = 8") == 1
    assert "stablehlo.while" not in text


def test_images_are_resampled_by_the_filter_along_both_axes():
    kernel = np.outer(LOWPASS, LOWPASS)[:, :, None, None] / 64
    layout = ("NHWC", "HWIO", "NHWC")
    with jax.enable_x64(True):
        images = random(2, 3, 6, 6, 1)
        smaller = lax.conv_general_dilated(images, kernel, (2, 2), [(1, 1)] * 2, dimension_numbers=layout)
        larger = lax.conv_general_dilated(
            images, 4 * kernel, (1, 1), [(2, 2)] * 2, lhs_dilation=(2, 2), dimension_numbers=layout
        )
        assert_close(jax.jit(lambda: (shrink(images), grow(images)))(), (smaller, larger))


SMALL = dataclasses.replace(
    CONFIG, image_shape=(8, 8, 3), stage_widths=(64, 32), stage_cardinalities=(8, 2), stage_blocks=(1, 2)
)


def test_initial_weights_have_the_papers_variances():
    config = dataclasses.replace(SMALL, conditional=True, num_classes=4, latent_dim=200)
    state = init_state(config, jax.random.key(0))
    scaled = 2 / 1.04 / 3**0.5  # of three blocks
    expected = {
        "generator": {
            ("basis", "kernel"): 1,
            ("mix", "kernel"): 1 / 400,
            ("embed", "vectors"): 1 / 4,
            ("block_4_0", "conv_0", "kernel"): scaled / 64,
            ("block_4_0", "conv_1", "kernel"): scaled / (9 * 16),
            ("transition_8", "kernel"): 1 / 64,
        },
        "discriminator": {
            ("basis", "kernel"): 1 / 16,
            ("mix", "kernel"): 1 / 64,
            ("embed", "vectors"): 1 / (4 * 64),
            ("block_8_1", "conv_1", "kernel"): scaled / (9 * 32),
            ("transition_8", "kernel"): 1 / 32,
        },
    }
    for network, variances in expected.items():
        for place, variance in variances.items():
            leaf = getattr(state, network).params
            for name in place:
                leaf = leaf[name]
            assert np.var(leaf) == pytest.approx(variance, rel=6 / leaf.size**0.5), (network, place)
    zeros = [state.generator.params[f"block_{block}"]["conv_2"]["kernel"] for block in ("4_0", "8_0", "8_1")]
    assert not any(kernel.any() for kernel in zeros)


def products(function, *operands):
    """The shape and type of every convolution's and matrix product's result."""
    text = str(jax.make_jaxpr(function)(*operands))
    kinds = ("conv_general_dilated", "dot_general")
    return [line.split(" = ")[0].rsplit(":", 1)[1] for line in text.splitlines() if any(k + "[" in line for k in kinds)]


@pytest.mark.soak
def test_the_largest_stages_compute_in_bfloat16_and_all_else_in_float32():
    config = dataclasses.replace(SMALL, bfloat16_stages=1)
    state = init_state(config, jax.random.key(0))
    assert {leaf.dtype for leaf in jax.tree.leaves(state.generator.params)} == {jnp.dtype("float32")}
    latents, images = jnp.ones((2, 5)), jnp.ones((2, 8, 8, 3))
    of_g = products(lambda latents: generate(config, state.generator.variables, latents), latents)
    of_d = products(lambda images: discriminate(config, state.discriminator.variables, images), images)
    for found in (of_g, of_d):
        large, small = ([one for one in found if one.startswith("bf16") == wanted] for wanted in (True, False))
        assert large
        assert small
        assert all(one.startswith("f32") for one in small)
        assert not any("8,8" in one for one in small)
    outputs = generate(config, state.generator.variables, latents)
    assert outputs.dtype == jnp.float32
    whole = generate(SMALL, state.generator.variables, latents)
    assert 0 < jnp.abs(outputs - whole).max() < 0.1 * jnp.abs(whole).max()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"stage_widths": (8, 8)}, r"stage_widths has 2 entries; images of 16 pixels have 3 stages, 4, 8, 16"),
        ({"stage_cardinalities": (8, 8, 7)}, "stage_cardinalities has 7 at 16 pixels; it must divide the 64 channels"),
        ({"stage_blocks": (1, 1, 1, 1)}, "stage_blocks has 4 entries"),
        ({"stage_widths": (0,)}, r"stage_widths is \(0,\)"),
        ({"stage_blocks": ()}, r"stage_blocks is \(\)"),
        ({"bfloat16_stages": -1}, "bfloat16_stages is -1"),
        ({"expansion": 0}, "expansion is 0"),
        ({"discriminator_width": 8}, "discriminator_width has no effect beside stage_widths"),
    ],
)
def test_stages_that_do_not_fit_are_refused(options, complaint):
    with pytest.raises(InputError, match=complaint):
        find_networks(with_options(**options))


def test_one_number_is_for_every_stage_and_widths_follow_from_the_images():
    stages = stages_of(with_options(stage_widths=(12,), stage_cardinalities=(), stage_blocks=(3,)))
    assert [(stage.width, stage.cardinality, stage.blocks) for stage in stages] == [(12, 1, 3)] * 3
    stages = stages_of(GanConfig(width=24, max_channels=64, network="r3gan", normalization="none"))
    assert [(stage.size, stage.width, stage.cardinality) for stage in stages] == [(7, 64, 8), (14, 48, 6), (28, 24, 3)]
