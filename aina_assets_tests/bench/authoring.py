"""The lanes of authoring over many chapters in one run, with the drafter.

python -m aina_assets_tests.bench.authoring [--modules 200]

Chapters are the sample's, each with a knowledge base of its own beside those of the others: the
same rows under other ids. Whatever stands at a hard gate is approved when it comes to stand there,
so that every lane runs to its reports. Each table is made and held against the rules of its model,
as a build does; Dagster's own share is that of any other table.
"""

from __future__ import annotations

import argparse
import copy
import inspect
import json
import resource
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from aina_assets.authoring.knowledge_tables import KB_TABLES
from aina_assets.authoring.lane_steps import GATES, TRANSFORMS
from aina_assets.warehouse.gate import conform, judge
from aina_assets.warehouse.tables import table_name
from aina_assets_tests.authoring.drafted import config, request, rules
from aina_assets_tests.authoring.lanes_world import (
    Desk,
    gates,
    model_of,
    order,
    sources,
    storyboards,
)

HARD = ("chapter_module_sequence", "module_lo_brief", "reference_applet_screens")
_REFERENCES = {"depends_on", "lo_codes", "serves_lo_codes", "vir_ids", "visual_models"}


def world(chapters: int) -> dict[str, pa.Table]:
    """The tables that the lanes start from: the sample's, ``chapters`` times over."""
    sample = sources()
    requests = []
    for number in range(chapters):
        one = copy.deepcopy(request()) | {"chapter_id": f"CH-{number:03}"}
        for passage in one["textbook"]["chapters"]:
            passage["textbook_ref_id"] = _own(number, passage["textbook_ref_id"])
        requests.append(one)
    given = sources(requests)
    for model in KB_TABLES.values():
        name = table_name(model)
        ids = {*model.__key__, "master_lo_code"}
        rows = [
            {key: _renamed(number, key, value, ids) for key, value in row.items()}
            for number in range(chapters)
            for row in sample[name].to_pylist()
        ]
        given[name] = pa.Table.from_pylist(rows, schema=sample[name].schema)
    return given


def _renamed(number: int, key: str, value: Any, ids: set[str]) -> Any:
    if key in ids and isinstance(value, str):
        return _own(number, value)
    if key in _REFERENCES and isinstance(value, list):
        return [_own(number, one) for one in value]
    return value


def _own(number: int, name: str) -> str:
    return f"K{number:03}.{name}"


def run(given: Mapping[str, pa.Table]) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """Every table of the lanes, and the seconds of processor time that each took."""
    desk, tables = Desk(), dict(given)
    seconds: dict[str, float] = defaultdict(float)
    documents: dict[str, Any] = {
        "authoring_storyboards": storyboards(),
        "authoring": config(),
        "authoring_rules": rules(),
        "review_gates": gates(),
    }
    for name in order():
        model = model_of(name)
        function = TRANSFORMS[model]
        inputs = {}
        for argument in inspect.signature(function).parameters:
            found = documents.get(argument, tables.get(argument))
            if found is None:
                found = desk.slice_of(argument.removesuffix("_decisions"))
            inputs[argument] = found
        started = time.process_time()
        table = function(**inputs)
        seconds[name] += time.process_time() - started
        started = time.process_time()
        if failed := [one for one in judge(table, model, ()) if not one.passed]:
            raise SystemExit(f"{name}: {failed}")
        tables[name] = conform(table, model)
        seconds["rules"] += time.process_time() - started
        gate = name.removesuffix("_subjects")
        if gate in GATES and gate in HARD:
            for subject in tables[name].to_pylist():
                desk.decide(subject, "approve")
    return tables, seconds


def main() -> None:
    """Print modules a second, the slowest tables, and the peak of memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--modules", type=int, default=200)
    options = parser.parse_args()
    run(world(1))
    each = _made(run(world(1))[0], "mod_review_compile_review")
    given = world(-(-options.modules // each))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, spent = time.monotonic(), time.process_time()
    tables, seconds = run(given)
    wall, processor = time.monotonic() - started, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    modules = _made(tables, "mod_review_compile_review")
    applets = _made(tables, "app_review_compile_review")
    rows = sum(tables[name].num_rows for name in order())
    size = sum(tables[name].nbytes for name in order()) / 2**20
    print(f"chapters {given['authoring_requests'].num_rows}, modules {modules}, applets {applets}")
    print(f"rows     {rows:,} in {len(order())} tables, {size:,.0f} MB of documents")
    print(f"run      {wall:.1f} s wall, {processor:.1f} s processor")
    print(f"modules  {modules / processor:.1f} a core-second to their reports")
    print(f"memory   {peak:,.0f} MB at its peak, {before:,.0f} MB before")
    for name, took in sorted(seconds.items(), key=lambda item: -item[1])[:8]:
        print(f"  {name:<40} {took:6.2f} s")


def _made(tables: Mapping[str, pa.Table], name: str) -> int:
    made = [row for row in tables[name].to_pylist() if row["status"] == "made"]
    for row in made:
        # Criteria that only a picture decides stand as "D:D4"; anything else did not run.
        missing = [one for one in json.loads(row["document"])["not_assessed"] if ":" not in one]
        if missing:
            raise SystemExit(f"{row['unit_id']}: {row['document'][:200]}")
    return len(made)


if __name__ == "__main__":
    main()
