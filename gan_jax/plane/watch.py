"""A training in the plane as one watches it: from its start to the pictures of chosen moments."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig, require, require_count
from gan_jax.errors import DivergedError, InputError
from gan_jax.pictures.plane import Curve, Plane, View
from gan_jax.plane.landscape import colours, frame_of
from gan_jax.plane.modes import NUM_SAMPLES, score_modes
from gan_jax.plane.targets import Target, load_target
from gan_jax.plane.training import frame_steps, train_states
from gan_jax.setting_groups import MAX_SEED
from gan_jax.storage.digests import named_leaves
from gan_jax.storage.weights import weights_of
from gan_jax.training.batches import RunKeys, run_keys, steps_per_epoch
from gan_jax.training.forward import sample_latents
from gan_jax.training.games import Game, find_game
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.state import GanState

_SHOWN = 400  # samples in a picture
_MOST_FRAMES = 1000


@dataclasses.dataclass(frozen=True)
class WatchSettings:
    """What is watched, and for how long."""

    target: str = "ring"
    """ring, grid, moons or spiral, or a file: a picture, a .csv or a .npy."""
    steps: int = 5000
    """Batches."""
    seed: int = 0
    """Decides initial weights, order of points and latents."""
    game: str = "joint"
    """What is trained, as for gan-jax train; its state has the networks of the joint game."""
    frames: int = 40
    """Moments that are looked at, about; more at first."""


class Watch(NamedTuple):
    """What settings say, ready for ``watch``."""

    config: GanConfig
    game: Game
    target: Target
    keys: RunKeys
    steps: list[int]


def prepare_watch(settings: WatchSettings, config: GanConfig) -> Watch:
    """Load the target and choose the steps to look at.

    Raises:
      InputError: a value is outside its range, the networks are conditional, there is no such target, or it has fewer
        points than one step takes.
    """
    require_count(settings, "steps")
    require(2 <= settings.frames <= _MOST_FRAMES, "frames", settings.frames, f"from 2 to {_MOST_FRAMES}")
    require(0 <= settings.seed <= MAX_SEED, "seed", settings.seed, f"from 0 to {MAX_SEED}")
    if config.conditional:
        raise InputError("the networks are conditional, but points have no classes; leave out --conditional.")
    whole = NUM_SAMPLES % config.packing == 0
    require(whole, "packing", config.packing, f"a divisor of the {NUM_SAMPLES} samples that are drawn")
    target, game = load_target(settings.target), find_game(settings.game)
    per_epoch = steps_per_epoch(config, len(target.points))
    return Watch(config, game, target, run_keys(settings.seed), frame_steps(settings.steps, per_epoch, settings.frames))


class Watched(NamedTuple):
    """A training and what was seen of it, in NumPy arrays with one entry for each chosen step."""

    config: GanConfig
    target: Target
    steps: list[int]
    frames: Any  # a Frame with a leading [steps] axis; of 2,500 samples
    scores: Any  # ModeScores, likewise, where the target has modes
    metrics: dict[str, np.ndarray]  # of every step of the training
    states: list[GanState]


def watch(plan: Watch, start: GanState | None = None) -> Watched:
    """Train in the plane and look at some states.

    Args:
      plan: from ``prepare_watch``.
      start: before the first step; by default the game's first state.

    Raises:
      DivergedError: a metric of a step is not a finite number.
    """
    config, game, target, keys, steps = plan
    first: GanState = game.init(config, keys.init) if start is None else start
    try:
        states, metrics = train_states(config, game.step, first, target.points, keys, steps)
    except NonFiniteError as error:
        raise DivergedError(f"{error}; try a lower --learning-rate.") from error
    latents = sample_latents(config, keys.display, NUM_SAMPLES)
    reals = jnp.resize(target.points, (NUM_SAMPLES, 2))
    frames = [frame_of(config, state, latents, reals, target.half_width, game.sampler) for state in states]
    stacked = _stack(frames)
    scores = _stack([score_modes(target.modes, frame.points) for frame in frames]) if target.modes else None
    return Watched(config, target, steps, stacked, scores, metrics, states)


def plane_of(target: Target) -> Plane:
    """What all pictures of a target share."""
    return Plane(target.points, target.half_width)


def views(watched: Watched) -> list[View]:
    """The pictures of the chosen steps."""
    found = []
    for index, step in enumerate(watched.steps):
        landscape, points, arrows = (array[index] for array in watched.frames)
        title = f"step {step}"
        if watched.scores and watched.target.modes:
            title += f": {watched.scores.covered[index]} of {len(watched.target.modes.centres)} modes"
        shades = np.asarray(colours(watched.config.objective, landscape))
        found.append(View(title, shades, points[:_SHOWN], arrows[:_SHOWN]))
    return found


def curves(watched: Watched) -> dict[str, list[Curve]]:
    """Losses, D's scores and, where the target has modes, how many are covered."""
    panels = {}
    for label, names in (("loss", ("d_loss", "g_loss")), ("D's score", ("d_x", "d_g_z1", "d_g_z2"))):
        present = [name for name in names if name in watched.metrics][:2]
        panels[label] = [
            Curve(name, np.arange(1, len(watched.metrics[name]) + 1), watched.metrics[name]) for name in present
        ]
    if watched.scores:
        panels["modes covered"] = [Curve("modes", np.array(watched.steps), watched.scores.covered)]
    return panels


def arrays(watched: Watched) -> dict[str, Any]:
    """All that was seen as named arrays, weights among them, for a file."""
    weights = [dict(named_leaves(weights_of(state))) for state in watched.states]
    return {
        "steps": np.array(watched.steps),
        "reals": watched.target.points[:NUM_SAMPLES],
        "half_width": watched.target.half_width,
        "objective": watched.config.objective,
        **watched.frames._asdict(),
        **(watched.scores._asdict() if watched.scores else {}),
        **{f"metrics/{name}": values for name, values in watched.metrics.items()},
        **{f"weights/{name}": np.stack([np.asarray(arrays[name]) for arrays in weights]) for name in weights[0]},
    }


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
