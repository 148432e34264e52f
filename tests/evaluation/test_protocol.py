"""The protocol, on digits and their evaluator."""

import dataclasses
import json

import numpy as np
import pytest
from in_process import assert_mistake, script

from gan_jax import InputError, load_dataset
from gan_jax.evaluation import (
    ANCHORS,
    anchors,
    blur_images,
    class_divergence,
    class_histogram,
    critic_accuracy,
    density_coverage,
    extract,
    features,
    frechet_distance,
    fresh_critic,
    kernel_distance,
    load_evaluator,
    precision_recall,
    read_evaluator,
    score_images,
    sliced_wasserstein,
)
from gan_jax.evaluation.protocol import NUM_PARTS, require_scorable
from gan_jax.pictures.scores import scores_table

NUMBERS = {
    *("frechet_distance", "frechet_floor", "kernel_distance", "kernel_distance_error", "precision", "recall"),
    *("density", "coverage", "class_divergence", "sliced_wasserstein", "authenticity", "critic_accuracy"),
}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def few(digits):
    """The data set with fewer images."""
    return dataclasses.replace(
        digits,
        train_images=digits.train_images[:300],
        train_labels=digits.train_labels[:300],
        test_images=digits.test_images[:120],
        test_labels=digits.test_labels[:120],
    )


@pytest.fixture(scope="module")
def evaluator(digits):
    return load_evaluator(digits)


@pytest.fixture(scope="module")
def quick():
    """A critic that sees little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh_critic, "_STEPS", 60)
        patch.setattr(fresh_critic, "_BATCH", 16)
        yield


@pytest.fixture(scope="module")
def table(quick, evaluator, digits):
    return anchors(evaluator, digits)


@pytest.mark.soak
def test_the_script_writes_an_evaluator(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "_LEAST_STEPS", 200)
    flags = ["--dataset", "digits", "--output", tmp_path / "digits.npz", "--name", "mine"]
    status, out, err = script("train_evaluator", *flags)
    assert (status, err) == (0, "")
    evaluator = read_evaluator(tmp_path / "digits.npz")
    assert evaluator.name == "mine"
    assert evaluator.sha256 in out
    assert_mistake(
        script("train_evaluator", "--dataset", "cats", "--output", tmp_path / "cats.npz"), "unknown data set"
    )


@pytest.mark.soak
def test_a_table_is_plain_and_names_its_evaluator(table, evaluator, digits):
    assert tuple(table) == ANCHORS
    assert len({tuple(scores) for scores in table.values()}) == 1
    assert json.loads(json.dumps(table)) == table
    for scores in table.values():
        assert scores["evaluator"] == evaluator.name
        assert scores["evaluator_sha256"] == evaluator.sha256
        assert scores["num_fakes"] == scores["num_reals"] == len(digits.test_images)
        assert all(np.isfinite(scores[name]) for name in NUMBERS)
        assert sum(scores["class_counts"]) == len(digits.test_images)


@pytest.mark.soak
def test_real_images_are_the_best_of_the_anchors(table):
    real, *others = table.values()
    for name in ("frechet_distance", "kernel_distance", "sliced_wasserstein"):
        assert all(real[name] < other[name] for other in others), name
    assert all(real["recall"] > other["recall"] for other in others)
    for anchor in ("one class left out", "mean image", "noise"):  # a blur of every image is near every image
        assert real["coverage"] > table[anchor]["coverage"]
    for anchor in ("one class left out", "mean image", "noise"):  # a blur leaves most classes what they are
        assert real["class_divergence"] < table[anchor]["class_divergence"]
    for anchor in ("blurred", "mean image", "noise"):  # a critic need not miss a class
        assert real["critic_accuracy"] < table[anchor]["critic_accuracy"]


@pytest.mark.soak
def test_the_anchors_show_what_they_are_for(table):
    left_out = table["one class left out"]
    assert left_out["class_counts"][1] <= 3
    assert left_out["coverage"] < table["real"]["coverage"] - 0.02
    assert left_out["class_divergence"] > table["real"]["class_divergence"] + 0.05
    assert table["noise"]["authenticity"] == 1
    assert 0.3 < table["real"]["authenticity"] < 0.9  # against images that are not in the sample
    assert max(table["mean image"]["class_counts"]) == table["mean image"]["num_fakes"]


def test_score_images_is_of_the_fakes_and_seeded(quick, evaluator, few):
    told, fakes = [], few.train_images[:80]
    first = score_images(evaluator, fakes, few, tell=told.append)
    assert (len(told), told[0], told[-1]) == (NUM_PARTS, "features", "critic accuracy")
    assert first == score_images(evaluator, fakes, few)
    assert first.keys() >= NUMBERS
    assert first["authenticity"] == 0  # copies
    assert first["num_fakes"] == 80
    assert first["sliced_wasserstein"] != score_images(evaluator, fakes, few, seed=1)["sliced_wasserstein"]


def test_a_constant_generator_is_scored(quick, evaluator, digits):
    scores = score_images(evaluator, np.full((60, 28, 28, 1), 128, np.uint8), digits)
    assert all(np.isfinite(scores[name]) for name in NUMBERS)
    assert scores["recall"] < 0.05
    assert scores["coverage"] < 0.1
    assert scores["class_divergence"] > 1


def test_what_cannot_be_scored_is_refused(evaluator, digits):
    fakes = digits.train_images[:20]
    with pytest.raises(InputError, match="scores need 55%"):
        score_images(dataclasses.replace(evaluator, accuracy=0.5), fakes, digits)
    for spoiled, message in [
        (fakes / np.float32(255), "uint8"),
        (fakes[:, :27], "agree"),
        (fakes[:7], "at least 8"),
        (fakes[..., 0], "shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            score_images(evaluator, spoiled, digits)


@pytest.mark.soak
@pytest.mark.parametrize("left_out", [0, 1])
def test_anchors_leave_no_class_out_where_that_leaves_all_or_nothing(left_out, quick, evaluator, few):
    alone = few.train_labels == 0
    one_class = dataclasses.replace(few, train_images=few.train_images[alone], train_labels=few.train_labels[alone])
    assert "one class left out" not in anchors(evaluator, one_class, left_out=left_out)


def noisy(images, labels, level):
    noise = np.random.default_rng(0).standard_normal(images.shape) * 50 * level
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def blurred(images, labels, level):
    return blur_images(images, 1.2 * level) if level else images


def with_classes_dropped(images, labels, level):
    return images[labels >= 2 * level]


ALWAYS = {"frechet_distance", "kernel_distance", "coverage", "sliced_wasserstein"}


@pytest.mark.parametrize(
    ("worsen", "names"),
    [
        pytest.param(noisy, ALWAYS | {"density", "precision"}, marks=pytest.mark.soak),
        (blurred, ALWAYS | {"recall"}),
        (with_classes_dropped, ALWAYS | {"recall", "class_divergence"}),
    ],
)
def test_scores_worsen_step_by_step(evaluator, digits, worsen, names):
    half = len(digits.train_images) // 3
    reals, reals_features = digits.train_images[:half], extract(evaluator, digits.train_images[:half])
    found = []
    for level in range(4):
        fakes = worsen(digits.train_images[-half:], digits.train_labels[-half:], level)
        features, logits = extract(evaluator, fakes)
        scores = {
            "frechet_distance": frechet_distance(reals_features[0], features),
            "kernel_distance": kernel_distance(reals_features[0], features).value,
            "sliced_wasserstein": sliced_wasserstein(reals, fakes),
            "class_divergence": class_divergence(class_histogram(reals_features[1]), class_histogram(logits)),
        }
        shares = {
            **precision_recall(reals_features[0], features)._asdict(),
            **density_coverage(reals_features[0], features)._asdict(),
        }
        found.append(scores | {name: -share for name, share in shares.items()})
    for name in names:
        values = np.array([scores[name] for scores in found])
        # Of shares, rounding in the evaluator's training moves some images.
        assert np.all(np.diff(values) > -0.03 * (values[-1] - values[0])), (name, values)
        assert values[0] < values[-1], (name, values)


@pytest.mark.soak
def test_a_critic_tells_what_differs_and_guesses_where_nothing_does(digits, monkeypatch):
    monkeypatch.setattr(fresh_critic, "_STEPS", 120)
    monkeypatch.setattr(fresh_critic, "_BATCH", 32)
    order = np.random.default_rng(0).permutation(1500)
    reals, others = digits.train_images[order[:750]], digits.train_images[order[750:]]
    assert critic_accuracy(reals, others) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(750))
    assert critic_accuracy(reals, noisy(others, None, 1)) > 0.95
    assert critic_accuracy(reals, np.zeros_like(others[:400])) > 0.95
    with pytest.raises(ValueError, match="at least 8"):
        critic_accuracy(reals, others[:4])


def test_a_blur_keeps_means_and_lowers_contrast(digits):
    images = digits.test_images[:20]
    blurs = [blur_images(images, deviation).astype(float) for deviation in (0.5, 1, 2)]
    assert [blur.shape for blur in blurs] == [images.shape] * 3
    assert np.all(np.diff([images.std(), *(blur.std() for blur in blurs)]) < 0)
    np.testing.assert_allclose(np.mean(blurs[1]), images.mean(), rtol=0.02)
    flat = np.full((1, 28, 28, 1), 77, np.uint8)
    np.testing.assert_array_equal(blur_images(flat), flat)


@pytest.mark.soak
def test_random_features_order_the_anchors_where_there_are_no_classes(digits, monkeypatch):
    monkeypatch.setattr(fresh_critic, "_STEPS", 2)
    unlabelled = dataclasses.replace(
        digits, train_images=digits.train_images[:600], train_labels=digits.train_labels[:600], class_names=()
    )
    evaluator = features.random_evaluator(unlabelled)
    told = []
    table = anchors(evaluator, unlabelled, tell=told.append)
    assert len(told) == NUM_PARTS * len(table)
    assert told[-1] == "noise: critic accuracy"
    assert list(table) == ["real", "blurred", "mean image", "noise"]
    distances = [table[name]["frechet_distance"] for name in ("real", "blurred", "noise")]
    assert distances == sorted(distances)
    assert table["mean image"]["frechet_distance"] > table["blurred"]["frechet_distance"]
    assert not {"class_divergence", "class_counts"} & table["real"].keys()
    assert "class KL" not in scores_table(table)


@pytest.mark.parametrize(("count", "warned"), [(249, True), (250, False)])
def test_a_ranking_by_few_test_images_is_warned_of(count, warned, capsys):
    digits = load_dataset("digits")
    few = dataclasses.replace(digits, test_images=digits.test_images[:count], test_labels=digits.test_labels[:count])
    require_scorable(few)
    line = "warning: digits has 249 test images; below 250 do not trust a ranking by scores: blurred images may come"
    assert capsys.readouterr().err.startswith(line) == warned
