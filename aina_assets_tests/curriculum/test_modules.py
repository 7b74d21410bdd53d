"""A module reads as it was written, and every fault of one is named with file, line and fix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.contracts.curriculum import CurriculumModule, ItemsCheck, TableCheck
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.curriculum.modules import read_module
from aina_assets_tests.curriculum.written import MODULE, changed

Change = tuple[str, str]

BODY = MODULE[MODULE.index("## Explain") :]
FRONT = MODULE[len("---\n") : MODULE.index("\n---\n")]


def read(folder: Path, content: str | bytes) -> CurriculumModule:
    """The module in a file with exactly ``content``."""
    file = folder / "module.md"
    file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return read_module(file)


def refusal(folder: Path, content: str | bytes) -> AuthoredDocumentError:
    """The error that ``content`` is refused with."""
    with pytest.raises(AuthoredDocumentError) as refused:
        read(folder, content)
    return refused.value


def lines_of(text: str, start: str) -> list[int]:
    """The numbers of the lines that begin with ``start``, spaces before it aside."""
    lines = text.split("\n")
    return [n for n, line in enumerate(lines, start=1) if line.strip().startswith(start)]


# ------------------------------------------------------------------------------------ what is right


def test_a_module_is_what_its_file_says(tmp_path: Path) -> None:
    module = read(tmp_path, MODULE)

    assert (module.id, module.level, module.requires) == ("sales_quote_check", 2, ())
    assert module.applies_to.words == ("quote", "prices")
    assert module.lesson.explain == "A draft with one wrong price looks like a draft with none."
    assert module.lesson.guided_try.splitlines()[-1] == "2. Have it drafted again."
    assert module.exercise.deliverable == "Hand in one document with these headings"
    assert module.exercise.sections == ("Request", "Prices", "Faults")
    assert module.exercise.text.startswith("Take a request")
    assert module.exercise.text.endswith("wrong in the draft.")
    rubric = module.rubric
    assert [criterion.id for criterion in rubric.criteria] == [
        "request",
        "prices",
        "faults",
        "release",
    ]
    assert (rubric.points, rubric.points_to_pass) == (10, 6)
    assert rubric.criteria[1].checks[0] == TableCheck(
        kind="table", section="Prices", columns=("Item", "Price", "Line"), min_rows=3
    )
    assert rubric.fail_conditions[0].unless == (
        ItemsCheck(kind="items", section="Faults", min_items=1),
    )


@pytest.mark.parametrize(
    "content",
    [
        MODULE.replace("\n", "\r\n"),
        "\ufeff" + MODULE,
        "\ufeff" + MODULE.replace("\n", "\r\n"),
        MODULE.replace("\n---\n", "\n---  \n"),
        MODULE.replace("## Explain", "## Explain  "),
        MODULE.rstrip("\n"),
    ],
    ids=["CRLF", "BOM", "BOM and CRLF", "spaces after ---", "spaces after a heading", "no end"],
)
def test_how_an_editor_saves_it_does_not_matter(tmp_path: Path, content: str) -> None:
    assert content != MODULE
    assert read(tmp_path, content) == read(tmp_path, MODULE)


def test_a_section_is_asked_for_in_any_case(tmp_path: Path) -> None:
    text = changed(MODULE, ("section: Request, min_words", "section: REQUEST, min_words"))

    assert read(tmp_path, text).rubric.criteria[0].checks[0].section == "REQUEST"


# ------------------------------------------------------------------------------------ what is wrong


@dataclass(frozen=True)
class Fault:
    """A fault an author may make.

    Attributes:
        changes: of ``MODULE``.
        at: how the line that must be named begins.
        said: what the error says, as a regular expression.
        nth: which of several such lines.
    """

    changes: tuple[Change, ...]
    at: str
    said: str
    nth: int = 0


FAULTS: dict[str, Fault] = {
    "no front matter": Fault((("---\nid:", "id:"),), "id:", "front matter that opens with ---"),
    "unclosed front matter": Fault(
        (("\n---\n", "\n"),), "---", "front matter that closes with ---"
    ),
    "bad YAML": Fault((("requires: []", "requires: ["),), "sources", "flow sequence of line 8"),
    "a tab": Fault((("level: 2", "\tlevel: 2"),), "level", r"found character '\\t'"),
    "a control character": Fault((("level: 2", "level: \x07"),), "level", "#x0007"),
    "a date that is none": Fault(
        (("level: 2", "level: 2026-99-99"),),
        "level",
        "'2026-99-99' cannot be read as timestamp",
    ),
    "a tag its value does not fit": Fault(
        (("level: 2", "level: !!bool perhaps"),),
        "level",
        "'perhaps' cannot be read as bool",
    ),
    "no fields": Fault(((FRONT, "a module about quotes"),), "a module", "fields.*found str"),
    "nothing between the fences": Fault(((FRONT + "\n", ""),), "---", "fields.*found NoneType", 1),
    "a field twice": Fault((("level: 2", "level: 1\nlevel: 2"),), "level: 2", "level stands twice"),
    "a missing field": Fault((("minutes: 40\n", ""),), "id:", "minutes: Field required"),
    "a missing field of a list's entry": Fault(
        (("    points: 4\n", ""),),
        "- id: prices",
        "criteria.1.points: Field required",
    ),
    "a wrong type deep in a list": Fault(
        (("min_rows: 3", "min_rows: three"),),
        "min_rows: three",
        "criteria.1.checks.0.table.min_rows: .*valid integer",
    ),
    "a wrong type below a kind that is called like a field": Fault(
        (("min_words: 30", "min_words: many"),),
        "min_words: many",
        "criteria.2.checks.0.section.min_words: .*valid integer",
    ),
    "an unknown field": Fault(
        (("minutes: 40", "minutes: 40\nminuets: 40"),),
        "minuets",
        "minuets: Extra inputs",
    ),
    "an unknown field of a check": Fault(
        (("min_rows: 3", "min_rows: 3\n        max_rows: 9"),),
        "max_rows",
        "criteria.1.checks.0.table.max_rows: Extra inputs",
    ),
    "a name that is no text": Fault(
        (("minutes: 40", "minutes: 40\n7: 40"),), "7:", "Keys should be"
    ),
    "the lesson in the front matter": Fault(
        (("minutes: 40", "minutes: 40\nlesson: {explain: Here.}"),),
        "lesson:",
        "lesson: is no field; it stands under its headings",
    ),
    "the exercise in the front matter": Fault(
        (("minutes: 40", "minutes: 40\nexercise: Do it."),),
        "exercise:",
        "exercise: is no field",
    ),
    "the rubric in the front matter": Fault(
        (("points_to_pass: 6", "rubric:\n  points_to_pass: 6"),),
        "rubric:",
        "rubric: is no field; what it holds stands beside the other fields",
    ),
    "a kind of check that is unknown": Fault(
        (("kind: table", "kind: tabel"),),
        "- kind: tabel",
        "'tabel' .*'section', 'items', 'table', 'figures', 'references', 'terms'",
    ),
    "a check without a kind": Fault(
        (("{kind: terms, section", "{section"),),
        "- {section",
        "criteria.3.checks.0: .*'kind'",
    ),
    "general and for words": Fault(
        (("{words: [quote, prices]}", "{is_general: true, words: [quote]}"),),
        "applies_to",
        "applies_to: either is_general: true, or words",
    ),
    "a heading is missing": Fault(
        (("## Reflection\n", "\n"),), "## Exercise", "Guided try, Exercise"
    ),
    "the last heading is missing": Fault(
        (("## Exercise\n", "\n"),),
        "",
        "found Explain, Worked example, Guided try, Reflection",
        -1,
    ),
    "headings out of order": Fault(
        (("## Guided try", "## X"), ("## Reflection", "## Guided try"), ("## X", "## Reflection")),
        "## Reflection",
        "Worked example, Reflection, Guided try",
    ),
    "an extra heading": Fault(
        (("## Reflection", "## Notes\n\n## Reflection"),),
        "## Notes",
        "Guided try, Notes, Reflection",
    ),
    "a heading twice": Fault(
        (("## Exercise", "## Explain\n\n## Exercise"),),
        "## Explain",
        "Reflection, Explain, Exercise",
        1,
    ),
    "no heading": Fault(((BODY, "\n"),), "", "no heading", -1),
    "text before the first heading": Fault(
        (("## Explain", "# Quotes\n\n## Explain"),),
        "# Quotes",
        "'## Explain' first; found '# Quotes'",
    ),
    "an empty part": Fault(
        (("Which line would you have missed?\n", ""),),
        "## Reflection",
        "lesson.reflection: .*at least 1 character",
    ),
    "nothing to hand in": Fault(
        (("Hand in", "Send"),),
        "## Exercise",
        "exercise.deliverable: no sentence that says 'Hand in ...'",
    ),
    "no sections": Fault(
        (("**Request.**", "Request."), ("**Prices.**", "Prices."), ("**Faults.**", "Faults.")),
        "## Exercise",
        r"exercise.sections: fewer than two lines begin with a name in bold",
    ),
    "a check of a section that is not asked for": Fault(
        (("section: Prices\n", "section: Offers\n"),),
        "section: Offers",
        "section 'Offers', which the exercise does not ask for; .*: Request, Prices, Faults",
    ),
    "a fail condition of a section that is not asked for": Fault(
        (("items, section: Faults", "items, section: What's wrong"),),
        "- {kind: items",
        'section "What\'s wrong", which the exercise does not ask for',
    ),
    "every point to pass": Fault(
        (("points_to_pass: 6", "points_to_pass: 10"),),
        "points_to_pass",
        "points_to_pass is 10 of 10: at least half, not all",
    ),
    "too few points to pass": Fault(
        (("points_to_pass: 6", "points_to_pass: 4"),),
        "points_to_pass",
        "points_to_pass is 4 of 10: at least half, not all",
    ),
    "a gate of no criterion": Fault(
        (("criteria: [prices]", "criteria: [price]"),),
        "criteria: [price]",
        "pass gate 'prices_hold' names 'price', no criterion",
    ),
    "a criterion twice": Fault(
        (("id: release", "id: request"),),
        "- id: request",
        "criterion 'request' occurs twice",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_line_and_what_to_do(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    text = changed(MODULE, *fault.changes)

    error = refusal(tmp_path, text)

    assert error.where == f"{tmp_path / 'module.md'}:{lines_of(text, fault.at)[fault.nth]}"
    assert re.search(fault.said, f"{error.expected}; found {error.found}")
    assert "docs/curriculum.md" in error.remedy


def test_every_fault_of_the_contract_is_named_with_its_own_line(tmp_path: Path) -> None:
    text = changed(
        MODULE, ("level: 2", "level: two"), ("min_rows: 3", "min_rows: 0"), ("Hand in", "Send")
    )

    error = refusal(tmp_path, text)

    for start, name in (
        ("level:", "level"),
        ("min_rows:", "criteria.1.checks.0.table.min_rows"),
        ("## Exercise", "exercise.deliverable"),
    ):
        assert f"line {lines_of(text, start)[0]}: {name}: " in error.found


def test_a_fault_that_only_follows_from_another_is_not_named(tmp_path: Path) -> None:
    """Of four criteria one is malformed: that there are fewer than four is no news."""
    error = refusal(tmp_path, changed(MODULE, ("min_rows: 3", "min_rows: 0")))

    assert error.found.count("line ") == 1
    assert "min_rows" in error.found


def test_a_list_that_is_too_short_is_named(tmp_path: Path) -> None:
    start, end = MODULE.index("  - id: faults"), MODULE.index("  - id: release")

    error = refusal(tmp_path, changed(MODULE, (MODULE[start:end], "")))

    assert error.where.endswith(f"module.md:{lines_of(MODULE, 'criteria:')[0]}")
    assert "criteria: Tuple should have at least 4 items" in error.found


def test_lines_are_right_with_a_byte_order_mark_and_line_ends_of_two(tmp_path: Path) -> None:
    text = changed(MODULE, ("min_rows: 3", "min_rows: 0"))

    error = refusal(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))

    assert error.where.endswith(f"module.md:{lines_of(text, 'min_rows')[0]}")


def test_an_empty_file(tmp_path: Path) -> None:
    error = refusal(tmp_path, "")

    assert error.where.endswith("module.md:1")
    assert error.expected == "front matter that opens with ---"


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    content = MODULE.replace("last year's", "last year\u2019s").encode("cp1252")

    error = refusal(tmp_path, content)

    assert error.where.endswith(f"module.md:{lines_of(MODULE, 'Rana asks')[0]}")
    assert error.expected == "a text file in UTF-8"
    assert "0x92" in error.found


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.md", tmp_path):
        with pytest.raises(AuthoredDocumentError, match="a text file in UTF-8") as refused:
            read_module(path)
        assert refused.value.where == f"{path}:1"


def test_brackets_without_end_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, changed(MODULE, ("level: 2", f"level: {'[' * 5_000}")))

    assert error.found == "nested too deeply"


# ---------------------------------------------------------------------------- whatever the file is

# Scraps of which odd front matter is made: YAML's own signs, and values its tags do not allow.
ODDMENTS = (
    "--- ... : - ? [ ] { } , & * &a *a << ! !!int !!float !!bool !!set !!omap !!timestamp !!binary"
    " | > ' \" # % @ ` = ~ 0x_ 0b 1:1 .inf 2026-13-41 1e999 yes null id: level: criteria: lesson:"
    " words: kind: ## **a.** Hand \t \x00 \x85 \u2028 \ufeff \U0001f4a5"
)
SCRAPS = st.sampled_from(ODDMENTS.split(" "))
LINES = st.one_of(
    st.sampled_from(MODULE.split("\n")),
    st.lists(SCRAPS, max_size=6).map(" ".join),
    st.lists(SCRAPS, max_size=6).map("".join),
    st.text(max_size=20),
)


@st.composite
def edited(draw: st.DrawFn) -> str:
    """``MODULE`` with a few lines put in, replaced, or left out."""
    lines = MODULE.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        gone = draw(st.integers(0, 2))
        lines[place : place + gone] = draw(st.lists(LINES, max_size=2))
        lines = lines or [""]
    return "\n".join(lines)


@st.composite
def values_changed(draw: st.DrawFn) -> str:
    """``MODULE`` with one value of its front matter replaced by scraps."""
    values = [found.span(1) for found in re.finditer(r": *([^\s{\[].*)$", FRONT, re.MULTILINE)]
    start, end = draw(st.sampled_from(values))
    value = draw(st.one_of(st.lists(SCRAPS, max_size=5).map(" ".join), st.text(max_size=20)))
    return f"---\n{FRONT[:start]}{value}{FRONT[end:]}\n---\n{BODY}"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for many files of one name."""
    return tmp_path_factory.mktemp("any")


@settings(max_examples=200)
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(str.encode),
        st.lists(LINES, max_size=8).map(lambda lines: f"---\n{chr(10).join(lines)}\n---\n{BODY}"),
        edited(),
        values_changed(),
    )
)
def test_any_file_is_a_module_or_refused_with_a_line_of_it(
    ground: Path, content: bytes | str
) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    try:
        module = read(ground, data)
    except AuthoredDocumentError as refused:
        file, _, line = refused.where.rpartition(":")
        assert file == str(ground / "module.md")
        assert 1 <= int(line) <= len(data.splitlines()) + 2
        return
    assert CurriculumModule.model_validate_json(module.model_dump_json()) == module
