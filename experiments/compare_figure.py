"""The figures of the comparison of recipes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from compare_claims import DISTANCES
from matplotlib.figure import Figure

from gan_jax.pictures.figures import save_figure

# Okabe and Ito's colours, which differ for colour-blind readers too.
COLOURS = ("#000000", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00")


def save_best_of(path: Path, curves: Mapping[str, Sequence[float]], labels: Mapping[str, str]) -> None:
    """Write a PNG: for every arm the expected least distance of k trials."""
    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    for colour, (arm, values) in zip(COLOURS, curves.items(), strict=False):
        trials = range(1, len(values) + 1)
        axes.plot(trials, values, color=colour, marker="o", markersize=3.5, label=f"{arm}: {labels[arm]}")
    axes.set_yscale("log")
    axes.set_xlabel("trials")
    axes.set_ylabel("expected best Fréchet distance")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    axes.spines[["right", "top"]].set_visible(False)
    save_figure(path, figure)


def save_times(path: Path, finals: Sequence[Mapping[str, Any]], seconds: Mapping[tuple[str, str], float]) -> None:
    """Write a PNG: Fréchet distances against seconds of training, from the least to the largest of the seeds."""
    figure = Figure(figsize=(12, 4.6), dpi=110, layout="constrained")
    names = list(dict.fromkeys(run["name"] for run in finals))
    for axes, (score, heading) in zip(figure.subplots(1, 2), DISTANCES.items(), strict=True):
        for (name, part), per_step in seconds.items():
            curves = [run["curve"] for run in finals if (run["name"], run["part"]) == (name, part) and run["curve"]]
            if not curves:
                continue
            at = np.array([point["step"] for point in curves[0] if point["step"]]) * per_step
            values = np.array([[point[score] for point in curve if point["step"]] for curve in curves])
            colour, style = COLOURS[names.index(name)], "-" if part == "whole" else "--"
            axes.plot(at, np.exp(np.log(values).mean(axis=0)), style, color=colour, label=f"{name}, {part}")
            axes.fill_between(at, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("seconds of training")
        axes.set_title(heading, fontsize=10)
        axes.spines[["right", "top"]].set_visible(False)
        axes.grid(which="both", color="0.92")
    figure.axes[-1].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    save_figure(path, figure)
