"""The configuration of authoring as one document: whatever changes in it makes a new version.

Belongs here: the document. Stays out: its parts (``config``) and how they fit (``check``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from aina_assets.authoring.check import faults_of
from aina_assets.authoring.config import Configuration, read
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.warehouse.authored import AuthoredFolder, files_of, require_unchanged
from aina_assets.warehouse.store import Record

_READ: dict[str, Any] = {}
"""The configuration that was read last, by its version."""


class Authoring(Configuration, AuthoredFolder, document="authoring"):
    """Rubrics, domain rules, prompts, contracts and lanes of the content pipeline."""

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The folder as the asset recorded it; read once for every step of the lanes.

        Raises:
            AuthoredDocumentError: it changed since, or is malformed.
        """
        require_unchanged(record, files_of(cls.path()))
        if record.data_version not in _READ:
            _READ.clear()
            _READ[record.data_version] = cls.load()
        found: Self = _READ[record.data_version]
        return found

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The folder at ``path`` (its own place by default), validated.

        Raises:
            AuthoredDocumentError: a file is malformed, or files do not fit each other. Every fault
                is named.
        """
        folder = path or cls.path()
        found = cls.model_validate(read(folder))
        faults = faults_of(found)
        if faults:
            raise AuthoredDocumentError(
                expected="rubrics, rules, prompts, contracts and lanes that fit each other",
                found="; ".join(map(str, faults)),
                where=str(folder / faults[0].file),
                remedy="mend what is named; docs/authoring.md says what hangs together",
            )
        return found
