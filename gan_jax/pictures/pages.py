"""A page of HTML in one file: texts, tables and pictures in, text out."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1c1c1c; --soft: #5c5c5c; --line: #d5d5d0; --code: #eee; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #17181a; --text: #ececec; --soft: #a9a9a9; --line: #3d3f43; --code: #2a2b2e; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
body { overflow-wrap: break-word; background: var(--ground); color: var(--text); }
img { max-width: 100%; background: white; }
figure { margin: 1rem 0; }
figcaption { font-size: 0.9rem; color: var(--soft); }
table { border-collapse: collapse; font-size: 0.9rem; display: block; overflow-x: auto; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
td:nth-child(2):last-child { overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 0.8rem; background: var(--code); }
"""
_TYPES = {".png": "image/png", ".gif": "image/gif"}


def render_page(title: str, sections: Mapping[str, Sequence[str]]) -> str:
    """A page that needs nothing but itself.

    Args:
      title: of the page.
      sections: headings, and what stands below each: pieces that the functions here make. Those without pieces are
        left out.

    Returns:
      HTML.
    """
    body = "\n".join(
        f"<h2>{html.escape(heading)}</h2>\n" + "\n".join(pieces) for heading, pieces in sections.items() if pieces
    )
    name = html.escape(title)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{name}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def paragraph(text: str) -> str:
    """A paragraph.

    Examples:
      >>> paragraph("a < b")
      '<p>a &lt; b</p>'
    """
    return f"<p>{html.escape(text)}</p>"


def code(text: str) -> str:
    """Text as it is, such as a command."""
    return f"<pre>{html.escape(text)}</pre>"


def folded(summary: str, piece: str) -> str:
    """A piece that is shown when one asks for it."""
    return f"<details><summary>{html.escape(summary)}</summary>{piece}</details>"


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column has names, the others numbers."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(heading, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def picture(path: Path, caption: str) -> list[str]:
    """A PNG or GIF with a caption, as one piece; none if the file is not there."""
    if not path.is_file():
        return []
    data = base64.b64encode(path.read_bytes()).decode()
    described = html.escape(caption)
    source = f"data:{_TYPES[path.suffix]};base64,{data}"
    return [f'<figure><img src="{source}" alt="{described}"><figcaption>{described}</figcaption></figure>']
