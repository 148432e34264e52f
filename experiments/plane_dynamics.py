"""Show the game that two networks play, as a vector field.

Writes dirac.png (the Dirac-GAN's phase portrait for some objectives and penalties), decay.png (how far its players are
from the equilibrium, beside what the eigenvalues say), eigenvalues.png (of the joint field at the end of a run in the
plane, for each recipe), ends.png (where those runs ended) and dynamics.json.
"""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from numpy.typing import NDArray

from gan_jax import GanConfig, sample_latents
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse
from gan_jax.config import require_count
from gan_jax.files import write_json
from gan_jax.pictures.plane import Curve, save_curves, save_eigenvalues, save_phase_portraits, save_plane_figure
from gan_jax.plane import (
    dirac_field,
    eigenvalues,
    follow,
    joint_field,
    plane_recipes,
)
from gan_jax.plane.watch import Watch, WatchSettings, plane_of, prepare_watch, views, watch

GAMES = {
    "saturating": GanConfig(objective="saturating"),
    "non-saturating": GanConfig(),
    "Wasserstein": GanConfig(objective="wasserstein"),
    "least squares": GanConfig(objective="least_squares"),
    "hinge": GanConfig(objective="hinge"),
    "Wasserstein, gradient penalty": GanConfig(
        objective="wasserstein", penalties=("gradient_penalty",), normalization="none"
    ),
    "non-saturating, R1": GanConfig(penalties=("r1",), penalty_weight=0.3, normalization="none"),
    "relativistic, R1 + R2": GanConfig(
        objective="relativistic", penalties=("r1", "r2"), penalty_weight=0.3, normalization="none"
    ),
}
START = (1.0, 1.0)  # θ, ψ
RATE, NUM_STEPS = 0.05, 1000  # of the Dirac-GAN's players


@dataclasses.dataclass(frozen=True)
class Settings(WatchSettings):
    """What is trained in the plane, and where the pictures go."""

    width: int = 16
    """Of both networks: their Jacobian has a row and a column for every parameter."""
    frames: tyro.conf.Suppress[int] = 2  # the start and the end
    points: int = 1024
    """Reals, and as many fakes, whose losses make the field."""
    output_dir: Path = Path("runs/plane_dynamics")
    """The folder for the files, which replace earlier ones."""


def main(settings: Settings) -> None:
    require_count(settings, "points")
    plans = plans_of(settings)
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    found = {"dirac": dirac(settings), "plane": plane(settings, plans)}
    write_json(settings.output_dir / "dynamics.json", {"settings": plain(settings), **found})
    print(f"The pictures are in {settings.output_dir}")


def dirac(settings: Settings) -> dict[str, Any]:
    """Draw each game; return the eigenvalues at the equilibrium, and the last distance from it."""
    ticks = jnp.linspace(-1.5, 1.5, 15)
    places = jnp.stack(jnp.meshgrid(ticks, ticks), axis=-1)
    portraits, distances, found = {}, [], {}
    for name, config in GAMES.items():
        field = dirac_field(config)
        directions = jax.vmap(jax.vmap(field))(places)
        path = np.asarray(follow(field, jnp.array(START), RATE, NUM_STEPS))
        portraits[name] = np.asarray(places), np.asarray(directions), path
        distance = np.linalg.norm(path, axis=1)
        values = eigenvalues(field, jnp.zeros(2))
        if name in ("non-saturating", "saturating") or values.real.max() < 0:
            steps = np.arange(len(path))
            distances.append(Curve(name, steps, distance))
            expected = distance[100] * np.exp(values.real.max() * RATE * (steps - 100))
            distances.append(Curve(name, steps[100:], expected[100:], dashed=True))
        found[name] = {"eigenvalues": [str(np.round(value, 4)) for value in values], "distance": float(distance[-1])}
    save_phase_portraits(settings.output_dir / "dirac.png", portraits, ("θ (generator)", "ψ (discriminator)"))
    save_curves(settings.output_dir / "decay.png", {"distance from the equilibrium": distances})
    return found


def plans_of(settings: Settings) -> dict[str, Watch]:
    """What to train: every recipe whose D judges single points."""
    configs = {name: config for name, config in plane_recipes().items() if config.packing == 1}
    narrow = {name: dataclasses.replace(config, width=settings.width) for name, config in configs.items()}
    return {name: prepare_watch(settings, config) for name, config in narrow.items()}


def plane(settings: Settings, plans: dict[str, Watch]) -> dict[str, Any]:
    """Train each recipe, draw where it ended, and return what its eigenvalues say."""
    spectra, ends, found = {}, [], {}
    for name, plan in plans.items():
        config, keys = plan.config, plan.keys
        watched = watch(plan)
        reals = jnp.asarray(plan.target.points[: settings.points])
        latents = sample_latents(config, keys.display, len(reals))
        values = eigenvalues(*joint_field(config, watched.states[-1], reals, latents))
        spectra[name] = values
        last = views(watched)[-1]
        ends.append(last._replace(title=last.title.replace(f"step {settings.steps}", name)))
        found[name] = summary(values)
        print(f"{name}: {found[name]}", flush=True)
    save_eigenvalues(settings.output_dir / "eigenvalues.png", spectra)
    rows = {" " * index: ends[4 * index : 4 * index + 4] for index in range(-(-len(ends) // 4))}
    save_plane_figure(settings.output_dir / "ends.png", plane_of(next(iter(plans.values())).target), rows)
    return found


def summary(values: NDArray[np.complex128]) -> dict[str, Any]:
    """The largest real and imaginary parts, and how many directions grow or turn."""
    felt = values[np.abs(values) > 1e-3]  # the others hardly move
    return {
        "parameters": len(values),
        "felt": len(felt),
        "growing": int((felt.real > 0).sum()),
        "turning": int((np.abs(felt.imag) > np.abs(felt.real)).sum()),
        "largest real part": round(float(values.real.max()), 4),
        "largest imaginary part": round(float(values.imag.max()), 4),
    }


def plain(settings: Settings) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(settings).items() if name != "output_dir"}


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        main(parse(Settings, description=__doc__))
