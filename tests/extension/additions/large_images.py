"""Networks for images of any size that is a multiple of 32, such as 128 and 256 pixels."""

import jax.numpy as jnp
from flax import linen as nn

from gan_jax import NETWORKS, GanConfig, InputError, Networks, from_linen, images_like, latents_like


class Generator(nn.Module):
    config: GanConfig

    @nn.compact
    def __call__(self, latents, labels, train):
        config, size = self.config, self.config.image_shape[0] // 32
        hidden = nn.Dense(size * size * config.channels(5))(latents).reshape(len(latents), size, size, -1)
        for stage in reversed(range(5)):
            hidden = nn.leaky_relu(hidden.repeat(2, axis=1).repeat(2, axis=2), 0.2)
            hidden = nn.Conv(config.channels(stage), (3, 3))(hidden)
        return jnp.tanh(nn.Conv(config.image_shape[2], (1, 1))(hidden))


class Discriminator(nn.Module):
    config: GanConfig

    @nn.compact
    def __call__(self, images, labels, train):
        hidden = images
        for stage in range(5):
            hidden = nn.leaky_relu(nn.Conv(self.config.channels(stage), (3, 3), strides=2)(hidden), 0.2)
        return nn.Dense(1)(hidden.reshape(len(images), -1))[:, 0]


def require(config):
    if config.makes_points or config.image_shape[0] % 32:
        raise InputError(f"image_shape is {config.image_shape}; network large needs a multiple of 32 pixels.")


NETWORKS["large"] = Networks(
    from_linen(Generator, latents_like), from_linen(Discriminator, images_like, single_image_logits=True), require
)
