"""Scoring a run, or images from files: what ``evaluate`` prints and a report shows."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.cli.shared_flags import AS_ALWAYS, READ_AS_THEY_ARE, MeasuringFlags, ReadingFlags
from gan_jax.cli.sources import (
    choose_dataset,
    choose_generator,
    holds_samples,
    load_samples,
    require_count,
    require_seed,
    require_shape,
)
from gan_jax.data.datasets import Dataset
from gan_jax.data.shares import sample_rows
from gan_jax.errors import InputError
from gan_jax.evaluation import (
    ANCHORS,
    Features,
    Statistics,
    authenticity,
    load_anchors,
    load_features,
    read_statistics,
    score_images,
)
from gan_jax.evaluation.features import require_accurate
from gan_jax.evaluation.protocol import FEWEST, NUM_PARTS, require_scorable
from gan_jax.files import prepare_output, write_json
from gan_jax.inference.sampling import sample_fakes
from gan_jax.pictures.grids import save_pairs
from gan_jax.pictures.image_files import in_channels
from gan_jax.pictures.scores import save_scores_figure
from gan_jax.runs.bars import progress_bar, show_part
from gan_jax.storage.load import load_run

FIGURE_ENDINGS = (".png", ".pdf", ".svg")


class Scored(NamedTuple):
    """Scores, and what they are of."""

    rows: dict[str, Any]  # what was scored, between the anchors
    features: Features
    summary: str  # how many fakes of what, beside how many test images
    floor: str  # what a perfect generator's Fréchet distance would be


def score(
    path: Path,
    dataset: str | None = None,
    data_dir: Path | None = None,
    reading: ReadingFlags = READ_AS_THEY_ARE,
    num_images: int | None = None,
    seed: int = 0,
    json: Path | None = None,
    figure: Path | None = None,
    ema: bool = True,
    measuring: MeasuringFlags = AS_ALWAYS,
) -> Scored:
    """Score images, and write a figure of the scores and one of the nearest training images.

    The arguments are those of ``gan-jax evaluate``.
    """
    require_count("num-images", FEWEST if num_images is None else num_images, FEWEST)
    require_seed(seed)
    home = path if path.is_dir() and not holds_samples(path) else path.absolute().parent
    figure = figure or home / "evaluation.png"
    if figure.suffix not in FIGURE_ENDINGS:
        raise InputError(f"{figure} must end in one of {', '.join(FIGURE_ENDINGS)}.")
    neighbours = figure.with_name("nearest.png")
    for output in (figure, neighbours, *([json] if json else [])):
        prepare_output(output)
    reference = measuring.reference and read_statistics(measuring.reference)
    fakes, described, data = _fakes(
        path, num_images, seed, ema, lambda record: choose_dataset(record, dataset, data_dir, reading)
    )
    fakes = in_channels(fakes, data.image_shape[2])
    require_shape(path, fakes.shape[1:], data)
    require_scorable(data)
    evaluator, anchors, scores = _scores(fakes, data, seed, measuring, reference[0] if reference else None)
    if reference:
        scores |= {"reference": str(measuring.reference), "reference_sha256": reference[1]}
    name = _label(path)
    rows = {"real": anchors["real"], name: scores} | {
        anchor: anchors[anchor] for anchor in ANCHORS[1:] if anchor in anchors
    }
    save_scores_figure(figure, rows, anchors)
    shown = fakes[sample_rows(np.zeros(len(fakes)), 64, seed)]
    nearest = authenticity(shown, data.train_images).nearest
    save_pairs(neighbours, shown, data.train_images[nearest], "generated, above the nearest training image")
    if json:
        write_json(json, {"scored": str(path), "dataset_sha256": data.content_hash, "scores": rows})
    reals = "test images" if measuring.split == "test" else "training images"
    summary = f"{len(fakes):,} {described}, {scores['num_reals']:,} {reals}"
    floor = f"Fréchet floor of {len(fakes):,} fakes: {scores['frechet_floor']:.3g}"
    return Scored(rows, evaluator, summary, floor)


def _fakes(
    path: Path, count: int | None, seed: int, ema: bool, read: Callable[[dict[str, Any]], Dataset]
) -> tuple[np.ndarray, str, Dataset]:
    """The images to score, what they are called, and what they are compared with, given the record of a run."""
    if holds_samples(path):
        if not ema or count is not None:
            raise InputError(f"{path} holds samples, all of which are scored; leave out --num-images and --no-ema.")
        images = load_samples(path)
        require_count(f"the number of images in {path}", len(images), FEWEST)
        return images, "fakes", read({})
    run = load_run(path)
    generator, name = choose_generator(run, ema)
    data = read(run.record)
    return sample_fakes(run.config, generator, data, count or 10_000, seed), f"fakes of the {name}", data


def _scores(
    fakes: np.ndarray, data: Dataset, seed: int, measuring: MeasuringFlags, reference: Statistics | None
) -> tuple[Features, dict[str, Any], dict[str, Any]]:
    """The evaluator, the scores of the anchors and those of the fakes."""
    by_test = measuring.split == "test"
    until_fakes = 1 + NUM_PARTS * (len(ANCHORS) if by_test else 1)
    with progress_bar(until_fakes + NUM_PARTS, "part", leave=False) as bar:
        tell = partial(show_part, bar)
        tell("evaluator")
        evaluator = load_features(measuring.features, data, measuring.feature_weights)
        require_accurate(evaluator)
        score_beside = partial(score_images, evaluator, dataset=data, split=measuring.split, seed=seed, tell=tell)
        # Training images cannot be an anchor beside themselves.
        anchors = load_anchors(evaluator, data, seed, tell) if by_test else {"real": score_beside(data.test_images)}
        bar.update(until_fakes - bar.n)  # those that are in the cache were not told of
        return evaluator, anchors, score_beside(fakes, reference=reference)


def _label(path: Path) -> str:
    """What was scored, under a name that no anchor has."""
    name = path.resolve().name or str(path)
    return f"{name} (scored)" if name in ANCHORS else name
