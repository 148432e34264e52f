"""The report on many runs: a table, bands of curves, and a map of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_jax.data.datasets import Dataset
from gan_jax.evaluation import Features, load_features, sample_count, score_images
from gan_jax.evaluation.protocol import are_scores
from gan_jax.files import parse_json, write_json, write_text
from gan_jax.inference.sampling import sample_fakes
from gan_jax.pictures.curves import draw_bands
from gan_jax.pictures.figures import new_figure, save_figure
from gan_jax.pictures.scores import headings_of, shown, told_features, told_ranking
from gan_jax.pictures.tables import markdown_table, plain_table
from gan_jax.runs.bars import progress_bar, show_part
from gan_jax.runs.health import COLLAPSE_AFTER, has_collapsed
from gan_jax.storage.history import read_history
from gan_jax.storage.load import load_run
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import run_digest
from gan_jax.sweeps.folder import SUMMARY
from gan_jax.sweeps.plan import Trial, format_value, in_turn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Outcome = dict[str, Any]

_POINT, _EARLY = "#D55E00", "too early"


_FORMAT = 2  # of an outcome; 1: fakes of all classes were equally frequent, whatever the data


def trial_outcomes(trials: Sequence[Trial], dataset: Dataset, quiet: bool = False) -> list[Outcome]:
    """What became of trials: their last scores, all in the same features, their histories, and their ends.

    Scores are also kept beside each run. ``collapsed`` is None where a run is too short to tell.
    """
    outcomes: list[Outcome] = []
    settings = trials[0].settings
    evaluator = load_features(settings.features, dataset, settings.feature_weights)
    with progress_bar(len(trials), "run", quiet=quiet, leave=False) as bar:
        for trial in in_turn(trials):
            show_part(bar, f"scoring {trial.name}")
            outcomes.append(_outcome(trial, dataset, evaluator))
    return outcomes


def _outcome(trial: Trial, dataset: Dataset, evaluator: Features) -> Outcome:
    folder = RunFolder(trial.settings.folder)
    run = load_run(folder.path)
    digest, history = run_digest(run.record), read_history(folder.history)
    known = _known_outcome(folder.outcome, digest, evaluator)
    if not known:
        fakes = sample_fakes(run.config, run.generator, dataset, sample_count(dataset))
        scores = score_images(evaluator, fakes, dataset)
        collapsed = "diverged" in run.record or has_collapsed(history, dataset.train_images)
        known = {"format": _FORMAT, "step": int(run.state.step), "run_sha256": digest}
        known |= {"diverged": run.record.get("diverged"), "collapsed": collapsed, "scores": scores}
        write_json(folder.outcome, known)
    return {"name": trial.name, "values": trial.values, "seed": trial.settings.seed, "history": history, **known}


def _known_outcome(path: Path, digest: str, evaluator: Features) -> Outcome:
    """What was written of the run as it is, with every score in this evaluator's features, if anything."""
    try:
        known = parse_json(path.read_text(encoding="utf-8"))
        complete = known.keys() >= {"step", "diverged", "collapsed"} and are_scores(known["scores"], evaluator)
        return known if complete and (known["format"], known["run_sha256"]) == (_FORMAT, digest) else {}
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
    cells, features = summary_cells(groups), told_features(outcome["scores"] for outcome in outcomes)
    ranking = told_ranking({outcome["name"]: outcome["scores"] for outcome in outcomes})
    features = "\n\n".join(text for text in (features, ranking) if text)
    write_json(folder / SUMMARY, [{key: outcome[key] for key in outcome if key != "history"} for outcome in outcomes])
    write_text(folder / "summary.md", f"{markdown_table(*cells)}\n\n{features}")
    histories = {name: [outcome["history"] for outcome in group] for name, group in groups.items()}
    save_figure(folder / "bands.png", draw_bands(histories))
    if any(outcome["values"] for outcome in outcomes):
        save_figure(folder / "sweep.png", draw_sweep(outcomes))
    if quiet:
        return
    print(plain_table(*cells))
    print(features)
    if any(outcome["collapsed"] is None for outcome in outcomes):
        print(f"Whether a run has collapsed cannot be told in its first {COLLAPSE_AFTER} steps.")
    print(f"The summary is in {folder}")


def summary_cells(groups: dict[str, list[Outcome]]) -> tuple[list[str], list[list[str]]]:
    """The heading of a table and its rows: each run, and for each group its mean ± standard deviation and collapses.

    There is no mean of scores in different features, or of a score that a run lacks.
    """
    rows, headings = [], headings_of(*(outcome["scores"] for group in groups.values() for outcome in group))
    for name, group in groups.items():
        for outcome in group:
            rows.append([outcome["name"], *(shown(outcome["scores"], key) for key in headings), ending(outcome)])
        rows.append([f"{name}mean ± std", *(_mean_and_std(group, key) for key in headings), _collapses(group)])
    return ["", *headings.values(), "collapsed"], rows


def ending(outcome: Outcome) -> str:
    """Whether a run diverged or collapsed, in a word or two."""
    if outcome["diverged"]:
        return "diverged"
    return {True: "yes", False: "no", None: _EARLY}[outcome["collapsed"]]


def _mean_and_std(group: Sequence[Outcome], key: str) -> str:
    values = [outcome["scores"].get(key) for outcome in group]
    if None in values or len({outcome["scores"].get("evaluator_sha256") for outcome in group}) > 1:
        return "–"
    deviation = f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.3g}{deviation}"


def _collapses(group: Sequence[Outcome]) -> str:
    judged = [outcome["collapsed"] for outcome in group if outcome["collapsed"] is not None]
    return f"{sum(judged)} of {len(judged)}" if judged else _EARLY


def _groups(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Runs that differ in their seed alone, under what they share."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        name = "".join(f"{name}={format_value(value)} " for name, value in outcome["values"].items())
        groups.setdefault(name, []).append(outcome)
    return groups


def draw_sweep(outcomes: Sequence[Outcome]) -> Figure:
    """Draws the Fréchet distance and the collapse rate over the swept values.

    Where two settings or more have several values, the first two of them span a map of means over seeds and the values
    of any further setting. Otherwise each run is a point over its value, below which is the mean.
    """
    values = {name: sorted({outcome["values"][name] for outcome in outcomes}) for name in outcomes[0]["values"]}
    across, *others = sorted(values, key=lambda name: len(values[name]) == 1)
    down = others[0] if others and len(values[others[0]]) > 1 else None
    figure = new_figure(3 + 2 * len(values[across]), 2.2 + 0.8 * len(values[down] if down else (1, 2)), dpi=120)
    for axes, (title, measure) in zip(figure.subplots(1, 2), _MEASURES.items(), strict=True):
        if down:
            _draw_map(axes, outcomes, {down: values[down], across: values[across]}, measure)
        else:
            _draw_points(axes, outcomes, across, values[across], measure)
        axes.set_xlabel(across)
        axes.set_title(title, fontsize=10)
    return figure


_MEASURES: dict[str, Callable[[Outcome], float | None]] = {
    "Fréchet distance": lambda outcome: outcome["scores"]["frechet_distance"],
    "collapse rate": lambda outcome: outcome["collapsed"],
}


def _measured(outcomes: Sequence[Outcome], wanted: dict[str, float], measure: Callable[[Outcome], Any]) -> list[float]:
    """What is known of the runs with these values."""
    cell = (measure(outcome) for outcome in outcomes if wanted.items() <= outcome["values"].items())
    return [float(number) for number in cell if number is not None]


def _mean_text(numbers: Sequence[float]) -> str:
    return f"{np.mean(numbers):.3g}" if numbers else _EARLY


def _draw_map(
    axes: Axes, outcomes: Sequence[Outcome], sides: dict[str, list[float]], measure: Callable[[Outcome], Any]
) -> None:
    (down, rows), (across, columns) = sides.items()
    cells = [[_measured(outcomes, {down: row, across: column}, measure) for column in columns] for row in rows]
    means = np.array([[np.mean(cell) if cell else np.nan for cell in row] for row in cells])
    largest = means.max(initial=1, where=np.isfinite(means))
    axes.imshow(means, cmap="cividis_r", aspect="auto", vmin=0, vmax=largest)
    for i, j in np.ndindex(means.shape):
        colour = "white" if means[i, j] > 0.5 * largest else "black"
        axes.text(j, i, _mean_text(cells[i][j]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(columns)), [format_value(column) for column in columns])
    axes.set_yticks(range(len(rows)), [format_value(row) for row in rows])
    axes.set_ylabel(down)


def _draw_points(
    axes: Axes, outcomes: Sequence[Outcome], name: str, values: Sequence[float], measure: Callable[[Outcome], Any]
) -> None:
    cells = [_measured(outcomes, {name: value}, measure) for value in values]
    for at, numbers in enumerate(cells):
        axes.plot([at] * len(numbers), numbers, "o", color=_POINT, alpha=0.6)
    means = [("mean " if cell else "") + _mean_text(cell) for cell in cells]
    labels = [f"{format_value(value)}\n{mean}" for value, mean in zip(values, means, strict=True)]
    axes.set_xticks(range(len(values)), labels)
    axes.set_xlim(-0.5, len(values) - 0.5)
    largest = max([1, *(number for cell in cells for number in cell)])
    axes.set_ylim(-0.05 * largest, 1.05 * largest)
    axes.spines[["top", "right"]].set_visible(False)
