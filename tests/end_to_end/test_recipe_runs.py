"""A run with all that recipes add: resumed, verified, replayed, sampled, exported, and on several devices."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from closeness import assert_close
from small_runs import assert_same_run, content, settings

from gan_jax import GanConfig, load_run, load_weights, run_experiment, sample_images
from gan_jax.inference.export import export_generator
from gan_jax.runs.verify import FinishedRun, replay, verify
from gan_jax.storage.digests import tree_digest
from gan_jax.training.forward import default_labels, generate, sample_latents

# With small networks and twelve steps an epoch.
EVERYTHING = GanConfig(
    latent_dim=4,
    width=2,
    batch_size=60,
    critic_steps=2,
    conditional=True,
    objective="relativistic",
    normalization="spectral",
    penalties=("r1", "gradient_penalty"),
    penalty_share=0.5,
    augmentations=("translation", "cutout"),
    discriminator_learning_rate=4e-4,
    beta1=0.0,
    beta2=0.99,
    schedules=("learning_rate=cosine:x0.05", "beta2=warmup:0.9:1200"),
    ema_half_life=500.0,
    ema_statistics="recalibrated",
    initializer="he",
)
pytestmark = [pytest.mark.soak, pytest.mark.usefixtures("scores_cost_little")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe") / "run"
    run_experiment(settings(folder, gan=EVERYTHING))
    return folder


def test_a_run_resumes_to_the_same_bytes(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    for path in (folder / "checkpoints").iterdir():
        if int(path.name) > 20:
            shutil.rmtree(path)
    (folder / "weights.npz").unlink()
    config = load_run(trained).config
    run_experiment(settings(folder, gan=config))
    assert content(folder) == content(trained)


def test_a_run_is_verified_and_a_step_replayed(trained, tmp_path):
    run = FinishedRun(trained)
    assert verify(run, first=1) == (1, None)
    _, same = replay(run, 23, tmp_path / "step.npz")
    assert same
    with np.load(tmp_path / "step.npz") as step:
        assert len(step["images"]) == 120
        assert len(step["fakes"]) == run.config.batch_size
        assert ("labels" in step.files) == run.config.conditional


def test_what_was_trained_is_loaded_sampled_and_exported(trained):
    run = load_run(trained)
    config, alone = load_weights(trained / "weights.npz")
    assert config == run.config
    assert tree_digest(alone.generator.params) == tree_digest(run.state.generator.params)
    images = sample_images(run.config, run.generator, 12)
    assert images.shape == (12, 28, 28, 1)
    assert images.dtype == np.uint8
    exported = jax.export.deserialize(bytearray(export_generator(run.config, run.generator)))
    latents = sample_latents(run.config, jax.random.key(0), 5)
    labels = [] if (kinds := default_labels(run.config, 5)) is None else [kinds]
    given = generate(run.config, run.generator, latents, *labels)
    assert_close(exported.call(latents, *labels), given)


def test_devices_train_the_run_that_one_trains(trained, tmp_path):
    config = load_run(trained).config
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import small_runs\n"
        f"from gan_jax import GanConfig, run_experiment\nconfig = {config!r}\n"
        "run_experiment(small_runs.settings(Path(sys.argv[2]), gan=config, devices=2))"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parents[1]), str(tmp_path / "run")]
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    process = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert process.returncode == 0, process.stderr
    assert_same_run(trained, tmp_path / "run", steps=8)
