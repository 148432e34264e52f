"""The evaluator: its training, its files, and what it refuses."""

import dataclasses
import json

import chex
import numpy as np
import pytest
from closeness import assert_close

from gan_jax import InputError, load_dataset
from gan_jax.evaluation import extract, features, load_evaluator, read_evaluator, save_evaluator, store, train_evaluator


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


@pytest.fixture
def shipped():
    return read_evaluator(store.shipped_path("fashion_mnist"))


def test_training_is_seeded_and_leaves_the_last_twelfth_out(small, evaluator, monkeypatch):
    monkeypatch.setattr(features, "_LEAST_STEPS", 60)
    monkeypatch.setattr(features, "_BATCH", 32)
    labels = small.train_labels.copy()
    labels[220:] = (labels[220:] + 1) % 10
    again = train_evaluator(dataclasses.replace(small, train_labels=labels))
    assert again.sha256 == evaluator.sha256
    assert train_evaluator(small, seed=1).sha256 != evaluator.sha256
    assert features.held_out(small) == slice(220, None)
    last = extract(evaluator, small.train_images[220:])[1].argmax(axis=1)
    assert evaluator.accuracy == np.mean(last == small.train_labels[220:]) > 0.5
    assert again.accuracy == np.mean(last == labels[220:])


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


def test_it_says_what_it_is(small, evaluator):
    assert evaluator.name == f"fd-digits-{small.content_hash[:8]}-v1"
    assert evaluator.dataset_hash == small.content_hash
    assert evaluator.num_classes == 10
    assert "220 training images of digits, seed 0" in evaluator.training


def test_features_are_in_units_of_their_deviation(small, evaluator):
    found, logits = extract(evaluator, small.train_images[:220])
    assert found.shape == (220, 64)
    assert logits.shape == (220, 10)
    assert found.dtype == logits.dtype == np.float32
    assert found.var(axis=0).mean() == pytest.approx(1, rel=1e-4)


def test_features_do_not_depend_on_the_batch(small, evaluator):
    images = small.train_images[:101]
    everything = extract(evaluator, images)
    for batch_size in (7, 101, 500):
        assert_close(extract(evaluator, images, batch_size=batch_size), everything)
    for first, second in zip(everything, extract(evaluator, images[:13]), strict=True):
        np.testing.assert_array_equal(first[:13], second)


def test_extraction_compiles_once(small, evaluator, monkeypatch):
    import jax

    traced = chex.assert_max_traces(lambda params, images: features.classify(params, images / 255.0), n=1)
    monkeypatch.setattr(features, "_classify_bytes", jax.jit(traced))
    extract(evaluator, small.train_images[:101], batch_size=20)
    extract(evaluator, small.train_images[:3], batch_size=20)


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


@pytest.mark.parametrize("accuracy", [0.0, 0.9099, float("nan")])
def test_an_evaluator_that_knows_too_little_is_refused(evaluator, accuracy):
    with pytest.raises(InputError, match="scores need 91%"):
        features.require_accurate(dataclasses.replace(evaluator, accuracy=accuracy))
    features.require_accurate(dataclasses.replace(evaluator, accuracy=0.91))


def test_a_file_keeps_everything(evaluator, tmp_path):
    save_evaluator(tmp_path / "evaluator.npz", evaluator)
    loaded = read_evaluator(tmp_path / "evaluator.npz")
    for name in ("name", "accuracy", "num_classes", "dataset_hash", "training", "sha256"):
        assert getattr(loaded, name) == getattr(evaluator, name)


def test_changed_weights_and_damaged_files_are_refused(evaluator, tmp_path):
    path = tmp_path / "evaluator.npz"
    save_evaluator(path, evaluator)
    with np.load(path) as arrays:
        arrays = dict(arrays)
    arrays["weights/logits/bias"] = arrays["weights/logits/bias"] + 1
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="sha256"):
        read_evaluator(path)
    path.write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be read as an evaluator"):
        read_evaluator(path)
    with pytest.raises(InputError, match="cannot be read as an evaluator"):
        read_evaluator(tmp_path / "absent.npz")


def test_the_cache_is_by_content_and_mended(small, evaluator, tmp_path, monkeypatch):
    trained = []

    def train(dataset):
        trained.append(dataset.content_hash)
        return dataclasses.replace(evaluator, dataset_hash=dataset.content_hash)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(store, "train_evaluator", train)
    assert load_evaluator(small).sha256 == load_evaluator(small).sha256 == evaluator.sha256
    assert len(trained) == 1
    other = dataclasses.replace(small, test_images=small.test_images[:5])
    assert load_evaluator(other).dataset_hash == other.content_hash
    assert len(trained) == 2
    files = list((tmp_path / "gan_jax" / "evaluators").iterdir())
    assert len(files) == 2
    for path in files:
        path.write_bytes(b"damaged")
    load_evaluator(small)
    assert len(trained) == 3


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


def test_the_shipped_one_is_asked_about_images_that_it_was_not_trained_on(digits):
    impostor = load_evaluator(dataclasses.replace(digits, name="fashion_mnist"))
    assert impostor.name == "fd-fmnist64-v1"
    with pytest.raises(InputError, match="recognizes"):
        features.require_accurate(impostor)
