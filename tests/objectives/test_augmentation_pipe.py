"""The pipe against images from its authors' program, and its probabilities.

``GAN_JAX_AUGMENT_GOLDENS`` may name another folder of files like ``goldens/percentiles.npz``; their keys tell what they
hold: ``images/CHANNELS``, and ``outputs/CHANNELS/NAME/PERCENTILE`` with every random number at that percentile.
"""

import math
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close
from scipy.special import erfinv

from gan_jax.objectives.affine import resample
from gan_jax.objectives.augmentation_pipe import PipeChoices, apply_choices, draw_choices, pipe

GOLDENS = sorted(Path(os.environ.get("GAN_JAX_AUGMENT_GOLDENS", Path(__file__).parent / "goldens")).glob("*.npz"))
NOTHING = PipeChoices(*(0.0, 0.0, (0.0, 0.0), 1.0, 0.0, 1.0, 0.0, (0.0, 0.0), 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, (0.0, 0.0)))
FIELDS = {
    "xflip": ("mirrored",),
    "rotate90": ("turns",),
    "xint": ("shift",),
    "scale": ("scale",),
    "rotate": ("rotation_before",),
    "aniso": ("stretch",),
    "xfrac": ("fraction",),
    "brightness": ("brightness",),
    "contrast": ("contrast",),
    "lumaflip": ("luma_flipped",),
    "hue": ("hue",),
    "saturation": ("saturation",),
    "cutout": ("cutout", "cutout_centre"),
    "all": set(PipeChoices._fields) - {"rotation_after"},
}
apply, jit_pipe = jax.jit(apply_choices), jax.jit(pipe)


def choose(count, **fields):
    """These choices for each image, and else nothing."""
    each = NOTHING._replace(**fields)
    return PipeChoices(
        *(jnp.broadcast_to(jnp.asarray(value, jnp.float32), (count, *np.shape(value))) for value in each)
    )


def at_percentile(name, percentile):
    """The fields of a transformation at a percentile of each."""
    normal, angle = float(erfinv(2 * percentile - 1)), (2 * percentile - 1) * math.pi
    shift, fraction, half = (2 * percentile - 1) / 8, normal / 8, float(percentile >= 0.5)
    values = PipeChoices(
        mirrored=half,
        turns=math.floor(4 * percentile),
        shift=(shift, shift),
        scale=2 ** (0.2 * normal),
        rotation_before=angle,
        stretch=2 ** (0.2 * normal),
        rotation_after=0.0,
        fraction=(fraction, fraction),
        brightness=0.2 * normal,
        contrast=2 ** (0.5 * normal),
        luma_flipped=half,
        hue=angle,
        saturation=2**normal,
        cutout=0.5,
        cutout_centre=(percentile, percentile),
    )
    return {field: getattr(values, field) for field in FIELDS[name]}


def some_images(count=3, size=12, channels=3):
    return jax.random.uniform(jax.random.key(5), (count, size, size, channels), minval=-1, maxval=1)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.stem)
def test_each_transformation_agrees_with_the_authors_program(path, name):
    with np.load(path) as golden:
        outputs = {key: golden[key] for key in golden if key.startswith("outputs/") and f"/{name}/" in key}
        images = {key: golden[key] for key in golden if key.startswith("images/")}
    assert outputs
    for key, expected in outputs.items():
        _, channels, _, percentile = key.split("/")
        before = images[f"images/{channels}"]
        changed = apply(choose(len(before), **at_percentile(name, float(percentile))), before)
        np.testing.assert_allclose(changed, expected, rtol=0, atol=1e-4, err_msg=key)


def test_no_golden_has_a_transformation_that_is_not_compared():
    for path in GOLDENS:
        with np.load(path) as golden:
            assert {key.split("/")[2] for key in golden if key.startswith("outputs/")} <= set(FIELDS)


@pytest.mark.parametrize(("shape", "dtype"), [((3, 28, 28, 1), "float32"), ((2, 16, 16, 3), "bfloat16")])
def test_at_probability_0_each_bit_stays(shape, dtype):
    images = jax.random.normal(jax.random.key(0), shape).at[0, 0, 0, 0].set(-0.0).astype(dtype)
    same = jit_pipe(jax.random.key(1), images, 0.0)
    assert same.dtype == images.dtype
    assert np.asarray(same).tobytes() == np.asarray(images).tobytes()


def test_the_batch_does_not_change_what_happens_to_an_image():
    draw, images = jax.jit(draw_choices, static_argnums=1), some_images(64)
    choices = draw(jax.random.key(2), 64, 0.1)
    kept = np.logical_and.reduce(
        [
            (np.asarray(field).reshape(64, -1) == np.ravel(nothing)).all(1)
            for name, field, nothing in zip(PipeChoices._fields, choices, NOTHING, strict=True)
            if name != "cutout_centre"
        ]
    )
    changed = np.asarray(apply(choices, images))
    same = (changed == np.asarray(images)).all((1, 2, 3))
    assert 5 < kept.sum() < 60
    assert same[kept].all()
    assert not same[~kept][:8].all()
    few = draw(jax.random.key(2), 8, 0.1)
    for choice, choice_among_many in zip(few, choices, strict=True):
        np.testing.assert_array_equal(choice, choice_among_many[:8])
    np.testing.assert_allclose(apply(few, images[:8]), changed[:8], rtol=0, atol=1e-5)


def test_each_change_happens_with_its_probability_and_spread():
    count, probability = 4000, 0.4
    drawn = jax.jit(draw_choices, static_argnums=1)(jax.random.key(4), count, probability)
    quarter = 1 - math.sqrt(1 - probability)
    shares = dict.fromkeys(("shift", "scale", "stretch", "fraction", "cutout"), probability)
    shares |= {"mirrored": probability / 2, "turns": probability * 3 / 4, "luma_flipped": probability / 4}
    shares |= dict.fromkeys(("rotation_before", "rotation_after"), quarter)
    shares |= dict.fromkeys(("brightness", "contrast", "hue", "saturation"), probability / 2)
    spreads = {"scale": 0.2, "stretch": 0.2, "fraction": 1 / 8, "brightness": 0.2, "contrast": 0.5, "saturation": 1}
    spreads |= {"shift": 1 / 8 / math.sqrt(3)} | dict.fromkeys(("rotation_before", "rotation_after", "hue"), 1.8138)
    for name, share in shares.items():
        values, nothing = np.asarray(getattr(drawn, name)), getattr(NOTHING, name)
        happened = (values != nothing).reshape(count, -1).any(1)
        assert happened.mean() == pytest.approx(share, abs=0.03), name
        values = np.log2(values[happened]) if nothing == 1 else values[happened]
        if name in spreads:
            assert values.std() == pytest.approx(spreads[name], rel=0.08), name
            assert values.mean() == pytest.approx(0, abs=0.15 * spreads[name]), name
    rotated = (drawn.rotation_before != 0) | (drawn.rotation_after != 0)
    assert float(rotated.mean()) == pytest.approx(probability, abs=0.03)
    together = np.corrcoef([np.asarray(drawn.cutout > 0), np.asarray(drawn.scale != 1)])[0, 1]
    assert abs(together) < 0.06
    assert float(drawn.cutout_centre.mean()) == pytest.approx(0.5, abs=0.02)


def test_a_whole_shift_moves_pixels_and_reflects_the_borders():
    images = np.asarray(some_images(2, 16, 1))
    moved = apply(choose(2, shift=(0.1, -0.125)), images)  # 1.6 pixels right, 2 up
    expected = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")[:, 4:20, 0:16]
    np.testing.assert_allclose(moved, expected, atol=1e-4)


@pytest.mark.parametrize("size", [4, 72])
def test_images_of_any_size_are_mirrored_and_turned_and_gradients_back(size):
    """Smooth images: the wavelet is not symmetric, so that the authors' mirror images are not exact."""
    x, y = np.meshgrid(np.cos(np.pi * np.arange(size) / (size - 1)), np.cos(np.pi * np.arange(size) / (size - 1)))
    images = np.broadcast_to((x + 0.5 * y + 0.5 * x * y)[None, :, :, None], (3, size, size, 2)).astype(np.float32)
    mirrored, pull_back = jax.vjp(lambda images: apply(choose(3, mirrored=1.0), images), images)
    tolerance = 1 / size
    np.testing.assert_allclose(mirrored, images[:, :, ::-1], atol=tolerance)
    np.testing.assert_allclose(apply(choose(3, turns=2.0), images), images[:, ::-1, ::-1], atol=tolerance)
    np.testing.assert_allclose(apply(choose(3, turns=1.0), images), np.rot90(images, 1, (1, 2)), atol=tolerance)
    cotangent = np.asarray(some_images(3, size, 2))
    assert float(jnp.vdot(pull_back(cotangent)[0], images)) == pytest.approx(
        float(jnp.vdot(cotangent, mirrored)), rel=1e-3
    )


def test_beyond_one_reflection_there_are_zeros():
    images = jnp.ones((1, 8, 8, 1))
    far = jnp.array([[[1.0, 0.0], [0.0, 1.0], [40.0, 0.0]]])
    assert float(jnp.abs(jax.jit(resample)(images, far)).max()) == 0


def test_a_grey_image_stays_grey_and_knows_no_hue():
    images = some_images(2, 8, 1)
    np.testing.assert_array_equal(apply(choose(2, hue=1.0, saturation=3.0), images), images)
    darker = apply(choose(2, brightness=0.25, contrast=2.0, luma_flipped=1.0), images)
    np.testing.assert_allclose(darker, -2 * (images + 0.25), atol=1e-6)
    grey = jnp.broadcast_to(images, (2, 8, 8, 3))
    as_colour = apply(choose(2, brightness=0.25, contrast=2.0, luma_flipped=1.0), grey)
    np.testing.assert_allclose(as_colour, jnp.broadcast_to(darker, grey.shape), atol=1e-6)


@pytest.mark.soak
def test_the_gradient_of_a_gradient_is_its_slope():
    images, key = some_images(2, 4, 1), jax.random.key(6)
    slope = jax.jit(jax.grad(lambda images: jnp.sum(jnp.sin(3 * pipe(key, images, 0.8)))))
    direction = jax.random.normal(jax.random.key(7), images.shape)
    step = 1e-2 * direction
    expected = (slope(images + step) - slope(images - step)) / 2e-2
    found = jax.jit(jax.grad(lambda images: jnp.vdot(slope(images), direction)))(images)
    assert_close(found, expected, 1e-2)
