"""The page as one text: what is in it, and as many snapshots of the training as fit."""

import json
import math
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import warn
from gan_jax.inference.operations import Operation, generator_operations
from gan_jax.playground.contents import Part, Source, chosen_generator, common_part, run_part
from gan_jax.playground.packing import Pack
from gan_jax.storage.weights import load_weights

_MEGABYTE = 10**6
_LIVE_SCRIPTS = ("glossary.js", "graph.js", "choices.js", "drawing.js", "live_page.js")
_PAGE_SCRIPTS = (
    "arrays.js",
    "targets.js",
    "objectives.js",
    "shared.js",
    "images.js",
    "plane.js",
    *_LIVE_SCRIPTS,
    "train.js",
    "start.js",
)
_TRAINING_SCRIPTS = ("random.js", "targets.js", "dense.js", "objectives.js", "live.js", "frames.js", "plane_worker.js")
_DIGITS_SCRIPTS = ("trainer.js", "digits.js", "digits_worker.js")
_WORKER_SCRIPTS = ("arrays.js", "matrices.js", "engine.js", *_TRAINING_SCRIPTS, *_DIGITS_SCRIPTS, "worker.js")


def build_page(
    sources: Sequence[Source],
    *,
    planes: Sequence[dict[str, Any]] = (),
    lesson: Sequence[dict[str, Any]] = (),
    num_images: int | None = None,
    max_megabytes: float = 25,
) -> str:
    """Make the page.

    The last discriminator is float32, since rounding turns its gradients. The last generator is float16, which changes
    no pixel by more than 1 of 255. Snapshots are int8 with a scale for each channel, which changes pixels by 0.3 of 255
    on average: as many, evenly taken, as the size allows; if these are not all, a warning says so.

    Args:
      sources: the runs, of which the page shows one at a time, the first one at first.
      planes: trainings in the plane, from ``playground.recordings.read_plane``.
      lesson: the lesson's images, from ``playground.recordings.read_lesson``.
      num_images: training images of each run to put into it; by default 1,000, or of large ones as many as have 3.5 MB
        before they are compressed.
      max_megabytes: the most that it may have, in millions of bytes.

    Returns:
      HTML.

    Raises:
      InputError: not even a page without snapshots fits, or the networks are not the package's, or make points.
    """
    common = common_part(planes, lesson)
    runs = [run_part(source, num_images) for source in sources]
    page = _fill(common, runs)
    size = len(page.encode())
    spare = int(max_megabytes * _MEGABYTE) - size
    if spare < 0:
        advice = "give a larger --max-megabytes, or fewer runs, --images or --plane"
        raise InputError(f"the page has {size / _MEGABYTE:.1f} MB without snapshots; {advice}.")
    chosen = _choose_snapshots(sources, spare)
    for source, run, paths in zip(sources, runs, chosen, strict=True):
        snapshots = [_add_snapshot(source, path, run) for path in paths]
        run.contents["generators"] = [*snapshots, *run.contents["generators"]]
    return _fill(common, runs) if any(chosen) else page


def _choose_snapshots(sources: Sequence[Source], spare: int) -> list[list[Path]]:
    """Of each run as many snapshots before its last state as a number of bytes allows, evenly taken, the first too."""
    taken = [_snapshots(source) for source in sources]
    wanted = sum(
        len(paths) * _snapshot_size(source, paths[-1]) for source, paths in zip(sources, taken, strict=True) if paths
    )
    counts = [len(paths) if wanted <= spare else len(paths) * spare // wanted for paths in taken]
    if wanted > spare:
        missing = math.ceil(10 * (wanted - spare) / _MEGABYTE) / 10
        left = f"{sum(counts)} of {sum(map(len, taken))} snapshots fit into the page"
        warn(f"{left}; {missing:.1f} more --max-megabytes would hold all")
    return [_evenly(paths, count) for paths, count in zip(taken, counts, strict=True)]


def _evenly(paths: Sequence[Path], count: int) -> list[Path]:
    return [paths[at] for at in np.unique(np.linspace(0, len(paths) - 1, count).round().astype(int))]


def _snapshots(source: Source) -> list[Path]:
    """The files of those before the last state."""
    if source.folder is None:
        return []
    steps = (step for step in source.folder.snapshot_steps() if step < int(source.run.state.step))
    return [source.folder.snapshot(step) for step in steps]


def _snapshot_size(source: Source, path: Path) -> int:
    """What a snapshot adds to a page, in bytes."""
    alone = Pack()
    described = alone.network("snapshot", _read_snapshot(source, path)[1], "int8")
    return len(alone.text()) + len(json.dumps([described, alone.manifest]))


def _add_snapshot(source: Source, path: Path, run: Part) -> dict[str, Any]:
    step, operations = _read_snapshot(source, path)
    name = f"step {step}"
    run.contents["networks"][name] = run.pack.network(name, operations, "int8")
    return {"name": name, "step": step}


def _read_snapshot(source: Source, path: Path) -> tuple[int, list[Operation]]:
    """Its step, and what its generator does."""
    config = source.run.config
    state = load_weights(path, config)[1]
    return int(state.step), generator_operations(config, chosen_generator(source, state))


def _fill(common: Part, runs: Sequence[Part]) -> str:
    """The page around its contents."""
    described = [{**run.contents, "manifest": run.pack.manifest} for run in runs]
    contents = {**common.contents, "manifest": common.pack.manifest, "runs": described}
    packs = {"data": common.pack} | {f"data-{at}": run.pack for at, run in enumerate(runs)}
    names = ", ".join(run.contents["name"] for run in runs)
    parts = {
        "TITLE": f"{names}: what a GAN has learned".replace("&", "&amp;").replace("<", "&lt;"),
        "STYLE": _read("style.css"),
        "CONTENTS": json.dumps(contents, separators=(",", ":")).replace("<", "\\u003c"),
        "DATA": "\n".join(
            f'<script type="text/plain" id="{name}">{pack.text()}</script>' for name, pack in packs.items()
        ),
        "WORKER": "\n".join(map(_read, _WORKER_SCRIPTS)),
        "PAGE": "\n".join(map(_read, _PAGE_SCRIPTS)),
    }
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda place: parts[place[1]], _read("page.html"))


def _read(name: str) -> str:
    return resources.files("gan_jax.playground").joinpath("web", name).read_text(encoding="utf-8")
