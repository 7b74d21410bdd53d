"""The committed curriculum is whole, and one that contradicts itself is refused by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.curriculum.policy import Curriculum, CurriculumRules
from aina_assets.sources.lockfile import read_lock
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.work_graph.policy import Families
from aina_assets_tests.curriculum.written import LADDER, MODULE, changed, module, write

COMMITTED = Curriculum.load()
FILES = sorted((AUTHORED / "curriculum").rglob("*.md"))


# ---------------------------------------------------------------------------- what is committed


def test_every_committed_file_is_a_module() -> None:
    found = {f"{file.parent.name}_{file.stem}" for file in FILES}

    assert {module.id for module in COMMITTED.modules} == set(COMMITTED.by_id) == found
    assert len(COMMITTED.modules) == len(FILES) > 0


def test_every_family_has_one_module_a_level() -> None:
    at = Counter((module.family, module.level) for module in COMMITTED.modules)

    assert at == {
        (family.id, level.level): 1
        for family in Families.load().families
        for level in COMMITTED.levels
    }


def test_a_module_stands_on_the_level_below() -> None:
    for one in COMMITTED.modules:
        levels = {COMMITTED.by_id[name].level for name in one.requires}
        assert levels == ({one.level - 1} if one.level > 1 else set()), one.id


@pytest.mark.parametrize("lock", ["sample", "upstream"])
def test_modules_stand_on_sources_that_the_locks_name(lock: str) -> None:
    named = set(read_lock(AUTHORED / lock / "sources.lock.yaml").sources)

    assert {source for one in COMMITTED.modules for source in one.sources} <= named


def test_occupations_are_called_as_gdpval_calls_them(mirror: Path) -> None:
    (file,) = (mirror / "huggingface" / "openai" / "gdpval").rglob("*.parquet")
    known = set(pq.ParquetFile(file).read(["occupation"])["occupation"].to_pylist())
    named = {name for one in COMMITTED.modules for name in one.gdpval.occupations}

    assert named
    assert named <= known


def test_the_rules_of_depth_are_a_document() -> None:
    rules = CurriculumRules.load()

    assert rules.usage_source in {source for one in COMMITTED.modules for source in one.sources}
    assert [word.casefold() for word in rules.vague_words] == list(rules.vague_words)


# -------------------------------------------------------------------------------- what is refused


def refusal(folder: Path) -> AuthoredDocumentError:
    """The error that the curriculum in ``folder`` is refused with."""
    with pytest.raises(AuthoredDocumentError) as refused:
        Curriculum.load(folder)
    assert "Traceback" not in str(refused.value)
    return refused.value


def test_a_folder_is_a_curriculum(tmp_path: Path) -> None:
    found = Curriculum.load(
        write(
            tmp_path,
            sales__map=module("map", level=1),
            sales__quote_check=module("quote_check", requires=["sales_map"]),
            paid_media__map=module("map", family="paid_media", level=1),
        )
    )

    assert set(found.by_id) == {"sales_map", "sales_quote_check", "paid_media_map"}
    assert found.by_id["sales_quote_check"].requires == ("sales_map",)
    assert [level.level for level in found.levels] == [1, 2, 3]


def test_an_id_twice_is_refused(tmp_path: Path) -> None:
    """Two files of two folders can still spell the same id."""
    folder = write(
        tmp_path,
        sales__team_map=module("team_map", family="sales"),
        sales_team__map=module("map", family="sales_team"),
    )

    assert "modules more than once: sales_team_map" in refusal(folder).found


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("sales__quote", "id sales_quote and family sales"),
        ("paid_media__quote_check", "id paid_media_quote_check and family paid_media"),
        ("quote_check", "a module in the folder of its family"),
        ("sales__drafts__quote_check", "a module in the folder of its family"),
    ],
)
def test_a_file_in_the_wrong_place_is_refused(tmp_path: Path, place: str, expected: str) -> None:
    folder = write(tmp_path, **{place: MODULE})

    error = refusal(folder)

    assert expected in error.expected
    assert error.where.startswith(str(folder / place.replace("__", "/")))
    assert str(folder / "sales") in error.remedy or "rename" in error.remedy


@pytest.mark.parametrize(
    ("required", "found"),
    [
        ("sales_nothing", "sales_quote_check requires sales_nothing, which is no module"),
        ("sales_quote_check", "requires sales_quote_check (level 2 of sales): only lower levels"),
        ("sales_peer", "requires sales_peer (level 2 of sales): only lower levels"),
        ("sales_policy", "requires sales_policy (level 3 of sales): only lower levels"),
        ("paid_media_map", "requires paid_media_map (level 1 of paid_media): only lower levels"),
    ],
)
def test_a_module_requires_lower_ones_of_its_family_only(
    tmp_path: Path, required: str, found: str
) -> None:
    folder = write(
        tmp_path,
        sales__map=module("map", level=1),
        sales__peer=module("peer"),
        sales__policy=module("policy", level=3),
        paid_media__map=module("map", family="paid_media", level=1),
        sales__quote_check=module("quote_check", requires=["sales_map", required]),
    )

    error = refusal(folder)

    assert found in error.found
    assert error.where == str(folder)


def test_a_level_beyond_the_ladder_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, sales__quote_check=module("quote_check", level=4))

    assert "sales_quote_check: level 4 of 3" in refusal(folder).found


@pytest.mark.parametrize("word", ["price list", "what's", "price/offer", "-", "' '"])
def test_words_that_no_workflow_can_have_are_refused(tmp_path: Path, word: str) -> None:
    text = changed(MODULE, ("[quote, prices]", f'[quote, "{word}"]'))

    found = refusal(write(tmp_path, sales__quote_check=text)).found

    assert "sales_quote_check: no workflow has" in found
    assert word in found


def test_every_malformed_module_is_named(tmp_path: Path) -> None:
    broken = changed(MODULE, ("min_rows: 3", "min_rows: 0"))
    folder = write(
        tmp_path,
        paid_media__map="",
        sales__map=module("map", level=1),
        sales__misplaced=MODULE,
        sales__quote_check=broken,
    )
    line = broken[: broken.index("min_rows: 0")].count("\n") + 1

    error = refusal(folder)

    assert error.where == f"{folder / 'paid_media' / 'map.md'}:1"
    for name, found in (
        ("paid_media/map.md:1", "''"),
        ("sales/misplaced.md:2", "id sales_quote_check"),
        (f"sales/quote_check.md:{line}", "min_rows"),
    ):
        assert f"{folder / name}: " in error.found
        assert found in error.found
    assert "sales/map.md" not in error.found


@pytest.mark.parametrize(
    ("ladder", "found"),
    [
        (changed(LADDER, ("level: 2", "level: 4")), "levels count from 1 without a gap"),
        (changed(LADDER, ("level: 1", "level: 2")), "levels count from 1 without a gap"),
        (changed(LADDER, ("level: 1,", "level: 0,")), "levels.0.level"),
        ("levels: []\n", "levels"),
        (changed(LADDER, ("name: Assisted, ", "")), "levels.1.name"),
    ],
    ids=["gap", "twice", "level 0", "no level", "missing field"],
)
def test_a_ladder_that_contradicts_itself_is_refused(
    tmp_path: Path, ladder: str, found: str
) -> None:
    error = refusal(write(tmp_path, ladder=ladder))

    assert found in error.found
    assert error.where == str(tmp_path)


@pytest.mark.parametrize(
    ("ladder", "found"),
    [
        ("levels: [", "expected the node content"),
        ("steps: []\n", "steps"),
        (f"{LADDER}modules: []\n", "levels, modules"),
        (f"{LADDER}levels: []\n", "levels stands twice"),
        ("- level: 1\n", "list"),
        ("", "NoneType"),
        ("levels: 2026-99-99\n", "cannot be read as timestamp"),
        (LADDER.replace("Knows", "Kn\u00f6ws").encode("cp1252"), "0xf6"),
    ],
    ids=["YAML", "field", "one more", "twice", "list", "empty", "date", "encoding"],
)
def test_a_ladder_that_cannot_be_read_is_refused(
    tmp_path: Path, ladder: str | bytes, found: str
) -> None:
    error = refusal(write(tmp_path, ladder=ladder, sales__quote_check=MODULE))

    assert found in error.found
    assert error.where == str(tmp_path / "ladder.yaml")


def test_a_curriculum_without_a_ladder_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, sales__quote_check=MODULE)
    (folder / "ladder.yaml").unlink()

    assert "ladder.yaml" in refusal(folder).where


def test_a_ladder_as_an_editor_saves_it(tmp_path: Path) -> None:
    written = ("\ufeff" + LADDER.replace("\n", "\r\n")).encode()

    assert len(Curriculum.load(write(tmp_path, ladder=written)).levels) == 3
