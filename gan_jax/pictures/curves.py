"""Curves of losses and scores. Arrays in, files out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gan_jax.pictures.figures import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class _Series(NamedTuple):
    key: str
    label: str
    colour: str


# Blue and vermilion of Okabe and Ito: apart for every common kind of colour vision, and in grey print.
_BLUE, _VERMILION = "#0072B2", "#D55E00"
_LOSSES = (_Series("d_loss", "discriminator", _BLUE), _Series("g_loss", "generator", _VERMILION))
_REAL_SCORE = _Series("d_x", "d_x: real images", _BLUE)
_FAKE_SCORE = _Series("d_g_z1", "d_g_z1: generated images", _VERMILION)
_ONLY_FAKE_SCORE = _Series("d_g_z2", "d_g_z2: generated images", _VERMILION)  # where D is not updated


def running_mean(values: ArrayLike, window: int) -> NDArray[np.float64]:
    """Mean of the values at most ``window // 2`` places away; at both ends of those that exist.

    Args:
      values: ``[n]`` real.
      window: places to average over, at least 1.

    Returns:
      ``[n]`` float64.

    Examples:
      >>> running_mean([0, 3, 6, 0], 3).tolist()
      [1.5, 3.0, 3.0, 3.0]
    """
    values = np.asarray(values, np.float64)
    places = np.arange(len(values))
    first = np.maximum(places - window // 2, 0)
    last = np.minimum(places + window // 2 + 1, len(values))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[last] - sums[first]) / (last - first)


def draw_losses(history: Mapping[str, ArrayLike], steps_per_epoch: int) -> Figure:
    """Draws the losses of a run; ``save_losses`` says of what."""
    figure, axes = _draw_curves(history, _LOSSES, steps_per_epoch)
    axes.set_ylabel("loss")
    _start_at_zero(axes)
    return figure


def draw_scores(history: Mapping[str, ArrayLike], steps_per_epoch: int) -> Figure:
    """Draws the discriminator's scores; ``save_scores`` says of what."""
    figure, axes = _draw_curves(history, _scores(history), steps_per_epoch)
    axes.set_ylabel("score (probability of real)")
    axes.set_ylim(-0.02, 1.02)
    axes.axhline(0.5, color="0.35", linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
    return figure


def save_losses(path: str | Path, history: Mapping[str, ArrayLike], steps_per_epoch: int) -> None:
    """Writes the losses of a run as a PNG: every step in pale, a running mean on top.

    Args:
      path: the PNG to write or replace; its folder exists.
      history: one or both of ``d_loss`` and ``g_loss``, each ``[steps]``; other keys are left alone.
      steps_per_epoch: for the second axis, which counts epochs.

    Raises:
      ValueError: no loss in ``history``, series of unequal length or of no step, or ``steps_per_epoch`` below 1.
    """
    save_figure(path, draw_losses(history, steps_per_epoch))


def save_scores(path: str | Path, history: Mapping[str, ArrayLike], steps_per_epoch: int) -> None:
    """Writes the discriminator's scores as a PNG: every step in pale, a running mean on top.

    Args:
      path: the PNG to write or replace; its folder exists.
      history: one or both of ``d_x``, D(x), and ``d_g_z1``, D(G(z)) before D's update (or ``d_g_z2`` where D has
        none), each ``[steps]`` in 0 to 1; other keys are left alone.
      steps_per_epoch: for the second axis, which counts epochs.

    Raises:
      ValueError: no score in ``history``, series of unequal length or of no step, or ``steps_per_epoch`` below 1.
    """
    save_figure(path, draw_scores(history, steps_per_epoch))


def draw_bands(groups: Mapping[str, Sequence[Mapping[str, ArrayLike]]]) -> Figure:
    """Draws losses and scores of many runs: the median and the quartiles over runs, smoothed over steps.

    Args:
      groups: runs that belong together, under their name: for each run ``d_loss``, ``g_loss``, ``d_x`` and
        ``d_g_z1``, as far as there are any, each ``[steps]``; a group is drawn as far as its shortest run, leaving
        out runs without a step.
    """
    figure = new_figure(11, 2.8 * len(groups) + 0.6, dpi=120)
    panels = figure.subplots(len(groups), 2, squeeze=False)
    for row, (name, group) in zip(panels, groups.items(), strict=True):
        histories = [history for history in group if history]
        both = _LOSSES, _scores(histories[0] if histories else {})
        for axes, wanted, label in zip(row, both, ("loss", "score"), strict=True):
            for item in [item for item in wanted if histories and item.key in histories[0]]:
                length = min(len(np.asarray(history[item.key])) for history in histories)
                window = max(1, length // 50)
                runs = [running_mean(np.asarray(history[item.key])[:length], window) for history in histories]
                low, median, high = np.quantile(runs, (0.25, 0.5, 0.75), axis=0)
                steps = np.arange(1, length + 1)
                axes.fill_between(steps, low, high, color=item.colour, alpha=0.25, linewidth=0)
                axes.plot(steps, median, color=item.colour, linewidth=1.4, label=item.label)
            axes.set_xlabel("step")
            axes.set_ylabel(label)
            if label == "score":
                axes.set_ylim(0, 1)
            else:
                _start_at_zero(axes)
            axes.spines[["right", "top"]].set_visible(False)
            if axes.lines:
                axes.legend(frameon=False, fontsize=8)
        row[0].set_title(f"{name} {len(histories)} runs: median and quartiles".strip(), fontsize=10, loc="left")
    return figure


def _start_at_zero(axes: Axes) -> None:
    """Begin the vertical axis at 0 where no curve is below it: Wasserstein, hinge and saturating losses can be."""
    curves = [np.asarray(line.get_ydata(), np.float64) for line in axes.lines]
    if all((values >= 0).all() for values in curves):
        axes.set_ylim(bottom=0)


def _scores(history: Mapping[str, ArrayLike]) -> tuple[_Series, ...]:
    return _REAL_SCORE, _FAKE_SCORE if "d_g_z1" in history else _ONLY_FAKE_SCORE


def _read_series(
    history: Mapping[str, ArrayLike], series: Sequence[_Series]
) -> tuple[list[_Series], list[NDArray[np.float64]]]:
    present = [item for item in series if item.key in history]
    if not present:
        raise ValueError(f"history holds none of {[item.key for item in series]}; it has {sorted(history)}")
    values = [np.asarray(history[item.key], np.float64) for item in present]
    shapes = {item.key: list(v.shape) for item, v in zip(present, values, strict=True)}
    if any(v.ndim != 1 or v.shape != values[0].shape or not v.size for v in values):
        raise ValueError(f"every series must be [steps], of one length and at least one step, not {shapes}")
    return present, values


def _draw_curves(
    history: Mapping[str, ArrayLike], series: Sequence[_Series], steps_per_epoch: int
) -> tuple[Figure, Axes]:
    if steps_per_epoch < 1:
        raise ValueError(f"steps_per_epoch must be at least 1, not {steps_per_epoch}")
    present, values = _read_series(history, series)
    count = len(values[0])
    figure = new_figure(8, 4.5, dpi=150)
    axes = figure.add_subplot()
    window = max(1, count // 50)
    for item, v in zip(present, values, strict=True):
        _draw_series(axes, item, v, window)
    _dress_axes(axes, count, steps_per_epoch)
    note = f"line: mean of {window} steps, pale: each step" if window > 1 else None
    figure.legend(
        loc="outside upper left", ncols=4, title=note, alignment="left", frameon=False, fontsize=10, title_fontsize=9
    )
    return figure, axes


def _draw_series(axes: Axes, series: _Series, values: NDArray[np.float64], window: int) -> None:
    steps = np.arange(1, len(values) + 1)
    axes.plot(steps, values, color=series.colour, alpha=0.25, linewidth=0.5)
    axes.plot(
        steps,
        running_mean(values, window),
        color=series.colour,
        linewidth=1.6,
        marker="o" if window == 1 else "",
        markersize=3,
        label=series.label,
        zorder=4,
    )


def _dress_axes(axes: Axes, count: int, steps_per_epoch: int) -> None:
    axes.set_xlabel("step")
    axes.set_xlim(*((0, count) if count > 1 else (0, 2)))
    axes.locator_params("x", integer=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)
    if count >= steps_per_epoch:
        scale = (lambda step: step / steps_per_epoch, lambda epoch: epoch * steps_per_epoch)
        epochs = axes.secondary_xaxis("top", functions=cast(Any, scale))
        epochs.set_xlabel("epoch")
        epochs.locator_params("x", integer=True)
