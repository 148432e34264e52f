"""A run as ``metrics.jsonl``: one JSON object per line, readable while it trains."""

from pathlib import Path
from typing import Any

from gan_jax.files import append_line, read_json_lines, write_lines
from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher


class JsonLines(Watcher):
    """Appends an entry's step, epoch and values as one line."""

    def __init__(self, context: RunContext) -> None:
        self._path = context.folder.metrics

    def resume(self, point: ResumePoint) -> None:
        """Drop the lines after the point."""
        write_lines(self._path, [line for line in read_lines(self._path) if point.keep(line["step"])])

    def record(self, entry: Entry) -> None:
        """Append the entry."""
        append_line(self._path, {"step": entry.step, "epoch": entry.epoch, **entry.values})


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a run's ``metrics.jsonl``; none where there is no such file.

    A line that was cut off while it was written, or that is not a run's, is left out.
    """
    return [line for line in read_json_lines(path) if isinstance(line, dict) and isinstance(line.get("step"), int)]
