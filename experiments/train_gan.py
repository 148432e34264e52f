"""Train a generator and a discriminator together.

Each step trains D on real images (labels 1) and on fakes (labels 0) with one update along the sum of both losses. Then
the updated D scores the same fakes against labels 1, and G takes one update along that loss. The images of the same 64
latents are drawn after every epoch, so that one sees G improve. --recipe trains with other objectives, penalties and
networks.
"""

from gan_jax import RunConfig
from gan_jax.cli.train import run_script

if __name__ == "__main__":
    run_script(RunConfig())
