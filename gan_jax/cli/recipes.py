"""``gan-jax recipes``."""

import dataclasses

from gan_jax.pictures.tables import plain_table
from gan_jax.recipes import RECIPES
from gan_jax.setting_groups import GanSettings


def recipes() -> None:
    """List the recipes: what each changes, where it is from, and where it departs from that.

    The recipe auto is one of these, with settings for the images' size.

    Example: gan-jax train --recipe r3gan
    """
    rows: list[list[str]] = []
    for name, recipe in RECIPES.items():
        rows += [["", "", ""], [name, "what it is", recipe.summary]]
        said = {
            "settings": _changes(recipe.settings),
            "paper": recipe.paper,
            "numbers from": recipe.source,
            "departures": recipe.departures,
        }
        rows += [["", about, text] for about, text in said.items() if text]
    print(plain_table(["recipe", "", "settings: those that are not the default"], rows, numbers=False))


def _changes(settings: GanSettings) -> str:
    default, changes = GanSettings(), []
    for field in dataclasses.fields(GanSettings):
        value = getattr(settings, field.name)
        if value != getattr(default, field.name):
            text = (
                " ".join(map(str, value))
                if isinstance(value, tuple)
                else f"{value:g}"
                if isinstance(value, float)
                else value
            )
            changes.append(f"{field.name} {text}")
    return ", ".join(changes)
