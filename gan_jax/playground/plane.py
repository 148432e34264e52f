"""What the page needs to train in the plane as the package does: the recipes' settings, and trained starts."""

from typing import Any

from gan_jax.config import GanConfig
from gan_jax.plane import plane_recipes

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
