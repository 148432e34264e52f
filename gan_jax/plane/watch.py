"""A training in the plane as one watches it: from its start to the pictures of chosen moments."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import DivergedError
from gan_jax.pictures.plane import Curve, Plane, View
from gan_jax.plane.landscape import colours, look
from gan_jax.plane.modes import NUM_SAMPLES, score_modes
from gan_jax.plane.targets import Target
from gan_jax.plane.training import train_states
from gan_jax.storage.digests import named_leaves
from gan_jax.storage.weights import weights_of
from gan_jax.training.batches import RunKeys
from gan_jax.training.forward import sample_latents
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.state import GanState
from gan_jax.training.steps import Step

_SHOWN = 400  # samples in a picture


class Watched(NamedTuple):
    """A training and what was seen of it, in NumPy arrays with one entry for each chosen step."""

    config: GanConfig
    target: Target
    steps: list[int]
    frames: Any  # a Frame with a leading [steps] axis; of 2,500 samples
    scores: Any  # ModeScores, likewise, where the target has modes
    metrics: dict[str, np.ndarray]  # of every step of the training
    states: list[GanState]


def watch(
    config: GanConfig, step: Step, start: GanState, target: Target, keys: RunKeys, steps: Sequence[int]
) -> Watched:
    """Train in the plane and look at some states.

    Args:
      config: from ``for_points``.
      step: ``gan_step`` or another.
      start: before the first step.
      target: what to learn.
      keys: from ``run_keys``.
      steps: from ``frame_steps``.

    Raises:
      DivergedError: a metric of a step is not a finite number.
      InputError: there are fewer points than one step takes.
    """
    try:
        states, metrics = train_states(config, step, start, target.points, keys, steps)
    except NonFiniteError as error:
        raise DivergedError(f"{error}; try a lower --learning-rate.") from error
    latents = sample_latents(config, keys.display, NUM_SAMPLES)
    reals = jnp.resize(target.points, (NUM_SAMPLES, 2))
    frames = [look(config, state, latents, reals, target.half_width) for state in states]
    stacked = _stack(frames)
    scores = _stack([score_modes(target.modes, frame.points) for frame in frames]) if target.modes else None
    return Watched(config, target, list(steps), stacked, scores, metrics, states)


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
        shades = np.asarray(colours(watched.config, landscape))
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
        **watched.frames._asdict(),
        **(watched.scores._asdict() if watched.scores else {}),
        **{f"metrics/{name}": values for name, values in watched.metrics.items()},
        **{f"weights/{name}": np.stack([np.asarray(one[name]) for one in weights]) for name in weights[0]},
    }


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
