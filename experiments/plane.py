"""Train a GAN on points in a plane, and see what it does.

--target is ring, grid, moons or spiral, or a file: a picture, whose dark pixels are drawn, or a .csv or .npy of points.
Writes plane.png (D's landscape in colour, samples, where G's loss tells them to go, losses, scores, modes), plane.gif
(the same, moving) and frames.npz (all of it as arrays, and the weights).
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from gan_jax import GanConfig, recipe
from gan_jax.array_files import save_arrays
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.flags import GanFlags, gan_flags, gan_settings
from gan_jax.cli.parsing import parse
from gan_jax.cli.train import value_of
from gan_jax.pictures.plane import save_plane_animation, save_plane_figure
from gan_jax.plane import for_points
from gan_jax.plane.watch import Watched, WatchSettings, arrays, curves, plane_of, prepare_watch, views, watch

COLUMNS = 6  # of the figure


@dataclasses.dataclass(frozen=True)
class Settings(WatchSettings):
    """What is trained, for how long, and where its pictures go."""

    gan: GanFlags = dataclasses.field(default_factory=GanFlags)
    """Networks, objective and optimizer."""
    recipe: str = "dcgan"
    """Begin with a recipe's objective and optimizer, which other flags change; see gan-jax recipes."""
    output_dir: Path = Path("runs/plane")
    """The folder for the three files, which replace those of an earlier run."""


def main(settings: Settings) -> None:
    plan = prepare_watch(settings, GanConfig(**vars(gan_settings(settings.gan))))
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    watched = watch(plan)
    save_arrays(settings.output_dir / "frames.npz", arrays(watched))
    draw(settings, watched)
    if watched.scores and plan.target.modes:
        covered, near = watched.scores.covered[-1], watched.scores.near[-1]
        share = f"{near:.0%} of the samples are within three standard deviations of one"
        print(f"{covered} of {len(plan.target.modes.centres)} modes are covered; {share}")
    print(f"The pictures are in {settings.output_dir}")


def draw(settings: Settings, watched: Watched) -> None:
    plane, every = plane_of(watched.target), views(watched)
    chosen = np.unique(np.linspace(0, len(every) - 1, COLUMNS).round().astype(int))
    rows = {settings.recipe: [every[index] for index in chosen]}
    save_plane_figure(settings.output_dir / "plane.png", plane, rows, curves(watched))
    save_plane_animation(settings.output_dir / "plane.gif", plane, [{settings.recipe: view} for view in every])


def read_settings() -> Settings:
    name = value_of(sys.argv[1:], "--recipe") or Settings.recipe
    default = Settings(gan=gan_flags(for_points(recipe(name))), recipe=name)
    return parse(Settings, default=default, description=__doc__)


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        main(read_settings())
