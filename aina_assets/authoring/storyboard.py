"""Reading an applet's storyboard: texts, tables, notes and shapes of each slide of a PPTX.

Belongs here: the extract, and refusing files that are no storyboard or would eat the machine.
Pictures are counted and named by their alternative text; what they show is not read. Stays out:
what the storyboard means (``extract_applet_summary``).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.exc import PythonPptxError

from aina_assets.authoring.contracts import Document
from aina_assets.authoring.phrases import cut
from aina_assets.contracts.errors import SourceFormatError, SourceOverCap

MAX_BYTES = 50_000_000
MAX_UNPACKED_BYTES = 300_000_000
MAX_XML_BYTES = 30_000_000
MAX_PARTS = 5_000
MAX_SLIDES = 300
_MAX_TEXT, _MAX_DEPTH = 2_000, 20


def read_storyboard(content: bytes, where: str) -> Document:
    """``storyboard_extract`` of a PPTX: each slide's title, texts, tables, notes and shapes.

    Slides, and what stands on one, keep the order of the file; what is in a group stands where the
    group does. A slide with nothing on it is one of empty lists. A picture is its alternative text,
    empty where it has none.

    Args:
        content: the file.
        where: its name, for errors.

    Raises:
        SourceOverCap: it, or what is packed in it, is larger than a storyboard can be.
        SourceFormatError: it is no PPTX, it is damaged, or it has no slide.
    """
    if len(content) > MAX_BYTES:
        raise _over(f"at most {MAX_BYTES} bytes", f"{len(content)}", where)
    _require_bounded(content, where)
    try:
        slides = list(Presentation(io.BytesIO(content)).slides)
        if not slides:
            raise _strange("at least one slide", "none", where)
        if len(slides) > MAX_SLIDES:
            raise _over(f"at most {MAX_SLIDES} slides", f"{len(slides)}", where)
        return {"slides": [_slide(number, slide) for number, slide in enumerate(slides, 1)]}
    except (
        PythonPptxError,
        SyntaxError,  # what the XML parser raises
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        AttributeError,
        TypeError,
        IndexError,
        NotImplementedError,
        OSError,
        RecursionError,
    ) as error:
        if isinstance(error, SourceFormatError | SourceOverCap):
            raise
        found = f"{type(error).__name__}: {error}"[:300]
        raise _strange("a PPTX that can be read", found, where) from error


def _require_bounded(content: bytes, where: str) -> None:
    """Pass where what is packed is no larger than a storyboard, by the archive's own list."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise _over(f"at most {MAX_PARTS} parts", f"{len(parts)}", where)
            total = 0
            for part in parts:
                is_xml = part.filename.lower().endswith((".xml", ".rels"))
                if is_xml and part.file_size > MAX_XML_BYTES:
                    raise _over(
                        f"at most {MAX_XML_BYTES} bytes of XML in a part",
                        f"{part.file_size} in {part.filename[:80]}",
                        where,
                    )
                total += part.file_size
            if total > MAX_UNPACKED_BYTES:
                raise _over(f"at most {MAX_UNPACKED_BYTES} bytes unpacked", f"{total}", where)
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels")):
                    _require_no_entities(archive, part, where)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        if isinstance(error, SourceFormatError | SourceOverCap):
            raise
        raise _strange("a PPTX, which is a ZIP archive", str(error)[:200], where) from error


def _require_no_entities(archive: zipfile.ZipFile, part: zipfile.ZipInfo, where: str) -> None:
    # A document type is not part of the format; entities within one can grow without end.
    with archive.open(part) as stream:
        head = stream.read(4_096)
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise _strange("XML without a document type", f"one in {part.filename[:80]}", where)


def _slide(number: int, slide: Any) -> Document:
    title = slide.shapes.title
    said = title.text_frame.text.strip() if title is not None else ""
    own = title.shape_id if title is not None else None
    texts, shapes, places = [], [], []
    tables: list[list[list[str]]] = []
    pictures: list[str] = []
    for shape in _shapes(slide.shapes):
        text = shape.text_frame.text.strip() if shape.has_text_frame else ""
        if shape.shape_id == own:
            continue
        if text:
            texts.append(cut(text, _MAX_TEXT))
        if getattr(shape, "has_table", False):
            tables.append(
                [
                    [cut(cell.text.strip(), _MAX_TEXT) for cell in row.cells]
                    for row in shape.table.rows
                ]
            )
        if shape.shape_type == MSO_SHAPE_TYPE.PICTURE or hasattr(shape, "image"):
            pictures.append(cut(shape._element._nvXxPr.cNvPr.get("descr", "").strip(), _MAX_TEXT))
        shapes.append(shape.name)
        places.append({"name": shape.name, "left": shape.left, "top": shape.top})
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    return {
        "slide_no": number,
        "title": cut(said or (texts[0] if texts else ""), _MAX_TEXT),
        "texts": texts,
        "tables": tables,
        "pictures": pictures,
        "notes": [cut(notes.text.strip(), _MAX_TEXT)]
        if notes is not None and notes.text.strip()
        else [],
        "shapes": shapes,
        "positions": places,
    }


def _shapes(shapes: Any, depth: int = 0) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < _MAX_DEPTH:
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape


def _over(expected: str, found: str, where: str) -> SourceOverCap:
    return SourceOverCap(
        expected=expected, found=found, where=where, remedy="hand in the storyboard alone"
    )


def _strange(expected: str, found: str, where: str) -> SourceFormatError:
    return SourceFormatError(
        expected=expected, found=found, where=where, remedy="export the storyboard as PPTX again"
    )
