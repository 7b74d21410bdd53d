"""The derived maps keep who said what: vintages, shared texts, ambiguity, disagreement, use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.tables import Table
from aina_assets.work_graph import audits, maps, tables


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def rows(*records: dict[str, Any], source: str = "research", use: str = "attribution") -> pa.Table:
    return pa.Table.from_pylist(
        [{"source_class": source, "allowed_use": use, **record} for record in records]
    )


def accepted(frame: pa.Table, model: type[Table]) -> list[dict[str, Any]]:
    findings = [finding for finding in judge(frame, model) if not finding.passed]
    assert findings == []
    found: list[dict[str, Any]] = frame.to_pylist()
    return found


GROUPS = rows(
    {"soc_code": "13-0000", "level": "major", "title": "Business", "broad_code": None},
    {"soc_code": "13-1020", "level": "broad", "title": "Buyers", "broad_code": "13-1020"},
    {"soc_code": "13-1021", "level": "detailed", "title": "Farm Buyers", "broad_code": "13-1020"},
    {"soc_code": "13-1022", "level": "detailed", "title": "Retail Buyers", "broad_code": "13-1020"},
    {"soc_code": "13-2011", "level": "detailed", "title": "Accountants", "broad_code": "13-2010"},
    source="canonical",
    use="open",
).append_column("major_code", pa.array(["13-0000"] * 5))

CROSSWALKS = rows(
    *(
        {"crosswalk": crosswalk, "from_code": old, "to_code": new}
        for crosswalk, old, new in (
            ("onet_soc_2010_to_onet_soc_2019", "13-2011.00", "13-2011.00"),
            ("onet_soc_2010_to_onet_soc_2019", "13-1099.00", "13-1021.00"),
            ("onet_soc_2010_to_onet_soc_2019", "13-1099.00", "13-1022.00"),
            ("onet_soc_2019_to_soc_2018", "13-2011.00", "13-2011"),
            ("onet_soc_2019_to_soc_2018", "13-1021.00", "13-1021"),
            ("onet_soc_2019_to_soc_2018", "13-1022.00", "13-1022"),
        )
    ),
    source="canonical",
    use="open",
)

TASKS = rows(
    {"task_id": 1, "onet_soc_2010_code": "13-2011.00", "task": "Check ledgers."},
    {"task_id": 2, "onet_soc_2010_code": "13-1099.00", "task": "Check Ledgers. "},
    {"task_id": 3, "onet_soc_2010_code": "13-1099.00", "task": "Meet sellers."},
    {"task_id": 4, "onet_soc_2010_code": "13-1099.00", "task": "Never asked of AI."},
)

USAGE = rows(
    {"release": "2025-02-10", "task_name": "check ledgers.", "usage_pct": 6.0},
    {"release": "2025-02-10", "task_name": "meet sellers.", "usage_pct": 2.0},
    {"release": "2025-02-10", "task_name": "none", "usage_pct": 50.0},
    {"release": "2025-02-10", "task_name": "a task nobody has", "usage_pct": 42.0},
    {"release": "2025-03-27", "task_name": "meet sellers.", "usage_pct": 99.0},
)


def exposure(con: duckdb.DuckDBPyConnection) -> pa.Table:
    return maps.task_exposure(con, TASKS, USAGE, CROSSWALKS)


def test_usage_of_a_shared_text_is_split_and_scaled_to_what_found_a_task(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = {row["task_id"]: row for row in accepted(exposure(con), tables.TaskExposure)}
    assert {task: row["usage_pct"] for task, row in found.items()} == {1: 37.5, 2: 37.5, 3: 25.0}
    assert found[1]["shared_by"] == 2
    assert found[3]["onet_soc_2019_codes"] == "13-1021.00,13-1022.00"
    assert found[3]["onet_soc_2019_count"] == 2


def legacy(con: duckdb.DuckDBPyConnection, *wages: dict[str, Any]) -> pa.Table:
    employment = rows({"major_group_title": "Business", "employment": 100})
    return maps.legacy_signals(
        con, rows(*wages), employment, TASKS, exposure(con), GROUPS, CROSSWALKS
    )


def wage(code: str, salary: float, chance: float | None = None) -> dict[str, Any]:
    return {
        "onet_soc_2010_code": code,
        "title": f"Occupation {code}",
        "median_salary": float(salary),
        "job_forecast": 10,
        "automation_chance_pct": chance,
    }


def test_legacy_signals_keep_their_vintage_and_their_unit(con: duckdb.DuckDBPyConnection) -> None:
    frame = legacy(
        con,
        wage("13-2011.00", 70_000, 90.0),
        wage("13-2011.01", 70_000),
        wage("13-1099.00", 21.5),
    )
    found = {row["soc_2010_code"]: row for row in accepted(frame, tables.LegacySignals)}
    assert found["13-2011"]["salary_unit"] == "year"
    assert found["13-2011"]["occupation_count"] == 2
    assert found["13-2011"]["automation_chance_pct"] == 90.0
    assert found["13-1099"]["salary_unit"] == "hour"
    assert found["13-1099"]["soc_2018_codes"] == "13-1021,13-1022"
    assert found["13-1099"]["major_group_employment"] == 100
    assert (found["13-1099"]["used_task_count"], found["13-1099"]["task_count"]) == (2, 3)


def test_two_salaries_for_one_code_do_not_pass_the_gate(con: duckdb.DuckDBPyConnection) -> None:
    frame = legacy(con, wage("13-2011.00", 70_000, 1.0), wage("13-2011.01", 71_000))
    failed = [item.rule for item in judge(frame, tables.LegacySignals) if not item.passed]
    assert failed == ["key"]


def gdpval(*occupations: str) -> pa.Table:
    return rows(
        *(
            {
                "task_id": f"t{number}",
                "occupation": occupation,
                "sector": "Trade",
                "has_reference_files": number % 2 == 0,
                "has_deliverables": True,
                "rubric_item_count": 3,
                "rubric_points": 9,
            }
            for number, occupation in enumerate(occupations)
        ),
        source="benchmark",
        use="internal_only",
    )


def test_gdpval_is_placed_by_exact_title_and_a_broad_title_stays_ambiguous(
    con: duckdb.DuckDBPyConnection,
) -> None:
    frame = maps.gdpval_task_map(con, gdpval("Accountants", "Buyers", "Wizards"), GROUPS)
    found = {row["occupation"]: row for row in accepted(frame, tables.GdpvalTaskMap)}
    assert (found["Accountants"]["soc_code"], found["Accountants"]["soc_match"]) == (
        "13-2011",
        "detailed",
    )
    assert (found["Buyers"]["soc_code"], found["Buyers"]["soc_match"]) == ("13-1020", "broad")
    assert (found["Wizards"]["soc_code"], found["Wizards"]["soc_match"]) == (None, "unmatched")
    groups = accepted(maps.gdpval_soc_map(con, frame, GROUPS), tables.GdpvalSocMap)
    members = {row["soc_code"]: row["detailed_codes"] for row in groups}
    assert members == {"13-2011": "13-2011", "13-1020": "13-1021,13-1022"}


def test_soc_map_says_in_which_vintage_a_code_is_valid_and_what_its_rows_allow(
    con: duckdb.DuckDBPyConnection,
) -> None:
    task_map = maps.gdpval_task_map(con, gdpval("Buyers"), GROUPS)
    frame = maps.soc_map(
        con,
        rows({"soc_code": "13-2011", "title": "Accountants", "observed_exposure": 0.5}),
        legacy(con, wage("13-2011.00", 70_000, 1.0), wage("13-1099.00", 60_000)),
        maps.gdpval_soc_map(con, task_map, GROUPS),
        GROUPS,
    )
    found = {row["soc_code"]: row for row in accepted(frame, tables.SocMap)}
    assert found.keys() == {"13-2011", "13-1099", "13-1020"}
    assert found["13-1099"]["soc_vintage"] == "2010"
    assert found["13-1099"]["soc_2018_codes"] == "13-1021,13-1022"
    assert found["13-2011"]["soc_vintage"] == "2018"
    assert found["13-2011"]["allowed_use"] == "attribution"
    assert found["13-2011"]["source_class"] == "canonical+research"
    assert found["13-1020"]["allowed_use"] == "internal_only"
    assert found["13-1020"]["source_class"] == "benchmark+canonical"


def measures(con: duckdb.DuckDBPyConnection) -> pa.Table:
    values = [("13-1021", 0.1, 0.9), ("13-1022", 0.5, 0.5), ("13-2011", 0.5, 0.2)]
    return maps.exposure_measures(
        con,
        rows(*({"soc_code": code, "observed_exposure": one} for code, one, _ in values)),
        rows(*({"soc_code": code, "applicability": two} for code, _, two in values)),
        rows(
            {"onet_soc_code": "13-2011.00", "model_beta": 0.2},
            {"onet_soc_code": "13-2011.01", "model_beta": 0.6},
        ),
    )


def test_three_measures_stay_apart_and_their_disagreement_is_shown(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = {
        (row["soc_code"], row["measure"]): row
        for row in accepted(measures(con), tables.ExposureMeasures)
    }
    assert len(found) == 7
    mean_of_two = found["13-2011", "gpts_are_gpts"]
    assert (mean_of_two["value"], mean_of_two["occupation_count"]) == (0.4, 2)
    assert found["13-1021", "economic_index"]["rank_spread"] == 100.0
    assert found["13-1021", "economic_index"]["measure_count"] == 2
    assert found["13-2011", "working_with_ai"]["measure_count"] == 3


def test_agreement_is_spearmans_rank_correlation(con: duckdb.DuckDBPyConnection) -> None:
    frame = measures(con)
    wide = frame.to_pandas().pivot_table(index="soc_code", columns="measure", values="value")
    ranks = wide[["economic_index", "working_with_ai"]].rank()
    expected = ranks["economic_index"].corr(ranks["working_with_ai"])
    found = accepted(maps.exposure_agreement(con, frame), tables.ExposureAgreement)
    by_pair = {(row["measure"], row["other_measure"]): row for row in found}
    assert by_pair["economic_index", "working_with_ai"]["rank_correlation"] == pytest.approx(
        expected, abs=1e-9
    )
    assert by_pair["economic_index", "gpts_are_gpts"]["rank_correlation"] is None
    assert isinstance(wide, pd.DataFrame)


def test_codes_that_do_not_join_are_named(con: duckdb.DuckDBPyConnection) -> None:
    code = "onet_soc_code"
    frame = audits.soc_join_report(
        con,
        GROUPS,
        CROSSWALKS,
        occupations=rows({code: "13-2011.00"}, {code: "99-9999.00"}),
        economic_index_exposure=rows({"soc_code": "13-2011"}),
        economic_index_wages=rows({"onet_soc_2010_code": "13-1099.00"}),
        economic_index_tasks=rows({"onet_soc_2010_code": "13-9999.00"}),
        working_with_ai_scores=rows({"soc_code": "13-1020"}),
        gpts_occupations=rows({code: "13-2011.00"}),
        bls_wages=rows(
            {"soc_code": "13-0000", "occupation_level": "major"},
            {"soc_code": "13-2011", "occupation_level": "detailed"},
        ),
        gdpval_soc_map=rows({"soc_code": "13-1020"}),
    )
    unmatched = {
        row["table_name"]: row["unmatched_codes"]
        for row in accepted(frame, tables.SocJoinReport)
        if row["unmatched_count"]
    }
    assert unmatched == {
        "occupations": "99-9999.00",
        "economic_index_tasks": "13-9999.00",
        "working_with_ai_scores": "13-1020",
        "gdpval_soc_map": "13-1020",
    }
