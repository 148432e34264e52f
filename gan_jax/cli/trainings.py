"""The trainings by name, and the command line that trains a run again."""

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gan_jax.setting_groups import GanSettings, RunSettings

if TYPE_CHECKING:
    from gan_jax.config import GanConfig
    from gan_jax.storage.run_json import RunJson

TRAININGS = {
    "train": RunSettings(),
    "standalone-generator": RunSettings(GanSettings(initializer="he"), "generator", epochs=5),
    "standalone-discriminator": RunSettings(game="discriminator", epochs=5),
}

ENABLING: dict[str, tuple["Callable[[GanConfig], Any]", tuple[str, ...]]] = {  # settings, and what is ignored without
    "schedules": (lambda gan: gan.needs_end, ("schedule_steps",)),
    "penalties": (lambda gan: gan.penalties, ("penalty_weight", "penalty_share", "penalty_every")),
    "generator_penalties": (
        lambda gan: gan.generator_penalties,
        ("generator_penalty_weight", "generator_penalty_every"),
    ),
    "augmentations": (lambda gan: gan.augmentations, ("augmentation_probability",)),
    "network": (
        lambda gan: gan.network not in ("dcgan", "infogan", "dense"),
        ("stage_widths", "stage_cardinalities", "stage_blocks", "expansion", "bfloat16_stages"),
    ),
    "ema_half_life": (lambda gan: gan.has_ema, ("ema_ramp", "ema_statistics")),
}

_OF_THE_DATA = ("image_shape", "num_classes", "class_counts")


def command_of(record: "RunJson") -> str:
    """The command line that trains a recorded run again, or imports it again.

    It has the flags that are not at their defaults.
    """
    from gan_jax.data.folders import is_path
    from gan_jax.storage.run_json import read_settings

    settings, config = read_settings(record)
    if "imported" in record:
        files = " --discriminator ".join(map(shlex.quote, record["imported"]["files"]))
        return f"gan-jax import {files} --output-dir {shlex.quote(str(settings.folder))}"
    named = {defaults.game: (name, defaults) for name, defaults in TRAININGS.items()}
    name, defaults = named.get(settings.game, ("train", TRAININGS["train"]))
    ignored = [name for enabled, dependent in ENABLING.values() if not enabled(config) for name in dependent]
    flags = ["--recipe dcgan"] if settings.game == "joint" and is_path(settings.dataset) else []  # not chosen anew
    flags += _changed(config, defaults.gan, leave_out=(*_OF_THE_DATA, *ignored))
    length = () if settings.steps is None else ("epochs",)
    flags += _changed(settings, defaults, leave_out=("gan", "sweep", "seeds", "parallel", *length, *ignored))
    imports = [f"--import {shlex.quote(part)}" for part in record["imports"]]
    return " ".join([f"gan-jax {name}", *imports, *flags])


def _changed(values: Any, defaults: Any, leave_out: Sequence[str]) -> list[str]:
    """Flags for the fields that differ from the defaults."""
    flags = []
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if field.name in leave_out or value == getattr(defaults, field.name):
            continue
        flag = field.name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        elif field.name == "tracker":
            flags += [f"--tracker {name}" for name in value]
        else:
            words = value if isinstance(value, tuple) else (value,)
            flags.append(" ".join([f"--{flag}", *(shlex.quote(str(word)) for word in words)]))
    return flags
