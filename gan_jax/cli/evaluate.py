"""``gan-jax evaluate``."""

from pathlib import Path
from typing import Annotated, Any

import tyro

from gan_jax.cli.shared_flags import AS_ALWAYS, NUM_IMAGES, READ_AS_THEY_ARE, Measuring, Reading
from gan_jax.pictures.tables import plain_table


def evaluate(
    path: tyro.conf.Positional[Path],
    /,
    dataset: str | None = None,
    data_dir: Path | None = None,
    reading: Reading = READ_AS_THEY_ARE,
    num_images: Annotated[int | None, NUM_IMAGES] = None,
    seed: int = 0,
    json: Path | None = None,
    figure: Path | None = None,
    ema: bool = True,
    measuring: Measuring = AS_ALWAYS,
) -> dict[str, Any]:
    """Score a generator's images, or samples from a file, against the test images, between the anchors.

    Example: gan-jax evaluate runs/fashion_mnist --json scores.json

    Writes a figure, and nearest.png, fakes above their nearest training images, into the same folder.

    Args:
        path: A run's folder, its weights.npz, or samples: a folder of PNGs, or uint8 images as a .npy or .npz (arr_0).
        dataset: By default the run's.
        data_dir: A folder with the data set's published files; by default the run's.
        reading: How the data set's image files are read.
        num_images: Images to draw from a generator, of each class the test images' share; 10,000 by default.
        seed: Decides the latents and what the scores draw.
        json: Also write the scores here.
        figure: Where the figure goes; evaluation.png beside the run by default.
        ema: Use the average of the generator's weights (EMA) where the run has one, and not those of the last step.
        measuring: In which features, and beside which reals.
    """
    from gan_jax.cli.scoring import score
    from gan_jax.evaluation import Evaluator
    from gan_jax.pictures.scores import table_cells, told_ranking

    flags = (dataset, data_dir, reading, num_images, seed, json, figure, ema, measuring)
    rows, features, summary, floor = score(path, *flags)
    known = ", random weights" if isinstance(features, Evaluator) else ""
    known = known if features.accuracy is None else f", {features.accuracy:.1%} accurate"
    print(f"{summary}, features {features.name} (sha256 {features.sha256[:12]}{known})")
    print(plain_table(*table_cells(rows)))
    print("\n".join(text for text in (floor, told_ranking(rows)) if text))
    return rows
