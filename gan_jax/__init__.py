"""Generative adversarial networks in functional JAX."""

from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import Dataset, load_dataset
from gan_jax.errors import InputError
from gan_jax.loop import Progress, train
from gan_jax.losses import discriminator_loss, generator_loss, mean_score
from gan_jax.pixels import normalize_images, quantize_images
from gan_jax.programs import scan_steps, train_epoch, train_run
from gan_jax.sampling import sample_images
from gan_jax.sources import ImageSource, ResidentImages, RunKeys, run_keys, steps_per_epoch
from gan_jax.state import GanState, NetworkState, init_state
from gan_jax.steps import (
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
from gan_jax.trained import TrainedRun, load_run
from gan_jax.weights import load_weights, save_weights

__all__ = [
    "Dataset",
    "DiscriminatorMetrics",
    "GanConfig",
    "GanMetrics",
    "GanState",
    "GeneratorMetrics",
    "ImageSource",
    "InputError",
    "NetworkState",
    "Progress",
    "ResidentImages",
    "RunConfig",
    "RunKeys",
    "Step",
    "TrainedRun",
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
