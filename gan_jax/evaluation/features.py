"""The evaluator: a small classifier whose 64 features the scores compare, and its training from a fixed seed."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from gan_jax.data.datasets import Dataset
from gan_jax.data.pixels import normalize_images
from gan_jax.data.shares import rows_by_class
from gan_jax.errors import InputError
from gan_jax.evaluation.checks import require_images
from gan_jax.nn.convolution import convolve

NUM_FEATURES = 64
EXTRACT_BATCH = 500

# 1: the last twelfth of the training images was held out, whatever its classes; 2: a classifier had to recognize 91 %.
VERSION = 3

_CHANNELS = (32, 64)
_STRIDES = {4: 2, 3: 1}  # by the kernels' size; without a stride the mean of every four pixels follows
_PADDING = 1
_FOUR = (1, 2, 2, 1)  # pixels
_LEAKY_SLOPE = 0.2
_BATCH = 128
_EPOCHS = 6
_LEAST_STEPS = 500  # a small data set is seen more often
_LEARNING_RATE = 2e-3
_HELD_OUT = 12  # one training image in twelve: 5,000 of 60,000

Params = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Evaluator:
    """A trained classifier. Scores in different evaluators' features do not compare: quote ``name`` and ``sha256``.

    Attributes:
      params: flat names to float32 arrays.
      name: what to quote beside a score, such as ``fd-fmnist64-v1``.
      accuracy: from ``measure_accuracy`` for the held-out images; None for random weights, which know none.
      num_classes: logits.
      dataset_hash: ``Dataset.content_hash`` of what it was trained on.
      training: how it was trained, in words.
      sha256: over the weights' names, shapes and bytes, in hexadecimal.
    """

    params: Mapping[str, np.ndarray] = field(repr=False)
    name: str
    accuracy: float | None
    num_classes: int
    dataset_hash: str
    training: str
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        content = hashlib.sha256()
        for name, array in sorted(self.params.items()):
            content.update(f"{name} {array.dtype} {array.shape}".encode())
            content.update(np.ascontiguousarray(array).data)
        object.__setattr__(self, "sha256", content.hexdigest())


def classify(params: Params, images: Array) -> tuple[Array, Array]:
    """Apply the network: two convolutions that halve, a dense layer of 64 features, a dense layer of logits.

    Args:
      params: as in ``Evaluator``; the kernels' size tells which network it is.
      images: ``[batch, height, width, channels]`` float32 in [-1, 1].

    Returns:
      Features ``[batch, 64]``, after their leaky rectifier, and logits ``[batch, classes]``; float32.
    """
    hidden = images
    for layer in ("conv_0", "conv_1"):
        stride = _STRIDES[len(params[f"{layer}/kernel"])]
        hidden = convolve(hidden, params[f"{layer}/kernel"], stride, _PADDING) + params[f"{layer}/bias"]
        hidden = jax.nn.leaky_relu(hidden, _LEAKY_SLOPE)
        if stride == 1:
            hidden = lax.reduce_window(hidden, 0.0, lax.add, _FOUR, _FOUR, "VALID") / 4
    hidden = hidden.reshape(len(hidden), -1)
    features = jax.nn.leaky_relu(hidden @ params["features/kernel"] + params["features/bias"], _LEAKY_SLOPE)
    return features, features @ params["logits/kernel"] + params["logits/bias"]


def extract(
    evaluator: Evaluator, images: np.ndarray, *, batch_size: int = EXTRACT_BATCH
) -> tuple[np.ndarray, np.ndarray]:
    """Compute features and logits, a batch at a time; the last batch is padded, so that one program serves all.

    Args:
      evaluator: from ``load_evaluator``.
      images: ``[N, height, width, channels]`` uint8.
      batch_size: decides memory and speed, and no result.

    Returns:
      Features ``[N, 64]`` and logits ``[N, classes]``, float32. Over the evaluator's training images a feature's
      variance is 1 on average, so that 64 is the size of a large Fréchet distance.

    Raises:
      ValueError: the images are none, or not uint8 of the shape that the evaluator was trained on.

    Examples:
      >>> features, logits = extract(evaluator, images)  # doctest: +SKIP
    """
    require_images(images, "images")
    channels = evaluator.params["conv_0/kernel"].shape[2]
    positions = evaluator.params["features/kernel"].shape[0] // _CHANNELS[1]
    if images.shape[3] != channels or (images.shape[1] // 4) * (images.shape[2] // 4) != positions:
        raise ValueError(f"images have the shape {images.shape}; {evaluator.name} was trained on another")
    params = {name: jnp.asarray(array) for name, array in evaluator.params.items()}
    features, logits = [], []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        padding = ((0, batch_size - len(batch)), (0, 0), (0, 0), (0, 0))
        outputs = _classify_bytes(params, np.pad(batch, padding))
        features.append(np.asarray(outputs[0])[: len(batch)])
        logits.append(np.asarray(outputs[1])[: len(batch)])
    return np.concatenate(features), np.concatenate(logits)


@jax.jit
def _classify_bytes(params: Params, images: Array) -> tuple[Array, Array]:
    return classify(params, normalize_images(images))


def measure_accuracy(evaluator: Evaluator, images: np.ndarray, labels: np.ndarray) -> float:
    r"""Balanced accuracy: the share of a class's images whose largest logit is that class's, averaged over classes.

    $\frac1K \sum_k \frac1{N_k} \sum_{i: y_i = k} [\hat y_i = k]$ (Brodersen et al. 2010). Who always names the most
    frequent class gets 1 / K, however frequent it is.

    Args:
      evaluator: a classifier.
      images: ``[N, height, width, channels]`` uint8.
      labels: ``[N]`` int32; classes without an image do not count.

    Returns:
      The accuracy, in [0, 1]; the share of all images that are recognized, where the classes are equally frequent.

    Raises:
      ValueError: as ``extract``.
    """
    right = extract(evaluator, images)[1].argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def required_accuracy(num_classes: int) -> float:
    """The balanced accuracy from which a classifier's features are used: half-way from a guess's, 1 / K, to 1.

    Classes that are hard to tell apart then do as well as easy ones.

    Examples:
      >>> required_accuracy(2), required_accuracy(10)
      (0.75, 0.55)
    """
    return (1 + 1 / num_classes) / 2


def guessed_accuracy(labels: np.ndarray) -> float:
    """Three standard deviations above 1 / K: a balanced accuracy that guessing among K classes seldom reaches.

    Args:
      labels: ``[N]`` int32, of the images that are guessed.

    Returns:
      The accuracy; above 1 where so few images tell nothing.

    Examples:
      >>> round(guessed_accuracy(np.repeat([0, 1], 6)), 3), round(guessed_accuracy(np.repeat([0, 1], 600)), 3)
      (0.933, 0.543)
    """
    counts = np.unique(labels, return_counts=True)[1]
    guess = 1 / len(counts)
    return guess + 3 * float(np.sqrt(guess * (1 - guess) * np.sum(1 / counts))) / len(counts)


class Judged(Protocol):
    """What knows the classes of a data set, or none."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def accuracy(self) -> float | None: ...  # noqa: D102
    @property
    def num_classes(self) -> int: ...  # noqa: D102


def require_accurate(evaluator: Judged) -> None:
    """Refuse an evaluator whose accuracy is too low for its features to be meaningful.

    Raises:
      InputError: its accuracy is below ``required_accuracy`` of its classes.
    """
    accuracy = evaluator.accuracy
    if accuracy is not None and not accuracy >= (required := required_accuracy(evaluator.num_classes)):
        raise InputError(
            f"the evaluator {evaluator.name} recognizes {accuracy:.1%} of these images; scores need {required:.0%} "
            f"where there are {evaluator.num_classes} classes: use more or cleaner labelled images"
        )


def held_out(labels: np.ndarray) -> np.ndarray:
    """Which training images no evaluator is trained on: its accuracy is measured there.

    One in twelve of each class, at random, and at least one of a class that has two; the same for equal labels.

    Args:
      labels: ``[N]`` int32.

    Returns:
      ``[N]`` bool.
    """
    chosen = np.zeros(len(labels), bool)
    for rows in rows_by_class(labels, seed=0):
        chosen[rows[: max(len(rows) // _HELD_OUT, len(rows) > 1)]] = True
    return chosen


def why_no_classifier(dataset: Dataset) -> str:
    """Why no classifier of a data set can be trained and measured; empty where one can."""
    if len(np.unique(dataset.train_labels)) < 2:
        return f"the training images of {dataset.name} are of one class"
    measured = dataset.train_labels[held_out(dataset.train_labels)]
    if len(np.unique(measured)) < 2 or guessed_accuracy(measured) > 1:
        return (
            f"{dataset.name} has too few labelled training images: {len(measured)} of them can be held out to measure "
            f"a classifier, too few to tell it from a guess"
        )
    return ""


def require_varied(dataset: Dataset) -> None:
    """Check that the training images are not all the same one.

    Raises:
      InputError: they are.
    """
    images = dataset.train_images
    if all(np.array_equal(images[row], images[0]) for row in range(1, len(images))):
        raise InputError(f"the training images of {dataset.name} are all alike; scores need images that differ.")


def train_evaluator(dataset: Dataset, seed: int = 0, kernel_size: int = 4) -> Evaluator:
    """Train on eleven in twelve of the training images, with Adam, cross-entropy and a cosine decay to zero.

    The test images are never looked at. About a minute for 60,000 images on two cores.

    Args:
      dataset: training images of two classes or more, enough of them to tell knowledge from a guess.
      seed: decides initial weights and order of images; equal seeds give equal weights on equal machines.
      kernel_size: 4 for convolutions with a stride; 3 for dense ones that are followed by a mean over four pixels, a
        network of another kind, for a second opinion.

    Returns:
      The evaluator, named after the data set and its content, with its accuracy on the images that were held out.

    Raises:
      InputError: there is no network with kernels of this size, there is one class, or there are too few images.

    Examples:
      >>> evaluator = train_evaluator(load_dataset("mnist"))  # doctest: +SKIP
    """
    if kernel_size not in _STRIDES:
        raise InputError(f"kernel_size is {kernel_size}; it must be one of {', '.join(map(str, sorted(_STRIDES)))}.")
    require_varied(dataset)
    if reason := why_no_classifier(dataset):
        raise InputError(f"{reason}; give more labelled images.")
    held = held_out(dataset.train_labels)
    images, labels = dataset.train_images[~held], dataset.train_labels[~held]
    num_classes = len(dataset.class_names)
    generator = np.random.default_rng(seed)
    params = _init_params(generator, dataset.image_shape, num_classes, kernel_size)
    batch = min(_BATCH, len(images))
    order = shuffled_rows(generator, len(images), batch, max(_LEAST_STEPS, _EPOCHS * len(images) // batch))
    params = _train(params, jnp.asarray(images), jnp.asarray(labels), jnp.asarray(order))
    evaluator = Evaluator(
        params=_scaled({name: np.asarray(array) for name, array in params.items()}, images),
        name=f"fd-{dataset.name}-{dataset.content_hash[:8]}-v{VERSION}" + ("" if kernel_size == 4 else "-pooled"),
        accuracy=0.0,
        num_classes=num_classes,
        dataset_hash=dataset.content_hash,
        training=(
            f"{len(images)} training images of {dataset.name}, seed {seed}, {len(order)} steps of Adam on batches of "
            f"{batch}, learning rate {_LEARNING_RATE} to 0 (cosine); balanced accuracy measured on the other "
            f"{held.sum()} training images"
        ),
    )
    accuracy = measure_accuracy(evaluator, dataset.train_images[held], dataset.train_labels[held])
    return dataclasses.replace(evaluator, accuracy=accuracy)


def random_evaluator(dataset: Dataset) -> Evaluator:
    """The network with random weights, for images that no classifier of this size recognizes well.

    Random features tell distributions apart where trained ones are biased towards other images (Naeem et al. 2020,
    section 3.2). They weigh all that is in an image alike, so that their distances say less about what a person sees.

    Args:
      dataset: the images; the training images decide the features' units.

    Returns:
      The evaluator, whose accuracy is None; the same for images of one shape but for the units.

    Raises:
      InputError: the training images are all alike.
    """
    require_varied(dataset)
    params = _init_params(np.random.default_rng(0), dataset.image_shape, 1, 4)
    return Evaluator(
        params=_scaled({name: np.asarray(array) for name, array in params.items()}, dataset.train_images),
        name=f"random-{dataset.name}-{dataset.content_hash[:8]}-v{VERSION}",
        accuracy=None,
        num_classes=0,
        dataset_hash=dataset.content_hash,
        training="random weights; features in units in which their variance over the training images is 1 on average",
    )


def _init_params(
    generator: np.random.Generator, image_shape: tuple[int, int, int], num_classes: int, kernel_size: int
) -> dict[str, Array]:
    """He-normal kernels and zero biases; a bias has its layer's rank."""
    height, width, channels = image_shape
    flat = (height // 4) * (width // 4) * _CHANNELS[1]
    shapes = {
        "conv_0": (kernel_size, kernel_size, channels, _CHANNELS[0]),
        "conv_1": (kernel_size, kernel_size, *_CHANNELS),
        "features": (flat, NUM_FEATURES),
        "logits": (NUM_FEATURES, num_classes),
    }
    params = {}
    for layer, shape in shapes.items():
        deviation = np.sqrt(2 / np.prod(shape[:-1]))
        params[f"{layer}/kernel"] = jnp.asarray(deviation * generator.standard_normal(shape), jnp.float32)
        params[f"{layer}/bias"] = jnp.zeros((*(1,) * (len(shape) - 1), shape[-1]))
    return params


def shuffled_rows(generator: np.random.Generator, count: int, batch_size: int, num_steps: int) -> np.ndarray:
    """``[steps, batch]`` int32 indices below ``count``, epoch after epoch in a fresh order."""
    epochs = -(-num_steps * batch_size // count)
    order = np.concatenate([generator.permutation(count) for _ in range(epochs)])
    return order[: num_steps * batch_size].reshape(num_steps, batch_size).astype(np.int32)


@partial(jax.jit, donate_argnames="params")
def _train(params: Params, images: Array, labels: Array, order: Array) -> Params:
    optimizer = optax.adam(optax.cosine_decay_schedule(_LEARNING_RATE, len(order)))

    def loss(params: Params, rows: Array) -> Array:
        logits = classify(params, normalize_images(images[rows]))[1]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels[rows]).mean()

    def step(carry: Any, rows: Array) -> tuple[Any, None]:
        params, opt_state = carry
        updates, opt_state = optimizer.update(jax.grad(loss)(params, rows), opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    (params, _), _ = lax.scan(step, (params, optimizer.init(params)), order)
    return params


def _scaled(params: dict[str, np.ndarray], images: np.ndarray) -> dict[str, np.ndarray]:
    """The same classifier with features in units in which their variance over ``images`` is 1 on average."""
    evaluator = Evaluator(params, "", 0.0, 0, "", "")
    deviation = np.sqrt(extract(evaluator, images)[0].var(axis=0, dtype=np.float64).mean())
    scales = {"features/kernel": 1 / deviation, "features/bias": 1 / deviation, "logits/kernel": deviation}
    return {name: (array * scales.get(name, 1)).astype(np.float32) for name, array in params.items()}
