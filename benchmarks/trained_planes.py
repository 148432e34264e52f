"""Train the starts that the page of gan-jax playground offers as trained, and put them into the package.

One for each target: the recipe fast for 5,000 steps on networks of the page's width, as 16-bit floats.
"""

import dataclasses
from importlib import resources
from pathlib import Path

import numpy as np

from gan_jax import gan_step, init_state, recipe, run_keys
from gan_jax.array_files import save_arrays
from gan_jax.plane import TARGETS, for_points, load_target, train_states

STEPS, WIDTH, BATCH = 5000, 32, 64


def main() -> None:
    config = dataclasses.replace(for_points(recipe("fast")), width=WIDTH, batch_size=BATCH)
    arrays = {}
    for name in TARGETS:
        keys = run_keys(0)
        start = init_state(config, keys.init)
        (state,), _ = train_states(config, gan_step, start, load_target(name).points, keys, [STEPS])
        for network in ("generator", "discriminator"):
            for index, layer in enumerate(getattr(state, network).params.values()):
                place = f"{name}/{network}/{index}"
                arrays[f"{place}/kernel"] = np.asarray(layer["kernel"][0, 0], np.float16)
                arrays[f"{place}/bias"] = np.asarray(layer["bias"], np.float16)
    path = Path(str(resources.files("gan_jax.playground").joinpath("trained_planes.npz")))
    save_arrays(path, arrays)
    print(f"{path} has {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
