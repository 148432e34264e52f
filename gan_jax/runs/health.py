"""Signs that a training is going wrong, read from the means of its metrics."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from gan_jax.data.shares import sample_rows

SATURATED = 0.99  # D is this sure of reals, and as sure of fakes
COLLAPSED = 0.2  # the fakes' spread over the reals'
COLLAPSE_AFTER = 500  # steps; before that, fakes are alike because G is new
STEEP = 1000.0  # gradient norm; those of a training that goes well stay below 100
_LOOKED_AT = 5000  # images


class Sign(NamedTuple):
    """What was seen, and what to try."""

    name: str
    advice: str


def image_set_std(images: np.ndarray) -> float:
    """The reals' counterpart of a step's ``fake_std``: ``[N, H, W, C]`` uint8 to a number in [0, 1].

    Of many images it takes five thousand, at random.
    """
    rows = np.sort(sample_rows(np.zeros(len(images), np.int32), _LOOKED_AT, seed=0))
    some = images[rows].astype(np.float32)
    return float(np.sqrt((some / 127.5).var(axis=0).mean()))


def has_collapsed(history: Mapping[str, np.ndarray], real_images: np.ndarray) -> bool | None:
    """Whether the fakes of a run's last hundred steps are alike.

    Args:
      history: ``fake_std``, ``[steps]``.
      real_images: ``[N, H, W, C]`` uint8.

    Returns:
      None in the first ``COLLAPSE_AFTER`` steps, when fakes are alike because G is new, and where the run's step does
      not report the spread.
    """
    spreads = history.get("fake_std", np.zeros(0))
    if len(spreads) < COLLAPSE_AFTER:
        return None
    return float(np.mean(spreads[-100:])) < COLLAPSED * image_set_std(real_images)


def find_signs(means: Mapping[str, float], step: int, real_std: float, logistic: bool = True) -> list[Sign]:
    """Judge the means of some steps' metrics.

    Args:
      means: any of a step's metrics.
      step: the last of them.
      real_std: how much the reals differ.
      logistic: whether the objective is one of ``objectives.losses.LOGISTIC``; D's scores are judged under those alone.

    Returns:
      ``saturated discriminator`` (D tells reals from fakes without fail, so that its gradient teaches G little),
      ``collapsed fakes`` (they differ less than a fifth as much as the reals) and ``steep gradient``, as far as found.
    """
    found = []
    if logistic and means.get("d_x", 0) > SATURATED and means.get("d_g_z1", 1) < 1 - SATURATED:
        found.append(Sign("saturated discriminator", "a lower --learning-rate"))
    if step >= COLLAPSE_AFTER and means.get("fake_std", real_std) < COLLAPSED * real_std:
        found.append(Sign("collapsed fakes", "another --seed, a lower --learning-rate, or a larger --batch-size"))
    if max(means.get("d_gradient_norm", 0), means.get("g_gradient_norm", 0)) > STEEP:
        found.append(Sign("steep gradient", "a lower --learning-rate"))
    return found
