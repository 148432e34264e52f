"""The accuracy of a freshly trained discriminator: the classifier two-sample test."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gan_jax.config import GanConfig
from gan_jax.data.pixels import normalize_images
from gan_jax.evaluation.checks import require_image_pair
from gan_jax.evaluation.features import shuffled_rows
from gan_jax.nn.network import Variables
from gan_jax.nn.networks import apply_discriminator, init_networks
from gan_jax.objectives.losses import discriminator_loss
from gan_jax.training.compiled import initial_state
from gan_jax.training.state import NetworkState, apply_gradients, optimizer

_STEPS = 400
_BATCH = 64


def critic_accuracy(
    real_images: np.ndarray, fake_images: np.ndarray, *, seed: int = 0, network: str = "dcgan"
) -> float:
    """Accuracy of a new discriminator on images that it was not trained on.

    A discriminator of a quarter of the default width is trained from random weights on half the reals and half the
    fakes, 400 steps of 64 and 64, and asked about the other halves: the mean of the shares of reals and of fakes that
    it puts on the right side of 0 (the classifier two-sample test of Lopez-Paz & Oquab 2017, section 3).

    Bias: downwards, as a larger network with more images and time might tell more; 0.5 says that this one sees no
    difference. For equal distributions the standard deviation is about 0.5 / √N, N being the images asked about.

    Args:
      real_images: ``[N, height, width, channels]`` uint8, of a size that ``GanConfig`` allows; 10,000 in the protocol.
      fake_images: ``[M, height, width, channels]`` uint8; 10,000 in the protocol.
      seed: decides halves, weights and order; equal seeds give equal numbers on equal machines.
      network: the discriminator's, from ``NETWORKS``; ``infogan`` gives a second opinion.

    Returns:
      The accuracy, in [0, 1].

    Raises:
      ValueError: the images are not uint8 of one shape, or there are fewer than eight of either.

    Examples:
      >>> critic_accuracy(dataset.test_images, fakes)  # doctest: +SKIP
      0.984
    """
    require_image_pair(real_images, fake_images, ("real_images", "fake_images"), least=8)
    generator = np.random.default_rng(seed)
    reals, fakes = (images[generator.permutation(len(images))] for images in (real_images, fake_images))
    half_reals, half_fakes = len(reals) // 2, len(fakes) // 2
    config = GanConfig(
        image_shape=reals.shape[1:],
        network=network,
        width=16,
        batch_size=min(_BATCH, half_reals, half_fakes),
        learning_rate=1e-3,
        beta1=0.9,
        initializer="he",
    )
    rows = [shuffled_rows(generator, count, config.batch_size, _STEPS) for count in (half_reals, half_fakes)]
    critic = initial_state(_init, config, jax.random.key(seed))
    critic = _train(config, critic, reals[:half_reals], fakes[:half_fakes], np.stack(rows, axis=1))
    right_reals = _says_real(config, critic, reals[half_reals:]).mean()
    right_fakes = 1 - _says_real(config, critic, fakes[half_fakes:]).mean()
    return float(right_reals + right_fakes) / 2


def _init(config: GanConfig, key: Array) -> NetworkState:
    _, variables = init_networks(config, key)
    return NetworkState(variables, optimizer(config).init(variables["params"]))


@jax.jit
def _train(config: GanConfig, critic: NetworkState, reals: Array, fakes: Array, rows: Array) -> NetworkState:
    """Reals and fakes share a batch, and so its statistics: the running ones then suit both."""

    def loss(params: Any, critic: NetworkState, images: Array) -> tuple[Array, Variables]:
        logits, variables = apply_discriminator(config, critic.with_params(params).variables, images, train=True)
        return discriminator_loss(logits[: config.batch_size], logits[config.batch_size :]), variables

    def step(critic: NetworkState, rows: Array) -> tuple[NetworkState, None]:
        images = normalize_images(jnp.concatenate([reals[rows[0]], fakes[rows[1]]]))
        gradients, variables = jax.grad(loss, has_aux=True)(critic.params, critic, images)
        return apply_gradients(config, critic, gradients, variables), None

    return lax.scan(step, critic, rows)[0]


@jax.jit
def _score(config: GanConfig, critic: NetworkState, images: Array) -> Array:
    return apply_discriminator(config, critic.variables, normalize_images(images), train=False)[0]


def _says_real(config: GanConfig, critic: NetworkState, images: np.ndarray) -> np.ndarray:
    """Whether D's logit says real, ``[N]`` bool; batches are padded to one size."""
    verdicts = []
    for start in range(0, len(images), 500):
        batch = images[start : start + 500]
        padded = np.pad(batch, ((0, 500 - len(batch)), (0, 0), (0, 0), (0, 0)))
        verdicts.append(np.asarray(_score(config, critic, padded))[: len(batch)] > 0)
    return np.concatenate(verdicts)
