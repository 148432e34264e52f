"""Training a finished run again, to verify it bit for bit or to look into one step."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax.array_files import save_arrays
from gan_jax.data.pixels import quantize_images
from gan_jax.errors import InputError
from gan_jax.pictures.grids import save_side_by_side
from gan_jax.runs.bars import progress_bar
from gan_jax.runs.setup import choose_mesh, load_images, prepare_start, training_images
from gan_jax.storage.checkpoints import SavedCheckpoints
from gan_jax.storage.history import read_history
from gan_jax.storage.load import load_recorded_weights
from gan_jax.storage.run_folder import RunFolder
from gan_jax.storage.run_json import (
    RunJson,
    earlier_differences,
    environment,
    environment_differences,
    epoch_digest,
    identity,
    keep_threads,
    read_run_json,
    read_settings,
    require_trained_here,
)
from gan_jax.training.batches import epoch_order, read_batches
from gan_jax.training.compiled import scan_steps
from gan_jax.training.forward import batch_fakes, generate, sample_latents
from gan_jax.training.games import find_game
from gan_jax.training.loop import Metrics, Progress, metrics_to_numpy, train
from gan_jax.training.micro_batches import deal
from gan_jax.training.sharding import devices_per_batch
from gan_jax.training.state import GanState


class Difference(NamedTuple):
    """The first place where a repeated training differs from the run."""

    epoch: int  # from 1
    step: int | None  # from 1; None where the steps' metrics agree or are not known
    array: str | None  # of the state at the epoch's end; None where only metrics differ


class FinishedRun:
    """A run's folder, and what training it again needs.

    Args:
      folder: a run's.
      name: of the data set, such as the folder that its images moved to; by default the run's.
      data_dir: a folder with the data set's published files; by default the run's.
      reading: settings of how image files are read that are not as the run had them.

    Raises:
      InputError: there is no such run, its game is neither one of this package's nor imported, or the data are others.
    """

    def __init__(self, folder: Path, name: str | None = None, data_dir: Path | None = None, **reading: Any) -> None:
        self.folder, self.record = RunFolder(folder), read_run_json(folder)
        require_trained_here(self.record, folder)
        keep_threads(self.record)
        self.settings, self.config = read_settings(self.record)
        self.game = find_game(self.settings.game)
        dataset = load_images(dataclasses.replace(self.settings, **reading), name, data_dir)
        if dataset.content_hash != self.record["dataset"].get("sha256"):
            raise InputError(f"{folder} was trained on other images of {dataset.name}; give --dataset or --data-dir.")
        self.images, mesh = dataset.train_images, choose_mesh(self.settings, self.config)
        self._environment = environment(devices_per_batch(mesh))
        images = training_images(self.config, dataset)
        _, self._start, self.source, self.keys, self.schedule_steps = prepare_start(
            self.settings, self.config, images, mesh
        )
        self.num_steps = self.settings.num_steps(self.source.steps_per_epoch)

    def differences(self) -> list[str]:
        """How versions and devices differ from those that the run was trained with, which may change bits."""
        pair = self.record, self._environment
        return [*earlier_differences(*pair), *environment_differences(*pair)]

    def state_after(self, step: int, bar: Any) -> Any:
        """The state after a step, from the newest checkpoint that is not after it, or from the start."""
        found, _ = SavedCheckpoints(self.folder.checkpoints, identity(self.record)).restore_newest(self._start, step)
        state = found.state if found else self._start
        for progress in self.train(state, step, bar):
            state = progress.state
        return state

    def train(self, state: Any, until: int, bar: Any) -> Iterator[Progress]:
        """Train from a state as the run did, and move the bar on."""
        bar.update(int(state.step) - bar.n)
        for progress in train(
            *(self.config, self.game.step, state, self.source, self.keys),
            num_steps=until,
            schedule_steps=self.schedule_steps,
            log_every=self.settings.log_every,
            pause_every=self.settings.checkpoint_every,
        ):
            bar.update(progress.step - bar.n)
            yield progress

    def history(self) -> Metrics:
        """Every step's metrics; empty where there is no ``history.npz``, as after a kill.

        Raises:
          InputError: it is damaged.
        """
        return read_history(self.folder.history)


def verify(run: FinishedRun, first: int = 0, last: int | None = None) -> tuple[int, Difference | None]:
    """Train a run again and compare every step's metrics and every epoch's state, bit for bit.

    Args:
      run: what to verify.
      first: start after this epoch, from its checkpoint where there is one; 0 starts at the initial weights.
      last: stop after this epoch; by default the last that was recorded.

    Returns:
      The number of epochs compared, and the first difference, or None if all is identical.

    Raises:
      InputError: no epoch in that range was recorded, or ``weights.npz`` does not hold the run's weights.
    """
    recorded = {epoch["epoch"]: epoch for epoch in run.record["epochs"]}
    wanted = [epoch for epoch in sorted(recorded) if first < epoch and (last is None or epoch <= last)]
    if not wanted or first < 0:
        known = f"1 to {max(recorded)}" if recorded else "none"
        end = "the last" if last is None else last
        raise InputError(f"no epoch after {first} and up to {end} is recorded; there are: {known}.")
    start = min(run.source.steps_per_epoch * first, recorded[wanted[-1]]["step"])
    history = run.history()
    with progress_bar(recorded[wanted[-1]]["step"], "step", leave=False) as bar:
        state = run.state_after(start, bar)
        if first in recorded and (array := _first_other(recorded[first], epoch_digest(first, state))):
            return 0, Difference(first, None, array)
        for count, epoch in enumerate(wanted):
            step = None
            for progress in run.train(state, recorded[epoch]["step"], bar):
                state = progress.state
                step = step or _first_other_step(history, progress.metrics, progress.step)
            array = _first_other(recorded[epoch], epoch_digest(epoch, state))
            if step or array:
                return count, Difference(epoch, step, array)
    if run.folder.weights.exists():
        load_recorded_weights(run.folder, run.record, run.config, run.game)
    return len(wanted), None


def replay(run: FinishedRun, step: int, output: Path) -> tuple[dict[str, float], bool | None]:
    """Take one step of a run again and keep all that was in it.

    Args:
      run: what to look into.
      step: from 1.
      output: an ``.npz``: ``rows`` (which training images), ``images``, their ``labels`` if the networks are
        conditional, ``latents``, ``fakes`` as the step saw them, and each metric, gradient norms among them. With
        several critic steps, latents and fakes are G's. A ``.png`` of that name shows images beside fakes.

    Returns:
      The metrics, and whether they are those of ``history.npz``; None where it does not have that step.

    Raises:
      InputError: the run has no such step.
    """
    if not 1 <= step <= run.num_steps:
        raise InputError(f"step is {step}; the run has steps 1 to {run.num_steps}.")
    with progress_bar(step, "step", leave=False) as bar:
        state = run.state_after(step - 1, bar)
    epoch, batch = divmod(step - 1, run.source.steps_per_epoch)
    place = epoch, batch, batch + 1
    images, labels = run.source.batches(*place)
    fakes = _fakes(run, state, step, None if labels is None else jnp.asarray(labels[0]))
    batches = read_batches(run.source, *place)
    _, metrics = scan_steps(run.config, run.game.step, state, batches, run.keys.step, run.schedule_steps)
    metrics = metrics_to_numpy(metrics)
    arrays = {
        "rows": epoch_order(run.config, run.keys.order, epoch, len(run.images))[batch],
        "images": images[0],
        "latents": sample_latents(run.config, jax.random.fold_in(run.keys.step, step - 1)),
        "fakes": fakes,
    } | ({} if labels is None else {"labels": labels[0]})
    save_arrays(output, arrays | {name: values[0] for name, values in metrics.items()})
    grids = {"real": np.asarray(images[0]), "generated": quantize_images(fakes)}
    save_side_by_side(output.with_suffix(".png"), grids)
    history = run.history()
    known = bool(history) and all(len(values) >= step for values in history.values())
    same = _first_other_step(history, metrics, step) is None if known else None
    return {name: float(values[0]) for name, values in metrics.items()}, same


def _fakes(run: FinishedRun, state: Any, step: int, labels: Array | None) -> Array:
    """A step's last fakes; for a game with another state, its sampler's images of the step's latents.

    Their classes are those of the batch that they are compared with, or of the first images where D takes no step.
    """
    config, key = run.config, jax.random.fold_in(run.keys.step, step - 1)
    if labels is not None:
        last = config.critic_steps - 1 if run.settings.game == "discriminator" else -1
        alone = run.settings.game == "generator"
        labels = labels[: config.batch_size] if alone else deal(labels, config.batches_per_step)[last]
    if isinstance(state, GanState):
        return batch_fakes(config, state, key, labels)
    return generate(config, run.game.sampler(config, state), sample_latents(config, key), labels)


def _first_other_step(history: Metrics, metrics: Metrics, end: int) -> int | None:
    """The first step of a chunk that ends at step ``end`` whose metrics are not those of the history."""
    for index in range(len(next(iter(metrics.values())))):
        step = end - len(next(iter(metrics.values()))) + index + 1
        for name, values in metrics.items():
            there = history.get(name, values[:0])[step - 1 : step]
            if len(there) and there.tobytes() != values[index : index + 1].tobytes():
                return step
    return None


def _first_other(recorded: RunJson, found: RunJson) -> str | None:
    """The first array whose digest differs."""
    there, here = recorded["arrays"], found["arrays"]
    return next((name for name in [*here, *there] if there.get(name) != here.get(name)), None)
