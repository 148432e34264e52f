"""Projection: the latent whose image is nearest to a given one."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from numpy.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.data.pixels import normalize_images, quantize_images
from gan_jax.errors import InputError
from gan_jax.inference.sampling import require_classes
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import discriminator_features
from gan_jax.training.forward import generate, sample_latents

_LEARNING_RATE = 0.5
_TINY = 1e-3  # beside squares of pixels in [-1, 1]: an image of one grey has no variance, a dead layer no features


class Projection(NamedTuple):
    """What ``project_image`` found."""

    latent: np.ndarray  # [latent_dim] float32
    label: int | None  # its class, of a conditional generator
    image: np.ndarray  # [height, width, channels] uint8
    pixel_distance: float  # root mean square of the differences, in levels of 0 to 255
    losses: np.ndarray  # [restarts] float32, of each restart at its end


def project_image(
    config: GanConfig,
    generator: Variables,
    discriminator: Variables,
    image: ArrayLike,
    *,
    restarts: int = 16,
    steps: int = 500,
    seed: int = 0,
    label: int | None = None,
) -> Projection:
    r"""Find the latent z whose image G(z) is nearest to an image x, in pixels and in D's features.

    It minimizes $\frac{|G(z) - x|^2}{|x - \bar x|^2} + \frac1L \sum_l \frac{|D_l(G(z)) - D_l(x)|^2}{|D_l(x)|^2}$
    over the L inner layers of D (distances in pixels and in a network's features: Dosovitskiy & Brox 2016), by Adam
    with a cosine schedule, and keeps the latents on the sphere that most of N(0, 1) is near, of radius
    $\sqrt{latent\_dim}$ (Menon et al. 2020, section 3.3). All restarts are one mapped program, and the best one
    counts.

    Args:
      config: the networks' configuration.
      generator: the generator's variables, such as ``sampling_generator`` gives.
      discriminator: the discriminator's variables.
      image: ``[height, width, channels]`` uint8.
      restarts: how many latents to begin from.
      steps: of Adam.
      seed: decides where they begin.
      label: the class that a conditional generator is asked for; by default restarts take the classes in turn.

    Returns:
      The projection.

    Raises:
      InputError: the networks make points, the image has another shape, the label is not one of the networks' classes,
        or there are fewer restarts than classes.
    """
    pixels = np.asarray(image)
    if config.makes_points:
        raise InputError("the run's networks make points, which have no projection; give a run of images.")
    if pixels.shape != config.image_shape or pixels.dtype != np.uint8:
        raise InputError(f"the image is {pixels.dtype} {pixels.shape}; it must be uint8 {config.image_shape}.")
    if label is not None:
        require_classes(config, [label], 1)
    labels = None
    classes = config.trained_classes if label is None else [label]
    if config.conditional:
        if restarts < len(classes):
            raise InputError(f"restarts is {restarts}; it must be at least {len(classes)}, one for each class.")
        labels = jnp.asarray(np.resize(classes, restarts))
    starts = _on_sphere(sample_latents(config, jax.random.key(seed), restarts))
    rates = _LEARNING_RATE * optax.cosine_decay_schedule(1.0, steps)(jnp.arange(steps))
    latents, losses = _search(config, generator, discriminator, normalize_images(pixels), starts, labels, rates)
    best = int(jnp.argmin(losses))
    found = None if labels is None else labels[best : best + 1]
    made = quantize_images(generate(config, generator, latents[best : best + 1], found))[0]
    distance = np.sqrt(np.mean((made.astype(float) - pixels) ** 2))
    return Projection(
        np.asarray(latents[best]), None if found is None else int(found[0]), made, float(distance), np.asarray(losses)
    )


@jax.jit
def _search(
    config: GanConfig,
    generator: Variables,
    discriminator: Variables,
    target: Array,
    starts: Array,
    labels: Array | None,
    rates: Array,
) -> tuple[Array, Array]:
    """The latents at the end of every restart, and their losses."""
    variance = jnp.mean((target - target.mean()) ** 2) + _TINY

    def features(images: Array, label: Array | None) -> list[Array]:
        return discriminator_features(config, discriminator, images, label)

    def project(start: Array, label: Array | None) -> tuple[Array, Array]:
        labels = None if label is None else label[None]
        wanted = features(target[None], labels)

        def loss(latent: Array) -> Array:
            made = generate(config, generator, latent[None], labels)
            seen = features(made, labels)
            parts = [
                jnp.mean((layer - other) ** 2) / (jnp.mean(other**2) + _TINY)
                for layer, other in zip(seen, wanted, strict=True)
            ]
            return jnp.mean((made[0] - target) ** 2) / variance + jnp.mean(jnp.stack(parts))

        def step(carry: Any, rate: Array) -> tuple[Any, None]:
            latent, moments = carry
            update, moments = adam.update(jax.grad(loss)(latent), moments)
            return (_on_sphere(latent - rate * jnp.asarray(update)), moments), None

        adam = optax.scale_by_adam(b1=0.9, b2=0.999)
        (latent, _), _ = lax.scan(step, (start, adam.init(start)), rates)
        return latent, loss(latent)

    return jax.vmap(project, in_axes=(0, None if labels is None else 0))(starts, labels)


def _on_sphere(latents: Array) -> Array:
    """Latents ``[..., latent_dim]`` scaled to the length that N(0, 1) has on average, about ``sqrt(latent_dim)``."""
    return latents * jnp.sqrt(latents.shape[-1] / jnp.sum(latents**2, axis=-1, keepdims=True))
