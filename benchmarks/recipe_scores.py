"""Collect the scores of runs with recipes, and draw their images beside each other, for docs/learn/recipes.md.

gan-jax train --recipe NAME --epochs 2 --evaluate-every 2 --output-dir runs/recipes/NAME
python benchmarks/recipe_scores.py runs/recipes/* --output docs/results/recipes.json --figure docs/images/recipes.png

A run's folder is called like its recipe. Without folders it prints the table of the file that is there.
"""

import argparse
import json
from pathlib import Path

from gan_jax import RECIPES, load_run, sample_images
from gan_jax.pictures.grids import save_strips
from gan_jax.pictures.scores import headings_of
from gan_jax.pictures.tables import markdown_table
from gan_jax.runs.watchers.json_lines import read_lines

COLUMNS = 20  # images of each recipe


def last_scores(folder: Path) -> dict[str, float]:
    """Those of the last scored epoch, or of one of many runs, which is scored at its end."""
    outcome = folder / "outcome.json"
    if outcome.exists():
        scores = json.loads(outcome.read_text())["scores"]
    else:
        *_, scores = (line for line in read_lines(folder / "metrics.jsonl") if "frechet_distance" in line)
    return {key: scores[key] for key in headings_of(scores)}


def draw(folders: list[Path], path: Path) -> None:
    """A row of images of each run, from the same latents, with the recipe's name before it."""
    runs = {folder.name: load_run(folder) for folder in folders}
    save_strips(path, {name: sample_images(run.config, run.generator, COLUMNS) for name, run in runs.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/results/recipes.json"))
    parser.add_argument("--figure", type=Path, default=Path("docs/images/recipes.png"))
    arguments = parser.parse_args()
    folders = [folder for name in RECIPES for folder in arguments.folders if folder.name == name]
    if folders:
        scores = {folder.name: last_scores(folder) for folder in folders}
        arguments.output.write_text(json.dumps(scores, indent=1) + "\n")
        draw(folders, arguments.figure)
    scores = json.loads(arguments.output.read_text())
    headings = headings_of(*scores.values())
    rows = [[name, *(f"{one[key]:.3g}" for key in headings)] for name, one in scores.items()]
    print(markdown_table(["recipe", *headings.values()], rows))


if __name__ == "__main__":
    main()
