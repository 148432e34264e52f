"""Train a generator alone, against an untrained discriminator that stays constant.

D's score of the fakes rises to nearly 1 while the images stay bad: a discriminator that has learned nothing about real
images cannot teach G anything about them. The fakes of the current batch are drawn at every logged line. D
may instead be that of a finished run (--discriminator), which stays constant too.
"""

from gan_jax import GanConfig, RunConfig
from gan_jax.cli.train import run_script

if __name__ == "__main__":
    run_script(RunConfig(GanConfig(initializer="he"), "generator", epochs=5))
