"""One run and many, one after another and side by side, by the same driver."""

import dataclasses
import gc
import json
import shutil

import jax
import numpy as np
import pytest
from closeness import assert_close
from PIL import Image
from small_runs import GAN, content, settings

from gan_jax import DivergedError, InputError, RunConfig, load_dataset, load_run, run_experiment
from gan_jax.cli.train import parse_flags
from gan_jax.evaluation import Evaluator
from gan_jax.pictures.scores import HEADINGS, told_features
from gan_jax.storage.checkpoints import checkpoint_steps
from gan_jax.storage.history import read_history
from gan_jax.sweeps.plan import list_trials
from gan_jax.sweeps.report import draw_sweep, summary_cells, trial_outcomes
from gan_jax.sweeps.run import choose_side_by_side

SHORT = {"steps": 16, "checkpoint_every": None}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Seed 1, trained by itself."""
    folder = tmp_path_factory.mktemp("alone") / "seed_1"
    run_experiment(settings(folder, seed=1))
    return folder


def train_many(folder, kind="joint", **options):
    run_experiment(settings(folder, **options, game=kind))
    return json.loads((folder / "summary.json").read_text())


@pytest.mark.soak
def test_a_seed_taken_in_turn_is_the_seed_alone(alone, tmp_path, capsys):
    summary = train_many(tmp_path / "run", seeds="0:2", parallel="in_turn")
    text = capsys.readouterr().out
    found, expected = content(tmp_path / "run" / "seed_1"), content(alone)
    del found["outcome.json"], found["run.json"], expected["run.json"]
    assert found == expected
    assert [outcome["name"] for outcome in summary] == ["seed_0", "seed_1"]
    assert summary[0]["scores"]["num_fakes"] == 1_000
    assert "| mean ± std |" in (tmp_path / "run" / "summary.md").read_text()
    assert "|" not in text
    assert [outcome["collapsed"] for outcome in summary] == [None, None]
    assert text.count("  too early\n") == 3
    train_many(tmp_path / "run", seeds="0:2", parallel="in_turn")
    assert capsys.readouterr().out.splitlines()[-6:] == text.splitlines()[-6:]


@pytest.mark.soak
def test_side_by_side_is_the_seed_alone_up_to_rounding_and_resumes(alone, tmp_path, capsys):
    flags = {"seeds": "0:2", "parallel": "side_by_side"}
    train_many(tmp_path / "run", **flags, steps=12)
    capsys.readouterr()
    train_many(tmp_path / "run", **flags)
    assert capsys.readouterr().out.count("Resuming from step 12 of 24") == 2
    found = read_history(tmp_path / "run" / "seed_1" / "history.npz")
    for name, values in read_history(alone / "history.npz").items():
        rtol = 2e-2 if "gradient" in name else 2e-3
        assert_close({name: found[name]}, {name: values}, rtol)


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two") / "run"
    summary = train_many(folder, "drift", **SHORT, seeds="0:2", parallel="side_by_side")
    assert [outcome["scores"]["num_fakes"] for outcome in summary] == [1_000] * 2
    return folder


@pytest.mark.usefixtures("quick_scores")
def test_run_experiment_with_a_seed_more_leaves_the_finished_ones_alone(two_seeds, tmp_path, capsys):
    run = shutil.copytree(two_seeds, tmp_path / "run")
    finished = [run / f"seed_{seed}" / "checkpoints" / "16" for seed in (0, 1)]
    before = [path.stat().st_mtime_ns for path in finished]
    train_many(run, "drift", **SHORT, parallel="side_by_side", seeds="0:3")
    assert capsys.readouterr().out.count("finished already, after step 16; nothing is trained") == 2
    assert [path.stat().st_mtime_ns for path in finished] == before
    assert len(read_history(run / "seed_2" / "history.npz")["d_loss"]) == 16


@pytest.mark.soak
@pytest.mark.usefixtures("quick_scores")
def test_run_experiment_where_seeds_are_far_ahead_keeps_their_steps(two_seeds, tmp_path, capsys):
    run = shutil.copytree(two_seeds, tmp_path / "run")
    before = read_history(run / "seed_0" / "history.npz")
    train_many(run, "drift", checkpoint_every=None, parallel="side_by_side", seeds="0:3", steps=24)
    after = [read_history(run / f"seed_{seed}" / "history.npz")["d_loss"] for seed in range(3)]
    np.testing.assert_array_equal(after[0][:16], before["d_loss"])
    assert "seed_0  epoch 1/2" not in capsys.readouterr().out
    assert [len(values) for values in after] == [24] * 3


def outcome(distance=1.0, collapsed=None, **values):
    return {"values": values, "scores": {"frechet_distance": distance}, "collapsed": collapsed}


def test_a_map_of_three_swept_settings_is_a_mean_over_the_third():
    runs = [
        outcome(distance + rate, learning_rate=rate, beta1=beta1, beta2=beta2)
        for rate in (10, 20)
        for beta1, beta2, distance in ((0, 0.9, 1), (0, 0.99, 3), (0.5, 0.9, 4), (0.5, 0.99, 6))
    ]
    assert [text.get_text() for text in draw_sweep(runs).axes[0].texts] == ["12", "22", "15", "25"]


def test_a_map_says_where_it_is_too_early_to_tell():
    ends = {(0, 1e-4): (None,), (0, 1e-3): (True, False, None), (0.5, 1e-4): (False,), (0.5, 1e-3): (None, None)}
    runs = [
        outcome(collapsed=end, learning_rate=rate, beta1=beta1) for (beta1, rate), all_ in ends.items() for end in all_
    ]
    figure = draw_sweep(runs)
    assert [text.get_text() for text in figure.axes[1].texts] == ["too early", "0.5", "0", "too early"]


def points_of(axes):
    return [list(map(float, line.get_ydata())) for line in axes.lines]


def test_each_run_of_a_single_setting_is_a_point():
    runs = [outcome(8.0, None, beta1=0), outcome(3.0, True, beta1=0.5), outcome(4.0, False, beta1=0.5)]
    distance, collapse = draw_sweep(runs).axes
    assert points_of(distance) == [[8], [3, 4]]
    assert points_of(collapse) == [[], [1, 0]]
    labels = [[text.get_text() for text in axes.get_xticklabels()] for axes in (distance, collapse)]
    assert labels == [["0\nmean 8", "0.5\nmean 3.5"], ["0\ntoo early", "0.5\nmean 0.5"]]


def test_a_default_length_is_said_recorded_and_resumed(tmp_path, capsys, monkeypatch):
    for name, value in {
        "setting_groups.EPOCHS": 1,
        "setting_groups.ENOUGH_IMAGES": 3_000,
        "sweeps.run.EPOCHS": 1,
    }.items():
        monkeypatch.setattr(f"gan_jax.{name}", value)
    default = settings(tmp_path / "run", steps=None, epochs=None, game="drift")
    run_experiment(default)
    shown = capsys.readouterr()
    assert "Training for 2 epochs (24 updates), since 1 of 1,500 images are too few for pictures" in shown.out
    assert (
        shown.err == "warning: the training has 24 updates; pictures show little before about 300: give more --epochs\n"
    )
    assert json.loads((tmp_path / "run" / "run.json").read_text())["run"]["epochs"] == 2
    monkeypatch.setattr("gan_jax.setting_groups.ENOUGH_IMAGES", 6_000)  # as in another version
    resumed = parse_flags(RunConfig(), ["--resume", "--output-dir", str(tmp_path / "run")])
    run_experiment(resumed)
    assert "This run was finished already, after step 24" in capsys.readouterr().out


@pytest.mark.soak
@pytest.mark.parametrize("few", [12, 13])
def test_run_experiment_of_a_given_length_takes_it_and_warns_where_it_is_short(few, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gan_jax.sweeps.run.FEW_UPDATES", few)
    run_experiment(settings(tmp_path / "run", steps=None, epochs=1, game="drift"))
    shown = capsys.readouterr()
    assert "Training for" not in shown.out
    assert "epoch 1/1  batch 12/12" in shown.out
    warning = "warning: the training has 12 updates; pictures show little before about 13: give more --epochs\n"
    assert shown.err == (warning if few > 12 else "")


@pytest.mark.soak
@pytest.mark.usefixtures("quick_scores")
def test_a_sweep_keeps_the_programs_of_one_width_alone(tmp_path):
    client, compiled = jax.devices()[0].client, []
    for folder, widths in (("few", "1,2"), ("many", "1,2,3")):
        train_many(tmp_path / folder, "drift", **SHORT, sweep=(f"width={widths}",))
        gc.collect()
        compiled.append(len(client.live_executables()))
    assert compiled[1] <= compiled[0]


@pytest.mark.soak
@pytest.mark.usefixtures("quick_scores")
def test_many_runs_that_all_diverge_are_reported_and_fail(tmp_path):
    with pytest.raises(DivergedError, match="every run diverged"):
        train_many(tmp_path / "run", "fragile", **SHORT, sweep=("learning_rate=10,1e30",), parallel="in_turn")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [outcome["step"] for outcome in summary] == [6, 6]


@pytest.mark.soak
def test_a_run_that_diverges_among_others_keeps_its_steps(tmp_path, capsys):
    flags = {**SHORT, "log_every": 8, "parallel": "side_by_side", "sweep": ("learning_rate=2e-4,1e30",)}
    summary = train_many(tmp_path / "run", "fragile", **flags)
    assert [outcome["step"] for outcome in summary] == [16, 6]
    assert [bool(outcome["diverged"]) for outcome in summary] == [False, True]
    assert "d_loss is not finite at step 7; the state before it is saved" in capsys.readouterr().err
    assert "| 1 of 1 |" in (tmp_path / "run" / "summary.md").read_text()
    for name in ("bands.png", "sweep.png"):
        with Image.open(tmp_path / "run" / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10
    folder = tmp_path / "run" / "learning_rate=1e+30" / "seed_0"
    assert checkpoint_steps(folder / "checkpoints") == [6]
    assert {len(values) for values in read_history(folder / "history.npz").values()} == {6}
    assert int(load_run(folder).state.step) == 6
    assert "not finite at step 7" in json.loads((folder / "run.json").read_text())["diverged"]
    unbroken = tmp_path / "run" / "learning_rate=0.0002" / "seed_0"
    assert len(read_history(unbroken / "history.npz")["d_loss"]) == 16


def test_a_single_run_that_diverges_says_so(tmp_path):
    gan = dataclasses.replace(GAN, learning_rate=1e30)
    flags = settings(tmp_path / "run", **SHORT, gan=gan, game="fragile")
    with pytest.raises(DivergedError, match="not finite at step 7"):
        run_experiment(flags)
    assert int(load_run(tmp_path / "run").state.step) == 6
    with pytest.raises(DivergedError, match="not finite at step 7"):
        run_experiment(flags)


def test_a_step_may_report_metrics_of_its_own(tmp_path):
    run_experiment(settings(tmp_path / "run", **SHORT, game="own_metrics"))
    assert set(read_history(tmp_path / "run" / "history.npz")) == {"difference"}
    assert not (tmp_path / "run" / "losses.png").exists()


@pytest.mark.parametrize(
    ("platform", "cores", "changes", "count", "side_by_side"),
    [
        ("cpu", 2, {"width": 32}, 2, True),
        ("cpu", 1, {"width": 32}, 2, False),
        ("cpu", 2, {"width": 64}, 8, False),
        ("gpu", 2, {"precision": "float32"}, 8, False),
        ("gpu", 2, {"precision": "bfloat16"}, 3, False),
        ("gpu", 2, {"precision": "bfloat16"}, 4, True),
    ],
)
def test_side_by_side_follows_the_measurements(platform, cores, changes, count, side_by_side, tmp_path, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    monkeypatch.setattr("gan_jax.sweeps.run.usable_cores", lambda: cores)
    gan = dataclasses.replace(GAN, **changes)
    many = settings(tmp_path / "runs", seeds=f"0:{count}", gan=gan)
    assert choose_side_by_side(many, list_trials(many)) == side_by_side
    assert not choose_side_by_side(dataclasses.replace(many, stream=True), list_trials(many))


def test_side_by_side_is_chosen_by_flags(tmp_path):
    assert choose_side_by_side(settings(tmp_path, seeds="0:2", parallel="side_by_side"))
    with pytest.raises(InputError, match="leave out --devices"):
        choose_side_by_side(settings(tmp_path, seeds="0:2", parallel="side_by_side", devices=2))


def test_a_table_has_a_row_for_each_run_and_their_spread():
    def run(name, value, collapsed):
        return {"name": name, "scores": dict.fromkeys(HEADINGS, value), "collapsed": collapsed, "diverged": None}

    runs = [run("seed_0", 1.0, False), run("seed_1", 3.0, True), run("seed_2", 2.0, None)]
    heading, rows = summary_cells({"": runs})
    assert (heading[1], heading[-1]) == (HEADINGS["frechet_distance"], "collapsed")
    assert [row[:2] for row in rows] == [["seed_0", "1"], ["seed_1", "3"], ["seed_2", "2"], ["mean ± std", "2 ± 1"]]
    assert [row[-1] for row in rows] == ["no", "yes", "too early", "1 of 2"]


def test_scores_of_two_evaluators_and_missing_ones_have_no_mean():
    def run(name, scores):
        return {"name": name, "scores": scores, "collapsed": False, "diverged": None}

    ours = {"frechet_distance": 1.0, "critic_accuracy": 0.5, "evaluator": "one", "evaluator_sha256": "a" * 64}
    theirs = ours | {"evaluator": "two", "evaluator_sha256": "b" * 64}
    few = {name: value for name, value in ours.items() if name != "critic_accuracy"}
    _, rows = summary_cells({"": [run("x", few), run("y", ours)], "b ": [run("z", theirs), run("w", ours)]})
    assert rows[0] == ["x", "1", "–", "no"]
    assert rows[2] == ["mean ± std", "1 ± 0", "–", "0 of 2"]
    assert rows[5] == ["b mean ± std", "–", "–", "0 of 2"]
    assert told_features([ours, ours]) == "Features of one (sha256 aaaaaaaaaaaa)."
    assert "Features of one (sha256 aaaaaaaaaaaa) and of two" in told_features([ours, theirs])
    assert "do not compare, and have no mean" in told_features([ours, theirs])


@pytest.mark.soak
def test_outcomes_are_scored_again_unless_they_are_complete_and_of_the_evaluator(two_seeds, tmp_path, monkeypatch):
    trials = list_trials(settings(shutil.copytree(two_seeds, tmp_path / "run"), **SHORT, seeds="0:2", game="drift"))
    evaluators = [Evaluator({"x": np.full(1, float(at))}, f"e{at}", 0.95, 10, "", "") for at in (0, 1)]
    scored = []

    def score(evaluator, fakes, dataset):
        scored.append(evaluator.name)
        told = {"evaluator": evaluator.name, "evaluator_sha256": evaluator.sha256}
        return dict.fromkeys(HEADINGS, 1.0) | told

    monkeypatch.setattr("gan_jax.sweeps.report.score_images", score)
    for chosen in (0, 0, 1):
        monkeypatch.setattr("gan_jax.sweeps.report.load_features", lambda *given, at=chosen: evaluators[at])
        outcomes = trial_outcomes(trials, load_dataset("digits"))
        assert {outcome["scores"]["evaluator"] for outcome in outcomes} == {f"e{chosen}"}
    assert scored == ["e0", "e0", "e1", "e1"]
    path = tmp_path / "run" / "seed_1" / "outcome.json"
    outcome = json.loads(path.read_text())
    del outcome["scores"]["critic_accuracy"]
    path.write_text(json.dumps(outcome))
    assert "critic_accuracy" in trial_outcomes(trials, load_dataset("digits"))[1]["scores"]
    assert scored[4:] == ["e1"]


def test_images_that_the_evaluator_does_not_know_are_refused_before_training(tmp_path, monkeypatch):
    poor = Evaluator(params={}, name="poor", accuracy=0.5, num_classes=10, dataset_hash="", training="")
    monkeypatch.setattr("gan_jax.runs.run.load_features", lambda *given: poor)
    with pytest.raises(InputError, match="poor recognizes 50"):
        run_experiment(settings(tmp_path / "run", evaluate_every=1))
    assert not (tmp_path / "run").exists()


def test_values_that_the_data_do_not_allow_are_refused_before_training(tmp_path):
    with pytest.raises(InputError, match="batch_size is 5000, but there are 1500 training images"):
        train_many(tmp_path / "run", "drift", **SHORT, sweep=("batch_size=120,5000",))
    assert not (tmp_path / "run").exists()
