"""Field contracts as models: what a skill's answer must be, made from the data at load.

Belongs here: the models that ``field_contracts.yaml`` comes to. Every field is strict and no other
is allowed, so a field added in the data is a field here. Stays out: reading the file (``config``),
whether its wiring holds (``check``), and what an answer must be true of (``answers``).

A contract has two models: the ``answer`` that a skill writes, and the ``whole`` with the fields
that code sets. Elements of an array, which the shapes leave open, go by the name of its key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    create_model,
)

from aina_assets.authoring.config import Configuration, ContractField, FieldContract
from aina_assets.contracts.errors import AuthoredDocumentError

Document = dict[str, Any]
"""A document of some contract, as JSON values."""

Text = Annotated[str, StringConstraints(max_length=20_000)]
_MANY = Field(max_length=1_000)
_TEXTS, _NUMBERS = Annotated[list[Text], _MANY], Annotated[list[int], _MANY]
_OBJECTS, _ANY = Annotated[list[dict[str, JsonValue]], _MANY], Annotated[list[JsonValue], _MANY]

# Shapes say `array` and no more; `array of {keys}` gives keys without types: both go by name.
_NUMBERS_IN = (
    "component_indexes slides screens where checked_on slide_numbers concrete pictorial abstract"
    " bridge good_for_denominators"
)
_TEXTS_IN = (
    "lo_codes vocabulary_terms misconception_ids pedagogical_models flags dev_notes stages covered"
    " interaction_modes differences because statements expected_answers tropes variants invariants"
    " extended accept_as_input support"
)
_OBJECTS_IN = (
    "steps lo_components prerequisite_chain evidence order_changes on_misconception"
    " pacing_response derivation_evidence worked_solutions"
)
_NUMBER = "component_index position slide_no screen_no first_slide"
_TEXT = (
    "statement bloom_verb reason term url activity_title interactive_id misconception_id vir_id"
    " textbook_ref_id pedagogical_value what why faster slower"
)
_KINDS: dict[str, Any] = {
    key: kind
    for keys, kind in (
        (_NUMBERS_IN, _NUMBERS),
        (_TEXTS_IN, _TEXTS),
        (_OBJECTS_IN, _OBJECTS),
        (_NUMBER, int),
        (_TEXT, Text),
    )
    for key in keys.split()
}
_STATES = {
    "components": "component_state",
    "misconceptions": "misconception_state",
    "visual_models": "visual_model_state",
}
_INNER_ENUMS = {
    "confidence": "confidence",
    "planned_level": "formalisation_level",
    "reached_level": "formalisation_level",
}
_SHAPED_AS = {"modules": ("derive_module_sequence", "module_sequence")}
_TOP_LEVEL = "pacing_response"
_COUNTED = "coverage"
_PLAIN: dict[str, Any] = {
    "string": Text,
    "integer": int,
    "boolean": bool,
    "object": dict[str, JsonValue],
}


class Strict(BaseModel):
    """Base of every model made here."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True)
class ContractModel:
    """The models of one contract, or of the part of one that a skill adds.

    Attributes:
        name: the contract's.
        answer: what a skill writes.
        whole: that with what code sets.
        set_by_code: paths of the fields that no skill may write.
    """

    name: str
    answer: type[BaseModel]
    whole: type[BaseModel]
    set_by_code: frozenset[str]


@dataclass(frozen=True)
class ContractModels:
    """Every contract's models.

    Attributes:
        models: by name of the contract or of the part.
        entries: model of an entry, by contract and the array it stands in.
    """

    models: Mapping[str, ContractModel]
    entries: Mapping[tuple[str, str], type[BaseModel]]

    @classmethod
    def of(cls, config: Configuration) -> ContractModels:
        """The models that the configuration's field contracts describe; made once for each."""
        said = config.field_contracts.model_dump_json()
        if said not in _MADE:
            _MADE.clear()
            _MADE[said] = cls._made(config)
        return _MADE[said]

    @classmethod
    def _made(cls, config: Configuration) -> ContractModels:
        maker = _Maker(config)
        models = {
            one.name: maker.contract(one)
            for one in config.field_contracts.contracts
            if one.kind == "contract"
        }
        for name, artefact in config.artefacts.items():
            if artefact.part_of is not None:
                models[name] = maker.part(name)
        return cls(models, maker.entries)

    def __getitem__(self, name: str) -> ContractModel:
        return self.models[name]

    def problems(self, name: str, document: object, *, is_whole: bool = False) -> list[str]:
        """What keeps ``document`` from being an answer (or the whole) of contract ``name``."""
        model = self.models[name]
        if is_whole:
            return problems_of(model.whole, document)
        return problems_of(model.answer, document, model.set_by_code)

    def require(self, name: str, document: object) -> None:
        """Pass where ``document`` is a whole document of contract ``name``.

        Raises:
            AuthoredDocumentError: it is not; the error names the fields.
        """
        if problems := self.problems(name, document, is_whole=True):
            raise AuthoredDocumentError(
                expected=f"a document of contract {name}",
                found="; ".join(problems),
                where=name,
                remedy="mend the step that makes it: documents are compiled by code",
            )


_MADE: dict[str, ContractModels] = {}
"""The models of the field contracts that were asked for last: every skill needs the same."""


def canonical(document: Mapping[str, Any]) -> str:
    """``document`` as JSON text, whose sha256 is its digest."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def problems_of(
    model: type[BaseModel], document: object, set_by_code: Iterable[str] = ()
) -> list[str]:
    """What keeps ``document`` from being one of ``model``: what is too much first, at most 12."""
    try:
        model.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        found.sort(key=lambda item: item["type"] != "extra_forbidden")
        return list(_messages(found[:12], frozenset(set_by_code)))
    return []


def _messages(found: Iterable[Any], set_by_code: frozenset[str]) -> Iterator[str]:
    for item in found:
        place = ".".join(map(str, item["loc"]))[:200] or "the answer"
        plain = ".".join(str(part) for part in item["loc"] if not isinstance(part, int))
        if item["type"] == "extra_forbidden":
            owner = "code sets it" if plain in set_by_code else "there is no such field"
            yield f"{place}: {owner}, leave it out"
        else:
            yield f"{place}: {item['msg']}"


class _Maker:
    """Makes models out of fields and shapes."""

    def __init__(self, config: Configuration) -> None:
        self._config = config
        self.entries: dict[tuple[str, str], type[BaseModel]] = {}

    def contract(self, contract: FieldContract) -> ContractModel:
        """Both models of a contract."""
        return ContractModel(
            contract.name,
            self._of(contract, is_whole=False),
            self._of(contract, is_whole=True),
            frozenset(_set_by_code(contract)),
        )

    def part(self, name: str) -> ContractModel:
        """The model of what one of several skills adds to a contract.

        Of a slide it may write any key that the contract's shape has, and those of its own.
        """
        part = self._config.artefacts[name]
        whole = self._config.contract_by_name[part.part_of or ""]
        fields = [field for field in whole.fields if field.name in part.fields]
        keys = {field.name: self._field(name, field) for field in fields if field.level is None}
        for field in fields:
            if field.name == "slides":
                slide: dict[str, Any] = {
                    key: (self._shaped(name, key, said), None) for key, said in field.shape.items()
                }
                # What belongs to a slide may come from any of the skills that write on it.
                slide |= {
                    one.name: (self._type(name, one), None)
                    for one in whole.fields
                    if one.level == "slide" and one.set_by is None
                }
                slide |= {key: (_by_name(key), None) for key in part.own if key != _TOP_LEVEL}
                entry = self._model(f"{name}_slide", slide | {"slide_no": (int, ...)})
                keys["slides"] = (_list_of(entry), ...)
        keys |= {key: (_by_name(key), None) for key in part.own if key == _TOP_LEVEL}
        model = self._model(name, keys)
        return ContractModel(name, model, model, frozenset(_set_by_code(whole)))

    def _of(self, contract: FieldContract, *, is_whole: bool) -> type[BaseModel]:
        inside = {
            f"{level}s": [field for field in contract.fields if field.level == level]
            for level in ("slide", "screen")
        }
        keys = {
            field.name: self._field(contract.name, field, inside.get(field.name, ()), is_whole)
            for field in contract.fields
            if field.level is None and (is_whole or field.set_by is None)
        }
        if contract.polymorphic_on is not None:
            keys |= {contract.polymorphic_on: (Text, ...), "entry": (_PLAIN["object"], ...)}
        return self._model(f"{contract.name}{'_whole' if is_whole else ''}", keys)

    def _field(
        self,
        contract: str,
        field: ContractField,
        inside: Iterable[ContractField] = (),
        is_whole: bool = False,
    ) -> Any:
        kind = self._type(contract, field, inside, is_whole)
        return (kind, ...) if field.required else (kind, None)

    def _type(
        self,
        contract: str,
        field: ContractField,
        inside: Iterable[ContractField] = (),
        is_whole: bool = False,
    ) -> Any:
        if field.one_of is not None:
            return Literal[tuple(self._config.enums[field.one_of])]
        shape = field.shape
        if not shape and field.name in _SHAPED_AS:
            of, array = _SHAPED_AS[field.name]
            fields = self._config.contract_by_name[of].fields
            (shape,) = (one.shape for one in fields if one.name == array)
        if not shape or field.type not in ("array", "object"):
            return _PLAIN.get(field.type) or _by_name(field.name, _ANY)
        keys: dict[str, Any] = {
            key: (self._shaped(contract, key, said), None if said.endswith(" or absent") else ...)
            for key, said in shape.items()
            if is_whole or key != _COUNTED
        }
        keys |= {
            one.name: (self._type(contract, one), ...)
            for one in inside
            if is_whole or one.set_by is None
        }
        entry = self._model(f"{contract}_{field.name}{'_whole' if is_whole else ''}", keys)
        if field.type == "object":
            return entry
        if not is_whole:
            self.entries[contract, field.name] = entry
        return _list_of(entry)

    def _shaped(self, contract: str, key: str, said: str) -> Any:
        """What a shape's words come to; `or absent` is the caller's."""
        plain = said.removesuffix(" or absent").removesuffix(" or null")
        if plain in _PLAIN:
            kind = _PLAIN[plain]
        elif plain == "array":
            kind = _by_name(key, _ANY)
        elif plain.startswith("array of {"):
            names = plain.removeprefix("array of {").removesuffix("}").split(", ")
            inner = {name: (self._inner(key, name), ...) for name in names}
            kind = _list_of(self._model(f"{contract}_{key}", inner))
        elif plain.startswith("one of "):
            kind = Literal[tuple(self._config.enums[plain.removeprefix("one of ")])]
        else:
            kind = Literal[tuple(plain.split(" | "))]
        return kind | None if said.endswith(" or null") else kind

    def _inner(self, array: str, key: str) -> Any:
        """Type of a key within ``array of {keys}``."""
        enum = _STATES.get(array) if key == "state" else _INNER_ENUMS.get(key)
        return Literal[tuple(self._config.enums[enum])] if enum else _by_name(key)

    def _model(self, name: str, keys: Mapping[str, Any]) -> type[BaseModel]:
        # The alias keeps names such as `class` and `if`, which no attribute can have.
        fields: dict[str, Any] = {
            f"{key}_": (kind, Field(default, alias=key)) for key, (kind, default) in keys.items()
        }
        return create_model(name, __base__=Strict, **fields)


def _set_by_code(contract: FieldContract) -> Iterator[str]:
    for field in contract.fields:
        if field.set_by == "code":
            yield field.name if field.level is None else f"{field.level}s.{field.name}"
        if _COUNTED in field.shape:
            yield f"{field.name}.{_COUNTED}"


def _list_of(entry: type[BaseModel]) -> Any:
    return Annotated[list[entry], _MANY]  # type: ignore[valid-type]


def _by_name(key: str, otherwise: Any = JsonValue) -> Any:
    return _KINDS.get(key) or otherwise
