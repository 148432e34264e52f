"""The loop between the host and the compiled chunks: where it pauses, and what it knows at each pause."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.training.batches import ImageSource, RunKeys, read_batches
from gan_jax.training.compiled import compile_steps, require_counted, scan_many
from gan_jax.training.metrics import shown_order
from gan_jax.training.steps import Step

CHUNK_STEPS = 20  # a few seconds on a CPU: how often the host can print, draw, save and stop

Metrics = dict[str, np.ndarray]  # of each step: [steps] float32


class Start(NamedTuple):
    """What a run is trained from, beside its step."""

    config: GanConfig
    state: Any
    source: ImageSource
    keys: RunKeys
    schedule_steps: int | None = None  # where schedules end that have no end of their own; by default with the training


class NonFiniteError(ArithmeticError):
    """A metric of a step is not a finite number; the last ``Progress`` has the state before that step."""

    def __init__(self, name: str, step: int) -> None:
        super().__init__(f"{name} is not finite at step {step}")


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where training stands after a chunk; the default is the start."""

    state: Any
    step: int = 0  # steps taken since initialization
    epoch: int = 0  # the epoch that the last step was in, from 1
    batch: int = 0  # batches of that epoch done
    epoch_end: bool = True  # the epoch ends here, or the run within it
    window_end: bool = True  # a logged line is due
    metrics: Metrics = dataclasses.field(default_factory=dict)  # of the chunk's steps
    error: ArithmeticError | None = None  # training ended here because of the next step


class Chunk(NamedTuple):
    """Steps from one pause to the next, all of one epoch."""

    epoch: int  # from 0
    start: int  # the first batch of the epoch, from 0
    stop: int  # one past the last
    first_step: int  # since initialization, from 1
    epoch_end: bool
    window_end: bool

    def first(self, count: int) -> "Chunk":
        """The first ``count`` steps alone; nothing is due after them."""
        return self._replace(stop=self.start + count, epoch_end=False, window_end=False)

    def progress(self, state: Any, metrics: Metrics) -> Progress:
        """Where training stands after the chunk."""
        return Progress(
            state=state,
            step=self.first_step + self.stop - self.start - 1,
            epoch=self.epoch + 1,
            batch=self.stop,
            epoch_end=self.epoch_end,
            window_end=self.window_end,
            metrics={name: values[: self.stop - self.start] for name, values in metrics.items()},
        )


def plan_chunks(
    done: int, num_steps: int, per_epoch: int, log_every: int, pause_every: int | None, chunk_steps: int
) -> Iterator[Chunk]:
    """The chunks from step ``done`` to ``num_steps``; ``train`` says where they end.

    A chunk that begins between two pauses ends at the next, so that a training that is resumed anywhere pauses where
    one that was never interrupted does.

    Examples:
      >>> chunks = plan_chunks(0, num_steps=8, per_epoch=6, log_every=100, pause_every=None, chunk_steps=4)
      >>> [(chunk.epoch, chunk.start, chunk.stop) for chunk in chunks]
      [(0, 0, 4), (0, 4, 6), (1, 0, 2)]
    """
    if per_epoch < 1:
        raise InputError(f"the source's steps_per_epoch is {per_epoch}; it must be at least 1.")
    while done < num_steps:
        epoch, batch = divmod(done, per_epoch)
        window_end = min(per_epoch, (batch // log_every + 1) * log_every, batch + num_steps - done)
        pause = pause_every - done % pause_every if pause_every else chunk_steps
        stop = batch + min(chunk_steps - batch % log_every % chunk_steps, window_end - batch, pause)
        done, first_step = done + stop - batch, done + 1
        yield Chunk(epoch, batch, stop, first_step, stop == per_epoch or done == num_steps, stop == window_end)


def spaced_pauses(
    num_steps: int, per_epoch: int, count: int, *, log_every: int = 100, chunk_steps: int = CHUNK_STEPS
) -> list[int]:
    """About ``count`` steps from 0 to ``num_steps`` at which ``train`` pauses, dense at first.

    Args:
      num_steps: of the whole training.
      per_epoch: steps of an epoch.
      count: at least 2; fewer come back where two would be the same.
      log_every: see ``train``.
      chunk_steps: see ``train``.

    Returns:
      The steps, rising.

    Examples:
      >>> spaced_pauses(1000, per_epoch=300, count=5)
      [0, 80, 260, 580, 1000]
    """
    chunks = plan_chunks(0, num_steps, per_epoch, log_every, None, chunk_steps)
    pauses = [0, *(chunk.first_step + chunk.stop - chunk.start - 1 for chunk in chunks)]
    wanted = num_steps * np.linspace(0, 1, count) ** 2
    return sorted({pauses[int(np.searchsorted(pauses, step))] for step in wanted})


def train(
    config: GanConfig,
    step: Step,
    state: Any,
    source: ImageSource,
    keys: RunKeys,
    *,
    num_steps: int,
    schedule_steps: int | None = None,
    log_every: int = 100,
    pause_every: int | None = None,
    chunk_steps: int = CHUNK_STEPS,
) -> Iterator[Progress]:
    """Train until ``state.step`` is ``num_steps``, pausing after each chunk so that the host may print, draw and save.

    A chunk is one compiled scan. Chunks end where a line is due and where an epoch ends; their length never changes a
    result.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another ``Step``.
      state: where to start; it is not consumed.
      source: the real images, such as ``ResidentImages``.
      keys: from ``run_keys``.
      num_steps: steps since initialization at which to end.
      schedule_steps: the step at which schedules end that have no end of their own; by default ``num_steps``.
      log_every: batches of an epoch from one logged line to the next.
      pause_every: pause after every so many steps since initialization too.
      chunk_steps: the most steps between two pauses.

    Yields:
      ``Progress`` after each chunk.

    Raises:
      NonFiniteError: a metric of a step is infinite or not a number; the steps before it have been yielded.
      InputError: the step does not count ``state.step`` on, or reports a metric that is not a single number.

    Examples:
      >>> from gan_jax import Batch, ResidentImages, gan_step, init_state, run_keys
      >>> config, keys = GanConfig(image_shape=(8, 8, 1), width=2, latent_dim=4, batch_size=8), run_keys(0)
      >>> source = ResidentImages(config, Batch(np.zeros((24, 8, 8, 1), np.uint8)), keys)
      >>> state = init_state(config, keys.init)
      >>> [progress.step for progress in train(config, gan_step, state, source, keys, num_steps=6)]
      [3, 6]
    """
    starts = [Start(config, state, source, keys, schedule_steps)]
    together = train_together(
        step, starts, num_steps=num_steps, log_every=log_every, pause_every=pause_every, chunk_steps=chunk_steps
    )
    for reports in together:
        for progress in reports.values():
            if progress.metrics:
                yield progress
            if progress.error:
                raise progress.error


def train_together(
    step: Step,
    starts: Sequence[Start],
    *,
    num_steps: int,
    log_every: int = 100,
    pause_every: int | None = None,
    chunk_steps: int = CHUNK_STEPS,
) -> Iterator[dict[int, Progress]]:
    """``train`` for several runs side by side, chunk by chunk.

    A run whose metrics stop being finite ends at the step before, and the others continue.

    Args:
      step: what all of them train with.
      starts: where each starts, all after the same number of steps, with configurations of equal static fields.
      num_steps: as for ``train``, and so are the others.
      log_every: see ``train``.
      pause_every: see ``train``.
      chunk_steps: see ``train``.

    Yields:
      After each chunk, the ``Progress`` of every run that trained in it, under its index. One whose ``error`` is set is
      the last of its run, and has no metrics if not even the chunk's first step was finite.
    """
    states = [start.state for start in starts]
    training = list(range(len(starts)))
    plan = plan_chunks(
        int(states[0].step), num_steps, starts[0].source.steps_per_epoch, log_every, pause_every, chunk_steps
    )
    for chunk in plan:
        before = states
        states, metrics = _take_chunk(step, starts, before, chunk, num_steps)
        reports = {}
        for index in training:
            count, name = finite_steps(metrics[index])
            if name is None:
                reports[index] = chunk.progress(states[index], metrics[index])
                continue
            part = chunk.first(count)
            last = _take_chunk(step, starts, before, part, num_steps)[0][index] if count else before[index]
            progress = part.progress(last, metrics[index] if count else {})
            reports[index] = dataclasses.replace(progress, error=NonFiniteError(name, chunk.first_step + count))
        yield reports
        training = [index for index in training if not reports[index].error]
        if not training:
            return


def compile_ahead(step: Step, start: Start, *, num_steps: int, log_every: int, pause_every: int | None) -> None:
    """Compile what ``train`` runs first, from step 0; of the start's state, shapes are enough."""
    chunk = next(plan_chunks(0, num_steps, start.source.steps_per_epoch, log_every, pause_every, CHUNK_STEPS))
    batches = read_batches(start.source, chunk.epoch, chunk.start, chunk.stop)
    compile_steps(start.config, step, start.state, batches, start.keys.step, _end(start, num_steps))


def _end(start: Start, num_steps: int) -> int | None:
    return (start.schedule_steps or num_steps) if start.config.needs_end else None


def _take_chunk(
    step: Step, starts: Sequence[Start], states: Sequence[Any], chunk: Chunk, num_steps: int
) -> tuple[list[Any], list[Metrics]]:
    """Each run's state after a chunk, and its metrics."""
    batches = [read_batches(start.source, chunk.epoch, chunk.start, chunk.stop) for start in starts]
    configs, step_keys = [start.config for start in starts], [start.keys.step for start in starts]
    ends = [_end(start, num_steps) for start in starts]
    outcomes = scan_many(configs, step, states, batches, step_keys, ends)
    for state, _ in outcomes:
        require_counted(state, chunk.first_step + chunk.stop - chunk.start - 1)
    return [state for state, _ in outcomes], [metrics_to_numpy(metrics) for _, metrics in outcomes]


def metrics_to_numpy(metrics: Any) -> Metrics:
    """A step's metrics as float32 arrays under their names, in the order in which they are shown.

    Raises:
      TypeError: they are no dict, or an empty one.
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f"a step must report its metrics as a dict, not as a {type(metrics).__name__}")
    if not metrics:
        raise TypeError("a step must report at least one metric")
    return {name: np.asarray(metrics[name], np.float32) for name in sorted(metrics, key=shown_order)}


def finite_steps(metrics: Mapping[str, np.ndarray]) -> tuple[int, str | None]:
    """How many steps of a chunk come before the first with a non-finite metric, and that metric's name.

    Examples:
      >>> finite_steps({"g_loss": np.array([0.7, 0.8, np.nan])})
      (2, 'g_loss')
    """
    finite = np.logical_and.reduce([np.isfinite(values) for values in metrics.values()])
    if finite.all():
        return len(finite), None
    count = int(finite.argmin())
    return count, next(name for name, values in metrics.items() if not np.isfinite(values[count]))
