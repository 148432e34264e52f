"""What the page needs to train on the digits, as ``gan-jax train --dataset digits`` does."""

import hashlib
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.data.published import DIGITS_TEST_COUNT, stored_digits
from gan_jax.training.state import init_state


class Digits(NamedTuple):
    """The training images, from which the page makes its own, and how it draws initial weights."""

    pixels: np.ndarray
    """``[1500, 8, 8]`` uint8 from 0 to 16."""
    folds: dict[str, int]
    """By layer, what Flax folds into a network's key for the layer's first array."""


def digits_of_page() -> Digits:
    """What is in every page."""
    state = jax.eval_shape(lambda: init_state(GanConfig(), jax.random.key(0)))
    layers = sorted({*state.generator.params, *state.discriminator.params})
    return Digits(stored_digits()[0][:-DIGITS_TEST_COUNT], {layer: _fold_of(layer) for layer in layers})


def _fold_of(layer: str) -> int:
    return int.from_bytes(hashlib.sha1(layer.encode() + b"\1").digest()[:4], "big")
