"""What the page needs to train in the plane as the package does: the recipes' settings, and trained starts."""

from importlib import resources
from typing import Any

from gan_jax.array_files import read_arrays
from gan_jax.config import GanConfig
from gan_jax.plane import plane_recipes
from gan_jax.playground.packing import Pack

_SETTINGS = (
    *("objective", "penalties", "penalty_weight", "normalization", "packing", "critic_steps", "generator_batch"),
    *("optimizer", "learning_rate", "discriminator_learning_rate", "beta1", "beta2", "schedules"),
    *("ema_half_life", "ema_ramp"),
)


def recipe_settings(config: GanConfig) -> dict[str, Any]:
    """The settings in which recipes differ in the plane, by their names in ``GanConfig``."""
    return {name: getattr(config, name) for name in _SETTINGS}


def all_recipes() -> dict[str, dict[str, Any]]:
    """The settings of every recipe that differs from the others in the plane."""
    return {name: recipe_settings(config) for name, config in plane_recipes().items()}


def add_trained_starts(pack: Pack) -> dict[str, dict[str, list[dict[str, str]]]]:
    """Add the trained networks of benchmarks/trained_planes.py; the names of their arrays, by target and network."""
    found: dict[str, dict[str, list[dict[str, str]]]] = {}
    with resources.as_file(resources.files("gan_jax.playground").joinpath("trained_planes.npz")) as path:
        arrays = read_arrays(path, "trained starts", "install the package again")
    for name, array in arrays.items():
        target, network, index, part = name.split("/")
        layers = found.setdefault(target, {}).setdefault(network, [])
        if int(index) == len(layers):
            layers.append({})
        layers[int(index)][part] = pack.add(f"trained_start/{name}", array, "float16")
    return found
