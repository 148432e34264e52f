"""The command that a training names at its end."""

import dataclasses
import shlex
import signal
import sys

import probes
import pytest
from small_runs import settings, write_record

from gan_jax import NETWORKS, GanConfig, load_dataset
from gan_jax.cli.next_command import next_command, program, resume_command

SMALL = ["--dataset", "digits", "--width", "2", "--latent-dim", "4", "--batch-size", "120", "--log-every", "4"]


@pytest.mark.usefixtures("quick_scores")
@pytest.mark.parametrize(
    ("training", "flags", "first_metric", "following"),
    [
        ("train", ["--snapshots", "2"], "d_loss", "playground"),
        pytest.param("train", ["--seeds", "0:2"], None, "report", marks=pytest.mark.soak),
        pytest.param("standalone-generator", [], "d_g_z2", "sample", marks=pytest.mark.soak),
        pytest.param("standalone-discriminator", [], "d_loss", "report", marks=pytest.mark.soak),
    ],
)
def test_every_training_is_a_command_that_names_one_which_runs(
    training, flags, first_metric, following, gan_jax, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    status, out, err = gan_jax(training, *SMALL, "--steps", 4, "--output-dir", "it's a run", *flags)
    assert status == 0, err
    folder, told, first = out.splitlines()[:3]
    assert (folder, told) == ("Output folder: it's a run", load_dataset("digits").description)
    assert (first_metric or "") in first
    words = shlex.split(out.splitlines()[-1].removeprefix("Next: "))
    assert (words[0].endswith("gan-jax"), words[1]) == (True, following)
    status, _, err = gan_jax(*words[1:])
    assert status == 0, err
    if first_metric:
        identical = "identical: 1 epochs, every step's metrics and every array of the state\n"
        assert gan_jax("verify", "it's a run")[:2] == (0, identical)


@pytest.fixture
def recorded(tmp_path):
    """The settings of a run that has a snapshot."""
    write_record(tmp_path)
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "step_0000001.npz").touch()
    return settings(tmp_path)


def following(asked):
    return shlex.split(next_command(asked))[1]


def test_next_command_names_no_page_that_would_be_too_large(recorded):
    for megabytes, name in ((4, "playground"), (40, "sample")):
        (recorded.folder / "weights.npz").write_bytes(bytes(megabytes * 10**6))
        assert following(recorded) == name


def test_next_command_names_no_page_that_cannot_run_the_networks(recorded, monkeypatch):
    monkeypatch.setitem(NETWORKS, "mine", NETWORKS["dcgan"])
    (recorded.folder / "weights.npz").touch()
    changes = {}, {"game": "mine"}, {"gan": GanConfig(network="mine")}
    found = [following(dataclasses.replace(recorded, **change)) for change in changes]
    assert found == ["playground", "sample", "sample"]


@pytest.mark.soak
def test_a_training_that_is_stopped_names_the_command_that_continues_it(tmp_path):
    flags = ["train", *SMALL, "--game", "drift", "--steps", "8", "--output-dir", "it's a run"]
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
