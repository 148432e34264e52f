"""Small trainings of steps that are quick to compile; what a run left is compared as bytes."""

import hashlib
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from closeness import assert_close

from gan_jax import (
    GAMES,
    METRICS,
    Game,
    GanConfig,
    RunConfig,
    init_state,
    load_dataset,
    sampling_generator,
)
from gan_jax.storage.run_json import make_run_json, write_run_json

GAN = GanConfig(latent_dim=4, width=2, batch_size=120)  # twelve batches an epoch
BREAKING_RATE = 1.0  # a learning rate at which fragile_step breaks
BREAKS_AT = 7
EVERYTHING_KEPT = {"tracker": ("tensorboard",), "snapshots": 4, "keep_checkpoints": 20, "game": "drift"}
LINE_MEANS = f"{Path(__file__).with_name('line_means.py')}:rows"  # features that need no training


def drift_step(config, state, batch, key):
    """Moves both networks by a number that depends on all that a step is given: quick to compile."""
    rate = jnp.minimum(config.learning_rate, 1e-3)
    shift = rate * (1 + jax.random.uniform(key) + batch.images.mean())

    def moved(network):
        return network.with_params(jax.tree.map(lambda leaf: leaf * (1 + shift), network.params))

    generator, discriminator = moved(state.generator), moved(state.discriminator)
    sizes = [jnp.abs(network.params["conv_1"]["kernel"]).mean() for network in (generator, discriminator)]
    state = state.replace(step=state.step + 1, generator=generator, discriminator=discriminator)
    values = [*sizes, *(0.5 + sizes[0] + number * shift for number in range(3)), *sizes, sizes[0] + 0.5]
    return state, dict(zip(METRICS, values, strict=False))


def fragile_step(config, state, batch, key):
    """``drift_step``, whose loss is infinite at step ``BREAKS_AT`` if the learning rate is large."""
    breaks = (config.learning_rate >= BREAKING_RATE) & (state.step + 1 == BREAKS_AT)
    state, metrics = drift_step(config, state, batch, key)
    return state, metrics | {"d_loss": jnp.where(breaks, jnp.inf, metrics["d_loss"])}


def own_metrics_step(config, state, batch, key):
    """``drift_step``, which reports one metric of its own."""
    state, metrics = drift_step(config, state, batch, key)
    return state, {"difference": metrics["d_x"] - metrics["d_g_z1"]}


for _name, _step in (("drift", drift_step), ("fragile", fragile_step), ("own_metrics", own_metrics_step)):
    GAMES[_name] = Game(init_state, _step, sampling_generator)


def settings(folder: Path, **options) -> RunConfig:
    """What a small training is made with; ``options`` replace some of it."""
    defaults = {"gan": GAN, "dataset": "digits", "steps": 24, "log_every": 4, "checkpoint_every": 4, "resume": True}
    return RunConfig(output_dir=folder, features=LINE_MEANS, **defaults | options)


def write_record(folder: Path, **options) -> dict:
    """Write what a training records before its first step."""
    asked = settings(folder, **options)
    record = make_run_json(asked, asked.gan, load_dataset("digits"), asked.schedule_steps)
    folder.mkdir(parents=True, exist_ok=True)
    write_run_json(folder, record)
    return record


def _history(folder):
    with np.load(folder / "history.npz") as archive:
        return dict(archive)


def assert_same_run(run, other, steps=None):
    """Sums over a batch round otherwise when they are shared, and so small a network magnifies that with every step."""
    for name, values in _history(run).items():
        found, expected = _history(other)[name][:steps], values[:steps]
        assert len(found) == len(expected)
        for part, growth in ((slice(12), 1), (slice(12, None), 5)):
            rtol = growth * (2e-2 if "gradient" in name else 2e-3)
            assert_close({name: found[part]}, {name: expected[part]}, rtol)


def interrupted(run: Path, copy: Path, step: int) -> Path:
    """A copy of a finished run as it would be if it had been killed after a step's checkpoint."""
    shutil.copytree(run, copy)
    for path in (copy / "checkpoints").iterdir():
        if path.name.isdecimal() and int(path.name) > step:
            shutil.rmtree(path)
    return copy


def content(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a run but its checkpoints, whose bytes depend on when they were written."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    kept = {name: path.read_bytes() for name, path in files.items() if name.parts[0] not in ("checkpoints", ".lock")}
    own_name = str(folder).encode()
    return {str(name): hashlib.sha256(data.replace(own_name, b"")).hexdigest() for name, data in kept.items()}
