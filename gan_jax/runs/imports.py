"""A run's folder from another program's weights, and these weights in that program's names again."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.files import warn
from gan_jax.inference.layouts import (
    COUNT,
    LAYOUTS,
    Which,
    config_of,
    from_layout,
    require_layout,
    split_prefix,
    to_layout,
)
from gan_jax.inference.weight_files import read_weights
from gan_jax.settings import RunConfig
from gan_jax.storage.run_folder import RunFolder, claim, replace_run, require_claimable
from gan_jax.storage.run_json import UNKNOWN_DATASET, has_run_json, make_run_json
from gan_jax.storage.weights import save_weights
from gan_jax.training.state import GanState, NetworkState, Variables

_NAMES = {"generator": ("G_ema", "G", "netG", "generator"), "discriminator": ("D", "netD", "discriminator")}
_IN_FILE = {"generator": "G.", "discriminator": "D."}  # as they are written

Arrays = dict[str, np.ndarray]


def import_run(
    path: Path, folder: Path, discriminator: Path | None = None, *, overwrite: bool = False
) -> tuple[GanConfig, dict[str, str]]:
    """Make a run's folder from the weights of another program.

    Args:
      path: a file of both networks, whose arrays' names begin with G. and D., or of the generator alone.
      folder: of the run.
      discriminator: the file of the discriminator, where ``path`` has none.
      overwrite: replace the run that is in the folder.

    Returns:
      The configuration, and from where in the files the networks are.

    Raises:
      InputError: a file cannot be read or does not fit, or the folder holds something.
      OSError: the folder cannot be written.
    """
    run_folder = RunFolder(folder)
    if has_run_json(folder) and not overwrite:
        raise InputError(f"{folder} is not empty; give another --output-dir, or --overwrite to replace that run.")
    require_claimable(run_folder, overwrite=overwrite)
    files = {"generator": path, "discriminator": discriminator or path}
    contents, parts, found = {file: read_weights(file) for file in set(files.values())}, {}, {}
    for which, file in files.items():
        arrays, found[which] = _network(file, contents[file], which, alone=discriminator is not None)
        parts[which] = _split(file, arrays)
    network, *others = {known for known, _, _ in parts.values()}
    if others:
        raise InputError(f"{path} has networks of {network} and {others[0]}; give both of one program.")
    config, networks = _read(files, network, {which: named for which, (_, _, named) in parts.items()})
    imported = {
        "files": {str(file.resolve()): _sha256(file) for file in files.values()},
        "prefixes": {which: prefix for which, (_, prefix, _) in parts.items()},
        "counts": {f"{which}/{name}": count for which, part in parts.items() for name, count in _counts(part[2])},
    }
    state = GanState(jnp.zeros((), jnp.int32), networks["generator"], networks["discriminator"])
    settings = RunConfig(config, dataset=UNKNOWN_DATASET, output_dir=folder)
    lock = claim(run_folder, overwrite=overwrite)
    try:
        replace_run(run_folder, make_run_json(settings, config, None, None) | {"imported": imported})
        save_weights(run_folder.weights, state, config)
    finally:
        lock.release()
    return config, {which: f"{file} {found[which]}".strip() for which, file in files.items()}


def exported_arrays(config: GanConfig, networks: Mapping[Which, Variables], record: Mapping[str, Any]) -> Arrays:
    """The arrays of a network, or of both with G. and D. before their names, as the other program has them.

    Args:
      config: the networks' configuration.
      networks: one or both.
      record: the run's, which says how the names began where it was imported; may be empty.

    Raises:
      InputError: no other program's layout is known for them.
    """
    require_layout(config)
    imported, arrays = record.get("imported", {}), {}
    for which, variables in networks.items():
        own = imported.get("prefixes", {}).get(which, LAYOUTS[config.network].prefix)
        prefix = f"{_IN_FILE[which] if len(networks) > 1 else ''}{own}"
        named = to_layout(config, which, variables)
        for place, count in imported.get("counts", {}).items():
            if place.startswith(f"{which}/") and isinstance(count, int) and 0 <= count < 2**63:
                named[place.removeprefix(f"{which}/")] = np.asarray(count, np.int64)
        arrays |= {prefix + name: array for name, array in named.items()}
    return arrays


def _network(file: Path, arrays: Arrays, which: str, alone: bool) -> tuple[Arrays, str]:
    """One network's arrays without what says which it is, and that; of a file of one network all of them."""
    for name in _NAMES[which]:
        start = f"{name}."
        if found := {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}:
            return found, f"({name})"
    if not alone:
        raise InputError(
            f"{file} has no {which}, whose arrays have names that begin with {_IN_FILE[which]}; give a file of both "
            f"networks, or --discriminator FILE too."
        )
    return arrays, ""


def _split(file: Path, arrays: Arrays) -> tuple[str, str, Arrays]:
    try:
        return split_prefix(arrays)
    except ValueError as error:
        raise InputError(f"{file} has weights of no program that is known: {error}.") from None


def _read(
    files: Mapping[str, Path], network: str, named: Mapping[str, Arrays]
) -> tuple[GanConfig, dict[str, NetworkState]]:
    networks: dict[str, NetworkState] = {}
    try:
        config = config_of(network, named["generator"], named["discriminator"])
        for which in get_args(Which):
            networks[which] = NetworkState(from_layout(config, which, named[which]))
    except ValueError as error:
        reason, given = str(error).removesuffix("."), " and ".join(dict.fromkeys(map(str, files.values())))
        raise InputError(
            f"{given} does not fit network {network}: {reason}; give the weights as that program saved them."
        ) from None
    if any(array.dtype == np.float64 for arrays in named.values() for array in arrays.values()):
        warn("the weights are float64, and are rounded to float32")
    return config, networks


def _counts(arrays: Arrays) -> list[tuple[str, int]]:
    counts = {name: array for name, array in arrays.items() if name.endswith(f".{COUNT}")}
    return [(name, int(array)) for name, array in counts.items() if array.shape == () and array.dtype.kind == "i"]


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
