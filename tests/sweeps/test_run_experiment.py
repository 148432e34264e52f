"""Several small runs, one after another and side by side."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_runs import content, finish, settings

from gan_jax import InputError
from gan_jax.pictures.scores import HEADINGS
from gan_jax.sweeps.report import summary_table
from gan_jax.sweeps.run import choose_side_by_side


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Seed 1, trained by itself."""
    folder = tmp_path_factory.mktemp("alone") / "seed_1"
    assert finish(folder, seed=1)[0] == 0
    return folder


def test_a_seed_taken_in_turn_is_the_seed_alone(alone, tmp_path):
    status, text = finish(tmp_path / "run", seeds="0:2")
    assert status == 0, text
    found, expected = content(tmp_path / "run" / "seed_1"), content(alone)
    del found["outcome.json"], found["run.json"], expected["run.json"]
    assert found == expected
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [one["name"] for one in summary] == ["seed_0", "seed_1"]
    assert summary[0]["scores"]["num_fakes"] == 1_000
    assert "| **mean ± std** |" in text
    again = finish(tmp_path / "run", seeds="0:2")[1]
    assert again.splitlines()[-6:] == text.splitlines()[-6:]


def test_side_by_side_is_the_seed_alone_up_to_rounding_and_goes_on(alone, tmp_path):
    flags = {"seeds": "0:2", "schedule": "side_by_side", "sweep": ("learning_rate=2e-4,1e30",)}
    assert finish(tmp_path / "run", **flags, steps=12)[0] == 0
    status, text = finish(tmp_path / "run", **flags)
    assert status == 0, text
    assert text.count("Resuming from step 12 of 24") == 2  # those that had not diverged
    with np.load(tmp_path / "run" / "learning_rate=0.0002" / "seed_1" / "history.npz") as found:
        for name, values in np.load(alone / "history.npz").items():
            tolerance = 2e-2 if "gradient" in name else 2e-3
            np.testing.assert_allclose(found[name], values, rtol=tolerance, atol=2e-5, err_msg=name)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [bool(one["diverged"]) for one in summary] == [False, False, True, True]
    assert "| 2 of 2 |" in text
    for name in ("bands.png", "sweep.png"):
        assert np.asarray(Image.open(tmp_path / "run" / name).convert("L")).std() > 10


def test_a_schedule_is_chosen_by_platform_and_flags(tmp_path):
    assert not choose_side_by_side(settings(tmp_path, seeds="0:2"))  # a CPU
    assert choose_side_by_side(settings(tmp_path, seeds="0:2", schedule="side_by_side"))
    with pytest.raises(InputError, match="leave out --devices"):
        choose_side_by_side(settings(tmp_path, seeds="0:2", schedule="side_by_side", devices=2))


def test_mistakes_get_a_line(tmp_path):
    script = Path(__file__).parents[2] / "experiments" / "train_gan.py"
    for flags, complaint in ((["--seeds", "3:1"], "seeds is '3:1'"), (["--sweep", "width=3"], "sweep is 'width=3'")):
        command = [sys.executable, script, "--dataset", "digits", "--output-dir", tmp_path / "run", *flags]
        process = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert process.returncode == 2
        assert process.stderr.startswith("error: ")
        assert complaint in process.stderr
        assert process.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_table_has_a_row_for_each_run_and_their_spread():
    def run(name, value, collapsed):
        return {"name": name, "scores": dict.fromkeys(HEADINGS, value), "collapsed": collapsed, "diverged": None}

    lines = summary_table({"": [run("seed_0", 1.0, False), run("seed_1", 3.0, True)]}).splitlines()
    assert lines[2].startswith("| seed_0 | 1 |")
    assert lines[3].endswith("| yes |")
    assert lines[4].startswith("| **mean ± std** | 2 ± 1.4 |")
    assert lines[4].endswith("| 1 of 2 |")
