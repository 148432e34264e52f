"""Train the run that ships with the package, and write its record and its weights in float16.

This command made gan_jax/storage/pretrained/fashion_mnist; when it is started again, it resumes where it stopped:

  python experiments/train_pretrained.py --output gan_jax/storage/pretrained/fashion_mnist
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax import RunConfig, load_run, load_weights, recipe, run_experiment
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
from gan_jax.cli.parsing import parse_call
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import epoch_digest, write_run_json
from gan_jax.storage.weights import save_weights

EPOCHS = 15  # take about a third of the time of twenty epochs of the course's recipe


def main(
    output: Path,
    data_dir: Path | None = None,
    seed: int = 0,
    epochs: int = EPOCHS,
    dataset: str = "fashion_mnist",
    run_dir: Path = Path("runs/pretrained"),
) -> None:
    """Train, or resume, and write the run.

    Args:
      output: The folder to write.
      data_dir: A folder with the data set's published files, used in place of a download.
      seed: Decides the initial weights, the latents and the order of the images.
      epochs: Passes over the training images.
      dataset: fashion_mnist, mnist, kmnist (downloaded once), or digits (embedded).
      run_dir: The folder of the training.
    """
    settings = RunConfig(
        recipe("best"), dataset=dataset, data_dir=data_dir, seed=seed, epochs=epochs, output_dir=run_dir, resume=True
    )
    run_experiment(settings)
    run = load_run(run_dir)
    shipped = RunFolder(output)
    shipped.path.mkdir(parents=True, exist_ok=True)
    save_weights(shipped.weights, jax.tree.map(halved, run.state), run.config)
    state = load_weights(shipped.weights, run.config)[1]
    record: dict[str, Any] = run.record | {"epochs": [epoch_digest(epochs, state)]}
    record["run"] |= {"data_dir": None, "output_dir": f"runs/{dataset}"}
    write_run_json(shipped.path, record)
    size = sum(path.stat().st_size for path in shipped.path.iterdir()) / 2**20
    print(f"{shipped.path}: {size:.1f} MiB, sha256 of the state {record['epochs'][0]['sha256']}")


def halved(array: jax.Array) -> jax.Array:
    """The array in float16, if it holds floats."""
    return array.astype(np.float16) if np.issubdtype(array.dtype, np.floating) else array


if __name__ == "__main__":
    prepare_libraries()
    with exit_on_errors():
        parse_call(main, description=__doc__)()
