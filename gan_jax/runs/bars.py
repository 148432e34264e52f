"""The progress bar, for all that takes long."""

from typing import Any

from tqdm.auto import tqdm


def progress_bar(total: int, unit: str, *, quiet: bool = False, **options: Any) -> Any:
    """A bar on standard error; it is not shown where that is no terminal.

    Args:
      total: where it ends.
      unit: what is counted.
      quiet: show nothing.
      options: of tqdm.
    """
    hidden = True if quiet else None  # None: where standard error is no terminal
    return tqdm(total=total, unit=unit, disable=hidden, dynamic_ncols=True, **options)


def show_part(bar: Any, name: str) -> None:
    """Move a bar of parts on to the next one, which begins now."""
    bar.set_description_str(name, refresh=False)
    bar.update()
    bar.refresh()
