"""``gan-jax verify``."""

import sys
from pathlib import Path

import tyro

from gan_jax.cli.exit_codes import DIFFERENT
from gan_jax.cli.shared_flags import READ_AS_THEY_ARE, Reading
from gan_jax.errors import InputError


def verify(
    path: tyro.conf.Positional[Path],
    /,
    epochs: str | None = None,
    dataset: str | None = None,
    data_dir: Path | None = None,
    reading: Reading = READ_AS_THEY_ARE,
) -> None:
    """Train a run again and compare it bit for bit with what it recorded; exits with 3 if it differs.

    Example: gan-jax verify runs/fashion_mnist --epochs 3:5

    Args:
        path: A run's folder.
        epochs: A:B starts after epoch A, from its checkpoint if it was kept, and ends after epoch B; all by default.
        dataset: The data set, such as the folder that the images moved to; by default the run's.
        data_dir: A folder with the data set's published files; by default the run's.
        reading: How the data set's image files are read.
    """
    from gan_jax.runs.verify import FinishedRun
    from gan_jax.runs.verify import verify as verify_run
    from gan_jax.storage.run_json import warn_of_differences

    first, last = _epoch_range(epochs)
    run = FinishedRun(path, dataset, data_dir, **reading.options)
    warn_of_differences(run.differences())
    count, difference = verify_run(run, first, last)
    if difference is None:
        print(f"identical: {count} epochs, every step's metrics and every array of the state")
        return
    print(f"different: epoch {difference.epoch} is the first", end="")
    print(f", step {difference.step} the first whose metrics differ" if difference.step else "", end="")
    print(f", {difference.array} the first array that differs at its end" if difference.array else "")
    sys.exit(DIFFERENT)


def _epoch_range(text: str | None) -> tuple[int, int | None]:
    try:
        first, last = (text or "0:").split(":")
        return int(first or 0), int(last) if last else None
    except ValueError:
        raise InputError(f"epochs is {text!r}; it must be A:B, such as 3:5, with either left out.") from None
