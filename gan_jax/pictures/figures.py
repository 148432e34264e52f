"""Writing a Matplotlib figure."""

from pathlib import Path

from matplotlib.figure import Figure

from gan_jax.files import atomic_write


def save_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure in the format that the path's ending names; the file is complete or not there."""
    with atomic_write(Path(path)) as temporary:
        figure.savefig(temporary)
