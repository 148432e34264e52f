"""What a run says as it goes: every step's metrics in memory, a line a window in ``metrics.jsonl`` and on screen."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gan_jax.files import whole_file
from gan_jax.loop import Progress
from gan_jax.sentinel import find_signs

# What a line on screen calls each metric, in the line's order.
_SCREEN_NAMES = {
    "d_loss": "D loss",
    "g_loss": "G loss",
    "d_x": "D(x)",
    "d_g_z1": "D(G(z)) before",
    "d_g_z2": "D(G(z)) after",
}
_ONE_FAKE_SCORE = _SCREEN_NAMES | {"d_g_z1": "D(G(z))", "d_g_z2": "D(G(z))"}


class Journal:
    """A run's metrics and lines.

    Args:
      path: of ``metrics.jsonl``.
      place: names where a step is, such as ``epoch 1/5  batch 100/468``.
      real_spread: see ``sentinel.find_signs``.
      prefix: what every line on screen starts with.
    """

    def __init__(self, path: Path, place: Callable[[int], str], real_spread: float, prefix: str = "") -> None:
        self._path, self._place, self._real_spread, self._prefix = path, place, real_spread, prefix
        self._chunks: list[Mapping[str, np.ndarray]] = []
        self._lines: list[dict[str, Any]] = []
        self._window_start = 0

    def restore(self, metrics: Mapping[str, np.ndarray], window_start: int) -> None:
        """Take up every step's metrics so far, the unfinished window beginning after a step."""
        self._chunks, self._window_start = [metrics] if metrics else [], window_start

    def rewind(self, keep: Callable[[int], bool]) -> None:
        """Read the lines that are on disk, and drop there those of steps not to keep."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        self._lines = [line for line in map(_whole_line, lines) if line and keep(line["step"])]
        with whole_file(self._path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in self._lines))

    def metrics(self) -> dict[str, np.ndarray]:
        """Every step's metrics, each ``[steps]`` float32."""
        if len(self._chunks) > 1:
            self._chunks = [{name: np.concatenate([c[name] for c in self._chunks]) for name in self._chunks[0]}]
        return dict(self._chunks[0]) if self._chunks else {}

    def scores(self) -> list[dict[str, Any]]:
        """The lines with scores."""
        return [line for line in self._lines if "frechet_distance" in line]

    def add(self, progress: Progress, aloud: bool = True) -> None:
        """Keep a chunk's metrics; where a window ends, write its means and what is wrong with them, if ``aloud``."""
        if progress.metrics:
            self._chunks.append(progress.metrics)
        if not progress.window_end or not aloud:
            return
        window = {name: values[self._window_start :] for name, values in self.metrics().items()}
        self._window_start = progress.step
        means = {name: float(values.mean()) for name, values in window.items()}
        at = {"step": progress.step, "epoch": progress.epoch}
        previous = self._lines[-1]["step"] if self._lines else 0
        before = {line.get("warning") for line in self._lines if line["step"] == previous}
        self._write({**at, **means})
        labels = _SCREEN_NAMES if "d_g_z1" in means and "d_g_z2" in means else _ONE_FAKE_SCORE
        self._say(progress, "  ".join(f"{label} {means[name]:.3f}" for name, label in labels.items() if name in means))
        for sign in find_signs(means, progress.step, self._real_spread):
            self._write({**at, "warning": sign.name, "try": sign.advice})
            if sign.name not in before:
                self._say(progress, f"warning: {sign.name}; try {sign.advice}")

    def add_scores(self, progress: Progress, scores: Mapping[str, Any], text: str) -> None:
        """Write the scores of a generator."""
        self._write({"step": progress.step, "epoch": progress.epoch, **scores})
        self._say(progress, text)

    def _say(self, progress: Progress, text: str) -> None:
        tqdm.write(f"{self._prefix}{self._place(progress.step)}  {text}")
        sys.stdout.flush()

    def _write(self, line: dict[str, Any]) -> None:
        self._lines.append(line)
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def history_names(metrics: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Metrics under the names of history.npz; the fakes' score is the one before D's update where there are two."""
    names = {"d_loss": "d_losses", "g_loss": "g_losses", "d_x": "real_scores", "d_g_z1": "fake_scores"}
    names["d_g_z2"] = "updated_fake_scores" if "d_g_z1" in metrics else "fake_scores"
    return {names.get(name, f"{name}s"): values for name, values in metrics.items()}


def _whole_line(text: str) -> dict[str, Any] | None:
    """A line, unless it was cut off while it was written."""
    try:
        return json.loads(text)
    except ValueError:
        return None
