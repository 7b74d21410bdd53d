"""The committed configuration is whole; a malformed file is refused by file, line and fix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aina_assets.authoring.config import Rubric, Template
from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.wording import prompt
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.warehouse.authored import digest_of_files, files_of
from aina_assets_tests.authoring.folder import changed, copied, refusal

COMMITTED = Authoring.load()
PLACES = [(one.name, lane) for one in COMMITTED.templates for lane in one.lanes]
COMPUTED = {"pacing_state": "minutes so far: 12 of {{45}}"}


def told(template: str, lane: str, domain_code: str | None = None) -> str:
    return prompt(COMMITTED, template, lane, domain_code=domain_code, values=COMPUTED)


# -------------------------------------------------------------------------------- what is committed


def test_every_file_of_the_folder_is_part_of_the_document() -> None:
    on_disk = {path for path in Authoring.path().rglob("*") if path.is_file()}
    digested = {Authoring.path().parent / file.path for file in files_of(Authoring.path())}

    assert digested == on_disk
    assert len(on_disk) == (
        len(COMMITTED.rubrics)
        + len(COMMITTED.rules)
        + len(COMMITTED.templates)
        + len(COMMITTED.shared)
        + 2
    )


def test_a_changed_rule_in_json_makes_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(tmp_path)
    monkeypatch.setattr("aina_assets.warehouse.authored.AUTHORED", tmp_path)
    before = digest_of_files(files_of(folder))

    changed(
        folder, "domain_rules/vocabulary_tracking.json", "Idea before name", "Ideas before name"
    )

    assert digest_of_files(files_of(folder)) != before
    assert Authoring.load(folder) != COMMITTED


@pytest.mark.parametrize(("template", "lane"), PLACES)
def test_a_prompt_carries_its_rules_and_rubrics_whole(template: str, lane: str) -> None:
    text = told(template, lane)
    one = COMMITTED.template_by_name[template]
    rubrics = COMMITTED.rubrics_for(template, lane)

    assert bool(rubrics) == ("rubric_section" in one.variables)
    for rubric in rubrics:
        assert rubric.text in text
    carried = COMMITTED.rules_for(one.skill(lane)) if "domain_rules" in one.variables else ()
    for rule in COMMITTED.rules:
        last_line = next(line for line in reversed(rule.text.splitlines()) if line != "```")
        assert (last_line in text) == (rule in carried), rule.name
    for variable in one.variables:
        assert f"{{{{{variable}}}}}" not in text


def test_a_lane_gets_the_rules_of_the_skill_that_works_in_it() -> None:
    one = COMMITTED.template_by_name["build_blueprint"]

    assert [one.skill(lane) for lane in one.lanes] == ["build_blueprint", "build_applet_screens"]
    assert "# Module-level tropes" in told("build_blueprint", "mod_review")
    assert "# Module-level tropes" not in told("build_blueprint", "app_review")


def test_a_domain_is_scored_by_its_own_rubric() -> None:
    text = told("score_rubric_domain", "app_review", "L")

    for rubric in COMMITTED.rubrics:
        is_it = rubric.name == "applet_L"
        assert (rubric.text in text) == is_it, rubric.name


def test_braces_within_a_value_stay_text() -> None:
    assert "minutes so far: 12 of {{45}}" in told("enrich_experience", "mod_review")


def test_a_computed_value_must_be_handed_over() -> None:
    with pytest.raises(AuthoredDocumentError, match="pacing_state"):
        prompt(COMMITTED, "enrich_experience", "mod_review")


@pytest.mark.parametrize(
    ("template", "lane"), [("enrich_experience", "app_review"), ("no_such", "mod_review")]
)
def test_a_prompt_that_is_not_there_is_named(template: str, lane: str) -> None:
    with pytest.raises(AuthoredDocumentError, match=template):
        prompt(COMMITTED, template, lane)


def test_one_entry_is_asked_for_after_everything_else() -> None:
    whole = told("derive_lo_brief", "ch_research")

    one_entry = prompt(COMMITTED, "derive_lo_brief", "ch_research", one_entry=True)

    assert one_entry == f"{whole}\n\n{COMMITTED.shared['refine_entry']}"


def test_criteria_say_what_they_apply_to() -> None:
    rubric = COMMITTED.rubric_by_name["module_P"]
    assert isinstance(rubric, Rubric)
    by_id = {one.id: one for one in rubric.criteria}

    assert [by_id["P8"].applies_to(kind) for kind in ("practice", "concept")] == [True, False]
    assert by_id["P1"].applies_to("concept")


def test_examples_in_prompts_are_json() -> None:
    blocks = [
        block.partition("```")[0]
        for one in COMMITTED.templates
        for block in one.body.split("```json\n")[1:]
    ]

    assert blocks
    for block in blocks:
        assert json.loads(block)


def test_a_value_of_the_front_matter_holds_for_every_lane() -> None:
    said = {
        "name": "one",
        "lanes": ["a", "b"],
        "variables": ["anti_bias"],
        "rubrics": {"a": "guide", "b": ["guide", "other"]},
        "reads": ["input"],
        "produces": {"a": "this", "b": "that"},
        "body": "text",
    }

    one = Template.model_validate(said)

    assert one.reads == {"a": ("input",), "b": ("input",)}
    assert one.rubrics == {"a": ("guide",), "b": ("guide", "other")}
    assert one.produces == {"a": "this", "b": "that"}


# ---------------------------------------------------------------------------------- what is refused

MALFORMED = {
    "a field twice": (
        "rubrics/applet_D.yaml",
        "scope: applet\n",
        "scope: applet\nscope: applet\n",
        3,
        "scope stands twice",
    ),
    "no YAML": ("lanes.yaml", "bridges:\n", "bridges: ]\n", -1, "did not find expected"),
    "no such field": (
        "rubrics/module_X.yaml",
        "scope: module\n",
        "scope: module\nweight: 2\n",
        3,
        "weight",
    ),
    "a value of another kind": (
        "rubrics/applet_D.yaml",
        "points: 25",
        "points: many",
        5,
        "points: Input should be a valid integer",
    ),
    "no shape": (
        "field_contracts.yaml",
        "shape: {variants: array, invariants: array}",
        "shape: {variants: several, invariants: array}",
        -1,
        "'several' is no shape",
    ),
    "no JSON": ("domain_rules/vocabulary_tracking.json", '"tier": "B",', '"tier": "B"', 5, "','"),
    "a tier that is none": (
        "domain_rules/vocabulary_tracking.json",
        '"tier": "B"',
        '"tier": "C"',
        4,
        "tier",
    ),
    "front matter that is not closed": (
        "prompts/build_spine.md",
        "produces: blueprint_spine\n---\n",
        "produces: blueprint_spine\n",
        1,
        "none",
    ),
    "a prompt that produces nothing": (
        "prompts/build_spine.md",
        "produces: blueprint_spine\n",
        "",
        2,
        "produces",
    ),
    "another name than the file's": (
        "domain_rules/scope_discipline.md",
        "name: scope_discipline",
        "name: scope",
        2,
        "name: scope",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_refused_by_its_line(tmp_path: Path, case: str) -> None:
    file, old, new, line, found = MALFORMED[case]
    folder = copied(tmp_path)
    changed(folder, file, old, new)
    if line < 0:
        text = (folder / file).read_text(encoding="utf-8")
        line = text[: text.index(new)].count("\n") + 1

    error = refusal(folder)

    assert error.where == f"{folder / file}:{line}"
    assert found in error.found
    assert "docs/authoring.md" in error.remedy


def test_every_malformed_file_is_named_at_once(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    changed(folder, "rubrics/applet_D.yaml", "points: 25", "points: many")
    changed(folder, "prompts/build_spine.md", "produces: blueprint_spine\n", "")
    (folder / "lanes.yaml").write_text("lanes: [", encoding="utf-8")
    (folder / "shared" / "anti_bias.md").write_bytes(b"---\nname: \xff\n---\n")

    found = refusal(folder).found

    for file in ("applet_D.yaml", "build_spine.md", "lanes.yaml", "anti_bias.md"):
        assert file in found


@pytest.mark.parametrize(
    "file", ["rubrics/notes.md", "domain_rules/rule.yaml", "prompts/old/build_spine.md"]
)
def test_a_file_that_nothing_reads_is_refused(tmp_path: Path, file: str) -> None:
    folder = copied(tmp_path)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("---\nname: x\n---\ntext\n", encoding="utf-8")

    assert refusal(folder).where == f"{folder / file}:1"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for path in (folder / "shared").iterdir():
        path.unlink()

    assert refusal(folder).where == f"{folder / 'shared'}:1"
