"""The lesson as one figure: curves on one step axis, the images under them, and cross-play."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from matplotlib.ticker import NullLocator

from gan_jax.pictures.figures import save_figure
from gan_jax.pictures.grids import tile_images

WIDTH, HEIGHT = 13.6, 11.9  # inches, like all positions below
LEFT, COLUMNS_WIDTH = 1.4, 8.3  # of the panels on the step axis
SIDE, SIDE_WIDTH = 10.0, 3.35  # of the column beside them
PANELS = {"own_scores": (9.15, 1.9), "frechet_distance": (6.75, 1.9), "critic_accuracy": (5.3, 0.95)}  # bottom, height
ROW, ROWS_TOP = 0.94, 4.18
SMOOTHING = 1.06  # a score is a mean over the steps from 1 / 1.06 to 1.06 times its own
INK, PALE = "0.2", "0.45"


class Style(NamedTuple):
    """An arm's colour (of Okabe and Ito), and its line and marker, which differ in grey print too."""

    colour: str
    line: Any
    marker: str
    size: float
    learns: str


STYLES = {
    "joint": Style("#0072B2", "-", "o", 6.5, "both learn"),
    "untrained_critic": Style("#D55E00", (0, (5, 1.5)), "s", 7.5, "D keeps its initial weights"),
    "trained_critic": Style("#009E73", (0, (5, 1.5, 1, 1.5)), "^", 6.5, "D is joint training's last, and constant"),
    "discriminator": Style("#000000", (0, (1, 1.5)), "D", 3.5, "G keeps its initial weights"),
}

Strips = Mapping[str, tuple[Sequence[int], np.ndarray]]


def save_lesson_figure(path: Path, lesson: Mapping[str, Any], strips: Strips) -> None:
    """Write the PNG.

    Args:
      path: the file to write or replace; its folder exists.
      lesson: as ``lesson.py`` builds it.
      strips: for each arm the steps and ``[points, 4, height, width, channels]`` uint8.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=120)
    panels = {name: place(figure, LEFT, bottom, COLUMNS_WIDTH, height) for name, (bottom, height) in PANELS.items()}
    draw_own_scores(panels["own_scores"], lesson)
    draw_distances(panels["frechet_distance"], lesson)
    draw_accuracies(panels["critic_accuracy"], lesson)
    steps = lesson["arms"]["joint"][0]["steps"]
    for name, panel in panels.items():
        dress(panel, steps, with_labels=name == "critic_accuracy")
    draw_strips(figure, panels["critic_accuracy"], lesson, strips)
    draw_cross_play(figure, lesson)
    draw_key(figure, lesson)
    save_figure(path, figure)


def draw_own_scores(panel: Axes, lesson: Mapping[str, Any]) -> None:
    panel.set_title("What its own critic says:  D's score of the fakes", loc="left")
    panel.axhline(0.5, color=PALE, linewidth=0.8)
    for name, seeds in lesson["arms"].items():
        smooth = [smoothed(seed["own_scores"]) for seed in seeds]
        draw_seeds(panel, name, range(1, len(smooth[0]) + 1), smooth)
    panel.set_ylim(-0.03, 1.03)
    panel.set_yticks([0, 0.5, 1], ["0  fake", "0.5", "1  real"])


def smoothed(values: Sequence[float]) -> np.ndarray:
    """Means over windows that grow with the step, and so have one width on a logarithmic axis."""
    count = len(values)
    steps = np.arange(1, count + 1)
    first = np.floor(steps / SMOOTHING).astype(int)
    last = np.minimum(np.ceil(steps * SMOOTHING).astype(int), count)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[last] - sums[first]) / (last - first)


def draw_distances(panel: Axes, lesson: Mapping[str, Any]) -> None:
    panel.set_title("How far the fakes are from real images:  Fréchet distance", loc="left")
    panel.set_yscale("log")
    for anchor, label in (("noise", "noise"), ("real", "floor: real images")):
        distance = lesson["anchors"][anchor]["frechet_distance"]
        panel.axhline(distance, color=PALE, linewidth=1.2, linestyle=(0, (8, 3)))
        note: dict[str, Any] = {
            "textcoords": "offset points",
            "color": INK,
            "fontsize": 9,
            "va": "bottom" if anchor == "real" else "top",
        }
        panel.annotate(label, (0, distance), xytext=(4, 2 if anchor == "real" else -3), **note)
    for name, seeds in lesson["arms"].items():
        draw_seeds(panel, name, seeds[0]["steps"], [seed["frechet_distance"] for seed in seeds], points=True)
    bottom, top = panel.get_ylim()
    panel.set_ylim(bottom / 1.2, top * 1.2)
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_locator(NullLocator())


def draw_accuracies(panel: Axes, lesson: Mapping[str, Any]) -> None:
    """Draw the errors on a reversed log axis, so that 99 % and 99.9 % are apart; an error of 0 is at the top."""
    panel.set_title("Can a fresh critic tell them apart?  Its accuracy", loc="left")
    panel.set_yscale("log")
    none = 0.5 / lesson["settings"]["num_images"]
    for name, seeds in lesson["arms"].items():
        errors = [[max(1 - accuracy, none) for accuracy in seed["critic_accuracy"]] for seed in seeds]
        draw_seeds(panel, name, seeds[0]["steps"], errors, points=True)
    panel.set_ylim(0.62, none / 1.7)
    ticks = [error for error in (0.5, 0.1, 0.01, 0.001) if error > 2 * none]
    panel.set_yticks([*ticks, none], [*(f"{1 - error:.4g}" for error in ticks), "1"])
    panel.yaxis.set_minor_locator(NullLocator())


def draw_seeds(panel: Axes, name: str, steps: Sequence[int], values: Sequence[Any], points: bool = False) -> None:
    """Every seed thin, the mean thick."""
    style = STYLES[name]
    for entry in values:
        panel.plot(steps, entry, color=style.colour, linewidth=0.7, alpha=0.45, zorder=2)
    mean = np.exp(np.mean(np.log(values), axis=0)) if panel.get_yscale() == "log" else np.mean(values, axis=0)
    marks: dict[str, Any] = (
        {"marker": style.marker, "markersize": style.size, "markerfacecolor": "white"} if points else {}
    )
    panel.plot(steps, mean, color=style.colour, linewidth=2.2, linestyle=style.line, zorder=3, **marks)


def dress(panel: Axes, steps: Sequence[int], with_labels: bool) -> None:
    """The step axis: even up to the first point, logarithmic from there on."""
    first, last = steps[min(1, len(steps) - 1)], steps[-1]
    panel.set_xscale("symlog", linthresh=first, linscale=0.35)
    panel.set_xlim(-0.02 * first, last * 1.04)
    rounds = [factor * 10**power for power in range(1, 7) for factor in (1, 2, 5)]
    ticks = [0, first // 2, first, *(tick for tick in rounds if first < tick <= last)]
    panel.set_xticks(ticks, [f"{tick:,}" for tick in ticks] if with_labels else [""] * len(ticks))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.grid(color="0.92", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[["right", "top"]].set_visible(False)
    panel.title.set_fontsize(12)
    panel.tick_params(labelsize=9)
    if with_labels:
        panel.annotate("step", (0, 0), (-8, -5), "axes fraction", "offset points", ha="right", va="top", fontsize=9)


def draw_strips(figure: Figure, above: Axes, lesson: Mapping[str, Any], strips: Strips) -> None:
    """One row per arm and one column per point, joined to its step on the axis."""
    steps = strips["joint"][0]
    column = COLUMNS_WIDTH / len(steps)
    side = min(column, ROW) - 0.06
    for at, step in enumerate(steps):
        middle = LEFT + column * (at + 0.5)
        text_at(figure, middle, ROWS_TOP + 0.04, f"{step:,}", ha="center", va="bottom", size=9)
        foot = middle / WIDTH, (ROWS_TOP + 0.22) / HEIGHT
        head = max(step, 0), 0
        line = ConnectionPatch(head, foot, above.get_xaxis_transform(), figure.transFigure, color="0.7", linewidth=0.7)
        line.set_clip_on(False)
        figure.add_artist(line)
    for row, name in enumerate(lesson["arms"]):
        bottom = ROWS_TOP - ROW * (row + 1)
        style, label = STYLES[name], lesson["labels"][name].replace(", ", ",\n").replace("G and D ", "G and D\n")
        text_at(
            figure, LEFT - 0.12, bottom + ROW / 2, label, ha="right", va="center", color=style.colour, weight="bold"
        )
        for at, images in enumerate(strips[name][1]):
            cell = place(figure, LEFT + column * (at + 0.5) - side / 2, bottom + (ROW - side) / 2, side, side)
            cell.imshow(tile_images(images, 2, padding=1).squeeze(), cmap="gray", vmin=0, vmax=255)
            cell.set_axis_off()


def draw_cross_play(figure: Figure, lesson: Mapping[str, Any]) -> None:
    """In the rows of the strips, each D's mean score of the images of that row."""
    matrices = np.array(lesson["cross_play"])
    scores, spreads = matrices.mean(axis=0), matrices.std(axis=0, ddof=1) if len(matrices) > 1 else None
    count = len(scores)
    panel = place(figure, SIDE, ROWS_TOP - ROW * count + 0.03, SIDE_WIDTH, ROW * count - 0.06)
    panel.imshow(scores, cmap="Greys", vmin=0, vmax=1.25, aspect="auto")
    for row in range(count):
        for at in range(count):
            spread = "" if spreads is None else f"\n± {spreads[row, at]:.2f}"
            ink = "white" if scores[row, at] > 0.65 else INK
            panel.text(at, row, f"{scores[row, at]:.2f}{spread}", ha="center", va="center", color=ink, fontsize=10)
        panel.add_patch(Rectangle((row - 0.47, row - 0.47), 0.94, 0.94, fill=False, edgecolor="#D55E00", linewidth=2))
    panel.set_axis_off()
    for at, name in enumerate(lesson["arms"]):
        middle = SIDE + SIDE_WIDTH * (at + 0.5) / count
        label = lesson["labels"][name].replace(", ", ",\n").replace("G and D ", "G and D\n")
        text_at(figure, middle, ROWS_TOP + 0.06, label, ha="center", va="bottom", size=8.5, color=STYLES[name].colour)
    text_at(figure, SIDE, ROWS_TOP + 0.82, "Cross-play", va="bottom", size=12)
    text = "mean score of the images on the left\nby the D of each arm; framed: by their own"
    text_at(figure, SIDE, ROWS_TOP + 0.78, text, va="top", size=9)


def draw_key(figure: Figure, lesson: Mapping[str, Any]) -> None:
    """The legend, and the settings that the figure was made with."""
    top = HEIGHT - 0.75
    for name in lesson["arms"]:
        style, line = STYLES[name], place(figure, SIDE, top - 0.3, 0.62, 0.3)
        line.plot([0, 1, 2], [0, 0, 0], color=style.colour, linewidth=2.2, linestyle=style.line)
        line.plot([1], [0], color=style.colour, marker=style.marker, markersize=style.size, markerfacecolor="white")
        line.set_axis_off()
        label = lesson["labels"][name]
        text_at(figure, SIDE + 0.75, top - 0.15, label, va="bottom", size=11, color=style.colour, weight="bold")
        text_at(figure, SIDE + 0.75, top - 0.17, style.learns, va="top", size=9.5)
        top -= 0.62
    settings, count = lesson["settings"], len(lesson["arms"]["joint"])
    lines = [
        f"Thin: each of {count} seeds; thick: their mean." if count > 1 else "One seed.",
        "The arms of a seed share initial weights, latents,",
        "the order of the images and the number of steps.",
        "Scores: means over the steps within 6 % of each.",
        f"Below: the same four latents of seed {settings['seeds'][0]}.",
        "",
        f"{settings['dataset']}, {settings['num_images']:,} fakes a point,",
        f"features {lesson['evaluator']}",
    ]
    text_at(figure, SIDE, top - 0.15, "\n".join(lines), va="top", size=9.5, linespacing=1.35)
    text_at(figure, 0.2, HEIGHT - 0.22, "Does a generator improve while its critic does not learn?", va="top", size=17)


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a position in inches."""
    return figure.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))


def text_at(figure: Figure, left: float, bottom: float, text: str, color: str = INK, **options: Any) -> None:
    """Text at a position in inches."""
    figure.text(left / WIDTH, bottom / HEIGHT, text, color=color, **options)
