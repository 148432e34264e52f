"""``gan-jax replay``."""

import sys
from pathlib import Path

import tyro

from gan_jax.cli.exit_codes import DIFFERENT
from gan_jax.cli.shared_flags import READ_AS_THEY_ARE, Reading
from gan_jax.errors import InputError
from gan_jax.files import prepare_output


def replay(
    path: tyro.conf.Positional[Path],
    /,
    step: int,
    output: Path,
    dataset: str | None = None,
    data_dir: Path | None = None,
    reading: Reading = READ_AS_THEY_ARE,
) -> None:
    """Take one step of a run again and write its batch, latents, fakes, metrics and gradient norms.

    Example: gan-jax replay runs/fashion_mnist --step 1000 --output step.npz

    Args:
        path: A run's folder.
        step: From 1.
        output: An .npz; a .png of the same name shows the batch beside the fakes.
        dataset: The data set, such as the folder that the images moved to; by default the run's.
        data_dir: A folder with the data set's published files; by default the run's.
        reading: How the data set's image files are read.
    """
    from gan_jax.runs.verify import FinishedRun
    from gan_jax.runs.verify import replay as replay_step
    from gan_jax.storage.run_json import warn_of_differences

    if output.suffix != ".npz":
        raise InputError(f"{output} must end in .npz.")
    prepare_output(output)
    run = FinishedRun(path, dataset, data_dir, **reading.options)
    warn_of_differences(run.differences())
    metrics, same = replay_step(run, step, output)
    print("  ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
    verdict = {True: "as the run had them", False: "NOT as the run had them", None: "not in the run's history"}
    print(f"These metrics are {verdict[same]}. The step is in {output}")
    sys.exit(DIFFERENT if same is False else 0)
