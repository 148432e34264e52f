"""Train a generator alone, against an untrained discriminator that stays constant.

D's score of the fakes climbs to nearly 1 while the images stay bad: a critic that learned nothing is easy to please,
and pleasing it teaches G nothing. The fakes of the current batch are drawn at every logged line. With --discriminator
the critic is a trained one, from a finished run; it stays constant all the same.
"""

from pathlib import Path

from gan_jax import GanConfig, GanState, RunConfig, RunKeys, discriminate, generator_step, mean_score
from gan_jax.command_line import run_script
from gan_jax.experiment import Experiment, draw_current_batch, fakes_of_last_batch


def describe_start(config: GanConfig, state: GanState, keys: RunKeys) -> str:
    fakes = fakes_of_last_batch(config, state, keys)
    return f"before the first batch  D(G(z)) {mean_score(discriminate(config, state.discriminator, fakes)):.3f}"


if __name__ == "__main__":
    experiment = Experiment(generator_step, draw_current_batch, draw_at="window_end", describe_start=describe_start)
    run_script(experiment, RunConfig(GanConfig(initializer="he"), epochs=5, output_dir=Path("runs/generator")))
