"""Write the tables and figures of the comparison, from the files of compare_recipes.py and stacked_modes.py.

  python experiments/compare_report.py --runs runs/comparison

Without the folder of the runs it leaves out the figures that show images.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from compare_claims import (
    DISTANCES,
    SCORES,
    arm_of,
    beside,
    best_of,
    finalists_of,
    interval,
    spread,
    trials_of,
    values_of,
    verdicts,
    winner,
)
from compare_figure import save_best_of, save_times
from compare_plan import ARMS, CLAIMS, CONTROL, COURSE, FINAL_EPOCHS, configuration, cost_of, counted
from compare_recipes import generators

from gan_jax import Dataset, load_dataset, load_run, sample_images
from gan_jax.cli.exit_codes import exit_on_errors
from gan_jax.cli.parsing import parse
from gan_jax.evaluation import authenticity
from gan_jax.files import write_text
from gan_jax.pictures.grids import save_pairs, save_side_by_side, save_strips
from gan_jax.pictures.tables import markdown_table

STRIP = 20  # images in a strip
SQUARE = 6  # rows and columns of images in the picture of the same time
VERDICTS = {True: "holds", False: "does not hold", None: "not tested"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the files are."""

    results: Path = Path("docs/results/comparison")
    """The folder with step_times.json, search.json, finals.json and stacked.json; report.md is written there."""
    figures: Path = Path("docs/images/comparison")
    """The folder of the figures."""
    runs: Path | None = None
    """The folder of the runs, for the figures that show images."""
    data_dir: Path | None = None
    """A folder with Fashion-MNIST's four IDX files, used in place of a download."""


def main(settings: Settings) -> None:
    def read(name: str) -> Any:
        path = settings.results / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else []

    times, trials, finals, stacked = map(read, ("step_times", "search", "finals", "stacked"))
    settings.figures.mkdir(parents=True, exist_ok=True)
    sections = ["## Search", search_table(trials)]
    curves = {arm: best_of(trials_of(trials, arm)) for arm in ARMS}
    save_best_of(settings.figures / "search.png", curves, {name: arm.label for name, arm in ARMS.items()})
    if finals:
        sections += [
            "## Finals",
            finals_table(finals, SCORES, [None]),
            "## Beside the course's recipe",
            ratios_table(finals),
        ]
        sections += ["## With and without the average", finals_table(finals, DISTANCES, ["last", "averaged"])]
        sections += ["## Claims", claims_table(finals), "## Cost", cost_table(finals, times)]
        save_times(settings.figures / "time.png", finals, seconds_of(finals, times))
        if settings.runs:
            dataset = load_dataset("fashion_mnist", settings.data_dir)
            draw_images(settings.figures, settings.runs / "finals", finals, dataset)
    if stacked:
        sections += ["## Stacked Fashion-MNIST", stacked_table(stacked)]
    text = "\n\n".join(sections) + "\n"
    write_text(settings.results / "report.md", text)
    print(text)


def draw_images(figures: Path, runs: Path, finals: Sequence[Mapping[str, Any]], dataset: Dataset) -> None:
    """Images of each arm's first finalist after the same time, seed 0, and the winner's beside their nearest ones."""
    fakes = {}
    for name, part in finalists_of(finals):
        if part == "whole" and arm_of(name) not in map(arm_of, fakes):
            run = load_run(runs / f"{name} {part} 0")
            fakes[name] = sample_images(run.config, generators(run)[counted(arm_of(name))], 64)
    rows = {"real": dataset.test_images} | fakes
    save_strips(figures / "strips.png", {name: images[:STRIP] for name, images in rows.items()})
    best = fakes[winner(finals)]
    nearest = dataset.train_images[authenticity(best, dataset.train_images).nearest]
    save_pairs(figures / "nearest.png", best, nearest, "generated, above the nearest training image")
    same_time = {
        "real": dataset.test_images,
        f"the course's recipe, {FINAL_EPOCHS} epochs": fakes[COURSE],
        "the best recipe, the same time": best,
    }
    save_side_by_side(figures / "same_time.png", same_time, columns=SQUARE)


def search_table(trials: Sequence[Mapping[str, Any]]) -> str:
    """A row for each arm: its defaults, the best trial of both generators, and its settings."""
    rows = []
    for arm in ARMS:
        own = [entry for entry in trials if entry["arm"] == arm and entry[counted(arm)] is not None]
        best = min(own, key=lambda entry: entry[counted(arm)])
        settings = ", ".join(f"{name} {_plain(value)}" for name, value in best["settings"].items()) or "the defaults"
        averaged = sum(entry["averaged"] < entry["last"] for entry in own)
        numbers = [f"{own[0][counted(arm)]:.3g}", f"{best['last']:.3g}", f"{best['averaged']:.3g}"]
        rows.append([arm, *numbers, f"{averaged} of {len(own)}", settings])
    heading = ["arm", "defaults", "best, last", "best, averaged", "average is nearer", "settings of the best"]
    return markdown_table(heading, rows)


def _plain(value: Any) -> str:
    return " and ".join(f"{entry:g}" for entry in value) if isinstance(value, list) else f"{value:g}"


def finals_table(finals: Sequence[Mapping[str, Any]], scores: Mapping[str, str], kinds: Sequence[str | None]) -> str:
    """A row for each finalist and part: mean and standard deviation over the seeds.

    Args:
      finals: the runs.
      scores: their names and headings.
      kinds: of generators, ``last`` and ``averaged``; None for the one that counts.
    """
    columns = [(kind, score) for kind in kinds for score in scores]
    rows = [
        [f"{name}, {part}", *(spread(values_of(finals, name, part, score, kind)) for kind, score in columns)]
        for name, part in finalists_of(finals)
    ]
    heading = [f"{kind}, {scores[score]}" if kind else scores[score] for kind, score in columns]
    return markdown_table(["run", *heading], rows)


def ratios_table(finals: Sequence[Mapping[str, Any]]) -> str:
    """Paired ratios of the Fréchet distances to those of the course's recipe and of the control, with intervals."""
    rows = []
    for name, part in finalists_of(finals):
        if name != COURSE:
            others = ((COURSE, "whole"), (f"{CONTROL}, searched", part))
            ratios = [beside(finals, (name, part), other, score) for other in others for score in DISTANCES]
            rows.append([f"{name}, {part}", *map(interval, ratios)])
    heading = [f"{label} : {other}" for other in ("course", "control") for label in DISTANCES.values()]
    return markdown_table(["run", *heading], rows)


def claims_table(finals: Sequence[Mapping[str, Any]]) -> str:
    """Every claim for every finalist that was trained for both times."""
    names = [name for name, part in finalists_of(finals) if part == "third"]
    rows = [
        [claim, name, VERDICTS[holds], text]
        for claim in CLAIMS
        for name in names
        for holds, text in [verdicts(finals, name)[claim]]
    ]
    return markdown_table(["claim", "finalist", "verdict", "numbers"], rows, numbers=False)


def cost_table(finals: Sequence[Mapping[str, Any]], times: Mapping[str, Mapping[str, float]]) -> str:
    """Steps, seconds and arithmetic of every finalist and part."""
    seconds, rows = seconds_of(finals, times), []
    for name, part in finalists_of(finals):
        run = next(entry for entry in finals if (entry["name"], entry["part"]) == (name, part))
        gflop = times[cost_of(configuration_of(run))]["gflop"] * run["steps"]
        per_step = seconds[name, part]
        rows.append([f"{name}, {part}", f"{run['steps']:,}", f"{per_step * run['steps']:.0f}", f"{gflop / 1000:,.0f}"])
    return markdown_table(["run", "steps", "seconds", "TFLOP"], rows)


def configuration_of(run: Mapping[str, Any]) -> Any:
    """The configuration of a final run."""
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in run["settings"].items()}
    return configuration(arm_of(run["name"]), settings)


def seconds_of(
    finals: Sequence[Mapping[str, Any]], times: Mapping[str, Mapping[str, float]]
) -> dict[tuple[str, str], float]:
    """Seconds of a step of every finalist and part, by the median of the course's step."""
    course = float(np.median([entry["course_ms"] for entry in times.values()])) / 1000
    return {(run["name"], run["part"]): times[cost_of(configuration_of(run))]["ratio"] * course for run in finals}


def stacked_table(stacked: Sequence[Mapping[str, Any]]) -> str:
    """Modes and divergence over the seeds; the real images first."""
    real = stacked[0]
    rows = [["real images", "", str(real["modes"]), f"{real['divergence']:.3g}"]]
    for name, d_part in dict.fromkeys((entry["name"], entry["d_part"]) for entry in stacked[1:]):
        runs = [entry for entry in stacked[1:] if (entry["name"], entry["d_part"]) == (name, d_part)]
        modes, divergence = (
            {entry["seed"]: math.inf if entry[score] is None else entry[score] for entry in runs}
            for score in ("modes", "divergence")
        )
        figures = [spread(modes, ".1f"), spread(divergence)]
        rows.append([name, f"{d_part:g}", *figures])
    return markdown_table(["run", "width of D", "modes of 1,000 ↑", "KL ↓"], rows)


if __name__ == "__main__":
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
