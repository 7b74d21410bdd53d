"""Documents of the curriculum: the ladder with its modules, and how deep a module must go.

Belongs here: their models, and what must hold across modules. Stays out: reading one module
(``modules``), measuring its depth (``depth``).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from aina_assets.contracts.curriculum import CapabilityLevel, CurriculumModule, Positive
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.work import Contract
from aina_assets.curriculum.links import is_word
from aina_assets.curriculum.modules import read_module, read_yaml
from aina_assets.warehouse.authored import AuthoredDocument, AuthoredFolder

LADDER = "ladder.yaml"


class Curriculum(AuthoredFolder, document="curriculum"):
    """The capability ladder and every module: ``ladder.yaml``, and ``<family>/<module>.md``."""

    levels: Annotated[tuple[CapabilityLevel, ...], Field(min_length=1)]
    modules: tuple[CurriculumModule, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The folder at ``path`` (its own place by default), validated.

        Raises:
            AuthoredDocumentError: a file is malformed, or modules contradict each other. Every
                malformed module is named.
        """
        folder = path or cls.path()
        modules, faults = [], []
        for file in sorted(folder.rglob("*.md")):
            try:
                module = read_module(file)
                _require_place(file, folder, module)
            except AuthoredDocumentError as error:
                faults.append(error)
            else:
                modules.append(module)
        if faults:
            raise AuthoredDocumentError(
                expected=faults[0].expected,
                found="; ".join(f"{fault.where}: {fault.found}" for fault in faults),
                where=faults[0].where,
                remedy=faults[0].remedy,
            )
        levels = _levels(folder / LADDER)
        try:
            return cls.model_validate({"levels": levels, "modules": modules})
        except ValidationError as error:
            raise AuthoredDocumentError(
                expected="a ladder, and modules that fit it and each other",
                found=str(error),
                where=str(folder),
                remedy="mend the modules named, or the ladder",
            ) from error

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        numbers = [level.level for level in self.levels]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"levels count from 1 without a gap, not {numbers}")
        by_id = {module.id: module for module in self.modules}
        twice = sorted(
            name for name, count in Counter(m.id for m in self.modules).items() if count > 1
        )
        if twice:
            raise ValueError(f"modules more than once: {', '.join(twice)}")
        for module in self.modules:
            if module.level > len(numbers):
                raise ValueError(f"{module.id}: level {module.level} of {len(numbers)}")
            for word in module.applies_to.words:
                if not is_word(word):
                    raise ValueError(
                        f"{module.id}: no workflow has {word!r} among its words; name single words"
                    )
            for name in module.requires:
                before = by_id.get(name)
                if before is None:
                    raise ValueError(f"{module.id} requires {name}, which is no module")
                if before.family != module.family or before.level >= module.level:
                    raise ValueError(
                        f"{module.id} (level {module.level}) requires {name} (level"
                        f" {before.level} of {before.family}): only lower levels of its family"
                    )
        return self

    @property
    def by_id(self) -> dict[str, CurriculumModule]:
        """Modules by id."""
        return {module.id: module for module in self.modules}


def _levels(file: Path) -> Any:
    cause: Exception | None = None
    try:
        _, said = read_yaml(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        cause, found = error, " ".join(str(error).split())
    else:
        if isinstance(said, dict) and set(said) == {"levels"}:
            return said["levels"]
        found = ", ".join(map(str, said)) if isinstance(said, dict) else type(said).__name__
    raise AuthoredDocumentError(
        expected="YAML with one field, levels",
        found=found,
        where=str(file),
        remedy="mend the ladder; docs/curriculum.md describes it",
    ) from cause


def _require_place(file: Path, folder: Path, module: CurriculumModule) -> None:
    family = file.parent.name
    if file.parent.parent != folder:
        raise AuthoredDocumentError(
            expected="a module in the folder of its family",
            found=file.relative_to(folder).as_posix(),
            where=str(file),
            remedy=f"move the file to {folder / module.family}",
        )
    if (module.family, module.id) != (family, f"{family}_{file.stem}"):
        raise AuthoredDocumentError(
            expected=f"id {family}_{file.stem} and family {family}, as the file is named",
            found=f"id {module.id} and family {module.family}",
            where=f"{file}:2",
            remedy="rename the file, or mend id and family",
        )


class PartDepth(Contract):
    """Least words of each part of a module."""

    explain: Positive
    worked_example: Positive
    guided_try: Positive
    reflection: Positive
    exercise: Positive


class CurriculumRules(AuthoredDocument, document="curriculum_rules"):
    """How deep a module must go, and what makes a rubric's criterion actionable."""

    min_words: PartDepth
    min_steps: Positive
    """Numbered steps of the guided try."""
    min_questions: Positive
    """Questions of the reflection."""
    min_criteria: Positive
    min_observable_words: Positive
    vague_words: Annotated[tuple[str, ...], Field(min_length=1)]
    """Words that two readers take differently: no criterion may lean on them."""
    usage_source: str
    """The source whose observed use of AI every module takes into account."""
    min_sources: Positive
    min_checkpoints: Positive
