"""Compare recipes at equal time: search each one's settings, then train the chosen ones on fresh seeds.

compare_plan.py says what is compared, and was written first. The command resumes where it stopped: every finished
trial and run is in the files under --results, and one that is under way has its checkpoints under --output-dir. Steps
are timed once, at the start, on a machine that should have nothing else to do; from then on its load is of no
consequence, since every run takes the steps that its seconds allow.
"""

import dataclasses
import json
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from compare_plan import (
    ARMS,
    COURSE,
    FINAL_EPOCHS,
    FINAL_SEEDS,
    PARTS,
    TRIALS,
    TUNING_EPOCHS,
    TUNING_FAKES,
    TUNING_IMAGES,
    TUNING_SEED,
    configuration,
    cost_of,
    costs,
    finalists,
    settings_of,
)

from gan_jax import (
    Dataset,
    DivergedError,
    Experiment,
    GanConfig,
    NetworkState,
    RunConfig,
    draw_preview,
    gan_step,
    init_state,
    load_dataset,
    load_run,
    run_experiment,
    run_keys,
    sample_images,
    sampling_generator,
    steps_per_epoch,
)
from gan_jax.cli.statuses import exit_statuses, prepare_jax
from gan_jax.evaluation import extract, frechet_distance, load_evaluator, sample_count, score_images
from gan_jax.files import write_json
from gan_jax.training.compiled import run_chunk


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the images are and the files go."""

    data_dir: Path | None = None
    """A folder with Fashion-MNIST's four IDX files, used in place of a download."""
    output_dir: Path = Path("runs/comparison")
    """The folder of the runs."""
    results: Path = Path("docs/results/comparison")
    """The folder of the figures: small JSON files."""
    arms: tuple[str, ...] = tuple(ARMS)
    """Which arms."""


def main(settings: Settings) -> None:
    settings.results.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset("fashion_mnist", settings.data_dir)
    times = step_times(settings.results / "step_times.json")
    trials = search(settings, dataset, times)
    if len(trials) == TRIALS * len(ARMS):
        train_finalists(settings, dataset, times, finalists(trials))


# Seconds


def step_times(path: Path) -> dict[str, float]:
    """What a step of each cost takes, of the course's step; measured where the file lacks them."""
    found = json.loads(path.read_text()) if path.exists() else {}
    for name, config in costs().items():
        if name not in found:
            found[name] = time_beside_course(config)
            write_json(path, found)
            print(f"{name}: {found[name]['ratio']:.2f} of the course's step", flush=True)
    return {name: figures["ratio"] for name, figures in found.items()}


def time_beside_course(config: GanConfig, rounds: int = 7, steps: int = 4) -> dict[str, Any]:
    """A step's median time, in turns with the course's."""
    chunks = [chunk_of(one, steps) for one in (configuration("course", {}), config)]
    turns = np.zeros((2, rounds + 1))
    for turn in range(rounds + 1):
        for index, chunk in enumerate(chunks):
            started = time.perf_counter()
            jax.block_until_ready(chunk())
            turns[index, turn] = 1000 * (time.perf_counter() - started) / steps
    course, own = np.median(turns[:, 1:], axis=1)
    return {"ratio": round(own / course, 4), "ms": round(own, 2), "course_ms": round(course, 2)}


def chunk_of(config: GanConfig, steps: int) -> Any:
    """A function that takes a few steps on random images."""
    config, keys = config.scheduled(10_000), run_keys(0)
    shape = (steps, config.images_per_step, *config.image_shape)
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    state = init_state(config, keys.init)
    return lambda: run_chunk(config, gan_step, state, images, keys.step)


def steps_within(config: GanConfig, times: dict[str, float], epochs: float) -> int:
    """The steps that fit into the time of the course's recipe for so many epochs of 60,000 images."""
    course = configuration("course", {})
    return max(1, math.floor(epochs * steps_per_epoch(course, 60_000) / times[cost_of(config)]))


# Search


def search(settings: Settings, dataset: Dataset, times: dict[str, float]) -> list[dict[str, Any]]:
    """Train and score every trial, the first of each arm first; all that there are."""
    path = settings.results / "search.json"
    found = json.loads(path.read_text()) if path.exists() else []
    done = {(one["arm"], one["trial"]) for one in found}
    part = without_last(dataset, TUNING_IMAGES)
    distance = tuning_distance(part)
    for trial in range(TRIALS):
        for arm in settings.arms:
            if (arm, trial) in done:
                continue
            chosen = settings_of(arm, trial)
            config = configuration(arm, chosen)
            steps = steps_within(config, times, TUNING_EPOCHS)
            folder = settings.output_dir / "search" / f"{arm}_{trial:02d}"
            scores = train_and_score(config, part, steps, TUNING_SEED, folder, distance)
            found.append({"arm": arm, "trial": trial, "settings": chosen, "steps": steps, **scores})
            write_json(path, found)
            print(f"{arm} trial {trial}: {scores}", flush=True)
            shutil.rmtree(folder)
    return found


def without_last(dataset: Dataset, count: int) -> Dataset:
    """The data set with its last training images in the place of the test images, which are left out."""
    images, labels = dataset.train_images, dataset.train_labels
    return dataclasses.replace(
        dataset,
        train_images=images[:-count],
        train_labels=labels[:-count],
        test_images=images[-count:],
        test_labels=labels[-count:],
    )


def train_and_score(
    config: GanConfig, dataset: Dataset, steps: int, seed: int, folder: Path, score: Callable[..., Any]
) -> dict[str, Any]:
    """The scores of both generators after a run; none if it diverged."""
    run_settings = RunConfig(gan=config, steps=steps, seed=seed, output_dir=folder, resume=True, keep_checkpoints=1)
    try:
        run_experiment(Experiment(gan_step, draw_preview, draw_at=()), run_settings, dataset=dataset)
    except DivergedError:
        return {"last": None, "averaged": None}
    run = load_run(folder)
    generators = {"last": run.state.generator, "averaged": sampling_generator(run.config, run.state)}
    return {name: score(run.config, generator) for name, generator in generators.items()}


def tuning_distance(dataset: Dataset) -> Callable[[GanConfig, NetworkState], float]:
    """A function that gives a generator's Fréchet distance to the data set's test images."""
    evaluator = load_evaluator(dataset)
    reals = extract(evaluator, dataset.test_images)[0]

    def distance(config: GanConfig, generator: NetworkState) -> float:
        fakes = sample_images(config, generator, TUNING_FAKES)
        return round(frechet_distance(reals, extract(evaluator, fakes)[0]), 4)

    return distance


# Finals


def train_finalists(
    settings: Settings, dataset: Dataset, times: dict[str, float], chosen: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    """Train the finalists on fresh seeds and score their last generators by the test images; one seed after another."""
    path = settings.results / "finals.json"
    found = json.loads(path.read_text()) if path.exists() else []
    done = {(one["name"], one["part"], one["seed"]) for one in found}
    evaluator = load_evaluator(dataset)

    def score(config: GanConfig, generator: NetworkState) -> dict[str, Any]:
        return score_images(evaluator, sample_images(config, generator, sample_count(dataset)), dataset)

    for seed in FINAL_SEEDS:
        for name, (arm, values) in chosen.items():
            for part, share in PARTS.items():
                if (name, part, seed) in done or (name == COURSE and share < 1):
                    continue
                config = configuration(arm, values)
                steps = steps_within(config, times, FINAL_EPOCHS * share)
                folder = settings.output_dir / "finals" / f"{name} {part} {seed}"
                scores = train_and_score(config, dataset, steps, seed, folder, score)
                found.append({"name": name, "part": part, "seed": seed, "settings": values, "steps": steps, **scores})
                write_json(path, found)
                print(f"{name}, {part}, seed {seed}: {scores}", flush=True)


if __name__ == "__main__":
    prepare_jax()
    with exit_statuses():
        main(tyro.cli(Settings, description=__doc__, config=(tyro.conf.OmitArgPrefixes,)))
