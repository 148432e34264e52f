"""Train a generator alone, against an untrained discriminator that stays constant.

D's score of the fakes rises to nearly 1 while the images stay bad: a discriminator that has learned nothing about real
images cannot teach G anything about them. The fakes of the current batch are drawn at every logged line. D
may instead be that of a finished run (--discriminator), which stays constant too.
"""

from gan_jax import Experiment, GanConfig, RunConfig, describe_score, draw_current_batch, generator_step
from gan_jax.cli.train import run_script

if __name__ == "__main__":
    experiment = Experiment(generator_step, draw_current_batch, draw_at="window_end", describe_start=describe_score)
    run_script(experiment, RunConfig(GanConfig(initializer="he"), epochs=5))
