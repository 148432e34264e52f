"""Show in a plane that a generator improves only while its critic learns.

Four arms from one seed: both networks together; G alone against an untrained D; G alone against the D that the first
arm has trained; D alone. A constant D is one fixed landscape, and G climbs to its summit. Writes lesson.png and .gif,
lesson.txt (the last scores) and, for each arm, its frames as arrays (ARM.npz).
"""

import dataclasses
from pathlib import Path

import numpy as np

from gan_jax import GAMES, GanConfig, GanState, recipe
from gan_jax.array_files import save_arrays
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.flags import GanFlags, gan_flags, gan_settings
from gan_jax.cli.parsing import parse
from gan_jax.files import write_text
from gan_jax.pictures.plane import save_plane_animation, save_plane_figure
from gan_jax.plane import for_points
from gan_jax.plane.watch import Watched, WatchSettings, arrays, plane_of, prepare_watch, views, watch

ARMS = {  # a label and a game
    "joint": ("G and D together", "joint"),
    "untrained_critic": ("G alone, D untrained", "generator"),
    "trained_critic": ("G alone, D trained", "generator"),
    "discriminator": ("D alone", "discriminator"),
}
COLUMNS = 6  # of the figure


@dataclasses.dataclass(frozen=True)
class Settings(WatchSettings):
    """What is trained, for how long, and where its pictures go."""

    gan: GanFlags = dataclasses.field(
        default_factory=lambda: gan_flags(dataclasses.replace(for_points(recipe("fast")), ema_half_life=None))
    )
    """Networks, objective and optimizer, of every arm; by default those of recipe fast, without its average."""
    frames: int = 30
    """Moments that are looked at, about; more at first."""
    output_dir: Path = Path("runs/plane_lesson")
    """The folder for the files, which replace those of an earlier lesson."""


def main(settings: Settings) -> None:
    plan = prepare_watch(settings, GanConfig(**vars(gan_settings(settings.gan))))
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    fresh = plan.game.init(plan.config, plan.keys.init)
    arms: dict[str, Watched] = {}
    lines: list[str] = []
    for name, (label, game) in ARMS.items():
        start = with_critic_of(fresh, arms["joint"].states[-1]) if name == "trained_critic" else fresh
        arms[name] = watch(plan._replace(game=GAMES[game]), start)
        save_arrays(settings.output_dir / f"{name}.npz", arrays(arms[name]))
        lines.append(describe(label, arms[name]))
        print(lines[-1], flush=True)
    write_text(settings.output_dir / "lesson.txt", "\n".join(lines))
    draw(settings, arms)
    print(f"The lesson is in {settings.output_dir}")


def with_critic_of(fresh: GanState, trained: GanState) -> GanState:
    """An untrained G before a trained D."""
    critic = fresh.discriminator.replace(variables=trained.discriminator.variables)
    return fresh.replace(discriminator=critic)


def describe(label: str, arm: Watched) -> str:
    """An arm's last score of the fakes, and the modes that its generator covers."""
    name = "d_g_z2" if "d_g_z2" in arm.metrics else "d_g_z1"
    text = f"{label}: D's score of the fakes is {arm.metrics[name][-1]:.3f}"
    if arm.scores and arm.target.modes:
        text += f", {arm.scores.covered[-1]} of {len(arm.target.modes.centres)} modes are covered"
    return text


def draw(settings: Settings, arms: dict[str, Watched]) -> None:
    every = {ARMS[name][0]: views(arm) for name, arm in arms.items()}
    plane, count = plane_of(arms["joint"].target), len(arms["joint"].steps)
    chosen = np.unique(np.linspace(0, count - 1, COLUMNS).round().astype(int))
    rows = {label: [found[index] for index in chosen] for label, found in every.items()}
    save_plane_figure(settings.output_dir / "lesson.png", plane, rows)
    frames = [{label: found[index] for label, found in every.items()} for index in range(count)]
    save_plane_animation(settings.output_dir / "lesson.gif", plane, frames)


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
