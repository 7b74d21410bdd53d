"""Reports: files that people read, rendered from tables and receipts only.

Belongs here: the template environment, formats of numbers, writing a report's files and telling
them apart by digest. Stays out: what any report says, charts (``charts``), Dagster
(``report_assets``).

A report is rendered from one JSON document: what a page shows is in the document, nothing else. The
bytes depend on the inputs alone; no clock, no machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upath import UPath

from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.files import TEMPORARY_PREFIX, write_atomically

if TYPE_CHECKING:
    from jinja2 import Environment

REPORTS = "reports"
TEMPLATES = Path(__file__).parent / "templates"
WRITTEN = "written"
"""Status of a report's file in its record: made here, not read from a source."""


def environment(templates: Path) -> Environment:
    """Jinja2 over ``templates`` and the shared layout, with HTML escaped and nothing undefined.

    Filters: ``count`` (12,345), ``pct`` (12.3%, of a percentage), ``share`` (0.968).
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=FileSystemLoader([templates, TEMPLATES]),
        autoescape=select_autoescape(("html.j2",), ("md.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"count": count_text, "pct": percent_text, "share": share_text, "cell": _cell}
    return made


def count_text(value: int) -> str:
    """12345 as ``12,345``."""
    return f"{value:,}"


def percent_text(value: float | None) -> str:
    """A percentage with one decimal, ``12.3%``; a dash for none."""
    return "–" if value is None else f"{value:.1f}%"  # noqa: RUF001 - a dash for people


def share_text(value: float | None) -> str:
    """A share with three decimals, ``0.968``; a dash for none."""
    return "–" if value is None else f"{value:.3f}"  # noqa: RUF001 - a dash for people


def _cell(value: object) -> str:
    """Text for a cell of a Markdown table."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def percentage(part: int, whole: int) -> float | None:
    """``part`` of ``whole`` in percent, one decimal; None of nothing."""
    return round(100 * part / whole, 1) if whole else None


def json_bytes(document: object) -> bytes:
    """``document`` as indented JSON."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def jsonl_bytes(lines: Iterable[object]) -> bytes:
    """``lines`` as JSON, one a line."""
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def digest_of_files(files: Mapping[str, bytes]) -> str:
    """sha256 over names and contents, whatever their order."""
    return digest_of_json(
        {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    )


def digest_of_templates(templates: Path) -> str:
    """Digest of every template that a report of ``templates`` may use."""
    paths = [*sorted(templates.glob("*.j2")), *sorted(TEMPLATES.glob("*.j2"))]
    return digest_of_files({path.name: path.read_bytes() for path in paths})


def write_report(root: UPath, name: str, files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Write ``files`` to ``reports/<name>/`` below ``root``, each atomically; others are removed.

    Returns:
        One entry a file, for the report's record: path below ``root``, digest, size.

    Raises:
        OSError: the disk is full or failing; each file is either the old or the new one.
    """
    folder = root / REPORTS / name
    entries = []
    for file_name, content in sorted(files.items()):
        path = folder / file_name
        write_atomically(path, _writer(content))
        entries.append(
            {
                "path": f"{REPORTS}/{name}/{file_name}",
                "status": WRITTEN,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_bytes": len(content),
            }
        )
    for path in folder.iterdir():
        if path.name not in files and not path.name.startswith(TEMPORARY_PREFIX):
            path.unlink()
    return entries


def _writer(content: bytes) -> Any:
    return lambda stream: stream.write(content)


# ------------------------------------------------------------------------------- what a page loads

_LOADING = {"src", "srcset", "poster", "data", "background", "action", "formaction", "ping"}
_LINKING = {"link", "base", "use", "image", "iframe", "script", "object", "embed"}


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            loads = name in _LOADING or (name in ("href", "xlink:href") and tag in _LINKING)
            if loads and value and not value.startswith(("#", "data:")):
                self.found.append(value)
            elif name == "style" and value:
                self._css(value)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._css(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self._in_style = False

    def _css(self, text: str) -> None:
        lowered = text.lower()
        if "@import" in lowered:
            self.found.append("@import")
        self.found += [
            item
            for item in lowered.split("url(")[1:]
            if not item.lstrip("'\"").startswith(("#", "data:"))
        ]


def loads_from_elsewhere(page: bytes) -> list[str]:
    """What the HTML ``page`` would load that is not in it; links that people follow are none."""
    reader = _Loads()
    reader.feed(page.decode())
    return reader.found
