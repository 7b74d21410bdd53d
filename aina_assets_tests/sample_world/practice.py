"""Graded submissions: what two made-up raters and the evaluator gave for the same texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aina_assets.sources.tables import OUTCOME, PERSON
from aina_assets_tests.practice.rated import grader_rows
from aina_assets_tests.sample_world.files import write_delimited
from aina_assets_tests.sample_world.world import load_yaml

COLUMNS = (
    *("submission_id", "module_id", "criterion_id", "rater_id", "rater_kind"),
    *("points", "points_possible", "outcome"),
)


def write(folder: Path) -> None:
    graded = list(grader_rows())
    rows = [*(row for _, row in graded), *_people_rows(graded)]
    cells = [[row[name] for name in COLUMNS] for row in rows]
    write_delimited(folder / "graded_submissions.csv", COLUMNS, cells)


def _people_rows(graded: list[tuple[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """The grader's rows with a person's points and outcome in place of its own."""
    for rater, given in load_yaml("graded_submissions.yaml").items():
        for name, rating in given.items():
            rows = [row for submission, row in graded if submission == name]
            points = [*rating["points"], sum(rating["points"])]
            for row, count in zip(rows, points, strict=True):
                yield row | {
                    "rater_id": rater,
                    "rater_kind": PERSON,
                    "points": count,
                    "outcome": rating["outcome"] if row["criterion_id"] == OUTCOME else None,
                }
