"""What is written and said of a run's windows."""

import dataclasses
import json
from unittest import mock

import jax
import numpy as np
import pytest

from gan_jax import GanConfig, Progress, RunConfig, init_state, load_dataset, run_keys
from gan_jax.runs.run import Run
from gan_jax.runs.watchers.console import Console
from gan_jax.runs.watchers.figures import Figures
from gan_jax.runs.watchers.json_lines import JsonLines, read_lines
from gan_jax.runs.watchers.results import Results
from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
from gan_jax.storage.checkpoints import Checkpoint
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import FORMAT
from gan_jax.training.loop import Start

CONFIG = GanConfig(width=2)
STATE = None  # no part of what is said
METRICS = {"d_x": 0.8, "d_g_z1": 0.2, "fake_std": 0.5}


class Saved:
    """Checkpoints, of which the newest is after the 610th step."""

    def __init__(self):
        self.count = 0

    def save(self, checkpoint, scores):
        self.count += 1

    def restore_newest(self, template, until):
        state = init_state(CONFIG, run_keys(0).init).replace(step=610)
        return Checkpoint(state, {name: np.full(610, value, np.float32) for name, value in METRICS.items()}), []

    def drop_after(self, step):
        pass


@pytest.fixture
def context(tmp_path):
    dataset = load_dataset("digits")
    settings = RunConfig(CONFIG, dataset="digits", log_every=10, output_dir=tmp_path)
    return RunContext(settings, CONFIG, dataset, run_keys(0), RunFolder(tmp_path), 1000, 2000)


def make_run(context, *watchers):
    return Run(context, Start(CONFIG, None, None, context.keys), Saved(), watchers)


def window(step, count=10, **changes):
    values = {name: np.full(count, value, np.float32) for name, value in (METRICS | changes).items()}
    return Progress(STATE, step=step, epoch=1, batch=step, epoch_end=False, metrics=values)


def lines(context):
    return [json.loads(line) for line in context.folder.metrics.read_text().splitlines()]


@pytest.fixture
def run(context):
    """A run that has taken 600 steps."""
    run = make_run(context, JsonLines(context), Console(context))
    run.record(window(600, 600))
    return run


def test_a_line_has_the_metrics_by_their_names(run, context, capsys):
    run.record(window(610, d_loss=0.25))
    assert lines(context)[-1]["step"] == 610
    assert "epoch 1/2  batch 610/1000  d_x 0.800  d_g_z1 0.200" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("progress", "stopping", "is_saved"),
    [  # it is due after every 20 steps, where a training is stopped, and at the end of an epoch
        (window(20), False, True),
        (window(25), False, False),
        (window(25), True, True),
        (dataclasses.replace(window(25), epoch_end=True), False, True),
        (dataclasses.replace(window(0), epoch_end=True), True, False),
    ],
)
def test_run_checkpoint_saves_where_it_is_due(progress, stopping, is_saved, context):
    saved = Saved()
    context = context._replace(settings=dataclasses.replace(context.settings, checkpoint_every=20))
    run = Run(context, Start(CONFIG, None, None, context.keys), saved, ())
    run.record(dataclasses.replace(progress, window_end=False))
    run.checkpoint(progress, stopping)
    assert saved.count == is_saved


def test_figures_of_a_draw_function_that_returns_none_draw_nothing(context):
    context.folder.grids.mkdir()
    drawn = iter((None, np.zeros((8, 28, 28, 1), np.float32)))
    figures = Figures(context, lambda config, state, keys: next(drawn), "window_end")
    for step in (10, 20):
        figures.draw(window(step))
    assert context.folder.drawn_steps() == [20]


def test_a_warning_is_written_each_time_and_said_when_it_is_new(run, context, capsys):
    for step, spread in ((610, 0.01), (620, 0.01), (630, 0.5), (640, 0.01)):
        run.record(window(step, fake_std=spread))
    warned = [line["step"] for line in lines(context) if line.get("warning") == "collapsed fakes"]
    assert warned == [610, 620, 640]
    said = [line for line in capsys.readouterr().out.splitlines() if "warning: collapsed" in line]
    assert [line.split("batch ")[1].split("/")[0] for line in said] == ["610", "640"]
    assert all(line["try"] for line in lines(context) if "warning" in line)


def test_after_a_restart_a_known_warning_is_not_said_again(run, context, capsys):
    run.record(window(610, fake_std=0.01))
    with context.folder.metrics.open("a") as file:
        file.write('{"step": 620, "epo')  # killed while it wrote
    again = make_run(context, JsonLines(context), Console(context))
    again.resume()
    assert "Resuming from step 610 of 2000" in capsys.readouterr().out
    again.record(window(620, fake_std=0.01))
    assert "warning" not in capsys.readouterr().out
    assert [line["step"] for line in lines(context)] == [600, 610, 610, 620, 620]


def test_a_window_that_was_cut_is_averaged_completely(context):
    run = make_run(context, JsonLines(context))
    run._history.restore({"g_loss": np.array([9, 9, 1, 1], np.float32)})
    run._window_start = 2
    run.record(Progress(STATE, step=6, epoch=1, batch=6, metrics={"g_loss": np.array([3, 3], np.float32)}))
    assert lines(context)[0]["g_loss"] == 2


def test_all_watchers_are_told_in_the_same_order(context):
    watchers = mock.Mock(spec=Watcher), mock.Mock(spec=Watcher)
    run = make_run(context, *watchers)
    for step in (10, 20):
        for tell in (run.record, run.draw, lambda progress: run.checkpoint(progress, stopping=False)):
            tell(window(step))
    run.finish()
    expected = [(event, step) for step in (10, 20) for event in ("record", "draw", "checkpoint")]
    for watcher in watchers:
        *during, (finished, (_, metrics), _) = watcher.method_calls
        assert [(name, given[0].step) for name, given, _ in during] == expected
        assert (finished, len(metrics["d_x"])) == ("finish", 20)


def test_lines_of_another_form_are_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\nnull\n[2]\n{"step": "x"}\n{"epoch": 3}\n\xff\n{"step": 4}\n{"st')
    assert [line["step"] for line in read_lines(path)] == [1, 4]


def test_a_screen_that_has_gone_away_does_not_end_the_training(context, monkeypatch, tmp_path):
    with (tmp_path / "target").open("w") as target:
        broken = mock.Mock(side_effect=BrokenPipeError)
        monkeypatch.setattr("sys.stdout", mock.Mock(write=broken, flush=broken, fileno=target.fileno))
        Console(context).record(Entry(10, 1, {}, "text"))


def test_quiet_prints_nothing_but_warnings(context, capsys):
    quiet = context._replace(settings=dataclasses.replace(context.settings, quiet=True))
    for where, printed in ((context, True), (quiet, False)):
        console = Console(where)
        console.resume(ResumePoint(5, lambda step: True, ["a checkpoint is damaged."]))
        console.record(Entry(10, 1, {}, "d_loss 1"))
        out, err = capsys.readouterr()
        assert ("d_loss 1" in out) == printed
        assert "a checkpoint is damaged" in err


@pytest.mark.parametrize(
    ("step", "resumed", "ended"),
    [
        (0, "", "weights until step 0 of 2000, where the training ended, are in "),
        (610, "Resuming from step 610 of 2000", "weights until step 610 of 2000, where the training ended, are in "),
        (2000, "finished already, after step 2000; nothing is trained", "weights are in "),
    ],
)
def test_the_screen_says_where_a_run_begins_and_ends(step, resumed, ended, context, capsys):
    console = Console(context)
    console.resume(ResumePoint(step, lambda step: True, []))
    assert resumed in capsys.readouterr().out
    console.finish(init_state(CONFIG, context.keys.init).replace(step=step), {})
    assert f"{ended}{context.folder.path}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("draw_at", "kept"),
    [
        ({0, 15, 615}, [0, 15]),
        ("epoch_end", [0]),  # the run ended after step 500, before it was made longer
        ("window_end", [0, 500]),
    ],
)
def test_a_resumed_run_keeps_the_grids_of_one_that_was_never_interrupted(draw_at, kept, context):
    context.folder.grid(0).parent.mkdir()
    for step in (0, 15, 500, 615):
        context.folder.grid(step).touch()
    make_run(context, Figures(context, None, draw_at)).resume()
    assert context.folder.drawn_steps() == kept


def test_the_record_grows_by_a_line_an_epoch(context):
    record = {"format": FORMAT, "epochs": []}
    recorder, state = Results(context, record), init_state(CONFIG, jax.random.key(0))
    recorder.resume(ResumePoint(0, lambda step: True, []))
    before = (context.folder.path / "run.json").stat()
    for epoch in (1, 2):
        recorder.checkpoint(Progress(state, step=1000 * epoch, epoch=epoch, epoch_end=True))
    assert (context.folder.path / "run.json").stat() == before
    assert len((context.folder.path / "epochs.jsonl").read_text().splitlines()) == len(record["epochs"]) == 2


def test_the_bars_words_are_the_last_chunks_means_and_the_last_distance(context):
    run = make_run(context)
    assert run.summary() == ""
    run.record(window(10, d_loss=0.25))
    assert "d_loss 0.25" in run.summary()
    assert "fake_std" not in run.summary()
