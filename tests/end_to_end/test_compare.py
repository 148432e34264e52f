"""The comparison of recipes: its plan, its numbers on scores made by hand, its report, and stacked images."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from waiting import PATIENCE

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
DISTANCES = {("course", "whole"): 4.0, ("control, searched", "whole"): 0.9, ("control, searched", "third"): 3.0}


@pytest.fixture(autouse=True)
def experiments(monkeypatch):
    monkeypatch.syspath_prepend(EXPERIMENTS)


def scores(distance):
    """Of a run: the nearer, the better in everything."""
    return {
        "frechet_distance": distance,
        "second_frechet_distance": 2 * distance,
        **dict.fromkeys(("precision", "recall", "coverage", "authenticity"), 1 / (1 + distance)),
        "sliced_wasserstein": distance,
        "critic_accuracy": 1 - 1 / (2 + distance),
        "second_critic_accuracy": 1 - 1 / (3 + distance),
    }


@pytest.fixture
def finals():
    runs = []
    for seed, factor in enumerate(np.linspace(0.9, 1.1, 8)):
        for (name, part), distance in DISTANCES.items():
            own = scores(distance * factor)
            curve = [{"step": step, **scores(distance * factor * 100 / step)} for step in (10, 100)]
            settings = {} if name == "course" else {"size": [128, 32], "learning_rate": 0.003}
            runs.append({"name": name, "part": part, "seed": seed, "settings": settings, "steps": 100, "curve": curve})
            runs[-1] |= {"last": own, "averaged": own}
    return runs


def test_every_arm_begins_with_its_defaults_and_draws_the_same_settings_again():
    from compare_plan import ARMS, TRIALS, configuration, settings_of

    for arm in ARMS:
        assert settings_of(arm, 0) == {}
        drawn = [settings_of(arm, trial) for trial in range(1, TRIALS)]
        assert drawn == [settings_of(arm, trial) for trial in range(1, TRIALS)]
        assert len({json.dumps(settings) for settings in drawn}) == TRIALS - 1
        assert all(configuration(arm, each).learning_rate == each["learning_rate"] for each in drawn)


def test_the_finalists_are_the_course_the_control_and_the_nearest_other_arm():
    from compare_plan import ARMS, finalists

    trials = [
        {"arm": arm, "trial": trial, "settings": {"trial": trial}, "last": 3.0 - trial, "averaged": 4.0 - trial}
        for arm in ARMS
        for trial in range(2)
    ]
    trials.append({"arm": "r1", "trial": 2, "settings": {"trial": 2}, "last": 9.0, "averaged": 0.5})
    trials.append({"arm": "r3gan", "trial": 2, "settings": {"trial": 2}, "last": None, "averaged": None})
    assert finalists(trials) == {
        "course": ("course", {}),
        "course, searched": ("course", {"trial": 1}),
        "control, searched": ("control", {"trial": 1}),
        "r1, searched": ("r1", {"trial": 2}),
    }


def test_a_ratio_is_paired_and_its_interval_narrows_with_agreement():
    from compare_claims import interval, ratio

    assert interval(ratio({0: 1.0}, {1: 2.0})) == ""
    assert interval(ratio({0: 1.0}, {0: 2.0})) == "0.5"
    equal = ratio({0: 1.0, 1: 10.0, 2: 100.0}, {0: 2.0, 1: 20.0, 2: 200.0})
    assert list(equal.values()) == pytest.approx([0.5, 0.5, 0.5])
    spread = ratio({0: 1.0, 1: 2.0, 2: 4.0, 7: 9.0}, {0: 2.0, 1: 2.0, 2: 2.0})
    assert spread["ratio"] == pytest.approx(1.0)
    assert 0.5 <= spread["low"] < 1 < spread["high"] <= 2


WORSE = {"averaged": scores(1.0) | {"second_frechet_distance": 99.0}}


@pytest.mark.parametrize(
    ("change", "part", "claim"),
    [
        (WORSE, "third", "a third of the time"),
        (WORSE, "whole", "the same time"),
        ({"averaged": scores(0.9) | {"recall": 0.0}}, "whole", "the same time"),
        ({"averaged": None}, "whole", "every seed"),
    ],
)
def test_a_claim_holds_until_what_would_refute_it_is_found(change, part, claim, finals):
    from compare_claims import verdicts

    name, claims = "control, searched", ("a third of the time", "the same time", "every seed")
    assert {told: holds for told, (holds, _) in verdicts(finals, name).items()} == dict.fromkeys(claims, True)
    for run in finals:
        if (run["name"], run["part"]) == (name, part):
            run |= change
    assert verdicts(finals, name)[claim][0] is False


def test_fewer_than_eight_seeds_do_not_show_that_none_collapses(finals):
    from compare_claims import verdicts

    few = [run for run in finals if run["seed"] < 5]
    assert verdicts(few, "control, searched")["every seed"] == (None, "0 of 5 seeds collapsed; 8 are asked for")


@pytest.mark.soak
def test_the_report_has_tables_and_figures(finals, tmp_path):
    from compare_plan import ARMS, costs

    times = {name: {"ratio": 0.5, "ms": 60.0, "course_ms": 120.0, "gflop": 10.0} for name in costs()}
    trials = [{"arm": arm, "trial": 0, "settings": {}, "steps": 9, "last": 2.0, "averaged": 1.0} for arm in ARMS]
    stacked = [{"name": "real", "modes": 1000, "divergence": 0.02}]
    stacked += [
        {"name": "course", "d_part": part, "seed": seed, "modes": 900 + seed, "divergence": 0.5}
        for part in (1.0, 0.5)
        for seed in (0, 1)
    ]
    for name, content in (("step_times", times), ("search", trials), ("finals", finals), ("stacked", stacked)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    command = [sys.executable, EXPERIMENTS / "compare_report.py", "--results", tmp_path, "--figures", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.md").read_text()
    assert "| control, searched, third | 0.75 (0.75 to 0.75) |" in text
    assert "| course, whole | 100 | 6 | 1 |" in text
    assert "| the same time | control, searched | holds |" in text
    assert "| course | 0.5 | 900.5 ± 0.7 | 0.5 ± 0 |" in text
    assert all((tmp_path / f"{name}.png").stat().st_size > 10_000 for name in ("search", "time"))


def test_stacked_images_have_the_triple_of_their_channels_classes(monkeypatch):
    import stacked_modes

    from gan_jax import load_dataset

    digits = load_dataset("digits")
    stacked = stacked_modes.stack(digits, seed=0)
    assert stacked.train_images.shape == (1500, 28, 28, 3)
    assert len(stacked.class_names) == 1000
    of_image = {image.tobytes(): label for image, label in zip(digits.test_images, digits.test_labels, strict=True)}
    for image, triple in zip(stacked.test_images, stacked.test_labels, strict=True):
        labels = [of_image[image[..., channel].tobytes()] for channel in range(3)]
        assert stacked.class_names[triple] == "".join(map(str, labels))

    class Reader:
        num_classes = 10

    def read(evaluator, images):
        return None, np.eye(10)[[of_image[image.tobytes()] for image in images]]

    monkeypatch.setattr(stacked_modes, "extract", read)
    alike = np.repeat(stacked.test_images[:1], 8, axis=0)
    assert stacked_modes.mode_scores(Reader(), alike) == {"modes": 1, "divergence": round(np.log(1000), 4)}
    assert stacked_modes.mode_scores(Reader(), stacked.test_images)["modes"] == len(set(stacked.test_labels.tolist()))
