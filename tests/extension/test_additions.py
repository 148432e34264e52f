"""Parts that a user adds in one file, with public names alone, and every command on the runs that they train."""

import ast
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_process import command
from own_parts import own_parts
from small_runs import content

import gan_jax
from gan_jax import Batch, GanConfig, gan_step, init_state, load_run
from gan_jax.parts import import_parts

pytestmark = pytest.mark.usefixtures("preview_keys_are_used_again")
ADDITIONS = Path(__file__).parent / "additions"
SMALL = ["--dataset", "digits", "--width", "2", "--latent-dim", "4", "--batch-size", "16", "--log-every", "4"]
NO_NORMALIZATION = ["--normalization", "none"]
FLAGS = {
    "lion": ["--optimizer", "lion", "--learning-rate", "1e-4"],
    "plain_functions": ["--network", "plain", *NO_NORMALIZATION, "--penalties", "r1", "r2"],
    "nnx_modules": ["--network", "nnx", "--ema-half-life", "500"],
    "equinox_modules": ["--network", "equinox"],
    "style_generator": ["--network", "style"],
    "large_images": ["--network", "large", "--image-size", "128", "--max-channels", "4", *NO_NORMALIZATION],
    "adaptive": ["--controllers", "quick_ada", "--augmentations", "translation", "--augmentation-probability", "0.5"],
    "generator_penalty": ["--generator-penalties", "greyness", "--generator-penalty-every", "4"],
    "three_networks": ["--game", "three"],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with own_parts():
        yield tmp_path


def words_of(name):
    """The flag that imports an addition, and the flags that train with it."""
    return ["--import", str(ADDITIONS / f"{name}.py")], [*SMALL, *FLAGS[name]]


def succeed(*words):
    ended = command(*map(str, words))
    assert ended.status == 0, ended.err
    return ended.out


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "plain_functions" else pytest.mark.soak) for name in FLAGS]
)
def test_an_addition_trains_resumes_to_equal_bits_and_is_sampled_and_verified(name, folder):
    imported, flags = words_of(name)
    succeed("train", *imported, *flags, "--steps", "8", "--output-dir", "runs/whole")
    succeed("train", *imported, *flags, "--steps", "3", "--output-dir", "runs/parts")
    succeed("train", *imported, "--resume", "--dataset", "digits", "--steps", "8", "--output-dir", "runs/parts")
    whole, parts = (content(folder / "runs" / run) for run in ("whole", "parts"))
    for file in ("weights.npz", "history.npz"):
        assert whole[file] == parts[file]
    history = np.load("runs/whole/history.npz")
    assert all(np.isfinite(history[metric]).all() for metric in history)
    assert load_run("runs/whole").state.step == 8
    succeed("sample", "runs/whole", *imported, "--num-images", "16", "--output", "grid.png")
    succeed("verify", "runs/whole", *imported)
    succeed("replay", "runs/whole", *imported, "--step", "5", "--output", "step.npz")
    size = 128 if name == "large_images" else 28
    assert np.load("step.npz")["fakes"].shape == (16, size, size, 1)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["plain_functions", "nnx_modules", "three_networks"])
def test_evaluate_and_report_score_an_addition(name, folder, scores_cost_little):
    imported, flags = words_of(name)
    succeed("train", *imported, *flags, "--steps", "2", "--output-dir", "runs/short")
    succeed("evaluate", "runs/short", *imported, "--num-images", "1000")
    succeed("report", "runs/short", *imported, "--no-scores")
    assert {"evaluation.png", "report.html"} <= {path.name for path in (folder / "runs/short").iterdir()}


def test_a_command_without_the_import_names_it(folder):
    imported, flags = words_of("lion")
    succeed("train", *imported, *flags, "--steps", "1", "--output-dir", "runs/short")
    with own_parts(forget=True):
        ended = command("sample", "runs/short", "--output", "grid.png")
    assert ended.status != 0
    assert ended.err == "error: the run has parts of its own; give --import lion.py, with the path of a file.\n"


def take_steps(name, count, **options):
    """Steps with an addition: the state after them, and the metrics of each."""
    import_parts(str(ADDITIONS / f"{name}.py"))
    config = GanConfig(image_shape=(8, 8, 1), latent_dim=4, width=2, batch_size=4, **options)
    state, metrics = init_state(config, jax.random.key(0)), []
    for step in range(count):
        state, reported = gan_step(config, state, Batch(jnp.zeros((4, 8, 8, 1))), jax.random.key(step))
        metrics.append({name: float(value) for name, value in reported.items()})
    return state, metrics


def test_a_penalty_on_g_is_taken_every_fourth_step(folder):
    options = {"generator_penalties": ("greyness",), "generator_penalty_every": 4}
    _, metrics = take_steps("generator_penalty", 6, **options)
    assert [step["g_penalty"] > 0 for step in metrics] == [True, False, False, False, True, False]


def test_a_controller_moves_what_it_sets(folder):
    options = {"augmentations": ("translation",), "augmentation_probability": 0.5, "controllers": ("quick_ada",)}
    state, metrics = take_steps("adaptive", 3, **options)
    expected = np.clip(0.5 + 0.05 * sum(np.sign(step["d_sign"] - 0.6) for step in metrics), 0, 1)
    assert state.extra["quick_ada"] == pytest.approx(expected, abs=1e-6)


def test_additions_import_public_names_alone():
    for path in ADDITIONS.glob("*.py"):
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        ours = [node for node in imports if node.module.startswith("gan_jax")]
        assert ours
        for node in ours:
            assert node.module == "gan_jax"
            assert {alias.name for alias in node.names} <= set(gan_jax.__all__)
        assert path.stem in FLAGS
        assert path.stem not in sys.modules
