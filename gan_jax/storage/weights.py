"""Both networks' weights as an ``.npz`` that NumPy alone reads."""

import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.files import save_arrays
from gan_jax.storage.digests import named_leaves
from gan_jax.training.state import GanState, init_state


def save_weights(path: str | Path, state: GanState) -> None:
    """Write both networks' ``params`` and ``batch_stats``, and the step, as an ``.npz`` that NumPy alone can read.

    An array's name is its place in the state, such as ``generator/params/conv_0/kernel``.
    """
    save_arrays(Path(path), dict(named_leaves(weights_of(state))))


def load_weights(path: str | Path, config: GanConfig | None = None) -> tuple[GanConfig, GanState]:
    """Read what ``save_weights`` wrote; the optimizers' moments start at zero.

    Args:
      path: the file.
      config: the networks' configuration; by default it is told from the arrays' shapes, with the rest as usual.

    Returns:
      The configuration and the state.

    Raises:
      InputError: the file is missing, damaged, or of networks that differ from ``config``'s.
    """
    path = Path(path)
    try:
        with path.open("rb") as file, np.load(file) as archive:
            stored = dict(archive)
        config = config or _config_of(stored)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as weights ({error}); give the weights.npz of a run.") from None
    fresh = init_state(config, jax.random.key(0))
    wanted = {name: leaf.shape for name, leaf in named_leaves(weights_of(fresh))}
    found = {name: leaf.shape for name, leaf in stored.items()}
    if wanted != found:
        name = min(name for name in wanted | found if wanted.get(name) != found.get(name))
        raise InputError(
            f"{path} does not fit the configured networks: {name} is {found.get(name, 'missing')} there and "
            f"{wanted.get(name, 'missing')} here; use the width, latent_dim and image shape it was trained with."
        )
    leaves = [jnp.asarray(stored[name]) for name, _ in named_leaves(weights_of(fresh))]
    weights = jax.tree.unflatten(jax.tree.structure(weights_of(fresh)), leaves)
    state = fresh.replace(
        step=weights["step"],
        generator=fresh.generator.replace(**weights["generator"]),
        discriminator=fresh.discriminator.replace(**weights["discriminator"]),
    )
    return config, state


def _config_of(weights: dict[str, np.ndarray]) -> GanConfig:
    _, _, channels, width = weights["discriminator/params/conv_0/kernel"].shape
    size = {3: 28, 4: 32}[weights["discriminator/params/conv_2/kernel"].shape[0]]
    latent_dim = weights["generator/params/conv_0/kernel"].shape[3]
    return GanConfig(image_shape=(size, size, channels), latent_dim=latent_dim, width=width)


def weights_of(state: GanState) -> dict[str, Any]:
    """The part of a state that a weights file holds: a tree with the same places."""
    networks = {"generator": state.generator, "discriminator": state.discriminator}
    return {"step": state.step} | {
        name: {"params": network.params, "batch_stats": network.batch_stats} for name, network in networks.items()
    }
