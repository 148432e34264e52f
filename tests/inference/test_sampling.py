import jax
import numpy as np
import pytest
from closeness import assert_close

from gan_jax import GanConfig, generate, init_state, quantize_images, run_keys
from gan_jax.inference.sampling import interpolate_images, interpolate_latents, sample_images

CONFIG = GanConfig(latent_dim=8, width=4, initializer="he")
START, END = np.random.default_rng(0).normal(size=(2, 100))


@pytest.fixture(scope="module")
def generator():
    return init_state(CONFIG, run_keys(0).init).generator


def test_latents_of_one_length_are_shoemakes_slerp():
    end = END * np.linalg.norm(START) / np.linalg.norm(END)
    angle = np.arccos(START @ end / (START @ START))
    slerp = [(np.sin((1 - t) * angle) * START + np.sin(t * angle) * end) / np.sin(angle) for t in np.linspace(0, 1, 7)]
    path = interpolate_latents(START, end, 7)
    assert path.dtype == np.float32
    assert_close(path, np.array(slerp), rtol=1e-6)
    quarter = interpolate_latents([1, 0, 0], [0, 1, 0], 4)
    assert_close(quarter, np.array([[1, 0, 0], [0.75**0.5, 0.5, 0], [0.5, 0.75**0.5, 0], [0, 1, 0]]), rtol=1e-6)


def test_both_ends_are_on_the_path_and_the_length_changes_steadily():
    path = interpolate_latents(START, 3 * END, 5)
    assert_close(path[[0, -1]], np.array([START, 3 * END]), rtol=1e-6)
    lengths = np.linspace(np.linalg.norm(START), 3 * np.linalg.norm(END), 5)
    assert_close(np.linalg.norm(path, axis=1), lengths, rtol=1e-5)
    np.testing.assert_array_equal(interpolate_latents(START, END, 1), [START.astype(np.float32)])


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("nudge", [0, 1e-12, 1e-8, 1e-4])
def test_parallel_latents_keep_their_direction(factor, nudge):
    path = interpolate_latents(START, factor * START + nudge * END, 5)
    assert_close(path, np.linspace(1, factor, 5)[:, None] * START, rtol=1e-6 + 2 * nudge)


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("nudge", [0, 1e-12, 1e-8, 1e-4])
def test_opposite_latents_are_joined_by_half_a_circle(factor, nudge):
    end = nudge * END - factor * START
    path = interpolate_latents(START, end, 9).astype(np.float64)
    lengths = np.linalg.norm(path, axis=1)
    assert_close(lengths, np.linspace(np.linalg.norm(START), np.linalg.norm(end), 9), rtol=1e-6)
    assert_close(path[[0, -1]], np.array([START, end]), rtol=1e-6)
    turns = np.sum(path[1:] * path[:-1], axis=1) / (lengths[1:] * lengths[:-1])
    np.testing.assert_allclose(turns, np.cos(np.pi / 8), rtol=0, atol=1e-4)


def test_in_one_dimension_opposites_meet_at_zero():
    assert_close(interpolate_latents([2], [-2], 5)[:, 0], np.array([2, 2**0.5, 0, -(2**0.5), -2]), rtol=1e-6)


@pytest.mark.parametrize(
    ("start", "end", "complaint"),
    [
        (START, END[:9], r"one size, not \[100\] and \[9\]"),
        (START[None], END[None], "two vectors"),
        (START, 0 * END, "not zero"),
        (START * np.nan, END, "finite"),
    ],
)
def test_what_has_no_great_circle_is_told(start, end, complaint):
    with pytest.raises(ValueError, match=complaint):
        interpolate_latents(start, end, 3)


def test_a_row_goes_from_one_samples_image_to_the_nexts(generator):
    images = interpolate_images(CONFIG, generator, rows=3, columns=5, seed=4)
    assert images.shape == (3, 5, 28, 28, 1)
    assert images.dtype == np.uint8
    stops = sample_images(CONFIG, generator, 3, seed=4).astype(int)
    # One level: a batch of another size may round differently.
    np.testing.assert_allclose(images[:, 0], stops, atol=1)
    np.testing.assert_allclose(images[:, -1], np.roll(stops, -1, axis=0), atol=1)
    assert (interpolate_images(CONFIG, generator, rows=3, columns=5, seed=5) != images).any()


def test_images_change_by_small_steps_along_a_row(generator):
    row = interpolate_images(CONFIG, generator, rows=2, columns=17, seed=0)[0].astype(float)
    steps = np.abs(np.diff(row, axis=0)).mean((1, 2, 3))
    assert (steps > 0).all()
    assert steps.max() < np.abs(row[-1] - row[0]).mean() / 4


def test_images_are_those_of_the_latents_on_the_great_circle(generator):
    first, second = (jax.random.normal(jax.random.fold_in(jax.random.key(0), 0), (250, 8))[index] for index in range(2))
    halfway = interpolate_latents(first, second, 3)
    images = interpolate_images(CONFIG, generator, rows=2, columns=3)
    np.testing.assert_allclose(images[0].astype(int), quantize_images(generate(CONFIG, generator, halfway)), atol=1)
    np.testing.assert_allclose(images[0].astype(int), images[1, ::-1], atol=1)


@pytest.mark.parametrize(("rows", "columns"), [(1, 5), (5, 1)])
def test_a_walk_needs_two_stops_and_two_images(generator, rows, columns):
    with pytest.raises(ValueError, match="at least 2"):
        interpolate_images(CONFIG, generator, rows, columns)
