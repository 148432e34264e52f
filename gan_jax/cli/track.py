"""``gan-jax track``."""

from pathlib import Path

import tyro


def track(path: tyro.conf.Positional[Path], /, tracker: str = "tensorboard") -> None:
    """Show a finished run in TensorBoard or Weights & Biases; what was there of it before is replaced.

    Example: gan-jax track runs/fashion_mnist && tensorboard --logdir runs

    Args:
        path: A run's folder.
        tracker: tensorboard or wandb.
    """
    from gan_jax.runs.watchers.trackers import open_tracker
    from gan_jax.storage.run_folder import RunFolder, hold
    from gan_jax.storage.run_json import read_run_json

    read_run_json(path)
    folder = RunFolder(path)
    with hold(folder, "train with --tracker, which shows a run while it trains"):
        open_tracker(tracker, folder).close()
    print(f"{path} is in {folder.tracker(tracker)}")
