"""Train a discriminator alone, against a generator whose weights stay constant.

D soon tells real images from the fakes every time, and its loss falls to nearly 0, but the fakes do not improve, since
no generator learns from D. The fakes of the current batch are drawn at every logged line; they stay noise.
"""

from pathlib import Path

import jax
from jax import Array

from gan_jax import Experiment, GanConfig, GanState, RunConfig, RunKeys, batch_fakes, discriminator_step
from gan_jax.cli.train import run_script


def draw_fakes(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    last_step = max(int(state.step) - 1, 0)
    return batch_fakes(config, state, jax.random.fold_in(keys.step, last_step))[:64]


if __name__ == "__main__":
    experiment = Experiment(discriminator_step, draw_fakes, draw_at="window_end")
    run_script(experiment, RunConfig(epochs=5, output_dir=Path("runs/discriminator")))
