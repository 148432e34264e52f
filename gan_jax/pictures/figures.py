"""Matplotlib's figures, made and written. Matplotlib is imported with the first, so that a training starts sooner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_jax.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty figure of so many inches, which arranges its panels by itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", **options)


def plain(text: str) -> str:
    """A name as a figure shows it, in which a dollar sign begins no formula."""
    return text.replace("$", r"\$")


def save_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure in the format that the path's ending names; the file is complete or not there."""
    with atomic_write(Path(path)) as temporary:
        figure.savefig(temporary)
