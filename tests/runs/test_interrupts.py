"""Signals while a training prints."""

import io
import signal
import sys

from gan_jax.runs.interrupts import StopRequest


class Interrupting(io.RawIOBase):
    """A file that a signal arrives at in the middle of a write."""

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        signal.raise_signal(signal.SIGTERM)
        return len(data)


def test_a_signal_in_the_middle_of_a_line_is_a_request_like_any_other(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Interrupting())))
    with StopRequest() as stop:
        print("a line", flush=True)
        assert stop.is_set()


def test_a_signal_while_the_processes_agree_is_kept_for_the_next_pause(monkeypatch):
    def agree(number):
        signal.raise_signal(signal.SIGTERM)
        return number

    with StopRequest() as stop:
        monkeypatch.setattr("gan_jax.runs.processes.any_process", agree)
        assert not stop.is_set()
        monkeypatch.setattr("gan_jax.runs.processes.any_process", lambda number: number)
        assert stop.is_set()
