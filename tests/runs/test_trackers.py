"""A run in TensorBoard, read back by its own reader, and in a stand-in of W&B."""

import json
import shutil
import sys
import types
import warnings
from unittest import mock

import pytest
from small_runs import EVERYTHING_KEPT, content, interrupted, settings

from gan_jax import InputError, run_experiment
from gan_jax.cli.track import track
from gan_jax.runs.watchers.json_lines import read_lines
from gan_jax.runs.watchers.trackers import open_tracker
from gan_jax.storage.run_folder import RunFolder, claim, remove_run

pytestmark = pytest.mark.usefixtures("preview_keys_are_used_again")


@pytest.fixture
def copied(complete, tmp_path):
    return RunFolder(shutil.copytree(complete.path, tmp_path / "run"))


def events_of(folder):
    """All that TensorBoard shows of a run: scalars, and the steps of pictures and texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(
            str(folder.tracker("tensorboard")), size_guidance={"images": 0, "tensors": 0}
        ).Reload()
    tags = events.Tags()
    scalars = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags["scalars"]}
    pictures = {tag: [event.step for event in events.Images(tag)] for tag in tags["images"]}
    texts = {tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in tags["tensors"]}
    return scalars, pictures, texts


@pytest.mark.soak
def test_tensorboard_reads_what_the_run_reported(complete):
    scalars, pictures, texts = events_of(complete)
    lines = read_lines(complete.metrics)
    for name in ("d_loss", "g_loss", "d_x", "epoch"):
        wanted = [(line["step"], line[name]) for line in lines if name in line]
        assert [step for step, _ in scalars[name]] == [step for step, _ in wanted]
        assert [value for _, value in scalars[name]] == pytest.approx([value for _, value in wanted])
    assert pictures == {"grid": complete.drawn_steps()}
    assert any('"batch_size": 120' in text for text in texts.values())


def content_but_events(folder):
    return {name: digest for name, digest in content(folder.path).items() if not name.startswith("trackers")}


@pytest.mark.soak
def test_a_resumed_run_is_as_if_it_had_never_been_interrupted(complete, tmp_path):
    folder = RunFolder(interrupted(complete.path, tmp_path / "run", step=8))
    folder.snapshot(10).write_bytes(b"of an interrupted training")
    run_experiment(settings(folder.path, **EVERYTHING_KEPT))
    assert content_but_events(folder) == content_but_events(complete)
    assert events_of(folder)[:2] == events_of(complete)[:2]


def test_tracking_changes_nothing_else_and_a_finished_run_is_converted(complete, tmp_path):
    folder = RunFolder(tmp_path / "run")
    run_experiment(settings(folder.path, **EVERYTHING_KEPT | {"tracker": ()}))
    assert {**content(folder.path), "run.json": 0} == {**content_but_events(complete), "run.json": 0}
    track(folder.path)
    assert events_of(folder)[:2] == events_of(complete)[:2]


def test_a_run_that_is_being_written_keeps_its_events(copied):
    before = content(copied.path)
    with claim(copied, resume=True), pytest.raises(InputError, match=r"is at work in .*; wait for it or train with"):
        track(copied.path)
    assert content(copied.path) == before


def test_a_run_that_is_replaced_takes_its_events_along_and_nothing_else(copied):
    (copied.trackers / "mine").mkdir()
    remove_run(copied)
    assert [path.name for path in copied.trackers.iterdir()] == ["mine"]


@pytest.fixture
def wandb(monkeypatch):
    """A module that notes what it is called with."""
    module = mock.Mock(Image=lambda path: f"image of {path}", errors=types.SimpleNamespace(Error=RuntimeError))
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def logged(wandb, name):
    """What was logged with an entry of this name."""
    return [call.args[0] for call in wandb.init().log.call_args_list if name in call.args[0]]


def test_weights_and_biases_gets_the_same(copied, wandb):
    open_tracker("wandb", copied, "a name").close()
    told = wandb.init.call_args.kwargs
    assert (told["name"], told["config"]["gan"]["batch_size"]) == ("a name", 120)
    lines = [line for line in read_lines(copied.metrics) if "d_loss" in line]
    assert logged(wandb, "d_loss") == [pytest.approx(line) for line in lines]
    assert [entry["step"] for entry in logged(wandb, "grid")] == copied.drawn_steps()
    assert wandb.init().method_calls[-1] == mock.call.finish()


@pytest.mark.parametrize("advice", [{"try": "a lower rate"}, {}])
def test_a_warning_is_passed_on_with_its_advice(copied, wandb, advice):
    with copied.metrics.open("a") as file:
        file.write(json.dumps({"step": 12, "warning": "saturated", **advice}) + "\n")
    open_tracker("wandb", copied).close()
    text = "saturated: try a lower rate" if advice else "saturated"
    assert logged(wandb, "warning") == [{"step": 12, "warning": text}]


def test_weights_and_biases_that_cannot_begin_says_what_to_do(copied, wandb):
    wandb.init.side_effect = RuntimeError("No API key")
    with pytest.raises(InputError, match=r"W&B cannot begin \(No API key\); run wandb login, or set WANDB_MODE"):
        open_tracker("wandb", copied)


@pytest.mark.parametrize(("name", "module"), [("tensorboard", "tensorboardX"), ("wandb", "wandb")])
def test_a_missing_package_names_the_extra_before_anything_is_trained(name, module, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"--tracker {name} needs a package .* install gan_jax\[{name}\]"):
        run_experiment(settings(tmp_path / "run", tracker=(name,), game="drift"))
    assert not (tmp_path / "run").exists()
