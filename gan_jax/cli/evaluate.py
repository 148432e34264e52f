"""``gan-jax evaluate``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from gan_jax.cli.sources import (
    READ_AS_THEY_ARE,
    Reading,
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
from gan_jax.evaluation import ANCHORS, Evaluator, authenticity, load_anchors, load_evaluator, score_images
from gan_jax.evaluation.features import require_accurate
from gan_jax.evaluation.protocol import FEWEST, NUM_PARTS, require_scorable
from gan_jax.files import prepare_output, write_json
from gan_jax.inference.sampling import sample_fakes
from gan_jax.pictures.grids import save_pairs
from gan_jax.pictures.image_files import in_channels
from gan_jax.pictures.scores import save_scores_figure, table_cells
from gan_jax.pictures.tables import plain_table
from gan_jax.runs.bars import progress_bar, show_part
from gan_jax.storage.load import load_run

FIGURE_ENDINGS = (".png", ".pdf", ".svg")


def evaluate(
    path: tyro.conf.Positional[Path],
    /,
    dataset: str | None = None,
    data_dir: Path | None = None,
    reading: Reading = READ_AS_THEY_ARE,
    num_samples: int | None = None,
    seed: int = 0,
    json: Path | None = None,
    figure: Path | None = None,
    raw: bool = False,
) -> dict[str, Any]:
    """Score a generator's images, or samples from a file, against the test images, between the anchors.

    Example: gan-jax evaluate runs/fashion_mnist --json scores.json

    Writes a figure, and nearest.png, fakes above their nearest training images, into the same folder.

    Args:
        path: A run's folder, its weights.npz, or samples: a folder of PNGs, or uint8 images as a .npy or .npz (arr_0).
        dataset: By default the run's.
        data_dir: A folder with the data set's published files; by default the run's.
        reading: How the data set's image files are read.
        num_samples: Images to draw from a generator, of each class the test images' share; 10,000 by default.
        seed: Decides the latents and what the scores draw.
        json: Also write the scores here.
        figure: Where the figure goes; evaluation.png beside the run by default.
        raw: Use the generator as it was after the last step where the run has an average of it.
    """
    require_count("num-samples", FEWEST if num_samples is None else num_samples, FEWEST)
    require_seed(seed)
    home = path if path.is_dir() and not holds_samples(path) else path.absolute().parent
    figure = figure or home / "evaluation.png"
    if figure.suffix not in FIGURE_ENDINGS:
        raise InputError(f"{figure} must end in one of {', '.join(FIGURE_ENDINGS)}.")
    neighbours = figure.with_name("nearest.png")
    for output in (figure, neighbours, *([json] if json else [])):
        prepare_output(output)
    fakes, described, data = _fakes(
        path, num_samples, seed, raw, lambda record: choose_dataset(record, dataset, data_dir, reading)
    )
    fakes = in_channels(fakes, data.image_shape[2])
    require_shape(path, fakes.shape[1:], data)
    require_scorable(data)
    evaluator, anchors, scores = _scores(fakes, data, seed)
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
    print(f"{len(fakes):,} {described}, {len(data.test_images):,} test images, features {evaluator.name} ", end="")
    accuracy = "random weights" if evaluator.accuracy is None else f"{evaluator.accuracy:.1%} accurate"
    print(f"(sha256 {evaluator.sha256[:12]}, {accuracy})")
    print(plain_table(*table_cells(rows)))
    print(f"Fréchet floor of {len(fakes):,} fakes: {scores['frechet_floor']:.3g}")
    return rows


def _fakes(
    path: Path, count: int | None, seed: int, raw: bool, read: Callable[[dict[str, Any]], Dataset]
) -> tuple[np.ndarray, str, Dataset]:
    """The images to score, what they are called, and what they are compared with, given the record of a run."""
    if holds_samples(path):
        if raw or count is not None:
            raise InputError(f"{path} holds samples, all of which are scored; leave out --num-samples and --raw.")
        images = load_samples(path)
        require_count(f"the number of images in {path}", len(images), FEWEST)
        return images, "fakes", read({})
    run = load_run(path)
    generator, name = choose_generator(run, raw)
    data = read(run.record)
    return sample_fakes(run.config, generator, data, count or 10_000, seed), f"fakes of the {name}", data


def _scores(fakes: np.ndarray, data: Dataset, seed: int) -> tuple[Evaluator, dict[str, Any], dict[str, Any]]:
    """The evaluator, the scores of the anchors and those of the fakes."""
    until_fakes = 1 + NUM_PARTS * len(ANCHORS)
    with progress_bar(until_fakes + NUM_PARTS, "part", leave=False) as bar:
        tell = partial(show_part, bar)
        tell("evaluator")
        evaluator = load_evaluator(data)
        require_accurate(evaluator)
        anchors = load_anchors(evaluator, data, seed, tell)
        bar.update(until_fakes - bar.n)  # those that are in the cache were not told of
        return evaluator, anchors, score_images(evaluator, fakes, data, seed=seed, tell=tell)


def _label(path: Path) -> str:
    """What was scored, under a name that no anchor has."""
    name = path.resolve().name or str(path)
    return f"{name} (scored)" if name in ANCHORS else name
