"""Several processes that train one run: they start together, agree at every pause, and end together."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from gan_jax.errors import DivergedError, InputError
from gan_jax.setting_groups import DeviceConfig

LOST_AFTER_SECONDS = 30  # without a heartbeat, until a process counts as dead
LOST = 3  # the exit status of a process that has lost another

Result = TypeVar("Result")


def connect(settings: DeviceConfig) -> None:
    """Join the other processes, if there are any; to be called before JAX is used.

    Raises:
      InputError: the coordinator's flags are incomplete, or the others do not answer.
    """
    given = [settings.coordinator, settings.num_processes, settings.process_id]
    alone = not settings.distributed and all(value is None for value in given)
    if alone or jax.distributed.is_initialized():
        return
    if any((value is None) != settings.distributed for value in given):
        raise InputError("--coordinator, --num-processes and --process-id go together; or give --distributed alone.")
    host, _, port = (settings.coordinator or "detected:1").rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) < 2**16:
        raise InputError(f"coordinator is {settings.coordinator!r}; it must be host:port, such as 10.0.0.1:1234.")
    options: dict[str, Any] = {}
    if not settings.distributed:
        options = dict(zip(("coordinator_address", "num_processes", "process_id"), given, strict=True))
        options["cluster_detection_method"] = "deactivate"
    try:
        jax.distributed.initialize(**options, heartbeat_timeout_seconds=LOST_AFTER_SECONDS, initialization_timeout=120)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the processes cannot be joined ({reason}); give --coordinator and the rest.") from None


def is_main() -> bool:
    """Whether this process prints, draws and writes."""
    return jax.process_index() == 0


def any_process(number: int) -> int:
    """The largest of the processes' numbers; all processes call it together."""
    if jax.process_count() == 1:
        return number
    return int(np.max(multihost_utils.process_allgather(np.int32(number))))


def on_main(action: Callable[[], Result]) -> Result | None:
    """Do something on the main process while the others wait; if it fails there, every process ends.

    Returns:
      What it gave; None on the other processes.

    Raises:
      InputError: on the other processes, if it failed; the main process raises what happened.
    """
    failed: BaseException | None = None
    result: Result | None = None
    if is_main():
        try:
            result = action()
        except Exception as error:
            failed = error
    if any_process(int(failed is not None)) and failed is None:
        raise InputError("process 0 cannot continue; its own message says why.")
    if failed:
        raise failed
    return result


@contextmanager
def leave_together() -> Generator[None]:
    """Wait for the others at the end; if one is lost on the way, end with a line and status ``LOST``."""
    if jax.process_count() == 1:
        yield
        return
    try:
        yield
        multihost_utils.sync_global_devices("end")
    except (InputError, DivergedError, OSError):
        raise
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:160]
        print(f"error: another process was lost ({reason}); start all processes again with --resume.", file=sys.stderr)
        sys.stderr.flush()
        os._exit(LOST)  # a normal exit would wait for the lost process
