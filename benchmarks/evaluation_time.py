"""Time all scores of 10,000 fakes of 28×28, beside other code and beside prdc with torch-fidelity on the same features.

python benchmarks/evaluation_time.py --before DIR --json docs/results/evaluation_time.json

``DIR`` is a checkout of an earlier version, such as ``git worktree add DIR main`` makes. Each measurement is a process
of its own, in turns, as the command runs, with what is compiled in its cache; the fakes are those of the generator that
ships with the package. "same scores" is the part of ours that prdc and
torch-fidelity have too: the Fréchet and kernel distances, precision, recall, density and coverage. prdc keeps all
distances, so that it and torch-fidelity are given the 10,000 test images alone.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from machine import write_figures

SAME = ("distances", "neighbours", "precision and recall", "density and coverage")


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    dataset: str = "fashion_mnist"
    data_dir: Path | None = None
    before: Path | None = None  # a checkout to compare with
    rounds: int = 3
    fakes: int = 10_000
    neighbours: int = 50_000  # of either side, for their peak memory; 0 leaves them out
    json: Path | None = None


def score(settings: Settings, features: Path) -> dict[str, Any]:
    """All scores, part by part; the features are left in a file."""
    from gan_jax import load_dataset, load_run, sample_images
    from gan_jax.cli.exit_codes import prepare_libraries
    from gan_jax.evaluation import extract, load_evaluator, score_images

    prepare_libraries()
    data = load_dataset(settings.dataset, settings.data_dir)
    evaluator = load_evaluator(data)
    run = load_run("fashion_mnist")
    fakes = sample_images(run.config, run.generator, settings.fakes)
    starts: list[tuple[str, float]] = []
    scores = score_images(evaluator, fakes, data, tell=lambda part: starts.append((part, time.perf_counter())))
    ends = [*(at for _, at in starts[1:]), time.perf_counter()]
    if not features.exists():
        np.savez(features, real=extract(evaluator, data.test_images)[0], fake=extract(evaluator, fakes)[0])
    parts = {part: end - start for (part, start), end in zip(starts, ends, strict=True)}
    shown = {name: value for name, value in scores.items() if isinstance(value, float)}
    return {"seconds": sum(parts.values()), "parts": parts, "scores": shown}


def others(settings: Settings, features: Path) -> dict[str, Any]:
    """What prdc 0.2 and torch-fidelity 0.4 take for the features."""
    import torch  # pyright: ignore[reportMissingImports]
    from prdc import compute_prdc
    from torch_fidelity import metric_fid, metric_kid  # pyright: ignore[reportMissingImports]

    with np.load(features) as file:
        real, fake = file["real"], file["fake"]
    began = time.perf_counter()
    compute_prdc(real, fake, nearest_k=5)
    first, second = torch.from_numpy(fake), torch.from_numpy(real)
    statistics = [metric_fid.fid_features_to_statistics(each) for each in (first, second)]
    metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    metric_kid.kid_features_to_metric(first, second, verbose=False)
    return {"seconds": time.perf_counter() - began}


def many_neighbours(settings: Settings, features: Path) -> dict[str, Any]:
    """Neighbours of many random features; the largest table would be of 20 GB."""
    from gan_jax.evaluation.neighbours import manifold_scores

    random = np.random.default_rng(0)
    real, fake = (random.standard_normal((settings.neighbours, 64), np.float32) for _ in range(2))
    began = time.perf_counter()
    manifold_scores(real, fake)
    return {"seconds": time.perf_counter() - began}


WORK = {"now": score, "before": score, "prdc and torch-fidelity": others, "many neighbours": many_neighbours}


def measure(settings: Settings, name: str, features: Path) -> dict[str, Any] | None:
    """What a process of its own found, and its peak memory; None where it cannot be run."""
    package = settings.before if name == "before" else Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(package), *sys.path[1:]])}
    command = [sys.executable, __file__, *sys.argv[1:]]
    process = subprocess.run(
        command, env=environment | {"WORK": name, "FEATURES": str(features)}, stdout=subprocess.PIPE
    )
    return json.loads(process.stdout.splitlines()[-1]) if process.returncode == 0 else None


def main(settings: Settings) -> None:
    if name := os.environ.get("WORK"):
        found = WORK[name](settings, Path(os.environ["FEATURES"]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps(found | {"peak_gib": peak}))
        return
    names = ["now", *(["before"] if settings.before else []), "prdc and torch-fidelity"]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(settings.rounds):
            for name in names:
                if result := measure(settings, name, Path(folder) / "features.npz"):
                    found[name].append(result)
                    print(f"{name:24} {result['seconds']:7.1f} s  {result['peak_gib']:.2f} GiB", flush=True)
        many = measure(settings, "many neighbours", Path(folder) / "none") if settings.neighbours else None
    same = [sum(run["parts"].get(part, 0) for part in SAME) for run in found["now"]]
    medians = {name: float(np.median([run["seconds"] for run in runs])) for name, runs in found.items() if runs}
    medians["now, same scores"] = float(np.median(same))
    pairs = {"before": "now", "prdc and torch-fidelity": "now, same scores"}
    ratios = {name: medians[name] / medians[ours] for name, ours in pairs.items() if name in medians}
    print(medians, ratios, many)
    write_figures(settings, medians=medians, ratios=ratios, runs=found, many_neighbours=many)


if __name__ == "__main__":
    main(tyro.cli(Settings))
