"""Writing back: events say what differs, replay gives the row, and no row loses its identity."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aina_assets.authoring.config import FieldContract
from aina_assets.authoring.joining import KnowledgeBase, join_curriculum
from aina_assets.authoring.knowledge_tables import (
    APPENDED,
    ENRICH,
    INSERT,
    KB_TABLES,
    MOMENTS,
    REFUSED,
    ChResearchKbWriteAgent,
    KbEnriched,
    KbEnrichmentEvents,
)
from aina_assets.authoring.loopback import (
    SINK,
    Accepted,
    Event,
    enriched,
    events_in,
    events_of,
    kb_enrichment_events,
    replay,
    write,
)
from aina_assets.contracts.errors import AinaError
from aina_assets.warehouse.gate import judge
from aina_assets_tests.authoring import drafted
from aina_assets_tests.authoring.lanes_world import World
from aina_assets_tests.authoring.test_knowledge import tables

CHAPTER = "CH-G4-FR-EQ"
PROVENANCE = {"source_class": "internal", "allowed_use": "open"}
KB = drafted.knowledge()
IDENTITY = ("component_id", "master_lo_code", "statement", "bloom_verb")


def sink() -> FieldContract:
    return drafted.config().contract_by_name[SINK]


def of_chapter(kb: KnowledgeBase = KB, **changes: Any) -> list[Event]:
    return events_of("chapter", CHAPTER, {**drafted.chapter(), **changes}, kb, sink())


def of_module(position: int, kb: KnowledgeBase, **changes: Any) -> list[Event]:
    return events_of("module", f"M{position}", drafted.module(position) | changes, kb, sink())


def component(kb: KnowledgeBase, key: str) -> dict[str, Any]:
    (row,) = [row for row in kb.components if row["component_id"] == key]
    return dict(row)


def synthesis(position: int) -> dict[str, Any]:
    return copy.deepcopy(drafted.module(position)["research_deep_synthesis"])


def sequence() -> dict[str, Any]:
    return copy.deepcopy(drafted.chapter()["derive_module_sequence"])


def test_a_closed_chapter_says_where_each_component_is_taught() -> None:
    events = of_chapter()

    planned = [
        (module["position"], part["statement"])
        for module in sequence()["module_sequence"]
        for part in module["lo_components"]
    ]
    after = replay(KB, events, sink())
    told = [
        (place["position"], row["statement"])
        for row in after.components
        for place in row.get("placements", ())
    ]
    assert sorted(told) == sorted(planned)
    assert {(event.kind, event.status) for event in events} == {(ENRICH, APPENDED)}


def test_research_of_a_module_is_kept_with_its_components() -> None:
    kb = replay(KB, of_chapter(), sink())
    events = of_module(2, kb)

    after = replay(kb, events, sink())
    for entry in synthesis(2)["lo_components_enrichment"]:
        (row,) = [
            row for row in after.components if row["statement"] == entry["component_statement"]
        ]
        assert row["visual_treatment_reference"] == entry["visual_treatment_reference"]
        assert row["resource_bindings"] == entry["resource_bindings"]
        assert row["placements"] == component(kb, row["component_id"])["placements"]


def test_where_nothing_differs_there_is_no_event() -> None:
    after = replay(KB, of_chapter(), sink())
    assert of_chapter(after) == []

    after = replay(after, of_module(2, after), sink())
    assert of_module(2, after) == []


def test_only_the_fields_that_differ_are_in_an_event() -> None:
    kb = replay(KB, of_module(2, KB), sink())
    again = synthesis(2)
    again["lo_components_enrichment"][1]["rationale"] = "A teacher found a shorter way."
    (event,) = of_module(2, kb, research_deep_synthesis=again)

    assert event.after == {"rationale": "A teacher found a shorter way."}
    assert event.before == {"rationale": component(kb, event.row_key)["rationale"]}


def test_an_applet_adds_what_its_module_did_not_say() -> None:
    kb = replay(KB, of_module(2, KB), sink())
    (event,) = events_of("applet", "A2", drafted.applet(2), kb, sink())

    was = component(kb, event.row_key)["visual_treatment_reference"]
    assert event.before == {"visual_treatment_reference": was}
    assert event.after.keys() == event.before.keys()
    assert "On a screen: " in event.after["visual_treatment_reference"]


def test_an_applet_adds_to_the_component_of_its_module_that_it_narrows() -> None:
    made = copy.deepcopy(drafted.applet(2))
    (narrowed,) = made["derive_applet_lo"]["lo_components"]
    narrowed["statement"] = "Relate cutting thirds into two pieces to multiplying by 2"
    (entry,) = made["research_deep_synthesis"]["lo_components_enrichment"]
    entry["component_statement"] = narrowed["statement"]

    (event,) = events_of("applet", "A2", made, KB, sink())
    parent = made["approved_objective"]["lo_components"][narrowed["parent_index"]]
    assert component(KB, event.row_key)["statement"] == parent["statement"]
    assert (event.kind, event.status) == (ENRICH, APPENDED)
    assert not set(IDENTITY) & event.after.keys()


def test_a_component_that_the_base_lacks_is_inserted_and_joined_from_then_on() -> None:
    changed = sequence()
    module = changed["module_sequence"][1]
    module["lo_components"].append({"statement": "Predict a fraction", "bloom_verb": "predict"})
    events = of_chapter(derive_module_sequence=changed)

    (new,) = [event for event in events if event.kind == INSERT]
    row = component(replay(KB, events, sink()), new.row_key)
    assert row["master_lo_code"] == module["lo_codes"][0]
    assert (row["statement"], row["bloom_verb"]) == ("Predict a fraction", "predict")
    assert [place["position"] for place in row["placements"]] == [2]

    context, _ = join_curriculum(
        replay(KB, events, sink()), drafted.request(), module["lo_codes"][:1]
    )
    (objective,) = context["learning_objectives"]
    assert "Predict a fraction" in [part["statement"] for part in objective["components"]]


def test_a_component_planned_twice_has_one_event_with_both_places() -> None:
    changed = sequence()
    first, *_, last = changed["module_sequence"]
    last["lo_components"].append(dict(first["lo_components"][0]))
    last["lo_codes"].extend(first["lo_codes"])
    events = of_chapter(derive_module_sequence=changed)

    assert len({event.row_key for event in events}) == len(events)
    (event,) = [one for one in events if len(one.after["placements"]) == 2]
    assert [place["position"] for place in event.after["placements"]] == [1, last["position"]]


def test_another_chapter_adds_its_place_and_keeps_the_others() -> None:
    kb = replay(KB, of_chapter(), sink())
    events = events_of("chapter", "CH-OTHER", drafted.chapter(), kb, sink())

    for event in events:
        chapters = [place["chapter_id"] for place in event.after["placements"]]
        assert sorted(set(chapters)) == [CHAPTER, "CH-OTHER"]
        assert event.before["placements"] == component(kb, event.row_key)["placements"]


# Identity


def test_another_verb_for_a_component_is_refused_by_name() -> None:
    changed = sequence()
    part = changed["module_sequence"][0]["lo_components"][0]
    was, part["bloom_verb"] = part["bloom_verb"], "memorise"
    events = of_chapter(derive_module_sequence=changed)

    (refused,) = [event for event in events if event.status == REFUSED]
    assert refused.reason == (
        f"bloom_verb of {refused.row_key} never changes: it is {was!r}, not 'memorise'"
    )
    after = replay(KB, events, sink())
    assert component(after, refused.row_key) == component(KB, refused.row_key)
    assert len(events) == len(of_chapter())


@pytest.mark.parametrize("field", [*IDENTITY, "embedding"])
def test_research_that_says_what_a_component_is_is_refused_by_name(field: str) -> None:
    changed = synthesis(1)
    changed["lo_components_enrichment"][0][field] = "another"
    first, *others = of_module(1, KB, research_deep_synthesis=changed)

    assert first.status == REFUSED
    assert first.reason is not None
    assert first.reason.startswith(f"{field} of {first.row_key} never changes")
    assert {event.status for event in others} == {APPENDED}


def test_research_that_echoes_another_statement_is_refused() -> None:
    changed = synthesis(1)
    changed["lo_components_enrichment"][0]["component_statement"] = "Fold a strip"
    first, *_ = of_module(1, KB, research_deep_synthesis=changed)
    assert first.status == REFUSED
    assert "'Fold a strip' is said of component 0" in str(first.reason)


def test_research_on_a_component_that_is_not_there_is_refused() -> None:
    changed = synthesis(1)
    changed["lo_components_enrichment"][0] |= {"component_index": 9, "component_statement": "x"}
    (refused,) = [
        event
        for event in of_module(1, KB, research_deep_synthesis=changed)
        if event.status == REFUSED
    ]
    assert refused.reason == "component_index: there is no component 9, only 3"


def test_a_component_of_no_known_objective_is_refused() -> None:
    changed = sequence()
    changed["module_sequence"][0]["lo_codes"] = ["SMF.9.X.1"]
    events = of_chapter(derive_module_sequence=changed)
    refused = [event.reason for event in events if event.status == REFUSED]
    assert refused == ["master_lo_code: the base has none of SMF.9.X.1"] * 3


def test_two_verbs_for_one_component_are_refused() -> None:
    changed = sequence()
    first, *_, last = changed["module_sequence"]
    last["lo_codes"].extend(first["lo_codes"])
    last["lo_components"].append({**first["lo_components"][0], "bloom_verb": "memorise"})
    (refused,) = [
        event for event in of_chapter(derive_module_sequence=changed) if event.status == REFUSED
    ]
    assert str(refused.reason).startswith("bloom_verb: 'represent' and 'memorise' are said of")


@pytest.mark.parametrize("field", IDENTITY)
def test_replay_refuses_an_event_that_changes_what_a_row_is(field: str) -> None:
    (event, *_) = of_chapter()
    row = component(KB, event.row_key)
    forged = dataclasses.replace(event, before={field: row[field]}, after={field: "another"})
    with pytest.raises(AinaError, match=field) as caught:
        replay(KB, [forged], sink())
    assert event.row_key in caught.value.expected
    assert f"chapter {CHAPTER}" in caught.value.where
    assert "another component" in caught.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        {"before": {"placements": []}},
        {"row_key": "CMP-UNKNOWN"},
        {"kind": INSERT},
        {"kind": INSERT, "row_key": "CMP-NEW"},
    ],
)
def test_replay_refuses_what_does_not_fit_the_base(change: dict[str, Any]) -> None:
    (event, *_) = of_chapter()
    with pytest.raises(AinaError):
        replay(KB, [dataclasses.replace(event, **change)], sink())


def test_events_replayed_twice_are_refused() -> None:
    events = of_chapter()
    with pytest.raises(AinaError, match="in their order"):
        replay(KB, [*events, *events], sink())


def test_every_moment_is_an_entry_point_of_the_contract() -> None:
    with pytest.raises(AinaError, match="run_kb_write_derive"):
        events_of("derive", "M1", drafted.module(1), KB, sink())


# The property: replay over the base gives the enriched row

_FIELDS = ("visual_treatment_reference", "rationale", "derivation_evidence", "bloom_verb", "notes")
_values = st.text(max_size=6) | st.lists(st.integers(0, 3), max_size=2) | st.none()
_entry = st.fixed_dictionaries(
    {"component_index": st.integers(-1, 3)},
    optional=dict.fromkeys(_FIELDS, _values),
)


@settings(max_examples=80)
@given(units=st.lists(st.tuples(st.integers(1, 3), st.lists(_entry, max_size=4)), max_size=5))
def test_replaying_all_events_over_the_base_gives_the_enriched_rows(
    units: Sequence[tuple[int, list[dict[str, Any]]]],
) -> None:
    accepted = []
    for number, (position, entries) in enumerate(units):
        made = drafted.module(position)
        parts = made["approved_objective"]["lo_components"]
        said = [
            {
                **entry,
                "component_statement": parts[entry["component_index"] % len(parts)]["statement"],
            }
            for entry in entries
        ]
        research = {**made["research_deep_synthesis"], "lo_components_enrichment": said}
        documents = {**made, "research_deep_synthesis": research}
        accepted.append(Accepted(f"M{number}", documents, PROVENANCE))

    log = write("module", accepted, KB, sink())
    events = events_in(log)
    base = enriched(tables(), log, sink())

    assert [one for one in judge(log, ChResearchKbWriteAgent, ()) if not one.passed] == []
    assert [one for one in judge(base, KbEnriched, ()) if not one.passed] == []
    after = replay(KB, events, sink())
    assert len(after.components) >= len(KB.components)
    for row in KB.components:
        kept = component(after, row["component_id"])
        assert {name: kept[name] for name in IDENTITY} == {name: row[name] for name in IDENTITY}
    assert len({(event.unit_id, event.row_key) for event in events}) == len(events)
    for event in events:
        assert event.after
        assert all(event.after[name] != value for name, value in event.before.items())


# Tables


def test_the_enriched_base_has_every_row_once_and_counts_its_events() -> None:
    log = write("chapter", [Accepted(CHAPTER, drafted.chapter(), PROVENANCE)], KB, sink())
    rows = enriched(tables(), log, sink()).to_pylist()

    assert len(rows) == sum(len(getattr(KB, name)) for name in KB_TABLES)
    assert sum(row["event_count"] for row in rows) == log.num_rows == len(of_chapter())
    assert {row["kb_table"] for row in rows if row["event_count"]} == {"components"}


def test_a_row_is_of_the_classes_of_what_it_was_made_of() -> None:
    strict = {"source_class": "research", "allowed_use": "internal_only"}
    log = write("module", [Accepted("M2", drafted.module(2), strict)], KB, sink())
    for row in enriched(tables(), log, sink()).to_pylist():
        added = row["event_count"] > 0
        assert row["allowed_use"] == ("internal_only" if added else "open")
        assert row["source_class"] == ("internal+research" if added else "internal")


def test_an_enriched_row_that_says_more_than_its_events_breaks_its_rule() -> None:
    log = write("chapter", [Accepted(CHAPTER, drafted.chapter(), PROVENANCE)], KB, sink())
    frame = enriched(tables(), log, sink())
    rows = frame.to_pylist()
    (place, *_) = [number for number, row in enumerate(rows) if row["event_count"]]
    rows[place]["enriched"] = rows[place]["base"]
    broken = [
        one
        for one in judge(type(frame).from_pylist(rows, schema=frame.schema), KbEnriched, ())
        if not one.passed
    ]
    assert [(one.rule, one.failing_rows) for one in broken] == [("replay_gives_the_row", 1)]


def test_units_are_written_in_turn_each_over_what_those_before_it_added() -> None:
    twice = [Accepted(name, drafted.module(2), PROVENANCE) for name in ("M2", "M2-AGAIN")]
    log = write("module", twice, KB, sink()).to_pylist()

    assert {row["unit_id"] for row in log} == {"M2"}
    assert [row["sequence"] for row in log] == list(range(1, len(log) + 1))


# In the lanes

WRITES = ("ch_research_kb_write_agent", "mod_review_kb_write_agent", "app_review_kb_write_agent")
HARD = ("chapter_module_sequence", "module_lo_brief")


def test_nothing_is_written_before_the_gates_let_pass() -> None:
    closed = World()
    assert closed.rows("ch_research_derive_module_sequence")[0]["status"] == "made"
    assert [closed.tables[name].num_rows for name in WRITES] == [0, 0, 0]

    sent_back = World(approves=HARD)
    unit = sent_back.rows("mod_review_kb_write_agent")[0]["unit_id"]
    sent_back.desk.decide(sent_back.subject("module_kb_synthesis", unit), "reject")
    sent_back.run()
    wrote = {row["unit_id"] for row in sent_back.rows("mod_review_kb_write_agent")}
    researched = {
        row["unit_id"]
        for row in sent_back.rows("mod_review_research_deep")
        if row["status"] == "made"
    }
    assert researched - wrote == {unit}


def test_the_log_grows_by_what_is_let_pass_and_loses_what_is_withdrawn() -> None:
    """Decision 10: events are a fold over what stands, with the same ids before what is new."""

    def log(world: World) -> dict[str, list[str]]:
        return {name: [row["event_id"] for row in world.rows(name)] for name in WRITES}

    chapter, module, applet = WRITES
    early, whole = log(World(approves=HARD[:1])), log(World(approves=HARD))
    assert early[chapter] == whole[chapter]
    assert early[chapter]
    assert (early[module], early[applet]) == ([], [])
    assert whole[module]

    sent_back = World(approves=HARD)
    last = sent_back.rows(module)[-1]["unit_id"]
    kept = [row["event_id"] for row in sent_back.rows(module) if row["unit_id"] != last]
    sent_back.desk.decide(sent_back.subject("module_kb_synthesis", last), "reject")
    sent_back.run()
    after = log(sent_back)
    assert after[chapter] == whole[chapter]
    assert after[module] == kept
    assert len(kept) < len(whole[module])


def test_each_moment_writes_and_the_next_reads_what_was_written() -> None:
    world = World(approves=HARD)
    log = kb_enrichment_events(*(world.tables[name] for name in WRITES))
    assert [one for one in judge(log, KbEnrichmentEvents, ()) if not one.passed] == []
    written = Counter(row["moment"] for row in log.to_pylist())
    assert written.keys() == set(MOMENTS)

    for moment, source in zip(
        MOMENTS,
        (
            "ch_research_derive_module_sequence",
            "mod_review_research_deep",
            "app_review_research_deep",
        ),
        strict=True,
    ):
        digests = {row["document_sha256"] for row in world.rows(source)}
        own = [row for row in log.to_pylist() if row["moment"] == moment]
        assert {row["document_sha256"] for row in own} <= digests

    base = enriched(world.tables, log, sink())
    assert [one for one in judge(base, KbEnriched, ()) if not one.passed] == []
    assert sum(base["event_count"].to_pylist()) == log.num_rows

    for name, field in (
        ("mod_review_join_curriculum", "placements"),
        ("app_review_join_curriculum", "visual_treatment_reference"),
    ):
        joined = [row for row in world.rows(name) if row["status"] == "made"]
        assert joined
        for row in joined:
            context = json.loads(row["document"])["curriculum_context"]
            parts = [part for one in context["learning_objectives"] for part in one["components"]]
            assert parts
            assert all(field in part for part in parts)
