"""Training what the settings ask for: one run, or every trial of a sweep."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from gan_jax.config import STATIC
from gan_jax.cores import require_threads, usable_cores
from gan_jax.data.datasets import Dataset
from gan_jax.errors import DivergedError, InputError
from gan_jax.evaluation.protocol import require_scorable
from gan_jax.files import warn
from gan_jax.runs.driver import drive
from gan_jax.runs.experiment import Experiment, experiment_of
from gan_jax.runs.interrupts import StopRequest
from gan_jax.runs.processes import connect, is_main, leave_together, on_main
from gan_jax.runs.run import Run, open_run
from gan_jax.runs.setup import load_images, networks_config
from gan_jax.runs.watchers.console import say
from gan_jax.runs.watchers.trackers import require_tracker
from gan_jax.setting_groups import EPOCHS, FEW_UPDATES
from gan_jax.settings import RunConfig
from gan_jax.storage.run_folder import RunFolder, require_claimable
from gan_jax.storage.run_json import (
    RunJson,
    has_run_json,
    keep_threads,
    read_run_json,
    require_same_dataset,
    require_trained_here,
)
from gan_jax.sweeps.folder import SweepFolder, recorded
from gan_jax.sweeps.plan import Trial, default_folder, in_turn, list_trials
from gan_jax.sweeps.report import save_report, trial_outcomes
from gan_jax.training.batches import steps_per_epoch
from gan_jax.training.games import find_game

_WIDEST_ON_CPU = 32
_FEWEST_ON_ACCELERATOR = 4


def run_experiment(
    settings: RunConfig, experiment: Experiment | None = None, *, dataset: Dataset | None = None
) -> None:
    """Train what the settings ask for: one run, or many seeds and values, then scored and reported together.

    Seed k of many is the same run as seed k alone: bit for bit on a CPU and where runs are taken in turn, and up to
    rounding where they are side by side on an accelerator. A trial that diverges does not stop the others.

    Args:
      settings: the runs, and where their files go.
      experiment: what to show; by default what ``experiment_of`` their game says.
      dataset: the images; by default those that the settings name.

    Raises:
      InputError: a setting, the data or an output folder is wrong.
      DivergedError: the run diverged, or every one of many.
      StoppedError: a signal ended the training; ``resume`` continues it.

    Examples:
      >>> run_experiment(RunConfig(dataset="digits", epochs=3))  # doctest: +SKIP
    """
    find_game(settings.game)
    experiment = experiment or experiment_of(settings.game)
    connect(settings)
    if settings.output_dir is None:
        folder = default_folder(settings, dataset=dataset and dataset.name)
        settings = dataclasses.replace(settings, output_dir=folder)
    for name in settings.tracker:
        require_tracker(name)
    many = settings.has_many_runs
    trials = list_trials(settings) if many else [Trial("", {}, settings)]
    _choose_threads(settings, trials)
    flags = {"resume": settings.resume, "overwrite": settings.overwrite}
    folder = SweepFolder(settings.folder, [trial.name for trial in trials], **flags)
    on_main(folder.require_claimable if many else lambda: require_claimable(RunFolder(settings.folder), **flags))
    if settings.resume and (found := recorded(settings.folder)):
        require_trained_here(found, settings.folder)
        require_same_dataset(found, settings.dataset)
    if is_main() and not settings.quiet:
        say(f"Output folder: {settings.folder}")
    side_by_side = choose_side_by_side(settings, trials)
    dataset = dataset or load_images(settings)
    if is_main() and not settings.quiet:
        say(dataset.description)
    trials = _with_lengths(trials, len(dataset.train_images))
    if many or settings.evaluate_every:
        on_main(lambda: require_scorable(dataset))
    if not many:
        return _train(trials, experiment, dataset)
    for trial in trials:  # what does not fit the data is found before hours are spent on the others
        networks_config(trial.settings, dataset)
    on_host = _shares_batches(settings) or settings.stream
    images = dataset.train_images if on_host else jnp.asarray(dataset.train_images)
    with contextlib.closing(folder):
        for together in [trials] if side_by_side else ([trial] for trial in in_turn(trials)):
            _train(together, experiment, dataset, images, folder.begin)
        if not is_main():
            return
        outcomes = trial_outcomes(trials, dataset, settings.quiet)
        save_report(settings.folder, outcomes, quiet=settings.quiet)
    if all(outcome["diverged"] for outcome in outcomes):
        raise DivergedError("every run diverged. Try a lower --learning-rate.")


def _choose_threads(settings: RunConfig, trials: Sequence[Trial]) -> None:
    """As many worker threads as the settings say, or else as the first of the runs had that are resumed."""
    require_threads(settings.threads)
    begun = [trial.settings.folder for trial in trials if settings.resume and has_run_json(trial.settings.folder)]
    if settings.threads is None and begun:
        keep_threads(read_run_json(begun[0], replacing=True))


def _with_lengths(trials: Sequence[Trial], num_images: int) -> list[Trial]:
    """The trials with their lengths filled in; warns where there are few images or updates."""
    chosen = [trial._replace(settings=trial.settings.with_length(num_images)) for trial in trials]
    updates = min(outcome.settings.num_steps(steps_per_epoch(outcome.settings.gan, num_images)) for outcome in chosen)
    settings, epochs = trials[0].settings, chosen[0].settings.epochs
    if settings.epochs != epochs != EPOCHS and is_main() and not settings.quiet:
        say(
            f"Training for {epochs} epochs ({updates:,} updates), since {EPOCHS} of {num_images:,} images are too few "
            f"for pictures; --epochs or --steps sets another length"
        )
    if settings.steps is None and updates < FEW_UPDATES and is_main():
        warn(f"the training has {updates} updates; pictures show little before about {FEW_UPDATES}: give more --epochs")
    return chosen


def choose_side_by_side(settings: RunConfig, trials: Sequence[Trial] = ()) -> bool:
    """Whether to train many runs side by side, if the settings leave it open: where that was measured to be faster.

    That is narrow networks on a CPU of several cores, and four runs or more in bfloat16 on an accelerator
    (docs/explain/performance.md).

    Raises:
      InputError: side by side was asked for together with several devices or processes, or for runs that differ in what
        a program is compiled for.
    """
    shared = _shares_batches(settings)
    compiled_for = sorted({name for trial in trials for name in trial.values} & set(STATIC))
    if settings.parallel == "side_by_side" and compiled_for:
        raise InputError(f"--parallel side_by_side cannot sweep {', '.join(compiled_for)}; use --parallel in_turn.")
    if settings.parallel == "side_by_side" and shared:
        raise InputError(
            "--parallel side_by_side puts all runs on one device; leave out --devices and other processes."
        )
    if settings.parallel == "side_by_side" and settings.stream:
        raise InputError("--parallel side_by_side keeps the images on the device; leave out --stream.")
    if settings.parallel == "auto":
        if shared or settings.stream or compiled_for:
            return False
        if jax.default_backend() == "cpu":
            return usable_cores() > 1 and settings.gan.width <= _WIDEST_ON_CPU
        return settings.gan.precision == "bfloat16" and len(trials) >= _FEWEST_ON_ACCELERATOR
    return settings.parallel == "side_by_side"


def _shares_batches(settings: RunConfig) -> bool:
    """Whether several devices or processes share each batch."""
    return bool(settings.devices or settings.distributed or settings.num_processes)


def _train(
    trials: Sequence[Trial],
    experiment: Experiment,
    dataset: Dataset,
    images: ArrayLike | None = None,
    begin: Callable[[RunJson], None] = lambda record: None,
) -> None:
    """Train trials side by side; the errors of a trial without a name, the only run, are the caller's to handle."""
    runs: list[Run] = []
    with leave_together(), StopRequest() as stop, contextlib.ExitStack() as stack:
        for trial in trials:
            try:
                run = open_run(experiment, trial.settings, dataset, images=images, label=trial.name, begin=begin)
                runs.append(stack.enter_context(run))
            except DivergedError as error:
                if not trial.name:
                    raise
                warn(f"{trial.name}: {error}")
        if runs:
            drive(runs, stop)
    stop.raise_if_set()
    for run in runs:
        if run.diverged and not run.context.label:
            raise DivergedError(run.diverged)
