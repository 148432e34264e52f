"""How networks are told an image's class: an embedding beside the latents, and an inner product in the discriminator.

All are called inside of a network's ``__call__``; without ``config.conditional`` they return what they are given.
"""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array

from gan_jax.config import GanConfig
from gan_jax.nn.spectral import divide_by_spectral_norm

EMBEDDING_SIZE = 32


def embed_class(
    config: GanConfig, latents: Array, labels: Array | None, size: int = EMBEDDING_SIZE, deviation: float = 1.0
) -> Array:
    """Put a learned vector of each one's class beside the latents: ``[batch, latent_dim + size]``.

    Args:
      config: its ``conditional`` and ``num_classes`` count.
      latents: ``[batch, latent_dim]`` float.
      labels: ``[batch]`` int32, or None for the classes in turn.
      size: entries of a vector.
      deviation: the standard deviation of its entries at first.
    """
    if not config.conditional:
        return latents
    labels = classes_in_turn(config, len(latents)) if labels is None else labels
    vectors = _Embedding(config.num_classes, size, deviation=deviation, name="embed")(labels)
    return jnp.concatenate([latents, jnp.asarray(vectors, latents.dtype)], axis=-1)


def project_class(config: GanConfig, logits: Array, features: Array, labels: Array | None, train: bool) -> Array:
    """Add the inner product of an image's features and its class's learned vector (Miyato & Koyama 2018, eq. 3).

    Args:
      config: its ``conditional`` and ``num_classes`` count.
      logits: ``[batch]`` float, without the class.
      features: ``[batch, height, width, channels]`` float, of D's last hidden layer; summed over the pixels.
      labels: ``[batch]`` int32.
      train: whether the spectral norm of the vectors moves on, where there is one.

    Raises:
      ValueError: the networks are conditional and there are no labels.
    """
    if not config.conditional:
        return logits
    labels, spectral = _require_labels(labels), config.normalization == "spectral"
    vectors = _Embedding(config.num_classes, features.shape[-1], spectral, name="embed")(labels, train)
    summed = jnp.sum(features, axis=(1, 2))
    return logits + jnp.asarray(jnp.sum(vectors * summed, axis=-1), logits.dtype)


def select_class(config: GanConfig, features: Array, labels: Array | None, deviation: float) -> Array:
    """Turn features into logits ``[batch]``: their inner product with the learned vector of the image's class.

    Args:
      config: its ``conditional`` and ``num_classes`` count.
      features: ``[batch, features]`` float; a single one, the logit, where there are no classes.
      labels: ``[batch]`` int32.
      deviation: the standard deviation of the vectors' entries at first.

    Raises:
      ValueError: the networks are conditional and there are no labels.
    """
    if not config.conditional:
        return features[:, 0]
    embedding = _Embedding(config.num_classes, features.shape[1], deviation=deviation, name="embed")
    return jnp.sum(features * jnp.asarray(embedding(_require_labels(labels)), features.dtype), axis=1)


def _require_labels(labels: Array | None) -> Array:
    if labels is None:
        raise ValueError("the networks are conditional; give the labels of the images.")
    return labels


class _Embedding(nn.Module):
    """A learned vector for each class; spectrally normalized they are the rows of one matrix."""

    num_classes: int
    size: int
    spectral: bool = False
    deviation: float = 1.0

    @nn.compact
    def __call__(self, labels: Array, train: bool = False) -> Array:
        vectors = self.param("vectors", nn.initializers.normal(self.deviation), (self.num_classes, self.size))
        return (divide_by_spectral_norm(self, vectors, train) if self.spectral else vectors)[labels]


def classes_in_turn(config: GanConfig, count: int) -> Array:
    """The labels of the classes that have training images, again and again: ``[count]`` int32."""
    return jnp.asarray(np.resize(config.trained_classes, count))
