"""A run as its user sees it: the folder, the record in it, and the lines on screen."""

import dataclasses
import importlib.metadata
import json
import platform
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jax
import numpy as np
from jax.typing import ArrayLike
from tqdm import tqdm

from gan_jax import curves, grids
from gan_jax.checkpoint import save_weights
from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import Dataset
from gan_jax.errors import InputError
from gan_jax.evaluation import load_evaluator, score_images
from gan_jax.evaluation.summary import HEADINGS, save_score_curves
from gan_jax.files import save_arrays, whole_file
from gan_jax.loop import Progress, steps_per_epoch
from gan_jax.pixels import quantize_images
from gan_jax.sampling import sample_images
from gan_jax.state import GanState

# What a line on screen calls each metric, in the line's order.
_SCREEN_NAMES = {
    "d_loss": "D loss",
    "g_loss": "G loss",
    "d_x": "D(x)",
    "d_g_z1": "D(G(z)) before",
    "d_g_z2": "D(G(z)) after",
}
_ONE_FAKE_SCORE = _SCREEN_NAMES | {"d_g_z1": "D(G(z))", "d_g_z2": "D(G(z))"}


class Run:
    """A context that claims the output folder, follows a training and leaves a whole record however it ends.

    Ctrl-C ends the training at the next pause, with everything so far on disk; a second one ends it at once.

    Raises:
      InputError: the folder holds something already, or cannot be written.
    """

    def __init__(self, settings: RunConfig, config: GanConfig, dataset: Dataset) -> None:
        self.folder = settings.output_dir
        self._dataset = dataset
        self._per_epoch = steps_per_epoch(config, len(dataset.train_images))
        self.num_steps = settings.num_steps(self._per_epoch)
        self._chunks: list[dict[str, np.ndarray]] = []
        self._window: list[dict[str, np.ndarray]] = []
        self._grids: list[Path] = []
        self._images: np.ndarray | None = None
        self._state: GanState | None = None
        self._interrupted = False
        self._config = config
        self._evaluate_every = settings.evaluate_every
        self._evaluator = load_evaluator(dataset) if settings.evaluate_every else None
        self._scores: list[dict[str, float]] = []
        _claim(self.folder, settings.overwrite)
        _write_json(self.folder / "config.json", _record(settings, config, dataset))

    def __enter__(self) -> Self:
        self._previous_handler = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._previous_handler)
        if not isinstance(error, OSError):
            self._finish()
        if self._interrupted and error is None:
            raise KeyboardInterrupt

    def draw(self, step: int, images: ArrayLike) -> None:
        """Add a grid of 64 images, ``[64, height, width, channels]`` float in [-1, 1], as they are after ``step``."""
        self._images = quantize_images(images)
        path = self.folder / "grids" / f"step_{step:07d}.png"
        grids.save_grid(path, self._images, f"epoch {step / self._per_epoch:.2f}   step {step}")
        self._grids.append(path)

    def follow(self, training: Iterable[Progress]) -> Iterator[Progress]:
        """Pass on a training's progress; keep its metrics, log each window, and end early after Ctrl-C."""
        with tqdm(total=self.num_steps, unit="batch", disable=None) as bar:
            for progress in training:
                self._keep(progress)
                self._state = progress.state
                bar.update(progress.step - bar.n)
                if progress.window_end:
                    self._log(progress)
                if progress.epoch_end and self._evaluate_every and progress.epoch % self._evaluate_every == 0:
                    self._evaluate(progress)
                yield progress
                if self._interrupted:
                    return
                if progress.step < self.num_steps:
                    self._state = None  # the next chunk consumes it

    def _keep(self, progress: Progress) -> None:
        for name, values in progress.metrics.items():
            if not np.isfinite(values).all():
                step = progress.step - len(values) + int(np.argmin(np.isfinite(values))) + 1
                raise InputError(f"{name} is not finite at step {step}; try a lower --learning-rate.")
        self._chunks.append(progress.metrics)
        self._window.append(progress.metrics)

    def _log(self, progress: Progress) -> None:
        means = {name: float(values.mean()) for name, values in _concatenate(self._window).items()}
        self._window.clear()
        self._append({"step": progress.step, "epoch": progress.epoch, **means})
        labels = _SCREEN_NAMES if "d_g_z1" in means and "d_g_z2" in means else _ONE_FAKE_SCORE
        values = "  ".join(f"{label} {means[name]:.3f}" for name, label in labels.items() if name in means)
        epochs = -(-self.num_steps // self._per_epoch)
        tqdm.write(f"epoch {progress.epoch}/{epochs}  batch {progress.batch}/{self._per_epoch}  {values}")
        sys.stdout.flush()

    def _evaluate(self, progress: Progress) -> None:
        assert self._evaluator
        fakes = sample_images(self._config, progress.state.generator, 10_000)
        scores = score_images(self._evaluator, fakes, self._dataset)
        self._scores.append({"step": progress.step, "epoch": progress.epoch, **scores})
        self._append(self._scores[-1])
        save_score_curves(self.folder / "evaluation.png", self._scores)
        tqdm.write(f"epoch {progress.epoch}  " + "  ".join(f"{HEADINGS[key]} {scores[key]:.3g}" for key in HEADINGS))
        sys.stdout.flush()

    def _append(self, line: dict[str, Any]) -> None:
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _finish(self) -> None:
        if self._state is not None:
            save_weights(self.folder / "weights.npz", self._state)
        if self._images is None or not self._chunks:
            return
        history = _history(_concatenate(self._chunks))
        save_arrays(self.folder / "history.npz", history)
        curves.save_losses(self.folder / "losses.png", history, self._per_epoch)
        curves.save_scores(self.folder / "scores.png", history, self._per_epoch)
        grids.save_animation(self.folder / "progress.gif", self._grids)
        images = self._dataset.train_images  # taken evenly: the files of some data sets are in groups of one kind
        reals = images[np.linspace(0, len(images) - 1, len(self._images), dtype=int)]
        grids.save_comparison(self.folder / "real_vs_fake.png", reals, self._images)
        print(f"Pictures, numbers and weights are in {self.folder}")

    def _interrupt(self, signum: int, frame: Any) -> None:
        self._interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        tqdm.write("Stopping at the next pause; Ctrl-C again to stop at once.")


def _claim(folder: Path, overwrite: bool) -> None:
    """Make an empty folder, replacing an earlier run only when told to, and nothing but a run ever."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --output-dir.")
    if folder.exists() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(f"{folder} is not empty; give another --output-dir, or --overwrite to replace that run.")
        if not (folder / "config.json").exists():
            raise InputError(f"{folder} holds files but no run, so --overwrite leaves it alone; give another folder.")
        shutil.rmtree(folder)
    (folder / "grids").mkdir(parents=True, exist_ok=True)


def _record(settings: RunConfig, config: GanConfig, dataset: Dataset) -> dict[str, Any]:
    device = jax.devices()[0]
    data_dir = settings.data_dir and settings.data_dir.resolve()
    packages = ("gan_jax", "jax", "jaxlib", "flax", "optax", "numpy")
    return {
        "script": Path(sys.argv[0]).name,
        "run": dataclasses.asdict(settings) | {"gan": dataclasses.asdict(config), "data_dir": data_dir},
        "dataset": {
            "name": dataset.name,
            "sha256": dataset.content_hash,
            "train_images": len(dataset.train_images),
            "test_images": len(dataset.test_images),
        },
        "versions": {"python": platform.python_version()}
        | {package: importlib.metadata.version(package) for package in packages},
        "device": {"platform": device.platform, "kind": device.device_kind, "count": jax.device_count()},
    }


def _history(metrics: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Metrics under the names of history.npz; the fakes' score is the one before D's update where there are two."""
    names = {"d_loss": "d_losses", "g_loss": "g_losses", "d_x": "real_scores", "d_g_z1": "fake_scores"}
    names["d_g_z2"] = "updated_fake_scores" if "d_g_z1" in metrics else "fake_scores"
    return {names[name]: values for name, values in metrics.items()}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n")


def _concatenate(chunks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
