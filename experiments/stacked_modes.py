"""Count the modes that recipes find in stacked Fashion-MNIST: 1,000, a class of clothing in each colour channel.

Metz et al. 2017 stack digits; VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018) score 26,000 samples by a
classifier of each channel: how many of the 1,000 triples of classes appear, and the KL divergence of their shares from
equal ones. Here the finalists of compare_recipes.py train, each with its own D and with one that is half as wide, in
equal numbers of epochs. Their numbers cannot be compared with those of the papers, whose images are digits. The
command resumes after the last run that is done.
"""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from compare_plan import configuration, counted, finalists
from compare_recipes import generators, train

from gan_jax import Dataset, load_dataset, sample_images, steps_per_epoch
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse
from gan_jax.evaluation import Evaluator, extract, load_evaluator
from gan_jax.files import write_json

CHANNELS = 3
SAMPLES = 26_000
D_PARTS = (1.0, 0.5)  # of the width


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is counted, and where the files go."""

    data_dir: Path | None = None
    """A folder with Fashion-MNIST's four IDX files, used in place of a download."""
    seeds: int = 3
    """Seeds of each recipe, from 0."""
    epochs: int = 3
    """Epochs of 60,000 stacked images."""
    output_dir: Path = Path("runs/stacked")
    """The folder of the runs."""
    results: Path = Path("docs/results/comparison")
    """The folder with compare_recipes.py's search.json; stacked.json is written there."""


def main(settings: Settings) -> None:
    path = settings.results / "stacked.json"
    found = json.loads(path.read_text()) if path.exists() else []
    dataset = load_dataset("fashion_mnist", settings.data_dir)
    evaluator, stacked = load_evaluator(dataset), stack(dataset, seed=0)
    if not found:
        found.append({"name": "real", **mode_scores(evaluator, stacked.train_images[:SAMPLES])})
    done = {(entry["name"], entry.get("d_part"), entry.get("seed")) for entry in found}
    chosen = finalists(json.loads((settings.results / "search.json").read_text()))
    for seed in range(settings.seeds):
        for name, (arm, values) in chosen.items():
            for d_part in D_PARTS:
                if (name, d_part, seed) in done:
                    continue
                config = configuration(arm, values)
                config = dataclasses.replace(config, discriminator_width=round(d_part * config.width))
                steps = settings.epochs * steps_per_epoch(config, len(stacked.train_images))
                folder = settings.output_dir / f"{name} {d_part} {seed}"
                run = train(config, stacked, steps, seed, folder)
                scores: dict[str, Any] = {"modes": None, "divergence": None}
                if run:
                    scores = mode_scores(evaluator, sample_images(run.config, generators(run)[counted(arm)], SAMPLES))
                found.append({"name": name, "d_part": d_part, "seed": seed, "steps": steps, **scores})
                write_json(path, found)
                print(f"{name}, D {d_part}, seed {seed}: {scores}", flush=True)
                shutil.rmtree(folder)


def stack(dataset: Dataset, seed: int) -> Dataset:
    """Grey images, three of which make one in colour: each appears once in each channel; the label is their triple."""
    generator, count = np.random.default_rng(seed), len(dataset.class_names)

    def stacked(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        orders = [generator.permutation(len(images)) for _ in range(CHANNELS)]
        triples = sum(labels[order] * count**place for place, order in enumerate(reversed(orders)))
        return np.concatenate([images[order] for order in orders], axis=-1), np.asarray(triples, np.int32)

    train_images, train_labels = stacked(dataset.train_images, dataset.train_labels)
    test_images, test_labels = stacked(dataset.test_images, dataset.test_labels)
    names = tuple(f"{triple:0{CHANNELS}}" for triple in range(count**CHANNELS))
    return Dataset(f"stacked_{dataset.name}", train_images, train_labels, test_images, test_labels, names)


def mode_scores(evaluator: Evaluator, images: np.ndarray) -> dict[str, float]:
    """Triples of classes among images ``[N, height, width, 3]``, and the KL divergence from equal shares in nats."""
    classes = [extract(evaluator, images[..., channel, None])[1].argmax(axis=1) for channel in range(CHANNELS)]
    modes = evaluator.num_classes**CHANNELS
    counts = np.bincount(np.ravel_multi_index(classes, (evaluator.num_classes,) * CHANNELS), minlength=modes)
    shares = counts[counts > 0] / len(images)
    return {"modes": int((counts > 0).sum()), "divergence": round(float((shares * np.log(shares * modes)).sum()), 4)}


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
