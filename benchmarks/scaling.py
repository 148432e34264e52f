"""Print what a joint step sends between devices, and how much faster n devices should be; nothing is measured.

docs/explain/scaling.md derives the formulas. The number of all-reduces is read from a compiled program there.
"""

import json
from pathlib import Path
from typing import NamedTuple

import jax
from operations import step_flops

from gan_jax import GanConfig, init_state
from gan_jax.pictures.tables import markdown_table

WIDTHS = (64, 640)
ALL_REDUCES = 21
NORMALIZED_CHANNELS = 50  # times the width: of G's layers twice and of D's six times, forward and backward
POINTS_MB = 52  # of kernel gradients at Toom-Cook's points, width 64, on a CPU
MOST_DEVICES = 1000
STEP_TIME = Path(__file__).parents[1] / "docs" / "results" / "step_time.json"


class Link(NamedTuple):
    """How devices are connected."""

    name: str
    gigabytes_per_s: float  # in each direction
    latency_us: float  # assumed


NVLINK, PCIE, ETHERNET = Link("NVLink", 450, 2), Link("PCIe", 64, 5), Link("Ethernet", 12.5, 30)


class Work(NamedTuple):
    """One step on one device."""

    width: str
    rate: str  # TFLOP/s
    seconds: float
    megabytes: float  # to be reduced


def megabytes(tree: object) -> float:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree)) / 1e6


def sent_table() -> str:
    """What a joint step computes and sends, at each width."""
    columns = []
    for width in WIDTHS:
        config = GanConfig(width=width)
        state = jax.eval_shape(lambda key, config=config: init_state(config, key), jax.random.key(0))
        flops = step_flops(config)["joint"]
        generator, discriminator = megabytes(state.generator.params), megabytes(state.discriminator.params)
        sums = NORMALIZED_CHANNELS * width * 2 * 4 / 1e6
        total = generator + 2 * discriminator + sums
        columns.append(
            {
                "arithmetic, GFLOP": f"{flops / 1e9:,.1f}",
                "G's gradients, MB": f"{generator:.4g}",
                "D's gradients of reals and of fakes, MB each": f"{discriminator:.4g}",
                "sums for batch normalization, MB": f"{sums:.2g}",
                "total, MB": f"{total:.3g}",
                "all-reduces": f"{ALL_REDUCES}",
                "FLOP per byte": f"{flops / total / 1e6:,.0f}",
                "replicated state, MB": f"{megabytes(state):,.1f}",
            }
        )
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    return markdown_table(["", *(f"width {width}" for width in WIDTHS)], rows)


def reduce_seconds(work: Work, link: Link, devices: int) -> float:
    """C(n): the time of all of a step's all-reduces in a ring."""
    bandwidth = 2 * (devices - 1) / devices * work.megabytes / 1e3 / link.gigabytes_per_s
    return bandwidth + ALL_REDUCES * 2 * (devices - 1) * link.latency_us / 1e6


def efficiency(work: Work, link: Link, devices: int) -> float:
    return 1 / (1 + devices * reduce_seconds(work, link, devices) / work.seconds)


def works() -> list[tuple[Work, tuple[Link, ...]]]:
    """Each width at two assumed rates, and the CPU whose step was timed."""
    found = []
    for width in WIDTHS:
        config = GanConfig(width=width)
        flops = step_flops(config)["joint"]
        state = jax.eval_shape(lambda key, config=config: init_state(config, key), jax.random.key(0))
        sent = megabytes(state.generator.params) + 2 * megabytes(state.discriminator.params)
        for rate, links in ((10, (NVLINK, PCIE, ETHERNET)), (100, (NVLINK, PCIE) if width == 64 else None)):
            work = Work(str(width), str(rate), flops / (rate * 1e12), sent)
            found.append((work, links or (NVLINK, PCIE, ETHERNET)))
    measured = json.loads(STEP_TIME.read_text())["steps"]["joint"]["gan_jax"]["median_ms"] / 1e3
    rate = step_flops(GanConfig())["joint"] / measured / 1e12
    return [*found, (Work("64, on CPUs", f"{rate:.2f}", measured, POINTS_MB), (ETHERNET,))]


def speed_table() -> str:
    """Efficiency on 2 to 16 devices, the best number of devices, and how much faster it is than one."""
    rows = []
    for work, links in works():
        for link in links:
            shares = [f"{efficiency(work, link, devices):.0%}" for devices in (2, 4, 8, 16)]
            speeds = {devices: devices * efficiency(work, link, devices) for devices in range(1, MOST_DEVICES)}
            best = max(speeds, key=lambda devices: speeds[devices])
            cells = [work.width, work.rate, f"{1e3 * work.seconds:.3g}", link.name, *shares]
            rows.append([*cells, str(best), f"{speeds[best]:.2g}"])
    heading = ["width", "R, TFLOP/s", "T, ms", "link", "n = 2", "4", "8", "16", "best n", "times as fast"]
    return markdown_table(heading, rows)


if __name__ == "__main__":
    print(sent_table(), speed_table(), sep="\n\n")
