"""The knowledge base and the requests: what the files say is what skills get, or a named fault."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from aina_assets.authoring.joining import KnowledgeBase
from aina_assets.authoring.knowledge import (
    authoring_requests,
    kb_table,
    knowledge_of,
    requests_of,
)
from aina_assets.authoring.knowledge_tables import KB_TABLES, AuthoringRequests
from aina_assets.contracts.errors import SourceFormatError
from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import table_name
from aina_assets_tests.authoring import drafted
from aina_assets_tests.conftest import build_into

KB = drafted.SAMPLE / "kb"
(REQUEST,) = (drafted.SAMPLE / "lms").glob("*.yaml")


def of(path: Path) -> SourceFiles:
    file = SourceFile(
        local_path=path,
        path=f"authoring/{path.name}",
        sha256=sha256_of_file(path)[0],
        source="knowledge_of_a_user",
        release="1",
        source_class=SourceClass.INTERNAL,
        allowed_use=AllowedUse.OPEN,
    )
    return SourceFiles("kb", (file,))


def written(folder: Path, text: str) -> SourceFiles:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return of(path)


def tables() -> dict[str, pa.Table]:
    return {
        table_name(model): kb_table(name)(of(KB / f"{name}.yaml"))
        for name, model in KB_TABLES.items()
    }


def test_skills_get_the_fields_of_the_files() -> None:
    assert knowledge_of(tables()) == drafted.knowledge()


def test_every_table_of_the_base_keeps_its_rules() -> None:
    assert {path.stem for path in KB.iterdir()} == KB_TABLES.keys()
    for name, model in KB_TABLES.items():
        frame = tables()[table_name(model)]
        assert frame.num_rows > 0
        assert [one for one in judge(frame, model, ()) if not one.passed] == [], name


def test_a_base_of_which_nothing_is_there_has_no_rows() -> None:
    assert knowledge_of({}) == KnowledgeBase.of({})
    absent = {
        table_name(model): kb_table(name)(SourceFiles("kb", ()))
        for name, model in KB_TABLES.items()
    }
    assert knowledge_of(absent) == KnowledgeBase.of({})


def test_two_components_that_say_the_same_break_a_rule() -> None:
    frame = tables()["kb_components"]
    twin = pa.Table.from_pylist(
        [*frame.to_pylist(), {**frame.to_pylist()[0], "component_id": "CMP-TWIN"}],
        schema=frame.schema,
    )

    (broken,) = [one for one in judge(twin, KB_TABLES["components"], ()) if not one.passed]
    assert (broken.rule, broken.failing_rows) == ("statement_is_said_once", 2)


GOOD = """\
components:
  - component_id: CMP-1
    master_lo_code: A.1
    statement: Order two fractions
    bloom_verb: order
"""


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        (GOOD.replace("    statement: Order two fractions\n", ""), 2, "statement: Field required"),
        (GOOD + "    bloomverb: order\n", 6, "bloomverb: Extra inputs"),
        (GOOD.replace("CMP-1", "17"), 2, "component_id: Input should be a valid string"),
        (GOOD.replace("CMP-1", "''"), 2, "component_id: String should have at least 1"),
        (GOOD.replace("Order two", "'Order two"), 6, "unexpected end of stream"),
        (GOOD + "    bloom_verb: sort\n", 6, "bloom_verb stands twice"),
        (GOOD.replace("components:", "parts:"), 1, "components: Field required"),
        (GOOD.replace("verb: order", 'verb: "\\ud800"'), 5, "invalid Unicode"),
        ("- a\n- b\n", 1, "list"),
        ("components: &a [*a]\n", 1, "components"),
        ("", 1, "NoneType"),
        ("[" * 5_000, 2, "did not find expected node"),
    ],
)
def test_a_malformed_file_is_refused_with_file_line_and_what_to_do(
    tmp_path: Path, text: str, line: int, found: str
) -> None:
    with pytest.raises(SourceFormatError) as caught:
        kb_table("components")(written(tmp_path, text))

    where = caught.value.where
    assert where.startswith(f"{tmp_path / 'file.yaml'}:"), where
    assert f"file.yaml:{line} " in where
    assert "authoring/file.yaml of knowledge_of_a_user 1" in where
    assert found in caught.value.found
    assert "mend" in caught.value.remedy


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"components:\n  - \xff\xfe\n")
    with pytest.raises(SourceFormatError, match="UTF-8"):
        kb_table("components")(of(path))


_hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(name=st.sampled_from(sorted(KB_TABLES)), data=st.data(), value=_hostile)
def test_a_row_with_any_value_in_any_field_is_a_row_or_refused(
    tmp_path: Path, name: str, data: st.DataObject, value: Any
) -> None:
    document = yaml.safe_load((KB / f"{name}.yaml").read_text("utf-8"))
    field = data.draw(st.sampled_from(sorted(document[name][0])))
    document[name][0][field] = value
    files = written(tmp_path, yaml.safe_dump(document, allow_unicode=False))

    try:
        frame = kb_table(name)(files)
    except SourceFormatError as error:
        refusal = error
    else:
        base = knowledge_of({table_name(KB_TABLES[name]): frame})
        assert getattr(base, name)[0][field] == value
        return
    assert field in refusal.found or refusal.expected == "YAML"


# Requests


def test_a_request_is_kept_word_for_word() -> None:
    frame = authoring_requests(of(REQUEST))

    assert [one for one in judge(frame, AuthoringRequests, ()) if not one.passed] == []
    assert requests_of(frame) == {"CH-G4-FR-EQ": drafted.request()}
    assert frame["request_file"].to_pylist() == [f"authoring/{REQUEST.name}"]


def test_what_a_request_does_not_say_is_not_said_for_it(tmp_path: Path) -> None:
    optional = ("neighbours", "audience", "constraints", "feedback")
    short = {key: value for key, value in drafted.request().items() if key not in optional}
    frame = authoring_requests(written(tmp_path, yaml.safe_dump(short)))
    assert requests_of(frame) == {"CH-G4-FR-EQ": short}


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("lesson_minutes",), 0, "lesson_minutes"),
        (("lesson_minuts",), 45, "lesson_minuts: Extra inputs"),
        (("textbook", "chapters"), [], "textbook.chapters"),
        (("curricula", "target", "id"), None, "curricula.target.id"),
        (("language",), "en-GB", "language"),
        (("modules_wanted", "max"), "seven", "modules_wanted.max"),
        (("modules_wanted", "max"), 2, "modules_wanted"),
        (("chapter_id",), "../../etc", "chapter_id"),
    ],
)
def test_a_request_that_cannot_be_worked_on_is_refused_by_field(
    tmp_path: Path, path: tuple[str, ...], value: Any, found: str
) -> None:
    request = copy.deepcopy(drafted.request())
    place: Any = request
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    text = yaml.safe_dump(request, sort_keys=False)

    with pytest.raises(SourceFormatError) as caught:
        authoring_requests(written(tmp_path, text))
    assert found in caught.value.found
    line = int(caught.value.where.partition(" ")[0].rpartition(":")[2])
    assert path[-1] in text.splitlines()[line - 1] or path[0] in text.splitlines()[line - 1]


def test_a_lock_without_them_gives_no_rows_and_the_reason(tmp_path: Path) -> None:
    document = yaml.safe_load((AUTHORED / "sample" / "sources.lock.yaml").read_text("utf-8"))
    document["name"] = "no_expectations"
    for source in ("authoring_kb", "authoring_requests"):
        del document["sources"][source]
    lock = tmp_path / "sources.lock.yaml"
    lock.write_text(yaml.safe_dump(document), encoding="utf-8")
    home = tmp_path / "home"
    names = [*(table_name(model) for model in KB_TABLES.values()), "authoring_requests"]

    outcome = build_into(
        home,
        lock=lock,
        cache=AUTHORED / "sample",
        select=" or ".join(f'+key:"{name}"' for name in names),
    )

    assert outcome.is_good, outcome.failed
    store = Store(UPath(home))
    for name in names:
        assert store.read(name).num_rows == 0
        record = store.record(f"upstream/{name}")
        assert record is not None
        assert [file["reason"] for file in record.details["files"]] == ["not_pinned"]
