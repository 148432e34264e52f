"""Training as compiled programs: a chunk of steps, an epoch, a complete run. Each runs entirely on the device."""

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Protocol, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.core import Tracer
from jax.typing import ArrayLike

from gan_jax.config import GanConfig
from gan_jax.cores import usable_cores
from gan_jax.data.pixels import normalize_images
from gan_jax.errors import InputError
from gan_jax.nn.network import Variables
from gan_jax.training.batches import Batch, IndexedBatches, RunKeys, epoch_order, require_stored, steps_per_epoch
from gan_jax.training.forward import generate, sample_latents, sampling_generator
from gan_jax.training.sharding import constrain_replicated, mesh_of
from gan_jax.training.steps import Step

# XLA gives matrix products on a CPU to a library that runs each of toom_cook's on one core, where XLA's own kernels
# use all of them. This leaves the library the reductions, at which it is faster.
CPU_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}
_OPTIMIZATION = "xla_backend_optimization_level"


class Stepped(Protocol):
    """A game's state, as far as a loop knows it: any pytree of arrays with a step, ``[]`` int32."""

    @property
    def step(self) -> Array:
        """The steps taken."""
        ...


State = TypeVar("State", bound=Stepped)
Tree = TypeVar("Tree")


def scan_steps(
    config: GanConfig,
    step: Step,
    state: State,
    batches: Batch | IndexedBatches,
    step_key: Array,
    schedule_steps: ArrayLike | None = None,
) -> tuple[State, Any]:
    """Take one step per batch, as one compiled scan or a part of a larger program.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another ``Step``.
      state: where to start; any pytree with a ``step``.
      batches: ``[steps, config.images_per_step, height, width, channels]`` uint8, with labels for conditional networks,
        or ``IndexedBatches``; gathered and mapped to [-1, 1] one batch at a time. Points are float32 and stay as they
        are.
      step_key: ``[]`` typed PRNG key; folded with ``state.step`` for each step.
      schedule_steps: the step at which schedules end that have no end of their own, such as the run's last.

    Returns:
      The last state, and the step's metrics with a leading ``[steps]`` axis.

    Raises:
      InputError: a metric of the step is not a single number.
      TypeError: the images are not uint8, or the points not float32.

    Examples:
      >>> from gan_jax import generator_step, init_state, run_keys
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, batch_size=8)
      >>> keys = run_keys(0)
      >>> batches = Batch(jnp.zeros((3, 8, 8, 8, 1), jnp.uint8))
      >>> state, metrics = scan_steps(config, generator_step, init_state(config, keys.init), batches, keys.step)
      >>> int(state.step), metrics["g_loss"].shape
      (3, (3,))
    """
    with mesh_of(jax.tree.leaves(batches)[0]):
        return _program(_scan_steps, ("step",), state)(config, step, state, batches, step_key, schedule_steps)


def compile_steps(config: GanConfig, step: Step, state: Any, *others: Any) -> None:
    """Compile what ``scan_steps`` of the same arguments runs; of the state, on one device, shapes are enough."""
    program: Any = _program(_scan_steps, ("step",), state)
    program.lower(config, step, state, *others).compile()


def _scan_steps(
    config: GanConfig,
    step: Step,
    state: State,
    batches: Batch | IndexedBatches,
    step_key: Array,
    schedule_steps: ArrayLike | None = None,
) -> tuple[State, Any]:
    shared = batches.data if isinstance(batches, IndexedBatches) else None
    require_stored(config, batches.data if isinstance(batches, IndexedBatches) else batches)

    def body(state: Any, rows: Any) -> tuple[Any, Any]:
        batch = rows if shared is None else jax.tree.map(lambda array: array[rows], shared)
        now, key = config.at(state.step, schedule_steps), jax.random.fold_in(step_key, state.step)
        state, metrics = step(now, state, _normalized(config, batch), key)
        _require_numbers(metrics)
        return constrain_replicated((state, metrics))

    return _scan(body, state, jnp.asarray(batches.rows) if isinstance(batches, IndexedBatches) else batches)


def _scan(body: Callable[[Any, Any], tuple[Any, Any]], state: State, batches: Any) -> tuple[State, Any]:
    """``lax.scan``, whose result does not depend on how many batches are taken at a time.

    XLA takes the body of a loop that runs once out of the loop, where its fusions round differently, and so what an
    array of length one gives to it. It can do neither where the array has two entries and the number of iterations is
    behind a barrier.
    """
    if len(jax.tree.leaves(batches)[0]) > 1:
        return lax.scan(body, state, batches)
    twice = jax.tree.map(lambda array: jnp.concatenate([array, array]), batches)

    def take(index: ArrayLike, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        batch = jax.tree.map(lambda array: lax.dynamic_index_in_dim(array, index, keepdims=False), twice)
        state, metrics = body(carry[0], batch)
        put = partial(lax.dynamic_update_index_in_dim, index=index, axis=0)
        return state, jax.tree.map(put, carry[1], metrics)

    shapes = jax.eval_shape(lambda: lax.scan(body, state, twice)[1])
    metrics = jax.tree.map(lambda metric: jnp.zeros(metric.shape, metric.dtype), shapes)
    state, metrics = lax.fori_loop(0, lax.optimization_barrier(jnp.int32(1)), take, (state, metrics))
    return state, jax.tree.map(lambda metric: metric[:1], metrics)


def _require_numbers(metrics: Any) -> None:
    for path, metric in jax.tree_util.tree_leaves_with_path(metrics):
        if jnp.shape(metric) or jnp.iscomplexobj(metric):
            name, form = jax.tree_util.keystr(path, simple=True), f"{jnp.result_type(metric)} {list(jnp.shape(metric))}"
            raise InputError(f"the metric {name} is {form}; a step must report single real numbers.")


def require_counted(state: Any, steps: int | Array) -> None:
    """Check that a training step has counted ``state.step`` on, as far as its value is known.

    Raises:
      InputError: it has not.
    """
    if not isinstance(state.step, Tracer) and int(state.step) != int(steps):
        raise InputError(
            f"the state's step is {int(state.step)} after {int(steps)} steps; a step must return one more than it was "
            f"given, since the randomness of the next depends on it."
        )


def _normalized(config: GanConfig, batch: Batch) -> Batch:
    return batch if config.makes_points else batch._replace(images=normalize_images(batch.images))


def scan_many(
    configs: Sequence[GanConfig],
    step: Step,
    states: Sequence[Any],
    batches: Sequence[Batch | IndexedBatches],
    step_keys: Sequence[Array],
    schedule_steps: Sequence[ArrayLike | None],
) -> list[tuple[Any, Any]]:
    """``scan_steps`` for several runs side by side.

    On an accelerator one program maps over the runs. On a CPU, where mapped convolutions are slow, as many runs at a
    time as there are cores take the program of a run alone, and with it the same bits.

    Every argument but ``step`` has one entry per run. Indexed batches share their images.

    Returns:
      What ``scan_steps`` returns, for each run.
    """
    runs = configs, states, batches, step_keys, schedule_steps
    if len(configs) == 1:
        return [scan_steps(configs[0], step, states[0], batches[0], step_keys[0], schedule_steps[0])]
    if _platform(states) != "cpu":
        program = _program(_scan_side_by_side, ("step",), states)
        return program(step, *map(tuple, runs))

    def take(*run: Any) -> tuple[Any, Any]:
        config, *others = run
        return jax.block_until_ready(scan_steps(config, step, *others))

    with ThreadPoolExecutor(usable_cores()) as threads:
        return list(threads.map(take, *runs))


def _scan_side_by_side(
    step: Step,
    configs: tuple[GanConfig, ...],
    states: tuple[Any, ...],
    batches: tuple[Batch | IndexedBatches, ...],
    step_keys: tuple[Array, ...],
    schedule_steps: tuple[ArrayLike | None, ...],
) -> list[tuple[Any, Any]]:
    operands, axes = _stack(batches), 0
    if isinstance(batches[0], IndexedBatches):  # the images are the same for all
        operands, axes = operands._replace(data=batches[0].data), operands._replace(data=None, rows=0)
    scan = jax.vmap(lambda *run: _scan_steps(run[0], step, *run[1:]), in_axes=(0, 0, axes, 0, 0))
    arrays = _stack([jax.tree.map(jnp.float32, config) for config in configs])
    keys = jnp.stack([jax.random.clone(key) for key in step_keys])
    outcome = scan(arrays, _stack(states), operands, keys, _stack(schedule_steps))
    return [jax.tree.map(lambda leaf, at=at: leaf[at], outcome) for at in range(len(states))]


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def train_epoch(
    config: GanConfig,
    step: Step,
    state: State,
    data: Batch,
    keys: RunKeys,
    schedule_steps: ArrayLike | None = None,
) -> tuple[State, Any]:
    """Train for the epoch that ``state.step`` is at the start of, as one compiled program or a part of a larger one.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another ``Step``.
      state: the state at the start of an epoch; it is not consumed.
      data: ``[count, height, width, channels]`` uint8, with labels for conditional networks.
      keys: from ``run_keys``.
      schedule_steps: as for ``scan_steps``.

    Returns:
      The state after the epoch, and the step's metrics with a leading ``[steps_per_epoch]`` axis.

    Raises:
      InputError: there are fewer images than one batch, or the step does not keep to ``Step``.
      TypeError: the images are not uint8.

    Examples:
      >>> from gan_jax import generator_step, init_state, run_keys
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, batch_size=8)
      >>> keys = run_keys(0)
      >>> data = Batch(jnp.zeros((24, 8, 8, 1), jnp.uint8))
      >>> state, metrics = train_epoch(config, generator_step, init_state(config, keys.init), data, keys)
      >>> int(state.step), metrics["g_loss"].shape
      (3, (3,))
    """
    outcome = _program(_scan_epoch, ("step",), state)(config, step, state, data, keys, schedule_steps)
    require_counted(outcome[0], state.step + steps_per_epoch(config, len(data.images)))
    return outcome


def train_run(
    config: GanConfig,
    step: Step,
    state: State,
    data: Batch,
    keys: RunKeys,
    num_epochs: int,
    sampler: Callable[[GanConfig, Any], Variables] = sampling_generator,
) -> tuple[State, Any, Array]:
    """Train for several epochs as one compiled program, which also shuffles and generates the preview images.

    It trains the same run as ``train`` without returning to the host between the first step and the last: for many
    short runs, and under ``jax.vmap`` over ``config``, ``state`` and ``keys`` for many at once. ``train`` is for one
    long run that is to be watched, saved and stopped. Inside of ``jax.jit`` or ``lax.scan`` it is a part of that
    program; give that one ``compiler_options`` for the speed that this has alone.

    Args:
      config: the networks' configuration.
      step: ``gan_step``, ``generator_step``, ``discriminator_step`` or another ``Step``.
      state: the state at the start of an epoch; it is not consumed.
      data: ``[count, height, width, channels]`` uint8, with labels for conditional networks.
      keys: from ``run_keys``.
      num_epochs: how many; schedules without an end of their own end with the last.
      sampler: that of another ``Game`` than the three; gives the variables that make the preview images.

    Returns:
      The last state; the step's metrics with leading ``[num_epochs, steps_per_epoch]`` axes; and the images of the same
      64 latents before the first epoch and after each, ``[num_epochs + 1, 64, height, width, channels]`` float32 in
      [-1, 1].

    Raises:
      InputError: there are fewer images than one batch, or the step does not keep to ``Step``.
      TypeError: the images are not uint8.

    Examples:
      >>> from gan_jax import generator_step, init_state, run_keys
      >>> config = GanConfig(image_shape=(8, 8, 1), width=2, batch_size=8)
      >>> keys = run_keys(0)
      >>> data = Batch(jnp.zeros((24, 8, 8, 1), jnp.uint8))
      >>> state, metrics, previews = train_run(config, generator_step, init_state(config, keys.init), data, keys, 2)
      >>> metrics["g_loss"].shape
      (2, 3)
    """
    outcome = _program(_scan_run, ("step", "num_epochs", "sampler"), state)(
        config, step, state, data, keys, num_epochs, sampler
    )
    require_counted(outcome[0], state.step + num_epochs * steps_per_epoch(config, len(data.images)))
    return outcome


def _scan_run(
    config: GanConfig,
    step: Step,
    state: State,
    data: Batch,
    keys: RunKeys,
    num_epochs: int,
    sampler: Callable[[GanConfig, Any], Variables] = sampling_generator,
) -> tuple[State, Any, Array]:
    latents = sample_latents(config, keys.display, 64)
    end = state.step + num_epochs * steps_per_epoch(config, len(data.images))

    def body(state: State, _: None) -> tuple[State, Any]:
        state, metrics = _scan_epoch(config, step, state, data, keys, end)
        return state, (metrics, generate(config, sampler(config, state), latents))

    before = generate(config, sampler(config, state), latents)
    state, (metrics, grids) = lax.scan(body, state, length=num_epochs)
    return state, metrics, jnp.concatenate([before[None], grids])


def _scan_epoch(
    config: GanConfig, step: Step, state: State, data: Batch, keys: RunKeys, schedule_steps: ArrayLike | None
) -> tuple[State, Any]:
    epoch = state.step // steps_per_epoch(config, len(data.images))
    order = epoch_order(config, keys.order, epoch, len(data.images))
    return _scan_steps(config, step, state, IndexedBatches(data, order), keys.step, schedule_steps)


def initial_state(
    init: Callable[[GanConfig, Array], Tree],
    config: GanConfig,
    key: Array,
    meanwhile: Callable[[Tree], None] = lambda shapes: None,
) -> Tree:
    """``init(config, key)`` for the start of a run, bit for bit, on a CPU compiled in a third of the time.

    It is used once, and optimizing its machine code further takes longer than it saves. A level of optimization that
    ``XLA_FLAGS`` names is kept. ``meanwhile`` is called with the state's shapes, in a thread, since compiling leaves
    Python idle; its errors are ignored.
    """
    program = _jit_initial_state(init, jax.default_backend(), os.environ.get("XLA_FLAGS", ""))
    with ThreadPoolExecutor(1) as thread:
        thread.submit(meanwhile, jax.eval_shape(program, config, key))
        return program(config, key)


@cache
def _jit_initial_state(init: Callable[..., Any], platform: str, flags: str) -> Callable[[GanConfig, Array], Any]:
    quick = platform == "cpu" and _OPTIMIZATION not in flags
    return jax.jit(init, compiler_options={_OPTIMIZATION: 1} if quick else None)


def _program(function: Callable[..., Any], static: tuple[str, ...], operands: Any) -> Callable[..., Any]:
    """A function compiled for its operands' devices or, inside of a larger program, as a part of that.

    JAX takes compiler options for the outermost program alone. Inside of one even a constant is a tracer.
    """
    is_part = isinstance(jnp.zeros(()), Tracer)
    return _jit(function, static, None if is_part else _platform(operands))


@cache
def _jit(function: Callable[..., Any], static: tuple[str, ...], platform: str | None) -> Callable[..., Any]:
    options = None if platform is None else compiler_options(platform)
    return jax.jit(function, static_argnames=static, compiler_options=options)


def _platform(tree: Any) -> str:
    """The platform that a tree's arrays are on; the default one inside of a transformation, where they have none."""
    leaf = jax.tree.leaves(tree)[0]
    concrete = isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer)
    return next(iter(leaf.devices())).platform if concrete else jax.default_backend()


@cache
def compiler_options(platform: str) -> dict[str, Any] | None:
    """What a training program is compiled with; ``jax.jit`` takes such options at the outermost call alone.

    Args:
      platform: of the devices in use, such as ``"cpu"``.

    Returns:
      ``CPU_OPTIONS`` on a CPU. None elsewhere, and where this version of JAX does not know them, which a warning says.
    """
    if platform != "cpu":
        return None
    try:
        with jax.default_device(jax.local_devices(backend="cpu")[0]):
            jax.jit(lambda: jnp.zeros(()), compiler_options=CPU_OPTIONS).lower().compile()
    except jax.errors.JaxRuntimeError:
        message = f"jax {jax.__version__} does not know {', '.join(CPU_OPTIONS)}: training on this CPU will be slower"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return None
    return CPU_OPTIONS
