"""Predict the joint step's time on accelerators from its lowered program; none of them is needed.

python benchmarks/roofline.py --json docs/results/roofline.json

The step of each recipe is lowered for CUDA, where convolutions keep their direct form, and its work is counted before
XLA optimizes it. A prediction is the larger of two times: the arithmetic at the chip's peak rate, and the memory
traffic at its peak bandwidth. No kernel reaches either peak, small ones least of all, so that a real step takes longer.

- FLOPs are XLA's own count (its cost analysis), which leaves out what is multiplied with padding. Beside it stands the
  count of ``operations.step_flops``, which has the padding but only the convolutions.
- Bytes are counted in three ways. *At least*: every convolution and matrix product reads its operands and writes its
  result, and the step reads its arguments and writes its results once. Only a chip whose cache keeps arrays from one
  kernel to the next needs fewer. *Fused*, which the prediction uses: also the kernels between them, if XLA fuses all
  that it may. A value is written where a convolution, a product or the step's result needs it, reductions and gathers
  write theirs, and all else is computed where it is read. What is the same is computed once, and what reads the same
  array after as many kernels is one kernel. *Unfused*: XLA's own count, where each operation of the program reads and
  writes memory; an upper bound.
- Launches are these kernels and the convolutions and products, at ``launch_us`` each on a GPU: an estimate. A TPU runs
  the step as one program.

A TPU's matrix unit multiplies float32 in bfloat16 by default, and pads channels to 128, which is not counted here. GPUs
since Ampere convolve float32 in TF32 by default. T4 has neither TF32 nor bfloat16.
"""

import dataclasses
import itertools
import math
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import tyro
from machine import write_figures
from operations import step_flops

from gan_jax import RECIPES, Batch, GanConfig, discriminator_step, gan_step, init_state, recipe, run_keys
from gan_jax.pictures.tables import markdown_table

PRECISIONS = ("float32", "bfloat16")


class Chip(NamedTuple):
    """Peak rates from the makers' data sheets, without sparsity."""

    tflops: Mapping[str, float]
    """10^12 operations a second by precision; one that the chip lacks is missing."""
    gigabytes: float
    """10^9 bytes of memory a second."""
    launches: bool = True


CHIPS = {
    "H100 SXM": Chip({"float32": 494.7, "bfloat16": 989.4}, 3350),
    "H200": Chip({"float32": 494.7, "bfloat16": 989.4}, 4800),
    "A100 80GB SXM": Chip({"float32": 156.0, "bfloat16": 312.0}, 2039),
    "T4": Chip({"float32": 8.1}, 320),
    "TPU v5e": Chip({"float32": 197.0, "bfloat16": 197.0}, 819, launches=False),
}


class Work(NamedTuple):
    """What a step asks of a chip."""

    flops: float
    least_bytes: float
    fused_bytes: float
    unfused_bytes: float
    products: float  # convolutions and matrix products
    kernels: float

    def plus(self, other: "Work", times: int) -> "Work":
        """This work and so many times the other."""
        return Work(*(mine + times * theirs for mine, theirs in zip(self, other, strict=True)))


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to predict."""

    recipes: tuple[str, ...] = tuple(name for name in RECIPES if recipe(name).network != "r3gan")
    """Which recipes, each with its own batch and width."""
    launch_us: float = 3.0
    """Microseconds from one kernel of a GPU to the next."""
    json: Path | None = None
    """Write all figures to this file."""


def main(settings: Settings) -> int:
    work = {
        name: {precision: step_work(configured(name, precision)) for precision in PRECISIONS}
        for name in settings.recipes
    }
    times = {
        name: {precision: predictions(one, precision, settings.launch_us) for precision, one in both.items()}
        for name, both in work.items()
    }
    direct = step_flops(recipe("dcgan"))["joint"]
    print(f"### Work of a joint step\n\n{work_table(work)}")
    if "dcgan" in work:
        ratio = work["dcgan"]["float32"].flops / direct
        print(f"\ndcgan: {direct / 1e9:.1f} GFLOP by operations.step_flops; XLA's count is {ratio:.2f} of it.")
        print(f"\n### Joint step of dcgan, predicted ms\n\n{parts_table(times['dcgan'])}")
    for precision in PRECISIONS:
        print(f"\n### {precision}: predicted ms, without and with launches\n\n{chips_table(times, precision)}")
    figures = {name: {precision: one._asdict() for precision, one in both.items()} for name, both in work.items()}
    chips = {name: chip._asdict() for name, chip in CHIPS.items()}
    write_figures(settings, chips=chips, dcgan_direct_flops=direct, work=figures, predicted_ms=times)
    return 0


def configured(name: str, precision: Any) -> GanConfig:
    """A recipe in a precision, its schedule ended."""
    return dataclasses.replace(recipe(name), precision=precision).at(0, 10_000)


def step_work(config: GanConfig) -> Work:
    """The work of a joint step: one update of both networks, and the updates of D alone before it."""
    single = dataclasses.replace(config, critic_steps=1)
    return program_work(single, gan_step).plus(program_work(single, discriminator_step), config.critic_steps - 1)


def program_work(config: GanConfig, step: Any) -> Work:
    """The work of one call of a step that has no loop."""
    lowered = lower(config, step)
    cost: Any = lowered.cost_analysis()
    traffic = _Traffic(lowered.compiler_ir("stablehlo"))
    fused, kernels = traffic.fused()
    least = sum(traffic.ends) + sum(traffic.products)
    return Work(cost["flops"], least, fused, cost["bytes accessed"], len(traffic.products), kernels)


def lower(config: GanConfig, step: Any) -> Any:
    """A step's program for CUDA."""
    keys, count = run_keys(0), config.images_per_step
    state = jax.eval_shape(partial(init_state, config), keys.init)
    images: Any = jax.ShapeDtypeStruct((count, *config.image_shape), jnp.float32)
    labels: Any = jax.ShapeDtypeStruct((count,), jnp.int32) if config.conditional else None
    return jax.jit(step).trace(config, state, Batch(images, labels), keys.step).lower(lowering_platforms=("cuda",))


def predictions(work: Work, precision: str, launch_us: float) -> dict[str, dict[str, float]]:
    """By chip, in milliseconds: the arithmetic, the three counts of bytes, the launches, and the two predictions."""
    found = {}
    for name, chip in CHIPS.items():
        if precision in chip.tflops:
            compute = work.flops / chip.tflops[precision] / 1e9
            sizes = {"at_least": work.least_bytes, "fused": work.fused_bytes, "unfused": work.unfused_bytes}
            memory = {f"memory_{kind}": size / chip.gigabytes / 1e6 for kind, size in sizes.items()}
            launches = work.kernels * launch_us / 1e3 if chip.launches else 0.0
            without = max(compute, memory["memory_fused"])
            both = {"without_launches": without, "with_launches": without + launches}
            found[name] = {"compute": compute, **memory, "launches": launches, **both}
    return found


class _Value:
    """An array of the program: in memory, or computed from such arrays where it is read."""

    _numbers = itertools.count()

    def __init__(self, size: int, sources: "frozenset[_Value]", stored: bool = False) -> None:
        self.size, self.number = size, next(self._numbers)
        self.sources = frozenset([self]) if stored else sources
        self.depth = max((source.depth for source in sources), default=0) + stored if sources else 0
        self.stored = stored


class _Traffic:
    """The arrays that a program's kernels read and write, if XLA fuses as ``roofline``'s description says."""

    # What is a matter of strides, or becomes part of the convolution that uses it.
    _FREE = frozenset(f"stablehlo.{name}" for name in ("reshape", "transpose", "reverse"))
    _PRODUCTS = ("stablehlo.convolution", "stablehlo.dot_general")
    _OWN_RESULTS = ("stablehlo.reduce", "stablehlo.reduce_window", "stablehlo.gather", "stablehlo.scatter")

    def __init__(self, module: Any) -> None:
        self.products: list[int] = []  # bytes that each reads and writes
        self._seen: dict[Any, list[_Value]] = {}
        self._groups: dict[Any, tuple[set[_Value], set[_Value]]] = {}
        self._functions = {function.attributes["sym_name"].value: function for function in module.body.operations}
        entry = self._functions["main"].regions[0].blocks[0]
        values = {argument: _Value(_bytes(argument), frozenset(), stored=True) for argument in entry.arguments}
        arguments = list(values.values())
        results = [self._in_memory(value) for value in self._block(entry, values)]
        self.ends = [value.size for value in (*arguments, *results)]

    def fused(self) -> tuple[int, int]:
        """Bytes of all kernels, and their number."""
        groups = self._groups.values()
        size = sum(value.size for reads, writes in groups for value in reads | writes)
        return size + sum(self.products), len(groups) + len(self.products)

    def _block(self, block: Any, values: dict[Any, _Value]) -> list[_Value]:
        """Go through a block's operations; what its last one returns."""
        for operation in block.operations:
            name, operands = operation.operation.name, [values[operand] for operand in operation.operands]
            if name in ("stablehlo.return", "func.return"):
                return operands
            for result, value in zip(operation.results, self._results(operation, name, operands, values), strict=True):
                values[result] = value
        return []

    def _results(self, operation: Any, name: str, operands: list[_Value], values: dict[Any, _Value]) -> list[_Value]:
        if name == "func.call":
            body = self._functions[operation.attributes["callee"].value].regions[0].blocks[0]
            return self._block(body, dict(zip(body.arguments, operands, strict=True)))
        if name == "stablehlo.case":  # of platforms, of which the program has one
            return self._block(operation.regions[len(operation.regions) - 1].blocks[0], values)
        if name in ("stablehlo.while", "stablehlo.custom_call"):
            raise NotImplementedError(f"{name} has no count here.")
        if name in self._FREE:
            return operands
        sizes = [_bytes(result) for result in operation.results]
        if name in self._PRODUCTS:
            sources = [self._in_memory(operand) for operand in operands]
            self.products.append(sum(source.size for source in sources) + sum(sizes))
            return [_Value(size, frozenset(sources), stored=True) for size in sizes]
        sources = frozenset(source for operand in operands for source in operand.sources)
        if name in self._OWN_RESULTS:
            return [self._in_memory(_Value(size, sources)) for size in sizes]
        same = (name, *operands, str(operation.attributes), *(str(result.type) for result in operation.results))
        return self._seen.setdefault(same, [_Value(size, sources) for size in sizes])

    def _in_memory(self, value: _Value) -> _Value:
        """The value once a kernel has written it."""
        if not value.stored:
            sources, value.depth, value.stored = value.sources, value.depth + 1, True
            shared = max(sources, key=lambda source: (source.size, source.number), default=None)
            reads, writes = self._groups.setdefault((shared, value.depth), (set(), set()))
            reads.update(sources)
            writes.add(value)
            value.sources = frozenset([value])
        return value


def _bytes(value: Any) -> int:
    shape, kind = value.type.shape, value.type.element_type
    return math.prod(shape) * max(1, kind.width // 8)


def work_table(work: Mapping[str, Mapping[str, Work]]) -> str:
    """The counts of each recipe."""
    rows = []
    for name, both in work.items():
        for precision, one in both.items():
            sizes = (f"{size / 1e9:.2f}" for size in (one.least_bytes, one.fused_bytes, one.unfused_bytes))
            counts = str(one.products), str(one.kernels)
            rows.append(
                [f"{name}, {precision}", str(recipe(name).batch_size), f"{one.flops / 1e9:.1f}", *sizes, *counts]
            )
    heading = ["recipe", "batch", "GFLOP", "GB at least", "GB fused", "GB unfused"]
    return markdown_table([*heading, "convolutions and products", "kernels"], rows)


def parts_table(times: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """What the prediction of one recipe is made of."""
    rows = [
        [f"{chip}, {precision}", *(f"{ms:.3f}" for ms in parts.values())]
        for precision, chips in times.items()
        for chip, parts in chips.items()
    ]
    memory = ("memory at least", "memory fused", "memory unfused")
    heading = ["chip", "compute", *memory, "launches", "without launches", "with launches"]
    return markdown_table(heading, rows)


def chips_table(times: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]], precision: str) -> str:
    """Every recipe on every chip: without and with launches, where there are any."""
    chips = [name for name, chip in CHIPS.items() if precision in chip.tflops]
    rows = []
    for name, both in times.items():
        pairs = ((both[precision][chip]["without_launches"], both[precision][chip]["with_launches"]) for chip in chips)
        rows.append([name, *(" – ".join(f"{ms:.2f}" for ms in dict.fromkeys(pair)) for pair in pairs)])
    return markdown_table(["recipe", *chips], rows)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Settings, description=__doc__)))
