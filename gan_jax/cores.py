"""The processor cores that this process may use, and XLA's worker threads on them."""

import os
import sys
from typing import Any

from gan_jax.errors import InputError

MAX_THREADS = 1024
_THREADS = "NPROC"  # read by XLA when its CPU client starts


def usable_cores() -> int:
    """How many cores the process may use, at least 1; ``taskset`` or a container may leave it fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_threads() -> int:
    """How many threads XLA's CPU client has or will have: one for each usable core, unless ``NPROC`` says otherwise."""
    given = os.environ.get(_THREADS, "")
    return int(given) if given.isdecimal() and int(given) > 0 else usable_cores()


def fix_threads(count: int) -> bool:
    """Have XLA's CPU client start with so many threads, however many cores there are.

    XLA splits loops and sums among its threads, so their number decides the last bits of a training on a CPU.

    Returns:
      Whether it has, or will have, so many; JAX that is in use already keeps those that it has.
    """
    if worker_threads() == count:
        return True
    if _jax_is_in_use():
        return False
    os.environ[_THREADS] = str(count)
    return True


def require_threads(count: int | None) -> None:
    """``fix_threads``, if a number is given.

    Raises:
      InputError: JAX is in use already, with another number.
    """
    if count is not None and not fix_threads(count):
        raise InputError(
            f"threads is {count}, but JAX is in use already, with {worker_threads()}; start Python with "
            f"{_THREADS}={count} in its environment."
        )


def _jax_is_in_use() -> bool:
    """Whether JAX has started its devices; it then refuses to change how many there are."""
    jax: Any = sys.modules.get("jax")
    if jax is None:
        return False
    name = "jax_num_cpu_devices"
    before = getattr(jax.config, name)
    try:
        jax.config.update(name, before + 2)
    except RuntimeError:
        return True
    jax.config.update(name, before)
    return False
