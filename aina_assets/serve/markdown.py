"""Authored Markdown as HTML that cannot do anything.

Belongs here: lessons and exercises, whose authors are trusted with words and nothing else: no HTML,
no pictures, no links but to the web. Stays out: a learner's text, which is never rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

KEPT_TEXTS = 1024
_TOP_HEADING = 3
"""Headings within a text begin here: a page's own are above."""

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


@lru_cache(KEPT_TEXTS)
def rendered(text: str) -> Markup:
    """``text`` as HTML."""
    tokens = _MARKDOWN.parse(text)
    _lower_headings(tokens)
    _open_links_apart(tokens)
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # A wide table is scrolled in its own box, with the keyboard too.
    box = '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>'
    html = html.replace("<table>", box).replace("</table>", "</table></div>")
    return Markup(html)  # noqa: S704 - markdown-it escapes text, and HTML is off


def _lower_headings(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + _TOP_HEADING - 1)}"


def _open_links_apart(tokens: Sequence[Token]) -> None:
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "noreferrer noopener")
