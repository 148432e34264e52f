"""Print the tables of docs/explain/results.md from the scores of several runs.

python benchmarks/results_tables.py docs/results/seed_0.jsonl docs/results/seed_1.jsonl docs/results/seed_2.jsonl

Each file has the lines of a run's metrics.jsonl that hold scores, one per epoch.
"""

import json
import sys
from pathlib import Path

import numpy as np

from gan_jax.pictures.scores import HEADINGS
from gan_jax.pictures.tables import markdown_table


def read_scores(path: Path) -> list[dict]:
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [line for line in lines if "frechet_distance" in line]


def mean_and_spread(values: list[float]) -> str:
    return f"{np.mean(values):.3g} ± {np.std(values, ddof=1):.1g}"


def main(paths: list[Path]) -> None:
    runs = {path.stem.replace("_", " "): read_scores(path) for path in paths}
    epochs = sorted({scores["epoch"] for run in runs.values() for scores in run}, reverse=True)
    means = []
    for epoch in epochs:
        scores = [line for run in runs.values() for line in run if line["epoch"] == epoch]
        cells = (mean_and_spread([line[key] for line in scores]) for key in HEADINGS)
        means.append([f"epoch {epoch}, mean ± std", *cells])
    single = [
        [f"{name}, epoch {line['epoch']}", *(f"{line[key]:.3g}" for key in HEADINGS)]
        for name, run in runs.items()
        for line in run
    ]
    heading = ["", *HEADINGS.values()]
    print(markdown_table(heading, means), markdown_table(heading, single), sep="\n\n")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
