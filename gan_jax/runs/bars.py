"""The progress bar, for all that takes long."""

from typing import Any

from tqdm.auto import tqdm


def progress_bar(total: int, unit: str, *, initial: int = 0, quiet: bool = False, leave: bool = False) -> Any:
    """A tqdm bar on standard error; it is not shown where that is no terminal.

    Args:
      total: where it ends.
      unit: what is counted.
      initial: where it begins.
      quiet: show nothing.
      leave: whether it stays on the screen at the end.
    """
    hidden = True if quiet else None  # None: where standard error is no terminal
    options: dict[str, Any] = {"unit_scale": True, "dynamic_ncols": True, "leave": leave, "disable": hidden}
    return tqdm(total=total, initial=initial, unit=unit, **options)


def show_part(bar: Any, name: str) -> None:
    """Move a bar of parts on to the next one, which begins now."""
    bar.set_description_str(name, refresh=False)
    bar.update()
    bar.refresh()
