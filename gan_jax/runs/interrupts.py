"""Stopping a training by a signal, at a pause where everything can be saved."""

import contextlib
import os
import signal
import sys
import threading
from types import TracebackType
from typing import Any, Self

from gan_jax.errors import StoppedError

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class StopRequest:
    """A context that takes SIGINT (Ctrl-C), SIGTERM and SIGHUP as a request; a second one ends the process at once.

    Under ``nohup``, SIGHUP stays ignored. Python lets the main thread alone handle signals; in another there are none.
    """

    def __init__(self) -> None:
        self._signal = 0

    def __enter__(self) -> Self:
        is_main = threading.current_thread() is threading.main_thread()
        taken = [number for number in SIGNALS if is_main and not _is_ignored_hangup(number)]
        self._handlers = {number: signal.signal(number, self._request) for number in taken}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def is_set(self) -> bool:
        """Whether any process was asked to stop; all processes ask at the same pauses."""
        from gan_jax.runs.processes import any_process  # and with it JAX, which gan-jax --help does without

        agreed = any_process(self._signal)
        if agreed:  # a signal that came meanwhile, or in another process, is kept
            self._signal = agreed
        return bool(agreed)

    def raise_if_set(self) -> None:
        """End the program with the signal's status.

        Raises:
          StoppedError: there was a signal.
        """
        if self._signal:
            raise StoppedError(signal.Signals(self._signal).name, 128 + self._signal)

    def _request(self, signum: int, frame: Any) -> None:
        self._signal = signum
        for number in self._handlers:
            signal.signal(number, signal.SIG_DFL)
        _write_at_once("Stopping at the next pause, with a checkpoint. Send the signal again to stop at once.")


def _write_at_once(text: str) -> None:
    """Print from within a signal handler, past the stream, which may be in the middle of another line."""
    with contextlib.suppress(OSError, ValueError):
        os.write(sys.stdout.fileno(), f"{text}\n".encode())


def _is_ignored_hangup(number: int) -> bool:
    return signal.Signals(number).name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN
