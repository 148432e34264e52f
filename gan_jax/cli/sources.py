"""What a subcommand works on: a run, weights or samples, and the data set that goes with them."""

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

from gan_jax.data.datasets import Dataset, load_dataset
from gan_jax.data.image_set import listed
from gan_jax.errors import InputError
from gan_jax.runs.setup import load_images
from gan_jax.settings import MAX_SEED
from gan_jax.storage.load import TrainedRun
from gan_jax.storage.record import read_settings
from gan_jax.training.state import NetworkState

MOST = 1_000_000  # images, latents or steps that one command may be asked for


def require_count(name: str, value: int, least: int = 1) -> None:
    """Check how many images, latents or steps a command is asked for.

    Raises:
      InputError: it is too small or too large.
    """
    if not least <= value <= MOST:
        raise InputError(f"{name} is {value}; it must be from {least} to {MOST:,}.")


def require_seed(seed: int) -> None:
    """Check a seed.

    Raises:
      InputError: it is outside its range.
    """
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed is {seed}; it must be from 0 to {MAX_SEED}.")


def choose_generator(run: TrainedRun, raw: bool) -> tuple[NetworkState, str]:
    """The generator that is used, and what it is called: the average where there is one, unless ``raw``."""
    averaged = run.state.average is not None and not raw
    return (run.generator, "averaged generator") if averaged else (run.state.generator, "generator")


def choose_label(run: TrainedRun, label: str | None) -> int | None:
    """The label of the class that a flag gives by its name, or by its number where no class has one for a name.

    Raises:
      InputError: the run's networks know no classes, or not this one.
    """
    if label is None:
        return None
    names, count = run.class_names, run.config.num_classes
    if not run.config.conditional:
        raise InputError("the run is not conditional, so it has no classes; leave out --label.")
    if label in names:
        return names.index(label)
    has_numbers = any(name.isdecimal() for name in names)
    if not has_numbers and label in map(str, range(count)):
        return int(label)
    by_name = [f"one of {listed(names)}"] if names else []
    by_number = [] if has_numbers else [f"a number from 0 to {count - 1}"]
    raise InputError(f"label is {label!r}; it must be {' or '.join(by_name + by_number)}.")


def holds_samples(path: Path) -> bool:
    """Whether a file is a ``.npy``, or an archive of something else than weights."""
    if path.suffix == ".npy":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(name.startswith("generator/") for name in archive.namelist())
    except Exception:  # zipfile raises whatever its parser meets; reading it as weights then tells what
        return False


def choose_dataset(record: dict[str, Any], name: str | None, data_dir: Path | None) -> Dataset:
    """The data set that the flags name, else the one that the run was trained on.

    Raises:
      InputError: neither names one, or it cannot be loaded.
    """
    if "run" not in record:
        if name is None:
            raise InputError("there is no run to tell the data set; give --dataset.")
        return load_dataset(name, data_dir)
    settings = dataclasses.replace(read_settings(record)[0], stream=False)
    return load_images(settings, name, data_dir)


def require_shape(path: Path, shape: tuple[int, ...], dataset: Dataset) -> None:
    """Check that a run's images, or samples, are of the data set's shape.

    Raises:
      InputError: they are not.
    """
    if shape != dataset.image_shape:
        raise InputError(f"{path} has images of {shape}, {dataset.name} of {dataset.image_shape}; name its --dataset.")
