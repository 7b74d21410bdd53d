"""The lock: one YAML file that names every upstream file, its licence, its pin and its cap.

Belongs here: the lock's schema, reading and writing it.
Stays out: opening or fetching the files it names (``fetch``), comparing and refreshing locks
(``lock_changes``).

A lock has a ``name`` (which also selects ``data/expectations/<name>.csv``) and ``sources``. A
source has its provenance, an origin (``kind``: ``local``, ``url``, ``archive``, ``huggingface`` or
``github``) and ``files``. A file's ``input`` says which declared input of the graph it feeds (see
``catalog``); several files may feed one input (title lists do).
"""

from __future__ import annotations

import io
import shutil
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from upath import UPath

from aina_assets.contracts.errors import LockError
from aina_assets.contracts.vocabulary import AllowedUse, RuntimeEligibility, SourceClass
from aina_assets.warehouse.files import write_atomically

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
CommitSha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]
Repository = Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*/\w[\w.-]*$")]

FORBIDDEN_FOLDERS = frozenset({"reference_files", "deliverable_files"})
"""Folders of a Hugging Face dataset that are never downloaded (GDPval's attachments)."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalOrigin(_Strict):
    """Files that are only ever read from disk."""

    kind: Literal["local"]

    def describe(self) -> str:
        """The pin, in one line."""
        return "files on disk"


class UrlOrigin(_Strict):
    """Files fetched one by one: ``base_url`` + the file's ``remote_path``."""

    kind: Literal["url"]
    base_url: HttpUrl

    def describe(self) -> str:
        """The pin, in one line."""
        return self.base_url


class ArchiveOrigin(_Strict):
    """Members of one zip archive at ``url``."""

    kind: Literal["archive"]
    url: HttpUrl
    sha256: Sha256 | None = None
    byte_cap: int = Field(gt=0)

    def describe(self) -> str:
        """The pin, in one line."""
        return self.url


class HuggingFaceOrigin(_Strict):
    """Files of a Hugging Face dataset repository at a commit."""

    kind: Literal["huggingface"]
    repository: Repository
    revision: CommitSha

    def describe(self) -> str:
        """The pin, in one line."""
        return f"hf://datasets/{self.repository}@{self.revision}"


class GithubOrigin(_Strict):
    """Files of a public GitHub repository at a commit, fetched raw."""

    kind: Literal["github"]
    repository: Repository
    revision: CommitSha
    base_url: HttpUrl = "https://raw.githubusercontent.com"

    def describe(self) -> str:
        """The pin, in one line."""
        return f"https://github.com/{self.repository}@{self.revision}"


Origin = Annotated[
    LocalOrigin | UrlOrigin | ArchiveOrigin | HuggingFaceOrigin | GithubOrigin,
    Field(discriminator="kind"),
]


class LockedFile(_Strict):
    """One upstream file.

    Attributes:
        input: the declared input it feeds (``catalog.INPUTS``).
        path: where it lies below the cache root, POSIX, relative.
        remote_path: its path at the origin; ``path`` where they are the same.
        sha256: the pinned digest; None in a lock whose file was never had (then it is reported,
            and the first fetch must be accepted with ``aina sources lock``).
        size_bytes: the pinned size.
        byte_cap: refuse anything larger, from metadata, before a byte is fetched.
        compression: how the file is compressed at the origin. It is stored uncompressed, and
            ``sha256``, ``size_bytes`` and ``byte_cap`` speak of the stored bytes.
        required: a required file that cannot be had fails its asset; any other is zero rows and a
            reason.
    """

    input: Name
    path: str
    remote_path: str | None = None
    sha256: Sha256 | None = None
    size_bytes: int | None = Field(default=None, ge=0)
    byte_cap: int = Field(gt=0)
    compression: Literal["gzip"] | None = None
    required: bool = True

    @property
    def at_origin(self) -> str:
        """Its path at the origin."""
        return self.remote_path or self.path

    @model_validator(mode="after")
    def _paths_stay_below_the_root(self) -> LockedFile:
        path = PurePosixPath(self.path)
        if not path.parts or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"path must be relative and stay below the cache root: {self.path!r}")
        remote = PurePosixPath(self.at_origin)
        if remote.is_absolute() or ".." in remote.parts or "\\" in self.at_origin:
            raise ValueError(
                f"remote_path must be relative and stay below its origin: {self.at_origin!r}"
            )
        return self


class Source(_Strict):
    """One publisher's release: provenance, licence, origin and files.

    ``licence`` None means that the publisher declares none: such a source is for internal use only.
    ``byte_cap`` bounds the sum over its files.
    """

    title: str
    publisher: str
    owner: str
    release: str
    source_class: SourceClass
    licence: str | None
    licence_url: str | None
    allowed_use: AllowedUse
    runtime_eligibility: RuntimeEligibility
    attribution: str | None = None
    note: str | None = None
    origin: Origin
    byte_cap: int = Field(gt=0)
    files: tuple[LockedFile, ...]

    @model_validator(mode="after")
    def _no_licence_no_way_out(self) -> Source:
        if self.licence is None and (
            self.allowed_use is not AllowedUse.INTERNAL_ONLY
            or self.runtime_eligibility is RuntimeEligibility.ELIGIBLE
        ):
            raise ValueError(
                "a source with no licence is for internal use only: set allowed_use to"
                " internal_only and runtime_eligibility to internal_only or not_eligible"
            )
        return self

    @model_validator(mode="after")
    def _no_forbidden_folder(self) -> Source:
        if isinstance(self.origin, HuggingFaceOrigin):
            for file in self.files:
                forbidden = FORBIDDEN_FOLDERS.intersection(PurePosixPath(file.at_origin).parts)
                if forbidden:
                    raise ValueError(
                        f"{sorted(forbidden)[0]}/ is never downloaded: {file.at_origin!r}"
                    )
        return self


class SourcesLock(_Strict):
    """A whole lock. Source names are keys; every path occurs once, and none is hidden."""

    version: Literal[1] = 1
    name: Name
    note: str | None = None
    sources: dict[Name, Source]

    @model_validator(mode="after")
    def _paths_are_unique_and_visible(self) -> SourcesLock:
        seen: set[str] = set()
        for source in self.sources.values():
            for file in source.files:
                if file.path in seen:
                    raise ValueError(f"path named twice: {file.path!r}")
                if file.path.startswith("."):
                    raise ValueError(f"hidden names are fetching's own: {file.path!r}")
                seen.add(file.path)
        return self

    def files_for(self, input_name: str) -> list[tuple[str, Source, LockedFile]]:
        """``(source name, source, file)`` of every file that feeds ``input_name``, by path."""
        found = [
            (source_name, source, file)
            for source_name, source in self.sources.items()
            for file in source.files
            if file.input == input_name
        ]
        return sorted(found, key=lambda entry: entry[2].path)


def read_lock(path: Path) -> SourcesLock:
    """The lock at ``path``.

    Raises:
        LockError: the file is missing, is not YAML, or breaks the schema.
    """
    remedy = "compare with data/sample/sources.lock.yaml, or write one with `aina sources lock`"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LockError(
            expected="a readable lock file", found=str(error), where=str(path), remedy=remedy
        ) from error
    except yaml.YAMLError as error:
        raise LockError(
            expected="YAML", found=" ".join(str(error).split()), where=str(path), remedy=remedy
        ) from error
    try:
        return SourcesLock.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise LockError(
            expected="a lock that follows the schema",
            found=f"{error.error_count()} problem(s), the first at {place}: {first['msg']}",
            where=str(path),
            remedy=remedy,
        ) from error


def dump_lock(lock: SourcesLock) -> str:
    """``lock`` as YAML text, keys in schema order, defaults left out."""
    document = {"version": lock.version, **lock.model_dump(mode="json", exclude_defaults=True)}
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return text


def write_lock(lock: SourcesLock, path: Path) -> None:
    """Write ``lock`` to ``path``, atomically; the comment on top of an existing file stays.

    Raises:
        OSError: the disk is full or failing. ``path`` is then as it was before.
    """
    old = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    header = "".join(takewhile(lambda line: line.startswith("#"), old))
    content = io.BytesIO((header + dump_lock(lock)).encode())
    write_atomically(UPath(path), partial(shutil.copyfileobj, content))
