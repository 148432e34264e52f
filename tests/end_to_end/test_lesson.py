"""The lesson's claims on numbers made by hand, and the whole script on a small budget."""

import json

import numpy as np
import pytest
from in_process import EXPERIMENTS, script
from PIL import Image

ARMS = ("joint", "untrained_critic", "trained_critic", "discriminator")


@pytest.fixture
def lesson_claims(monkeypatch):
    monkeypatch.syspath_prepend(EXPERIMENTS)
    import lesson_claims

    return lesson_claims


def arm(final, score, digests, seeds=3):
    """Seeds a little apart: two points of scores, a hundred steps of D's score."""
    return [
        {
            "seed": seed,
            "steps": [0, 50, 100],
            "frechet_distance": [60.0, final + 0.1 * seed, final + 0.1 * seed],
            "sliced_wasserstein": [60.0, final + 0.1 * seed, final + 0.1 * seed],
            "critic_accuracy": [1.0, 1.0, 1.0],
            "own_scores": [0.5] * 20 + [score] * 80,
            "discriminator_sha256": [f"{digests[0]}{seed}", f"{digests[1]}{seed}"],
        }
        for seed in range(seeds)
    ]


@pytest.fixture
def lesson():
    """Numbers for which every claim holds."""
    return {
        "labels": {name: name for name in ARMS},
        "anchors": {
            "real": {"frechet_distance": 0.1, "sliced_wasserstein": 1.0, "critic_accuracy": 0.5},
            "noise": {"frechet_distance": 57.0, "sliced_wasserstein": 60.0, "critic_accuracy": 1.0},
        },
        "arms": {
            "joint": arm(3.0, 0.2, "ab"),
            "untrained_critic": arm(50.0, 1.0, "aa"),
            "trained_critic": arm(40.0, 1.0, "bb"),
            "discriminator": arm(60.0, 0.0, "ac"),
        },
        "cross_play": [np.full((4, 4), 0.25).tolist()] * 3,
        "initializers": {name: [[0.5, 0.6, 0.7, 0.8]] * 3 for name in ("dcgan", "he")},
        "initializer_batches": [1, 50, 100, 200],
    }


def verdicts(lesson_claims, lesson):
    return {name: claim["holds"] for name, claim in lesson_claims.claims(lesson).items()}


def end(seeds, *distances):
    """Let the seeds of an arm end at other distances."""
    for seed, distance in zip(seeds, distances, strict=True):
        seed["frechet_distance"][-1] = distance


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda arms: arms["untrained_critic"][1].update(own_scores=[0.98] * 100), "the_score_rises"),
        (
            lambda arms: arms["untrained_critic"][2].update(sliced_wasserstein=[60.0, 29.0, 50.2]),
            "the_images_stay_as_far_as_noise",
        ),
        (lambda arms: end(arms["joint"], 3.0, 40.0, 60.0), "the_images_stay_far_from_joint_training"),
        (
            lambda arms: end(arms["trained_critic"], 3.0, 3.0, 3.0),
            "a_trained_critic_that_stays_constant_does_not_help_either",
        ),
        (
            lambda arms: arms["untrained_critic"][0].update(discriminator_sha256=["a0", "other"]),
            "the_constant_critics_stay_constant",
        ),
        (
            lambda arms: arms["trained_critic"][0].update(discriminator_sha256=["other"] * 2),
            "the_constant_critics_stay_constant",
        ),
        (lambda arms: end(arms["discriminator"], 40.0, 60.1, 60.2), "without_a_generator_step_the_images_stay"),
    ],
)
def test_a_claim_that_does_not_hold_says_so(change, name, lesson_claims, lesson):
    assert set(verdicts(lesson_claims, lesson).values()) == {True}
    change(lesson["arms"])
    assert verdicts(lesson_claims, lesson)[name] is False


def test_two_seeds_are_too_few_for_a_spread(lesson_claims, lesson):
    for name in ARMS:
        lesson["arms"][name] = lesson["arms"][name][:2]
    found = lesson_claims.claims(lesson)["the_images_stay_far_from_joint_training"]
    assert found["holds"] is None
    assert "2 seed(s)" in found["frechet_distance"]["note"]


def test_the_tables_name_arms_anchors_and_verdicts(lesson_claims, lesson):
    lesson["claims"] = lesson_claims.claims(lesson)
    text = lesson_claims.tables(lesson)
    assert "| real images (floor) | 0.1 | 1 | 0.5 |  |" in text
    assert "| joint | 3.1 ± 0.1 | 3.1 ± 0.1 | 1 ± 0 | 0.2 ± 0 |" in text
    assert text.count("| holds |") == 6
    assert "| dcgan | 0.5 ± 0 | 0.6" in text


@pytest.mark.soak
def test_the_script_trains_scores_draws_and_resumes(tmp_path, scores_cost_little):
    flags = ["--dataset", "digits", "--width", 2, "--latent-dim", 4, "--batch-size", 120, "--log-every", 5]
    budget = ["--epochs", 1, "--seeds", 0, "--points", 1, "--num-images", 50, "--output-dir", tmp_path]
    first = script("lesson", *flags, *budget)
    assert first.status == 0, first.err
    found = json.loads((tmp_path / "lesson.json").read_text())
    assert list(found["arms"]) == list(ARMS)
    for name in ARMS:
        (seed,) = found["arms"][name]
        assert seed["steps"] == [0, 5, 12]
        assert len(seed["own_scores"]) == 12
        assert min(seed["frechet_distance"]) > found["anchors"]["real"]["frechet_distance"]
    assert found["claims"]["the_constant_critics_stay_constant"]["holds"] is True
    assert found["claims"]["the_images_stay_far_from_joint_training"]["holds"] is None
    assert np.shape(found["cross_play"]) == (1, 4, 4)
    assert set(found["initializers"]) == {"dcgan", "lecun", "he"}
    picture = np.asarray(Image.open(tmp_path / "lesson.png").convert("L"))
    assert picture.shape[0] > 1000
    assert picture.std() > 20
    again = script("lesson", *flags, *budget)
    assert again.status == 0, again.err
    assert "epoch 1/1" not in again.out
    assert json.loads((tmp_path / "lesson.json").read_text()) == found
