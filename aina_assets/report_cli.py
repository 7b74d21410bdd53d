"""`aina report`: open a report that the last build made.

Belongs here: finding the page, and handing it to a browser. Stays out: what any report says.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from aina_assets.contracts.errors import AinaError
from aina_assets.terminal import errors_to_exit, out, safe

INDEX = "report_index"
INDEX_PAGE = "index.html"


def report(
    name: Annotated[str, typer.Argument(help="Report; the index of all if not given.")] = INDEX,
    print_path: Annotated[
        bool, typer.Option("--print-path", help="Print where the page is; open nothing.")
    ] = False,
) -> None:
    """Open a report in the browser: the index, or the one named."""
    with errors_to_exit():
        from aina_assets.warehouse.settings import home

        page = page_of(Path(home()).resolve(), name)
        if print_path or not _opened(page):
            typer.echo(str(page))
        else:
            out.print(f"opened {safe(str(page))}", soft_wrap=True)


def page_of(home: Path, name: str) -> Path:
    """The page of report ``name`` in the warehouse at ``home``.

    Raises:
        AinaError: there is no such report, or none at all.
    """
    from aina_assets.warehouse.reports import REPORTS

    folder = home / REPORTS
    pages = {
        path.parent.name: path
        for path in sorted(folder.glob("*/*.html"))
        if path.stem == path.parent.name or path.name == INDEX_PAGE
    }
    if name in pages:
        return pages[name]
    if not pages or name == INDEX:
        raise AinaError(
            expected=f"reports that a build made, {name} among them",
            found=", ".join(pages) or "none",
            where=str(folder),
            remedy="build first: aina build",
        )
    raise AinaError(
        expected=f"one of {', '.join(pages)}",
        found=name,
        where=str(folder),
        remedy="name one of them, or none for the index",
    )


def _opened(page: Path) -> bool:
    try:
        return webbrowser.open(page.as_uri())
    except webbrowser.Error:
        return False
