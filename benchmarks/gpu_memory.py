"""Compile two of R3GAN's presets for an NVIDIA H200 on a machine without one, and say what memory their steps take.

XLA plans all memory of a program when it compiles it. The figures are those of one program of two steps: the training
state, and what the step needs beside it; the images of the data set come on top.

pip install "jax-cuda13-plugin==$(python -c 'import jax; print(jax.__version__)')"
python benchmarks/gpu_memory.py --json ../docs/results/gpu_memory.json
"""

import dataclasses
from pathlib import Path
from typing import Any

import tyro
from gpu_kernels import an_h200, lower
from machine import write_figures

from gan_jax import recipe

MICRO_BATCHES = {"r3gan-cifar10": (128, None), "r3gan-ffhq64": (64,)}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to compile."""

    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> None:
    device, found = an_h200(), []
    for name, sizes in MICRO_BATCHES.items():
        for size in sizes:
            config = dataclasses.replace(recipe(name), micro_batch=size, num_classes=10)
            plan: Any = lower(config, device, 2).compile().memory_analysis()
            images = 2 * config.images_per_step * (config.image_shape[0] ** 2 * 3 + 4 * config.conditional)
            found.append(
                {
                    "recipe": name,
                    "batch_size": config.batch_size,
                    "micro_batch": size,
                    "state_gib": (plan.argument_size_in_bytes - images) / 2**30,
                    "step_gib": plan.temp_size_in_bytes / 2**30,
                }
            )
            print(found[-1], flush=True)
    write_figures(settings, presets=found)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
