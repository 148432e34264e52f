"""The tables of the documents, each from the file that a command wrote. ``make docs`` puts them into the pages."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cog
import lesson_claims
import numpy as np
import plane_modes
import scaling
import tables
from operations import step_flops

from gan_jax import recipe
from gan_jax.pictures.scores import headings_of, scores_table, table_cells
from gan_jax.pictures.tables import markdown_table
from gan_jax.sweeps.report import summary_cells

RESULTS = Path(__file__).parents[1] / "results"
SEEDS = ("seed_0", "seed_1", "seed_2")


def show(name: str) -> None:
    """Write a table into the page that asks for it."""
    cog.outl(f"\n{TABLES[name]()}\n")


@functools.cache
def read(name: str) -> Any:
    """What a file of ``docs/results`` holds."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def scored_epochs() -> dict[str, list[dict[str, Any]]]:
    """The scores of each seed, epoch by epoch."""
    lines = {seed: (RESULTS / f"{seed}.jsonl").read_text().splitlines() for seed in SEEDS}
    return {seed: [one for one in map(json.loads, texts) if "frechet_distance" in one] for seed, texts in lines.items()}


def mean_epochs() -> str:
    """Mean and spread over seeds of every epoch, the last first, between the anchors."""
    anchors = read("anchors")
    heading, (real, *worse) = table_cells(anchors)
    means = []
    for scores in reversed(list(zip(*scored_epochs().values(), strict=True))):
        values = ([one[key] for one in scores] for key in headings_of(*scores))
        cells = [f"{np.mean(one):.3g} ± {np.std(one, ddof=1):.1g}" for one in values]
        means.append([f"epoch {scores[0]['epoch']}, mean ± std", *cells])
    return markdown_table(heading, [real, *means, *worse])


def every_epoch() -> str:
    """The scores of each seed and epoch."""
    seeds = scored_epochs().items()
    return scores_table(
        {f"{seed.replace('_', ' ')}, epoch {one['epoch']}": one for seed, runs in seeds for one in runs}
    )


def eigenvalues() -> str:
    """How many directions of the joint field grow or turn, for each recipe."""
    columns = {
        "felt": "directions with λ above 0.001",
        "growing": "of these growing",
        "turning": "turning faster than they grow or shrink",
        "largest real part": "largest real part",
        "largest imaginary part": "largest imaginary part",
    }
    found = read("dynamics")["plane"]
    rows = [[name, *(f"{one[key]:.3g}" for key in columns)] for name, one in found.items()]
    return markdown_table(["recipe", *columns.values()], rows)


def recipe_times(file: str) -> Callable[[], str]:
    """The joint step of every recipe beside PyTorch's."""

    def table() -> str:
        timings = read(file)["recipes"]
        return tables.recipes_table(timings, {name: recipe(name).batch_size for name in timings})

    return table


def many(section: str, what: str) -> Callable[[], str]:
    """One section of ``many_time``."""
    return lambda: tables.many_table(what, read("many_time")["sections"][section])


def seeds(width: str) -> Callable[[], str]:
    """Several seeds of one width side by side."""
    return lambda: tables.many_table("side by side", read("seeds_time")["widths"][width])


def alternatives(width: str) -> Callable[[], str]:
    """Ways to train several seeds of one width."""
    return lambda: tables.many_table("eight seeds", read("alternatives_time")["seeds"][width])


def step(kind: str) -> Callable[[], str]:
    """Every form of one step."""
    return lambda: tables.step_table(read("step_time")["steps"][kind])


def gpu(name: str) -> Callable[[], str]:
    """Every form of the joint step on a GPU."""
    config = recipe("dcgan")
    return lambda: tables.gpu_table(read(name), config.batch_size, step_flops(config)["joint"])


def predicted_and_measured() -> str:
    """The steps that were timed on GPUs beside their predictions."""
    chips = {"NVIDIA H200": "H200", "NVIDIA H100 80GB HBM3": "H100 SXM"}
    rows = []
    for file in ("gpu_float32", "gpu_bfloat16", "gpu_float32_h100"):
        found = read(file)
        chip, precision = chips[found["machine"]["device"]], found["settings"]["gan"]["precision"]
        measured = {"dcgan": found["steps"]["gan_jax"], **found["recipes"]}
        for name, one in measured.items():
            guess = read("roofline")["predicted_ms"][name][precision][chip]
            numbers = guess["without_launches"], guess["with_launches"], one["median_ms"]
            rows.append([f"{name}, {precision}", chip, *(f"{ms:.2f}" for ms in numbers)])
    return markdown_table(["recipe", "chip", "without launches", "with launches", "measured"], rows)


def predicted() -> str:
    """The course's step on every chip."""
    by_precision = read("roofline")["predicted_ms"]["dcgan"]
    rows = [
        [f"{chip}, {precision}", *(f"{one[kind]:.2f}" for kind in ("compute", "memory_fused", "with_launches"))]
        for precision, chips in by_precision.items()
        for chip, one in chips.items()
    ]
    return markdown_table(["chip", "arithmetic", "memory", "prediction with launches"], rows)


def r3gan_presets() -> str:
    """What R3GAN's presets hold before the first activation."""
    heading = ["recipe", "weights of G, millions", "of D, millions", "training state, MB", "batch", "reals in a step"]
    shown = {"generator_millions": ",.3g", "discriminator_millions": ",.3g", "state_megabytes": ",.0f"}
    shown |= {"batch_size": ",", "real_images_per_step": ","}
    rows = [
        [name, *(format(figures[key], form) for key, form in shown.items())]
        for name, figures in read("r3gan_presets")["presets"].items()
    ]
    return markdown_table(heading, rows)


TABLES: dict[str, Callable[[], str]] = {
    "r3gan presets": r3gan_presets,
    "means over seeds": mean_epochs,
    "each seed and epoch": every_epoch,
    "four seeds": lambda: markdown_table(*summary_cells({"": read("four_seeds")})),
    "pretrained": lambda: scores_table(read("pretrained")["scores"]),
    "pretrained emoji": lambda: scores_table(read("pretrained_emoji")["scores"]),
    "photos scores": lambda: scores_table(read("photos")["scores"]),
    "photos time": lambda: tables.photos_time_table(read("photos_time")["seconds"]),
    "lesson ends": lambda: lesson_claims.last_scores_table(read("lesson")),
    "cross-play": lambda: lesson_claims.cross_play_table(read("lesson")),
    "lesson claims": lambda: lesson_claims.claims_table(read("lesson")),
    "initial weights": lambda: lesson_claims.initializers_table(read("lesson")),
    "recipes": lambda: scores_table(read("recipes")),
    "recipe times": recipe_times("recipe_time"),
    "recipe times on an AMD EPYC": recipe_times("recipe_time_amd"),
    "modes": lambda: plane_modes.table(read("plane_modes")["rows"]),
    "plane rates": lambda: tables.rates_table(
        read("plane_time")["steps_per_second"] | read("plane_time")["floor_steps_per_second"]
    ),
    "eigenvalues": eigenvalues,
    "weight types": lambda: tables.types_table(read("snapshot_types")),
    "joint step": step("joint"),
    "generator step": step("generator"),
    "discriminator step": step("discriminator"),
    "floors": lambda: tables.floor_table(read("step_time")["floors"]),
    "batches": lambda: tables.sweep_table("batch", read("sweep")["batch"]),
    "widths": lambda: tables.sweep_table("width", read("sweep")["width"]),
    "few images": lambda: tables.sweep_table("batch × width", read("sweep")["small"]["joint"]),
    "few images, G alone": lambda: tables.sweep_table("batch × width", read("sweep")["small"]["generator"]),
    "few images, D alone": lambda: tables.sweep_table("batch × width", read("sweep")["small"]["discriminator"]),
    "alternatives of the step": lambda: tables.many_table("joint step", read("alternatives_time")["step"]),
    "alternatives of seeds of width 16": alternatives("16"),
    "alternatives of seeds of width 64": alternatives("64"),
    "forms": lambda: tables.forms_table(read("form_time")["sizes"]),
    "memory": lambda: tables.memory_table(read("sweep")["memory"]),
    "bits": lambda: tables.bits_table(read("bits")["versions"]),
    "large images": lambda: tables.large_images_table(read("large_images_memory")["memory_mib"]),
    "long run": lambda: tables.long_run_table(read("long_run")["epochs"]["whole"]),
    "versions": lambda: tables.versions_table(read("compatibility")["versions"]),
    "uses under other versions": lambda: tables.uses_table(read("compatibility")["uses"]),
    "trainings under other versions": lambda: tables.trainings_table(read("compatibility")["bits"]),
    "door": lambda: tables.door_table(read("door_time")),
    "start": lambda: tables.start_table(read("door_time")),
    "whole run": lambda: tables.whole_run_table(read("whole_run")["seconds"]),
    "parts": lambda: tables.parts_table(read("profile_step")["parts_ms"]),
    "layers": lambda: tables.layers_table(read("layer_time")["layers"]),
    "seeds of width 16": seeds("16"),
    "seeds of width 32": seeds("32"),
    "devices": many("Devices", "shared among"),
    "complete run": many("Complete run", "form"),
    "health": many("Metrics of the health checks", "metrics of the health checks"),
    "gpu starts": lambda: tables.gpu_starts_table(read("gpu_kernels")["recipes"]),
    "gpu, float32": gpu("gpu_float32"),
    "gpu, bfloat16": gpu("gpu_bfloat16"),
    "gpu, H100": gpu("gpu_float32_h100"),
    "gpu seeds, float32": lambda: tables.gpu_seeds_table(read("gpu_float32")),
    "gpu seeds, bfloat16": lambda: tables.gpu_seeds_table(read("gpu_bfloat16")),
    "predicted and measured": predicted_and_measured,
    "predicted": predicted,
    "sent": scaling.sent_table,
    "speeds": scaling.speed_table,
}
