"""The graph as Dagster serves it: loaded by its code server, and held to a reviewed snapshot.

The definitions come through gRPC from a process of their own, by the project's ``workspace.yaml``:
the way the UI and the daemon get them. After a wanted change, write the snapshot again and review
its diff::

    AINA_UPDATE_SNAPSHOT=1 python -m pytest aina_assets_tests/test_definitions.py
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.remote_representation.external import RemoteRepository
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

from aina_assets.location import INSTANCE_SETTINGS, all_assets, all_models, build_defs
from aina_assets.release.assets import declared
from aina_assets.warehouse.settings import PROJECT_ROOT
from aina_assets.warehouse.tables import arrow_schema, columns_of, rules_of

SNAPSHOT = Path(__file__).parent / "definitions_snapshot.json"
UPDATE = "AINA_UPDATE_SNAPSHOT"
KIND_TAG = "dagster/kind/"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteRepository]:
    """The repository as a code server in a process of its own hands it out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT_ROOT)
        patch.setenv("AINA_HOME", str(tmp_path_factory.mktemp("served")))
        patch.delenv("AINA_LOCK", raising=False)
        with (
            dg.instance_for_test() as instance,
            WorkspaceProcessContext(
                instance, WorkspaceFileTarget(paths=[str(PROJECT_ROOT / "workspace.yaml")])
            ) as process,
        ):
            context = process.create_request_context()
            for entry in context.get_code_location_entries().values():
                assert entry.load_error is None, entry.load_error.to_string()
            (repository,) = context.get_code_location("aina").get_repositories().values()
            yield repository


def assets_of(repository: RemoteRepository) -> dict[str, Any]:
    return {"/".join(snap.asset_key.path): snap for snap in repository.get_asset_node_snaps()}


def described(repository: RemoteRepository) -> dict[str, Any]:
    """What a change of the graph must show in review."""
    checks: dict[str, dict[str, bool]] = {}
    for check in repository.get_asset_check_node_snaps():
        checks.setdefault("/".join(check.asset_key.path), {})[check.name] = check.blocking
    return {
        "assets": {
            name: {
                "deps": sorted("/".join(edge.parent_asset_key.path) for edge in snap.parent_edges),
                "group": snap.group_name,
                "kinds": sorted(
                    tag.removeprefix(KIND_TAG) for tag in snap.tags if tag.startswith(KIND_TAG)
                ),
                "owners": sorted(snap.owners or ()),
                "tags": {
                    tag: value for tag, value in snap.tags.items() if not tag.startswith(KIND_TAG)
                },
                "checks": {
                    rule: "blocking" if blocking else "not blocking"
                    for rule, blocking in sorted(checks.get(name, {}).items())
                },
                "has_code_version": bool(snap.code_version),
            }
            for name, snap in sorted(assets_of(repository).items())
        },
        "schedules": {
            schedule.name: {
                "cron": schedule.cron_schedule,
                "default_status": schedule.default_status.value,
            }
            for schedule in repository.get_schedules()
        },
        "sensors": sorted(sensor.name for sensor in repository.get_sensors()),
    }


def differences(recorded: Any, found: Any, place: str = "") -> list[str]:
    """Where two documents differ, one line a place."""
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        lines = []
        for key in sorted(recorded.keys() | found.keys()):
            here = f"{place}.{key}".lstrip(".")
            if key not in found:
                lines.append(f"{here}: gone")
            elif key not in recorded:
                lines.append(f"{here}: new: {found[key]}")
            else:
                lines += differences(recorded[key], found[key], here)
        return lines
    return [] if recorded == found else [f"{place}: was {recorded}, is {found}"]


def test_the_definitions_are_those_of_the_snapshot(served: RemoteRepository) -> None:
    found = described(served)
    if os.environ.get(UPDATE):
        SNAPSHOT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    recorded = json.loads(SNAPSHOT.read_text(encoding="utf-8"))

    changed = differences(recorded, found)

    assert not changed, (
        "the definitions changed:\n  "
        + "\n  ".join(changed)
        + f"\nIf that is wanted, run `{UPDATE}=1 python -m pytest {Path(__file__).name}` and review"
        f" the diff of {SNAPSHOT.name}."
    )


def test_every_table_is_an_asset_with_a_check_for_every_rule(served: RemoteRepository) -> None:
    assets = described(served)["assets"]

    for table, model in all_models().items():
        missing = {rule.name for rule in rules_of(model)} - set(assets[table]["checks"])
        assert not missing, f"{table}: no check for {missing}"


def test_every_check_blocks(served: RemoteRepository) -> None:
    for name, asset in described(served)["assets"].items():
        assert set(asset["checks"].values()) <= {"blocking"}, name
        assert asset["checks"] or name == "upstream/sources_lock", name


def test_no_asset_is_left_unexplained(served: RemoteRepository) -> None:
    """Upstream files included: description, owner, kinds, group, and columns with descriptions."""
    for name, snap in assets_of(served).items():
        assert snap.description, name
        assert snap.owners, name
        assert [tag for tag in snap.tags if tag.startswith(KIND_TAG)], name
        assert snap.group_name, name
        assert snap.code_version, name
        columns = snap.metadata["dagster/column_schema"].schema.columns
        assert columns, name
        if name != "release":
            assert all(column.description for column in columns), name


def test_the_column_schema_is_the_stored_one(served: RemoteRepository) -> None:
    assets = assets_of(served)
    for table, model in all_models().items():
        shown = assets[table].metadata["dagster/column_schema"].schema.columns
        stored = arrow_schema(model)
        assert [column.name for column in shown] == stored.names
        assert [column.type for column in shown] == [str(field.type) for field in stored]
        assert [column.constraints.nullable for column in shown] == [
            field.nullable for field in stored
        ]
        assert [column.description for column in shown] == [
            item.description for item in columns_of(model).values()
        ]


def test_column_lineage_names_columns_that_exist(served: RemoteRepository) -> None:
    assets = assets_of(served)
    for name, snap in assets.items():
        lineage = snap.metadata.get("dagster/column_lineage")
        if lineage is None:
            continue
        columns = {column.name for column in snap.metadata["dagster/column_schema"].schema.columns}
        inputs = {edge.parent_asset_key for edge in snap.parent_edges}
        for column, deps in lineage.lineage.deps_by_column.items():
            assert column in columns, name
            for dep in deps:
                assert dep.asset_key in inputs, f"{name}.{column}: {dep.asset_key} is no input"
                above = "/".join(dep.asset_key.path)
                if above.startswith("upstream/"):
                    continue  # a header of the file, not a column of the asset
                schema = assets[above].metadata["dagster/column_schema"].schema
                assert dep.column_name in {item.name for item in schema.columns}


def test_the_graph_has_no_loose_ends(served: RemoteRepository) -> None:
    assets = described(served)["assets"]

    deps = {dep for asset in assets.values() for dep in asset["deps"]}
    assert deps <= set(assets), "every input is an asset of the graph"
    published = {name for name, asset in assets.items() if "aina/published" in asset["tags"]}
    assert set(assets["release"]["deps"]) == published - {"release"}
    assert set(assets) - published == {
        name
        for name, asset in assets.items()
        if name.startswith(("upstream/", "authored/", "ledger/")) or asset["group"] == "reports"
    }, "files, documents and reports are not tables"


def test_fresh_definitions_each_time_and_resources_can_be_replaced() -> None:
    resource = dg.ResourceDefinition.hardcoded_resource("another")

    first, second = build_defs(), build_defs(resource_overrides={"warehouse": resource})

    assert first is not second
    assert (second.resources or {})["warehouse"] is resource
    assert (first.resources or {})["warehouse"] is not resource


def test_the_schedule_skips_where_nothing_is_stale(
    sample_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AINA_HOME", str(sample_home))

    assert nightly() == "nothing is stale"


def test_the_schedule_asks_for_what_is_stale_and_what_is_below(
    sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample_home, home, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    monkeypatch.setenv("AINA_HOME", str(home))
    (home / "state" / "gdpval_soc_map.json").unlink()

    asked = nightly()

    below = {"gdpval_soc_map", "soc_map", "soc_join_report", "hf_ingest_summary"}
    below |= {"packets", "packet_reviews", "packet_review_rules", "packet_quality"}
    below |= {"hf_runtime_map", "packet_quality_report", "sandbox_scenarios", "scenario_links"}
    below |= {"source_authority", "beta_admission", "deployment_readiness", "production_domains"}
    below |= {"production_deployment_approval", "gate_states", "full_validation", "receipts"}
    below |= {"review_progress", "review_dashboard", "beta_feedback_dashboard"}
    below |= {"source_provenance_report", "full_validation_report", "report_index"}
    below |= {gate.removesuffix("_v1") for gate in gates() if gate.startswith("gdpval_")}
    below |= {"gdpval_replacement_drafts"}
    assert asked == below | {"check_results", "manifest", "release"}


def gates() -> list[str]:
    """Gates of the graph's receipts."""
    return [item.receipt.gate for item in declared(all_assets()) if item.receipt is not None]


def nightly() -> set[str] | str | None:
    """What the schedule asks to be built now, or why it asks for nothing."""
    schedule = build_defs().resolve_schedule_def("rebuild_stale")
    with dg.build_schedule_context() as context:
        tick = schedule.evaluate_tick(context)
    if not tick.run_requests:
        return tick.skip_message
    (request,) = tick.run_requests
    return {"/".join(key.path) for key in request.asset_selection or ()}


def test_the_file_that_dagster_loads_is_short() -> None:
    text = (PROJECT_ROOT / "aina_assets" / "definitions.py").read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 15
    assert "build_defs()" in text


def test_the_ui_and_the_command_line_keep_one_log() -> None:
    """``dagster dev`` and ``aina build`` store runs in the same place by the same class."""
    instance = yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text(encoding="utf-8"))

    assert instance["storage"] == INSTANCE_SETTINGS["storage"]
    assert instance["telemetry"] == {"enabled": False}
    assert instance["nux"] == {"enabled": False}


def test_the_ui_and_the_command_line_load_one_location() -> None:
    workspace = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    (entry,) = workspace["load_from"]

    assert entry["python_module"]["module_name"] == "aina_assets.definitions"
    assert entry["python_module"]["location_name"] == "aina"


def test_the_location_loads_with_a_broken_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The UI must come up to show what is wrong."""
    monkeypatch.setenv("AINA_LOCK", str(tmp_path / "no.lock.yaml"))
    monkeypatch.setenv("AINA_HOME", str(tmp_path / "home"))

    assert build_defs().resolve_all_asset_specs()
