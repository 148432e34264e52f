"""The sections of the page of a run, or of many, that ``gan-jax report`` writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_jax.cli.scoring import score
from gan_jax.cli.trainings import command_of
from gan_jax.errors import InputError
from gan_jax.evaluation.protocol import are_scores
from gan_jax.files import first_line, parse_json
from gan_jax.pictures.pages import code, folded, paragraph, picture, table
from gan_jax.pictures.scores import table_cells, told_features, told_ranking
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import has_run_json, read_run_json, run_digest, state_digest
from gan_jax.sweeps.folder import SUMMARY, read_sweep, require_within
from gan_jax.sweeps.report import ending

Sections = dict[str, list[str]]


def of_one(path: Path, scoring: Mapping[str, Any] | None) -> Sections:
    """The sections of a run's page; with scores unless ``scoring`` is None."""
    folder, record = RunFolder(path), read_run_json(path)
    scored = [] if scoring is None else score_pieces(score(path, **scoring).rows)
    drawn = folder.drawn_steps()
    last = picture(folder.grid(drawn[-1]), f"The same latents after step {drawn[-1]}.") if drawn else []
    return {
        "How to repeat it": [code(command_of(record)), *how_it_ended(record)],
        "Images": [
            *last,
            *picture(path / "progress.gif", "The same latents while it trained."),
            *picture(path / "real_vs_fake.png", "Real images beside generated ones."),
        ],
        "Losses and D's scores": [
            *picture(path / "losses.png", "Losses of both networks, step by step."),
            *picture(path / "scores.png", "D's mean scores of reals and fakes, step by step."),
        ],
        "Scores between anchors": [*scored, *picture(path / "evaluation.png", "The scores as a figure.")],
        "Nearest training images": picture(
            path / "nearest.png", "Generated images, each above its nearest training image."
        ),
        "Settings": [folded("All settings", settings_table(record))],
        "Where it was made": [table(["", ""], [[name, str(value)] for name, value in surroundings(record).items()])],
    }


def of_many(path: Path) -> Sections:
    """The sections of the page of many runs."""
    runs = _read_summary(path)
    headings, rows = table_cells({run["name"]: run["scores"] for run in runs})
    grids, commands = [], []
    for run in runs:
        folder = RunFolder(path / run["name"])
        if drawn := folder.drawn_steps():
            grids += picture(folder.grid(drawn[-1]), f"{run['name']}, step {drawn[-1]}")
        if has_run_json(folder.path):
            commands.append(command_of(read_run_json(folder.path)))
    return {
        "Scores": [
            table([*headings, "collapsed"], [[*row, ending(run)] for row, run in zip(rows, runs, strict=True)]),
            *(paragraph(f"{run['name']}: {run['diverged']}") for run in runs if run["diverged"]),
            paragraph(told_features(run["scores"] for run in runs)),
            *_ranking({run["name"]: run["scores"] for run in runs}),
        ],
        "Curves": [
            *picture(path / "bands.png", "The runs' median and quartiles, step by step."),
            *picture(path / "sweep.png", "Scores against the values of the sweep."),
        ],
        "Images": grids,
        "How to repeat each": [code("\n".join(commands))],
    }


def _read_summary(path: Path) -> list[dict[str, Any]]:
    """Each run's name and scores; none lies outside the folder, and the scores are those of the runs that are there."""
    try:
        runs = parse_json((path / SUMMARY).read_text(encoding="utf-8"))
        for run in runs:
            require_within(path, run["name"])
            if not are_scores(run["scores"]):
                raise ValueError(f"the scores of {run['name']!r} are incomplete")
            ending(run)
        if not runs:
            raise ValueError("it names no run")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise InputError(f"{path / SUMMARY} is no summary of runs ({reason}); restore it from a copy.") from None
    sweep = read_sweep(path)
    there = [run["name"] for run in runs if _is_as_scored(path / run["name"], run)]
    if there != (sweep["runs"] if sweep else [run["name"] for run in runs]):
        raise InputError(f"{path / SUMMARY} is not of the runs as they are now; continue the training with --resume.")
    return runs


def _is_as_scored(folder: Path, outcome: Mapping[str, Any]) -> bool:
    return not has_run_json(folder) or outcome.get("run_sha256") == run_digest(read_run_json(folder))


def score_pieces(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The table of scores, and in whose features they are."""
    return [table(*table_cells(scores)), paragraph(told_features(scores.values())), *_ranking(scores)]


def _ranking(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    text = told_ranking(scores)
    return [paragraph(text)] if text else []


def how_it_ended(record: Mapping[str, Any]) -> list[str]:
    """The digest of the last epoch, or why there is none."""
    if "diverged" in record:
        return [paragraph(record["diverged"])]
    if not record["epochs"]:
        return [paragraph("It was not trained here." if "imported" in record else "No epoch has ended yet.")]
    last = record["epochs"][-1]
    return [paragraph(f"Epoch {last['epoch']}, step {last['step']}: the state's sha256 is {state_digest(last)}.")]


def settings_table(record: Mapping[str, Any]) -> str:
    """Every setting of the run and of its networks."""
    run = record["run"]
    values = {name: value for name, value in run.items() if name != "gan"} | run["gan"]
    return table(["setting", "value"], [[name, str(value)] for name, value in values.items()])


def surroundings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Data, versions and device."""
    return {f"data: {name}": value for name, value in record["dataset"].items()} | record["versions"] | record["device"]
