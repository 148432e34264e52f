"""How far the choices in which tools differ move a Fréchet distance of the same images.

python benchmarks/evaluation_choices.py --json docs/results/evaluation_choices.json

The fakes are training images, slightly blurred. The features are those of the data set's evaluator, so that the
differences in percent show which choices matter; Inception's own differ.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from machine import write_figures
from PIL import Image

from gan_jax import load_dataset
from gan_jax.evaluation import Statistics, blur_images, extract, feature_statistics, load_evaluator, statistics_distance


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    dataset: str = "fashion_mnist"
    data_dir: Path | None = None
    json: Path | None = None


def as_jpeg(images: np.ndarray, quality: int) -> np.ndarray:
    decoded = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image[..., 0]).save(file, "JPEG", quality=quality)
        decoded.append(np.asarray(Image.open(file))[..., None])
    return np.stack(decoded)


def halved_and_back(images: np.ndarray, method: str, antialias: bool) -> np.ndarray:
    """Half the size and the former one again, as a tool's loader that resizes does."""
    count, height, width, channels = images.shape
    small = (count, height // 2, width // 2, channels)
    halved = jax.image.resize(images.astype(np.float32), small, method, antialias=antialias)
    back = np.asarray(jax.image.resize(halved, images.shape, "bilinear", antialias=False))
    return np.clip(np.rint(back), 0, 255).astype(np.uint8)


def biased(features: np.ndarray) -> Statistics:
    """The covariance over N in place of N - 1."""
    mean, covariance = feature_statistics(features)
    return Statistics(mean, covariance * (len(features) - 1) / len(features))


def main(settings: Settings) -> None:
    data = load_dataset(settings.dataset, settings.data_dir)
    evaluator = load_evaluator(data)
    fakes = blur_images(data.train_images[np.random.default_rng(0).permutation(len(data.train_images))[:10_000]], 0.6)

    def features(images: np.ndarray) -> np.ndarray:
        return extract(evaluator, images)[0]

    real, fake = features(data.test_images), features(fakes)
    reals, ours = feature_statistics(real), feature_statistics(fake)
    resized = {
        name: [feature_statistics(features(halved_and_back(images, *form))) for images in (data.test_images, fakes)]
        for name, form in {"bilinear": ("bilinear", False), "bicubic, antialiased": ("cubic", True)}.items()
    }
    pairs = {
        "as gan-jax evaluate": (reals, ours),
        "covariance over N": (biased(real), biased(fake)),
        "means in float32": (
            Statistics(real.mean(axis=0).astype(np.float64), reals.covariance),
            Statistics(fake.mean(axis=0).astype(np.float64), ours.covariance),
        ),
        "5,000 fakes": (reals, feature_statistics(fake[:5_000])),
        "1,000 fakes": (reals, feature_statistics(fake[:1_000])),
        "the training images as reals": (feature_statistics(features(data.train_images)), ours),
        "fakes as JPEG, quality 95": (reals, feature_statistics(features(as_jpeg(fakes, 95)))),
        "fakes as JPEG, quality 75": (reals, feature_statistics(features(as_jpeg(fakes, 75)))),
        "fakes one grey level darker": (reals, feature_statistics(features(np.maximum(fakes, 1) - 1))),
        "both resized, bilinear without a filter": tuple(resized["bilinear"]),
        "both resized, bicubic and antialiased": tuple(resized["bicubic, antialiased"]),
        "reals and fakes resized differently": (resized["bicubic, antialiased"][0], resized["bilinear"][1]),
    }
    distances = {name: statistics_distance(*pair) for name, pair in pairs.items()}
    base = distances["as gan-jax evaluate"]
    rows: dict[str, Any] = {name: {"distance": d, "change": d / base - 1} for name, d in distances.items()}
    for name, row in rows.items():
        print(f"{name:42} {row['distance']:8.4f} {row['change']:+8.2%}")
    write_figures(settings, evaluator=evaluator.name, evaluator_sha256=evaluator.sha256, rows=rows)


if __name__ == "__main__":
    main(tyro.cli(Settings))
