"""What a subcommand works on: a run, weights or samples, and the data set that goes with them."""

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.cli.shared_flags import READ_AS_THEY_ARE, ReadingFlags
from gan_jax.data.datasets import Dataset, load_dataset
from gan_jax.data.image_files import endings, read_pixels
from gan_jax.data.image_set import listed
from gan_jax.errors import InputError
from gan_jax.files import warn
from gan_jax.pictures.image_files import load_images
from gan_jax.runs import setup
from gan_jax.setting_groups import MAX_SEED
from gan_jax.storage.load import TrainedRun
from gan_jax.storage.run_json import has_run_json, read_settings
from gan_jax.training.state import GanState, Variables

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


def choose_generator(run: TrainedRun, ema: bool) -> tuple[Variables, str]:
    """The generator that is used, and what it is called: the average where there is one and ``ema``."""
    if not run.config.has_ema:
        return run.generator, "generator"
    return (run.generator, "averaged generator") if ema else (_gan_state(run).generator.variables, "generator")


def choose_discriminator(run: TrainedRun) -> Variables:
    """The discriminator of a run.

    Raises:
      InputError: its game is a user's own, with another state.
    """
    return _gan_state(run).discriminator.variables


def _gan_state(run: TrainedRun) -> GanState:
    if not isinstance(run.state, GanState):
        raise InputError("the run's game is not one of a generator and a discriminator; only its samples can be used.")
    return run.state


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
        return _require_trained(run, names.index(label), label)
    has_numbers = any(name.isdecimal() for name in names)
    if not has_numbers and label in map(str, range(count)):
        return _require_trained(run, int(label), label)
    by_name = [f"one of {listed(names)}"] if names else []
    by_number = [] if has_numbers else [f"a number from 0 to {count - 1}"]
    raise InputError(f"label is {label!r}; it must be {' or '.join(by_name + by_number)}.")


def _require_trained(run: TrainedRun, label: int, name: str) -> int:
    if label not in run.config.trained_classes:
        raise InputError(f"the run had no training images of {name!r}; choose another --label.")
    return label


def holds_samples(path: Path) -> bool:
    """Whether a path is a ``.npy``, an archive of something else than weights, or a folder of images and no run."""
    if path.is_dir():
        is_of_runs = has_run_json(path) or (path / "summary.json").exists()
        return not is_of_runs and bool(_image_files(path))
    if path.suffix == ".npy":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(name.startswith("generator/") for name in archive.namelist())
    except Exception:  # zipfile raises whatever its parser meets; reading it as weights then tells what
        return False


def load_samples(path: Path) -> np.ndarray:
    """Read samples of any program: ``[N, height, width, channels]`` uint8.

    Args:
      path: what ``holds_samples``; the images of a folder are grey if all its files are, otherwise RGB.

    Raises:
      InputError: a file cannot be read, or a folder's images have different sizes.
    """
    if not path.is_dir():
        return load_images(path)
    files = _image_files(path)
    images = [read_pixels(file, str(file)) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape[:2] != images[0].shape[:2]:
            raise InputError(
                f"{file} is {image.shape[:2]} and {files[0]} {images[0].shape[:2]}; samples have one size."
            )
    channels = max(image.shape[2] for image in images)
    return np.stack([np.broadcast_to(image, (*image.shape[:2], channels)) for image in images])


def _image_files(folder: Path) -> list[Path]:
    return sorted(
        file for file in folder.iterdir() if file.suffix.lower() in endings() and not file.name.startswith(".")
    )


def choose_dataset(
    record: dict[str, Any], name: str | None, data_dir: Path | None, reading: ReadingFlags = READ_AS_THEY_ARE
) -> Dataset:
    """The data set that the flags name, else the one that the run was trained on.

    Raises:
      InputError: neither names one, or it cannot be loaded.
    """
    known = "run" in record and "imported" not in record
    if not known and name is None:
        raise InputError("nothing here tells the data set; give --dataset.")
    if "run" not in record:
        return load_dataset(str(name), data_dir, **reading.options)
    settings = dataclasses.replace(read_settings(record)[0], stream=False, **reading.options)
    return setup.load_images(settings, name, data_dir)


def require_shape(path: Path, shape: tuple[int, ...], dataset: Dataset) -> None:
    """Check that a run's images, or samples, are of the data set's shape.

    Raises:
      InputError: they are not.
    """
    if shape != dataset.image_shape:
        resized = shape[0] == shape[1] and shape[:2] != dataset.image_shape[:2]
        flags = [f"--image-size {shape[0]}"] if resized else []
        flags += [f"--channels {shape[2]}"] if shape[2] in (1, 3) and shape[2] != dataset.image_shape[2] else []
        advice = ", or give ".join(["name its --dataset", *([" ".join(flags)] if flags else [])])
        raise InputError(f"{path} has images of {shape}, {dataset.name} of {dataset.image_shape}; {advice}.")


def choose_training_images(
    path: Path, run: TrainedRun, name: str | None, data_dir: Path | None, reading: ReadingFlags, required: bool
) -> Dataset | None:
    """The images that are named, else the run's; if these cannot be read and are not required, none and a warning."""
    try:
        data = choose_dataset(run.record, name, data_dir, reading)
        require_shape(path, run.config.image_shape, data)
    except InputError as error:
        if required:
            raise
        reason = str(error).partition(";")[0]
        warn(f"the page has no nearest training images ({reason}); --dataset or --data-dir says where they are")
        return None
    return data
