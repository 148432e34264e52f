"""The host's loop around the compiled chunks: where it pauses, and what it knows then."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from gan_jax.config import GanConfig
from gan_jax.programs import run_chunk
from gan_jax.sources import ImageSource, RunKeys
from gan_jax.state import GanState
from gan_jax.steps import Step

CHUNK_STEPS = 20  # a few seconds on a CPU: how often the host gets a word in


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where training stands after a chunk; the default is the start."""

    state: GanState
    step: int = 0  # steps taken since initialization
    epoch: int = 0  # the epoch that the last step was in, from 1
    batch: int = 0  # batches of that epoch done
    epoch_end: bool = True  # the epoch ends here, or the run within it
    window_end: bool = True  # a logged line is due
    metrics: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)  # per step of the chunk: [steps] float32


class NonFiniteError(ArithmeticError):
    """A metric of a step is not a finite number; the last ``Progress`` has the state before that step."""

    def __init__(self, name: str, step: int) -> None:
        super().__init__(f"{name} is not finite at step {step}")


class Chunk(NamedTuple):
    """Steps from one pause to the next, all of one epoch."""

    epoch: int  # from 0
    start: int  # the first batch of the epoch, from 0
    stop: int  # one past the last
    first_step: int  # since initialization, from 1
    epoch_end: bool
    window_end: bool

    def progress(self, state: GanState, metrics: Mapping[str, np.ndarray], good: int | None = None) -> Progress:
        """Where training stands after the chunk, or after its first ``good`` steps."""
        steps = self.stop - self.start if good is None else good
        whole = steps == self.stop - self.start
        return Progress(
            state=state,
            step=self.first_step + steps - 1,
            epoch=self.epoch + 1,
            batch=self.start + steps,
            epoch_end=self.epoch_end and whole,
            window_end=self.window_end and whole,
            metrics={name: values[:steps] for name, values in metrics.items()},
        )


def plan_chunks(
    done: int, num_steps: int, per_epoch: int, log_every: int, pause_every: int | None, chunk_steps: int
) -> Iterator[Chunk]:
    """The chunks from step ``done`` to ``num_steps``; ``train`` says where they end."""
    while done < num_steps:
        epoch, batch = divmod(done, per_epoch)
        window_end = min(per_epoch, (batch // log_every + 1) * log_every, batch + num_steps - done)
        pause = pause_every - done % pause_every if pause_every else chunk_steps
        stop = batch + min(chunk_steps, window_end - batch, pause)
        done, first_step = done + stop - batch, done + 1
        yield Chunk(epoch, batch, stop, first_step, stop == per_epoch or done == num_steps, stop == window_end)


def train(
    config: GanConfig,
    step: Step,
    state: GanState,
    source: ImageSource,
    keys: RunKeys,
    *,
    num_steps: int,
    log_every: int = 100,
    pause_every: int | None = None,
    chunk_steps: int = CHUNK_STEPS,
) -> Iterator[Progress]:
    """Train until ``state.step`` is ``num_steps``, pausing after each chunk so that the host may print, draw and save.

    A chunk is one compiled scan. Chunks end where a line is due and where an epoch does; their length never changes a
    result.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another of their type.
      state: where to start; it is not consumed.
      source: the real images, such as ``ResidentImages``.
      keys: from ``run_keys``.
      num_steps: steps since initialization at which to end.
      log_every: batches of an epoch from one logged line to the next.
      pause_every: pause after every so many steps since initialization too.
      chunk_steps: the most steps between two pauses.

    Yields:
      ``Progress`` after each chunk.

    Raises:
      NonFiniteError: a metric of a step is infinite or not a number; the steps before it have been yielded.
    """
    for chunk in plan_chunks(int(state.step), num_steps, source.steps_per_epoch, log_every, pause_every, chunk_steps):
        batches = source.batches(chunk.epoch, chunk.start, chunk.stop)
        after, metrics = run_chunk(config, step, state, batches, keys.step)
        metrics = {name: np.asarray(values) for name, values in metrics._asdict().items()}
        good, bad = finite_steps(metrics)
        if bad and good:  # go again, as far as there is something to keep
            after, _ = run_chunk(config, step, state, batches[:good], keys.step)
        if good:
            state = after
            yield chunk.progress(state, metrics, good)
        if bad:
            raise NonFiniteError(bad, chunk.first_step + good)


def finite_steps(metrics: Mapping[str, np.ndarray]) -> tuple[int, str | None]:
    """How many steps of a chunk come before the first with a non-finite metric, and that metric's name."""
    finite = np.logical_and.reduce([np.isfinite(values) for values in metrics.values()])
    if finite.all():
        return len(finite), None
    good = int(finite.argmin())
    return good, next(name for name, values in metrics.items() if not np.isfinite(values[good]))
