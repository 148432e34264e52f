"""Train a generator and a discriminator together.

Each step trains D on real images and on fakes, then G on the updated D's score of the same fakes. The same 64 latents
are drawn after every epoch, so that one sees G improve.
"""

from pathlib import Path

from jax import Array

from gan_jax import GanConfig, GanState, RunConfig, RunKeys, gan_step, generate, sample_latents
from gan_jax.command_line import run_script
from gan_jax.experiment import Experiment


def draw_same_latents(config: GanConfig, state: GanState, keys: RunKeys) -> Array:
    return generate(config, state.generator, sample_latents(config, keys.display, 64))


if __name__ == "__main__":
    experiment = Experiment(gan_step, draw_same_latents, draw_at="epoch_end")
    run_script(experiment, RunConfig(epochs=40, output_dir=Path("runs/gan")))
