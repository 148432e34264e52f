"""Commands and trainings in processes of their own, in surroundings that a test arranges.

They are forked like those of ``small_runs``. A signal that must arrive at one moment is real: the process sends it to
itself when it calls the function that the moment names.
"""

import importlib
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

from in_process import require_own_flags
from small_runs import _processes, settings
from waiting import PATIENCE

from gan_jax import run_experiment
from gan_jax.cli import main
from gan_jax.cli.commands import COMMANDS, TRAININGS, find_command
from gan_jax.cli.exit_codes import exit_on_errors, prepare_libraries

_FILES = ["gan_jax.cli.train", *(find_command(name).__module__ for name in COMMANDS.keys() - TRAININGS)]
_processes.set_forkserver_preload(["probes", *_FILES, "PIL.PngImagePlugin", "PIL.GifImagePlugin"])


class Moment(NamedTuple):
    """When signals arrive: before, or after, the ``call``-th call of a function."""

    function: str  # module:name, or module:class.name
    signals: tuple[int, ...]
    call: int = 1
    after: bool = False


class Result(NamedTuple):
    """How a process ended, and what it printed."""

    status: int
    out: str
    err: str


def start(folder: Path, *arguments, kind="drift", options=None, **surroundings):
    """Start ``gan-jax`` with arguments in a folder or, without arguments, a training of ``small_runs`` into it.

    The surroundings are ``environment`` (variables; None removes one), ``limits`` (of ``resource``), ``close`` (handles
    that the process begins without), ``moment``, and ``prepare``, which is called last.
    """
    job = [*map(str, arguments)], kind, options or {}, surroundings
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


def _run(folder: Path, arguments: list[str], kind: str, options: dict, surroundings: dict[str, Any]) -> None:
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(folder.with_suffix(f".{name}"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
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


def ignore_hangup() -> None:
    """What ``nohup`` does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
