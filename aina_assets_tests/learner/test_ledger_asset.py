"""The ledger as an input of the graph: what grows makes stale, what was altered is named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from aina_assets.builds import Outcome
from aina_assets.learner.ledger import Ledger
from aina_assets.location import Location, resources
from aina_assets.warehouse import ledgers
from aina_assets.warehouse.journal import Entry, Journal
from aina_assets.warehouse.ledgers import NOTHING_RECORDED
from aina_assets.warehouse.plan import stale
from aina_assets.warehouse.settings import LEDGER_SETTING, ledger_url
from aina_assets.warehouse.store import Record, Store
from aina_assets_tests.conftest import build_into, home_set_to
from aina_assets_tests.learner.databases import execute, tables, without_triggers
from aina_assets_tests.learner.samples import event
from aina_assets_tests.learner.test_activity import evaluated

LEDGER = "ledger/learner_events"
TABLE = "learner_activity"
BOTH = f'key:"{LEDGER}" or key:"{TABLE}"'
RECORDS = {"check_results", "manifest", "release", "full_validation", "receipts"}
RECORDS |= {"full_validation_report", "report_index"}
BELOW = {"learner_activity", "beta_feedback", "beta_feedback_dashboard"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse of its own, with nothing in it."""
    monkeypatch.delenv(LEDGER_SETTING, raising=False)
    return tmp_path / "home"


@pytest.fixture
def built(home: Path, sample_home: Path) -> Path:
    """A copy of the built sample."""
    shutil.copytree(sample_home, home, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    return home


@pytest.fixture
def named(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The ledger that the environment names, in either database."""
    monkeypatch.setenv(LEDGER_SETTING, url)
    with Ledger.open(url) as ledger:
        yield ledger


def reasons(home: Path) -> dict[str, str]:
    """What is stale now, and why."""
    with home_set_to(home):
        location = Location(resources(offline=True))
        return stale(location.nodes(), location.warehouse.store)


def beside(home: Path) -> Ledger:
    """The ledger beside the warehouse, made where there is none."""
    return Ledger.open(ledger_url(home))


def look(home: Path, full: bool = False) -> Outcome:
    return build_into(home, select=f'key:"{LEDGER}"', full=full)


def recorded(home: Path) -> Record:
    record = Store(UPath(home)).record(LEDGER)
    assert record is not None
    return record


def refused(outcome: Outcome) -> str:
    """Why the ledger was refused; nothing else failed."""
    assert outcome.checks_failed == [f"{LEDGER}: chain_holds"]
    assert set(outcome.failed) == {LEDGER}
    return outcome.failed[LEDGER]


# ------------------------------------------------------------------------------------------- growth


def test_where_nothing_is_recorded_nothing_is_stale_and_nothing_made(built: Path) -> None:
    record = recorded(built)
    table = Store(UPath(built)).read(TABLE)

    assert (record.details["position"], record.details["digest"]) == (0, None)
    assert record.findings[0]["detail"] == NOTHING_RECORDED
    assert table.num_rows == 0
    assert reasons(built) == {}
    assert build_into(built).run == {}
    assert not (built / "learner").exists()


def test_an_event_makes_stale_the_ledger_and_what_stands_on_it(built: Path) -> None:
    with beside(built) as ledger:
        assert reasons(built) == {}, "a ledger without an event"
        ledger.append(event(0))
        head = ledger.head()

    assert reasons(built).keys() == {LEDGER} | BELOW | RECORDS
    outcome = build_into(built)

    assert outcome.is_good
    assert {LEDGER, TABLE} <= outcome.run.keys() <= {LEDGER} | BELOW | RECORDS
    record = recorded(built)
    assert record.data_version == head.digest
    assert (record.details["position"], record.details["digest"]) == head
    assert reasons(built) == {}


def test_no_one_is_in_the_table(built: Path) -> None:
    told = "what Ms Example wrote"
    with beside(built) as ledger:
        ledger.append_many(
            each.model_copy(update={"payload": each.payload | {"words": told}})
            for number in range(12)
            for each in (evaluated(number), event(100 + number, learner_id=f"learner-{number:04d}"))
        )
    assert build_into(built, select=BOTH).is_good

    store = Store(UPath(built))
    table = store.read(TABLE)
    held = str(table.to_pylist())
    assert table["event_count"].to_pylist() == [12, 12, 12]
    assert "learner-0" not in held
    assert "Example" not in held
    for asset in (TABLE, LEDGER):
        text = store.record_path(asset).read_text()
        assert "learner-0" not in text
        assert "Example" not in text


def test_the_table_ends_where_the_asset_looked(built: Path) -> None:
    with beside(built) as ledger:
        ledger.append_many(event(number, learner_id=f"learner-{number:04d}") for number in range(9))
        assert look(built).is_good
        ledger.append_many(event(99, learner_id=f"learner-9{number:03d}") for number in range(9))
        assert build_into(built, select=f'key:"{TABLE}"').is_good

    assert Store(UPath(built)).read(TABLE)["event_count"].to_pylist() == [9]


# --------------------------------------------------------------------------------------- tampering


def test_a_row_edited_behind_the_triggers_is_named(home: Path, named: Ledger, url: str) -> None:
    named.append_many(event(number) for number in range(6))
    assert look(home).is_good
    without_triggers(url)
    execute(url, "UPDATE learner_events SET entry = entry || ' ' WHERE position = 2")

    assert "position 2 of" in refused(look(home, full=True))
    named.append(event(6))
    assert "position 2 of" in refused(look(home))
    assert recorded(home).details["position"] == 6, "the last good one"


def test_a_tail_that_was_cut_off_is_named(home: Path, named: Ledger, url: str) -> None:
    named.append_many(event(number) for number in range(6))
    assert look(home).is_good
    without_triggers(url)
    execute(url, "DELETE FROM learner_events WHERE position > 4")

    assert reasons(home)[LEDGER] != "never built"
    assert "position 5 of" in refused(look(home))
    named.append_many(event(number) for number in range(10, 13))
    assert "position 6 of" in refused(look(home)), "grown again, another way"


def test_a_ledger_that_was_deleted_is_named(home: Path) -> None:
    with beside(home) as ledger:
        ledger.append_many(event(number) for number in range(3))
    assert look(home).is_good
    shutil.rmtree(home / "learner")

    assert "position 1 of" in refused(look(home))
    with beside(home):
        assert "position 1 of" in refused(look(home)), "an empty one in its place"


def test_a_table_is_not_made_of_a_ledger_that_changed_since(built: Path) -> None:
    with beside(built) as ledger:
        ledger.append_many(event(number) for number in range(3))
    assert look(built).is_good
    shutil.rmtree(built / "learner")

    outcome = build_into(built, select=f'key:"{TABLE}"')

    assert "position 3 of learner_events" in outcome.failed[TABLE]


def test_a_ledger_that_is_meant_to_be_another_is_taken_on_request(home: Path) -> None:
    with beside(home) as ledger:
        ledger.append(event(0))
    assert look(home).is_good
    shutil.rmtree(home / "learner")
    said = refused(look(home))
    assert f"remove state/{LEDGER}.json" in said

    (home / "state" / f"{LEDGER}.json").unlink()

    assert look(home).is_good
    assert recorded(home).details["position"] == 0


# ------------------------------------------------------------------------- what a plan looks at


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Positions of the entries that anyone read, in order."""
    positions: list[int] = []
    span = Journal._span

    def counted(*arguments: Any) -> Iterator[Entry]:
        for entry in span(*arguments):
            positions.append(entry.position)
            yield entry

    monkeypatch.setattr(Journal, "_span", counted)
    return positions


def test_a_plan_walks_no_ledger_of_events_however_far_it_has_grown(
    home: Path, named: Ledger, read: list[int]
) -> None:
    named.append_many(event(number) for number in range(40))
    assert look(home).is_good
    read.clear()
    assert LEDGER not in reasons(home)
    assert read == []

    named.append_many(event(number) for number in range(40, 90))

    assert LEDGER in reasons(home)
    assert set(read) == {40}, "the one recorded last, to see that it is still there"
    read.clear()
    assert look(home).is_good
    assert {*range(1, 91)} <= set(read), "the asset walks it all"


def test_a_plan_sees_that_the_event_recorded_last_is_another(
    home: Path, named: Ledger, url: str
) -> None:
    named.append_many(event(number) for number in range(6))
    assert look(home).is_good
    without_triggers(url)
    execute(url, "UPDATE learner_events SET digest = 'another' WHERE position = 6")

    found = ledgers.configured("learner_events", ledgers.head_in(recorded(home)), is_walked=False)

    assert LEDGER in reasons(home)
    assert "position 6 of learner_events" in str(found.fault)
    assert "position 6 of" in refused(look(home))


# ------------------------------------------------------------------------------------ which ledger


def test_the_environment_names_another_ledger(home: Path, named: Ledger) -> None:
    named.append(event(0))

    assert look(home).is_good
    assert recorded(home).data_version == named.head().digest
    assert not (home / "learner").exists()


def test_looking_changes_no_database(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEDGER_SETTING, url)

    assert look(home).is_good
    assert recorded(home).details["position"] == 0
    assert tables(url) == set()


def test_a_database_that_does_not_answer_fails_its_asset_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEDGER_SETTING, "postgresql+psycopg://me:secret@/x?host=/nowhere")

    outcome = build_into(home, select=f'key:"{LEDGER}" or key:"authored/icp"')

    assert set(outcome.run) == {"authored/icp"}
    assert "see to the database" in outcome.failed[LEDGER]
    assert "secret" not in outcome.failed[LEDGER]
