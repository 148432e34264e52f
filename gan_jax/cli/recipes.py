"""``gan-jax recipes``."""

import dataclasses

from gan_jax.config import GanConfig
from gan_jax.pictures.tables import markdown_table
from gan_jax.recipes import RECIPES


def recipes() -> None:
    """List the recipes: what each changes, where it is from, and where it departs from that.

    Example: gan-jax train --recipe r3gan
    """
    heading = [
        "recipe",
        "what it is",
        "settings that are not the default",
        "paper",
        "source of the numbers",
        "departures",
    ]
    rows = [
        [name, recipe.summary, _changes(recipe.config), recipe.paper, recipe.source, recipe.departures]
        for name, recipe in RECIPES.items()
    ]
    print(markdown_table(heading, rows, numbers=False))


def _changes(config: GanConfig) -> str:
    default, changes = GanConfig(), []
    for field in dataclasses.fields(GanConfig):
        value = getattr(config, field.name)
        if value != getattr(default, field.name):
            text = " ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else value
            changes.append(f"{field.name} {text}")
    return ", ".join(changes)
