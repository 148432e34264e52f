"""The public names and where they live; ``__init__.py`` imports each when it is used."""

from .config import GanConfig
from .controllers import CONTROLLERS, Controller
from .data.datasets import Dataset, load_dataset
from .data.pixels import normalize_images, quantize_images
from .errors import DivergedError, InputError, StoppedError
from .inference.projection import Projection, project_image
from .inference.sampling import sample_images
from .nn.network import Network, Variables, from_equinox, from_linen, from_nnx, images_like, latents_like
from .nn.networks import NETWORKS, Networks, apply_discriminator, apply_generator
from .objectives.augmentations import AUGMENTATIONS
from .objectives.losses import OBJECTIVES, Objective, discriminator_loss, generator_loss, mean_score
from .objectives.penalties import GENERATOR_PENALTIES, PENALTIES
from .optimizers import OPTIMIZERS
from .parts import import_parts
from .pictures.grids import tile_images
from .recipes import RECIPES, Choice, Recipe, choose_recipe, recipe
from .runs.experiment import Experiment, describe_score, draw_current_batch, draw_preview, experiment_of
from .runs.watchers.trackers import TRACKERS, Tracker
from .runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
from .schedules import CURVES
from .settings import RunConfig
from .storage.load import PRETRAINED, TrainedRun, load_pretrained, load_run
from .storage.weights import load_weights, save_weights
from .sweeps.run import run_experiment
from .training.batches import (
    Batch,
    ImageSource,
    ResidentImages,
    RunKeys,
    epoch_order,
    run_keys,
    steps_per_epoch,
)
from .training.compiled import scan_steps, train_epoch, train_run
from .training.forward import batch_fakes, discriminate, generate, sample_latents, sampling_generator
from .training.games import GAMES, Game
from .training.loop import Progress, train
from .training.metrics import METRICS
from .training.state import GanState, NetworkState, apply_gradients, init_state
from .training.steps import Step, discriminator_step, gan_step, generator_step
from .version import __version__

__all__ = [
    "AUGMENTATIONS",
    "CONTROLLERS",
    "CURVES",
    "GAMES",
    "GENERATOR_PENALTIES",
    "METRICS",
    "NETWORKS",
    "OBJECTIVES",
    "OPTIMIZERS",
    "PENALTIES",
    "PRETRAINED",
    "RECIPES",
    "TRACKERS",
    "Batch",
    "Choice",
    "Controller",
    "Dataset",
    "DivergedError",
    "Entry",
    "Experiment",
    "Game",
    "GanConfig",
    "GanState",
    "ImageSource",
    "InputError",
    "Network",
    "NetworkState",
    "Networks",
    "Objective",
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
    "Variables",
    "Watcher",
    "__version__",
    "apply_discriminator",
    "apply_generator",
    "apply_gradients",
    "batch_fakes",
    "choose_recipe",
    "describe_score",
    "discriminate",
    "discriminator_loss",
    "discriminator_step",
    "draw_current_batch",
    "draw_preview",
    "epoch_order",
    "experiment_of",
    "from_equinox",
    "from_linen",
    "from_nnx",
    "gan_step",
    "generate",
    "generator_loss",
    "generator_step",
    "images_like",
    "import_parts",
    "init_state",
    "latents_like",
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
