"""Repeating a small run, in make soak one that a process of its own trained."""

import dataclasses
import json
import shutil
import sys
from unittest import mock

import chex
import jax
import numpy as np
import pytest
from PIL import Image
from probes import run
from small_runs import GAN, drift_step, settings
from terminals import Terminal

from gan_jax import (
    Batch,
    InputError,
    ResidentImages,
    load_dataset,
    load_run,
    run_experiment,
    run_keys,
    save_weights,
    train,
)
from gan_jax.runs.verify import Difference, FinishedRun, replay, verify
from gan_jax.storage.checkpoints import SavedCheckpoints
from gan_jax.storage.run_json import identity, read_run_json
from gan_jax.training.forward import pixel_std

KEPT = {"steps": 36, "keep_checkpoints": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, preview_keys_are_used_again):
    folder = tmp_path_factory.mktemp("verified") / "run"
    run_experiment(settings(folder, **KEPT, game="drift"))
    return folder


@pytest.fixture
def copied(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    return tmp_path / "run"


def edit(folder, change):
    record = json.loads((folder / "run.json").read_text())
    change(record)
    (folder / "run.json").write_text(json.dumps(record))


def test_verify_repeats_a_run_from_its_start_and_some_epochs_from_a_checkpoint(folder):
    run = FinishedRun(folder)
    assert verify(run) == (3, None)
    with mock.patch.object(FinishedRun, "train", autospec=True, side_effect=FinishedRun.train) as train:
        assert verify(run, 2, 3) == (1, None)
    assert [(int(call.args[1].step), call.args[2]) for call in train.call_args_list] == [(24, 24), (24, 36)]


def test_a_terminal_shows_how_far_a_repetition_is(folder, monkeypatch, tmp_path):
    for repeat, total in ((lambda run: verify(run, 2), 36), (lambda run: replay(run, 26, tmp_path / "step.npz"), 26)):
        monkeypatch.setattr("sys.stderr", Terminal())
        repeat(FinishedRun(folder))
        assert f" 0/{total} " in sys.stderr.getvalue()


def test_another_setting_shows_in_its_first_step(copied):
    edit(copied, lambda record: record["run"]["gan"].update(learning_rate=3e-4))
    count, difference = verify(FinishedRun(copied))
    assert count == 0
    assert difference == Difference(1, 1, "generator/params/conv_0/kernel")


def test_a_changed_history_is_named_by_step(copied):
    with np.load(copied / "history.npz") as archive:
        history = dict(archive)
    history["d_loss"][20] = np.nextafter(history["d_loss"][20], np.float32(9))
    np.savez(copied / "history.npz", **history)
    assert verify(FinishedRun(copied)) == (1, Difference(2, 21, None))


def test_a_changed_digest_is_named_by_array(copied):
    lines = (copied / "epochs.jsonl").read_text().splitlines()
    epoch = json.loads(lines[2])
    epoch["sha256"] = "0" * 64
    epoch["arrays"]["discriminator/params/conv_1/kernel"] = "0" * 16
    (copied / "epochs.jsonl").write_text("\n".join([*lines[:2], json.dumps(epoch)]))
    assert verify(FinishedRun(copied)) == (2, Difference(3, None, "discriminator/params/conv_1/kernel"))


def test_what_the_run_was_trained_with_and_is_not_here_is_told(copied):
    assert FinishedRun(copied).differences() == []

    def change(record):
        device = record["device"]
        record["earlier_environments"] = [
            {"versions": record["versions"] | {"jax": "0.9"}, "imports": {}, "device": device, "until": 12},
            {"versions": record["versions"], "imports": {}, "device": device | {"devices_per_batch": 4}, "until": 24},
        ]

    edit(copied, change)
    jax_here = read_run_json(copied)["versions"]["jax"]
    assert FinishedRun(copied).differences() == [
        f"until step 12, versions.jax was 0.9, is {jax_here}",
        "until step 24, device.devices_per_batch was 4, is 1",
    ]


@pytest.mark.soak
def test_steps_of_a_network_are_repeated_with_all_that_was_in_them(tmp_path):
    folder = tmp_path / "run"
    assert run(folder, kind="joint", options=KEPT).status == 0
    assert verify(FinishedRun(folder)) == (3, None)
    metrics, same = replay(FinishedRun(folder), 30, tmp_path / "step.npz")
    assert same is True
    assert metrics["g_gradient_norm"] > 0
    with np.load(tmp_path / "step.npz") as archive:
        kept = dict(archive)
    assert kept["images"].shape == (120, 28, 28, 1)
    assert kept["latents"].shape == (120, 4)
    assert kept["fakes"].shape == (120, 28, 28, 1)
    np.testing.assert_array_equal(FinishedRun(folder).images[kept["rows"]], kept["images"])
    assert kept["d_loss"] == np.load(folder / "history.npz")["d_loss"][29]
    with Image.open(tmp_path / "step.png") as picture:
        assert np.asarray(picture).std() > 20
    with pytest.raises(InputError, match="steps 1 to 36"):
        replay(FinishedRun(folder), 37, tmp_path / "step.npz")


@pytest.mark.soak
def test_the_fakes_of_a_generator_alone_have_the_classes_of_its_step(tmp_path):
    dense = {"network": "dense", "normalization": "none"}
    gan = dataclasses.replace(GAN, conditional=True, critic_steps=2, batch_size=60, **dense)
    with jax.debug_key_reuse(False):
        run_experiment(settings(tmp_path / "run", gan=gan, steps=2, game="generator"))
    metrics, same = replay(FinishedRun(tmp_path / "run"), 2, tmp_path / "step.npz")
    assert same is True
    with np.load(tmp_path / "step.npz") as archive:
        assert float(pixel_std(archive["fakes"])) == pytest.approx(metrics["fake_std"], rel=1e-4)


def test_other_data_and_unknown_steps_are_refused(copied):
    edit(copied, lambda record: record["dataset"].update(sha256="0"))
    with pytest.raises(InputError, match="other images"):
        FinishedRun(copied)
    edit(copied, lambda record: record["run"].update(game="mine"))
    with pytest.raises(InputError, match=r"game is 'mine'; .* --import"):
        FinishedRun(copied)


def test_a_training_by_hand_goes_on_to_the_bits_of_the_run(folder, copied):
    run, images = load_run(copied, optimizers=True), load_dataset("digits").train_images
    found = SavedCheckpoints(copied / "checkpoints").restore(24, run.state)
    source, keys = ResidentImages(run.config, Batch(images), run_keys(0)), run_keys(0)
    *_, last = train(run.config, drift_step, found.state, source, keys, num_steps=36)
    chex.assert_trees_all_equal(last.state, run.state)
    shutil.rmtree(copied / "checkpoints")
    with pytest.raises(InputError, match="no checkpoint, and so no optimizers' moments"):
        load_run(copied, optimizers=True)


def test_a_checkpoint_that_is_newer_than_the_weights_wins(copied, tmp_path, capsys):
    run = load_run(copied)
    earlier = SavedCheckpoints(copied / "checkpoints").restore(24, run.state).state
    save_weights(copied / "weights.npz", earlier, run.config)
    assert int(load_run(copied).state.step) == 36
    assert capsys.readouterr().err == ""


@pytest.fixture
def other_weights(copied):
    config, state, *_ = load_run(copied)
    kernel = state.generator.params["conv_0"]["kernel"]
    params = state.generator.params | {"conv_0": {"kernel": kernel.at[0, 0, 0, 0].add(1e-6)}}
    changed = state.replace(generator=state.generator.with_params(params))
    save_weights(copied / "weights.npz", changed, config)
    return kernel


def test_weights_that_are_not_the_runs_are_passed_over(other_weights, copied, capsys):
    found = load_run(copied).generator["params"]["conv_0"]["kernel"]
    np.testing.assert_array_equal(found, other_weights)
    assert "does not hold the weights that the run recorded" in capsys.readouterr().err
    with pytest.raises(InputError, match="does not hold the weights"):
        verify(FinishedRun(copied))
    shutil.rmtree(copied / "checkpoints")
    with pytest.raises(InputError, match="does not hold the weights"):
        load_run(copied)


def test_checkpoints_of_another_run_are_refused(folder):
    state, record = load_run(folder).state, read_run_json(folder)
    other = identity(record) | {"seed": 1}
    found, complaints = SavedCheckpoints(folder / "checkpoints", other).restore_newest(state)
    assert found is None
    assert len(complaints) == 4
    assert all("of another run: its seed is 0" in complaint for complaint in complaints)
