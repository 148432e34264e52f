"""What experiments have recorded, as the page shows it: trainings in the plane, and the lesson's images."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax.array_files import read_arrays
from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.files import first_line, parse_json
from gan_jax.plane.landscape import colours

_FRAMES = "frames.npz"
_ARMS = {  # the files of experiments/plane_lesson.py
    "joint": "G and D together",
    "untrained_critic": "G alone, D untrained",
    "trained_critic": "G alone, D trained",
    "discriminator": "D alone",
}
_EVERY = 3  # places of a landscape along each axis from one that is kept to the next
_POINTS, _REALS = 120, 300
_FARTHEST = 2.0  # half-widths from the origin; what is further away is drawn at the edge all the same
_PULL = 0.3  # the length of an arrow that is drawn half as long as the longest


def read_plane(path: Path) -> dict[str, Any]:
    """What ``experiments/plane_lesson.py`` or ``experiments/plane.py`` wrote into a folder, or one file of frames.

    Raises:
      InputError: there is no such thing, or it is damaged.
    """
    if path.is_file():
        arms = {path.stem: read_frames(path)}
    elif (path / _FRAMES).is_file():
        arms = {"G and D together": read_frames(path / _FRAMES)}
    else:
        found = {label: path / f"{name}.npz" for name, label in _ARMS.items()}
        arms = {label: read_frames(file) for label, file in found.items() if file.is_file()}
    if not arms:
        raise InputError(f"{path} holds no training in the plane; give a folder of plane.py or plane_lesson.py.")
    first = next(iter(arms.values()))
    try:
        return {
            "name": path.resolve().name,
            "half_width": float(first["half_width"]),
            "reals": first["reals"][:_REALS],
            "arms": [_arm(label, frames) for label, frames in arms.items()],
        }
    except (IndexError, TypeError, ValueError) as error:
        raise InputError(f"{path} holds no frames ({first_line(error)}); give a folder of plane.py.") from None


def read_frames(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file of frames.

    Raises:
      InputError: the file cannot be read, or holds something else.
    """
    arrays = read_arrays(path, "frames", "make it again", lambda name: not name.startswith("weights/"))
    if missing := {"steps", "reals", "half_width", "landscape", "points", "arrows"} - arrays.keys():
        raise InputError(f"{path} holds no frames: {min(missing)} is missing; give a file of plane.py.")
    return arrays


def _arm(label: str, frames: dict[str, np.ndarray]) -> dict[str, Any]:
    objective = str(frames["objective"]) if "objective" in frames else GanConfig().objective
    shades = jax.vmap(lambda landscape: colours(objective, landscape))(frames["landscape"][:, ::_EVERY, ::_EVERY])
    steps = [int(step) for step in frames["steps"]]
    metrics = [frames[name] for name in ("metrics/d_g_z2", "metrics/d_g_z1") if name in frames]
    scores = [float(metrics[0][max(0, step - 1)]) for step in steps] if metrics else None
    arrows, reach = frames["arrows"][:, :_POINTS], _FARTHEST * float(frames["half_width"])
    return {
        "label": label,
        "steps": steps,
        "scores": scores,
        "landscapes": np.rint(255 * np.asarray(shades)),
        "points": np.clip(frames["points"][:, :_POINTS], -reach, reach),
        "arrows": arrows / (np.linalg.norm(arrows, axis=-1, keepdims=True) + _PULL),
    }


def read_lesson(path: Path) -> list[dict[str, Any]]:
    """The images that ``experiments/lesson.py`` kept of each of its arms.

    Raises:
      InputError: there are none, or they are damaged.
    """
    try:
        labels = parse_json((path / "lesson.json").read_text(encoding="utf-8"))["labels"]
        arrays = read_arrays(path / "strips.npz", "the lesson's images", "make them again")
        return [
            {"label": label, "steps": arrays[f"{name}/steps"].tolist(), "array": arrays[f"{name}/images"]}
            for name, label in labels.items()
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = first_line(error)
        raise InputError(f"{path} holds no lesson ({reason}); give a folder of experiments/lesson.py.") from None
