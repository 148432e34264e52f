"""From a command line to settings."""

import builtins
import dataclasses
import re
import sys
from pathlib import Path

import pytest
from small_runs import GAN, settings, write_record

import gan_jax.cli as cli
from gan_jax import GanConfig, InputError, RunConfig, load_dataset, load_pretrained, recipe, run_experiment
from gan_jax.cli.train import parse_flags
from gan_jax.storage.run_json import make_run_json
from gan_jax.sweeps.folder import SweepFolder
from gan_jax.sweeps.plan import list_trials

DEFAULTS = RunConfig(GanConfig(initializer="he"), epochs=5, output_dir=Path("runs/generator"))


def test_flags_are_flat_and_the_others_are_the_defaults():
    flags = parse_flags(DEFAULTS, ["--width", "8", "--seed", "3", "--sweep", "beta1=0,0.5", "learning-rate=1e-3"])
    assert flags == RunConfig(
        GanConfig(initializer="he", width=8),
        epochs=5,
        seed=3,
        sweep=("beta1=0,0.5", "learning-rate=1e-3"),
        output_dir=Path("runs/generator"),
    )
    assert type(flags.gan) is GanConfig


@pytest.mark.parametrize("columns", ["40"])
@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("sample x --output y --num-image 3", "Unrecognized options: --num-image, 3; similar: --num-images"),
        ("sample x", "Missing from gan-jax sample: --output; --help"),
        ("sample x --foo", "Missing from gan-jax sample: --output; --help"),
        (
            "sample x --output y --num-images q",
            "Error parsing --num/--num-samples/--num-images: no type matching {None}|INT could be instantiated",
        ),
        ("evaluate x extra words", "Unrecognized options: extra, words"),
        ("train --batchsize 3", "Unrecognized options: --batchsize, 3; similar: --batch-size"),
        ("train --epochs", "Missing value for argument '--epochs'"),
        ("train --parallel soon", "invalid choice 'soon' for argument '--parallel'. Expected one of ('auto',"),
        ("train --width wide", "Error parsing --width: invalid literal for int() with base 10: 'wide'"),
    ],
)
def test_a_word_that_does_not_fit_is_one_line(words, line, columns, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gan-jax", *words.split()])
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"error: {line}")
    assert err.endswith("; --help explains the flags.\n")
    assert err.count("\n") == 1


def flags_of_resumed(folder, *more):
    return parse_flags(DEFAULTS, ["--resume", "--output-dir", str(folder), *more])


def test_resuming_takes_the_flags_from_the_record_and_checks_others_beside_them(tmp_path):
    gan = dataclasses.replace(GAN, packing=3)
    write_record(tmp_path, steps=None, epochs=2, gan=gan)
    flags = flags_of_resumed(tmp_path, "--packing", "3")
    expected = settings(tmp_path, gan=gan)
    names = "gan", "dataset", "log_every", "checkpoint_every", "resume", "output_dir"
    assert [getattr(flags, name) for name in names] == [getattr(expected, name) for name in names]
    assert (flags.epochs, flags.steps) == (2, None)


def test_resuming_with_a_length_in_epochs_replaces_one_in_steps(tmp_path):
    write_record(tmp_path, steps=4)
    longer = flags_of_resumed(tmp_path, "--epochs", "3")
    assert (flags_of_resumed(tmp_path).steps, longer.epochs, longer.steps) == (4, 3, None)


def test_start_from_takes_the_networks_of_the_run_unless_flags_say_otherwise():
    flags = parse_flags(RunConfig(), ["--start-from", "fashion_mnist", "--dataset", "digits", "--learning-rate", "0.1"])
    shipped = load_pretrained("fashion_mnist").config
    assert flags.gan == dataclasses.replace(shipped, learning_rate=0.1)
    assert flags.schedule_steps is None
    assert parse_flags(RunConfig(), ["--start-from", "fashion_mnist", "--recipe", "r1"]).gan == recipe("r1")
    with pytest.raises(InputError, match="nowhere holds no run"):
        parse_flags(RunConfig(), ["--start-from", "nowhere"])


def test_start_from_a_run_that_is_gone_is_left_to_the_record_of_a_resumed_run(tmp_path):
    write_record(tmp_path)
    assert flags_of_resumed(tmp_path, "--start-from", "gone").gan == GAN


@pytest.mark.soak
def test_resuming_beyond_the_end_of_a_schedule_says_so(tmp_path, capsys):
    gan = dataclasses.replace(GAN, schedules=("learning_rate=cosine:x0.05",))
    for steps, told in ((4, False), (8, True)):
        run_experiment(settings(tmp_path / "run", gan=gan, steps=steps, schedule_steps=4, game="drift"))
        assert ("the schedules ended at step 4" in capsys.readouterr().err) is told


def test_resuming_without_a_folder_finds_that_of_the_same_flags(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_record(Path("runs/digits-best-drift"), gan=recipe("best"), game="drift", steps=1)
    same = ["--dataset", "digits", "--recipe", "best", "--game", "drift", "--resume"]
    again = parse_flags(RunConfig(), same)
    assert (again.steps, again.folder) == (1, Path("runs/digits-best-drift"))
    many = parse_flags(RunConfig(), [*same, "--seeds", "0:2"])
    assert (many.steps, many.folder) == (None, Path("runs/digits-best-drift-seeds"))


def test_resuming_what_is_not_there_says_which_runs_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    parse_flags(RunConfig(), ["--resume"])
    alone = (
        "warning: runs/fashion_mnist holds no run to resume, so that a new one begins there; --output-dir names another"
    )
    assert capsys.readouterr().err == f"{alone}\n"
    for name in ("digits", "digits-seeds/seed_0"):
        write_record(tmp_path / "runs" / name)
    (tmp_path / "runs" / "notes").mkdir()
    parse_flags(RunConfig(), ["--resume"])
    assert capsys.readouterr().err == f"{alone}, such as runs/digits, runs/digits-seeds\n"
    for args in ([], ["--resume", "--output-dir", "runs/new"], ["--resume", "--dataset", "digits"]):
        parse_flags(RunConfig(), args)
    assert capsys.readouterr().err == ""


def test_resuming_many_takes_the_flags_of_the_first(tmp_path):
    many = {"seeds": "3:5", "sweep": ("beta1=0,0.9",), "steps": 8}
    trials = list_trials(settings(tmp_path / "runs", **many))
    first, names = trials[0].settings, [trial.name for trial in trials]
    record = make_run_json(first, first.gan, load_dataset("digits"), schedule_steps=None)
    SweepFolder(tmp_path / "runs", names, resume=False, overwrite=False).begin(record)
    given = ["--resume", "--output-dir", str(tmp_path / "runs"), "--sweep", "beta1=0,0.9", "--seeds"]
    for seeds in ("3:5", "0:5"):
        flags = parse_flags(DEFAULTS, [*given, seeds])
        assert (flags.seed, flags.seeds, flags.sweep) == (0, seeds, ("beta1=0,0.9",))
        assert (flags.steps, flags.dataset, flags.gan.width, flags.log_every) == (8, "digits", 2, 4)
        assert {trial.settings.gan.beta1 for trial in list_trials(flags)} == {0, 0.9}
    with pytest.raises(InputError, match="holds many runs; give their --seeds or --sweep too"):
        parse_flags(DEFAULTS, given[:3])


def test_a_run_is_not_made_shorter(trained):
    before = (trained / "run.json").read_bytes()
    with pytest.raises(InputError, match="has taken 12 steps, and these settings ask for 4"):
        run_experiment(settings(trained, steps=4, snapshots=4, game="drift"))
    assert (trained / "run.json").read_bytes() == before


def test_ctrl_c_while_the_command_loads_ends_it_quietly(monkeypatch):
    load = builtins.__import__

    def interrupted(name, *arguments):
        if name == "gan_jax.cli.commands":
            raise KeyboardInterrupt
        return load(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 130


def test_help_of_train_has_a_group_for_each_part_of_the_settings(capsys):
    with pytest.raises(SystemExit):
        parse_flags(RunConfig(), ["--help"])
    groups = re.findall(r"^\W*([a-z-]+) options\b", capsys.readouterr().out, re.MULTILINE)
    expected = "training saving networks objective optimizer ema augmentation many-runs devices"
    assert " ".join(groups) == expected
