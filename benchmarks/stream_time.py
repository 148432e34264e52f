"""Time training on images that are read from files while it runs, beside the same images in memory.

python benchmarks/stream_time.py --json docs/results/stream_time.json

Writes PNGs of noise, which compress worst, into a temporary folder, and trains on them in turns. "waiting" is the part
of the time in which the loop waits for images, the opening of the stream included.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_jax import GanConfig, gan_step, init_state, load_dataset, run_keys, train
from gan_jax.runs.setup import networks_config, prepare_start
from gan_jax.settings import RunConfig


class Waiting:
    """A source of images that notes how long it is asked."""

    def __init__(self, source: Any) -> None:
        self._source, self.steps_per_epoch, self.seconds = source, source.steps_per_epoch, 0.0

    def batches(self, epoch: int, start: int, stop: int) -> Any:
        """The source's."""
        began = time.perf_counter()
        found = self._source.batches(epoch, start, stop)
        self.seconds += time.perf_counter() - began
        return found


def write_images(folder: Path, count: int, size: int) -> None:
    generator = np.random.default_rng(0)
    for index in range(count):
        Image.fromarray(generator.integers(0, 256, (size, size, 3), np.uint8)).save(folder / f"{index:06d}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {"in memory": [], "streamed": []}
    waiting: dict[str, list[float]] = {"in memory": [], "streamed": []}
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), arguments.images, arguments.size)
        datasets = {name: load_dataset(folder, stream=name == "streamed") for name in seconds}
        gan = GanConfig(width=arguments.width, batch_size=arguments.batch_size)
        for turn in range(arguments.rounds + 1):
            for name, dataset in datasets.items():
                settings = RunConfig(gan=gan, dataset=folder)
                config = networks_config(settings, dataset)
                start = prepare_start(settings, config, dataset.train_images)
                source, keys = Waiting(start.source), run_keys(0)
                state = init_state(config, keys.init)
                began = time.perf_counter()
                for _ in train(config, gan_step, state, source, keys, num_steps=arguments.steps, log_every=20):
                    pass
                if turn:
                    seconds[name].append(time.perf_counter() - began)
                    waiting[name].append(source.seconds)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    figures = {
        "images": arguments.images,
        "size": arguments.size,
        "width": arguments.width,
        "batch_size": arguments.batch_size,
        "ms per step": {name: round(1000 * value / arguments.steps, 2) for name, value in medians.items()},
        "ratio": round(medians["streamed"] / medians["in memory"], 3),
        "waiting": {name: round(float(np.median(values)) / medians[name], 4) for name, values in waiting.items()},
    }
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
