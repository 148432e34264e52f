"""Many runs at once or one after another, and what they say together."""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import GanConfig, RunConfig
from gan_jax.datasets import Dataset, load_dataset
from gan_jax.errors import InputError
from gan_jax.evaluation import load_evaluator, sample_count, score_images
from gan_jax.experiment import Experiment, run_experiment, show
from gan_jax.files import whole_file
from gan_jax.hosts import connect, is_main
from gan_jax.loop import CHUNK_STEPS, NonFiniteError, finite_steps, plan_chunks
from gan_jax.members import Member, list_members
from gan_jax.programs import run_chunks
from gan_jax.run import Diverged, Run
from gan_jax.sampling import sample_images
from gan_jax.sentinel import has_collapsed
from gan_jax.stopping import StopRequest
from gan_jax.summary import save_summary
from gan_jax.trained import load_run


def run_many(experiment: Experiment, settings: RunConfig) -> None:
    """Train every seed and value that the settings name, score what comes of them, and sum up.

    Seed k of many is the same run as seed k alone: to the bit where they are taken one after another, and up to
    rounding where they are side by side. A run that diverges does not stop the others.

    Raises:
      InputError: a setting, the data or an output folder is wrong.
      Stopped: a signal ended it; --resume goes on.
    """
    connect(settings)
    members = list_members(settings)
    dataset = load_dataset(settings.dataset, settings.data_dir)
    if choose_side_by_side(settings):
        train_side_by_side(experiment, members, dataset)
    else:
        for member in members:
            with _divergence_noted(member.name):
                run_experiment(experiment, member.settings)
    if is_main():
        save_summary(settings.output_dir, [outcome(member, dataset) for member in members])


def choose_side_by_side(settings: RunConfig) -> bool:
    """Whether to train many runs in one program: on an accelerator, unless the settings say.

    A CPU runs them faster one after another (docs/performance.md).

    Raises:
      InputError: side by side was asked for together with several devices or processes.
    """
    several = settings.devices or settings.distributed or settings.num_processes
    if settings.schedule == "side_by_side" and several:
        raise InputError(
            "--schedule side_by_side puts all runs on one device; leave out --devices and other processes."
        )
    if settings.schedule == "auto":
        return not several and jax.default_backend() != "cpu"
    return settings.schedule == "side_by_side"


def train_side_by_side(experiment: Experiment, members: Sequence[Member], dataset: Dataset) -> None:
    """Train all members in lockstep, one compiled program a chunk."""
    with StopRequest() as stop:
        with contextlib.ExitStack() as stack:
            runs = []
            for member in members:
                config = dataclasses.replace(member.settings.gan, image_shape=dataset.image_shape)
                with _divergence_noted(member.name):
                    run = Run(member.settings, config, dataset, experiment.step, stop, label=f"{member.name}  ")
                    runs.append(stack.enter_context(run))
            if runs:
                _train_in_lockstep(experiment, runs, members[0].settings, stop)
        stop.raise_if_heard()


def _train_in_lockstep(experiment: Experiment, runs: list[Run], settings: RunConfig, stop: StopRequest) -> None:
    while len(steps := {int(run.state.step) for run in runs}) > 1:
        for run in runs:
            if int(run.state.step) > min(steps):
                run.go_back(min(steps))
    if steps == {0}:
        for run in runs:
            show(experiment, run, run.beginning())
    states, configs = _stack([run.state for run in runs]), _stack([_as_arrays(run.config) for run in runs])
    step_keys = jnp.stack([run.keys.step for run in runs])
    diverged: set[Run] = set()
    plan = (runs[0].num_steps, runs[0].per_epoch, settings.log_every, settings.checkpoint_every, CHUNK_STEPS)
    for chunk in plan_chunks(steps.pop(), *plan):
        batches = jnp.stack([run.source.batches(chunk.epoch, chunk.start, chunk.stop) for run in runs])
        states, metrics = run_chunks(configs, experiment.step, states, batches, step_keys)
        metrics = {name: np.asarray(values) for name, values in metrics._asdict().items()}
        stopping = stop.heard()
        for index, run in enumerate(runs):
            if run in diverged:
                continue
            own = {name: values[index] for name, values in metrics.items()}
            good, bad = finite_steps(own)
            if bad:
                diverged.add(run)
                with _divergence_noted(str(run.folder)):
                    run.diverge(NonFiniteError(bad, chunk.first_step + good))
                continue
            progress = chunk.progress(_member(states, index), own)
            run.note(progress)
            show(experiment, run, progress)
            run.keep(progress, stopping)
        if stopping or len(diverged) == len(runs):
            return


@contextlib.contextmanager
def _divergence_noted(name: str) -> Iterator[None]:
    """One run's end is not the others'."""
    try:
        yield
    except Diverged as error:
        print(f"warning: {name}: {error}", file=sys.stderr)


def _as_arrays(config: GanConfig) -> GanConfig:
    return jax.tree.map(jnp.float32, config)


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _member(states: Any, index: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], states)


def outcome(member: Member, dataset: Dataset) -> dict[str, Any]:
    """What became of a member: its last scores, kept beside the run, its history, and whether it collapsed."""
    folder = member.settings.output_dir
    record_path = folder / "outcome.json"
    run = load_run(folder)
    step = int(run.state.step)
    history = {}
    if (folder / "history.npz").exists():  # not if the very first step diverged
        with np.load(folder / "history.npz") as archive:
            history = dict(archive)
    known = json.loads(record_path.read_text()) if record_path.exists() else {}
    if known.get("step") != step:
        evaluator = load_evaluator(dataset)
        scores = score_images(evaluator, sample_images(run.config, run.generator, sample_count(dataset)), dataset)
        collapsed = "diverged" in run.record or has_collapsed(history, dataset.train_images)
        known = {"step": step, "diverged": run.record.get("diverged"), "collapsed": collapsed, "scores": scores}
        _write_json(record_path, known)
    return {"name": member.name, "values": member.values, "seed": member.settings.seed, "history": history, **known}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
