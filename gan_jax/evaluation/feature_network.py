"""Networks of any kind whose features the scores compare, and a cache of what they computed."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gan_jax.array_files import read_arrays, save_arrays
from gan_jax.errors import InputError
from gan_jax.evaluation.checks import require_images
from gan_jax.evaluation.features import Evaluator, extract
from gan_jax.files import try_to_cache, user_cache


class Outputs(NamedTuple):
    """What a network says of N images."""

    features: np.ndarray  # [N, D] float32
    logits: np.ndarray | None  # [N, classes] float32, of those that have classes


@dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """A network that was not made here. Scores in different features do not compare: quote ``name`` and ``sha256``.

    Attributes:
      name: what to quote beside a score, such as ``inception``.
      sha256: of the file that holds its weights or its source, in hexadecimal.
      apply: of ``[batch, height, width, channels]`` uint8 makes ``Outputs``.
      batch_size: the largest batch that ``apply`` takes.
      is_fixed: whether the sha256 tells all that the features depend on, so that they may be cached.
    """

    name: str
    sha256: str
    apply: Callable[[np.ndarray], Outputs] = field(repr=False)
    batch_size: int = 64
    is_fixed: bool = True
    accuracy: None = field(default=None, init=False)  # as of an evaluator that knows no classes of the data set
    num_classes: int = field(default=0, init=False)


Features = Evaluator | FeatureNetwork


def image_features(network: Features, images: np.ndarray) -> Outputs:
    """Compute features and, where the network has classes, logits.

    Args:
      network: from ``load_features`` or ``load_evaluator``.
      images: ``[N, height, width, channels]`` uint8.

    Raises:
      InputError: the images are not uint8, the network fails, or it makes something else than a row for each image.
    """
    if isinstance(network, Evaluator):
        return Outputs(*extract(network, images))
    require_images(images, "images")
    batches = [
        _applied(network, images[at : at + network.batch_size]) for at in range(0, len(images), network.batch_size)
    ]
    logits = [batch.logits for batch in batches if batch.logits is not None]
    return Outputs(np.concatenate([batch.features for batch in batches]), np.concatenate(logits) if logits else None)


def _applied(network: FeatureNetwork, images: np.ndarray) -> Outputs:
    outputs = network.apply(images)
    for array, what in zip(outputs, ("features", "logits"), strict=True):
        if array is not None and (array.ndim != 2 or len(array) != len(images) or array.dtype.kind != "f"):
            raise InputError(
                f"{network.name} makes {what} of the type {array.dtype} and shape {list(array.shape)} of {len(images)} "
                f"images; they must be floats of the shape [{len(images)}, D]."
            )
    return outputs


def cached_features(network: Features, images: np.ndarray) -> Outputs:
    """``image_features``, kept by the sha256 of the network and of the images.

    Of a network that is not ``is_fixed`` nothing is kept.
    """
    if isinstance(network, FeatureNetwork) and not network.is_fixed:
        return image_features(network, images)
    require_images(images, "images")
    content = hashlib.sha256(f"{network.name} {images.shape}".encode())
    content.update(np.ascontiguousarray(images).data)
    path = user_cache() / "features" / f"{network.sha256[:16]}-{content.hexdigest()[:32]}.npz"
    try:
        known = read_arrays(path, "features", "delete it") if path.is_file() else {}
        if len(known["features"]) == len(images):
            return Outputs(known["features"], known.get("logits"))
    except (InputError, KeyError, TypeError):
        pass  # a damaged cache is made anew
    made = image_features(network, images)
    arrays = {name: array for name, array in made._asdict().items() if array is not None}
    try_to_cache(path, lambda: save_arrays(path, arrays))
    return made
