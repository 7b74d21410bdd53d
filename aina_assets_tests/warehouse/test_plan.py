"""What is built: what changed and what that changed, in waves, and nothing besides."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from upath import UPath

from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.plan import Node, in_order, next_wave, reason_to_build, stale
from aina_assets.warehouse.store import Record, Store

BROKEN = Finding("key", False, 1, 1, "expected unique; found not")


@dataclass
class Graph:
    """A made-up graph whose assets hold one word each.

    An asset's word is that of ``words`` or else made of its inputs' words.
    """

    store: Store
    nodes: dict[str, Node]
    words: dict[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)

    def version(self, asset: str) -> str:
        made = "+".join(self.inputs(asset).values())
        return self.words.get(asset, f"{asset}({made})")

    def inputs(self, asset: str) -> dict[str, str]:
        node = self.nodes[asset]
        read = self.store.record if node.is_watching else self.store.require
        records = {dep: read(dep) for dep in node.deps}
        return {dep: record.data_version for dep, record in records.items() if record is not None}

    def make(self, asset: str) -> bool:
        node = self.nodes[asset]
        if asset in self.failing:
            self.store.refuse(asset, (BROKEN,))
            return False
        self.store.commit(
            Record(
                asset,
                self.version(asset),
                node.code_version,
                node.settings_version,
                self.inputs(asset),
            )
        )
        return True

    def build(
        self, selected: Collection[str] | None = None, *, forced: bool = False
    ) -> list[list[str]]:
        """Build in waves as a build does; the waves, each in order."""
        remaining = set(self.nodes if selected is None else selected)
        done: set[str] = set()
        failed: set[str] = set()
        waves = []
        while wave := next_wave(
            self.nodes,
            self.store,
            selected=remaining,
            done=done | failed,
            failed=failed,
            forced=forced,
        ):
            held_up: set[str] = set()
            for asset in wave:
                node = self.nodes[asset]
                if not node.is_watching and (failed | held_up).intersection(node.deps):
                    held_up.add(asset)
                elif self.make(asset):
                    done.add(asset)
                else:
                    failed.add(asset)
            remaining -= set(wave) - done - failed
            waves.append(list(wave))
        return waves

    def change_code(self, *assets: str) -> None:
        for asset in assets:
            self.nodes[asset] = replace(self.nodes[asset], code_version="changed")


def nodes(**deps: Iterable[str]) -> dict[str, Node]:
    return {asset: Node(asset, tuple(above), "code", "settings") for asset, above in deps.items()}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """``file -> rows -> map -> report``, and ``other -> count -> report``."""
    return Graph(
        Store(UPath(tmp_path)),
        nodes(
            report=("map", "count"),
            map=("rows",),
            rows=("file",),
            count=("other",),
            file=(),
            other=(),
        ),
    )


ALL = ["file", "other", "rows", "count", "map", "report"]


def test_inputs_come_before_dependents_and_ties_by_name(graph: Graph) -> None:
    order = in_order(graph.nodes)

    assert sorted(order) == sorted(ALL)
    for node in graph.nodes.values():
        assert all(order.index(dep) < order.index(node.asset) for dep in node.deps)
    assert in_order(dict(reversed(graph.nodes.items()))) == order


def test_the_first_build_makes_everything_in_one_wave(graph: Graph) -> None:
    (wave,) = graph.build()

    assert sorted(wave) == sorted(ALL)


def test_the_second_build_makes_nothing(graph: Graph) -> None:
    graph.build()

    assert graph.build() == []
    assert stale(graph.nodes, graph.store) == {}


def test_a_change_runs_what_depends_on_it_and_nothing_else(graph: Graph) -> None:
    graph.build()
    graph.nodes["file"] = replace(graph.nodes["file"], settings_version="another file")
    graph.words["file"] = "other bytes"

    waves = graph.build()

    assert sorted(asset for wave in waves for asset in wave) == ["file", "map", "report", "rows"]


def test_a_change_that_changes_no_data_stops_there(graph: Graph) -> None:
    """Early cut-off: the map's code changed, its rows did not."""
    graph.build()
    graph.words["rows"] = graph.store.require("rows").data_version
    graph.change_code("rows")

    assert stale(graph.nodes, graph.store) == {
        "rows": "its code changed",
        "map": "its input rows may change",
        "report": "its input map may change",
    }
    assert graph.build() == [["rows"]]
    assert graph.build() == []


def test_cut_off_on_one_side_leaves_the_change_of_the_other(graph: Graph) -> None:
    graph.build()
    graph.words["rows"] = graph.store.require("rows").data_version
    graph.words["count"] = "another count"
    graph.change_code("rows", "count")

    waves = graph.build()

    assert waves == [["count", "rows"], ["report"]]


def test_changes_that_stand_on_their_own_share_a_wave(graph: Graph) -> None:
    graph.build()
    graph.change_code("rows", "map")
    graph.words["map"] = "another map"

    first, *rest = graph.build()

    assert first == ["rows", "map"]
    assert rest == [["report"]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"code_version": "changed"}, "its code changed"),
        ({"settings_version": "changed"}, "its lock entry, file or settings changed"),
        ({"deps": ("file", "other")}, "its input other changed"),
    ],
)
def test_reasons_in_words(graph: Graph, change: dict[str, str], reason: str) -> None:
    graph.build()
    node = replace(graph.nodes["rows"], **change)  # type: ignore[arg-type]

    assert reason_to_build(graph.nodes["rows"], graph.store) is None
    assert reason_to_build(node, graph.store) == reason


def test_reasons_that_lie_in_the_store(graph: Graph) -> None:
    rows = graph.nodes["rows"]
    assert reason_to_build(rows, graph.store) == "never built"
    graph.build()

    graph.store.refuse("rows", (BROKEN,))
    assert reason_to_build(rows, graph.store) == "the last attempt failed"

    record = graph.store.record("rows")
    assert record is not None
    graph.store.commit(replace(record, snapshot="snapshots/rows/1.parquet"))
    assert reason_to_build(rows, graph.store) == "its snapshot is gone"

    graph.store.commit(replace(record, inputs={"file": "another"}))
    assert reason_to_build(rows, graph.store) == "its input file changed"


def test_a_file_that_could_not_be_had_is_asked_for_again(graph: Graph) -> None:
    graph.build()
    record = graph.store.record("file")
    assert record is not None

    graph.store.commit(replace(record, details={"files": [{"path": "x", "retry": False}]}))
    assert reason_to_build(graph.nodes["file"], graph.store) is None

    graph.store.commit(replace(record, details={"files": [{"path": "x", "retry": True}]}))
    assert reason_to_build(graph.nodes["file"], graph.store) == "a file could not be had last time"
    assert graph.build() == [["file"]], "still the same: nothing below is made"


def test_nothing_below_a_failure_is_built_and_the_rest_is(graph: Graph) -> None:
    graph.failing = {"rows"}

    graph.build()

    assert {record.asset for record in graph.store.records()} == {"file", "other", "count"}
    graph.failing = set()
    (wave,) = graph.build()
    assert wave == ["rows", "map", "report"]


def test_a_failure_is_tried_once_a_build(graph: Graph) -> None:
    graph.build()
    graph.change_code("rows", "count")
    graph.failing = {"rows"}

    tried = [asset for wave in graph.build() for asset in wave]

    assert tried.count("rows") == 1
    assert "map" not in tried
    assert "report" not in tried, "one of its inputs failed"
    assert "count" in tried


def test_only_what_is_selected_is_built(graph: Graph) -> None:
    graph.build()
    graph.change_code("rows", "count")
    graph.words |= {"rows": "other rows", "count": "another count"}

    assert graph.build({"rows", "map"}) == [["rows"], ["map"]]
    assert stale(graph.nodes, graph.store, {"map"}) == {}
    assert graph.build() == [["count", "report"]]


def test_everything_selected_is_built_when_forced(graph: Graph) -> None:
    graph.build()

    (wave,) = graph.build(forced=True)
    assert sorted(wave) == sorted(ALL)
    assert graph.build({"map"}, forced=True) == [["map"]]


def test_a_forced_build_stops_below_a_failure(graph: Graph) -> None:
    graph.build()
    graph.failing = {"file"}

    graph.build(forced=True)

    assert graph.store.refusal("file") is not None
    assert graph.store.refusal("rows") is None
    assert graph.store.record("rows") is not None


# ------------------------------------------------------------------- what looks at what is stored


def watching(graph: Graph) -> Graph:
    """``watch`` looks at everything, and ``last`` stands on it."""
    everything = tuple(sorted(graph.nodes))
    graph.nodes["watch"] = Node("watch", everything, "code", "settings", is_watching=True)
    graph.nodes["last"] = Node("last", ("watch", "report"), "code", "settings")
    return graph


def test_what_watches_is_made_after_all_it_looks_at(graph: Graph) -> None:
    first, second = watching(graph).build()

    assert sorted(first) == sorted(ALL)
    assert second == ["watch", "last"]
    assert graph.build() == []


def test_what_watches_is_made_although_something_failed_and_what_stands_on_it_is_not(
    graph: Graph,
) -> None:
    graph.failing.add("map")

    waves = watching(graph).build()

    assert waves[-1] == ["watch"]
    assert graph.store.record("watch") is not None
    assert graph.store.record("last") is None
    assert graph.store.record("report") is None
