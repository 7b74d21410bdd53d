"""The knowledge base and the requests: their files as tables, and the tables as skills need them.

Belongs here: letting the files in, with the line of each fault, and putting rows back into the
fields of the files. Stays out: which rows a request needs (``joining``), what research adds
(``loopback``). Only the bundled sample has such files; other locks name none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Self, TypeVar

import pyarrow as pa
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    create_model,
    model_validator,
)

from aina_assets.authoring.contracts import Document, canonical
from aina_assets.authoring.joining import KnowledgeBase
from aina_assets.authoring.knowledge_tables import KB_TABLES, OTHER_FORMS, AuthoringRequests
from aina_assets.authoring.yaml_files import fields_of, text_of, valid
from aina_assets.contracts.errors import AuthoredDocumentError, SourceFormatError
from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.warehouse.tables import Table, arrow_schema, columns_of, table_name

_REMEDY = "mend these lines, then `aina sources lock`; docs/authoring.md says what each file holds"
_PROVENANCE = ("source_row", "source_class", "allowed_use")

Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_KINDS: Mapping[pa.DataType, Any] = {
    pa.string(): Words,
    pa.int64(): Number,
    pa.list_(pa.string()): list[Words],
    pa.list_(pa.int64()): list[Number],
    OTHER_FORMS: dict[Words, Words],
}


class Said(BaseModel):
    """Base of what a file says: nothing is converted, and nothing beside what is declared."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


# ------------------------------------------------------------------------------ the knowledge base


def kb_table(name: str) -> Callable[[SourceFiles], pa.Table]:
    """What makes table ``name`` of the knowledge base out of its files.

    The function raises SourceFormatError where a file is not as the table's model is.
    """
    model = KB_TABLES[name]
    schema = arrow_schema(model)
    formed = [field.name for field in schema if field.type == OTHER_FORMS]

    def rows_of(files: SourceFiles) -> pa.Table:
        rows = []
        for file in files.files:
            found = _said(file, _file_model(name))
            for number, row in enumerate(getattr(found, name), start=1):
                said = row.model_dump(by_alias=True)
                for field in formed:
                    said[field] = [{"where": k, "form": v} for k, v in said[field].items()]
                rows.append({**said, "source_row": number, **_provenance(file)})
        return pa.Table.from_pylist(rows, schema=schema)

    return rows_of


def knowledge_of(tables: Mapping[str, pa.Table]) -> KnowledgeBase:
    """The knowledge base of the tables ``kb_*``: rows with the fields of the files.

    Args:
        tables: by the name they are stored under; one that is not there has no rows.
    """
    return KnowledgeBase.of(
        {
            name: [_as_said(row) for row in tables[stored].to_pylist()]
            for name, model in KB_TABLES.items()
            if (stored := table_name(model)) in tables
        }
    )


def _as_said(row: Mapping[str, Any]) -> Document:
    said = {key: value for key, value in row.items() if key not in _PROVENANCE}
    if "other_forms" in said:
        said["other_forms"] = {one["where"]: one["form"] for one in said["other_forms"]}
    return said


@cache
def _file_model(name: str) -> type[BaseModel]:
    """The file of table ``name``: its rows under its name, each with the table's columns."""
    model: type[Table] = KB_TABLES[name]
    columns = columns_of(model)
    fields: dict[str, Any] = {
        field.name: (_KINDS[field.type] | None, None)
        if columns[field.name].nullable
        else (_KINDS[field.type], ...)
        for field in arrow_schema(model)
        if field.name not in _PROVENANCE
    }
    row = create_model(f"row of {name}", __base__=Said, **fields)
    whole: Any = {name: (list[row], ...)}
    made: type[BaseModel] = create_model(f"file of {name}", __base__=Said, **whole)
    return made


# -------------------------------------------------------------------------------------- requests


class Curriculum(Said):
    """A curriculum by id and name."""

    id: Words
    name: Words


class Curricula(Said):
    """The curriculum that a chapter is written for, and those beside it."""

    target: Curriculum
    sisters: list[Curriculum] = []


class Scope(Said):
    """What the chapter is about and what not; ``denominators``, for a chapter on fractions."""

    includes: list[Words]
    excludes: list[Words] = []
    denominators: dict[Words, Number] | None = None


class Passage(Said):
    """A passage of the textbook, by its reference in the knowledge base."""

    textbook_ref_id: Words


class Textbook(Said):
    """The textbook that students have, and its passages on the chapter."""

    title: Words
    publisher: Words | None = None
    chapters: Annotated[list[Passage], Field(min_length=1)]


class Wanted(Said):
    """Least and most modules."""

    min: Annotated[int, Field(ge=1, le=1_000)]
    max: Annotated[int, Field(ge=1, le=1_000)]

    @model_validator(mode="after")
    def _least_is_not_above_most(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        return self


class Neighbours(Said):
    """Modules of the knowledge base before and after the chapter."""

    before: list[Words] = []
    after: list[Words] = []


class Language(Said):
    """The language of the content, and one that many students speak at home."""

    delivery_language: Words
    second_language: Words | None = None
    style: Annotated[Words | None, Field(alias="register")] = None


class ChapterRequest(Said):
    """A request for one chapter, as a file of ``authoring_requests`` says it.

    Attributes:
        audience: who will learn with it, in fields of the sender's choice.
        feedback: what was said about an earlier attempt.
    """

    chapter_id: Annotated[Words, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    chapter_title: Words
    grade: Annotated[int, Field(ge=0, le=20)]
    subject: Words
    strand: Words
    curricula: Curricula
    scope: Scope
    textbook: Textbook
    modules_wanted: Wanted
    applets_wanted: Annotated[int, Field(ge=0, le=1_000)]
    lesson_minutes: Annotated[int, Field(ge=1, le=1_000)]
    neighbours: Neighbours = Neighbours()
    language: Language
    audience: dict[Words, JsonValue] = {}
    constraints: list[Words] = []
    feedback: Words | None = None


def authoring_requests(authoring_requests: SourceFiles) -> pa.Table:
    """Rows of ``AuthoringRequests``; ``document`` is the file as written, without defaults.

    Raises:
        SourceFormatError: a file is not a ``ChapterRequest``.
    """
    rows = []
    for file in authoring_requests.files:
        request = _said(file, ChapterRequest)
        said = request.model_dump(by_alias=True, exclude_unset=True)
        rows.append(
            {
                "chapter_id": request.chapter_id,
                "chapter_title": request.chapter_title,
                "grade": request.grade,
                "target_curriculum": request.curricula.target.id,
                "document": canonical(said),
                "request_file": file.path,
                "source_row": 1,
                **_provenance(file),
            }
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(AuthoringRequests))


def requests_of(table: pa.Table) -> dict[str, Document]:
    """Requests of ``authoring_requests`` by chapter."""
    return {row["chapter_id"]: json.loads(row["document"]) for row in table.to_pylist()}


# --------------------------------------------------------------------------------------- reading


_Model = TypeVar("_Model", bound=BaseModel)


def _said(file: SourceFile, model: type[_Model]) -> _Model:
    path = file.verified_path()
    try:
        lines, said = fields_of(path, text_of(path))
        return valid(model, lines, said)
    except AuthoredDocumentError as error:
        raise SourceFormatError(
            expected=error.expected,
            found=error.found,
            where=f"{error.where} ({file.path} of {file.source} {file.release})",
            remedy=_REMEDY,
        ) from error


def _provenance(file: SourceFile) -> dict[str, str]:
    return {"source_class": str(file.source_class), "allowed_use": str(file.allowed_use)}
