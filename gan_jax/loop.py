"""Training over many batches: what is random at each step, the scan, and the host's loop around it."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.errors import InputError
from gan_jax.pixels import normalize_images
from gan_jax.state import GanState
from gan_jax.steps import Step

CHUNK_STEPS = 20  # a few seconds on a CPU: how often the host gets a word in


class RunKeys(NamedTuple):
    """A run's keys, each ``[]`` typed: what is random at step t depends on the seed and t alone."""

    init: Array  # initial weights
    order: Array  # the images' order, folded with the epoch
    step: Array  # latents, folded with the step
    display: Array  # the latents whose images are drawn again and again


def run_keys(seed: int) -> RunKeys:
    """Derive a run's keys from its seed, 0 … 2**32 - 1."""
    return RunKeys(*jax.random.split(jax.random.key(seed), len(RunKeys._fields)))


def steps_per_epoch(config: GanConfig, num_images: int) -> int:
    """Whole batches in the data set; an epoch's last, partial batch is dropped.

    Raises:
      InputError: there are fewer images than one batch.
    """
    if num_images < config.batch_size:
        raise InputError(f"batch_size is {config.batch_size}, but there are {num_images} training images; lower it.")
    return num_images // config.batch_size


@partial(jax.jit, static_argnames="num_images")
def epoch_order(config: GanConfig, order_key: Array, epoch: ArrayLike, num_images: int) -> Array:
    """Shuffle an epoch: ``[steps_per_epoch, batch]`` int32 indices of images, a function of (key, epoch)."""
    shuffled = jax.random.permutation(jax.random.fold_in(order_key, epoch), num_images)
    steps = steps_per_epoch(config, num_images)
    return shuffled[: steps * config.batch_size].reshape(steps, config.batch_size)


class ImageSource(Protocol):
    """Where a training's real images come from: an array on the device, or a stream from disk or network.

    ``batches`` is a function of its arguments alone: a source that keeps to that can be resumed and replayed.
    """

    steps_per_epoch: int

    def batches(self, epoch: int, start: int, stop: int) -> Array:
        """Batches ``start`` to ``stop`` of an epoch, from 0: ``[stop - start, batch, H, W, C]`` uint8."""
        ...


class ResidentImages:
    """All images on the device, in a new order each epoch.

    Args:
      config: the networks' configuration.
      images: ``[count, height, width, channels]`` uint8.
      keys: from ``run_keys``.

    Raises:
      InputError: there are fewer images than one batch.
    """

    def __init__(self, config: GanConfig, images: ArrayLike, keys: RunKeys) -> None:
        self._config, self._images, self._keys = config, jnp.asarray(images), keys
        self._order: tuple[int, Array] | None = None
        self.steps_per_epoch = steps_per_epoch(config, len(self._images))

    def batches(self, epoch: int, start: int, stop: int) -> Array:
        """Gather batches ``start`` to ``stop`` of an epoch: ``[stop - start, batch, H, W, C]`` uint8."""
        return _gather(self._images, self.order(epoch), start, stop - start)

    def order(self, epoch: int) -> Array:
        """Which images an epoch's batches are: ``[steps_per_epoch, batch]`` int32."""
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, epoch_order(self._config, self._keys.order, epoch, len(self._images))
        return self._order[1]


@partial(jax.jit, static_argnames="count")
def _gather(images: Array, order: Array, start: ArrayLike, count: int) -> Array:
    return images[lax.dynamic_slice_in_dim(order, start, count)]


def scan_steps(config: GanConfig, step: Step, state: GanState, batches: Array, step_key: Array) -> tuple[GanState, Any]:
    """Take one step per batch, as one scan.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another of their type.
      state: where to start.
      batches: ``[steps, batch, height, width, channels]`` uint8; mapped to [-1, 1] a batch at a time.
      step_key: ``[]`` typed PRNG key; folded with ``state.step`` for each step.

    Returns:
      The last state, and the step's metrics with a leading ``[steps]`` axis.
    """

    def body(state: GanState, batch: Array) -> tuple[GanState, Any]:
        return step(config, state, normalize_images(batch), jax.random.fold_in(step_key, state.step))

    return lax.scan(body, state, batches)


def run_chunk(config: GanConfig, step: Step, state: GanState, batches: Array, step_key: Array) -> tuple[GanState, Any]:
    """``scan_steps``, compiled."""
    return _compiled(scan_steps)(config, step, state, batches, step_key)


def train_epoch(config: GanConfig, step: Step, state: GanState, images: Array, keys: RunKeys) -> tuple[GanState, Any]:
    """Train for the epoch that ``state.step`` is at the start of, as one compiled program.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another of their type.
      state: the state at the start of an epoch; it is not consumed.
      images: ``[count, height, width, channels]`` uint8.
      keys: from ``run_keys``.

    Returns:
      The state after the epoch, and the step's metrics with a leading ``[steps_per_epoch]`` axis.
    """
    return _compiled(_scan_epoch)(config, step, state, images, keys)


def _scan_epoch(config: GanConfig, step: Step, state: GanState, images: Array, keys: RunKeys) -> tuple[GanState, Any]:
    epoch = state.step // steps_per_epoch(config, len(images))
    order = epoch_order(config, keys.order, epoch, len(images))
    return scan_steps(config, step, state, images[order], keys.step)


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return jax.jit(function, static_argnames="step", compiler_options=compiler_options())


def compiler_options() -> dict[str, Any] | None:
    """What a whole training program is compiled with; ``jax.jit`` takes such options at the outermost call alone.

    On the CPU, XLA hands matrix products to a library that runs each of ``toom_cook``'s on one core, where its own
    kernels use all: that library keeps the reductions, at which it is faster.
    """
    if jax.default_backend() != "cpu":
        return None
    return {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}


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
    per_epoch, done = source.steps_per_epoch, int(state.step)
    while done < num_steps:
        epoch, batch = divmod(done, per_epoch)
        window_end = min(per_epoch, (batch // log_every + 1) * log_every, batch + num_steps - done)
        pause = pause_every - done % pause_every if pause_every else chunk_steps
        length = min(chunk_steps, window_end - batch, pause)
        batches = source.batches(epoch, batch, batch + length)
        after, metrics = run_chunk(config, step, state, batches, keys.step)
        metrics = {name: np.asarray(values) for name, values in metrics._asdict().items()}
        finite = np.logical_and.reduce([np.isfinite(values) for values in metrics.values()])
        good = length if finite.all() else int(finite.argmin())
        bad = next((name for name, values in metrics.items() if not np.isfinite(values[good : good + 1]).all()), None)
        if bad and not good:
            raise NonFiniteError(bad, done + 1)
        if bad:  # go again, as far as there is something to keep
            after, _ = run_chunk(config, step, state, batches[:good], keys.step)
        state, done, batch = after, done + good, batch + good
        yield Progress(
            state=state,
            step=done,
            epoch=epoch + 1,
            batch=batch,
            epoch_end=batch == per_epoch or done == num_steps,
            window_end=batch == window_end,
            metrics={name: values[:good] for name, values in metrics.items()},
        )
        if bad:
            raise NonFiniteError(bad, done + 1)
