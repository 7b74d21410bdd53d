"""What every command prints with: consoles, errors as messages, texts that only show.

Belongs here: what the modules of the command line share. Stays out: any command.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.visible import visible

out = Console()
err = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def safe(text: str) -> str:
    """``text`` for rich to print: no markup in it counts, and nothing a terminal would obey."""
    return escape(visible(text))


@contextmanager
def errors_to_exit() -> Iterator[None]:
    """An error of ours is a message and exit code 2, not a stack trace."""
    try:
        yield
    except AinaError as error:
        show(error)
        raise typer.Exit(2) from error


def show(error: AinaError) -> None:
    """Print ``error``: what it is, where, and what to do."""
    err.print(f"[bold red]{type(error).__name__}[/] {safe(error.where)}")
    for label, text in (
        ("expected", error.expected),
        ("found", error.found),
        ("what to do", error.remedy),
    ):
        err.print(f"  {label:<10} {safe(text)}")
