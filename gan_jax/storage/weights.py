"""A state without its optimizers as an ``.npz`` that NumPy alone reads."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax.array_files import read_arrays, save_arrays
from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.files import first_line, parse_json
from gan_jax.storage.digests import named_leaves
from gan_jax.storage.run_json_schema import config_from_json
from gan_jax.training.games import GAMES, Game

_ADVICE = "give the weights.npz of a run"


def save_weights(path: str | Path, state: Any, config: GanConfig) -> None:
    """Write a state without its optimizers' moments, and the configuration, as an ``.npz`` that NumPy alone can read.

    An array's name is its place in the state, such as ``generator/params/conv_0/kernel``. The configuration is JSON
    text under ``config``.

    Args:
      path: the file.
      state: any pytree of arrays; what lies under an ``opt_state`` is left out.
      config: of the networks.

    Examples:
      >>> import tempfile
      >>> from gan_jax import init_state
      >>> config = GanConfig(width=2)
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     save_weights(f"{folder}/weights.npz", init_state(config, jax.random.key(0)), config)
      ...     config, _ = load_weights(f"{folder}/weights.npz")
      >>> config.width
      2
    """
    save_arrays(Path(path), weights_of(state) | {"config": np.array(json.dumps(dataclasses.asdict(config)))})


def load_weights(
    path: str | Path, config: GanConfig | None = None, game: Game = GAMES["joint"]
) -> tuple[GanConfig, Any]:
    """Read what ``save_weights`` wrote; the optimizers' moments are zero.

    Args:
      path: the file; its arrays may have another type, such as float16.
      config: the networks' configuration; by default that in the file.
      game: whose state it is.

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
    if config is None and text is None:
        raise InputError(f"{path} does not tell the configuration of its networks; {_ADVICE}, or in Python its config.")
    try:
        config = config or config_from_json(parse_json(str(text)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be read as weights ({first_line(error)}); {_ADVICE}.") from None
    fresh = abstract_state(config, game)
    expected = weights_of(fresh)
    wanted, found = ({name: leaf.shape for name, leaf in arrays.items()} for arrays in (expected, stored))
    if wanted != found:
        name = min(name for name in wanted | found if wanted.get(name) != found.get(name))
        raise InputError(
            f"{path} does not fit the configured networks: {name} is {found.get(name, 'missing')} there and "
            f"{wanted.get(name, 'missing')} here; use the configuration and game it was trained with."
        )
    for name, leaf in expected.items():
        if stored[name].dtype.kind != leaf.dtype.kind:
            raise InputError(f"{path} cannot be read as weights ({name} is {stored[name].dtype}); {_ADVICE}.")
    leaves = [
        np.asarray(stored[name], leaf.dtype) if name in expected else np.zeros(leaf.shape, leaf.dtype)
        for name, leaf in named_leaves(fresh)
    ]
    # JAX would compile a program for each shape to make them itself.
    return config, jax.device_put(jax.tree.unflatten(jax.tree.structure(fresh), leaves))


def abstract_state(config: GanConfig, game: Game = GAMES["joint"]) -> Any:
    """The shapes and types of a state's arrays; no memory is allocated, whatever they are."""
    return jax.eval_shape(lambda: game.init(config, jax.random.key(0)))


def weights_of(state: Any) -> dict[str, Any]:
    """The arrays of a state that a weights file holds, by name: all but the optimizers' moments."""
    return {name: leaf for name, leaf in named_leaves(state) if "opt_state" not in name.split("/")}
