"""The page as one text: what is in it, and as many snapshots of the training as fit."""

import json
import math
import re
from importlib import resources
from typing import Any

import numpy as np

from gan_jax.errors import InputError
from gan_jax.files import warn
from gan_jax.inference.operations import Operation, generator_operations
from gan_jax.playground.contents import Source, chosen_generator, gather
from gan_jax.playground.packing import Pack
from gan_jax.storage.run_folder import RunFolder
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
    "start.js",
)
_TRAINING_SCRIPTS = ("random.js", "targets.js", "dense.js", "objectives.js", "live.js", "frames.js", "plane_worker.js")
_WORKER_SCRIPTS = ("arrays.js", "engine.js", *_TRAINING_SCRIPTS, "worker.js")


def build_page(source: Source, *, num_images: int = 1000, max_megabytes: float = 10) -> str:
    """Make the page.

    The last discriminator is float32, since rounding turns its gradients. The last generator is float16, which changes
    no pixel by more than 1 of 255. Snapshots are int8 with a scale for each channel, which changes pixels by 0.3 of 255
    on average: as many, evenly taken, as the size allows; if these are not all, a warning says so.

    Args:
      source: what it is made of.
      num_images: training images to put into it.
      max_megabytes: the most that it may have, in millions of bytes.

    Returns:
      HTML.

    Raises:
      InputError: not even a page without snapshots fits, or the networks are not the package's.
    """
    config = source.run.config
    if config.makes_points:
        raise InputError("the run makes points and not images; give its frames as --plane, beside a run of images.")
    pack, contents = gather(source, num_images)
    page = _fill(pack, contents)
    size = len(page.encode())
    spare = int(max_megabytes * _MEGABYTE) - size
    if spare < 0:
        advice = "give a larger --max-megabytes, or fewer --images or --plane"
        raise InputError(f"the page has {size / _MEGABYTE:.1f} MB without snapshots; {advice}.")
    if source.folder is None:
        return page
    steps = _choose_snapshots(source, source.folder, spare)
    contents["generators"] = [
        *(_add_snapshot(source, source.folder, step, pack, contents) for step in steps),
        *contents["generators"],
    ]
    return _fill(pack, contents) if steps else page


def _choose_snapshots(source: Source, folder: RunFolder, spare: int) -> list[int]:
    """As many snapshots before the last state as a number of bytes allows, evenly taken, the first among them."""
    taken = [step for step in folder.snapshot_steps() if step < int(source.run.state.step)]
    if not taken:
        return []
    alone = Pack()
    described = alone.network("snapshot", _snapshot_operations(source, folder, taken[-1]), "int8")
    each = len(alone.text()) + len(json.dumps([described, alone.manifest]))
    count = min(len(taken), spare // each)
    if count < len(taken):
        missing = math.ceil(10 * (each * len(taken) - spare) / _MEGABYTE) / 10
        warn(f"{count} of {len(taken)} snapshots fit into the page; {missing:.1f} more --max-megabytes would hold all")
    return [taken[at] for at in np.unique(np.linspace(0, len(taken) - 1, count).round().astype(int))]


def _add_snapshot(source: Source, folder: RunFolder, step: int, pack: Pack, contents: dict[str, Any]) -> dict[str, Any]:
    name = f"step {step}"
    contents["networks"][name] = pack.network(name, _snapshot_operations(source, folder, step), "int8")
    return {"name": name, "step": step}


def _snapshot_operations(source: Source, folder: RunFolder, step: int) -> list[Operation]:
    config = source.run.config
    state = load_weights(folder.snapshot(step), config)[1]
    return generator_operations(config, chosen_generator(source, state))


def _fill(pack: Pack, contents: dict[str, Any]) -> str:
    """The page around its contents."""
    described = json.dumps({**contents, "manifest": pack.manifest}, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "TITLE": contents["title"].replace("&", "&amp;").replace("<", "&lt;"),
        "STYLE": _read("style.css"),
        "CONTENTS": described,
        "DATA": pack.text(),
        "WORKER": "\n".join(map(_read, _WORKER_SCRIPTS)),
        "PAGE": "\n".join(map(_read, _PAGE_SCRIPTS)),
    }
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda place: parts[place[1]], _read("page.html"))


def _read(name: str) -> str:
    return resources.files("gan_jax.playground").joinpath("web", name).read_text(encoding="utf-8")
