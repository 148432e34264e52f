"""Prepares pages for the site: links to files of the repository, and formulas."""

import html
import posixpath
import re
from pathlib import Path
from typing import Any

import latex2mathml.converter

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(((?:\.\./)+[^)#]*)(#[^)]*)?\)")
_FORMULA = re.compile(r'<(span|div) class="arithmatex">(?:\\\(|\\\[)(.*?)(?:\\\)|\\\])</\1>', re.DOTALL)


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Let links that leave ``docs`` lead to the repository."""

    def rewritten(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), match[1]))
        if target.startswith("docs/") and not target.startswith("docs/results"):
            return match[0]
        if not (ROOT / target).exists():
            raise FileNotFoundError(f"{page.file.src_uri} links to {target}, which does not exist.")
        return f"]({config.repo_url}/blob/main/{target}{match[2] or ''})"

    return _LINK.sub(rewritten, markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Turn formulas into MathML, which browsers draw without a script."""
    return _FORMULA.sub(lambda match: latex2mathml.converter.convert(html.unescape(match[2])), content)
