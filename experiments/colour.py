"""Compare recipes on colour pictures at equal time, and augmentations on few of them.

colour_plan.py says what is compared, and was written first. The command resumes where it stopped: every finished run is
a line of the files under --results, and one that is under way has its checkpoints under --output-dir. Two of the
command, with a core each, divide the runs between them.
"""

import contextlib
import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from colour_claims import Outcomes, by_arm_and_seed
from colour_plan import (
    AT_FIRST,
    FAKES,
    RECIPES,
    SEARCH_SEED,
    SECONDS,
    SEEDS,
    STAGES,
    Arm,
    few_arms,
    name_of,
    r3gan_with,
    recipe_arms,
    search_trials,
)
from filelock import FileLock, Timeout

from gan_jax import (
    Batch,
    Dataset,
    DivergedError,
    Experiment,
    GanConfig,
    RunConfig,
    gan_step,
    init_state,
    load_dataset,
    load_run,
    run_experiment,
    run_keys,
)
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse
from gan_jax.evaluation import (
    authenticity,
    frechet_distance,
    kernel_distance,
    load_features,
    precision_recall,
)
from gan_jax.evaluation.feature_network import cached_features, image_features
from gan_jax.files import append_line, read_json_lines, write_json
from gan_jax.inference.sampling import sample_fakes
from gan_jax.pictures.grids import save_grid
from gan_jax.runs.setup import networks_config
from gan_jax.training.compiled import scan_steps


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where the pictures are and the files go."""

    cifar10: str = "cifar10"
    """CIFAR-10, as gan-jax train --dataset takes it."""
    emoji: str = "twemoji.zip"
    """The emoji, as gan-jax train --dataset takes them."""
    network: Path = Path("efficientnet-lite0.onnx")
    """What imagenet_features.py wrote."""
    output_dir: Path = Path("runs/colour")
    """The folder of the runs."""
    results: Path = Path("docs/results/colour")
    """The folder of the figures: small files of JSON lines."""


class Study:
    """The data sets, the networks that score, and what has been found."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.results.mkdir(parents=True, exist_ok=True)
        sets = {name: load_dataset(getattr(settings, name)) for name in ("cifar10", "emoji")}
        self.sets = sets | {"search": without_a_sixth(sets["cifar10"])}

    def outcomes(self, arms: Mapping[str, Arm], seeds: Sequence[int], file: str) -> Outcomes:
        """Of every arm with every seed: made, found in a file of results, or awaited from another process."""
        path = self.settings.results / f"{file}.jsonl"
        self._measure_costs(arms)
        wanted = [(name, seed) for seed in seeds for name in arms]
        while missing := [each for each in wanted if each not in found_in(path)]:
            for name, seed in missing:
                with self._claim(f"{file} {name} {seed}") as is_ours:
                    if is_ours and (name, seed) not in found_in(path):
                        self._run(name, arms[name], seed, path)
                        break
            else:
                time.sleep(10)
        return {each: found_in(path)[each] for each in wanted}

    @contextlib.contextmanager
    def _claim(self, name: str, wait: bool = False) -> Generator[bool]:
        """Whether no other process has this piece of work, which is then this one's."""
        self.settings.output_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.settings.output_dir / f".{name.replace(' ', '_')}.lock", blocking=wait)
        with contextlib.suppress(Timeout):
            lock.acquire()
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def _run(self, name: str, arm: Arm, seed: int, path: Path) -> None:
        """Train and score an arm, and append the outcome to a file of results."""
        dataset, config = self._of(arm)
        steps = max(1, int(SECONDS[arm.data] / self._costs()[arm.like or name]))
        folder = self.settings.output_dir / path.stem / f"{name} {seed}".replace(" ", "_")
        began = time.process_time()
        found: dict[str, Any] = {"arm": name, "seed": seed, "steps": steps, "images": steps * config.batch_size}
        run_settings = RunConfig(
            arm.config, steps=steps, seed=seed, output_dir=folder, resume=True, keep_checkpoints=1, quiet=True
        )
        try:
            run_experiment(run_settings, Experiment(draw_at=()), dataset=dataset)
            found |= {"seconds": round(time.process_time() - began, 1)} | self._scores(folder, dataset, arm)
        except DivergedError as error:
            found["diverged"] = str(error)
        append_line(path, found)
        shutil.rmtree(folder)
        print(json.dumps(found), flush=True)

    def _of(self, arm: Arm) -> tuple[Dataset, GanConfig]:
        """The images and the settings of its networks."""
        dataset = self.sets[arm.data] if arm.num_images is None else evenly(self.sets[arm.data], arm.num_images)
        return dataset, networks_config(RunConfig(arm.config), dataset)

    def _costs(self) -> dict[str, float]:
        """Processor seconds of a step of every arm that has been measured."""
        path = self.settings.results / "costs.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _measure_costs(self, arms: Mapping[str, Arm]) -> None:
        """Have the costs of arms: those that are not known are measured in turns, in one sitting."""
        with self._claim("costs", wait=True):
            configs = {arm.like or name: self._of(arm)[1] for name, arm in arms.items()}
            unknown = {name: config for name, config in configs.items() if name not in self._costs()}
            found = {name: round(seconds, 4) for name, seconds in step_seconds(unknown).items()}
            write_json(self.settings.results / "costs.json", self._costs() | found)

    def _scores(self, folder: Path, dataset: Dataset, arm: Arm) -> dict[str, Any]:
        run = load_run(folder)
        fakes = sample_fakes(run.config, run.generator, dataset, FAKES)
        scores: dict[str, Any] = {"authenticity": authenticity(fakes, dataset.train_images).share}
        whole = self.sets[arm.data]  # whose evaluator is that of every part
        for place, features in (("own", "classifier"), ("imagenet", f"onnx:{self.settings.network}")):
            network = load_features(features, whole)
            real, fake = cached_features(network, dataset.test_images).features, image_features(network, fakes).features
            found = precision_recall(real, fake)
            scores[place] = {
                "name": network.name,
                "accuracy": network.accuracy,
                "frechet_distance": round(frechet_distance(real, fake), 4),
                "kernel_distance": kernel_distance(real, fake).value,
                "precision": found.precision,
                "recall": found.recall,
            }
        picture = self.settings.results / "pictures" / f"{folder.name}.png"
        picture.parent.mkdir(exist_ok=True)
        save_grid(picture, fakes[:40], folder.name.replace("_", " "), 10)
        return scores


def found_in(path: Path) -> Outcomes:
    """The outcomes in a file of results."""
    return by_arm_and_seed(read_json_lines(path))


def without_a_sixth(dataset: Dataset) -> Dataset:
    """The data set with one in six of its training images in the place of the test images."""
    images, labels = dataset.train_images, dataset.train_labels
    held = np.arange(len(images)) % 6 == 0
    parts = {"train": ~held, "test": held}
    arrays = {f"{part}_images": images[rows] for part, rows in parts.items()}
    return dataclasses.replace(dataset, **arrays, **{f"{part}_labels": labels[rows] for part, rows in parts.items()})


def evenly(dataset: Dataset, count: int) -> Dataset:
    """The data set with so many of its training images, evenly through them."""
    rows = np.linspace(0, len(dataset.train_images), count, endpoint=False).astype(int)
    return dataclasses.replace(
        dataset, train_images=dataset.train_images[rows], train_labels=dataset.train_labels[rows]
    )


def step_seconds(configs: Mapping[str, GanConfig], steps: int = 3, turns: int = 5) -> dict[str, float]:
    """Processor seconds of a step with each of some settings: the least of some turns, which they take one by one."""
    timed = {name: _timed_steps(config, steps) for name, config in configs.items()}
    times: dict[str, list[float]] = {name: [] for name in configs}
    for _ in range(1 + turns):  # the first turn compiles
        for name, take in timed.items():
            began = time.process_time()
            take()
            times[name].append((time.process_time() - began) / steps)
    return {name: min(each[1:]) for name, each in times.items()}


def _timed_steps(config: GanConfig, steps: int) -> Callable[[], Any]:
    """What takes so many steps on random images."""
    config, keys = config.at(0, 10_000), run_keys(0)
    shape = (steps, config.images_per_step, *config.image_shape)
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    labels = jnp.zeros(shape[:2], jnp.int32) if config.conditional else None
    state = init_state(config, keys.init)
    return lambda: jax.block_until_ready(scan_steps(config, gan_step, state, Batch(images, labels), keys.step))


def distance(outcome: Mapping[str, Any]) -> float:
    """The Fréchet distance in ImageNet's features; infinite where a run diverged."""
    return np.inf if "diverged" in outcome else outcome["imagenet"]["frechet_distance"]


def search(study: Study) -> dict[str, Any]:
    """The settings of r3gan that have the least distance, stage after stage."""
    best: dict[str, Any] = {}
    for stage in STAGES:
        trials = search_trials(stage, best)
        arms = {
            name: Arm("search", r3gan_with(changes), like=name_of(changes | AT_FIRST))
            for name, changes in trials.items()
        }
        found = study.outcomes(arms, (SEARCH_SEED,), "search")
        best = trials[min(arms, key=lambda name: distance(found[name, SEARCH_SEED]))]
    write_json(study.settings.results / "chosen.json", best)
    return best


def main(settings: Settings) -> None:
    study = Study(settings)
    recipes = recipe_arms(search(study))
    plain = {f"emoji {name}": recipes[f"emoji {name}"] for name in RECIPES if name != "diffaugment"}
    found = study.outcomes(plain, SEEDS[:1], "runs")
    base = min(plain, key=lambda name: distance(found[name, SEEDS[0]]))
    study.outcomes(few_arms(plain[base].config) | recipes, SEEDS, "runs")


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
