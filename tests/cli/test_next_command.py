"""The command that a training names at its end."""

import dataclasses
import shlex
import signal
import sys

import probes
import pytest

from gan_jax import NETWORKS, GanConfig, RunConfig, load_dataset
from gan_jax.cli.next_command import next_command, program, resume_command
from gan_jax.storage.run_json import make_run_json, write_run_json

SMALL = ["--dataset", "digits", "--width", "2", "--latent-dim", "4", "--batch-size", "120", "--log-every", "4"]


@pytest.mark.parametrize(
    ("training", "flags", "following"),
    [
        ("train", ["--snapshots", "2"], "playground"),
        pytest.param("train", ["--seeds", "0:2"], "report", marks=pytest.mark.soak),
        pytest.param("standalone-generator", [], "sample", marks=pytest.mark.soak),
    ],
)
def test_the_next_command_runs(training, flags, following, gan_jax, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores = {"frechet_distance": 1.5, "evaluator": "quick", "evaluator_sha256": "a" * 64}
    monkeypatch.setattr("gan_jax.sweeps.report.load_features", lambda *given: None)
    monkeypatch.setattr("gan_jax.sweeps.report.score_images", lambda *arguments: scores)
    status, out, err = gan_jax(training, *SMALL, "--steps", 4, "--output-dir", "it's a run", *flags)
    assert status == 0, err
    assert out.startswith("Output folder: it's a run\n")
    last = out.splitlines()[-1].removeprefix("Next: ")
    words = shlex.split(last)
    assert (words[0].endswith("gan-jax"), words[1]) == (True, following)
    status, _, err = gan_jax(*words[1:])
    assert status == 0, err


def test_a_page_that_would_be_too_large_is_not_named(tmp_path):
    folder = tmp_path / "run"
    (folder / "snapshots").mkdir(parents=True)
    (folder / "snapshots" / "step_0000001.npz").touch()
    settings = RunConfig(dataset="digits", output_dir=folder)
    write_run_json(folder, make_run_json(settings, settings.gan, load_dataset("digits"), None))
    for megabytes, following in ((4, "playground"), (40, "sample")):
        (folder / "weights.npz").write_bytes(bytes(megabytes * 10**6))
        assert shlex.split(next_command(settings))[1] == following


def test_a_page_is_not_named_where_it_cannot_run_the_networks(tmp_path, monkeypatch):
    monkeypatch.setitem(NETWORKS, "mine", NETWORKS["dcgan"])
    settings = RunConfig(dataset="digits", output_dir=tmp_path)
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "step_0000001.npz").touch()
    (tmp_path / "weights.npz").touch()
    write_run_json(tmp_path, make_run_json(settings, settings.gan, load_dataset("digits"), None))
    own = [dataclasses.replace(settings, game="mine"), dataclasses.replace(settings, gan=GanConfig(network="mine"))]
    assert [shlex.split(next_command(one))[1] for one in (settings, *own)] == ["playground", "sample", "sample"]


def test_a_training_that_is_stopped_names_the_command_that_continues_it(tmp_path):
    flags = ["train", *SMALL, "--steps", "8", "--output-dir", "it's a run"]
    moment = probes.Moment("gan_jax.runs.run:Run.draw", (signal.SIGTERM,), call=2)
    status, out, err = probes.run(tmp_path / "here", *flags, "--overwrite", moment=moment)
    assert status == 143, err
    words = shlex.split(out.splitlines()[-1])
    assert words[0] == "Next:"
    assert words[1].endswith("gan-jax")
    assert words[2:] == [*flags, "--resume"]


def test_a_command_that_resumes_is_not_told_so_twice():
    assert resume_command(["gan-jax", "train", "--resume", "--width", "8"]) == "gan-jax train --width 8 --resume"


def test_a_program_has_its_name_where_the_shell_finds_this_environment_s(tmp_path, monkeypatch):
    binaries, other = tmp_path / "env" / "bin", tmp_path / "other"
    for folder in (binaries, other):
        folder.mkdir(parents=True)
        (folder / "gan-jax").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(binaries / "python"))
    monkeypatch.chdir(tmp_path)
    for path, name in ((binaries, "gan-jax"), (other, "env/bin/gan-jax"), (tmp_path, "env/bin/gan-jax")):
        monkeypatch.setenv("PATH", str(path))
        assert program("gan-jax") == name
    monkeypatch.chdir(other)
    assert program("gan-jax") == str(binaries / "gan-jax")
    assert program("no-such-program") == "no-such-program"
