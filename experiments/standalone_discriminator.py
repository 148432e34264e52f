"""Train a discriminator alone, against a generator whose weights stay constant.

D soon tells real images from the fakes every time, and its loss falls to nearly 0, but the fakes do not improve, since
no generator learns from D. The fakes of the current batch are drawn at every logged line; they stay noise.
"""

from gan_jax import RunConfig
from gan_jax.cli.train import run_script

if __name__ == "__main__":
    run_script(RunConfig(game="discriminator", epochs=5))
