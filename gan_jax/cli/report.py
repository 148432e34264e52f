"""``gan-jax report``."""

from pathlib import Path
from typing import Annotated

import tyro

from gan_jax.cli.shared_flags import AS_ALWAYS, NUM_IMAGES, READ_AS_THEY_ARE, Measuring, Reading
from gan_jax.errors import InputError
from gan_jax.files import prepare_output, write_text


def report(
    path: tyro.conf.Positional[Path],
    /,
    output: Path | None = None,
    dataset: str | None = None,
    data_dir: Path | None = None,
    reading: Reading = READ_AS_THEY_ARE,
    num_images: Annotated[int | None, NUM_IMAGES] = None,
    scores: bool = True,
    measuring: Measuring = AS_ALWAYS,
) -> None:
    """Write one page of a run, or of many beside each other: settings, curves, images, scores, and how to repeat it.

    Example: gan-jax report runs/fashion_mnist

    Args:
        path: A run's folder, or that of many runs (--seeds or --sweep).
        output: The HTML file; report.html in the folder by default.
        dataset: The data set, such as the folder that the images moved to; by default the run's.
        data_dir: A folder with the data set's published files; by default the run's.
        reading: How the data set's image files are read.
        num_images: Images to score; 10,000 by default.
        scores: Score the run between the anchors, as gan-jax evaluate does; many runs have their scores already.
        measuring: In which features, and beside which reals.
    """
    from gan_jax.cli.report_page import of_many, of_one
    from gan_jax.pictures.pages import render_page
    from gan_jax.storage.run_json import has_run_json, read_run_json
    from gan_jax.sweeps.folder import SUMMARY, read_sweep

    output = output or path / "report.html"
    is_summarized, sweep = (path / SUMMARY).is_file(), read_sweep(path)
    if sweep and (sweep["replaced"] or not is_summarized):
        raise InputError(f"the runs in {path} are not all trained and scored; continue the training with --resume.")
    if not has_run_json(path) and not is_summarized:
        read_run_json(path)  # which says so, and which runs there are
    options = {"dataset": dataset, "data_dir": data_dir, "reading": reading, "num_images": num_images}
    options |= {"measuring": measuring}
    unset = (None, READ_AS_THEY_ARE, AS_ALWAYS)
    if not (scores and has_run_json(path)) and any(value not in unset for value in options.values()):
        raise InputError(f"{path} is not scored here; leave out --num-images, --features, --dataset and the like.")
    prepare_output(output)
    sections = of_one(path, options if scores else None) if has_run_json(path) else of_many(path)
    write_text(output, render_page(path.resolve().name, sections))
    print(f"The report is in {output}")
