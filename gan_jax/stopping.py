"""Stopping a training from outside, at a moment when nothing is lost."""

import signal
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from gan_jax.hosts import any_process


class Stopped(Exception):  # noqa: N818 - a request, not an error
    """A signal asked the training to end; all is saved."""

    def __init__(self, signum: int) -> None:
        self.status = 128 + signum
        super().__init__(f"stopped by {signal.Signals(signum).name}")


class StopRequest:
    """A context that notes SIGINT (Ctrl-C) and SIGTERM; a second one ends the process at once."""

    def __init__(self) -> None:
        self._signal = 0

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def heard(self) -> bool:
        """Whether this or, with several, any process was asked to stop; all ask at the same pauses."""
        self._signal = any_process(self._signal)
        return bool(self._signal)

    def raise_if_heard(self) -> None:
        """End the program with the signal's status.

        Raises:
          Stopped: there was a signal.
        """
        if self._signal:
            raise Stopped(self._signal)

    def _note(self, signum: int, frame: Any) -> None:
        self._signal = signum
        for number in self._handlers:
            signal.signal(number, signal.SIG_DFL)
        tqdm.write("Stopping at the next pause, with a checkpoint; once more to stop at once.")
