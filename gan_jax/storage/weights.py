"""Both networks' weights as an ``.npz`` that NumPy alone reads."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.files import first_line, parse_json, read_arrays, save_arrays
from gan_jax.storage.digests import named_leaves
from gan_jax.storage.record_form import config_from_json
from gan_jax.training.state import GanState, init_state

_ADVICE = "give the weights.npz of a run"


def save_weights(path: str | Path, state: GanState, config: GanConfig | None = None) -> None:
    """Write both networks' ``params`` and ``batch_stats``, and the step, as an ``.npz`` that NumPy alone can read.

    An array's name is its place in the state, such as ``generator/params/conv_0/kernel``. The average of the generator
    is written too, where there is one.

    Args:
      path: the file.
      state: what is written.
      config: written as JSON text under ``config`` where the arrays' shapes do not tell the networks, so that the file
        can be loaded alone.

    Examples:
      >>> import tempfile
      >>> state = init_state(GanConfig(width=2), jax.random.key(0))
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     save_weights(f"{folder}/weights.npz", state)
      ...     config, _ = load_weights(f"{folder}/weights.npz")
      >>> config.width
      2
    """
    arrays = dict(named_leaves(weights_of(state)))
    if config is not None and not _is_plain(config):
        arrays["config"] = np.array(json.dumps(dataclasses.asdict(config)))
    save_arrays(Path(path), arrays)


def load_weights(path: str | Path, config: GanConfig | None = None) -> tuple[GanConfig, GanState]:
    """Read what ``save_weights`` wrote; the optimizers' moments start at zero.

    Args:
      path: the file; its arrays may have another type, such as float16.
      config: the networks' configuration; by default that in the file or, for DCGAN, what the arrays' shapes tell, with
        the rest as usual.

    Returns:
      The configuration and the state.

    Raises:
      InputError: the file is missing, damaged, or of networks that differ from ``config``'s.

    Examples:
      >>> config, state = load_weights("runs/fashion_mnist/weights.npz")  # doctest: +SKIP
    """
    path = Path(path)
    stored = read_arrays(path, "weights", _ADVICE)
    text = stored.pop("config", None)
    try:
        config = config or (_config_of(stored) if text is None else config_from_json(parse_json(str(text))))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read as weights ({first_line(error)}); {_ADVICE}.") from None
    fresh = abstract_state(config)
    wanted = {name: leaf.shape for name, leaf in named_leaves(weights_of(fresh))}
    found = {name: leaf.shape for name, leaf in stored.items()}
    if wanted != found:
        name = min(name for name in wanted | found if wanted.get(name) != found.get(name))
        raise InputError(
            f"{path} does not fit the configured networks: {name} is {found.get(name, 'missing')} there and "
            f"{wanted.get(name, 'missing')} here; use the width, latent_dim and image shape it was trained with."
        )
    for name, leaf in named_leaves(weights_of(fresh)):
        if stored[name].dtype.kind != leaf.dtype.kind:
            raise InputError(f"{path} cannot be read as weights ({name} is {stored[name].dtype}); {_ADVICE}.")
    fresh = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), fresh)
    leaves = [jnp.asarray(stored[name], leaf.dtype) for name, leaf in named_leaves(weights_of(fresh))]
    weights = jax.tree.unflatten(jax.tree.structure(weights_of(fresh)), leaves)
    networks = {name: getattr(fresh, name).replace(**weights[name]) for name in weights if name != "step"}
    return config, fresh.replace(step=weights["step"], **networks)


def abstract_state(config: GanConfig) -> GanState:
    """The shapes and types of a state in place of its arrays, of which a damaged configuration may ask too many."""
    return jax.eval_shape(lambda: init_state(config, jax.random.key(0)))


def _is_plain(config: GanConfig) -> bool:
    """Whether the shapes of a state's arrays tell its networks."""
    extended = config.conditional or config.has_average or config.packing > 1 or config.discriminator_width
    return config.network == "dcgan" and config.normalization == "batch" and not extended


def _config_of(weights: dict[str, np.ndarray]) -> GanConfig:
    _, _, channels, width = weights["discriminator/params/conv_0/kernel"].shape
    size = {3: 28, 4: 32}[weights["discriminator/params/conv_2/kernel"].shape[0]]
    size = 64 if "discriminator/params/conv_4/kernel" in weights else size
    latent_dim = weights["generator/params/conv_0/kernel"].shape[3]
    return GanConfig(image_shape=(size, size, channels), latent_dim=latent_dim, width=width)


def weights_of(state: GanState) -> dict[str, Any]:
    """The part of a state that a weights file holds: a tree with the same places."""
    networks = {"generator": state.generator, "discriminator": state.discriminator}
    networks |= {} if state.average is None else {"average": state.average}
    return {"step": state.step} | {
        name: {"params": network.params, "batch_stats": network.batch_stats} for name, network in networks.items()
    }
