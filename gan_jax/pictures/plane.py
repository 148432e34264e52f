"""Pictures of a GAN in the plane: figures and animations of its landscape, samples and arrows. Arrays in, files out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from PIL import Image

from gan_jax.pictures.curves import running_mean
from gan_jax.pictures.figures import new_figure, save_figure
from gan_jax.pictures.grids import save_frames

_COLOURS = "PuOr_r"  # orange where D says "real"; told apart by every common kind of colour vision
_OPACITY = 0.8  # of the landscape, on white
_SAMPLE, _REAL, _ARROW = "#000000", "#0072B2", "0.25"
_POWERS = (-10, -0.1, 0, 0.1, 10)
# Okabe and Ito's colours, apart for every common kind of colour vision.
_CURVES = ("#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7", "#56B4E9", "#E69F00", "#F0E442")
_SHOWN_REALS, _SHOWN_ARROWS = 1500, 150
_ARROW_LENGTH = 0.16  # of the plane's half width, at most


def palette() -> dict[str, Any]:
    """The colours of a plane, for those who draw it elsewhere.

    Returns:
      ``landscape``: red, green and blue from 0 to 255 at even stops from 0 to 1, linear between them. ``real``,
      ``sample`` and ``arrow``: as CSS writes colours.
    """
    stops = colormaps[_COLOURS](np.linspace(0, 1, 11))[:, :3]
    landscape = np.rint(255 * (1 - _OPACITY * (1 - stops))).astype(int)
    marks = {"real": _REAL, "sample": _SAMPLE, "arrow": to_hex(_ARROW)}
    return {"landscape": landscape.tolist(), **marks}


class View(NamedTuple):
    """A view of the plane; samples beyond the square are drawn at its edge."""

    title: str
    colours: np.ndarray  # [side, side] in [0, 1], rows upwards
    points: np.ndarray  # [count, 2]
    arrows: np.ndarray  # [count, 2]


class Plane(NamedTuple):
    """What all views share."""

    reals: np.ndarray  # [count, 2]
    half_width: float


class Curve(NamedTuple):
    """A number at every step, or at some."""

    label: str
    steps: np.ndarray  # [n]
    values: np.ndarray  # [n]
    dashed: bool = False  # beside the curve of the same label, and in its colour


def save_plane_figure(
    path: str | Path,
    plane: Plane,
    rows: Mapping[str, Sequence[View]],
    panels: Mapping[str, Sequence[Curve]] | None = None,
) -> None:
    """Write a PNG: rows of views, each with a name, and below them panels of curves.

    Args:
      path: the PNG to write or replace; its folder exists.
      plane: reals and size.
      rows: a name, drawn at the left, and its views.
      panels: a label of the vertical axis, and the curves that share it.
    """
    columns = max(len(row) for row in rows.values())
    height = 2.35 * len(rows) + (2.0 if panels else 0)
    figure = new_figure(2.2 * columns + 0.4, height, dpi=110)
    parts: Any = figure.subfigures(2, 1, height_ratios=(2.35 * len(rows), 2.0)) if panels else [figure]
    grid = parts[0].subplots(len(rows), columns, squeeze=False)
    for axes_row, (name, row) in zip(grid, rows.items(), strict=True):
        for axes, view in zip(axes_row, row, strict=False):
            _ViewArtists(axes, plane, view)
        for axes in axes_row[len(row) :]:
            axes.set_visible(False)
        axes_row[0].set_ylabel(name, fontsize=9)
    if panels:
        for axes, (label, curves) in zip(
            parts[1].subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
        ):
            _draw_curves(axes, label, curves)
    save_figure(path, figure)


def save_plane_animation(path: str | Path, plane: Plane, frames: Sequence[Mapping[str, View]]) -> None:
    """Write a GIF that loops for ever and rests on the last frame: in each frame, a panel for each name.

    Args:
      path: the GIF to write or replace; its folder exists.
      plane: reals and size.
      frames: at least one, with the same names in each.
    """
    names = list(frames[0])
    figure = new_figure(2.9 * len(names), 3.2, dpi=100)
    canvas = FigureCanvasAgg(figure)
    artists = {}
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.set_xlabel(name, fontsize=10)
        artists[name] = _ViewArtists(axes, plane, frames[0][name])
    canvas.draw()
    figure.set_layout_engine("none")  # panels stay where they are
    pictures = []
    for frame in frames:
        for name, view in frame.items():
            artists[name].show(view)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
        pictures.append(picture.quantize(64, dither=Image.Dither.NONE))
    save_frames(path, pictures, rest=2500)


class _ViewArtists:
    """What is drawn of a view, to be moved to the next."""

    def __init__(self, axes: Axes, plane: Plane, view: View) -> None:
        self._axes, self._half_width = axes, plane.half_width
        low, high = -plane.half_width, plane.half_width
        self._image = axes.imshow(
            view.colours,
            extent=(low, high, low, high),
            origin="lower",
            cmap=_COLOURS,
            vmin=0,
            vmax=1,
            alpha=_OPACITY,
            interpolation="bilinear",
        )
        reals = plane.reals[:_SHOWN_REALS]
        axes.scatter(*reals.T, s=1.5, color=_REAL, alpha=0.5, linewidths=0)
        starts = view.points[:_SHOWN_ARROWS]
        self._quiver = axes.quiver(
            *starts.T, *np.zeros_like(starts).T, color=_ARROW, angles="xy", scale_units="xy", scale=1, width=0.004
        )
        self._points = axes.scatter(*view.points.T, s=4, color=_SAMPLE, linewidths=0, clip_on=False)
        axes.set(xlim=(low, high), ylim=(low, high), xticks=[], yticks=[], aspect="equal")
        self.show(view)

    def show(self, view: View) -> None:
        self._image.set_data(view.colours)
        points = np.clip(view.points, -self._half_width, self._half_width)
        self._points.set_offsets(points)
        arrows = view.arrows[:_SHOWN_ARROWS]
        lengths = np.linalg.norm(arrows, axis=1)
        longest = np.quantile(lengths, 0.9) or 1.0
        reach = _ARROW_LENGTH * self._half_width
        scaled = arrows * (reach / longest) * np.minimum(1, longest / np.maximum(lengths, 1e-30))[:, None]
        self._quiver.set_offsets(points[:_SHOWN_ARROWS])
        self._quiver.set_UVC(*scaled.T)
        self._axes.set_title(view.title, fontsize=9)


def _draw_curves(axes: Axes, label: str, curves: Sequence[Curve]) -> None:
    colours = dict(zip((curve.label for curve in curves if not curve.dashed), _CURVES * len(curves), strict=False))
    for curve in curves:
        if curve.dashed:
            axes.plot(curve.steps, curve.values, color=colours[curve.label], linewidth=1, linestyle=(0, (4, 3)))
            continue
        colour = colours[curve.label]
        window = max(1, len(curve.values) // 50) if len(curve.values) > 200 else 1
        if window > 1:
            axes.plot(curve.steps, curve.values, color=colour, alpha=0.25, linewidth=0.5)
        axes.plot(curve.steps, running_mean(curve.values, window), color=colour, linewidth=1.5, label=curve.label)
    axes.set_xlabel("step", fontsize=9)
    axes.set_ylabel(label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["right", "top"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=8)


def save_curves(path: str | Path, panels: Mapping[str, Sequence[Curve]]) -> None:
    """Write a PNG of panels of curves on logarithmic axes, as ``save_plane_figure`` draws them on linear ones."""
    figure = new_figure(7.5 * len(panels), 3.6, dpi=110)
    for axes, (label, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _draw_curves(axes, label, curves)
        axes.set_yscale("log")
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    save_figure(path, figure)


def save_phase_portraits(
    path: str | Path,
    portraits: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    labels: tuple[str, str],
    columns: int = 4,
) -> None:
    """Write a PNG: a field of two variables as arrows, and a path through it, under each title.

    Args:
      path: the PNG to write or replace; its folder exists.
      portraits: places ``[side, side, 2]``, directions ``[side, side, 2]`` and a path ``[n, 2]``.
      labels: of the two axes.
      columns: of the figure.
    """
    rows = -(-len(portraits) // columns)
    figure = new_figure(2.6 * columns, 2.8 * rows, dpi=110)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(portraits) :]:
        axes.set_visible(False)
    for axes, (title, (places, field, trail)) in zip(panels, portraits.items(), strict=False):
        speed = np.linalg.norm(field, axis=-1)
        directions = field / np.maximum(speed, 1e-12)[..., None]
        axes.quiver(*places.reshape(-1, 2).T, *directions.reshape(-1, 2).T, speed.ravel(), cmap="Greys", clim=(-1, 2))
        axes.plot(*trail.T, color=_REAL, linewidth=1)
        axes.plot(*trail[0], "o", color=_REAL, markersize=4)
        axes.plot(*trail[-1], "s", color="#D55E00", markersize=5)
        low, high = places.reshape(-1, 2).min(axis=0), places.reshape(-1, 2).max(axis=0)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(labels[0], fontsize=9)
        axes.set_ylabel(labels[1], fontsize=9)
        axes.tick_params(labelsize=7)
    save_figure(path, figure)


def save_eigenvalues(path: str | Path, spectra: Mapping[str, Any], columns: int = 4) -> None:
    """Write a PNG: complex numbers ``[n]`` in the plane, under each title, on axes linear near 0 only."""
    rows = -(-len(spectra) // columns)
    figure = new_figure(2.6 * columns, 2.5 * rows, dpi=110)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in panels[len(spectra) :]:
        axes.set_visible(False)
    for axes, (title, values) in zip(panels, spectra.items(), strict=False):
        unstable = values.real > 0
        for part, colour in ((~unstable, _REAL), (unstable, "#D55E00")):
            axes.scatter(values.real[part], values.imag[part], s=5, color=colour, linewidths=0)
        axes.set_xscale("symlog", linthresh=1e-3)
        axes.set_yscale("symlog", linthresh=1e-3)
        axes.set(xticks=_POWERS, yticks=_POWERS)
        axes.axvline(0, color="0.6", linewidth=0.6)
        axes.axhline(0, color="0.6", linewidth=0.6)
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=7)
    figure.supxlabel("real part", fontsize=9)
    figure.supylabel("imaginary part", fontsize=9)
    save_figure(path, figure)
