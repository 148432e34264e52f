"""Generative adversarial networks in functional JAX.

``training.steps`` has the training step. Importing the package loads nothing else: a public name is imported when it is
used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_jax.config import GanConfig, RunConfig
    from gan_jax.data.datasets import Dataset, load_dataset
    from gan_jax.data.pixels import normalize_images, quantize_images
    from gan_jax.errors import DivergedError, InputError, StoppedError
    from gan_jax.inference.sampling import sample_images
    from gan_jax.objectives.losses import discriminator_loss, generator_loss, mean_score
    from gan_jax.runs.experiment import Experiment
    from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
    from gan_jax.storage.load import TrainedRun, load_run
    from gan_jax.storage.weights import load_weights, save_weights
    from gan_jax.sweeps.run import run_experiment
    from gan_jax.training.batches import ImageSource, ResidentImages, RunKeys, run_keys, steps_per_epoch
    from gan_jax.training.compiled import scan_steps, train_epoch, train_run
    from gan_jax.training.loop import Progress, train
    from gan_jax.training.state import GanState, NetworkState, init_state
    from gan_jax.training.steps import (
        DiscriminatorMetrics,
        GanMetrics,
        GeneratorMetrics,
        Step,
        batch_fakes,
        discriminate,
        discriminator_step,
        gan_step,
        generate,
        generator_step,
        sample_latents,
    )

    __version__: str

_HOMES = {
    "config": ("GanConfig", "RunConfig"),
    "data.datasets": ("Dataset", "load_dataset"),
    "data.pixels": ("normalize_images", "quantize_images"),
    "errors": ("DivergedError", "InputError", "StoppedError"),
    "inference.sampling": ("sample_images",),
    "objectives.losses": ("discriminator_loss", "generator_loss", "mean_score"),
    "runs.experiment": ("Experiment",),
    "runs.watchers.watcher": ("Entry", "ResumePoint", "RunContext", "Watcher"),
    "storage.load": ("TrainedRun", "load_run"),
    "storage.weights": ("load_weights", "save_weights"),
    "sweeps.run": ("run_experiment",),
    "training.batches": ("ImageSource", "ResidentImages", "RunKeys", "run_keys", "steps_per_epoch"),
    "training.compiled": ("scan_steps", "train_epoch", "train_run"),
    "training.loop": ("Progress", "train"),
    "training.state": ("GanState", "NetworkState", "init_state"),
    "training.steps": (
        *("DiscriminatorMetrics", "GanMetrics", "GeneratorMetrics", "Step", "batch_fakes", "discriminate"),
        *("discriminator_step", "gan_step", "generate", "generator_step", "sample_latents"),
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Dataset",
    "DiscriminatorMetrics",
    "DivergedError",
    "Entry",
    "Experiment",
    "GanConfig",
    "GanMetrics",
    "GanState",
    "GeneratorMetrics",
    "ImageSource",
    "InputError",
    "NetworkState",
    "Progress",
    "ResidentImages",
    "ResumePoint",
    "RunConfig",
    "RunContext",
    "RunKeys",
    "Step",
    "StoppedError",
    "TrainedRun",
    "Watcher",
    "__version__",
    "batch_fakes",
    "discriminate",
    "discriminator_loss",
    "discriminator_step",
    "gan_step",
    "generate",
    "generator_loss",
    "generator_step",
    "init_state",
    "load_dataset",
    "load_run",
    "load_weights",
    "mean_score",
    "normalize_images",
    "quantize_images",
    "run_experiment",
    "run_keys",
    "sample_images",
    "sample_latents",
    "save_weights",
    "scan_steps",
    "steps_per_epoch",
    "train",
    "train_epoch",
    "train_run",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("importlib.metadata").version("gan_jax")
    elif name in _HOME_OF:
        value = getattr(import_module(f"gan_jax.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module 'gan_jax' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
