"""The report on many runs: a table, bands of curves, and a map of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_jax.data.datasets import Dataset
from gan_jax.evaluation import load_evaluator, sample_count, score_images
from gan_jax.evaluation.protocol import are_scores
from gan_jax.files import parse_json, write_json, write_text
from gan_jax.inference.sampling import sample_images
from gan_jax.pictures.curves import draw_bands
from gan_jax.pictures.figures import new_figure, save_figure
from gan_jax.pictures.scores import headings_of
from gan_jax.pictures.tables import markdown_table
from gan_jax.runs.health import COLLAPSE_AFTER, has_collapsed
from gan_jax.storage.history import read_history
from gan_jax.storage.load import load_run
from gan_jax.storage.record import run_digest
from gan_jax.storage.run_folder import RunFolder
from gan_jax.sweeps.folder import SUMMARY
from gan_jax.sweeps.plan import Trial, format_value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Outcome = dict[str, Any]


def trial_outcome(trial: Trial, dataset: Dataset) -> Outcome:
    """What became of a trial: its last scores, which are also kept beside the run, its history, and its end.

    ``collapsed`` is None where the run is too short to tell.
    """
    folder = RunFolder(trial.settings.output_dir)
    run = load_run(folder.path)
    digest, history = run_digest(run.record), read_history(folder.history)
    known = _known_outcome(folder.outcome, digest)
    if not known:
        evaluator = load_evaluator(dataset)
        scores = score_images(evaluator, sample_images(run.config, run.generator, sample_count(dataset)), dataset)
        collapsed = "diverged" in run.record or has_collapsed(history, dataset.train_images)
        told = {"step": int(run.state.step), "run_sha256": digest, "diverged": run.record.get("diverged")}
        known = told | {"collapsed": collapsed, "scores": scores}
        write_json(folder.outcome, known)
    return {"name": trial.name, "values": trial.values, "seed": trial.settings.seed, "history": history, **known}


def _known_outcome(path: Path, digest: str) -> Outcome:
    """What was written of the run as it is, if anything."""
    try:
        known = parse_json(path.read_text(encoding="utf-8"))
        complete = known.keys() >= {"step", "diverged", "collapsed"} and are_scores(known["scores"])
        return known if complete and known["run_sha256"] == digest else {}
    except (OSError, AttributeError, KeyError, TypeError, ValueError):
        return {}


def save_report(folder: Path, outcomes: Sequence[Outcome], *, quiet: bool = False) -> None:
    """Write ``summary.json``, ``summary.md``, ``bands.png`` and, of a sweep, ``sweep.png``; print the table.

    Args:
      folder: where to.
      outcomes: of each run, ``name``, ``values`` (what is swept), ``history`` (names to ``[steps]``), ``scores``,
        ``diverged`` and ``collapsed``.
      quiet: print nothing.
    """
    groups = _groups(outcomes)
    text = summary_table(groups)
    write_json(folder / SUMMARY, [{key: one[key] for key in one if key != "history"} for one in outcomes])
    write_text(folder / "summary.md", text)
    histories = {name: [one["history"] for one in group] for name, group in groups.items()}
    save_figure(folder / "bands.png", draw_bands(histories))
    if any(one["values"] for one in outcomes):
        save_figure(folder / "sweep.png", draw_sweep(outcomes))
    if quiet:
        return
    print(text)
    if any(one["collapsed"] is None for one in outcomes):
        print(f"Whether a run has collapsed cannot be told in its first {COLLAPSE_AFTER} steps.")
    print(f"The summary is in {folder}")


def summary_table(groups: dict[str, list[Outcome]]) -> str:
    """A markdown table: a row for each run, and for each group its mean ± standard deviation and collapses."""
    rows, headings = [], headings_of(next(iter(groups.values()))[0]["scores"])
    for name, group in groups.items():
        for one in group:
            rows.append([one["name"], *(f"{one['scores'][key]:.3g}" for key in headings), _end(one)])
        rows.append([f"**{name}mean ± std**", *(_spread(group, key) for key in headings), _collapses(group)])
    return markdown_table(["", *headings.values(), "collapsed"], rows)


def _end(one: Outcome) -> str:
    if one["diverged"]:
        return "diverged"
    return {True: "yes", False: "no", None: "too early"}[one["collapsed"]]


def _spread(group: Sequence[Outcome], key: str) -> str:
    values = [one["scores"][key] for one in group]
    deviation = f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.3g}{deviation}"


def _collapses(group: Sequence[Outcome]) -> str:
    told = [one["collapsed"] for one in group if one["collapsed"] is not None]
    return f"{sum(told)} of {len(told)}" if told else "too early"


def _groups(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Runs that differ in their seed alone, under what they share."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        name = "".join(f"{name}={format_value(value)} " for name, value in one["values"].items())
        groups.setdefault(name, []).append(one)
    return groups


def draw_sweep(outcomes: Sequence[Outcome]) -> Figure:
    """Draws two maps over one or two swept values: the Fréchet distance and the collapse rate.

    Each is a mean over seeds, and over the values of any further setting.
    """
    names = list(outcomes[0]["values"])
    across, down = names[0], names[1] if len(names) > 1 else None
    columns = sorted({one["values"][across] for one in outcomes})
    rows = sorted({one["values"][down] for one in outcomes}) if down else [None]
    distance, collapse = np.zeros((2, len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            wanted = {across: column} | ({down: row} if down else {})
            cell = [one for one in outcomes if wanted.items() <= one["values"].items()]
            distance[i, j] = np.mean([one["scores"]["frechet_distance"] for one in cell])
            known = [one["collapsed"] for one in cell if one["collapsed"] is not None]
            collapse[i, j] = np.mean(known) if known else np.nan
    figure = new_figure(3 + 2 * len(columns), 2.2 + 0.8 * len(rows), dpi=120)
    for axes, values, title in zip(
        figure.subplots(1, 2), (distance, collapse), ("Fréchet distance", "collapse rate"), strict=True
    ):
        largest = values.max(initial=1, where=np.isfinite(values))
        axes.imshow(values, cmap="cividis_r", aspect="auto", vmin=0, vmax=largest)
        for i, j in np.ndindex(values.shape):
            text = "too early" if np.isnan(values[i, j]) else f"{values[i, j]:.3g}"
            dark = values[i, j] > 0.5 * largest
            axes.text(j, i, text, ha="center", va="center", color="white" if dark else "black")
        axes.set_xticks(range(len(columns)), [format_value(value) for value in columns])
        axes.set_yticks(range(len(rows)), ["" if value is None else format_value(value) for value in rows])
        axes.set_xlabel(across)
        axes.set_ylabel(down or "")
        axes.set_title(title, fontsize=10)
    return figure
