"""Evaluators on disk: the one that ships with the package, and a cache of those trained here and of anchors."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.array_files import read_arrays, save_arrays
from gan_jax.data.datasets import Dataset
from gan_jax.data.shares import sample_rows
from gan_jax.errors import InputError
from gan_jax.evaluation.feature_network import Features
from gan_jax.evaluation.features import (
    VERSION,
    Evaluator,
    guessed_accuracy,
    held_out,
    measure_accuracy,
    random_evaluator,
    required_accuracy,
    train_evaluator,
    why_no_classifier,
)
from gan_jax.evaluation.protocol import Tell, anchors, are_scores, be_silent
from gan_jax.files import first_line, parse_json, try_to_cache, user_cache, warn, write_json

SHIPPED = {"fashion_mnist": "fd-fmnist64-v1"}

_WEIGHTS = "weights/"
_TOLD = {"name": str, "accuracy": float | int | None, "num_classes": int, "dataset_hash": str, "training": str}
_FORMAT = 1
_ANCHORS_FORMAT = 2  # 1: without an extrapolated Fréchet distance
_ASKED = 5000  # images of a set that only has the name of a shipped evaluator's
_SHIPPED_ACCURACY = 0.91  # of these images; below, a classifier of their own knows them better


def shipped_path(dataset_name: str) -> Path:
    """The file of the evaluator that ships with the package for a data set in ``SHIPPED``."""
    return Path(__file__).parent / f"{SHIPPED[dataset_name]}.npz"


def load_evaluator(dataset: Dataset) -> Evaluator:
    """The evaluator for a data set: shipped, cached, or trained now and cached by the data set's content.

    Where there are no classes, or the trained classifier knows too few of its images, it has random weights.

    A shipped evaluator is for the images that it was trained on, and for others under their name that it recognizes;
    its accuracy is then the lower of the two. ``fd-fmnist64-v1`` was trained on 55,000 of Fashion-MNIST's 70,000 images
    in a split of its own, stratified by class, so that it has met four in five of the published test images. Fakes are
    compared with the same features as the anchors, whose floor shows what that does.

    Args:
      dataset: the images, labelled or not.

    Returns:
      The evaluator, which may score these images.

    Raises:
      InputError: the shipped file is damaged, or the training images are all alike.

    Examples:
      >>> from gan_jax import load_dataset
      >>> load_evaluator(load_dataset("fashion_mnist")).name  # doctest: +SKIP
      'fd-fmnist64-v1'
    """
    if shipped := _shipped_evaluator(dataset):
        return shipped
    path = user_cache() / "evaluators" / f"{dataset.name}-{dataset.content_hash}-v{VERSION}.npz"
    if path.is_file():
        try:
            return read_evaluator(path)
        except InputError:
            pass  # a damaged cache is made anew
    resident = dataset.resident
    evaluator = _classifier(resident) or random_evaluator(resident)
    try_to_cache(path, lambda: save_evaluator(path, evaluator))
    return evaluator


def _shipped_evaluator(dataset: Dataset) -> Evaluator | None:
    """The shipped evaluator for a data set of this name, if it recognizes these images."""
    if dataset.name not in SHIPPED or dataset.image_shape != (28, 28, 1) or not dataset.class_names:
        return None
    evaluator = read_evaluator(shipped_path(dataset.name))
    if evaluator.dataset_hash == dataset.content_hash:
        return evaluator
    rows = sample_rows(dataset.train_labels, _ASKED, seed=0)
    accuracy = measure_accuracy(evaluator, dataset.train_images[rows], dataset.train_labels[rows])
    if accuracy < _SHIPPED_ACCURACY:
        return None
    return dataclasses.replace(evaluator, accuracy=min(evaluator.accuracy or 0.0, accuracy))


def _classifier(dataset: Dataset) -> Evaluator | None:
    """A classifier of a data set's classes; None if none can be trained to recognize them, with a warning."""
    if not dataset.class_names:
        return None
    reason = why_no_classifier(dataset)
    if not reason:
        evaluator = train_evaluator(dataset)
        accuracy, labels = evaluator.accuracy or 0.0, dataset.train_labels
        measured = labels[held_out(labels)]
        required = max(required_accuracy(len(np.unique(measured))), guessed_accuracy(measured))
        if accuracy >= required:
            return evaluator
        reason = (
            f"a classifier trained on {dataset.name} recognizes {accuracy:.0%} of held-out images, a mean over its "
            f"{evaluator.num_classes} classes, and its features are used from {required:.0%} on"
        )
    warn(f"{reason}; scores are in the features of random weights")
    return None


def load_anchors(
    evaluator: Features, dataset: Dataset, seed: int = 0, tell: Tell = be_silent
) -> dict[str, dict[str, Any]]:
    """``protocol.anchors``, cached by the data set's content, the evaluator's weights and the seed.

    Examples:
      >>> load_anchors(evaluator, dataset)["real"]["frechet_distance"]  # doctest: +SKIP
      0.0652
    """
    key = f"{dataset.content_hash[:16]}-{evaluator.sha256[:16]}-seed{seed}-format{_ANCHORS_FORMAT}"
    path = user_cache() / "anchors" / f"{key}.json"
    try:
        known = parse_json(path.read_text(encoding="utf-8"))
        if "real" in known and all(map(are_scores, known.values())):
            return known
    except (OSError, AttributeError, TypeError, ValueError):
        pass  # a damaged cache is made anew
    scores = anchors(evaluator, dataset, seed=seed, tell=tell)
    try_to_cache(path, lambda: write_json(path, scores))
    return scores


def save_evaluator(path: Path, evaluator: Evaluator) -> None:
    """Write an ``.npz``: ``weights/…`` arrays, and ``metadata``, a JSON text with all that is no array.

    Examples:
      >>> save_evaluator(Path("own.npz"), evaluator)  # doctest: +SKIP
    """
    metadata = {
        "format": _FORMAT,
        "name": evaluator.name,
        "sha256": evaluator.sha256,
        "accuracy": evaluator.accuracy,
        "num_classes": evaluator.num_classes,
        "dataset_hash": evaluator.dataset_hash,
        "training": evaluator.training,
    }
    weights = {f"{_WEIGHTS}{name}": array for name, array in evaluator.params.items()}
    save_arrays(path, {**weights, "metadata": np.array(json.dumps(metadata))})


def read_evaluator(path: Path) -> Evaluator:
    """Read what ``save_evaluator`` wrote.

    Raises:
      InputError: the file is missing or damaged, or its weights do not have the sha256 that it states.

    Examples:
      >>> evaluator = read_evaluator(Path("own.npz"))  # doctest: +SKIP
    """
    arrays = read_arrays(path, "an evaluator", "restore or delete the file")
    try:
        metadata = parse_json(str(arrays["metadata"]))
        params = {name.removeprefix(_WEIGHTS): arrays[name] for name in arrays if name.startswith(_WEIGHTS)}
        for name, declared in _TOLD.items():
            if not isinstance(metadata[name], declared):
                raise TypeError(f"its {name} is {metadata[name]!r:.60}")
        if any(array.dtype.kind != "f" for array in params.values()):
            raise TypeError("its weights are no floats")
        evaluator = Evaluator(params=params, **{name: metadata[name] for name in _TOLD})
    except (KeyError, TypeError, ValueError) as error:
        reason = first_line(error)
        raise InputError(f"{path} cannot be read as an evaluator ({reason}); restore or delete the file.") from error
    if evaluator.sha256 != metadata.get("sha256"):
        raise InputError(f"{path}: its weights do not have the sha256 that it states; restore or delete the file")
    return evaluator
