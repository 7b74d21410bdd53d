"""What to build: compare what is stored with what would be made, by digest.

Belongs here: the decision which assets are stale and why, in waves, so that a rerun which changes
nothing stops there. No Dagster: the graph arrives as plain nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from aina_assets.warehouse.store import Store


@dataclass(frozen=True)
class Node:
    """One asset of the graph, as it would be built now.

    Attributes:
        asset: its key, ``/``-joined.
        deps: keys of its direct inputs.
        code_version: digest of its code.
        settings_version: digest of its settings.
        is_watching: it looks at what is stored, failures included: it is made when nothing it
            looks at is about to change, whether or not all of that passed.
    """

    asset: str
    deps: tuple[str, ...]
    code_version: str
    settings_version: str
    is_watching: bool = False


def in_order(nodes: Mapping[str, Node]) -> list[str]:
    """Assets, inputs before dependents, ties by name."""
    sorter = TopologicalSorter({name: sorted(node.deps) for name, node in sorted(nodes.items())})
    return [name for name in sorter.static_order() if name in nodes]


def reason_to_build(node: Node, store: Store) -> str | None:
    """Why ``node`` is stale on its own account, in words; None where it is not."""
    record = store.record(node.asset)
    if record is None:
        return "never built"
    if store.refusal(node.asset) is not None:
        return "the last attempt failed"
    if record.snapshot is not None and not (store.root / record.snapshot).exists():
        return "its snapshot is gone"
    if any(
        item.get("status") == "written" and not (store.root / item["path"]).exists()
        for item in record.details.get("files", ())
    ):
        return "a file of it is gone"
    if record.code_version != node.code_version:
        return "its code changed"
    if record.settings_version != node.settings_version:
        return "its lock entry, file or settings changed"
    if any(item.get("retry") for item in record.details.get("files", ())):
        return "a file could not be had last time"
    for dep in node.deps:
        current = store.record(dep)
        if current is None or record.inputs.get(dep) != current.data_version:
            return f"its input {dep} changed"
    return None


def stale(
    nodes: Mapping[str, Node], store: Store, selected: Collection[str] | None = None
) -> dict[str, str]:
    """Stale assets and why, inputs before dependents.

    An asset that is stale only because an input may change is listed too: whether it is built is
    decided when the input has been.
    """
    chosen = nodes.keys() if selected is None else set(selected)
    reasons: dict[str, str] = {}
    for name in in_order(nodes):
        if name not in chosen:
            continue
        reason = reason_to_build(nodes[name], store)
        above = [dep for dep in nodes[name].deps if dep in reasons]
        if reason is not None:
            reasons[name] = reason
        elif above:
            reasons[name] = f"its input {above[0]} may change"
    return reasons


def next_wave(
    nodes: Mapping[str, Node],
    store: Store,
    *,
    selected: Collection[str],
    done: Collection[str] = (),
    failed: Collection[str] = (),
    forced: bool = False,
) -> dict[str, str]:
    """The assets that can be built now, with their reasons.

    An asset is in the wave when it is stale on its own account and every input that may still
    change is in the wave too.

    Args:
        nodes: the graph.
        store: what is stored.
        selected: assets that may be built.
        done: assets built in an earlier wave.
        failed: assets that failed in an earlier wave; nothing below them is built.
        forced: build every selected asset, whatever is stored.
    """
    blocked = set(failed)
    may_change: set[str] = set()
    wave: dict[str, str] = {}
    for name in in_order(nodes):
        node = nodes[name]
        if blocked.intersection(node.deps) and not node.is_watching:
            blocked.add(name)
            continue
        if name not in selected or name in done or name in blocked:
            continue
        reason = "forced" if forced else reason_to_build(node, store)
        waits_for = may_change.intersection(node.deps)
        if not node.is_watching:
            waits_for -= wave.keys()
        if reason is not None and not waits_for:
            wave[name] = reason
        if reason is not None or may_change.intersection(node.deps):
            may_change.add(name)
    return wave
