"""The protocol of an evaluation: fakes against the test images, and the anchors beside which scores are read."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gan_jax.data.datasets import Dataset
from gan_jax.errors import InputError
from gan_jax.evaluation.checks import require_image_pair
from gan_jax.evaluation.classes import class_divergence, class_histogram
from gan_jax.evaluation.distances import frechet_distance, frechet_floor, kernel_distance
from gan_jax.evaluation.feature_network import FeatureNetwork, Features, cached_features, image_features
from gan_jax.evaluation.features import require_accurate, require_varied
from gan_jax.evaluation.fresh_critic import critic_accuracy
from gan_jax.evaluation.intervals import DEVIATIONS, extrapolated_frechet
from gan_jax.evaluation.neighbours import authenticity, manifold_scores
from gan_jax.evaluation.published import inception_score, kernel_subsets
from gan_jax.evaluation.sliced import sliced_wasserstein
from gan_jax.evaluation.statistics import Statistics, feature_statistics, statistics_distance
from gan_jax.files import warn

FEWEST = 8  # images that a score can be made of
# Of so many test images of CIFAR-10 the Fréchet distance (random features) puts the anchor ``blurred`` before ``real``
# in 1 of 40 draws, of 100 in 35; of Fashion-MNIST of 100 in none, of 50 in 11.
FEW_TEST_IMAGES = 250
ANCHORS = ("real", "blurred", "one class left out", "mean image", "noise")

NUM_PARTS = 6  # of one set's scores, which are told of one by one
Tell = Callable[[str], None]

_NUMBERS = (
    *(
        "frechet_distance",
        "frechet_extrapolated",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "class_divergence",
    ),
    *("sliced_wasserstein", "authenticity", "critic_accuracy"),
)


def require_scorable(dataset: Dataset) -> None:
    """Check, before a long training, that there are enough different test images to score against.

    Few test images get a warning.

    Raises:
      InputError: there are too few, or the training images are all alike.
    """
    count = len(dataset.test_images)
    if count < FEWEST:
        raise InputError(f"scores need {FEWEST} test images, but {dataset.name} has {count}; give more images.")
    require_varied(dataset)
    if count < FEW_TEST_IMAGES:
        warn(
            f"{dataset.name} has {count} test images; below {FEW_TEST_IMAGES} do not trust a ranking by scores: "
            f"blurred images may come before real ones"
        )


def sample_count(dataset: Dataset) -> int:
    """How many fakes to score: 10,000, the protocol's number; 1,000 if there are fewer test images than that.

    Examples:
      >>> from gan_jax import load_dataset
      >>> sample_count(load_dataset("digits"))
      1000
    """
    return 10_000 if len(dataset.test_images) >= 1_000 else 1_000


def be_silent(part: str) -> None:
    """Tell nobody what is being computed."""


def score_images(
    evaluator: Features,
    fakes: np.ndarray,
    dataset: Dataset,
    *,
    split: Literal["test", "train"] = "test",
    reference: Statistics | None = None,
    seed: int = 0,
    tell: Tell = be_silent,
) -> dict[str, Any]:
    """Score fakes against the test images; authenticity looks at the training images.

    Args:
      evaluator: from ``load_features`` or ``load_evaluator`` for the same data set.
      fakes: ``[M, height, width, channels]`` uint8, at least eight; 10,000 in the protocol. A constant generator's are
        scored as any others.
      dataset: what the fakes imitate; its test images are 10,000 in the protocol.
      split: the reals, the test images or the training images.
      reference: of features of the same network; ``reference_distance`` is then the Fréchet distance to it.
      seed: decides the projections, the critic and the blocks of the kernel distance's standard error.
      tell: called with the name of each part before it is computed, such as ``features``.

    Returns:
      Plain numbers, texts and lists, ready for JSON: ``evaluator`` and ``evaluator_sha256`` (quote them beside every
      score), ``num_fakes``, ``num_reals``, ``seed``, ``frechet_distance`` with its ``frechet_floor``,
      ``frechet_extrapolated`` with its ``frechet_interval``, ``kernel_distance`` with its ``kernel_distance_error`` and
      ``kernel_interval``, in features of a ``FeatureNetwork`` ``kernel_subsets`` and, where it has logits,
      ``inception_score``, each with its ``…_std``, ``precision``, ``recall``, ``density``, ``coverage``,
      ``class_divergence`` with ``class_counts`` and ``real_class_counts`` (unless the evaluator has random weights),
      ``sliced_wasserstein``, ``authenticity`` and ``critic_accuracy``.

    Raises:
      InputError: the evaluator is not accurate enough.
      ValueError: the fakes are not uint8 of the data set's shape, or too few.

    Examples:
      >>> scores = score_images(load_evaluator(dataset), fakes, dataset)  # doctest: +SKIP
      >>> scores["frechet_distance"]  # doctest: +SKIP
      2.4
    """
    train_images = dataset.resident.train_images
    reals = dataset.test_images if split == "test" else train_images
    return _score(evaluator, fakes, reals, train_images, seed, tell, reference)


def are_scores(scores: Any, evaluator: Features | None = None) -> bool:
    """Whether a value from a file is what ``score_images`` returns.

    Of any evaluator, it may lack some scores, as earlier ones do; of this one, if one is given, it lacks none.
    """
    known = isinstance(scores, dict) and "frechet_distance" in scores
    numbers = known and all(isinstance(scores[name], int | float) for name in _NUMBERS if name in scores)
    if not numbers or evaluator is None:
        return numbers
    complete = all(name in scores or (name == "class_divergence" and evaluator.accuracy is None) for name in _NUMBERS)
    return complete and scores.get("evaluator_sha256") == evaluator.sha256


def anchors(
    evaluator: Features, dataset: Dataset, *, seed: int = 0, left_out: int = 1, tell: Tell = be_silent
) -> dict[str, dict[str, Any]]:
    """Score images that are known to be good or bad, so that other scores can be read between them.

    Each set is as large as the test images (half the training images at most): ``real`` is a random sample of the
    training images, the floor; ``blurred`` the same after a Gaussian blur of one pixel; ``one class left out`` a sample
    without the class ``left_out``, which coverage and the class divergence must show; ``mean image`` the training
    images' mean, repeated; ``noise`` even noise in every pixel. Authenticity is against the training images that are
    not in the ``real`` sample. The evaluator knows its training images a little better than the test images, so that
    the measured floor lies somewhat above ``frechet_floor``.

    Args:
      evaluator: from ``load_features`` or ``load_evaluator`` for the same data set.
      dataset: the images.
      seed: decides the samples, the noise, and what ``score_images`` draws.
      left_out: the label of the class to leave out.
      tell: called with each part of each anchor before it is computed, such as ``noise: features``.

    Returns:
      For each of ``ANCHORS`` what ``score_images`` returns; no class is left out where there are none, or where no
      training image is of that class or all are.

    Raises:
      InputError: the evaluator is not accurate enough.

    Examples:
      >>> anchors(load_evaluator(dataset), dataset)["noise"]["frechet_distance"]  # doctest: +SKIP
      57.0
    """
    sets, rest = _anchor_images(dataset.resident, seed, left_out)
    return {
        name: _score(
            evaluator, images, dataset.test_images, rest, seed, lambda part, name=name: tell(f"{name}: {part}")
        )
        for name, images in sets.items()
    }


def _anchor_images(dataset: Dataset, seed: int, left_out: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Each anchor's images, and the training images outside the real sample."""
    generator = np.random.default_rng(seed)
    images, labels = dataset.train_images, dataset.train_labels
    count = min(len(dataset.test_images), len(images) // 2)
    order = generator.permutation(len(images))
    sample, rest = order[:count], order[count:]
    others = np.concatenate([sample[labels[sample] != left_out], rest[labels[rest] != left_out]])
    is_part = dataset.class_names and 0 < len(others) < len(images)
    mean = np.rint(images.mean(axis=0)).astype(np.uint8)
    sets = {
        "real": images[sample],
        "blurred": blur_images(images[sample]),
        **({"one class left out": images[np.resize(others, count)]} if is_part else {}),
        "mean image": np.repeat(mean[np.newaxis], count, axis=0),
        "noise": generator.integers(0, 256, (count, *dataset.image_shape), np.uint8),
    }
    return sets, images[rest]


def blur_images(images: np.ndarray, deviation: float = 1.0) -> np.ndarray:
    """Blur ``[N, height, width, channels]`` uint8 images by a Gaussian with a deviation in pixels; edges repeat.

    Examples:
      >>> point = np.zeros((1, 5, 5, 1), np.uint8)
      >>> point[0, 2, 2] = 255
      >>> int(blur_images(point).max())
      41
    """
    reach = int(np.ceil(3 * deviation))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights /= weights.sum()
    blurred = images.astype(np.float32)
    for axis in (1, 2):
        padding = [(reach, reach) if at == axis else (0, 0) for at in range(4)]
        padded, size = np.pad(blurred, padding, mode="edge"), blurred.shape[axis]
        shifted = (padded.take(range(at, at + size), axis) * weights[at] for at in range(len(weights)))
        blurred = sum(shifted, np.zeros_like(blurred))
    return np.clip(np.rint(blurred), 0, 255).astype(np.uint8)


def _score(
    evaluator: Features,
    fakes: np.ndarray,
    reals: np.ndarray,
    train_images: np.ndarray,
    seed: int,
    tell: Tell,
    reference: Statistics | None = None,
) -> dict[str, Any]:
    require_accurate(evaluator)
    require_image_pair(reals, fakes, ("the reals", "fakes"), least=8)
    tell("features")
    real_features, real_logits = cached_features(evaluator, reals)
    fake_features, fake_logits = image_features(evaluator, fakes)
    scores: dict[str, Any] = {
        "evaluator": evaluator.name,
        "evaluator_sha256": evaluator.sha256,
        "num_fakes": len(fakes),
        "num_reals": len(reals),
        "seed": seed,
    }
    tell("distances")
    scores |= _distances(real_features, fake_features, seed)
    if reference:
        scores["reference_distance"] = statistics_distance(reference, feature_statistics(fake_features))
    if isinstance(evaluator, FeatureNetwork):
        scores |= _published(real_features, fake_features, fake_logits)
    tell("neighbours")
    precision, density = manifold_scores(real_features, fake_features)
    scores |= precision._asdict() | density._asdict()
    if evaluator.accuracy is not None and real_logits is not None and fake_logits is not None:
        scores |= _class_scores(real_logits, fake_logits)
    tell("sliced Wasserstein distance")
    scores["sliced_wasserstein"] = sliced_wasserstein(reals, fakes, seed=seed)
    tell("authenticity")
    scores["authenticity"] = authenticity(fakes, train_images).share
    tell("critic accuracy")
    scores["critic_accuracy"] = critic_accuracy(reals, fakes, seed=seed)
    return scores


def _distances(reals: np.ndarray, fakes: np.ndarray, seed: int) -> dict[str, Any]:
    kernel, frechet = kernel_distance(reals, fakes, seed=seed), extrapolated_frechet(reals, fakes, seed=seed)
    margin = DEVIATIONS * kernel.standard_error
    return {
        "frechet_distance": frechet_distance(reals, fakes),
        "frechet_floor": frechet_floor(reals, len(reals), len(fakes)),
        "frechet_extrapolated": frechet.distance,
        "frechet_interval": [frechet.low, frechet.high],
        "kernel_distance": kernel.value,
        "kernel_distance_error": kernel.standard_error,
        "kernel_interval": [kernel.value - margin, kernel.value + margin],
    }


def _published(reals: np.ndarray, fakes: np.ndarray, fake_logits: np.ndarray | None) -> dict[str, Any]:
    """What papers report in features that others have too."""
    kernel = kernel_subsets(reals, fakes)
    scores = {"kernel_subsets": kernel.mean, "kernel_subsets_std": kernel.std}
    if fake_logits is not None and len(fake_logits) >= 10:
        score = inception_score(fake_logits)
        scores |= {"inception_score": score.mean, "inception_score_std": score.std}
    return scores


def _class_scores(real_logits: np.ndarray, fake_logits: np.ndarray) -> dict[str, Any]:
    real_counts, fake_counts = class_histogram(real_logits), class_histogram(fake_logits)
    return {
        "class_divergence": class_divergence(real_counts, fake_counts),
        "class_counts": fake_counts.tolist(),
        "real_class_counts": real_counts.tolist(),
    }
