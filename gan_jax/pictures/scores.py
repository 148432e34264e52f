"""Scores as a table and as pictures, beside their anchors."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from gan_jax.pictures.figures import new_figure, plain, save_figure
from gan_jax.pictures.tables import markdown_table

# Each score's heading, and whether more is better; for those between, the anchor "real" is the aim.
HEADINGS = {
    "frechet_distance": "Fréchet ↓",
    "frechet_extrapolated": "Fréchet ∞ ↓",
    "kernel_distance": "kernel ↓",
    "kernel_subsets": "KID ↓",
    "inception_score": "IS ↑",
    "precision": "precision ↑",
    "recall": "recall ↑",
    "density": "density ↑",
    "coverage": "coverage ↑",
    "class_divergence": "class KL ↓",
    "sliced_wasserstein": "pixel W1 ↓",
    "authenticity": "authenticity",
    "critic_accuracy": "critic ↓",
    "reference_distance": "to reference ↓",
}
_POINT, _ANCHOR = "#D55E00", "0.45"


def headings_of(*rows: Mapping[str, Any]) -> dict[str, str]:
    """Those of ``HEADINGS`` that any row has a score of: without classes there is no class KL."""
    return {key: heading for key, heading in HEADINGS.items() if any(key in scores for scores in rows)}


def shown(scores: Mapping[str, Any], key: str) -> str:
    """A score in three digits, or a dash where there is none."""
    return f"{scores[key]:.3g}" if key in scores else "–"


def told_features(rows: Iterable[Mapping[str, Any]]) -> str:
    """In whose features scores are, as a sentence; where these differ, that the scores do not compare."""
    names_of = {str(scores.get("evaluator_sha256", "unknown")): scores.get("evaluator") for scores in rows}
    names = [f"{name} (sha256 {digest[:12]})" for digest, name in names_of.items()]
    if len(names) == 1:
        return f"Features of {names[0]}."
    return f"Features of {' and of '.join(names)}: scores in different features do not compare, and have no mean."


def told_ranking(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Sets of images by their extrapolated Fréchet distance, best first, as a sentence.

    Neighbours whose intervals overlap are undecided. It is empty where a set has no interval, or another's features.
    """
    if len(rows) < 2 or len({(row.get("evaluator_sha256"), "frechet_interval" in row) for row in rows.values()}) > 1:
        return ""
    if any("frechet_interval" not in row for row in rows.values()):
        return ""
    names = sorted(rows, key=lambda name: rows[name]["frechet_extrapolated"])
    text = _within_interval(names[0], rows[names[0]])
    for better, name in pairwise(names):
        apart = rows[better]["frechet_interval"][1] < rows[name]["frechet_interval"][0]
        text += f"{' < ' if apart else ' ? '}{_within_interval(name, rows[name])}"
    undecided = "; ? is undecided, as the intervals overlap" if " ? " in text else ""
    return f"By Fréchet ∞ (95 % interval): {text}{undecided}."


def _within_interval(name: str, row: Mapping[str, Any]) -> str:
    low, high = row["frechet_interval"]
    return f"{name} {row['frechet_extrapolated']:.3g} ({low:.3g} to {high:.3g})"


def table_cells(rows: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The heading of a table and its rows: one for each named set of images, a column for each score."""
    headings = headings_of(*rows.values())
    body = [[name, *(shown(scores, key) for key in headings)] for name, scores in rows.items()]
    return ["", *headings.values()], body


def scores_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """``table_cells`` as markdown."""
    return markdown_table(*table_cells(rows))


def save_scores_figure(path: Path, rows: Mapping[str, Mapping[str, Any]], anchors: Mapping[str, Any]) -> None:
    """Write a PNG: a panel for each score, a line for each set of images, those that are not anchors in colour."""
    figure = new_figure(14, 0.32 * len(rows) * 2 + 1.6, dpi=120)
    headings = headings_of(next(iter(rows.values())))
    panels = figure.subplots(2, -(-len(headings) // 2), sharey=True)
    for panel in panels.flat[len(headings) :]:
        panel.remove()
    names = list(rows)[::-1]
    for panel, (key, heading) in zip(panels.flat, headings.items(), strict=False):
        values = [rows[name][key] for name in names]
        colours = [_ANCHOR if name in anchors else _POINT for name in names]
        panel.hlines(range(len(names)), 0, values, color="0.85", linewidth=1)
        panel.scatter(values, range(len(names)), c=colours, s=22, zorder=3)
        panel.set_title(heading, fontsize=10)
        panel.set_yticks(range(len(names)), map(plain, names), fontsize=9)
        panel.tick_params(axis="x", labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xlim(left=min(0, *values))
    first = next(iter(rows.values()))
    figure.suptitle(
        f"{first['num_fakes']:,} images, features {plain(first['evaluator'])}", fontsize=10, x=0.01, ha="left"
    )
    save_figure(path, figure)


def save_score_curves(path: Path, scores: Sequence[Mapping[str, Any]]) -> None:
    """Write a PNG: a panel for each score, its value after each epoch that was scored as the last one was."""
    last = scores[-1]
    scores = [entry for entry in scores if entry.get("evaluator_sha256") == last.get("evaluator_sha256")]
    figure = new_figure(14, 5, dpi=120)
    headings = {key: heading for key, heading in HEADINGS.items() if all(key in entry for entry in scores)}
    panels = figure.subplots(2, -(-len(headings) // 2), squeeze=False)
    for panel in panels.flat[len(headings) :]:
        panel.remove()
    epochs = [score["epoch"] for score in scores]
    for panel, (key, heading) in zip(panels.flat, headings.items(), strict=False):
        panel.plot(epochs, [score[key] for score in scores], color=_POINT, marker="o", markersize=4)
        panel.set_title(heading, fontsize=10)
        panel.set_ylim(bottom=min(0, *(score[key] for score in scores)))
        panel.locator_params("x", integer=True)
        panel.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("epoch", fontsize=10)
    save_figure(path, figure)
