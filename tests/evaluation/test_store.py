"""A cache that cannot be used costs time and nothing else."""

import dataclasses

import numpy as np
import pytest

from gan_jax import load_dataset
from gan_jax.evaluation import Evaluator, features, load_anchors, load_evaluator, store

EVALUATOR = Evaluator({"logits/bias": np.zeros(10)}, "quick", 0.95, 10, "hash", "not at all")
ANCHORS = {"real": {"frechet_distance": 0.5}}


@pytest.fixture
def computed(monkeypatch):
    """How often evaluator and anchors were computed."""
    calls = []
    monkeypatch.setattr(store, "train_evaluator", lambda dataset: calls.append("evaluator") or EVALUATOR)
    monkeypatch.setattr(store, "anchors", lambda *arguments, **options: calls.append("anchors") or ANCHORS)
    return calls


def load_both():
    digits = load_dataset("digits")
    evaluator = load_evaluator(digits)
    return evaluator, load_anchors(evaluator, digits)


def test_what_was_computed_is_read_the_next_time(computed, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = load_both(), load_both()
    assert computed == ["evaluator", "anchors"]
    assert first[1] == second[1] == ANCHORS
    assert dataclasses.replace(second[0]).sha256 == EVALUATOR.sha256


def test_a_cache_that_cannot_be_written_is_a_warning(computed, monkeypatch, tmp_path, capsys):
    (tmp_path / "cache").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    evaluator, anchors = load_both()
    assert (evaluator.name, anchors) == ("quick", ANCHORS)
    assert capsys.readouterr().err.count("it will be computed again the next time") == 2


def test_a_damaged_cache_is_computed_again(computed, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load_both()
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        path.write_bytes(b"damaged")
    assert load_both()[1] == ANCHORS
    assert computed == ["evaluator", "anchors"] * 2


@pytest.mark.parametrize("change", ["other size", "no classes"])
def test_the_evaluator_that_ships_is_for_images_like_its_own(change, computed, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(store, "random_evaluator", lambda dataset: computed.append("random") or EVALUATOR)
    digits = load_dataset("digits")
    size = {
        f"{part}_images": np.zeros((count, 32, 32, 1), np.uint8) for part, count in (("train", 1500), ("test", 297))
    }
    changes = {"class_names": ()} if change == "no classes" else size
    own = dataclasses.replace(digits, name="fashion_mnist", **changes)
    assert load_evaluator(own).name == "quick"
    assert computed == ["random" if change == "no classes" else "evaluator"]


@pytest.mark.parametrize("change", ["no classes", "labels by chance", "few labels", "one class"])
def test_images_that_no_classifier_knows_are_compared_by_random_features(change, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(features, "_LEAST_STEPS", 20)
    digits = load_dataset("digits")
    some = dataclasses.replace(digits, train_images=digits.train_images[:240], train_labels=digits.train_labels[:240])
    changes = {
        "no classes": {"class_names": ()},
        "labels by chance": {"train_labels": np.where(np.random.default_rng(0).random(240) < 0.96, 0, 1)},
        "few labels": {"train_images": some.train_images[:11], "train_labels": some.train_labels[:11]},
        "one class": {"train_labels": np.full(240, 3)},
    }
    dataset = dataclasses.replace(some, **changes[change])
    evaluator = load_evaluator(dataset)
    assert evaluator.name.startswith("random-digits")
    assert evaluator.accuracy is None
    features.require_accurate(evaluator)
    assert ("scores are in the features of random weights" in capsys.readouterr().err) == (change != "no classes")
    assert load_evaluator(dataset).sha256 == evaluator.sha256


@pytest.mark.parametrize(
    ("count", "accuracy", "used"), [(1500, 0.56, True), (1500, 0.54, False), (160, 0.91, False), (160, 0.94, True)]
)
def test_load_evaluator_takes_a_classifier_that_knows_half_of_what_guesses_do_not(
    count, accuracy, used, tmp_path, monkeypatch, capsys
):
    """Of ten classes; with two, of which few images are held out, more."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    digits = load_dataset("digits")
    few = {"train_images": digits.train_images[:count], "train_labels": np.arange(count) % 2}
    dataset = dataclasses.replace(digits, **few) if count < 1500 else digits
    monkeypatch.setattr(store, "train_evaluator", lambda dataset: dataclasses.replace(EVALUATOR, accuracy=accuracy))
    assert (load_evaluator(dataset).name == "quick") == used
    assert (f"recognizes {accuracy:.0%} of held-out images" in capsys.readouterr().err) == (not used)
