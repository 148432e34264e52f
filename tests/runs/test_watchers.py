import json

import numpy as np
import pytest
from gan_jax.runs.journal import Journal

from gan_jax.training.loop import Progress

LINE = {"d_x": 0.8, "d_g_z1": 0.2, "fake_spread": 0.5}
STATE = None  # no part of what a journal does


def window(step, **changes):
    values = {name: np.full(10, value, np.float32) for name, value in (LINE | changes).items()}
    return Progress(STATE, step=step, epoch=1, batch=step, metrics=values)


@pytest.fixture
def journal(tmp_path):
    """Of a run that has taken 600 steps."""
    journal = Journal(tmp_path / "metrics.jsonl", lambda step: f"step {step}", real_spread=0.6)
    journal.restore({name: np.full(600, value, np.float32) for name, value in LINE.items()}, 600)
    return journal


def lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]


def test_a_warning_is_written_each_time_and_said_when_it_is_new(journal, tmp_path, capsys):
    for step, spread in ((610, 0.01), (620, 0.01), (630, 0.5), (640, 0.01)):
        journal.add(window(step, fake_spread=spread))
    warned = [line["step"] for line in lines(tmp_path) if line.get("warning") == "collapsed fakes"]
    assert warned == [610, 620, 640]
    said = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines() if "warning: collapsed" in line]
    assert said == ["step 610", "step 640"]
    assert all(line["try"] for line in lines(tmp_path) if "warning" in line)


def test_after_a_restart_a_warning_is_no_news(journal, tmp_path, capsys):
    journal.add(window(610, fake_spread=0.01))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 620, "epo')  # killed while it wrote
    again = Journal(tmp_path / "metrics.jsonl", lambda step: f"step {step}", real_spread=0.6)
    again.restore(journal.metrics(), 610)
    again.rewind(lambda step: step <= 610)
    capsys.readouterr()
    again.add(window(620, fake_spread=0.01))
    assert "warning" not in capsys.readouterr().out
    assert [line["step"] for line in lines(tmp_path)] == [610, 610, 620, 620]


def test_a_window_that_was_cut_is_averaged_whole(tmp_path):
    journal = Journal(tmp_path / "metrics.jsonl", lambda step: "", real_spread=0.6)
    journal.restore({"g_loss": np.array([9, 9, 1, 1], np.float32)}, 2)
    part = Progress(STATE, step=6, epoch=1, batch=6, metrics={"g_loss": np.array([3, 3], np.float32)})
    journal.add(part)
    assert lines(tmp_path)[0]["g_loss"] == 2
