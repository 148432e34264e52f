"""Small trainings in processes of their own, forked from one that has imported all and so started within a moment.

Faults are made with real processes and real signals; what a run left is compared as bytes.
"""

import hashlib
import multiprocessing
import os
import resource
import sys
from pathlib import Path

from gan_jax import GanConfig, RunConfig, discriminator_step, gan_step, generate, generator_step, sample_latents
from gan_jax.cli.statuses import exit_statuses, prepare_jax
from gan_jax.runs.experiment import Experiment, draw_current_batch, run_experiment
from gan_jax.sweeps.run import run_many

GAN = GanConfig(latent_dim=4, width=2, batch_size=120)  # twelve batches an epoch


def draw_same_latents(config, state, keys):
    return generate(config, state.generator, sample_latents(config, keys.display, 64))


EXPERIMENTS = {
    "joint": Experiment(gan_step, draw_same_latents, "epoch_end"),
    "generator": Experiment(generator_step, draw_current_batch, "window_end"),
    "discriminator": Experiment(discriminator_step, draw_current_batch, "window_end"),
}

# The server from which the processes are forked looks for this module by the path alone.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["small_runs", "sklearn.datasets", "PIL.PngImagePlugin", "PIL.GifImagePlugin"])


def settings(folder: Path, **options) -> RunConfig:
    """What a small training is made with; ``options`` replace some of it."""
    defaults = {"steps": 24, "log_every": 4, "checkpoint_every": 4, "resume": True}
    return RunConfig(GAN, dataset="digits", output_dir=folder, **defaults | options)


def start(folder: Path, kind: str = "joint", file_limit: int | None = None, **options) -> multiprocessing.Process:
    """Start a training; its screen goes to ``<folder>.log``, or to ``log``."""
    arguments = folder, kind, file_limit, options.pop("log", folder.with_suffix(".log")), options
    process = _processes.Process(target=_train, args=arguments)
    process.start()
    return process


def finish(folder: Path, kind: str = "joint", **options) -> tuple[int | None, str]:
    """Train to the end: the exit status, and what was on screen."""
    log = options.setdefault("log", folder.with_suffix(".log"))
    process = start(folder, kind, **options)
    process.join(120)
    assert process.exitcode is not None, "hangs"
    return process.exitcode, log.read_text()


def screen(folder: Path) -> str:
    return folder.with_suffix(".log").read_text()


def content(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a run but its checkpoints, whose bytes depend on when they were written."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    kept = {name: path.read_bytes() for name, path in files.items() if name.parts[0] not in ("checkpoints", ".lock")}
    own_name = str(folder).encode()
    return {str(name): hashlib.sha256(data.replace(own_name, b"")).hexdigest() for name, data in kept.items()}


def _train(folder: Path, kind: str, file_limit: int | None, log_path: Path, options: dict) -> None:
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout, sys.stderr = (os.fdopen(handle, "w", buffering=1) for handle in (1, 2))
    if file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    prepare_jax()
    with exit_statuses():
        flags = settings(folder, **options)
        (run_many if flags.seeds or flags.sweep else run_experiment)(EXPERIMENTS[kind], flags)
