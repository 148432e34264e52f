"""The evaluator: its training, its files, and what it refuses."""

import dataclasses
import json

import numpy as np
import pytest
from closeness import assert_close

from gan_jax import InputError, load_dataset
from gan_jax.evaluation import extract, features, load_evaluator, read_evaluator, store, train_evaluator
from gan_jax.evaluation.protocol import require_scorable


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def small(digits):
    """A data set that takes a moment to train on."""
    count = 240
    return dataclasses.replace(
        digits, train_images=digits.train_images[:count], train_labels=digits.train_labels[:count]
    )


@pytest.fixture(scope="module")
def evaluator(small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "_LEAST_STEPS", 60)
        patch.setattr(features, "_BATCH", 32)
        return train_evaluator(small)


def kept_images(dataset):
    return dataset.train_images[~features.held_out(dataset.train_labels)]


@pytest.fixture
def shipped():
    return read_evaluator(store.shipped_path("fashion_mnist"))


@pytest.mark.soak
def test_training_is_seeded_and_leaves_a_twelfth_of_each_class_out(small, evaluator, monkeypatch):
    monkeypatch.setattr(features, "_LEAST_STEPS", 60)
    monkeypatch.setattr(features, "_BATCH", 32)
    held = features.held_out(small.train_labels)
    images = np.where(held[:, None, None, None], 0, small.train_images)
    again = train_evaluator(dataclasses.replace(small, train_images=images))
    assert again.sha256 == evaluator.sha256
    assert train_evaluator(small, seed=1).sha256 != evaluator.sha256
    counts = np.bincount(small.train_labels)
    assert np.bincount(small.train_labels[held]).tolist() == (counts // 12).tolist()
    right = extract(evaluator, small.train_images[held])[1].argmax(axis=1) == small.train_labels[held]
    shares = [right[small.train_labels[held] == label].mean() for label in range(10)]
    assert evaluator.accuracy == np.mean(shares) > 0.5
    assert (again.accuracy or 0) < 0.2  # the black images are all of one class


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_held_out_takes_every_class_whatever_the_order(order):
    labels = np.repeat([0, 1, 2, 3, 4], [600, 240, 13, 2, 1])
    labels = np.random.default_rng(1).permutation(labels) if order == "shuffled" else labels
    assert np.bincount(labels[features.held_out(labels)], minlength=5).tolist() == [50, 20, 1, 1, 0]


def test_a_guess_of_the_most_frequent_class_is_no_accuracy(evaluator, small, monkeypatch):
    monkeypatch.setattr(features, "extract", lambda evaluator, images: (None, np.eye(2)[np.zeros(len(images), int)]))
    labels = np.repeat([0, 1], [96, 4])
    assert features.measure_accuracy(evaluator, np.zeros((100, 28, 28, 1), np.uint8), labels) == 0.5


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (np.ones(60, int), "the training images of digits are of one class; give more labelled images"),
        (np.arange(11) % 2, "digits has too few labelled training images: 2 of them can be held out"),
        (np.arange(11) % 10, "1 of them can be held out to measure a classifier, too few to tell it from a guess"),
        (np.arange(30), "0 of them can be held out"),
        ((np.arange(60) < 2).astype(int), "5 of them can be held out"),
    ],
)
def test_a_classifier_needs_two_classes_and_images_to_measure_it(small, labels, complaint):
    names = tuple(map(str, range(30)))
    few = dataclasses.replace(
        small, train_images=small.train_images[: len(labels)], train_labels=labels, class_names=names
    )
    with pytest.raises(InputError, match=complaint):
        train_evaluator(few)


def test_images_that_are_all_alike_have_no_features(small):
    images = np.full((60, 28, 28, 1), 7, np.uint8)
    alike = dataclasses.replace(small, train_images=images, train_labels=small.train_labels[:60])
    for make in (features.random_evaluator, train_evaluator, load_evaluator, require_scorable):
        with pytest.raises(InputError, match="the training images of digits are all alike; scores need images that"):
            make(alike)


@pytest.mark.soak
def test_a_second_opinion_has_another_network(small, evaluator, monkeypatch):
    monkeypatch.setattr(features, "_LEAST_STEPS", 60)
    monkeypatch.setattr(features, "_BATCH", 32)
    second = train_evaluator(small, kernel_size=3)
    assert second.params["conv_1/kernel"].shape == (3, 3, 32, 64)
    assert second.name == f"{evaluator.name}-pooled"
    assert (second.accuracy or 0) > 0.5
    assert extract(second, small.train_images[:7])[0].shape == (7, 64)
    with pytest.raises(InputError, match="kernel_size is 5; it must be one of 3, 4"):
        train_evaluator(small, kernel_size=5)


def test_features_are_in_units_of_their_deviation(small, evaluator):
    kept = kept_images(small)
    found, logits = extract(evaluator, kept)
    assert found.shape == (len(kept), 64)
    assert logits.shape == (len(kept), 10)
    assert found.dtype == logits.dtype == np.float32
    assert found.var(axis=0).mean() == pytest.approx(1, rel=1e-4)


def test_features_do_not_depend_on_the_batch(small, evaluator):
    images = small.train_images[:101]
    everything = extract(evaluator, images)
    for batch_size in (7, 101, 500):
        assert_close(extract(evaluator, images, batch_size=batch_size), everything)
    for first, second in zip(everything, extract(evaluator, images[:13]), strict=True):
        np.testing.assert_array_equal(first[:13], second)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda images: images / np.float32(255), "uint8"),
        (lambda images: images[..., 0], "shape"),
        (lambda images: images[:0], "at least 1"),
        (lambda images: images[:, :20], "trained on another"),
        (lambda images: images.repeat(3, axis=3), "trained on another"),
    ],
)
def test_other_images_are_refused(small, evaluator, spoil, message):
    with pytest.raises(ValueError, match=message):
        extract(evaluator, spoil(small.train_images[:4]))


@pytest.mark.parametrize("accuracy", [0.0, 0.5499, float("nan")])
def test_an_evaluator_that_knows_too_little_is_refused(evaluator, accuracy):
    with pytest.raises(InputError, match="scores need 55% where there are 10 classes"):
        features.require_accurate(dataclasses.replace(evaluator, accuracy=accuracy))
    features.require_accurate(dataclasses.replace(evaluator, accuracy=0.55))


@pytest.mark.parametrize("counts", [[6, 6], [50, 4], [100, 100, 100], [3] * 10, [1] * 12])
def test_guessed_accuracy_is_hardly_reached_by_guesses(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    guesses = np.random.default_rng(0).integers(0, len(counts), (4000, len(labels)))
    shares = np.stack([(guesses[:, labels == kind] == kind).mean(axis=1) for kind in range(len(counts))])
    accuracies = shares.mean(axis=0)
    assert np.mean(accuracies > features.guessed_accuracy(labels)) < 0.02
    assert features.guessed_accuracy(labels) == pytest.approx(1 / len(counts) + 3 * accuracies.std(), rel=0.05)


def test_the_shipped_weights_are_those_that_it_states(shipped):
    path = store.shipped_path("fashion_mnist")
    assert path.stat().st_size < 1e6
    with np.load(path, allow_pickle=False) as arrays:
        metadata = json.loads(str(arrays["metadata"]))
    assert metadata["sha256"] == shipped.sha256
    assert shipped.name == metadata["name"] == path.stem == "fd-fmnist64-v1"
    assert shipped.accuracy >= 0.91
    assert "seed 0" in shipped.training
    features.require_accurate(shipped)


def test_the_shipped_one_is_for_images_that_it_recognizes(small, shipped):
    labels = extract(shipped, small.train_images)[1].argmax(axis=1)
    found = load_evaluator(dataclasses.replace(small, name="fashion_mnist", train_labels=labels))
    assert (found.sha256, found.accuracy) == (shipped.sha256, shipped.accuracy)
