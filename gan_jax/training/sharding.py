"""One program on many devices: the batch axis is split over a mesh, all else is on every device.

A step is written for the whole batch. Where a mesh is in force, ``shard_batch`` says how to split it and XLA adds the
communication, so that batch normalization sees the global batch. Without a mesh nothing here has an effect.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.errors import InputError

_AXIS = "batch"
Tree = TypeVar("Tree")


def batch_mesh(config: GanConfig, count: int | None = None) -> Mesh:
    """A mesh of one axis over devices, those of all processes by default.

    Args:
      config: its batch must be divisible by the number of devices.
      count: how many devices, of this process alone.

    Raises:
      InputError: there are fewer devices, or the batch is not divisible.
    """
    devices = jax.devices()
    if count is not None and count > len(devices):
        raise InputError(f"devices is {count}, but there are {len(devices)} of kind {devices[0].device_kind}.")
    devices = devices[: count or len(devices)]
    name, size = ("micro_batch", config.micro_batch) if config.micro_batch else ("batch_size", config.batch_size)
    if size % len(devices):
        raise InputError(f"{name} is {size}, which {len(devices)} devices cannot share evenly; give a multiple.")
    return jax.make_mesh((len(devices),), (_AXIS,), axis_types=(AxisType.Auto,), devices=devices)


def devices_per_batch(mesh: Mesh | None) -> int:
    """How many devices share each batch."""
    return 1 if mesh is None else mesh.size


def shard_batch(array: Array) -> Array:
    """Split a batch's first axis over the mesh in force, inside of a compiled function."""
    return _constrain(array, PartitionSpec(_AXIS))


def constrain_replicated(tree: Tree) -> Tree:
    """Keep every array of a tree on each device of the mesh in force, inside of a compiled function."""
    return jax.tree.map(lambda array: _constrain(array, PartitionSpec()), tree)


def _constrain(array: Array, spec: PartitionSpec) -> Array:
    over_batches = _AXIS in jax.sharding.get_abstract_mesh().axis_names
    return jax.lax.with_sharding_constraint(array, spec) if over_batches else array


def mesh_of(array: ArrayLike) -> AbstractContextManager[object]:
    """A context that puts the mesh in force that an array is split over, if it is."""
    sharding = getattr(array, "sharding", None)
    return jax.set_mesh(cast(Mesh, sharding.mesh)) if isinstance(sharding, NamedSharding) else nullcontext()


def replicate(tree: Tree, mesh: Mesh | None) -> Tree:
    """Put what each process has alike on every device of a mesh; without a mesh, leave it where it is."""
    if mesh is None:
        return tree

    def copy(array: Array) -> Array:
        if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(copy(jax.random.key_data(array)))
        host = np.asarray(array)
        return jax.make_array_from_callback(host.shape, NamedSharding(mesh, PartitionSpec()), lambda index: host[index])

    return jax.tree.map(copy, tree)


def local_copy(tree: Tree) -> Tree:
    """The copies on this process's first device of what is on every device."""
    return jax.tree.map(lambda array: array.addressable_data(0) if isinstance(array, Array) else array, tree)


def split_batches(shape: tuple[int, ...], mesh: Mesh, read: Callable[[Any], np.ndarray]) -> Array:
    """An array ``[steps, batch, …]`` whose second axis is split over a mesh.

    Args:
      shape: of the whole.
      mesh: from ``batch_mesh``.
      read: gives the part at an index, a tuple of slices; called for this process's parts alone.
    """
    return jax.make_array_from_callback(shape, NamedSharding(mesh, PartitionSpec(None, _AXIS)), read)
