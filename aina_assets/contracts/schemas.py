"""The contracts that cross a boundary, as JSON Schema: one document a contract and version.

Belongs here: which contracts those are, their documents, and whether the documents that were
written still say what the contracts say. Stays out: the contracts themselves.

What is written under a version stays: readers rely on it. To change a contract, raise its
``schema_version`` and run ``aina schemas``: the new version's document is written beside those of
older versions, which are neither compared nor touched. A contract that holds a changed one changes
with it. Within a version only descriptions may change; one that was never released may be deleted
and written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.learner import (
    CurriculumInputPacket,
    LearnerEvent,
    LearnerProfile,
    PersonalizationDecision,
)
from aina_assets.contracts.practice import EvaluationResult, SandboxScenario
from aina_assets.contracts.review import Decision
from aina_assets.contracts.work import AIAffordancePack, RoleProfile, WorkflowProfile

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Versioned(Protocol):
    """A contract with a version of its own."""

    schema_version: ClassVar[int]

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """Its JSON Schema as pydantic sees it."""
        ...


CONTRACTS: tuple[type[Versioned], ...] = (
    LearnerProfile,
    RoleProfile,
    WorkflowProfile,
    AIAffordancePack,
    CurriculumInputPacket,
    PersonalizationDecision,
    LearnerEvent,
    SandboxScenario,
    EvaluationResult,
    Decision,
)
"""What other systems may read or write."""


def schema_of(contract: type[Versioned]) -> dict[str, Any]:
    """The JSON Schema of ``contract``, with its name and version as ``$id``."""
    return {
        **contract.model_json_schema(),
        "$id": f"{contract.__name__}.v{contract.schema_version}",
        "$schema": DIALECT,
    }


def file_name(contract: type[Versioned]) -> str:
    """Where the document lies in its folder: ``learner_profile.v1.json``."""
    name = _WORD_START.sub("_", contract.__name__).lower()
    return f"{name}.v{contract.schema_version}.json"


def document_of(contract: type[Versioned]) -> str:
    """The document, as it is written."""
    text = json.dumps(schema_of(contract), sort_keys=True, indent=2, ensure_ascii=False)
    return f"{text}\n"


def write(folder: Path, contracts: Sequence[type[Versioned]] = CONTRACTS) -> None:
    """Write the document of each contract's version into ``folder``.

    Raises:
        AinaError: a version was written before and said something else; nothing is written.
    """
    broken = [contract for contract in contracts if _changes(folder, contract)]
    if broken:
        raise AinaError(
            expected="contracts that say what was written under their version, or a new version",
            found="; ".join(_broken(folder, contract) for contract in broken),
            where=", ".join(str(folder / file_name(contract)) for contract in broken),
            remedy="; ".join(_remedy(contract) for contract in broken),
        )
    folder.mkdir(parents=True, exist_ok=True)
    for contract in contracts:
        (folder / file_name(contract)).write_text(document_of(contract), encoding="utf-8")


def differences(folder: Path, contracts: Sequence[type[Versioned]] = CONTRACTS) -> list[str]:
    """What of ``folder`` is not as the contracts say, with what to do; empty where all is."""
    return [found for contract in contracts if (found := _difference(folder, contract))]


def _difference(folder: Path, contract: type[Versioned]) -> str | None:
    file = folder / file_name(contract)
    if not file.exists():
        return f"{file} is missing: run `aina schemas`"
    if _changes(folder, contract):
        return f"{file}: {_broken(folder, contract)}. {_remedy(contract)}"
    if file.read_bytes() != document_of(contract).encode():
        return f"{file} is behind in its descriptions: run `aina schemas`"
    return None


def _broken(folder: Path, contract: type[Versioned]) -> str:
    return (
        f"{contract.__name__} is not what was written as version {contract.schema_version}"
        f" ({', '.join(_changes(folder, contract))})"
    )


def _remedy(contract: type[Versioned]) -> str:
    return (
        f"Raise {contract.__name__}.schema_version to {contract.schema_version + 1}, run"
        f" `aina schemas`, and keep {file_name(contract)} as it is for those who read it; if that"
        " file was edited, restore it"
    )


def _changes(folder: Path, contract: type[Versioned]) -> list[str]:
    """Names of what differs from the document written under the same version."""
    file = folder / file_name(contract)
    if not file.exists():
        return []
    try:
        before = _shape(json.loads(file.read_text(encoding="utf-8")))
    except ValueError:
        return ["not JSON"]
    after = _shape(schema_of(contract))
    return [] if before == after else sorted(set(_differing(before, after)))


def _shape(schema: Any) -> Any:
    """A schema without its descriptions, and with required fields in no order."""
    if isinstance(schema, list):
        return [_shape(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: sorted(value) if key == "required" and isinstance(value, list) else _shape(value)
        for key, value in schema.items()
        # A description is text; a field that is called so is a schema.
        if not (key == "description" and isinstance(value, str))
    }


def _differing(before: Any, after: Any) -> Iterator[str]:
    """Names of the fields and inner contracts that differ, or of the keywords beside them."""
    if not isinstance(before, dict):
        yield "not an object"
        return
    for key in {*before, *after}:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key in ("properties", "$defs") and isinstance(old, dict) and isinstance(new, dict):
            yield from (name for name in {*old, *new} if old.get(name) != new.get(name))
        else:
            yield key
