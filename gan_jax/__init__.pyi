"""The public names and where they live; ``__init__.py`` imports each when it is used."""

from .config import GanConfig
from .data.datasets import Dataset, load_dataset
from .data.pixels import normalize_images, quantize_images
from .errors import DivergedError, InputError, StoppedError
from .inference.projection import Projection, project_image
from .inference.sampling import sample_images
from .nn.networks import NETWORKS, Network, apply_discriminator, apply_generator
from .objectives.augmentations import AUGMENTATIONS
from .objectives.losses import OBJECTIVES, Objective, discriminator_loss, generator_loss, mean_score
from .objectives.penalties import PENALTIES
from .parts import import_parts
from .pictures.grids import tile_images
from .recipes import RECIPES, Recipe, recipe
from .runs.experiment import Experiment, describe_score, draw_current_batch, draw_preview
from .runs.watchers.trackers import TRACKERS, Tracker
from .runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
from .settings import RunConfig
from .storage.load import PRETRAINED, TrainedRun, load_pretrained, load_run
from .storage.weights import load_weights, save_weights
from .sweeps.run import run_experiment
from .training.batches import (
    ImageSource,
    LabelledImages,
    ResidentImages,
    RunKeys,
    epoch_order,
    run_keys,
    steps_per_epoch,
)
from .training.compiled import scan_steps, train_epoch, train_run
from .training.forward import batch_fakes, discriminate, generate, sample_latents, sampling_generator
from .training.loop import Progress, train
from .training.metrics import (
    DiscriminatorMetrics,
    GanMetrics,
    GeneratorMetrics,
    PenalizedDiscriminatorMetrics,
    PenalizedGanMetrics,
)
from .training.state import GanState, NetworkState, apply_gradients, init_state
from .training.steps import Step, discriminator_step, gan_step, generator_step
from .version import __version__

__all__ = [
    "AUGMENTATIONS",
    "NETWORKS",
    "OBJECTIVES",
    "PENALTIES",
    "PRETRAINED",
    "RECIPES",
    "TRACKERS",
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
    "LabelledImages",
    "Network",
    "NetworkState",
    "Objective",
    "PenalizedDiscriminatorMetrics",
    "PenalizedGanMetrics",
    "Progress",
    "Projection",
    "Recipe",
    "ResidentImages",
    "ResumePoint",
    "RunConfig",
    "RunContext",
    "RunKeys",
    "Step",
    "StoppedError",
    "Tracker",
    "TrainedRun",
    "Watcher",
    "__version__",
    "apply_discriminator",
    "apply_generator",
    "apply_gradients",
    "batch_fakes",
    "describe_score",
    "discriminate",
    "discriminator_loss",
    "discriminator_step",
    "draw_current_batch",
    "draw_preview",
    "epoch_order",
    "gan_step",
    "generate",
    "generator_loss",
    "generator_step",
    "import_parts",
    "init_state",
    "load_dataset",
    "load_pretrained",
    "load_run",
    "load_weights",
    "mean_score",
    "normalize_images",
    "project_image",
    "quantize_images",
    "recipe",
    "run_experiment",
    "run_keys",
    "sample_images",
    "sample_latents",
    "sampling_generator",
    "save_weights",
    "scan_steps",
    "steps_per_epoch",
    "tile_images",
    "train",
    "train_epoch",
    "train_run",
]
