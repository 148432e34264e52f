"""What a user adds to the package: the programs of docs/use/extend.md, with public names alone."""

import ast
import contextlib

import jax
import numpy as np
import pytest
from docs_blocks import write_files_of
from docs_pages import DOCS, python_of
from own_parts import own_parts

import gan_jax
from gan_jax import GAMES, Batch, load_run

pytestmark = pytest.mark.soak
PAGE = DOCS / "use" / "extend.md"
PROGRAM = python_of(PAGE)


@pytest.fixture(scope="module")
def extended(tmp_path_factory, preview_keys_are_used_again):
    """The names that the page's programs define, run in a folder of their own."""
    folder = tmp_path_factory.mktemp("extended")
    write_files_of(PAGE, folder)
    with own_parts(), contextlib.chdir(folder):
        names = {"__name__": "extended"}
        exec(compile(PROGRAM, str(PAGE), "exec"), names)
        yield names | {
            "folder": folder,
            "patient": GAMES["patient"],
            "start": names["init_state"](names["config"], names["keys"].init),
        }


def test_the_page_imports_public_names_alone(extended):
    programs = PROGRAM, (extended["folder"] / "mine.py").read_text()
    imports = [node for text in programs for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if node.module.startswith("gan_jax")]
    assert ours
    for node in ours:
        assert node.module == "gan_jax"
        assert {alias.name for alias in node.names} <= set(gan_jax.__all__)


def test_a_run_trains_with_an_objective_a_penalty_an_augmentation_and_a_network_of_ones_own(extended):
    run = load_run(extended["folder"] / "runs" / "mine")
    assert (run.config.objective, run.config.penalties) == ("exponential", ("small_logits",))
    assert (run.config.network, run.config.augmentations) == ("dense_pair", ("brightness",))
    assert run.state.step == 15


def test_a_step_of_ones_own_decides_what_is_trained(extended):
    step, config, start = extended["patient"].step, extended["config"], extended["start"]
    images = np.zeros((config.batch_size, 28, 28, 1), np.float32)
    moved, _ = step(config, start, Batch(images), extended["keys"].step)
    stayed, _ = step(config, moved, Batch(images), extended["keys"].order)

    def weights(state):
        return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(state.generator.params)])

    assert not np.array_equal(weights(start), weights(moved))
    np.testing.assert_array_equal(weights(moved), weights(stayed))


def test_runs_take_watchers_images_sources_and_trackers_of_ones_own(extended):
    assert extended["told"] == [15]
    stripes = load_run(extended["folder"] / "runs" / "stripes")
    assert (int(stripes.state.step), extended["dataset"].name) == (10, "stripes")
    assert extended["progress"].step == 10
    assert np.isfinite(extended["progress"].metrics["d_loss"]).all()
    tracked = (extended["folder"] / "runs" / "tracked" / "lines.txt").read_text()
    assert "d_loss" in tracked
    assert "step_0000015.png" in tracked
