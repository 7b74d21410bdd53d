"""Recorded figures: what they can say of a table, and that none of them is a slip of the pen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from aina_assets.authoring.knowledge_tables import KbEnrichmentEvents
from aina_assets.authoring.lane_tables import GateSubjects, LaneDocuments
from aina_assets.contracts.errors import AinaError
from aina_assets.location import all_models
from aina_assets.review.tables import DecisionRows
from aina_assets.warehouse.expectations import (
    COLUMNS,
    Expectation,
    figure_of,
    read_expectations,
)
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.tables import columns_of

HEADER = ",".join(COLUMNS) + "\n"
RECORDED = sorted((AUTHORED / "expectations").glob("*.csv"))

FRAME = pa.table(
    {
        "finding": ["share", "count", "unknown", "twice", "twice"],
        "value": [0.36, 5.0, None, 1.0, 2.0],
        "sector": ["a", "b", "a", None, "b"],
        "is_held": [True, False, None, True, True],
        "rows": pa.array([1, 2, 3, 4, 5], pa.int64()),
    }
)


@pytest.mark.parametrize(
    ("figure", "found"),
    [
        ("row_count", 5.0),
        ("distinct:sector", 2.0),
        ("true:is_held", 3.0),
        ("share:value", 0.36),
        ("count:rows", 2.0),
        ("unknown:value", None),
        ("twice:value", None),
        ("no_such_row:value", None),
        ("share:no_such_column", None),
        ("distinct:no_such_column", None),
        ("no_such_figure", None),
    ],
)
def test_a_figure_of_a_table(figure: str, found: float | None) -> None:
    assert figure_of(FRAME, figure) == found


def test_figures_of_an_empty_table() -> None:
    empty = FRAME.slice(0, 0)

    assert figure_of(empty, "row_count") == 0.0
    assert figure_of(empty, "true:is_held") == 0.0
    assert figure_of(empty, "share:value") is None


@pytest.mark.parametrize(
    ("expected", "tolerance", "is_missed"),
    [(0.36, 0.0, False), (0.35, 0.011, False), (0.35, 0.001, True), (0.37, 0.001, True)],
)
def test_a_figure_is_reproduced_within_its_tolerance(
    expected: float, tolerance: float, is_missed: bool
) -> None:
    item = Expectation("findings", "share:value", expected, tolerance, "a report")

    assert (item.miss(FRAME) is not None) == is_missed


def test_a_miss_says_what_was_expected_and_found() -> None:
    close = Expectation("findings", "share:value", 0.5, 0.01, "a report")
    exact = Expectation("findings", "row_count", 7, 0, "a count")
    absent = Expectation("findings", "gone:value", 1, 0, "a report")

    assert close.miss(FRAME) == "share:value: expected 0.5 ± 0.01, found 0.36"
    assert exact.miss(FRAME) == "row_count: expected 7, found 5"
    assert absent.miss(FRAME) == "gone:value: expected 1, found no such figure"


def test_a_lock_without_recorded_figures_expects_nothing(tmp_path: Path) -> None:
    assert read_expectations(tmp_path / "none.csv") == {}


def test_figures_are_read_by_table(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        HEADER
        + 'jobs,row_count,3,0,"counted, twice"\n'
        + "jobs,true:is_held,1,0.5,s\nskills,row_count,1,0,s\n",
        encoding="utf-8",
    )

    found = read_expectations(path)

    assert set(found) == {"jobs", "skills"}
    assert found["jobs"] == (
        Expectation("jobs", "row_count", 3.0, 0.0, "counted, twice"),
        Expectation("jobs", "true:is_held", 1.0, 0.5, "s"),
    )


@pytest.mark.parametrize(
    ("text", "found", "where"),
    [
        ("table,figure,expected,source\n", "table, figure, expected, source", "x.csv"),
        ("", "an empty file", "x.csv"),
        (HEADER + "jobs,row_count,many,0,s\n", "many", "line 2"),
        (HEADER + "jobs,row_count,1,0,s\njobs,row_count,1\n", "NoneType", "line 3"),
    ],
)
def test_a_file_out_of_layout_is_refused(tmp_path: Path, text: str, found: str, where: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(AinaError) as caught:
        read_expectations(path)

    assert found in caught.value.found
    assert where in caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_figure_is_one_that_can_be_computed(path: Path) -> None:
    """A misspelt table is expected of nobody: no build would ever miss it."""
    models = all_models()
    for table, items in read_expectations(path).items():
        assert table in models, f"{path.name}: no table {table}"
        columns = columns_of(models[table])
        for item in items:
            if item.figure != "row_count":
                subject, _, column = item.figure.partition(":")
                assert column in columns, f"{path.name}: {table} has no column {column}"
                if subject not in ("distinct", "true"):
                    assert len(models[table].__key__) == 1
                    assert next(iter(columns)) == models[table].__key__[0]
            assert item.tolerance >= 0
            assert item.source, f"{path.name}: {table} {item.figure} does not say where it is from"
        figures = Counter(item.figure for item in items)
        assert max(figures.values()) == 1, f"{path.name}: {table} records a figure twice"


def test_every_table_of_the_sample_has_its_rows_recorded() -> None:
    """Rows lost between two whole rows show in nothing but their number."""
    recorded = read_expectations(AUTHORED / "expectations" / "sample.csv")
    counted = {t for t, items in recorded.items() if any(i.figure == "row_count" for i in items)}

    # These grow with the graph itself, and with what people decide.
    growing = {"check_results", "full_validation", "receipts", "manifest"}
    growing |= {"learner_activity", "beta_feedback", "review_progress", "gate_states"}
    growing |= {"kb_enriched", "authoring_reviews", "curriculum_entries"}
    of_lanes = (DecisionRows, LaneDocuments, GateSubjects, KbEnrichmentEvents)
    growing |= {name for name, item in all_models().items() if issubclass(item, of_lanes)}
    assert set(all_models()) - counted <= growing
