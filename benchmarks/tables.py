"""What benchmarks measured, as it stands in their JSON files, in Markdown. Imports neither JAX nor PyTorch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_jax.pictures.tables import markdown_table

RunJson = Mapping[str, Any]
STEPS = {"joint": "Joint step", "generator": "Generator-only step", "discriminator": "Discriminator-only step"}


def step_table(timings: RunJson) -> str:
    """Every form of one step, beside the first."""
    rows = []
    for name, entry in timings.items():
        low, high = entry["quartiles_ms"]
        times = (
            f"{entry['median_ms']:.1f}",
            f"{low:.1f} – {high:.1f}",
            f"{entry['min_ms']:.1f}",
            f"{entry['cpu_median_ms']:.0f}",
        )
        rows.append([name, *times, f"{entry['ratio_of_medians']:.2f}", f"{entry['ratio_of_minima']:.2f}"])
    return markdown_table(["form", "median", "quartiles", "min", "CPU", "ratio of medians", "ratio of minima"], rows)


def floor_table(floors: RunJson) -> str:
    """The time of each step's direct convolutions at the machine's best rate, and gan_jax's share of it."""
    rows = [
        [
            STEPS[kind],
            f"{entry['gflop']:.1f}",
            f"{entry['floor_ms']:.1f}",
            f"{entry['share_of_median']:.0%}",
            f"{entry['share_of_min']:.0%}",
        ]
        for kind, entry in floors.items()
    ]
    return markdown_table(["step", "GFLOP", "floor ms", "share, gan_jax's median", "share, its min"], rows)


def sweep_table(what: str, sizes: Mapping[Any, RunJson]) -> str:
    """The joint step's time against batch or width."""
    rows = []
    for size, timings in sizes.items():
        own, *others = (entry["median_ms"] for entry in timings.values())
        rows.append([str(size), *(f"{median:.1f}" for median in (own, *others)), f"{own / min(others):.2f}"])
    forms = next(iter(sizes.values()))
    return markdown_table([what, *forms, "gan_jax / the faster PyTorch"], rows)


def memory_table(memory: RunJson) -> str:
    """Peak memory, and what the first call costs."""
    rows = []
    for name, entry in memory.items():
        compilation = max(0.0, entry["first_call_s"] - entry["second_call_s"])
        rows.append([name, f"{entry['built_mib']:.0f}", f"{entry['peak_mib']:.0f}", f"{compilation:.1f}"])
    heading = ["form", "MiB once imported and built", "MiB at most", "first call less second, s"]
    return markdown_table(heading, rows)


def door_table(figures: Mapping[str, Any]) -> str:
    """Seconds of commands, and over those of the first, ``import jax``."""
    medians = {name: float(np.median(seconds)) for name, seconds in figures["commands_s"].items()}
    unit, *_ = medians.values()
    return markdown_table(["", "seconds", "ratio"], [[n, f"{s:.2f}", f"{s / unit:.2f}"] for n, s in medians.items()])


def start_table(figures: Mapping[str, Any]) -> str:
    """Seconds from the shell to the first step, and beside those of an earlier version if it took turns."""
    rows: list[list[str]] = []
    for kind, text in {"cold": "empty: the first run ever", "warm": "filled by an earlier run"}.items():
        now, *before = (float(np.median(starts[kind])) for starts in figures["starts_s"].values())
        compared = [cell for seconds in before for cell in (f"{seconds:.1f}", f"{now / seconds:.2f}")]
        rows.append([text, f"{now:.1f}", *compared])
    headings = ["before, s", "ratio"] if len(figures["starts_s"]) > 1 else []
    return markdown_table(["compilation cache", "seconds", *headings], rows)


def whole_run_table(seconds: Mapping[str, Mapping[str, float]]) -> str:
    """Seconds of a complete training by part, and gan_jax's over the form's."""
    totals = {name: sum(parts.values()) for name, parts in seconds.items()}
    rows = [
        [
            name,
            *(f"{part:.1f}" for part in parts.values()),
            f"{totals[name]:.1f}",
            f"{totals['gan_jax'] / totals[name]:.2f}",
        ]
        for name, parts in seconds.items()
    ]
    return markdown_table(["form", *next(iter(seconds.values())), "all, s", "gan_jax / form"], rows)


def forms_table(sizes: Mapping[str, RunJson]) -> str:
    """The joint step with each form of convolution, at each size, in milliseconds."""
    rows = []
    for size, timings in sizes.items():
        medians = {kind: entry["median_ms"] for kind, entry in timings.items()}
        own, *others = medians.values()
        rows.append([size, *(f"{ms:.1f}" for ms in medians.values()), f"{own / min(others):.2f}"])
    return markdown_table(["batch × width", *next(iter(sizes.values())), "as chosen / fastest other"], rows)


def photos_time_table(seconds: Mapping[str, float]) -> str:
    """The seconds of each command."""
    return markdown_table(["command", "seconds"], [[f"`{command}`", f"{one:.0f}"] for command, one in seconds.items()])


def gpu_table(figures: RunJson, batch_size: int, flops: int) -> str:
    """Every form of the joint step on a GPU: time, images a second, share of the fastest product of matrices."""
    rows = []
    for name, entry in figures["steps"].items():
        low, high = entry["quartiles_ms"]
        share = flops / entry["median_ms"] / 1e6 / figures["matmul"]["gflops_per_s"]
        times = f"{entry['median_ms']:.3f}", f"{low:.3f} – {high:.3f}", f"{entry['min_ms']:.3f}"
        rows.append(
            [
                name,
                *times,
                f"{1000 * batch_size / entry['median_ms']:,.0f}",
                f"{share:.0%}",
                f"{entry['epochs_40_s']:.0f}",
            ]
        )
    return markdown_table(["form", "ms", "quartiles", "min", "images/s", "share of peak", "40 epochs, s"], rows)


def gpu_starts_table(recipes: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """What a step of each recipe starts on a GPU, with XLA's options as they are and with others."""
    counts = ("kernels", "convolutions", "graphs", "starts")
    rows = [
        [name, form, *(str(found[count]) for count in counts)]
        for name, forms in recipes.items()
        for form, found in forms.items()
    ]
    header = ["recipe", "XLA's options", "kernels", "convolutions outside graphs", "graphs", "starts of a step"]
    return markdown_table(header, rows)


def gpu_seeds_table(figures: RunJson) -> str:
    """A step of several seeds in one program, and as many steps in turn."""
    own = figures["seeds_ms_a_step"]
    rows = [
        [count, f"{ms:.3f}", f"{ms / int(count):.3f}", f"{ms / int(count) / own['1']:.2f}"] for count, ms in own.items()
    ]
    return markdown_table(["seeds", "ms for one step of all", "ms per seed", "of a seed alone"], rows)


def parts_table(parts: Mapping[str, float]) -> str:
    """Milliseconds of a step by part, the largest first."""
    total = sum(parts.values())
    rows = [[name, f"{ms:.1f}", f"{ms / total:.0%}"] for name, ms in parts.items()]
    return markdown_table(["part", "ms per step", "share"], rows)


def layers_table(layers: Sequence[RunJson]) -> str:
    """Each operation of each layer, in gan_jax's form and in the native one, and the sum over a joint step."""
    rows = [
        [entry["layer"], entry["operation"], str(entry["times"]), f"{entry['gan_jax']:.2f}", f"{entry['native']:.2f}"]
        for entry in layers
    ]
    totals = (sum(entry["times"] * entry[form] for entry in layers) for form in ("gan_jax", "native"))
    heading = ["layer", "operation", "times per joint step", "ms, gan_jax", "ms, native convolution"]
    return markdown_table(heading, [*rows, ["all", "", "", *(f"{total:.0f}" for total in totals)]])


def many_table(what: str, timings: RunJson) -> str:
    """Forms of the same work beside the first of them."""
    rows, first = [], next(iter(timings.values()))["median_ms"]
    for name, entry in timings.items():
        low, high = entry["quartiles_ms"]
        rows.append([name, f"{entry['median_ms']:.0f}", f"{low:.0f} – {high:.0f}", f"{entry['median_ms'] / first:.2f}"])
    return markdown_table([what, "ms", "quartiles", "ratio to the first"], rows)


def recipes_table(recipes: RunJson, batches: Mapping[str, int]) -> str:
    """The joint step of every recipe beside PyTorch's, and what an image that G learns from costs."""
    own, eager, compiled = "gan_jax", "PyTorch eager", "torch.compile"
    rows = []
    for name, timings in recipes.items():
        medians = {form: timings[form]["median_ms"] for form in (own, eager, compiled) if form in timings}
        fastest = min(medians[form] for form in medians if form != own)
        per_image, course = medians[own] / batches[name], recipes.get("dcgan")
        relative = per_image * batches["dcgan"] / course[own]["median_ms"] if course else float("nan")
        cells = [f"{medians[form]:.0f}" if form in medians else "–" for form in (own, eager, compiled)]
        cells += [f"{medians[own] / fastest:.2f}", f"{1000 / per_image:.0f}", f"{relative:.2f}"]
        rows.append([name, str(batches[name]), *cells])
    heading = ["recipe", "batch", own, eager, compiled, "ratio", "images per second", "time per image, dcgan 1"]
    return markdown_table(heading, rows)


def bits_table(versions: Mapping[str, Mapping[str, Any]]) -> str:
    """Whether a training had the bits of the first circumstance or of another, and how far D's loss was in the end."""
    rows = []
    for name in next(iter(versions.values())):
        cells = [_bits(name, circumstances) for circumstances in versions.values()]
        step = [found[name]["step_ms"] / next(iter(found.values()))["step_ms"] for found in versions.values()]
        rows.append([name, *cells, f"{step[0]:.2f}"])
    return markdown_table(["circumstance", *(f"jax {version}" for version in versions), "time of a step"], rows)


def _bits(name: str, circumstances: Mapping[str, Any]) -> str:
    found = circumstances[name]
    if found["same_bits_as"] == next(iter(circumstances)):
        return "the same"
    if found["same_bits_as"] != name:
        return f"as with {found['same_bits_as']}"
    return f"other from step {found['first_different_step']}; {found['last_difference']:.2g}"


def long_run_table(rows: Sequence[Mapping[str, float]]) -> str:
    """What was seen of a process and its run after some of its epochs, evenly through them, but the first."""
    shown = [rows[round(share * (len(rows) - 1))] for share in (0.05, 0.25, 0.5, 0.75, 1)]
    names = ("memory_mib", "handles", "mappings", "folder_mib", "processor_seconds")
    header = ["after epoch", "memory, MiB", "open files", "mappings", "folder, MiB", "processor seconds of the epoch"]
    return markdown_table(header, [[f"{row['epoch']}", *(f"{row[name]:,.4g}" for name in names)] for row in shown])


def versions_table(versions: Mapping[str, Mapping[str, str]]) -> str:
    """The packages of each set."""
    names = list(next(iter(versions.values())))
    return markdown_table(["", *names], [[name, *found.values()] for name, found in versions.items()])


def uses_table(uses: Sequence[Mapping[str, Any]]) -> str:
    """Of each command, on how many runs it succeeded, for each pair of versions: that which trained, and the reader."""
    pairs = list(dict.fromkeys((use["trained"], use["used"]) for use in uses))
    commands = list(dict.fromkeys(command for use in uses for command in use["outcomes"]))
    rows = []
    for trained, used in pairs:
        runs = [use["outcomes"] for use in uses if (use["trained"], use["used"]) == (trained, used)]
        cells = [_ends([run[command] for run in runs if command in run], command) for command in commands]
        rows.append([trained, used, *cells])
    return markdown_table(["trained with", "used with", *commands], rows, numbers=False)


def _ends(outcomes: Sequence[Mapping[str, Any]], command: str) -> str:
    good = sum(outcome["status"] == 0 for outcome in outcomes)
    far = max((outcome.get("difference") or 0 for outcome in outcomes), default=0)
    text = f"{good} of {len(outcomes)}" + (" the same" if command in ("verify", "replay") else "")
    return f"{text}, up to {far:.0f} grey level{'s' * (far != 1)} apart" if far else text


def trainings_table(bits: Sequence[Mapping[str, Any]]) -> str:
    """From which step the trainings of two versions differ, and by how much their metrics do at most."""
    rows = []
    for each in bits:
        first = each["first_different_step"]
        apart = [f"{each[when]:.2g}" for when in ("at_first", "after_an_epoch", "at_the_end")]
        rows.append([*each["versions"], each["run"], "none" if first is None else str(first), *apart])
    heading = ["one version", "another", "run", "first different step", "there", "after an epoch", "after two"]
    return markdown_table(heading, rows)


def large_images_table(memory: Mapping[str, float]) -> str:
    """The memory of each form, in MiB."""
    return markdown_table(["form", "MiB"], [[name, f"{mib:,.0f}"] for name, mib in memory.items()])


def rates_table(rates: Mapping[str, float]) -> str:
    """Steps per second of the plane's forms, beside eager PyTorch's."""
    eager = rates["PyTorch eager"]
    rows = [[name, f"{rate:,.0f}", f"{rate / eager:.1f}"] for name, rate in rates.items()]
    return markdown_table(["form", "steps of one training per second", "PyTorch eager 1"], rows)


def types_table(rows: Sequence[RunJson]) -> str:
    """What smaller types do to a generator's images."""
    numbers = ("megabytes", "mean", "percentile_99", "largest")
    cells = [[entry["run"], entry["type"], *(f"{entry[name]:.2g}" for name in numbers)] for entry in rows]
    heading = ["run", "type of the weights", "MB of one generator, compressed"]
    return markdown_table([*heading, "pixels change by, of 255: mean", "99 %", "largest"], cells)
