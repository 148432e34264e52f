"""``gan-jax playground``."""

from pathlib import Path

import tyro

from gan_jax.cli.shared_flags import READ_AS_THEY_ARE, Reading
from gan_jax.errors import InputError
from gan_jax.files import prepare_output, write_text


def playground(
    path: tyro.conf.Positional[Path],
    /,
    output: Path,
    beside: tuple[Path, ...] = (),
    plane: tuple[Path, ...] = (),
    lesson: Path | None = None,
    images: int | None = None,
    max_megabytes: float = 25,
    dataset: str | None = None,
    data_dir: Path | None = None,
    reading: Reading = READ_AS_THEY_ARE,
    ema: bool = True,
) -> None:
    """Make a page of one file in which generators run: rewind their training, walk their latents, ask D.

    Example: gan-jax playground runs/fashion_mnist --output page.html

    A double click opens it, without a network. A run that was trained with --snapshots 12 can be rewound there.

    Args:
        path: A run's folder, or its weights.npz.
        output: The .html file.
        beside: Other runs, each of which can be chosen in the page.
        plane: Folders of experiments/plane_lesson.py or experiments/plane.py, to be shown side by side.
        lesson: A folder of experiments/lesson.py, whose images are shown beside.
        images: Training images of each run to put into it, of which the nearest is shown; by default 1,000, of large
            images 3.5 MB before compression, or none where the run's cannot be read; 0 for none.
        max_megabytes: The largest that the page may be; it takes as many snapshots as fit.
        dataset: Where the training images are from; by default the run's.
        data_dir: A folder with the data set's published files; by default the run's.
        reading: How the data set's image files are read.
        ema: Show the average of the generator's weights (EMA) where the run has one, and not those of the last step.
    """
    from gan_jax.cli.sources import choose_training_images, require_count
    from gan_jax.config import require
    from gan_jax.data.folders import is_path
    from gan_jax.playground.contents import Source
    from gan_jax.playground.page import build_page
    from gan_jax.playground.recordings import read_lesson, read_plane
    from gan_jax.storage.load import load_run
    from gan_jax.storage.run_folder import RunFolder

    if output.suffix != ".html":
        raise InputError(f"{output} must end in .html.")
    require_count("images", 0 if images is None else images, 0)
    require(0 < max_megabytes < 1000, "max-megabytes", max_megabytes, "above 0 and below 1000")
    prepare_output(output)
    require(not beside or dataset is None, "dataset", dataset, "the runs' own where --beside names others")

    def source_of(path: Path) -> Source:
        run = load_run(path)
        known = bool(run.record) or dataset is not None
        has_path = bool(beside) and is_path(str(run.record.get("run", {}).get("dataset", "")))
        files = None if has_path else data_dir  # which are those of published sets
        required = (images, dataset, files, reading) != (None, None, None, READ_AS_THEY_ARE)
        data = choose_training_images(path, run, dataset, files, reading, required) if images != 0 and known else None
        folder = RunFolder(path) if path.is_dir() else None
        return Source(run, folder, path.resolve().name if folder else path.stem, data, ema)

    page = build_page(
        [source_of(path) for path in (path, *beside)],
        planes=[read_plane(path) for path in plane],
        lesson=read_lesson(lesson) if lesson else (),
        num_images=images,
        max_megabytes=max_megabytes,
    )
    write_text(output, page)
    print(f"The page is in {output} ({len(page.encode()) / 1e6:.1f} MB); a double click opens it")
