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
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from compare_claims import winner
from compare_plan import (
    ARMS,
    COLLAPSE_SEEDS,
    COURSE,
    CURVE_POINTS,
    FINAL_EPOCHS,
    FINAL_SEEDS,
    PARTS,
    SECOND_SEED,
    TRIALS,
    TUNING_EPOCHS,
    TUNING_FAKES,
    TUNING_IMAGES,
    TUNING_SEED,
    configuration,
    cost_of,
    costs,
    counted,
    finalists,
    settings_of,
)

from gan_jax import (
    Batch,
    Dataset,
    DivergedError,
    Experiment,
    GanConfig,
    RunConfig,
    TrainedRun,
    Variables,
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
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse
from gan_jax.errors import InputError
from gan_jax.evaluation import (
    critic_accuracy,
    extract,
    frechet_distance,
    load_evaluator,
    read_evaluator,
    sample_count,
    save_evaluator,
    score_images,
    train_evaluator,
)
from gan_jax.files import write_json
from gan_jax.training.compiled import scan_steps


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
    if unknown := set(settings.arms) - ARMS.keys():
        raise InputError(f"arms has {min(unknown)}; there are {', '.join(ARMS)}.")
    settings.results.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset("fashion_mnist", settings.data_dir)
    times = step_times(settings.results / "step_times.json")
    trials = search(settings, dataset, times)
    if len(trials) == TRIALS * len(ARMS):
        train_finalists(settings, dataset, times, finalists(trials))


# Seconds


def step_times(path: Path) -> dict[str, float]:
    """How long a step of each cost takes beside the course's; measured where the file lacks it."""
    found = json.loads(path.read_text()) if path.exists() else {}
    for name, config in costs().items():
        if name not in found:
            found[name] = time_beside_course(config)
            write_json(path, found)
            print(f"{name}: {found[name]['ratio']:.2f} of the course's step", flush=True)
    return {name: figures["ratio"] for name, figures in found.items()}


def time_beside_course(config: GanConfig, rounds: int = 7, steps: int = 4) -> dict[str, Any]:
    """A step's median time, in turns with the course's."""
    chunks = [chunk_of(entry, steps) for entry in (configuration("course", {}), config)]
    turns = np.zeros((2, rounds + 1))
    for turn in range(rounds + 1):
        for index, chunk in enumerate(chunks):
            started = time.perf_counter()
            jax.block_until_ready(chunk())
            turns[index, turn] = 1000 * (time.perf_counter() - started) / steps
    course, own = np.median(turns[:, 1:], axis=1)
    ratio = round(own / course, 4)
    return {"ratio": ratio, "ms": round(own, 2), "course_ms": round(course, 2), "gflop": gigaflops(config)}


def gigaflops(config: GanConfig) -> float:
    """XLA's count of a step's arithmetic, in GFLOP, as for a GPU, where convolutions have their direct form."""
    config, keys = config.at(0, 10_000), run_keys(0)
    state = jax.eval_shape(partial(init_state, config), keys.init)
    images = jax.ShapeDtypeStruct((config.images_per_step, *config.image_shape), np.float32)
    traced = jax.jit(gan_step).trace(config, state, Batch(images), keys.step)
    cost: Any = traced.lower(lowering_platforms=("cuda",)).cost_analysis()
    return round(cost["flops"] / 1e9, 2)


def chunk_of(config: GanConfig, steps: int) -> Any:
    """A function that takes a few steps on random images."""
    config, keys = config.at(0, 10_000), run_keys(0)
    shape = (steps, config.images_per_step, *config.image_shape)
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    state = init_state(config, keys.init)
    return lambda: scan_steps(config, gan_step, state, Batch(images), keys.step)


def steps_within(config: GanConfig, times: dict[str, float], epochs: float) -> int:
    """The steps that fit into the time of the course's recipe for so many epochs of 60,000 images."""
    course = configuration("course", {})
    return max(1, math.floor(epochs * steps_per_epoch(course, 60_000) / times[cost_of(config)]))


# Search


def search(settings: Settings, dataset: Dataset, times: dict[str, float]) -> list[dict[str, Any]]:
    """Train and score every trial, the first of each arm first; all that there are."""
    path = settings.results / "search.json"
    found = json.loads(path.read_text()) if path.exists() else []
    done = {(entry["arm"], entry["trial"]) for entry in found}
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
            run = train(config, part, steps, TUNING_SEED, folder)
            scores: dict[str, float | None] = {"last": None, "averaged": None}
            if run:
                scores = {name: distance(run.config, entry) for name, entry in generators(run).items()}
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


def train(
    config: GanConfig, dataset: Dataset, steps: int, seed: int, folder: Path, snapshots: int | None = None
) -> TrainedRun | None:
    """The run in a folder, made or finished; none if it diverged."""
    run_settings = RunConfig(
        gan=config, steps=steps, seed=seed, output_dir=folder, resume=True, keep_checkpoints=1, snapshots=snapshots
    )
    try:
        run_experiment(run_settings, Experiment(draw_at=()), dataset=dataset)
    except DivergedError:
        return None
    return load_run(folder)


def generators(run: TrainedRun) -> dict[str, Variables]:
    """The generator of the last step and the averaged one."""
    return {"last": run.state.generator.variables, "averaged": sampling_generator(run.config, run.state)}


def tuning_distance(dataset: Dataset) -> Callable[[GanConfig, Variables], float]:
    """A function that gives a generator's Fréchet distance to the data set's test images."""
    evaluator = load_evaluator(dataset)
    reals = extract(evaluator, dataset.test_images)[0]

    def distance(config: GanConfig, generator: Variables) -> float:
        fakes = sample_images(config, generator, TUNING_FAKES)
        return round(frechet_distance(reals, extract(evaluator, fakes)[0]), 4)

    return distance


# Finals


def train_finalists(
    settings: Settings, dataset: Dataset, times: dict[str, float], chosen: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    """Train the finalists on fresh seeds and score them by the test images."""
    path = settings.results / "finals.json"
    found = json.loads(path.read_text()) if path.exists() else []
    judges = Judges(dataset, settings.output_dir / "second_evaluator.npz")
    while run := next_final(found, chosen):
        name, part, seed = run
        arm, values = chosen[name]
        config = configuration(arm, values)
        steps = steps_within(config, times, FINAL_EPOCHS * PARTS[part])
        folder = settings.output_dir / "finals" / f"{name} {part} {seed}"
        outcome = train_and_judge(config, counted(arm), dataset, steps, seed, folder, judges)
        found.append({"name": name, "part": part, "seed": seed, "settings": values, "steps": steps, **outcome})
        write_json(path, found)
        print(f"{name}, {part}, seed {seed}: {outcome}", flush=True)


def next_final(found: Sequence[Mapping[str, Any]], names: Iterable[str]) -> tuple[str, str, int] | None:
    """Name, part and seed of the first final run that is not done; None if all are.

    One seed after another, every finalist for the whole time and for a third; then the winner on further seeds.
    """
    done = {(entry["name"], entry["part"], entry["seed"]) for entry in found}
    runs = [(name, part, seed) for seed in FINAL_SEEDS for name in names for part in PARTS]
    left = [run for run in runs if run not in done and run[:2] != (COURSE, "third")]
    further = [] if left else [(winner(found), "whole", seed) for seed in COLLAPSE_SEEDS]
    return next((run for run in left + further if run not in done), None)


def train_and_judge(
    config: GanConfig, kind: str, dataset: Dataset, steps: int, seed: int, folder: Path, judges: "Judges"
) -> dict[str, Any]:
    """The scores of a run's two generators, and the distances on its way of the kind that counts."""
    run = train(config, dataset, steps, seed, folder, snapshots=CURVE_POINTS)
    outcome: dict[str, Any] = {"device": jax.devices()[0].device_kind, "last": None, "averaged": None, "curve": []}
    if run:
        outcome |= {name: judges.scores(run.config, entry) for name, entry in generators(run).items()}
        outcome["curve"] = judges.curve(folder, kind)
    return outcome


class Judges:
    """What scores a final run: the protocol, and a second opinion by other networks.

    Args:
      dataset: with the test images.
      path: of the second evaluator; trained if it is not there.
    """

    def __init__(self, dataset: Dataset, path: Path) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            save_evaluator(path, train_evaluator(dataset, SECOND_SEED, kernel_size=3))
        self._dataset = dataset
        self._first, self._second = load_evaluator(dataset), read_evaluator(path)
        self._reals = [extract(evaluator, dataset.test_images)[0] for evaluator in (self._first, self._second)]

    def scores(self, config: GanConfig, generator: Variables) -> dict[str, Any]:
        """The protocol's, and the distance and the critic of other networks."""
        fakes = sample_images(config, generator, sample_count(self._dataset))
        return score_images(self._first, fakes, self._dataset) | {
            "second_evaluator": self._second.name,
            "second_evaluator_sha256": self._second.sha256,
            "second_frechet_distance": self._distances(fakes)[1],
            "second_critic_accuracy": critic_accuracy(self._dataset.test_images, fakes, network="infogan"),
        }

    def curve(self, folder: Path, kind: str) -> list[dict[str, float]]:
        """The Fréchet distances at the snapshots of a run, which are deleted."""
        points = []
        for path in sorted((folder / "snapshots").glob("*.npz")):
            run = load_run(path)
            fakes = sample_images(run.config, generators(run)[kind], sample_count(self._dataset))
            first, second = self._distances(fakes)
            points.append({"step": int(run.state.step), "frechet_distance": first, "second_frechet_distance": second})
        shutil.rmtree(folder / "snapshots", ignore_errors=True)
        return points

    def _distances(self, fakes: np.ndarray) -> list[float]:
        features = (extract(evaluator, fakes)[0] for evaluator in (self._first, self._second))
        return [frechet_distance(reals, own) for reals, own in zip(self._reals, features, strict=True)]


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
