"""What many runs say together: a table, bands of curves, and a map of a sweep."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gan_jax.curves import draw_bands
from gan_jax.evaluation.summary import HEADINGS
from gan_jax.files import whole_file

Outcome = dict[str, Any]


def save_summary(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write ``summary.json``, ``summary.md``, ``bands.png`` and, of a sweep, ``sweep.png``; print the table.

    Args:
      folder: where to.
      outcomes: of each run, ``name``, ``values`` (what is swept), ``history`` (names to ``[steps]``), ``scores``,
        ``diverged`` and ``collapsed``.
    """
    groups = _groups(outcomes)
    text = summary_table(groups)
    content = [{key: value for key, value in one.items() if key != "history"} for one in outcomes]
    with whole_file(folder / "summary.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    with whole_file(folder / "summary.md") as temporary:
        temporary.write_text(text + "\n")
    _save(folder / "bands.png", draw_bands({name: [one["history"] for one in group] for name, group in groups.items()}))
    if any(one["values"] for one in outcomes):
        _save(folder / "sweep.png", draw_sweep(outcomes))
    print(text)
    print(f"The summary is in {folder}")


def summary_table(groups: dict[str, list[Outcome]]) -> str:
    """A markdown table: a row for each run, and for each group its mean ± standard deviation and collapses."""
    lines = [["", *HEADINGS.values(), "collapsed"], ["---"] + ["---:"] * (len(HEADINGS) + 1)]
    for name, group in groups.items():
        for one in group:
            mark = "diverged" if one["diverged"] else "yes" if one["collapsed"] else "no"
            lines.append([one["name"], *(f"{one['scores'][key]:.3g}" for key in HEADINGS), mark])
        lines.append([f"**{name}mean ± std**", *(_spread(group, key) for key in HEADINGS), _collapses(group)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _spread(group: Sequence[Outcome], key: str) -> str:
    values = [one["scores"][key] for one in group]
    deviation = f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.3g}{deviation}"


def _collapses(group: Sequence[Outcome]) -> str:
    return f"{sum(one['collapsed'] for one in group)} of {len(group)}"


def _groups(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Runs that differ in their seed alone, under what they share."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        name = "".join(f"{name}={value:g} " for name, value in one["values"].items())
        groups.setdefault(name, []).append(one)
    return groups


def draw_sweep(outcomes: Sequence[Outcome]) -> Figure:
    """Draws two maps over one or two swept values: the Fréchet distance, its mean over seeds, and the collapse rate."""
    names = list(outcomes[0]["values"])
    across, down = names[0], names[1] if len(names) > 1 else None
    columns = sorted({one["values"][across] for one in outcomes})
    rows = sorted({one["values"][down] for one in outcomes}) if down else [None]
    distance, collapse = np.zeros((2, len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            wanted = {across: column} | ({down: row} if down else {})
            cell = [one for one in outcomes if one["values"] == wanted]
            distance[i, j] = np.mean([one["scores"]["frechet_distance"] for one in cell])
            collapse[i, j] = np.mean([one["collapsed"] for one in cell])
    figure = Figure(figsize=(3 + 2 * len(columns), 2.2 + 0.8 * len(rows)), dpi=120, layout="constrained")
    for axes, values, title in zip(
        figure.subplots(1, 2), (distance, collapse), ("Fréchet distance", "collapse rate"), strict=True
    ):
        axes.imshow(values, cmap="cividis_r", aspect="auto", vmin=0, vmax=max(1, values.max()))
        for i, j in np.ndindex(values.shape):
            dark = values[i, j] > 0.5 * max(1, values.max())
            axes.text(j, i, f"{values[i, j]:.3g}", ha="center", va="center", color="white" if dark else "black")
        axes.set_xticks(range(len(columns)), [f"{value:g}" for value in columns])
        axes.set_yticks(range(len(rows)), [f"{value:g}" for value in rows] if down else [""])
        axes.set_xlabel(across)
        axes.set_ylabel(down or "")
        axes.set_title(title, fontsize=10)
    return figure


def _save(path: Path, figure: Figure) -> None:
    with whole_file(path) as temporary:
        figure.savefig(temporary)
