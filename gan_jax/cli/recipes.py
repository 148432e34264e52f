"""``gan-jax recipes``."""

import dataclasses

from gan_jax.config import GanConfig
from gan_jax.pictures.tables import markdown_table
from gan_jax.recipes import RECIPES


def recipes() -> None:
    """List the recipes: what each changes, and where it is from.

    Example: gan-jax train --recipe r3gan
    """
    rows = [[name, recipe.summary, _changes(recipe.config), recipe.paper] for name, recipe in RECIPES.items()]
    print(markdown_table(["recipe", "what it is", "settings that are not the default", "paper"], rows, numbers=False))


def _changes(config: GanConfig) -> str:
    default, changes = GanConfig(), []
    for field in dataclasses.fields(GanConfig):
        value = getattr(config, field.name)
        if value != getattr(default, field.name):
            text = " ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else value
            changes.append(f"{field.name} {text}")
    return ", ".join(changes)
