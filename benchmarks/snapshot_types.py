"""Measure what smaller types of the weights do to a generator's images, for the page of gan-jax playground.

python benchmarks/snapshot_types.py runs/recipes/dcgan runs/recipes/fast runs/recipes/r3gan-dcgan \
    --json docs/results/snapshot_types.json
"""

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tables import types_table

from gan_jax import generate, load_run, sample_latents

IMAGES = 256


def smaller(kernel: Any, bits: int) -> tuple[np.ndarray, bytes]:
    """A kernel in 16-bit floats, or in codes of so many bits with a scale for each last index; and its bytes."""
    values = np.asarray(kernel)
    if bits == 16:
        halves = values.astype(np.float16)
        return halves.astype(np.float32), halves.tobytes()
    most = 2 ** (bits - 1) - 1
    scale = np.abs(values).max(axis=tuple(range(values.ndim - 1)), keepdims=True) / most
    scale = np.where(scale > 0, scale, 1)  # of a channel of zeros
    codes = np.rint(values / scale).astype(np.int8)
    return (codes * scale).astype(np.float32), codes.tobytes()


def measure(folder: Path, bits: int) -> dict[str, Any]:
    run, content = load_run(folder), []

    def change(leaf: Any) -> Any:
        if leaf.ndim < 4:
            return leaf
        values, stored = smaller(leaf, bits)
        content.append(stored)
        return values

    latents = sample_latents(run.config, jax.random.key(1), IMAGES)
    changed = {**run.generator, "params": jax.tree.map(change, run.generator["params"])}
    exact, found = (np.asarray(generate(run.config, weights, latents)) for weights in (run.generator, changed))
    differences = 127.5 * np.abs(exact - found)
    return {
        "run": folder.name,
        "type": "float16" if bits == 16 else f"{bits} bits",
        "megabytes": len(gzip.compress(b"".join(content), 9)) / 1e6,
        "mean": float(differences.mean()),
        "percentile_99": float(np.percentile(differences, 99)),
        "largest": float(differences.max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = [measure(folder, bits) for bits in (16, 8, 6, 4) for folder in arguments.folders]
    print(types_table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
