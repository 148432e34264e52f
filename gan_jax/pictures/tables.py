"""Numbers as markdown tables."""

from collections.abc import Sequence


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
