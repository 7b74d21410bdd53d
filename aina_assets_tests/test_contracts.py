"""Contracts keep their word: as JSON, as JSON Schema, and from version to version.

Instances are drawn from the committed schemas, so what a schema allows is what is tried.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError, create_model
from typer.testing import CliRunner

from aina_assets import cli, contracts
from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.learner import AiUsage, LearnerProfile
from aina_assets.contracts.review import Decision
from aina_assets.contracts.schemas import (
    CONTRACTS,
    DIALECT,
    Versioned,
    differences,
    document_of,
    file_name,
    schema_of,
    write,
)
from aina_assets.contracts.work import Contract
from aina_assets.warehouse import settings as warehouse_settings
from aina_assets.warehouse.settings import PROJECT_ROOT

COMMITTED = PROJECT_ROOT / "docs" / "schemas"

Schema = dict[str, Any]

every_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.__name__)


def model_of(contract: type[Versioned]) -> type[BaseModel]:
    """The contract as the model it is."""
    assert issubclass(contract, BaseModel)
    return contract


# ------------------------------------------------------------------------- what is committed


@every_contract
def test_the_committed_schema_is_what_the_contract_says(contract: type[Versioned]) -> None:
    written = (COMMITTED / file_name(contract)).read_bytes()

    assert written == document_of(contract).encode(), "run `aina schemas`"
    assert json.loads(written) == schema_of(contract)
    assert written.endswith(b"}\n")


def test_the_command_finds_nothing_behind() -> None:
    result = CliRunner().invoke(cli.app, ["schemas", "--check"])

    assert result.exit_code == 0, result.output


def test_every_contract_with_a_version_is_among_them() -> None:
    for module in pkgutil.iter_modules(contracts.__path__, f"{contracts.__name__}."):
        importlib.import_module(module.name)

    def below(kind: type[Contract]) -> Iterator[type[Contract]]:
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    versioned = {
        one.__name__
        for one in below(Contract)
        if one.__module__.startswith(contracts.__name__) and "schema_version" in vars(one)
    }

    assert versioned == {contract.__name__ for contract in CONTRACTS}
    assert len(versioned) == len(CONTRACTS)


@every_contract
def test_a_schema_says_what_it_is(contract: type[Versioned]) -> None:
    schema = schema_of(contract)

    assert schema["$id"] == f"{contract.__name__}.v{contract.schema_version}"
    assert schema["$schema"] == DIALECT
    assert schema["additionalProperties"] is False
    assert schema["description"]


def test_files_are_named_by_words_and_version() -> None:
    names = {contract.__name__: file_name(contract) for contract in CONTRACTS}

    assert names["LearnerProfile"] == "learner_profile.v1.json"
    assert names["AIAffordancePack"] == "ai_affordance_pack.v1.json"
    assert len(set(names.values())) == len(CONTRACTS)


# --------------------------------------------------------------------------- what may change


def changed(**fields: Any) -> type[LearnerProfile]:
    """``LearnerProfile`` with other fields, under its name and version."""
    return create_model("LearnerProfile", __base__=LearnerProfile, **fields)


def without(name: str) -> type[Versioned]:
    """``LearnerProfile`` without a field, under its name and version."""
    fields: dict[str, Any] = {
        field: (info.annotation, info)
        for field, info in LearnerProfile.model_fields.items()
        if field != name
    }
    made = create_model(
        "LearnerProfile", __base__=Contract, __doc__=LearnerProfile.__doc__, **fields
    )
    made.schema_version = LearnerProfile.schema_version  # type: ignore[attr-defined]
    return made  # type: ignore[return-value]


CHANGES: dict[str, tuple[Callable[[], type[Versioned]], str]] = {
    "a field more": (lambda: changed(shoe_size=(int, 0)), "shoe_size"),
    "a field less": (lambda: without("pains"), "pains"),
    "another type": (lambda: changed(weekly_minutes=(float, ...)), "weekly_minutes"),
    "another bound": (
        lambda: changed(confidence=(Annotated[int, Field(ge=1, le=7)], ...)),
        "confidence",
    ),
    "optional now": (lambda: changed(ai_usage=(AiUsage, AiUsage.NEVER)), "ai_usage, required"),
    "a field called description": (lambda: changed(description=(str, "")), "description"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the schema of ``LearnerProfile`` as it is."""
    write(tmp_path, [LearnerProfile])
    return tmp_path


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_without_a_new_version_is_caught_and_nothing_written(
    folder: Path, change: str
) -> None:
    make, named = CHANGES[change]
    file = folder / "learner_profile.v1.json"
    before = file.read_bytes()

    (found,) = differences(folder, [make()])

    for part in (
        str(file),
        "is not what was written as version 1",
        f"({named})",
        "Raise LearnerProfile.schema_version to 2",
        "`aina schemas`",
    ):
        assert part in found

    with pytest.raises(AinaError) as refused:
        write(folder, [*CONTRACTS[1:], make()])

    assert "Raise LearnerProfile.schema_version to 2" in refused.value.remedy
    assert refused.value.where == str(file)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {file.name: before}


def test_a_new_version_is_written_beside_the_old_one(folder: Path) -> None:
    old = folder / "learner_profile.v1.json"
    before = old.read_bytes()
    second = changed(shoe_size=(int, 0))
    second.schema_version = 2

    assert differences(folder, [second]) == [
        f"{folder / 'learner_profile.v2.json'} is missing: run `aina schemas`"
    ]

    write(folder, [second])

    assert differences(folder, [second]) == []
    assert old.read_bytes() == before
    new = json.loads((folder / "learner_profile.v2.json").read_text(encoding="utf-8"))
    assert new["$id"] == "LearnerProfile.v2"
    assert "shoe_size" in new["properties"]


def test_only_the_current_version_is_compared(folder: Path) -> None:
    """An older document is for its readers: however it looks, it is left alone."""
    second = changed()
    second.schema_version = 2
    old = folder / "learner_profile.v1.json"
    old.write_text("{}", encoding="utf-8")

    write(folder, [second])

    assert differences(folder, [second]) == []
    assert old.read_text(encoding="utf-8") == "{}"


def test_a_description_may_change_within_a_version(folder: Path) -> None:
    reworded = create_model(
        "LearnerProfile", __base__=LearnerProfile, __doc__="Who learns, in other words."
    )

    (found,) = differences(folder, [reworded])

    assert "behind in its descriptions: run `aina schemas`" in found
    write(folder, [reworded])
    assert differences(folder, [reworded]) == []
    assert "in other words" in (folder / "learner_profile.v1.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "{", "[]", '"schema"', "{}"])
def test_a_document_that_was_edited_is_caught(folder: Path, text: str) -> None:
    (folder / "learner_profile.v1.json").write_text(text, encoding="utf-8")

    (found,) = differences(folder, [LearnerProfile])

    assert "if that file was edited, restore it" in found
    with pytest.raises(AinaError, match="restore it"):
        write(folder, [LearnerProfile])


def test_the_command_writes_and_says_what_is_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_settings, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    folder = tmp_path / "docs" / "schemas"
    run = CliRunner()

    behind = run.invoke(cli.app, ["schemas", "--check"])

    assert behind.exit_code == 1
    assert behind.stderr.count("is missing: run `aina schemas`") == len(CONTRACTS)
    assert not folder.exists(), "looking changes nothing"
    assert run.invoke(cli.app, ["schemas"]).exit_code == 0
    assert run.invoke(cli.app, ["schemas", "--check"]).exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in COMMITTED.iterdir() if path.name.endswith(".json")
    }

    (folder / "learner_event.v1.json").write_text("{}", encoding="utf-8")

    refused = run.invoke(cli.app, ["schemas"])
    assert refused.exit_code == 2
    assert "Raise LearnerEvent.schema_version to 2" in refused.stderr
    assert run.invoke(cli.app, ["schemas", "--check"]).exit_code == 1


# ------------------------------------------------------------------------- what a schema allows

KEYWORDS = {
    *("$defs", "$id", "$ref", "$schema", "additionalProperties", "anyOf", "default", "description"),
    *("enum", "format", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength"),
    *("exclusiveMinimum", "minimum", "pattern", "properties", "required", "title", "type"),
}
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
ZONES = st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=st.just(UTC) | ZONES).map(lambda moment: moment.isoformat())


def instances(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    """What ``schema`` allows; a keyword that is not looked at here stops the test."""
    assert set(schema) <= KEYWORDS, sorted(set(schema) - KEYWORDS)
    if "$ref" in schema:
        return instances(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in schema:
        return st.one_of([instances(option, root) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case None:
            return JSON_VALUES
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            least = schema.get("exclusiveMinimum", schema.get("minimum"))
            return st.floats(
                least,
                schema.get("maximum"),
                exclude_min="exclusiveMinimum" in schema,
                allow_nan=False,
                allow_infinity=False,
            )
        case "string":
            return _texts(schema)
        case "array":
            least = schema.get("minItems", 0)
            most = min(schema.get("maxItems", least + 2), least + 2)
            return st.lists(instances(schema["items"], root), min_size=least, max_size=most)
        case "object":
            return _objects(schema, root)
    raise AssertionError(schema)


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return MOMENTS
    if "pattern" in schema:
        most = schema.get("maxLength", 200)
        alphabet = st.sampled_from(string.ascii_letters + string.digits + string.punctuation)
        return st.from_regex(schema["pattern"], fullmatch=True, alphabet=alphabet).filter(
            lambda text: len(text) <= most
        )
    least = schema.get("minLength", 0)
    return st.text(min_size=least, max_size=min(schema.get("maxLength", 20), least + 20))


def _objects(schema: Schema, root: Schema) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        values = instances(schema["additionalProperties"], root)
        return st.dictionaries(st.text(max_size=8), values, max_size=3)
    fields = {name: instances(inner, root) for name, inner in schema["properties"].items()}
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: inner for name, inner in fields.items() if name in required},
        optional={name: inner for name, inner in fields.items() if name not in required},
    )


@cache
def allowed(contract: type[Versioned]) -> st.SearchStrategy[dict[str, Any]]:
    """Instances that the committed schema of ``contract`` allows, its fields in agreement."""
    schema = json.loads((COMMITTED / file_name(contract)).read_text(encoding="utf-8"))
    strategy: st.SearchStrategy[dict[str, Any]] = instances(schema, schema)
    return strategy.map(in_agreement) if contract is Decision else strategy


def in_agreement(decision: dict[str, Any]) -> dict[str, Any]:
    """``decision`` with the rules between its fields kept, which its schema says only in words."""
    edit = {"edit_id": "one", "kind": "reworded", "text": "say it shorter"}
    vote = {"model": "a model", "verdict": "approve"}
    edits = {each["edit_id"]: each for each in decision.get("required_edits", [])} or {"one": edit}
    is_revise, is_panel = decision["verdict"] == "revise", decision["reviewer_kind"] == "panel"
    agreed = decision | {
        "required_edits": list(edits.values()) if is_revise else [],
        "votes": (decision.get("votes") or [vote]) if is_panel else [],
        "supersedes": [
            one for one in decision.get("supersedes", []) if one != decision["decision_id"]
        ],
    }
    if decision["verdict"] == "withdraw" and not agreed["supersedes"]:
        other = {"0" * 32, "1" * 32} - {decision["decision_id"]}
        agreed["supersedes"] = [max(other)]
    if decision.get("expires_at") is not None:
        decided = datetime.fromisoformat(decision["decided_at"])
        if datetime.fromisoformat(decision["expires_at"]) <= decided:
            agreed["expires_at"] = None
    return agreed


of_a_contract = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@every_contract
@of_a_contract
@given(data=st.data())
def test_what_a_schema_allows_the_contract_takes_and_gives_back(
    contract: type[Versioned], data: st.DataObject
) -> None:
    model = model_of(contract)
    text = json.dumps(data.draw(allowed(contract)))

    taken = model.model_validate_json(text)

    assert model.model_validate_json(taken.model_dump_json()) == taken
    assert model.model_validate(taken.model_dump(mode="json")) == taken
    assert model.model_validate(taken.model_dump()) == taken


@cache
def validator(contract: type[Versioned]) -> Any:
    """A validator of JSON Schema for the committed schema of ``contract``."""
    jsonschema = pytest.importorskip("jsonschema", reason="no validator of JSON Schema here")
    schema = json.loads((COMMITTED / file_name(contract)).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@every_contract
@of_a_contract
@given(data=st.data())
def test_what_a_contract_gives_its_schema_allows(
    contract: type[Versioned], data: st.DataObject
) -> None:
    instance = data.draw(allowed(contract))
    taken = model_of(contract).model_validate_json(json.dumps(instance))

    assert list(validator(contract).iter_errors(instance)) == []
    assert list(validator(contract).iter_errors(json.loads(taken.model_dump_json()))) == []


@every_contract
@of_a_contract
@given(data=st.data())
def test_what_one_refuses_the_other_refuses(contract: type[Versioned], data: st.DataObject) -> None:
    """A field more, a required field less, a value of no type that any field has."""
    instance = data.draw(allowed(contract))
    name = data.draw(st.sampled_from(sorted(schema_of(contract)["required"])))
    less = {key: value for key, value in instance.items() if key != name}

    for wrong in ({**instance, "no_such_field": 1}, less, {**instance, name: [{"odd": []}]}):
        assert not validator(contract).is_valid(wrong)
        with pytest.raises(ValidationError):
            model_of(contract).model_validate_json(json.dumps(wrong))
