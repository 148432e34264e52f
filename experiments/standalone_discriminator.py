"""Train a discriminator alone, against a generator that never learns.

D soon tells images from noise without fail, its loss falls to nearly 0, and nothing comes of it: no generator uses what
it knows. The fakes of the current batch are drawn at every logged line; they stay noise.
"""

from pathlib import Path

from gan_jax import RunConfig, discriminator_step
from gan_jax.command_line import run_script
from gan_jax.experiment import Experiment, draw_current_batch

if __name__ == "__main__":
    experiment = Experiment(discriminator_step, draw_current_batch, draw_at="window_end")
    run_script(experiment, RunConfig(epochs=5, output_dir=Path("runs/discriminator")))
