"""Batches in parts, whose gradients are added up: a large batch in the memory that a small one needs."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from gan_jax.config import GanConfig
from gan_jax.draws import PART, fold

Tree = TypeVar("Tree")


def deal(tree: Tree, count: int) -> Tree:
    """Arrays ``[count * batch, …]`` as ``[count, batch, …]``, dealt out in turn: images stay on their devices.

    Examples:
      >>> deal(jnp.arange(6), 2).tolist()
      [[0, 2, 4], [1, 3, 5]]
    """

    def split(array: Array) -> Array:
        return jnp.moveaxis(array.reshape(-1, count, *array.shape[1:]), 1, 0)

    return jax.tree.map(split, tree)


def mean_of_parts(
    config: GanConfig, compute: Callable[[Any, Array], tuple[Tree, Any]], batch: Any, key: Array
) -> tuple[Tree, Any]:
    """What a function finds in a batch, from its micro-batches one after the other where there are some.

    Args:
      config: its ``micro_batch`` and ``batch_size`` count.
      compute: takes a batch and a key, and returns means over the batch, and what else it finds, of which the last
        micro-batch's is kept.
      batch: arrays ``[batch_size, …]``.
      key: ``[]`` typed PRNG key; every micro-batch has its own.
    """
    if config.micro_batch is None:
        return compute(batch, key)
    count = config.batch_size // config.micro_batch

    def body(found: tuple[Tree, Any], indexed: tuple[Array, Any]) -> tuple[tuple[Tree, Any], None]:
        index, part = indexed
        means, last = compute(part, fold(key, PART + index))
        return (jax.tree.map(lambda total, one: total + one / count, found[0], means), last), None

    parts = deal(batch, count)
    shapes = jax.eval_shape(compute, jax.tree.map(lambda array: array[0], parts), key)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return lax.scan(body, zeros, (jnp.arange(count), parts))[0]


def all_of_parts(
    config: GanConfig, compute: Callable[[Any, Array], tuple[Array, Any]], batch: Any, key: Array
) -> tuple[Array, Any]:
    """``mean_of_parts`` of a function that makes something of each image, ``[batch, …]``, in the batch's order."""
    if config.micro_batch is None:
        return compute(batch, key)
    count = config.batch_size // config.micro_batch

    def each(indexed: tuple[Array, Any]) -> tuple[Array, Any]:
        index, part = indexed
        return compute(part, fold(key, PART + index))

    made, others = lax.map(each, (jnp.arange(count), deal(batch, count)))
    return jnp.moveaxis(made, 0, 1).reshape(-1, *made.shape[2:]), jax.tree.map(lambda other: other[-1], others)
