"""A run in TensorBoard or Weights & Biases."""

import importlib
import json
import numbers
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gan_jax.errors import InputError
from gan_jax.parts import find_part
from gan_jax.pictures.grids import readable_pictures
from gan_jax.runs.watchers.json_lines import read_lines
from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import read_run_json
from gan_jax.training.loop import Progress


class Tracker(Protocol):
    """Where a run's numbers, texts and pictures go."""

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Note values of the window or epoch that ends at a step."""
        ...

    def text(self, step: int, name: str, text: str) -> None:
        """Note a warning."""
        ...

    def picture(self, step: int, name: str, path: Path) -> None:
        """Note a PNG."""
        ...

    def close(self) -> None:
        """Write what is not yet written."""
        ...


class TensorBoard:
    """Events that ``tensorboard --logdir`` shows.

    Args:
      folder: the run's.
      label: what the run is called.
      settings: of the run.
    """

    def __init__(self, folder: RunFolder, label: str, settings: Mapping[str, Any]) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(_emptied(folder, "tensorboard")))
        self.text(0, "settings", f"**{label}**\n\n" + _indented(settings))

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def text(self, step: int, name: str, text: str) -> None:
        """Write a text."""
        self._writer.add_text(name, text, step)

    def picture(self, step: int, name: str, path: Path) -> None:
        """Write an image."""
        from PIL import Image

        with Image.open(path) as picture:
            self._writer.add_image(name, np.asarray(picture.convert("RGB")), step, dataformats="HWC")

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class WeightsAndBiases:
    """A run of ``wandb``, online or, with ``WANDB_MODE=offline``, in files that ``wandb sync`` uploads.

    Its project is ``WANDB_PROJECT``, by default gan_jax.

    Args:
      folder: the run's.
      label: what the run is called.
      settings: of the run.
    """

    def __init__(self, folder: RunFolder, label: str, settings: Mapping[str, Any]) -> None:
        wandb: Any = importlib.import_module("wandb")
        place = _emptied(folder, "wandb")
        place.mkdir(parents=True)
        self._image = wandb.Image
        project = os.environ.get("WANDB_PROJECT", "gan_jax")
        try:
            self._run = wandb.init(project=project, name=label, config=dict(settings), dir=place, reinit="create_new")
        except wandb.errors.Error as error:
            raise InputError(f"W&B cannot begin ({error}); run wandb login, or set WANDB_MODE=offline.") from None
        self._run.define_metric("*", step_metric="step")

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Log values."""
        self._run.log({"step": step, **values})

    def text(self, step: int, name: str, text: str) -> None:
        """Log a text."""
        self._run.log({"step": step, "warning": f"{name}: {text}" if text else name})

    def picture(self, step: int, name: str, path: Path) -> None:
        """Log an image."""
        self._run.log({"step": step, name: self._image(str(path))})

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


TRACKERS: dict[str, Callable[[RunFolder, str, Mapping[str, Any]], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}
"""By the names that ``--tracker`` takes; entries may be added under other names."""

_OF_THE_PROTOCOL = ("seed", "num_fakes", "num_reals")  # of an evaluation, the same each time
_PACKAGES = {"tensorboard": "tensorboardX", "wandb": "wandb"}


def require_tracker(name: str) -> None:
    """Check a tracker before there is a run.

    Raises:
      InputError: there is none of that name, or its package is not installed.
    """
    find_part("tracker", TRACKERS, name)
    try:
        if name in _PACKAGES:
            importlib.import_module(_PACKAGES[name])
    except ImportError as error:
        raise InputError(
            f"--tracker {name} needs a package that is not here ({error}); install gan_jax[{name}]."
        ) from None


def open_tracker(name: str, folder: RunFolder, label: str = "") -> Tracker:
    """Begin to track a run, with all that is already in its folder.

    What the tracker had of the run before is replaced, so that a run that resumes from an earlier step, or is tracked
    for the first time when it has ended, looks like one that was never interrupted.

    Args:
      name: one of ``TRACKERS``.
      folder: a run's, with its record.
      label: what the run is called; by default like its folder.

    Raises:
      InputError: there is no such tracker, or its package is not installed.
    """
    require_tracker(name)
    tracker = find_part("tracker", TRACKERS, name)(
        folder, label or folder.path.resolve().name, read_run_json(folder.path)["run"]
    )
    for line in read_lines(folder.metrics):
        _note(tracker, line["step"], {key: value for key, value in line.items() if key != "step"})
    drawn = {folder.grid(step): step for step in folder.drawn_steps()}
    for path in readable_pictures(list(drawn)):
        tracker.picture(drawn[path], "grid", path)
    return tracker


class Tracking(Watcher):
    """Passes what happens on to a tracker.

    Args:
      context: the run.
      name: one of ``TRACKERS``.

    Raises:
      InputError: as ``open_tracker``.
    """

    def __init__(self, context: RunContext, name: str) -> None:
        self._context, self._name = context, name
        self._tracker: Tracker | None = None

    def resume(self, point: ResumePoint) -> None:
        """Begin with what the run's other files keep."""
        self._close()
        self._tracker = open_tracker(self._name, self._context.folder, self._context.label)

    def record(self, entry: Entry) -> None:
        """Pass values on."""
        if self._tracker:
            _note(self._tracker, entry.step, {"epoch": entry.epoch, **entry.values})

    def draw(self, progress: Progress) -> None:
        """Pass the grid on, if one was drawn."""
        grid = self._context.folder.grid(progress.step)
        if self._tracker and grid.exists():
            self._tracker.picture(progress.step, "grid", grid)

    def finish(self, state: Any, metrics: Mapping[str, np.ndarray]) -> None:
        """Let the tracker write everything."""
        self._close()

    def _close(self) -> None:
        if self._tracker:
            self._tracker.close()
            self._tracker = None


def _note(tracker: Tracker, step: int, values: Mapping[str, Any]) -> None:
    """Pass a line of ``metrics.jsonl`` on: its numbers, or its warning."""
    if "warning" in values:
        tracker.text(step, str(values["warning"]), f"try {values['try']}" if "try" in values else "")
        return
    found = {name: float(value) for name, value in values.items() if isinstance(value, numbers.Real)}
    tracker.numbers(step, {name: value for name, value in found.items() if name not in _OF_THE_PROTOCOL})


def _emptied(folder: RunFolder, name: str) -> Path:
    place = folder.tracker(name)
    if place.exists():
        shutil.rmtree(place)
    return place


def _indented(settings: Mapping[str, Any]) -> str:
    """Settings as a block of JSON in Markdown."""
    return "".join(f"    {line}\n" for line in json.dumps(settings, indent=1, default=str).splitlines())
