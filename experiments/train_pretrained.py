"""Train a run that ships with the package, and write its record and its weights in float16.

These commands made those of gan_jax/storage/pretrained; when one is started again, it resumes where it stopped:

  python experiments/train_pretrained.py fashion_mnist --output gan_jax/storage/pretrained/fashion_mnist
  python experiments/train_pretrained.py emoji --dataset twemoji.zip --output gan_jax/storage/pretrained/emoji
"""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import tyro

from gan_jax import RunConfig, load_run, load_weights, recipe, run_experiment
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse_call
from gan_jax.files import write_text
from gan_jax.playground.notices import notice_of
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import epoch_digest, write_run_json
from gan_jax.storage.weights import save_weights

TRAININGS = {
    # Fifteen epochs take about a third of the time of twenty epochs of the course's recipe.
    "fashion_mnist": RunConfig(recipe("best"), dataset="fashion_mnist", epochs=15),
    # Both networks and the average are small enough for 3 MiB; one thread gives the same bits on any number of cores.
    "emoji": RunConfig(
        dataclasses.replace(
            recipe("r1"),
            latent_dim=64,
            width=32,
            max_channels=128,
            batch_size=32,
            augmentations=("translation",),
            schedules=("learning_rate=cosine:x0.05",),
            ema_half_life=10_000,
        ),
        dataset="twemoji.zip",
        epochs=150,
        threads=1,
    ),
}


def main(
    name: tyro.conf.Positional[Literal["fashion_mnist", "emoji"]],
    /,
    output: Path,
    dataset: str | None = None,
    data_dir: Path | None = None,
    seed: int = 0,
    epochs: int | None = None,
    run_dir: Path | None = None,
) -> None:
    """Train, or resume, and write the run.

    Args:
      name: Which of the trainings.
      output: The folder to write.
      dataset: Other images: a data set's name, a folder or a .zip, as gan-jax train takes them.
      data_dir: A folder with the data set's published files, used in place of a download.
      seed: Decides the initial weights, the latents and the order of the images.
      epochs: Passes over the training images, if not as many as the run that ships had.
      run_dir: The folder of the training; runs/pretrained_NAME by default.
    """
    run_dir = run_dir or Path(f"runs/pretrained_{name}")
    settings = dataclasses.replace(TRAININGS[name], data_dir=data_dir, seed=seed, output_dir=run_dir, resume=True)
    changes = {"dataset": dataset, "epochs": epochs}
    run_experiment(dataclasses.replace(settings, **{key: value for key, value in changes.items() if value is not None}))
    run = load_run(run_dir)
    shipped = RunFolder(output)
    shipped.path.mkdir(parents=True, exist_ok=True)
    save_weights(shipped.weights, jax.tree.map(halved, run.state), run.config)
    state = load_weights(shipped.weights, run.config)[1]
    record: dict[str, Any] = run.record | {"epochs": [epoch_digest(run.record["run"]["epochs"], state)]}
    places = {"dataset": Path(record["run"]["dataset"]).name, "data_dir": None, "output_dir": f"runs/{output.name}"}
    record["run"] |= places  # none of this machine's
    write_run_json(shipped.path, record)
    if notice := notice_of(record["dataset"]["name"]):
        write_text(shipped.path / "NOTICE.txt", f"{notice}\n")
    size = sum(path.stat().st_size for path in shipped.path.iterdir()) / 2**20
    print(f"{shipped.path}: {size:.1f} MiB")


def halved(array: jax.Array) -> jax.Array:
    """The array in float16, if it holds floats."""
    return array.astype(np.float16) if np.issubdtype(array.dtype, np.floating) else array


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        parse_call(main, description=__doc__)()
