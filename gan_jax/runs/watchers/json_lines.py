"""A run as ``metrics.jsonl``: one JSON object per line, readable while it trains."""

import json
from pathlib import Path
from typing import Any

from gan_jax.files import atomic_write, parse_json
from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher


class JsonLines(Watcher):
    """Appends an entry's step, epoch and values as one line."""

    def __init__(self, context: RunContext) -> None:
        self._path = context.folder.metrics

    def resume(self, point: ResumePoint) -> None:
        """Drop the lines after the point."""
        lines = [line for line in read_lines(self._path) if point.keep(line["step"])]
        with atomic_write(self._path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def record(self, entry: Entry) -> None:
        """Append the entry."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": entry.step, "epoch": entry.epoch, **entry.values}) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a run's ``metrics.jsonl``; none where there is no such file.

    A line that was cut off while it was written, or that is not a run's, is left out.
    """
    if not path.exists():
        return []
    lines = map(_parsed, path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [line for line in lines if isinstance(line, dict) and isinstance(line.get("step"), int)]


def _parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None
