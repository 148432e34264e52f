"""What is in a page: of each run all but its snapshots, and beside the runs what every page has."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.data.datasets import Dataset
from gan_jax.errors import InputError
from gan_jax.inference.operations import Operation, discriminator_operations, generator_operations
from gan_jax.objectives.losses import LOGISTIC
from gan_jax.pictures.plane import palette
from gan_jax.playground.digits import digits_of_page
from gan_jax.playground.notices import notice_of
from gan_jax.playground.packing import Pack
from gan_jax.playground.plane import add_trained_starts, all_recipes
from gan_jax.storage.history import read_history
from gan_jax.storage.load import TrainedRun
from gan_jax.storage.run_folder import RunFolder
from gan_jax.training.batches import RunKeys, run_keys
from gan_jax.training.forward import discriminate, generate, sample_latents
from gan_jax.training.state import GanState, Variables, init_state

_SHOWN = 32  # latents of the grid
_ROWS, _OF_CLASS = 16, 4  # of a conditional run's grid
_CHECKED = 4  # images that the page compares with JAX's
_DIRECTIONS = 6
_POINTS = 300  # of a curve
_REALS, _REAL_BYTES = 1000, 3_500_000  # the most training images, and the most bytes of them, if no number is given
_PANELS = {
    "Losses": (None, {"d_loss": "first", "g_loss": "second"}),
    "D's mean scores": ([0, 1], {"d_x": "first", "d_g_z1": "second", "d_g_z2": "third"}),
}
_SCALES = {  # what D's number of an image means, by objective
    "least_squares": "D's logit, which training pulls to 1 for real images and to 0 for fakes",
    "hinge": "D's logit, which training pushes above 1 for real images and below -1 for fakes",
    **dict.fromkeys(("wasserstein", "relativistic"), "D's logit, of which only differences count: more is more real"),
    **dict.fromkeys(LOGISTIC, "the probability that D gives to “real”"),
}


class Source(NamedTuple):
    """A run that a page shows."""

    run: TrainedRun
    folder: RunFolder | None
    """The run's; None for weights alone."""
    name: str
    dataset: Dataset | None
    """Whose training images are shown."""
    ema: bool = True
    """Show the average of the generator's weights where the run has one."""


class Part(NamedTuple):
    """A part of a page."""

    pack: Pack
    contents: dict[str, Any]
    """What the page is told beside the arrays."""


def common_part(planes: Sequence[dict[str, Any]], lesson: Sequence[dict[str, Any]]) -> Part:
    """What is beside the runs: the digits and the recipes to train with, and recorded trainings.

    Args:
      planes: from ``playground.recordings.read_plane``.
      lesson: from ``playground.recordings.read_lesson``.
    """
    pack = Pack()
    pixels, folds = digits_of_page()
    contents = {
        "palette": palette(),
        "digits": {"pixels": pack.add("digits", pixels, "uint8"), "folds": folds},
        "lesson": [_strip(pack, f"lesson/{at}", arm) for at, arm in enumerate(lesson)],
        "recipes": all_recipes(),
        "trained_starts": add_trained_starts(pack),
        "planes": [_plane(pack, f"plane/{at}", plane) for at, plane in enumerate(planes)],
    }
    return Part(pack, contents)


def run_part(source: Source, num_images: int | None) -> Part:
    """A run without its snapshots: networks, latents, curves and so many training images.

    By default there are 1,000 images, or of large ones as many as have 3.5 MB before they are compressed.

    Raises:
      InputError: the networks are not the package's, or make points.
    """
    run, config = source.run, source.run.config
    if config.makes_points:
        raise InputError("the run makes points and not images; give its frames as --plane, beside a run of images.")
    if not isinstance(run.state, GanState):
        raise InputError("the run's game is not one of a generator and a discriminator; the page shows only those.")
    pack, generator = Pack(), chosen_generator(source, run.state)
    labels = _labels(config)
    latents = sample_latents(config, _keys(source).display, max(64, len(labels)))[: len(labels)]
    trained = run.state.discriminator.variables
    # He weights: under DCGAN's small ones no image moves an untrained D's score far (docs/learn/lesson.md).
    untrained = init_state(dataclasses.replace(config, initializer="he"), _keys(source).init).discriminator.variables
    operations = generator_operations(config, generator)
    step = int(run.state.step)
    networks = {
        "generator": pack.network("generator", operations, "float16"),
        "trained": pack.network("trained", discriminator_operations(config, trained), "float32"),
        "untrained": pack.network("untrained", discriminator_operations(config, untrained), "int8"),
    }
    contents = {
        "name": source.name,
        "about": _about(source, step),
        "shape": config.image_shape,
        "latent_dim": config.latent_dim,
        "conditional": config.conditional,
        "classes": _class_names(source) if config.conditional else [],
        "trained": config.trained_classes.tolist(),
        "labels": [int(label) for label in labels],
        "logistic": config.objective in LOGISTIC,
        "scale": _SCALES.get(config.objective, "D's logit: more is more real"),
        "networks": networks,
        "generators": [{"name": "generator", "step": step}],
        **_curves(source, pack),
        **_reals(source, pack, num_images),
        "notice": notice_of(
            source.dataset.name if source.dataset else source.run.record.get("dataset", {}).get("name")
        ),
    }
    _add_check(config, pack, generator, trained, latents, labels)
    pack.add("latents", latents)
    pack.add("directions", _principal_directions(config, operations))
    return Part(pack, contents)


def _keys(source: Source) -> RunKeys:
    return run_keys(source.run.record.get("run", {}).get("seed", 0))


def chosen_generator(source: Source, state: GanState) -> Variables:
    """The generator of a state that is shown."""
    return source.run.game.sampler(source.run.config, state) if source.ema else state.generator.variables


def _about(source: Source, step: int) -> str:
    """A sentence on the run."""
    config, record = source.run.config, source.run.record
    height, width, channels = config.image_shape
    trained = f"{step} steps"
    if record:  # the data set may be a path, of which the page tells the name alone
        trained += f" on {Path(record['run']['dataset']).name}, seed {record['run']['seed']}"
    trained = "trained by another program" if "imported" in record else trained
    averaged = " G is the average over the steps." if source.ema and source.run.state.ema is not None else ""
    return (
        f"Network {config.network} of width {config.width}, objective {config.objective.replace('_', ' ')}, images "
        f"{height}×{width}×{channels}, {trained}.{averaged} Everything on this page runs in your browser."
    )


def _labels(config: GanConfig) -> np.ndarray:
    """The class of each image of the grid."""
    if not config.conditional:
        return np.zeros(_SHOWN, np.int32)
    return np.repeat(config.trained_classes[:_ROWS], _OF_CLASS)


def _class_names(source: Source) -> list[str]:
    names = (source.dataset and source.dataset.class_names) or source.run.class_names
    return list(names) or [str(label) for label in range(source.run.config.num_classes)]


def _principal_directions(config: GanConfig, operations: Sequence[Operation]) -> np.ndarray:
    """The latent directions that the first layer stretches most, ``[count, latent_dim]``, of length 1.

    Eigenvectors of A^T A, A being the first layer's matrix (Shen & Zhou 2021, SeFa, eq. 4).
    """
    first = next(operation for operation in operations if "kernel" in operation.arrays)
    kernel = first.arrays["kernel"]
    matrix = kernel if first.name == "convolve_transpose" else kernel.swapaxes(2, 3)  # the latents are the last axis
    matrix = matrix.reshape(-1, matrix.shape[-1])[:, : config.latent_dim].astype(np.float64)
    rows = np.linalg.svd(matrix, full_matrices=False)[2][:_DIRECTIONS]
    signs = np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])
    return rows * signs[:, None]


def _add_check(
    config: GanConfig,
    pack: Pack,
    generator: Variables,
    discriminator: Variables,
    latents: Any,
    labels: np.ndarray,
) -> None:
    """Add JAX's images, logits and gradients of the first latents, for the page to compare its own with."""
    config = dataclasses.replace(config, precision="float32", bfloat16_stages=0)  # as the page computes
    checked_labels = jnp.asarray(labels[:_CHECKED]) if config.conditional else None
    images = generate(config, generator, latents[:_CHECKED], checked_labels)

    def logits(images: Any) -> Any:
        return discriminate(config, discriminator, jnp.repeat(images, config.packing, axis=0), checked_labels)

    pack.add("check/images", images)
    pack.add("check/logits", logits(images))
    pack.add("check/gradients", jax.grad(lambda images: logits(images).sum())(images))


def _curves(source: Source, pack: Pack) -> dict[str, Any]:
    """Means of the steps' metrics, over so many steps each that a curve has few points."""
    history = read_history(source.folder.history) if source.folder else {}
    length = max([0, *(len(values) for values in history.values())])
    window = max(1, -(-length // _POINTS))
    starts = np.arange(0, length, window)
    panels = []
    for title, (value_range, names) in _PANELS.items():
        lines = []
        for name in (name for name in names if name in history):
            means = [history[name][start : start + window].mean() for start in starts]
            lines.append({"name": name, "colour": names[name], "array": pack.add(f"curve/{name}", means)})
        if lines:
            panels.append({"title": title, "range": value_range, "lines": lines})
    return {"curves": panels, "curve_steps": [int(min(start + window, length)) for start in starts]}


def _reals(source: Source, pack: Pack, count: int | None) -> dict[str, Any]:
    dataset = source.dataset
    if count is None:
        count = min(_REALS, _REAL_BYTES // math.prod(source.run.config.image_shape))
    if dataset is None or count == 0:
        return {"reals": False}
    rows = np.unique(np.linspace(0, len(dataset.train_images) - 1, count).astype(int))
    pack.add("reals", dataset.train_images[rows], "uint8")
    labels = dataset.train_labels[rows] if dataset.class_names else ()
    return {"reals": True, "real_labels": [dataset.class_names[label] for label in labels]}


def _strip(pack: Pack, name: str, arm: dict[str, Any]) -> dict[str, Any]:
    return {**arm, "array": pack.add(name, arm["array"], "uint8")}


def _plane(pack: Pack, name: str, plane: dict[str, Any]) -> dict[str, Any]:
    arms = []
    for at, arm in enumerate(plane["arms"]):
        place = f"{name}/{at}"
        arrays = {
            "landscapes": pack.add(f"{place}/landscapes", arm["landscapes"], "uint8"),
            "points": pack.add(f"{place}/points", arm["points"], "float16"),
            "arrows": pack.add(f"{place}/arrows", arm["arrows"], "float16"),
        }
        arms.append({**arm, **arrays})
    return {**plane, "arms": arms, "reals": pack.add(f"{name}/reals", plane["reals"], "float16")}
