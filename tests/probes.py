"""Commands and trainings in processes of their own, in surroundings that a test arranges.

They are forked from one that has imported all, and so start within a moment. A signal that must arrive at one moment is
real: the process sends it to itself when it calls the function that the moment names.
"""

import contextlib
import importlib
import multiprocessing
import os
import resource
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
from in_process import Result, require_own_flags
from small_runs import settings
from waiting import PATIENCE

from gan_jax import run_experiment
from gan_jax.cli import main
from gan_jax.cli.commands import COMMANDS, TRAININGS, find_command
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries

# The server from which the processes are forked looks for this module by the path alone.
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
_processes = multiprocessing.get_context("forkserver")
_FILES = ["gan_jax.cli.train", *(find_command(name).__module__ for name in COMMANDS.keys() - TRAININGS)]
SHORT = {"steps": 8}  # and a checkpoint after every 4
_processes.set_forkserver_preload(["probes", *_FILES, "PIL.PngImagePlugin", "PIL.GifImagePlugin"])


class Moment(NamedTuple):
    """When signals arrive: before, or after, the ``call``-th call of a function."""

    function: str  # module:name, or module:class.name
    signals: tuple[int, ...]
    call: int = 1
    after: bool = False


def start(folder: Path, *arguments, kind="drift", options=None, log=None, **surroundings):
    """Start ``gan-jax`` with arguments in a folder or, without arguments, a training of ``small_runs`` into it.

    The surroundings are ``environment`` (variables; None removes one), ``limits`` (of ``resource``), ``close`` (handles
    that the process begins without), ``moment``, and ``prepare``, which is called last. What it prints is in
    ``<log>.out`` and ``<log>.err``; ``log`` is by default the folder.
    """
    job = log or folder, [*map(str, arguments)], kind, options or {}, surroundings
    if arguments:
        folder.mkdir(parents=True, exist_ok=True)
    process = _processes.Process(target=_run, args=(folder, *job))
    process.start()
    return process


def run(folder: Path, *arguments, **surroundings) -> Result:
    """Do the same to the end."""
    process = start(folder, *arguments, **surroundings)
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("hangs")
    result = Result(process.exitcode, *(folder.with_suffix(f".{name}").read_text() for name in ("out", "err")))
    require_own_flags(result.err if arguments else "", [*map(str, arguments)])
    return result


def _free_port() -> int:
    """One below those of outgoing connections, so that the system gives it to nobody before the run takes it."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


def start_all(folder: Path, count: int, **options):
    """Start processes of one run; what they print is in ``<folder>_<index>.out`` and ``.err``."""
    flags = {"coordinator": f"127.0.0.1:{_free_port()}", "num_processes": count} | options
    logs = [folder.with_name(f"{folder.name}_{index}") for index in range(count)]
    return [
        start(folder, kind="joint", log=log, options={**flags, "process_id": index}) for index, log in enumerate(logs)
    ]


def end_all(folder: Path, processes) -> list[Result]:
    """Wait for the processes of one run: how they ended, and what they printed."""
    results = []
    for index, process in enumerate(processes):
        process.join(PATIENCE)
        log = folder.with_name(f"{folder.name}_{index}")
        results.append(Result(process.exitcode, *(log.with_suffix(f".{name}").read_text() for name in ("out", "err"))))
    return results


def keep_no_programs() -> None:
    """Before a process is harmed: half of a compiled program would stay."""
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 2**40)


def _run(folder: Path, log: Path, arguments: list[str], kind: str, options: dict, surroundings: dict[str, Any]) -> None:
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(log.with_suffix(f".{name}"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    _surround(**surroundings)
    if arguments:
        os.chdir(folder)
        sys.argv = ["gan-jax", *arguments]
        main()
    else:
        prepare_libraries()
        with exit_on_errors():
            run_experiment(settings(folder, **options, game=kind))


def _surround(environment=(), limits=(), close=(), moment=None, prepare=None) -> None:
    for name, value in dict(environment).items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = str(value)
    for number in close:
        os.close(number)
    for kind, limit in dict(limits).items():
        resource.setrlimit(kind, (limit, limit))
    if moment:
        _arrange(moment)
    if prepare:
        prepare()
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = None if number in close else os.fdopen(number, "w", buffering=1, closefd=False)
        setattr(sys, name, stream)


def _arrange(moment: Moment) -> None:
    """Let the signals of a moment arrive."""
    module, _, name = moment.function.partition(":")
    *path, name = name.split(".")
    place: Any = importlib.import_module(module)
    for part in path:
        place = getattr(place, part)
    function, calls = getattr(place, name), [0]

    def interrupted(*args, **options):
        calls[0] += 1
        if calls[0] == moment.call and not moment.after:
            _send(moment.signals)
        result = function(*args, **options)
        if calls[0] == moment.call and moment.after:
            _send(moment.signals)
        return result

    setattr(place, name, interrupted)


def _send(signals: tuple[int, ...]) -> None:
    for number in signals:
        os.kill(os.getpid(), number)
