"""``gan-jax``: what works on a finished run."""

import json
import sys
from pathlib import Path

import numpy as np
import tyro

from gan_jax import verification
from gan_jax.command_line import exit_statuses, keep_compiled_programs
from gan_jax.datasets import Dataset, load_dataset
from gan_jax.errors import InputError
from gan_jax.evaluation import authenticity, load_anchors, load_evaluator, score_images
from gan_jax.evaluation.summary import save_scores_figure, scores_table
from gan_jax.exports import load_images, save_images
from gan_jax.files import whole_file
from gan_jax.grids import save_comparison, save_grid, save_loop
from gan_jax.portable import export_generator
from gan_jax.records import other_circumstances
from gan_jax.sampling import interpolate_images, sample_images
from gan_jax.trained import load_run
from gan_jax.verification import FinishedRun


def evaluate(
    path: tyro.conf.Positional[Path],
    /,
    dataset: str | None = None,
    data_dir: Path | None = None,
    num_samples: int = 10_000,
    seed: int = 0,
    json: Path | None = None,
    figure: Path | None = None,
) -> None:
    """Score a generator's images, or samples from a file, against the test images, between the anchors.

    Example: gan-jax evaluate runs/gan --json scores.json

    Writes a figure and the fakes beside their nearest training images next to what it scored.

    Args:
        path: A run's folder, its weights.npz, or samples: an .npz with arr_0, NHWC uint8.
        dataset: By default the run's.
        data_dir: A folder with the four IDX files; by default the run's.
        num_samples: Images to draw from a generator.
        seed: Decides the latents and what the scores draw.
        json: Also write the scores here.
        figure: Where the figure goes; evaluation.png beside the run by default.
    """
    record, fakes = _fakes(path, num_samples, seed)
    data = _dataset(record, dataset, data_dir)
    if fakes.shape[1:] != data.image_shape:
        raise InputError(
            f"{path} has images of {fakes.shape[1:]}, {data.name} of {data.image_shape}; name its --dataset."
        )
    evaluator = load_evaluator(data)
    references = load_anchors(evaluator, data, seed)
    rows = {"real": references.pop("real"), path.name: score_images(evaluator, fakes, data, seed=seed), **references}
    print(f"{len(fakes):,} fakes, {len(data.test_images):,} test images, features {evaluator.name} ", end="")
    print(f"(sha256 {evaluator.sha256[:12]}, {evaluator.accuracy:.1%} accurate)")
    print(scores_table(rows))
    print(f"Fréchet floor of this many images: {rows['real']['frechet_floor']:.3g}")
    home = path if path.is_dir() else path.parent
    save_scores_figure(figure or home / "evaluation.png", rows, {"real": None, **references})
    nearest = authenticity(fakes[:64], data.train_images).nearest
    title = "each one's nearest training image"
    save_comparison(home / "nearest.png", data.train_images[nearest], fakes[:64], real_title=title)
    if json:
        _write_json(json, {"scored": str(path), "dataset_sha256": data.content_hash, "scores": rows})


def sample(path: tyro.conf.Positional[Path], /, output: Path, num: int = 64, seed: int = 0) -> None:
    """Draw images from a trained generator.

    Example: gan-jax sample runs/gan --num 10000 --output samples.npz

    Args:
        path: A run's folder, or its weights.npz.
        output: .npz (arr_0, NHWC uint8, 3 channels), .png (one grid), or a new folder of PNGs.
        num: How many.
        seed: Decides the latents.
    """
    _require_count("num", num)
    run = load_run(path)
    images = sample_images(run.config, run.state.generator, num, seed)
    save_images(output, images, f"{path.name}   step {int(run.state.step)}   seed {seed}")
    print(f"{num} generated images are in {output}")


def reals(
    output: Path, dataset: str = "fashion_mnist", data_dir: Path | None = None, num: int = 10_000, train: bool = False
) -> None:
    """Write real images in the same forms, for tools that compare two sets.

    Example: gan-jax reals --num 10000 --output reals.npz

    Args:
        output: .npz (arr_0, NHWC uint8, 3 channels), .png (one grid), or a new folder of PNGs.
        dataset: fashion_mnist, mnist, kmnist or digits.
        data_dir: A folder with the four IDX files.
        num: The first so many.
        train: Training images in place of test images.
    """
    _require_count("num", num)
    data = load_dataset(dataset, data_dir)
    images = (data.train_images if train else data.test_images)[:num]
    save_images(output, images, f"{data.name}   real")
    print(f"{len(images)} real images are in {output}")


def interpolate(
    path: tyro.conf.Positional[Path], /, output: Path, rows: int = 6, columns: int = 10, seed: int = 0
) -> None:
    """Walk from latent to latent along great circles: one picture, or a GIF that loops.

    Example: gan-jax interpolate runs/gan --output walk.gif

    Args:
        path: A run's folder, or its weights.npz.
        output: .png (a row from each latent to the next, the last back to the first), or .gif (the same, in motion).
        rows: Latents on the way.
        columns: Images from one latent to the next.
        seed: Decides the latents: those of the first images of gan-jax sample.
    """
    if output.suffix not in (".png", ".gif"):
        raise InputError(f"{output} must end in .png or .gif.")
    for name, value in (("rows", rows), ("columns", columns)):
        if value < 2:
            raise InputError(f"{name} is {value}; it must be at least 2.")
    run = load_run(path)
    images = interpolate_images(run.config, run.generator, rows, columns, seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.suffix == ".gif":
        save_loop(output, np.concatenate(images[:, :-1]))
    else:
        title = f"{path.name}   step {int(run.state.step)}   seed {seed}"
        save_grid(output, np.concatenate(images), title, columns, rows)
    print(f"The walk is in {output}")


def export(path: tyro.conf.Positional[Path], /, output: Path) -> None:
    """Write a generator as StableHLO, which JAX alone runs on CPU, CUDA and TPU.

    Example: gan-jax export runs/gan --output generator.jax

    Args:
        path: A run's folder, or its weights.npz.
        output: A file; jax.export.deserialize(its bytes).call(latents) gives images.
    """
    run = load_run(path)
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(output) as temporary:
        temporary.write_bytes(export_generator(run.config, run.generator))
    print(f"The generator is in {output}: latents [b, {run.config.latent_dim}] to images")


def verify(path: tyro.conf.Positional[Path], /, epochs: str | None = None, data_dir: Path | None = None) -> None:
    """Train a run again and compare it bit for bit with what it recorded; exits with 1 if it differs.

    Example: gan-jax verify runs/gan --epochs 3:5

    Args:
        path: A run's folder.
        epochs: A:B starts after epoch A, from its checkpoint if it was kept, and ends after epoch B; all by default.
        data_dir: A folder with the four IDX files; by default the run's.
    """
    run = FinishedRun(path, data_dir)
    first, last = _epoch_range(epochs)
    for difference in other_circumstances(run.record):
        print(f"warning: {difference}; the last bits may come out otherwise", file=sys.stderr)
    count, difference = verification.verify(run, first, last)
    if difference is None:
        print(f"identical: {count} epochs, every step's metrics and every array of the state")
        return
    print(f"different: epoch {difference.epoch} is the first", end="")
    print(f", step {difference.step} the first whose metrics differ" if difference.step else "", end="")
    print(f", {difference.array} the first array that differs at its end" if difference.array else "")
    sys.exit(1)


def replay(path: tyro.conf.Positional[Path], /, step: int, output: Path, data_dir: Path | None = None) -> None:
    """Take one step of a run again and keep its batch, latents, fakes, metrics and gradient norms.

    Example: gan-jax replay runs/gan --step 1000 --output step.npz

    Args:
        path: A run's folder.
        step: From 1.
        output: An .npz; a .png of the same name shows the batch beside the fakes.
        data_dir: A folder with the four IDX files; by default the run's.
    """
    if output.suffix != ".npz":
        raise InputError(f"{output} must end in .npz.")
    metrics, same = verification.replay(FinishedRun(path, data_dir), step, output)
    print("  ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
    verdict = {True: "as the run had them", False: "NOT as the run had them", None: "not in the run's history"}
    print(f"These metrics are {verdict[same]}. The step is in {output}")
    sys.exit(1 if same is False else 0)


def main() -> None:
    """Run the subcommand that the command line names."""
    keep_compiled_programs()
    with exit_statuses():
        commands = (evaluate, sample, interpolate, export, verify, replay, reals)
        named = {command.__name__: command for command in commands}
        tyro.extras.subcommand_cli_from_dict(named, prog="gan-jax", description=__doc__)


def _fakes(path: Path, count: int, seed: int) -> tuple[dict, np.ndarray]:
    _require_count("num-samples", count)
    if path.is_file() and _holds_samples(path):
        return {}, load_images(path)
    run = load_run(path)
    return run.record, sample_images(run.config, run.state.generator, count, seed)


def _holds_samples(path: Path) -> bool:
    try:
        with np.load(path) as archive:
            return "arr_0" in archive
    except (OSError, EOFError, ValueError):
        return False


def _dataset(record: dict, name: str | None, data_dir: Path | None) -> Dataset:
    """The data set that the flags name, else the one that the run was trained on."""
    run = record.get("run", {})
    if name is None and not run:
        raise InputError("there is no run to tell the data set; give --dataset.")
    data_dir = data_dir or (run.get("data_dir") if name in (None, run.get("dataset")) else None)
    return load_dataset(name or run["dataset"], data_dir)


def _epoch_range(text: str | None) -> tuple[int, int | None]:
    try:
        first, last = (text or "0:").split(":")
        return int(first or 0), int(last) if last else None
    except ValueError:
        raise InputError(f"epochs is {text!r}; it must be A:B, such as 3:5, with either left out.") from None


def _require_count(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{name} is {value}; it must be at least 1.")


def _write_json(path: Path, content: dict) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
