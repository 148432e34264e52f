"""Small trainings in processes of their own, forked from one that has imported all and so started within a moment.

Faults are made with real processes and real signals; what a run left is compared as bytes.
"""

import contextlib
import hashlib
import multiprocessing
import os
import resource
import shutil
import socket
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from closeness import assert_close
from waiting import PATIENCE

from gan_jax import (
    GAMES,
    METRICS,
    Game,
    GanConfig,
    RunConfig,
    init_state,
    load_dataset,
    run_experiment,
    sampling_generator,
)
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries
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

# The server from which the processes are forked looks for this module by the path alone.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["small_runs", "PIL.PngImagePlugin", "PIL.GifImagePlugin"])


def settings(folder: Path, **options) -> RunConfig:
    """What a small training is made with; ``options`` replace some of it."""
    defaults = {"gan": GAN, "steps": 24, "log_every": 4, "checkpoint_every": 4, "resume": True}
    defaults["features"] = LINE_MEANS
    return RunConfig(dataset="digits", output_dir=folder, **defaults | options)


def write_record(folder: Path, **options) -> dict:
    """Write what a training records before its first step."""
    asked = settings(folder, **options)
    record = make_run_json(asked, asked.gan, load_dataset("digits"), asked.schedule_steps)
    folder.mkdir(parents=True, exist_ok=True)
    write_run_json(folder, record)
    return record


def start(
    folder: Path, kind: str = "drift", file_limit: int | None = None, unharmed: bool = True, **options
) -> multiprocessing.Process:
    """Start a training; its screen goes to ``<folder>.log``, or to ``log``.

    One that will be harmed, by a kill or a limit of its files, keeps nothing that it compiles: half of it would stay.
    """
    unharmed = unharmed and file_limit is None
    arguments = folder, kind, file_limit, unharmed, options.pop("log", folder.with_suffix(".log")), options
    process = _processes.Process(target=_train, args=arguments)
    process.start()
    return process


def finish(folder: Path, kind: str = "drift", **options) -> tuple[int | None, str]:
    """Train to the end: the exit status, and what was on screen."""
    log = options.setdefault("log", folder.with_suffix(".log"))
    process = start(folder, kind, **options)
    process.join(PATIENCE)
    assert process.exitcode is not None, "hangs"
    return process.exitcode, log.read_text()


def _free_port() -> int:
    """One below those of outgoing connections, so that the system gives it to nobody before the run takes it."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


def start_all(folder, count, **options):
    """Start processes of one run; their screens go to ``<folder>_<index>.log``."""
    flags = {"coordinator": f"127.0.0.1:{_free_port()}", "num_processes": count}
    logs = [folder.parent / f"{folder.name}_{index}.log" for index in range(count)]
    processes = [
        start(folder, "joint", log=log, **flags, process_id=index, **options) for index, log in enumerate(logs)
    ]
    return processes, logs


def train_together(folder, count, **options):
    """Train one run with several processes: what was on each one's screen."""
    processes, logs = start_all(folder, count, **options)
    for process, log in zip(processes, logs, strict=True):
        process.join(PATIENCE)
        assert process.exitcode == 0, log.read_text()
    return [log.read_text() for log in logs]


def _history(folder):
    with np.load(folder / "history.npz") as archive:
        return dict(archive)


def assert_same_run(one, other, steps=None):
    """Sums over a batch round otherwise when they are shared, and so small a network magnifies that with every step."""
    for name, values in _history(one).items():
        found, expected = _history(other)[name][:steps], values[:steps]
        assert len(found) == len(expected)
        for part, growth in ((slice(12), 1), (slice(12, None), 5)):
            rtol = growth * (2e-2 if "gradient" in name else 2e-3)
            assert_close({name: found[part]}, {name: expected[part]}, rtol)


def screen(folder: Path) -> str:
    return folder.with_suffix(".log").read_text()


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


def _train(folder: Path, kind: str, file_limit: int | None, unharmed: bool, log_path: Path, options: dict) -> None:
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout, sys.stderr = (os.fdopen(handle, "w", buffering=1) for handle in (1, 2))
    if file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    prepare_libraries()
    if not unharmed:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", float("inf"))
    with exit_on_errors():
        run_experiment(settings(folder, **options, game=kind))
