"""Labelled titles: both layouts, and everything that a list is refused for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from upath import UPath

from aina_assets.contracts.errors import SourceFormatError
from aina_assets.contracts.vocabulary import AbsenceReason, AllowedUse, SourceClass
from aina_assets.sources.files import Absence, SourceFile, SourceFiles
from aina_assets.sources.tables import LabelledTitles
from aina_assets.sources.title_labels import labelled_titles
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import arrow_schema
from aina_assets_tests.conftest import build_into

APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
HEADER = ("2018 SOC Code", "2018 SOC Title", "2018 SOC Direct Match Title", "Illustrative Example")


def of(*paths: Path) -> SourceFiles:
    files = tuple(
        SourceFile(
            local_path=path,
            path=f"titles/{path.name}",
            sha256=sha256_of_file(path)[0],
            source="titles_of_a_user",
            release="1",
            source_class=SourceClass.MARKET_SIGNAL,
            allowed_use=AllowedUse.OPEN,
        )
        for path in paths
    )
    return SourceFiles("labelled_titles", files)


def csv_of(folder: Path, *lines: str) -> Path:
    path = folder / "labelled.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def workbook_of(folder: Path, *rows: Sequence[Any], header: Sequence[str] = HEADER) -> Path:
    """As BLS lays it out: what it is on top, then the header."""
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    for row in [("A bureau",), ("Direct match titles",), (), header, *rows]:
        sheet.append(list(row))
    path = folder / "labelled.xlsx"
    workbook.save(path)
    return path


def rows_of(*paths: Path) -> list[dict[str, Any]]:
    frame = labelled_titles(of(*paths))
    assert not [finding for finding in judge(frame, LabelledTitles) if not finding.passed]
    return list(frame.to_pylist())


def refusal_of(path: Path) -> SourceFormatError:
    with pytest.raises(SourceFormatError) as caught:
        labelled_titles(of(path))
    return caught.value


def test_a_csv_list(tmp_path: Path) -> None:
    path = csv_of(
        tmp_path,
        "soc_2018,soc_2018_title,direct_match_title,illustrative_example",
        "15-1252,Software Developers, Tool Smith ,x",
        '11-1011,Chief Executives,"Chief, Guild",',
        "11-1011,Chief Executives,Tool Smith,X",
    )

    first, second, third = rows_of(path)

    assert first == {
        "labelled_list": "titles/labelled.csv",
        "title": " Tool Smith ",
        "code": "15-1252",
        "code_level": "detailed",
        "is_illustrative": True,
        "source": "titles_of_a_user",
        "source_row": 1,
        "source_class": "market_signal",
        "allowed_use": "open",
    }
    assert (second["title"], second["is_illustrative"]) == ("Chief, Guild", False)
    assert (third["source_row"], third["is_illustrative"]) == (3, True)


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("title", "soc_code"),
        ("Title", "SOC Code"),
        ("direct_match_title", "soc_2018"),
        ("title", "onet_soc_code"),
    ],
)
def test_the_names_a_column_may_have(tmp_path: Path, title: str, code: str) -> None:
    path = csv_of(tmp_path, f"{code},{title},remark", "15-1252,Tool Smith,a", "15-2051.01,Seer,b")

    rows = rows_of(path)

    assert [(row["title"], row["code"], row["code_level"]) for row in rows] == [
        ("Tool Smith", "15-1252", "detailed"),
        ("Seer", "15-2051.01", "onet_soc"),
    ]
    assert {row["is_illustrative"] for row in rows} == {None}, "the list does not say"


def test_the_workbook(tmp_path: Path) -> None:
    path = workbook_of(
        tmp_path,
        ("11-1011", "Chief Executives", f"Smiths{APOSTROPHE} Guild Chief", "x"),
        (None, None, None, None),
        ("15-1252 ", "Software Developers", "Tool Smith", None),
        ("15-1252", "Software Developers", "Tool Forger"),
    )

    rows = rows_of(path)

    assert [(r["title"], r["code"], r["is_illustrative"], r["source_row"]) for r in rows] == [
        ("Smiths' Guild Chief", "11-1011", True, 1),
        ("Tool Smith", "15-1252", False, 3),
        ("Tool Forger", "15-1252", False, 4),
    ]


def test_several_lists_side_by_side(tmp_path: Path) -> None:
    one = csv_of(tmp_path, "title,soc_code", "Tool Smith,15-1252")
    two = workbook_of(tmp_path, ("11-1011", "Chief Executives", "Guild Chief", "x"))

    rows = rows_of(one, two)

    assert [(row["labelled_list"], row["source_row"]) for row in rows] == [
        ("titles/labelled.csv", 1),
        ("titles/labelled.xlsx", 1),
    ]


def test_a_list_that_is_absent_is_no_rows() -> None:
    absence = Absence("titles/labelled.csv", AbsenceReason.NOT_ON_DISK, "not on disk")

    frame = labelled_titles(SourceFiles("labelled_titles", (), (absence,)))

    assert frame.num_rows == 0
    assert frame.schema == arrow_schema(LabelledTitles)


def test_a_column_that_names_a_person_is_refused_on_the_header_alone(tmp_path: Path) -> None:
    plain = csv_of(tmp_path, "title,soc_code,Full Name,email", "Tool Smith,no code,Ada,a@b.example")
    book = workbook_of(tmp_path, ("no code", "", "", "", "Ada"), header=(*HEADER, "Last Name"))

    for path, named in ((plain, "Full Name, email"), (book, "Last Name")):
        error = refusal_of(path)
        assert "names or reaches a person" in error.expected
        assert named in error.found
        assert f"remove the columns {named}" in error.remedy
        assert "Ada" not in str(error)


@pytest.mark.parametrize(
    "code",
    ["", "151252", "15-1250", "15-1252.0", "15-1252.00.1", "15\u20131252", " 15-1252", "n/a"],
)
def test_a_code_that_is_none_is_an_error_with_row_and_value(tmp_path: Path, code: str) -> None:
    error = refusal_of(
        csv_of(tmp_path, "title,soc_code", "Guild Chief,11-1011", f"Tool Smith,{code}")
    )

    assert "titles/labelled.csv, data row 2" in error.where
    assert error.found == repr(code)
    assert "NN-NNNN" in error.expected


def test_a_wrong_code_in_the_workbook(tmp_path: Path) -> None:
    error = refusal_of(workbook_of(tmp_path, (), ("15-0000", "Computer", "Tool Smith", "x")))

    assert "data row 2" in error.where
    assert error.found == "'15-0000'"


def test_a_row_without_a_title(tmp_path: Path) -> None:
    error = refusal_of(csv_of(tmp_path, "title,soc_code", "  ,15-1252"))

    assert "data row 1" in error.where
    assert "a title" in error.expected


def test_a_mark_of_another_kind(tmp_path: Path) -> None:
    error = refusal_of(
        csv_of(tmp_path, "title,soc_code,illustrative_example", "Tool Smith,15-1252,yes")
    )

    assert error.found == "'yes'"
    assert "data row 1" in error.where


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("title,code", "soc_code"),
        ("headline,soc_code", "direct_match_title"),
        ("title,soc_code,onet_soc_code", "soc_code, onet_soc_code"),
        ("title,direct_match_title,soc_code", "title, direct_match_title"),
    ],
)
def test_one_title_and_one_code_column(tmp_path: Path, header: str, said: str) -> None:
    error = refusal_of(csv_of(tmp_path, header, ",".join("x" * (header.count(",") + 1))))

    assert "one column of" in error.expected
    assert said in f"{error.expected} {error.found}"


def test_a_workbook_of_another_kind(tmp_path: Path) -> None:
    assert "2018 SOC Code" in refusal_of(workbook_of(tmp_path, header=("Code", "Title"))).expected
    missing = refusal_of(workbook_of(tmp_path, header=HEADER[:3]))
    assert "Illustrative Example" in missing.found


@pytest.mark.parametrize("is_in_the_lock", [True, False])
def test_without_the_list_the_table_is_empty_and_says_why(
    tmp_path: Path, is_in_the_lock: bool
) -> None:
    document = yaml.safe_load((AUTHORED / "sample" / "sources.lock.yaml").read_text("utf-8"))
    document["name"] = "no_expectations"
    if is_in_the_lock:
        (file,) = document["sources"]["titles_labelled"]["files"]
        file.update(path="titles/not_there.csv", required=False)
    else:
        del document["sources"]["titles_labelled"]
    lock = tmp_path / "sources.lock.yaml"
    lock.write_text(yaml.safe_dump(document), encoding="utf-8")

    home = tmp_path / "home"
    outcome = build_into(
        home,
        lock=lock,
        cache=AUTHORED / "sample",
        select='key:"upstream/labelled_titles" or key:"labelled_titles"',
    )

    assert outcome.is_good, outcome.failed
    store = Store(UPath(home))
    assert store.read("labelled_titles").num_rows == 0
    record = store.record("upstream/labelled_titles")
    assert record is not None
    (entry,) = record.details["files"]
    assert entry["status"] == "absent"
    assert entry["reason"] == ("not_on_disk" if is_in_the_lock else "not_pinned")
