"""Train a generator alone, against an untrained discriminator that stays constant.

D's score of the fakes rises to nearly 1 while the images stay bad: a discriminator that has learned nothing about real
images cannot teach G anything about them. The fakes of the current batch are drawn at every logged line. D
may instead be that of a finished run (--discriminator), which stays constant too.
"""

from pathlib import Path

import jax
from jax import Array

from gan_jax import (
    Experiment,
    GanConfig,
    GanState,
    RunConfig,
    RunKeys,
    batch_fakes,
    discriminate,
    generator_step,
    mean_score,
)
from gan_jax.cli.train import run_script


def last_fakes(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    last_step = max(int(state.step) - 1, 0)
    return batch_fakes(config, state, jax.random.fold_in(keys.step, last_step))


def draw_fakes(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    return last_fakes(config, state, keys)[:64]


def describe_start(config: GanConfig, state: GanState, keys: RunKeys) -> str:
    score = mean_score(discriminate(config, state.discriminator, last_fakes(config, state, keys)))
    return f"before the first batch  d_g_z2 {score:.3f}"


if __name__ == "__main__":
    experiment = Experiment(generator_step, draw_fakes, draw_at="window_end", describe_start=describe_start)
    run_script(experiment, RunConfig(GanConfig(initializer="he"), epochs=5, output_dir=Path("runs/generator")))
