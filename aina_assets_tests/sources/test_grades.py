"""Graded submissions: what is let in, what is refused, and what an absent file leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from upath import UPath

from aina_assets.contracts.errors import SourceFormatError
from aina_assets.contracts.vocabulary import AllowedUse, SourceClass
from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.grades import graded_submissions
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.receipts import read_receipt
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import build_into

SAMPLE = AUTHORED / "sample" / "practice" / "graded_submissions.csv"


def of(folder: Path, text: str) -> SourceFiles:
    path = folder / "graded.csv"
    path.write_text(text, encoding="utf-8")
    file = SourceFile(
        local_path=path,
        path="practice/graded.csv",
        sha256=sha256_of_file(path)[0],
        source="labels_of_a_user",
        release="1",
        source_class=SourceClass.INTERNAL,
        allowed_use=AllowedUse.INTERNAL_ONLY,
    )
    return SourceFiles("graded_submissions", (file,))


def test_labels_are_read_with_where_they_are_from(tmp_path: Path) -> None:
    text = SAMPLE.read_text("utf-8")
    frame = graded_submissions(of(tmp_path, text))

    assert frame.num_rows == len(text.splitlines()) - 1
    last = frame.to_pylist()[-1]
    assert (last["points"], last["outcome"]) == (16, "partial")
    assert last["source_row"] == frame.num_rows
    assert (last["source_class"], last["allowed_use"]) == ("internal", "internal_only")


@pytest.mark.parametrize("column", ["rater_name", "email", "Learner URL"])
def test_a_column_that_names_a_person_is_refused_on_the_header(tmp_path: Path, column: str) -> None:
    header, *rows = SAMPLE.read_text("utf-8").splitlines()
    text = "\n".join([f"{header},{column}", *(f"{row},x" for row in rows)])

    with pytest.raises(SourceFormatError, match=column):
        graded_submissions(of(tmp_path, text))


def test_points_that_are_no_number_are_named(tmp_path: Path) -> None:
    text = SAMPLE.read_text("utf-8").replace("grader,4,4", "grader,most,4", 1)

    with pytest.raises(SourceFormatError, match="'most'") as caught:
        graded_submissions(of(tmp_path, text))
    assert "data row 1" in caught.value.where


def test_without_labels_nothing_is_compared_and_every_module_says_so(tmp_path: Path) -> None:
    document = yaml.safe_load((AUTHORED / "sample" / "sources.lock.yaml").read_text("utf-8"))
    document["name"] = "no_expectations"
    del document["sources"]["practice_labels"]
    lock = tmp_path / "sources.lock.yaml"
    lock.write_text(yaml.safe_dump(document), encoding="utf-8")
    home = tmp_path / "home"

    outcome = build_into(
        home,
        lock=lock,
        cache=AUTHORED / "sample",
        select='+key:"grader_agreement" or +key:"grader_coverage"',
    )

    assert outcome.is_good, outcome.failed
    store = Store(UPath(home))
    assert store.read("graded_submissions").num_rows == 0
    assert store.read("grader_agreement").num_rows == 0
    record = store.record("upstream/graded_submissions")
    assert record is not None
    assert [file["reason"] for file in record.details["files"]] == ["not_pinned"]
    receipt = read_receipt(store, "grader_agreement_v1")
    assert receipt is not None
    assert (receipt.verdict, receipt.counts) == (
        "hold",
        {"not_rated": store.read("modules").num_rows},
    )
