import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_close

from gan_jax import (
    Dataset,
    GanConfig,
    InputError,
    discriminate,
    generate,
    init_state,
    quantize_images,
    run_keys,
    sample_latents,
)
from gan_jax.inference.projection import project_image
from gan_jax.inference.sampling import interpolate_images, interpolate_latents, sample_fakes, sample_images
from gan_jax.runs.experiment import draw_preview
from gan_jax.training.batches import Batch, ResidentImages
from gan_jax.training.forward import batch_fakes

CONFIG = GanConfig(image_shape=(8, 8, 1), latent_dim=8, width=4, initializer="he")
START, END = np.random.default_rng(0).normal(size=(2, 100))


@pytest.fixture(scope="module")
def generator():
    return init_state(CONFIG, run_keys(0).init).generator.variables


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
    assert images.shape == (3, 5, 8, 8, 1)
    assert images.dtype == np.uint8
    stops = sample_images(CONFIG, generator, 3, seed=4).astype(int)
    # One level: a batch of another size may round differently.
    np.testing.assert_allclose(images[:, 0], stops, atol=1)
    np.testing.assert_allclose(images[:, -1], np.roll(stops, -1, axis=0), atol=1)
    assert (interpolate_images(CONFIG, generator, rows=3, columns=5, seed=5) != images).any()


def test_images_are_those_of_the_latents_on_the_great_circle(generator):
    first, second = (jax.random.normal(jax.random.fold_in(jax.random.key(0), 0), (250, 8))[index] for index in range(2))
    halfway = interpolate_latents(first, second, 3)
    images = interpolate_images(CONFIG, generator, rows=2, columns=3)
    np.testing.assert_allclose(images[0].astype(int), quantize_images(generate(CONFIG, generator, halfway)), atol=1)
    np.testing.assert_allclose(images[0].astype(int), images[1, ::-1], atol=1)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ([0, 1, 99], "labels are from 0 to 99; they must be from 0 to 2"),
        (jnp.array([-1, 1, 2]), "labels are from -1 to 2"),
        ([0, 1], r"labels are int64 \[2\]; they must be whole numbers \[3\], one for each image"),
        (np.array([0, 1, 1.7], np.float32), "labels are float32"),
        ("012", "labels are <U3"),
    ],
)
def test_labels_that_are_no_classes_are_refused_wherever_they_come_in(labels, complaint):
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=2, batch_size=3, conditional=True, num_classes=3)
    state, key = init_state(config, jax.random.key(0)), jax.random.key(1)
    images = jnp.zeros((3, 8, 8, 1))
    for use in (
        lambda: generate(config, state.generator.variables, sample_latents(config, key), labels),
        lambda: batch_fakes(config, state, key, labels),
        lambda: discriminate(config, state.discriminator.variables, images, labels),
        lambda: sample_images(config, state.generator.variables, 3, labels=labels),
        lambda: ResidentImages(config, Batch(images.astype(jnp.uint8), labels), run_keys(0)),
    ):
        with pytest.raises(InputError, match=complaint):
            use()


def test_the_label_of_a_projection_or_a_walk_is_a_class():
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=2, conditional=True, num_classes=3)
    image = np.zeros((8, 8, 1), np.uint8)
    for chosen, complaint in ((config, "from 0 to 2"), (CONFIG, "not conditional")):
        state = init_state(chosen, jax.random.key(0))
        with pytest.raises(InputError, match=complaint):
            project_image(chosen, state.generator.variables, state.discriminator.variables, image, label=3)
        with pytest.raises(InputError, match=complaint):
            interpolate_images(chosen, state.generator.variables, 2, 2, label=3)


def test_labels_that_a_program_computes_are_not_looked_at():
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=2, batch_size=3, conditional=True, num_classes=3)
    generator, latents = init_state(config, jax.random.key(0)).generator.variables, np.ones((3, 4), np.float32)
    computed = jax.jit(lambda labels: generate(config, generator, latents, labels))(jnp.array([0, 1, 2]))
    np.testing.assert_allclose(computed, generate(config, generator, latents, [0, 1, 2]), atol=1e-6)


def test_sample_images_with_truncation_are_those_of_shorter_latents(generator):
    for truncation in (0.5, 0.0):
        latents = sample_latents(CONFIG, jax.random.fold_in(jax.random.key(3), 0), 250) * truncation
        expected = quantize_images(generate(CONFIG, generator, latents))[:4]
        np.testing.assert_array_equal(sample_images(CONFIG, generator, 4, 3, truncation=truncation), expected)


def data_set(trained, tested, classes=3):
    """A set with so many images of each class for training, and for tests."""
    pixels = [np.zeros((sum(counts), 8, 8, 1), np.uint8) for counts in (trained, tested)]
    labels = [np.repeat(np.arange(len(counts)), counts) for counts in (trained, tested)]
    return Dataset("cats", pixels[0], labels[0], pixels[1], labels[1], tuple("abc"[:classes]))


@pytest.mark.parametrize(
    ("trained", "tested", "numbers"),
    [
        ((10, 10, 10), (5, 15, 0), [5, 15, 0]),
        ((90, 5, 5), (4, 4, 4), [7, 7, 6]),
        ((9, 0, 1), (4, 8, 4), [10, 0, 10]),  # nothing was learned of the second
        ((15, 5, 0), (0, 0, 9), [15, 5, 0]),
    ],
)
def test_fakes_have_the_test_images_shares_of_the_classes_that_were_learned(trained, tested, numbers, monkeypatch):
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=8, width=4, conditional=True, num_classes=3)
    asked = []
    monkeypatch.setattr("gan_jax.inference.sampling.sample_images", lambda *arguments: asked.append(arguments[-1]))
    sample_fakes(config, None, data_set(trained, tested), 20)
    assert np.bincount(asked[0], minlength=3).tolist() == numbers


def test_fakes_of_even_classes_are_those_of_the_classes_in_turn():
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=8, width=4, conditional=True, num_classes=3, initializer="he")
    network = init_state(config, run_keys(0).init).generator.variables
    fakes = sample_fakes(config, network, data_set((9, 1, 5), (7, 7, 7)), 11, seed=2)
    np.testing.assert_array_equal(fakes, sample_images(config, network, 11, seed=2))


def test_classes_without_training_images_are_left_out_of_images_in_turn():
    config = GanConfig(
        image_shape=(8, 8, 1), latent_dim=4, width=2, conditional=True, num_classes=4, class_counts=(0, 5, 0, 2)
    )
    network = init_state(config, run_keys(0).init).generator.variables
    expected = sample_images(config, network, 5, labels=[1, 3, 1, 3, 1])
    np.testing.assert_array_equal(sample_images(config, network, 5), expected)
    latents = sample_latents(config, jax.random.key(0), 2)
    np.testing.assert_array_equal(generate(config, network, latents), generate(config, network, latents, [1, 3]))
    walk = interpolate_images(config, network, 2, 2)
    for row, label in enumerate((1, 3)):
        np.testing.assert_array_equal(walk[row], interpolate_images(config, network, 2, 2, label=label)[row])
    assert draw_preview(config, init_state(config, run_keys(0).init), run_keys(0)).shape[0] == 16


def test_fakes_of_other_classes_than_the_data_are_refused(generator):
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=8, width=4, conditional=True, num_classes=10)
    with pytest.raises(InputError, match="the run knows 10 classes and cats has 3; give the --dataset"):
        sample_fakes(config, generator, data_set((1, 1, 1), (1, 1, 1)), 11)
    plain = data_set((1, 1, 1), (1, 1, 1), classes=0)
    assert sample_fakes(CONFIG, generator, plain, 4).shape == (4, 8, 8, 1)
