"""Tables of texts: as markdown for files, and in aligned columns for the screen."""

import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence

_GAP = 2  # spaces between columns
_LEAST = 30  # characters of a wrapped column


def markdown_table(heading: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """A markdown table.

    Args:
      heading: the columns' names.
      rows: as many texts each.
      numbers: whether all columns but the first are aligned to the right.

    Returns:
      Lines without a final newline.

    Examples:
      >>> print(markdown_table(["run", "score"], [["seed 0", "1.5"]]))
      | run | score |
      | --- | ---: |
      | seed 0 | 1.5 |
    """
    rule = ["---", *(["---:" if numbers else "---"] * (len(heading) - 1))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, rule, *rows])


def plain_table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True, width: int | None = None
) -> str:
    """The same in aligned columns.

    Where it is wider than the screen, a table of numbers continues below, each part with the first column again; in
    one of words the last column is wrapped.

    Args:
      heading: the columns' names.
      rows: as many texts each.
      numbers: whether all columns but the first are aligned to the right.
      width: the most characters of a line; by default the terminal's, and any number where there is none.

    Returns:
      Lines without a final newline.

    Examples:
      >>> print(plain_table(["run", "score"], [["seed 0", "1.5"], ["seed 1", "22"]]))
      run     score
      seed 0    1.5
      seed 1     22
    """
    width = width or shutil.get_terminal_size((2**16, 0)).columns
    sizes = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    if not numbers:
        room = width - sum(sizes[:-1]) - _GAP * (len(sizes) - 1)
        lines = [piece for line in (heading, *rows) for piece in _wrapped(line, max(room, _LEAST))]
        return _align(lines, sizes, range(len(sizes)), str.ljust)
    parts: list[list[int]] = [[0]]
    for column in range(1, len(sizes)):
        if len(parts[-1]) > 1 and sum(sizes[place] + _GAP for place in parts[-1]) + sizes[column] > width:
            parts.append([0])
        parts[-1].append(column)
    return "\n\n".join(_align((heading, *rows), sizes, part, str.rjust) for part in parts)


def _align(
    lines: Iterable[Sequence[str]], sizes: Sequence[int], columns: Iterable[int], justify: Callable[[str, int], str]
) -> str:
    def cells(line: Sequence[str]) -> list[str]:
        return [(justify if column else str.ljust)(line[column], sizes[column]) for column in columns]

    return "\n".join((" " * _GAP).join(cells(line)).rstrip() for line in lines)


def _wrapped(line: Sequence[str], room: int) -> list[list[str]]:
    """A line, and those on which its last text continues."""
    *others, last = line
    first, *rest = textwrap.wrap(last, room) or [""]
    return [[*others, first], *([*[""] * len(others), piece] for piece in rest)]
