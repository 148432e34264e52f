"""One run while it trains: its state, metrics, checkpoints and watchers."""

import dataclasses
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from jax.typing import ArrayLike

from gan_jax.data.datasets import Dataset
from gan_jax.errors import DivergedError, InputError
from gan_jax.evaluation import load_features, sample_count, score_images
from gan_jax.evaluation.features import require_accurate
from gan_jax.files import warn
from gan_jax.inference.sampling import sample_fakes
from gan_jax.objectives.losses import LOGISTIC
from gan_jax.pictures.scores import HEADINGS, headings_of
from gan_jax.runs.experiment import Experiment, draw_preview
from gan_jax.runs.health import find_signs, image_set_std
from gan_jax.runs.processes import is_main, on_main
from gan_jax.runs.setup import choose_mesh, networks_config, prepare_start, training_images
from gan_jax.runs.watchers.console import Console
from gan_jax.runs.watchers.figures import Figures
from gan_jax.runs.watchers.in_place import InPlace
from gan_jax.runs.watchers.json_lines import JsonLines, read_lines
from gan_jax.runs.watchers.results import Results
from gan_jax.runs.watchers.snapshots import Snapshots
from gan_jax.runs.watchers.trackers import Tracking
from gan_jax.runs.watchers.watcher import Entry, ResumePoint, RunContext, Watcher
from gan_jax.settings import RunConfig
from gan_jax.storage.checkpoints import Checkpoint, Checkpoints, checkpoint_steps
from gan_jax.storage.history import History
from gan_jax.storage.run_folder import RunFolder, claim, replace_run
from gan_jax.storage.run_json import (
    ENVIRONMENT,
    RunJson,
    environment_differences,
    has_run_json,
    identity,
    make_run_json,
    read_run_json,
    require_same_run,
    warn_of_differences,
)
from gan_jax.training.games import Game, find_game
from gan_jax.training.loop import Progress, Start, spaced_pauses
from gan_jax.training.sharding import devices_per_batch, local_copy

_HEALTH = ("d_gradient_norm", "g_gradient_norm", "fake_std")  # judged, and not on the screen

Scores = Mapping[str, Any]


class Run:
    """The state of one run while it trains, and its watchers.

    Whatever belongs to a step is on disk before the checkpoint of that step, so that resuming from a checkpoint means
    to drop what is newer. Of several processes all train and checkpoint together, and only process 0 has watchers.

    Args:
      context: what stays the same.
      start: where it starts.
      checkpoints: where it is saved.
      watchers: told of everything, in this order.
      score: scores a state, if the run is to be scored while it trains.
    """

    def __init__(
        self,
        context: RunContext,
        start: Start,
        checkpoints: Checkpoints,
        watchers: Sequence[Watcher],
        score: Callable[[Progress], Scores] | None = None,
    ) -> None:
        self.context, self.start, self.state = context, start, start.state
        self.diverged: str | None = None
        self._checkpoints, self._watchers, self._score = checkpoints, watchers, score
        self._history, self._window_start = History(), 0
        self._real_std = image_set_std(context.dataset.train_images)
        self._warned: set[str] = set()
        self._last_scores: tuple[int, Scores] = (-1, {})
        self._last_means: Mapping[str, float] = {}

    def resume(self, until: int | None = None) -> None:
        """Restore the newest checkpoint that is not after step ``until``, or begin at the start if there is none.

        Raises:
          InputError: there are checkpoints, but none that can be used.
        """
        found, complaints = self._checkpoints.restore_newest(self.start.state, until)
        if complaints and not found:
            raise InputError(
                f"no checkpoint can be used: {complaints[0].removesuffix('.')}; mend it, or delete "
                f"{self.context.folder.checkpoints} to train from step 0."
            )
        self.state = found.state if found else self.start.state
        step = int(self.state.step)
        self._checkpoints.drop_after(step)
        self._history.restore(found.metrics if found else {})
        context, log_every = self.context, self.context.settings.log_every
        self._window_start = step if step == context.num_steps else step - step % context.steps_per_epoch % log_every

        def keep(at: int) -> bool:
            return at <= step and context.ends_window(at)

        for watcher in self._watchers:
            watcher.resume(ResumePoint(step, keep, complaints))
        lines = read_lines(context.folder.metrics)
        self._warned = {line["warning"] for line in lines if "warning" in line and line["step"] == lines[-1]["step"]}

    def record(self, progress: Progress) -> None:
        """Take a chunk's state and metrics, and report what is due."""
        self.state = progress.state
        self._history.extend(progress.metrics)
        self._last_means = {name: float(np.mean(values)) for name, values in progress.metrics.items()}
        if progress.window_end:
            self._record_window(progress)
        settings, batches = self.context.settings, self.context.steps_per_epoch
        every = settings.evaluate_every
        if self._score and every and progress.batch == batches and progress.epoch % every == 0:
            scores = self._score(_local(progress))
            self._last_scores = progress.step, scores
            shown = "  ".join(f"{heading} {scores[key]:.3g}" for key, heading in headings_of(scores).items())
            shown += f"  features {scores['evaluator']} {scores['evaluator_sha256'][:12]}"
            averaged = self.context.config.has_ema
            self._tell(progress, scores, f"averaged generator  {shown}" if averaged else shown)

    def summary(self) -> str:
        """The metrics of the last chunk and the last distance, in a few words."""
        shown = [f"{name} {value:.2f}" for name, value in self._last_means.items() if name not in _HEALTH]
        scores = self._last_scores[1]
        shown += [f"{HEADINGS['frechet_distance']} {scores['frechet_distance']:.3g}"] if scores else []
        return "  ".join(shown)

    def draw(self, progress: Progress) -> None:
        """Let the watchers draw."""
        for watcher in self._watchers:
            watcher.draw(_local(progress))

    def checkpoint(self, progress: Progress, stopping: bool) -> None:
        """Save where a checkpoint is due, or where the run is stopped or has diverged."""
        if progress.error:
            self.diverged = f"{progress.error}; the state before it is saved. Try a lower --learning-rate."
            progress = dataclasses.replace(progress, error=DivergedError(self.diverged))
        for watcher in self._watchers:
            watcher.checkpoint(_local(progress))
        every = self.context.settings.checkpoint_every
        due = progress.epoch_end or stopping or (every and progress.step % every == 0)
        if progress.step and (due or progress.error):
            step, scores = self._last_scores
            checkpoint = Checkpoint(self.state, self._history.arrays())
            self._checkpoints.save(checkpoint, scores if step == progress.step else None)

    def finish(self) -> None:
        """Let the watchers write what is written once."""
        for watcher in self._watchers:
            watcher.finish(local_copy(self.state), self._history.arrays())

    def _record_window(self, progress: Progress) -> None:
        window = {name: values[self._window_start :] for name, values in self._history.arrays().items()}
        self._window_start = progress.step
        means = {name: float(values.mean()) for name, values in window.items()}
        shown = (f"{name} {value:.3f}" for name, value in means.items() if name not in _HEALTH)
        self._tell(progress, means, "  ".join(shown))
        signs = find_signs(means, progress.step, self._real_std, self.context.config.objective in LOGISTIC)
        for sign in signs:
            text = None if sign.name in self._warned else f"warning: {sign.name}; try {sign.advice}"
            self._tell(progress, {"warning": sign.name, "try": sign.advice}, text)
        self._warned = {sign.name for sign in signs}

    def _tell(self, progress: Progress, values: Mapping[str, Any], text: str | None) -> None:
        for watcher in self._watchers:
            watcher.record(Entry(progress.step, progress.epoch, values, text))


@contextmanager
def open_run(
    experiment: Experiment,
    settings: RunConfig,
    dataset: Dataset,
    *,
    images: ArrayLike | None = None,
    label: str = "",
    begin: Callable[[RunJson], None] = lambda record: None,
) -> Generator[Run]:
    """Claim a run's folder, take up its newest checkpoint, and leave its files complete at the end.

    Args:
      experiment: what it shows.
      settings: of this run alone.
      dataset: its images.
      images: its training images if they are on the device already, to be shared.
      label: its name, where it is one of many.
      begin: called on the main process with the run's record, before anything is written.

    Raises:
      InputError: the folder is another process's, another run's, or no run's; or another setting is wrong.
      DivergedError: the run that was to be resumed had ended so.
      OSError: the folder cannot be written.
    """
    config = networks_config(settings, dataset)
    mesh = choose_mesh(settings, config)
    data = training_images(config, dataset, images)
    start = prepare_start(_without_source(settings), config, data, mesh, ahead=not settings.resume)
    per_epoch = start.source.steps_per_epoch
    folder, num_steps = RunFolder(settings.folder), settings.num_steps(per_epoch)
    game = find_game(settings.game)
    context = RunContext(settings, config, dataset, local_copy(start.keys), folder, per_epoch, num_steps, label)
    score = _scorer(context, game) if settings.evaluate_every and is_main() else None
    record = make_run_json(settings, config, dataset, start.schedule_steps, devices_per_batch(mesh))
    lock = on_main(lambda: _open_folder(context, record, begin))
    try:
        checkpoints = Checkpoints(folder.checkpoints, settings.keep_checkpoints, run=identity(record))
        run = Run(context, start, checkpoints, _watchers(experiment, game, context, record, lock), score)
        run.resume()
        can_write = True
        try:
            yield run
        except OSError:
            can_write = False
            raise
        finally:
            if can_write:
                run.finish()
                checkpoints.close()
    finally:
        if lock:
            lock.release()


def _without_source(settings: RunConfig) -> RunConfig:
    """The settings without the run to start from, where a checkpoint takes the place of the start."""
    folder = RunFolder(settings.folder)
    if not (settings.resume and has_run_json(folder.path) and checkpoint_steps(folder.checkpoints)):
        return settings
    if "replacing" in read_run_json(folder.path, replacing=True):  # the checkpoints are another run's
        return settings
    return dataclasses.replace(settings, start_from=None, discriminator=None)


def _watchers(
    experiment: Experiment, game: Game, context: RunContext, record: RunJson, lock: FileLock | None
) -> list[Watcher]:
    """The watchers of the main process, which holds the lock; the other processes have none."""
    if lock is None:
        return []
    return [
        InPlace(context, Path(lock.lock_file)),
        JsonLines(context),
        Figures(context, experiment.draw or partial(draw_preview, sampler=game.sampler), experiment.draw_at),
        Results(context, record),
        *_snapshots(context),
        *(Tracking(context, name) for name in context.settings.tracker),
        *(make(context) for make in experiment.watchers),
        Console(context, experiment.describe_start),
    ]


def _snapshots(context: RunContext) -> list[Watcher]:
    settings = context.settings
    if settings.snapshots is None:
        return []
    log_every = settings.log_every
    steps = spaced_pauses(context.num_steps, context.steps_per_epoch, settings.snapshots, log_every=log_every)
    return [Snapshots(context, steps)]


def _scorer(context: RunContext, game: Game) -> Callable[[Progress], Scores]:
    dataset, settings = context.dataset, context.settings
    evaluator = load_features(settings.features, dataset, settings.feature_weights)
    require_accurate(evaluator)

    def score(progress: Progress) -> Scores:
        generator = game.sampler(context.config, progress.state)
        fakes = sample_fakes(context.config, generator, dataset, sample_count(dataset))
        return score_images(evaluator, fakes, dataset)

    return score


def _open_folder(context: RunContext, record: RunJson, begin: Callable[[RunJson], None]) -> FileLock:
    """Claim the folder; if it holds the run, copy its epochs into ``record``, and otherwise begin it."""
    folder, settings = context.folder, context.settings
    begin(record)
    lock = claim(folder, resume=settings.resume, overwrite=settings.overwrite)
    try:
        found = read_run_json(folder.path, replacing=True) if settings.resume and has_run_json(folder.path) else None
        if found and "replacing" not in found:
            _take_over(context, record, found)
        else:
            if found:
                require_same_run(found, record)
            replace_run(folder, record)
        folder.grids.mkdir(exist_ok=True)
        for path in folder.partial_files():
            path.unlink()
    except BaseException:
        lock.release()
        raise
    return lock


def _take_over(context: RunContext, record: RunJson, found: RunJson) -> None:
    require_same_run(found, record)
    if "diverged" in found:
        raise DivergedError(found["diverged"])
    done = max([0, *checkpoint_steps(context.folder.checkpoints)])
    if done > context.num_steps:
        raise InputError(
            f"the run in {context.folder.path} has taken {done} steps, and these settings ask for {context.num_steps}; "
            f"give --epochs or --steps for at least as many."
        )
    if not done and found["epochs"]:
        warn(f"{context.folder.path} has no checkpoint to resume from; training starts again from step 0")
    end = record["run"]["schedule_steps"]
    if end is not None and end <= done < context.num_steps:
        warn(f"the schedules ended at step {end}; the steps after it keep their last values")
    differences = environment_differences(found, record)
    warn_of_differences(differences)
    earlier = found.get("earlier_environments", [])
    if differences:
        earlier = [*earlier, {name: found[name] for name in ENVIRONMENT}]
    record["epochs"] = found["epochs"]
    if earlier:
        record["earlier_environments"] = earlier


def _local(progress: Progress) -> Progress:
    """The same with this process's copy of the state."""
    return dataclasses.replace(progress, state=local_copy(progress.state))
