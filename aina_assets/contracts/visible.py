"""Text that shows itself: what a terminal or a reader would obey, written out instead.

Belongs here: making text of others fit to print. Stays out: any notion of a terminal.
"""

from __future__ import annotations


def visible(text: str) -> str:
    r"""``text`` with an escape for whatever acts instead of showing.

    Control characters, marks that turn the direction of writing and invisible ones come out as
    JSON may write them (``\u001b``); line breaks and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else _escape(letter) for letter in text
    )


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
