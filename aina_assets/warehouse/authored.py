"""Authored documents: policy that people write and review, read by the graph like any other input.

Belongs here: the base of every document's model and the one asset each document has
(``authored/<name>``), so that a changed rule makes stale exactly what stands on it and an auditor
sees which version of a rule decided. Stays out: what any document says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.warehouse.configured import Configured
from aina_assets.warehouse.digests import digest_of_json, sha256_of_file
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Record

AUTHORED_GROUP = "authored"

# The same language; libyaml's parser, where PyYAML was built with it, is ten times as fast.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class AuthoredDocument(BaseModel):
    """A YAML file of ``data/``, named by the class argument ``document`` (without its suffix).

    As the annotation of a table function's argument it makes the document an input of that table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    __document__: ClassVar[str]

    def __init_subclass__(cls, *, document: str = "", **kwargs: Any) -> None:
        if document:
            cls.__document__ = document
        super().__init_subclass__(**kwargs)

    @classmethod
    def path(cls) -> Path:
        """Where the document lies."""
        return AUTHORED / f"{cls.__document__}.yaml"

    @classmethod
    def asset_path(cls, argument: str) -> tuple[str, ...]:  # noqa: ARG003 - one document a class
        """The key of the asset that holds the document."""
        return (AUTHORED_GROUP, cls.__document__)

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The document as the asset recorded it.

        Raises:
            AuthoredDocumentError: it changed since, or is malformed.
        """
        require_unchanged(record, files_of(cls.path()))
        return cls.load()

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The document at ``path`` (its own place by default), validated.

        Raises:
            AuthoredDocumentError: not there, not YAML, or not what the model says.
        """
        place = path or cls.path()
        try:
            text = place.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _malformed(cls, str(place), error) from error
        return cls.parse(text, str(place))

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """The document in ``text``, which lies at ``where``.

        Raises:
            AuthoredDocumentError: not YAML, or not what the model says.
        """
        try:
            return cls.model_validate(yaml.load(text, _SafeLoader))  # noqa: S506 - safe by either name
        except (yaml.YAMLError, ValidationError) as error:
            raise _malformed(cls, where, error) from error


@dataclass(frozen=True)
class AuthoredText:
    """A document as it stands, for those who keep or quote it.

    Attributes:
        document: its name.
        sha256: digest of its bytes.
        content: its text.
    """

    document: str
    sha256: str
    content: str

    @staticmethod
    def asset_path(argument: str) -> tuple[str, ...]:
        """The key of the asset that holds the document named ``argument``."""
        return (AUTHORED_GROUP, argument)

    @classmethod
    def from_record(cls, record: Record) -> AuthoredText:
        """The document as the asset recorded it.

        Raises:
            AuthoredDocumentError: it changed since.
        """
        document = record.asset.rpartition("/")[2]
        (file,) = require_unchanged(record, files_of(AUTHORED / f"{document}.yaml"))
        return cls(document, file.sha256, (AUTHORED / file.path).read_text(encoding="utf-8"))


class AuthoredFolder(AuthoredDocument):
    """A folder of ``data/`` whose Markdown, YAML and JSON files make up one document.

    A subclass reads them in ``load``; whatever changes in any of them makes a new version.
    """

    @classmethod
    def path(cls) -> Path:
        """Where the folder lies."""
        return AUTHORED / cls.__document__


@dataclass(frozen=True)
class AuthoredFile:
    """A file of a document as it is on disk.

    Attributes:
        path: below ``data/``.
        sha256: digest of its bytes.
        size_bytes: how many.
    """

    path: str
    sha256: str
    size_bytes: int


_SUFFIXES = (".md", ".yaml", ".json")


def files_of(path: Path) -> tuple[AuthoredFile, ...]:
    """The file at ``path``, or those of the folder, in order of their paths; none if neither."""
    found = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []
    return tuple(
        AuthoredFile(file.relative_to(AUTHORED).as_posix(), *sha256_of_file(file))
        for file in found
        if file.is_file() and file.suffix in _SUFFIXES
    )


def digest_of_files(files: Sequence[AuthoredFile]) -> str:
    """Digest of a document: of its bytes, or of its files' paths and digests where it is many."""
    if len(files) == 1:
        return files[0].sha256
    return digest_of_json([[file.path, file.sha256] for file in files])


def require_unchanged(record: Record, files: tuple[AuthoredFile, ...]) -> tuple[AuthoredFile, ...]:
    """``files``, if they are what ``record`` says.

    Raises:
        AuthoredDocumentError: they changed since.
    """
    found = digest_of_files(files) if files else "no file"
    if found != record.data_version:
        raise AuthoredDocumentError(
            expected=f"sha256 {record.data_version}, as recorded when the build began",
            found=f"sha256 {found}",
            where=f"data/{record.asset.partition('/')[2]}",
            remedy="build again: the document changed while the build was at work",
        )
    return files


def _malformed(model: type[BaseModel], where: str, error: Exception) -> AuthoredDocumentError:
    return AuthoredDocumentError(
        expected=f"a document as {model.__name__} describes it",
        found=str(error),
        where=where,
        remedy="mend the document; the last good version is in the history",
    )


def configured(name: str) -> Configured:
    """What is now on disk of document ``name``."""
    files = files_of(AUTHORED / f"{name}.yaml") or files_of(AUTHORED / name)
    return Configured(
        version_of(files),
        f"the files of data/{name} changed since it was made",
        {f"data/{file.path}": file.sha256 for file in files},
    )


def version_of(files: Sequence[AuthoredFile]) -> str:
    """The settings version of a document of ``files``."""
    return digest_of_files(files)[:16] if files else "no file"
