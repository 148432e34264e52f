"""Show that a generator improves only while its critic learns.

Four arms share seeds, data, networks, latents and budget: both networks together; G alone against an untrained D that
stays constant; G alone against a trained D that stays constant; D alone. Each is scored while it trains. Writes
lesson.json, lesson.md (the tables), lesson.png and strips.npz (images of every arm). When it is started again, it
resumes where it stopped.
"""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from lesson_claims import claims, tables
from lesson_figure import save_lesson_figure

from gan_jax import (
    Dataset,
    Experiment,
    GanConfig,
    RunConfig,
    discriminate,
    generate,
    load_dataset,
    load_weights,
    mean_score,
    quantize_images,
    run_experiment,
    run_keys,
    sample_images,
    sample_latents,
    steps_per_epoch,
)
from gan_jax.array_files import save_arrays
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse
from gan_jax.config import require
from gan_jax.evaluation import (
    Evaluator,
    critic_accuracy,
    extract,
    frechet_distance,
    load_anchors,
    load_evaluator,
    sliced_wasserstein,
)
from gan_jax.evaluation.protocol import FEWEST
from gan_jax.files import write_json, write_text
from gan_jax.runs.watchers.snapshots import Snapshots
from gan_jax.storage.digests import tree_digest
from gan_jax.storage.history import read_history
from gan_jax.storage.run_folder import RunFolder

SCORES = ("frechet_distance", "sliced_wasserstein", "critic_accuracy")
INITIALIZERS = ("dcgan", "lecun", "he")
TABLE_BATCHES = (1, 50, 100, 200)  # of the table of initializers


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to train."""

    name: str  # its folder
    label: str
    game: str
    trained_critic: bool = False  # D is taken from the joint arm


ARMS = (
    Arm("joint", "G and D together", "joint"),
    Arm("untrained_critic", "G alone, D untrained", "generator"),
    Arm("trained_critic", "G alone, D trained", "generator", trained_critic=True),
    Arm("discriminator", "D alone", "discriminator"),
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The lesson's networks, images and length."""

    gan: GanConfig = dataclasses.field(default_factory=lambda: GanConfig(initializer="he"))
    """Networks and optimizer, of every arm."""
    dataset: str = "fashion_mnist"
    """fashion_mnist, mnist, kmnist (downloaded once), or digits (embedded)."""
    data_dir: Path | None = None
    """A folder with the data set's published files, used in place of a download."""
    epochs: int = 3
    """Passes over the training images, of every arm."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """The claims are tested only with at least three."""
    points: int = 8
    """How many times an arm is scored after its start; more often at first."""
    num_images: int = 10_000
    """Generated images for each scoring."""
    log_every: int = 50
    """Batches from one logged line to the next."""
    output_dir: Path = Path("runs/lesson")
    """The folder for all files; a lesson that is in it is resumed."""


def main(settings: Settings) -> None:
    require(bool(settings.seeds), "seeds", settings.seeds, "at least one")
    require(settings.num_images >= FEWEST, "num_images", settings.num_images, f"at least {FEWEST}")
    dataset = load_dataset(settings.dataset, settings.data_dir)
    config = dataclasses.replace(settings.gan, image_shape=dataset.image_shape)
    for seed in settings.seeds:
        for arm in ARMS:
            train_arm(settings, config, dataset, arm, seed)
    train_initializers(settings, config, dataset)
    evaluator = load_evaluator(dataset)
    score = make_scorer(settings, config, dataset, evaluator)
    arms = {arm.name: [measure(settings, config, score, arm, seed) for seed in settings.seeds] for arm in ARMS}
    anchors = load_anchors(evaluator, dataset)
    chosen = dataclasses.asdict(settings)
    lesson = {
        "settings": {name: value for name, value in chosen.items() if name not in ("data_dir", "output_dir")},
        "labels": {arm.name: arm.label for arm in ARMS},
        "dataset_sha256": dataset.content_hash,
        "evaluator": evaluator.name,
        "evaluator_sha256": evaluator.sha256,
        "anchors": {name: {score: anchors[name][score] for score in SCORES} for name in ("real", "noise")},
        "arms": arms,
        "cross_play": cross_play(settings, config),
        "initializers": initializer_table(settings),
        "initializer_batches": TABLE_BATCHES,
    }
    lesson["claims"] = claims(lesson)
    write_json(settings.output_dir / "lesson.json", lesson)
    write_text(settings.output_dir / "lesson.md", tables(lesson))
    strips = {arm.name: strip(settings, config, arm) for arm in ARMS}
    kept = [{f"{name}/steps": np.array(steps), f"{name}/images": images} for name, (steps, images) in strips.items()]
    save_arrays(settings.output_dir / "strips.npz", {key: array for entry in kept for key, array in entry.items()})
    save_lesson_figure(settings.output_dir / "lesson.png", lesson, strips)
    print(tables(lesson))
    print(f"The lesson is in {settings.output_dir}")


def train_arm(settings: Settings, config: GanConfig, dataset: Dataset, arm: Arm, seed: int) -> None:
    """Train, or resume, and save the weights at the steps to score."""
    critic = run_folder(settings, ARMS[0], seed) if arm.trained_critic else None
    folder = run_folder(settings, arm, seed)
    options = {"game": arm.game, "epochs": settings.epochs, "discriminator": critic}
    run_settings = run_config(settings, config, seed, folder, **options)
    steps = points(settings, steps_per_epoch(config, len(dataset.train_images)))
    snapshots = functools.partial(Snapshots, steps=steps)
    run_experiment(run_settings, Experiment(draw_at=steps, watchers=(snapshots,)), dataset=dataset)


def train_initializers(settings: Settings, config: GanConfig, dataset: Dataset) -> None:
    """Train G alone against an untrained D for the first batches, from each distribution of initial weights."""
    experiment = Experiment(draw_at=())
    for initializer in INITIALIZERS:
        for seed in settings.seeds:
            gan = dataclasses.replace(config, initializer=initializer)
            folder = settings.output_dir / "initializers" / initializer / f"seed_{seed}"
            run_settings = run_config(settings, gan, seed, folder, game="generator", steps=TABLE_BATCHES[-1])
            run_experiment(run_settings, experiment, dataset=dataset)


def run_config(settings: Settings, config: GanConfig, seed: int, folder: Path, **options: Any) -> RunConfig:
    shared = {"dataset": settings.dataset, "data_dir": settings.data_dir, "log_every": settings.log_every}
    return RunConfig(gan=config, seed=seed, output_dir=folder, resume=True, keep_checkpoints=1, **shared, **options)


def points(settings: Settings, per_epoch: int) -> list[int]:
    """The steps to score at: the start, then at growing intervals, each where a logged line is due."""
    num_steps = settings.epochs * per_epoch
    spaced = np.geomspace(min(settings.log_every, num_steps), num_steps, settings.points)

    def line_at(step: int) -> int:
        epoch, batch = divmod(step - 1, per_epoch)
        return epoch * per_epoch + min(per_epoch, (batch // settings.log_every + 1) * settings.log_every)

    return [0, *sorted({num_steps, *(min(num_steps, line_at(round(step))) for step in spaced)})]


def measure(
    settings: Settings, config: GanConfig, score: Callable[[Path], dict[str, float]], arm: Arm, seed: int
) -> dict[str, Any]:
    """An arm's scores at its points, its discriminator's scores of the fakes at every step, and D's digests."""
    folder = RunFolder(run_folder(settings, arm, seed))
    steps = folder.snapshot_steps()
    scores = [score(folder.snapshot(step)) for step in steps]
    history = read_history(folder.history)
    own = history["d_g_z2" if "d_g_z2" in history else "d_g_z1"]
    ends = [load_weights(folder.snapshot(step), config)[1].discriminator for step in (steps[0], steps[-1])]
    return {
        "seed": seed,
        "steps": steps,
        **{name: [entry[name] for entry in scores] for name in SCORES},
        "own_scores": [round(float(value), 6) for value in own],
        "discriminator_sha256": [tree_digest(end.variables) for end in ends],
    }


def make_scorer(
    settings: Settings, config: GanConfig, dataset: Dataset, evaluator: Evaluator
) -> Callable[[Path], dict[str, float]]:
    """A function that scores a snapshot and saves the scores beside it."""
    asked = {"num_images": settings.num_images, "evaluator": evaluator.sha256}
    reals = dataset.test_images
    real_features = functools.cache(lambda: extract(evaluator, reals)[0])

    def score(snapshot: Path) -> dict[str, float]:
        kept = snapshot.with_suffix(".json")
        if kept.exists() and (found := json.loads(kept.read_text()))["asked"] == asked:
            return found["scores"]
        fakes = sample_images(config, load_weights(snapshot, config)[1].generator.variables, settings.num_images)
        scores = {
            "frechet_distance": frechet_distance(real_features(), extract(evaluator, fakes)[0]),
            "sliced_wasserstein": sliced_wasserstein(reals, fakes),
            "critic_accuracy": critic_accuracy(reals, fakes),
        }
        write_json(kept, {"asked": asked, "scores": scores})
        values = "  ".join(f"{name} {value:.3g}" for name, value in scores.items())
        print(f"{snapshot.with_suffix('')}  {values}", flush=True)
        return scores

    return score


def cross_play(settings: Settings, config: GanConfig) -> list[list[list[float]]]:
    """Mean score that each arm's last D (columns) gives to each arm's last G (rows), for each seed."""
    matrices = []
    for seed in settings.seeds:
        states = [load_weights(run_folder(settings, arm, seed) / "weights.npz", config)[1] for arm in ARMS]
        latents = sample_latents(config, jax.random.key(seed), 500)
        fakes = [generate(config, state.generator.variables, latents) for state in states]
        judges = [state.discriminator.variables for state in states]
        matrices.append(
            [[float(mean_score(discriminate(config, judge, images))) for judge in judges] for images in fakes]
        )
    return matrices


def initializer_table(settings: Settings) -> dict[str, list[list[float]]]:
    """D's score of the fakes at ``TABLE_BATCHES``, for each distribution of initial weights and each seed."""
    table = {}
    for initializer in INITIALIZERS:
        table[initializer] = []
        for seed in settings.seeds:
            folder = settings.output_dir / "initializers" / initializer / f"seed_{seed}"
            scores = read_history(folder / "history.npz")["d_g_z2"]
            table[initializer].append([float(scores[batch - 1]) for batch in TABLE_BATCHES])
    return table


def strip(settings: Settings, config: GanConfig, arm: Arm) -> tuple[list[int], np.ndarray]:
    """The first seed's images of the same four latents at each point: ``[points, 4, H, W, C]`` uint8."""
    folder = RunFolder(run_folder(settings, arm, settings.seeds[0]))
    steps = folder.snapshot_steps()
    latents = sample_latents(config, run_keys(settings.seeds[0]).display, 64)
    generators = [load_weights(folder.snapshot(step), config)[1].generator.variables for step in steps]
    images = [generate(config, generator, latents)[:4] for generator in generators]
    return steps, quantize_images(np.stack(images))


def run_folder(settings: Settings, arm: Arm, seed: int) -> Path:
    return settings.output_dir / arm.name / f"seed_{seed}"


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
