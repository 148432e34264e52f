"""``gan-jax evaluate``."""

from pathlib import Path
from typing import Any

import numpy as np
import tyro

from gan_jax.cli.sources import (
    choose_dataset,
    choose_generator,
    holds_samples,
    require_count,
    require_seed,
    require_shape,
)
from gan_jax.errors import InputError
from gan_jax.evaluation import ANCHORS, authenticity, load_anchors, load_evaluator, score_images
from gan_jax.evaluation.features import require_accurate
from gan_jax.evaluation.protocol import FEWEST, require_scorable
from gan_jax.files import prepare_output, write_json
from gan_jax.inference.sampling import sample_images
from gan_jax.pictures.grids import save_side_by_side
from gan_jax.pictures.image_files import load_images
from gan_jax.pictures.scores import save_scores_figure, scores_table
from gan_jax.storage.load import load_run

FIGURE_ENDINGS = (".png", ".pdf", ".svg")


def evaluate(
    path: tyro.conf.Positional[Path],
    /,
    dataset: str | None = None,
    data_dir: Path | None = None,
    num_samples: int | None = None,
    seed: int = 0,
    json: Path | None = None,
    figure: Path | None = None,
    raw: bool = False,
) -> dict[str, Any]:
    """Score a generator's images, or samples from a file, against the test images, between the anchors.

    Example: gan-jax evaluate runs/fashion_mnist --json scores.json

    Writes a figure, and nearest.png, the fakes beside their nearest training images, into the same folder.

    Args:
        path: A run's folder, its weights.npz, or samples: uint8 images as a .npy, or an .npz with arr_0.
        dataset: By default the run's.
        data_dir: A folder with the data set's published files; by default the run's.
        num_samples: Images to draw from a generator; 10,000 by default.
        seed: Decides the latents and what the scores draw.
        json: Also write the scores here.
        figure: Where the figure goes; evaluation.png beside the run by default.
        raw: Use the generator as it was after the last step where the run has an average of it.
    """
    require_count("num-samples", FEWEST if num_samples is None else num_samples, FEWEST)
    require_seed(seed)
    home = path if path.is_dir() else path.parent
    figure = figure or home / "evaluation.png"
    if figure.suffix not in FIGURE_ENDINGS:
        raise InputError(f"{figure} must end in one of {', '.join(FIGURE_ENDINGS)}.")
    neighbours = figure.with_name("nearest.png")
    for output in (figure, neighbours, *([json] if json else [])):
        prepare_output(output)
    fakes, described, record = _fakes(path, num_samples, seed, raw)
    data = choose_dataset(record, dataset, data_dir)
    require_shape(path, fakes.shape[1:], data)
    require_scorable(data)
    evaluator = load_evaluator(data)
    require_accurate(evaluator)
    anchors = load_anchors(evaluator, data, seed)
    scores = score_images(evaluator, fakes, data, seed=seed)
    name = _label(path)
    rows = {"real": anchors["real"], name: scores} | {
        anchor: anchors[anchor] for anchor in ANCHORS[1:] if anchor in anchors
    }
    print(f"{len(fakes):,} {described}, {len(data.test_images):,} test images, features {evaluator.name} ", end="")
    accuracy = "random weights" if evaluator.accuracy is None else f"{evaluator.accuracy:.1%} accurate"
    print(f"(sha256 {evaluator.sha256[:12]}, {accuracy})")
    print(scores_table(rows))
    print(f"Fréchet floor of {len(fakes):,} fakes: {scores['frechet_floor']:.3g}")
    save_scores_figure(figure, rows, anchors)
    nearest = authenticity(fakes[:64], data.train_images).nearest
    pairs = {"each one's nearest training image": data.train_images[nearest], "generated": fakes[:64]}
    save_side_by_side(neighbours, pairs)
    if json:
        write_json(json, {"scored": str(path), "dataset_sha256": data.content_hash, "scores": rows})
    return rows


def _fakes(path: Path, count: int | None, seed: int, raw: bool) -> tuple[np.ndarray, str, dict[str, Any]]:
    """The images to score, what they are called, and the record of their run, if there is one."""
    if path.is_file() and holds_samples(path):
        if raw or count is not None:
            raise InputError(f"{path} holds samples, all of which are scored; leave out --num-samples and --raw.")
        images = load_images(path)
        require_count(f"the number of images in {path}", len(images), FEWEST)
        return images, "fakes", {}
    run = load_run(path)
    generator, name = choose_generator(run, raw)
    return sample_images(run.config, generator, count or 10_000, seed), f"fakes of the {name}", run.record


def _label(path: Path) -> str:
    """What was scored, under a name that no anchor has."""
    name = path.resolve().name or str(path)
    return f"{name} (scored)" if name in ANCHORS else name
