"""A generator after StyleGAN2 (Karras et al. 2020): a mapping network, modulated convolutions and noise inputs."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax import NETWORKS, GanConfig, Networks, from_linen, latents_like


class ModulatedConv(nn.Module):
    """A 3x3 convolution whose kernel is scaled by each image's style, and brought back to unit variance."""

    features: int

    @nn.compact
    def __call__(self, images, style):
        inside = images.shape[-1]
        kernel = self.param("kernel", nn.initializers.normal(1.0), (3, 3, inside, self.features))
        kernel = kernel * (9 * inside) ** -0.5
        scale = nn.Dense(inside, bias_init=nn.initializers.ones_init())(style)
        demodulation = jax.lax.rsqrt(jnp.einsum("ni,hwio->no", scale**2, kernel**2) + 1e-8)
        hidden = jax.lax.conv_general_dilated(
            images * scale[:, None, None, :], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        hidden = hidden * demodulation[:, None, None, :]
        if self.has_rng("params"):
            noise = jax.random.normal(self.make_rng("params"), (*hidden.shape[:-1], 1))
            hidden += self.param("noise", nn.initializers.zeros_init(), ()) * noise
        else:  # in eval mode, without noise
            self.param("noise", nn.initializers.zeros_init(), ())
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return nn.leaky_relu(hidden + bias[None, None, None], 0.2) * 2**0.5


class Generator(nn.Module):
    config: GanConfig

    @nn.compact
    def __call__(self, latents, labels, train):
        config, size = self.config, self.config.image_shape[0]
        style = latents * jax.lax.rsqrt(jnp.mean(latents**2, axis=1, keepdims=True) + 1e-8)
        for _ in range(2):
            style = nn.leaky_relu(nn.Dense(4 * config.width)(style), 0.2)
        halvings = 0
        while size % 2 == 0 and size > 7:
            size, halvings = size // 2, halvings + 1
        hidden = self.param("constant", nn.initializers.normal(1.0), (1, size, size, config.channels(halvings)))
        hidden = jnp.repeat(hidden, len(latents), axis=0)
        for stage in reversed(range(halvings)):
            hidden = hidden.repeat(2, axis=1).repeat(2, axis=2)
            hidden = ModulatedConv(config.channels(stage))(hidden, style)
        return nn.Conv(config.image_shape[2], (1, 1))(hidden)


NETWORKS["style"] = Networks(from_linen(Generator, latents_like), NETWORKS["dcgan"].discriminator)
