"""What a run starts from: its configuration, initial state, source of images and keys."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.data.datasets import Dataset, load_dataset
from gan_jax.data.image_set import StoredImages
from gan_jax.errors import InputError
from gan_jax.settings import RunConfig
from gan_jax.storage.digests import named_leaves
from gan_jax.storage.load import load_run
from gan_jax.training.batches import Batch, ImageSource, ResidentImages, RunKeys, ShardedImages, run_keys
from gan_jax.training.compiled import initial_state
from gan_jax.training.games import find_game
from gan_jax.training.loop import Start, compile_ahead
from gan_jax.training.sharding import batch_mesh, replicate
from gan_jax.training.state import GanState, NetworkState
from gan_jax.training.streamed import StreamedImages

_OF_LAYERS = (
    *("image_shape", "network", "width", "discriminator_width", "latent_dim", "normalization", "conditional"),
    *("num_classes", "packing", "stage_widths", "stage_cardinalities", "stage_blocks", "expansion"),
)


def load_images(settings: RunConfig, name: str | None = None, data_dir: Path | None = None) -> Dataset:
    """A run's data set; it may have another name now, or its published files may be in another folder.

    Raises:
      InputError: as ``load_dataset``.
    """
    options: dict[str, Any] = {
        "image_size": settings.image_size,
        "channels": settings.channels,
        "pixel_range": settings.pixel_range,
        "skip_broken": settings.skip_broken,
        "stream": settings.stream,
    }
    data_dir = data_dir or (settings.data_dir if name in (None, settings.dataset) else None)
    return load_dataset(name or settings.dataset, data_dir, **options)


def networks_config(settings: RunConfig, dataset: Dataset) -> GanConfig:
    """The networks' configuration for a data set's images."""
    config = dataclasses.replace(settings.gan, image_shape=dataset.image_shape)
    if config.conditional:
        if not dataset.class_names:
            raise InputError(f"{dataset.name} has no classes, so networks cannot be conditional; leave it out.")
        counts = np.bincount(dataset.train_labels, minlength=len(dataset.class_names)).tolist()
        recalibrated = config.ema_statistics == "recalibrated" and len(set(counts)) > 1
        class_counts = tuple(counts) if recalibrated or 0 in counts else ()
        config = dataclasses.replace(config, num_classes=len(counts), class_counts=class_counts)
    return config


def training_images(config: GanConfig, dataset: Dataset, images: ArrayLike | None = None) -> Batch:
    """The data set's training images, or the same that are on the device already; with labels if conditional."""
    chosen: Any = dataset.train_images if images is None else images
    return Batch(chosen, dataset.train_labels if config.conditional else None)


def choose_mesh(settings: RunConfig, config: GanConfig) -> Mesh | None:
    """The devices that share each batch, or None for one device.

    Raises:
      InputError: there are not so many devices, they cannot share a batch evenly, or several processes are to use a
        part of theirs.
    """
    processes = jax.process_count()
    if settings.devices is not None and processes > 1:
        raise InputError("several processes share each batch among all of their devices; leave out --devices.")
    several = settings.devices or processes > 1
    return batch_mesh(config, settings.devices) if several else None


def prepare_start(
    settings: RunConfig, config: GanConfig, data: Batch, mesh: Mesh | None = None, *, ahead: bool = False
) -> Start:
    """Derive a run's start from its settings.

    Args:
      settings: game, seed and length, and a trained run to start from, if any.
      config: the networks' configuration.
      data: from ``training_images``.
      mesh: from ``choose_mesh``.
      ahead: compile the first steps meanwhile, if the images are on one device.

    Raises:
      InputError: there are fewer images than one batch, or the trained networks are not of the configured shape.
    """
    keys = run_keys(settings.seed)
    source = _source(config, data, keys, mesh)
    game, num_steps = find_game(settings.game), settings.num_steps(source.steps_per_epoch)
    end = (settings.schedule_steps or num_steps) if config.needs_end else None

    def compile_steps(shapes: Any) -> None:
        if ahead and isinstance(source, ResidentImages):
            start, every = Start(config, shapes, source, keys, end), settings.checkpoint_every
            compile_ahead(game.step, start, num_steps=num_steps, log_every=settings.log_every, pause_every=every)

    state = initial_state(game.init, config, keys.init, meanwhile=compile_steps)
    state = _with_trained_networks(settings, config, state)
    return Start(config, replicate(state, mesh), source, replicate(keys, mesh), end)


def _source(config: GanConfig, data: Batch, keys: RunKeys, mesh: Mesh | None) -> ImageSource:
    stored = isinstance(data.images, StoredImages)
    if mesh and stored:
        raise InputError("--stream feeds one device; leave out --devices and other processes, or --stream.")
    if mesh:
        return ShardedImages(config, jax.device_get(data), keys, mesh)
    return StreamedImages(config, data, keys) if stored else ResidentImages(config, data, keys)


def _with_trained_networks(settings: RunConfig, config: GanConfig, state: Any) -> Any:
    """The weights and batch statistics of another run in place of the initial ones, as far as the settings ask."""
    path = settings.start_from or settings.discriminator
    if path is None:
        return state
    run = load_run(path)
    if not (isinstance(state, GanState) and isinstance(run.state, GanState)):
        raise InputError(f"{path} and this run must both train G and D as the package's games do; start from step 0.")
    given, which = run.state, f"of {path} has other layers; {_differences(run.config, config)}"
    discriminator = _with_weights(f"the discriminator {which}", state.discriminator, given.discriminator)
    if settings.start_from is None:
        return state.replace(discriminator=discriminator)
    generator = _with_weights(f"the generator {which}", state.generator, given.generator)
    averaged = given.generator if given.ema is None else given.ema
    ema = state.ema and _with_weights(f"the generator {which}", state.ema, averaged)
    return state.replace(generator=generator, discriminator=discriminator, ema=ema)


def _differences(given: GanConfig, here: GanConfig) -> str:
    """The settings that differ between two configurations and decide the layers."""
    names = [name for name in _OF_LAYERS if getattr(given, name) != getattr(here, name)]
    wanted = [f"{name} {getattr(given, name)}, not {getattr(here, name)}" for name in names]
    return f"it needs {'; '.join(wanted)}." if wanted else "use the settings it was trained with."


def _with_weights(complaint: str, here: NetworkState, given: NetworkState) -> NetworkState:
    shapes = [[(name, leaf.shape) for name, leaf in named_leaves(network.variables)] for network in (given, here)]
    if shapes[0] != shapes[1]:
        raise InputError(complaint)
    return here.replace(
        variables=jax.tree.unflatten(jax.tree.structure(here.variables), jax.tree.leaves(given.variables))
    )
