"""What the flags of a training do not say themselves: its folder, and what the run that it resumes has recorded."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_jax.cli.flags import read_flags
from gan_jax.cli.trainings import ENABLING
from gan_jax.config import GanConfig
from gan_jax.data.datasets import Dataset
from gan_jax.data.image_set import listed
from gan_jax.errors import InputError
from gan_jax.files import warn
from gan_jax.parts import imported_names
from gan_jax.recipes import AUTO, choose_recipe, recipe
from gan_jax.runs.setup import load_images
from gan_jax.runs.watchers.console import say
from gan_jax.setting_groups import RunSettings
from gan_jax.settings import RunConfig
from gan_jax.storage.run_json import RunJson, has_run_json, read_settings, runs_in
from gan_jax.sweeps.folder import recorded
from gan_jax.sweeps.plan import default_folder, parse_sweep


def complete(
    flags: RunSettings, recipe_name: str | None, args: Sequence[str], *, choose: bool = False, **options: Any
) -> tuple[RunConfig, Dataset | None]:
    """The settings of a training, and its images where they were read.

    Args:
      flags: as they were read.
      recipe_name: that they begin with.
      args: what they were read from.
      choose: begin with what ``choose_recipe`` chooses, unless a run goes on.
      options: what they were read with.

    Raises:
      InputError: as ``parse_flags``.
    """
    given = [argument.partition("=")[0] for argument in args]
    is_default = flags.output_dir is None
    folder = flags.output_dir or default_folder(flags, recipe=recipe_name)
    flags, dataset = dataclasses.replace(flags, output_dir=folder), None
    if flags.resume and (found := _recorded_run(flags)):
        begun, _ = read_settings(found)
        if recipe_name not in (None, AUTO):
            begun = dataclasses.replace(begun, gan=recipe(recipe_name))
        steps = None if "--epochs" in given else begun.steps  # a length in epochs replaces one in steps
        begun = dataclasses.replace(begun, steps=steps, output_dir=folder)
        if flags.has_many_runs:
            begun = dataclasses.replace(_of_every_trial(flags, begun), seed=flags.seed)
        flags = read_flags(begun, args, **options)
    else:
        if flags.resume and is_default:
            _warn_of_no_run(folder)
        if choose:
            dataset = load_images(_checked(flags))
            chosen = choose_recipe(dataset.image_shape)
            if not flags.quiet and flags.process_id in (None, 0):
                say(f"Chosen: {chosen}; --recipe names another")
            values: dict[str, Any] = vars(flags) | {"gan": chosen.settings}
            defaults = RunSettings(**values)
            flags = read_flags(defaults, args, **options)
    settings = _checked(flags)
    _require_effect(given, settings)
    return settings, dataset


def _checked(flags: RunSettings) -> RunConfig:
    values: dict[str, Any] = vars(flags) | {"gan": GanConfig(**vars(flags.gan)), "imports": imported_names()}
    return RunConfig(**values)


def _require_effect(given: Sequence[str], settings: RunConfig) -> None:
    """Refuse what would be ignored, among the flags that are given and the settings that are swept."""
    if "--parallel" in given and not settings.has_many_runs:
        raise InputError("--parallel is about many runs; give --seeds or --sweep too.")
    if "--sweep" in given and not settings.sweep:
        raise InputError("--sweep is empty; give --sweep name=value,value, or leave it out.")
    swept = [text.partition("=")[0].replace("-", "_") for text in settings.sweep]
    chosen = {*swept, *(name.removeprefix("--").replace("-", "_") for name in given)}
    for setting, (is_enabled, dependent) in ENABLING.items():
        ignored = next((name for name in dependent if name in chosen), None)
        if ignored and setting not in swept and not is_enabled(settings.gan):
            raise InputError(f"{ignored} has no effect here; give --{setting.replace('_', '-')} too, or leave it out.")


def _recorded_run(flags: RunSettings) -> RunJson | None:
    """What was recorded of the run to resume, or of the first of many."""
    found = recorded(flags.folder)
    if found and not (has_run_json(flags.folder) or flags.has_many_runs):
        raise InputError(f"{flags.folder} holds many runs; give their --seeds or --sweep too.")
    return found


def _warn_of_no_run(folder: Path) -> None:
    """Say where a run was looked for, and which are there; the folder that was meant may be that of other flags."""
    others = f", such as {listed(there)}" if (there := runs_in(folder.parent)) else ""
    warn(f"{folder} holds no run to resume, so that a new one begins there; --output-dir names another{others}")


def _of_every_trial(flags: RunSettings, settings: RunConfig) -> RunConfig:
    """One trial's recorded settings as the defaults of all; schedules end differently where epochs differ in steps."""
    swept = {parse_sweep(text)[0] for text in flags.sweep}
    return dataclasses.replace(settings, schedule_steps=None) if swept & {"batch_size", "critic_steps"} else settings
