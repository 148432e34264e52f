"""The machine that figures depend on, and the file that keeps both."""

import dataclasses
import datetime
import importlib.metadata
import importlib.util
import json
import platform
from pathlib import Path
from typing import Any

import jax
from timing import thread_count


def write_figures(settings: Any, **figures: Any) -> None:
    """Write figures with the machine and the settings, files by their names, to ``settings.json``, if that is given."""
    if settings.json:
        record = {"machine": machine(), "settings": dataclasses.asdict(settings), **figures}
        settings.json.write_text(json.dumps(record, indent=1, default=shown) + "\n")


def shown(value: Any) -> str:
    """A value of a setting that JSON does not have."""
    return value.name if isinstance(value, Path) else str(value)


def machine() -> dict[str, Any]:
    """The processor, system and versions that the figures depend on."""
    packages = [name for name in ("gan_jax", "jax", "jaxlib", "flax", "torch") if importlib.util.find_spec(name)]
    return {
        "cpu": cpu_name(),
        "threads": thread_count(),
        "device": jax.devices()[0].device_kind,
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in packages},
    }


def describe_machine() -> str:
    facts = machine()
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"{facts['cpu']}, {facts['threads']} threads; {versions}; {facts['date']}"


def cpu_name() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
