"""A run's folder that an earlier version wrote (format 2) is of use to this one."""

import json
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax import GanConfig, RunConfig, load_run, run_experiment, sample_images
from gan_jax.inference.export import export_generator
from gan_jax.runs.experiment import JOINT
from gan_jax.runs.reproduce import FinishedRun, replay, verify
from gan_jax.storage.history import read_history
from gan_jax.storage.record import read_settings


@pytest.fixture
def folder(tmp_path):
    with zipfile.ZipFile(Path(__file__).parent / "earlier_run.zip") as archive:
        archive.extractall(tmp_path)
    (record,) = tmp_path.rglob("run.json")
    return record.parent


def test_it_is_loaded_sampled_and_exported(folder):
    run = load_run(folder)
    assert run.record["format"] == 2
    assert int(run.state.step) == 24
    assert (run.config.width, run.config.latent_dim) == (2, 4)
    assert sample_images(run.config, run.generator, 3).shape == (3, 28, 28, 1)
    assert export_generator(run.config, run.generator)


@pytest.mark.soak
def test_it_is_verified_and_replayed(folder, tmp_path):
    """Whether the bits are the same depends on the machine."""
    run = FinishedRun(folder)
    count, difference = verify(run)
    assert count == 2 if difference is None else difference.epoch in (1, 2)
    metrics, same = replay(run, 13, tmp_path / "step.npz")
    assert same is not None
    assert metrics["d_loss"] == pytest.approx(read_history(folder / "history.npz")["d_loss"][12], rel=1e-2)


@pytest.mark.soak
def test_it_is_resumed(folder):
    settings, _ = read_settings(json.loads((folder / "run.json").read_text()))
    assert isinstance(settings, RunConfig)
    assert isinstance(settings.gan, GanConfig)
    before = read_history(folder / "history.npz")
    changes = {"steps": 30, "output_dir": folder, "resume": True}
    with jax.debug_key_reuse(False):
        run_experiment(JOINT, RunConfig(**{**vars(settings), **changes}))
    after = read_history(folder / "history.npz")
    assert int(load_run(folder).state.step) == 30
    for name, values in before.items():
        np.testing.assert_array_equal(after[name][:24], values)
