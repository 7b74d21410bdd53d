"""What reviewers closed since, an earlier release does not open; an unknown ledger closes all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from upath import UPath

from aina_assets.contracts.review import SignedDecision
from aina_assets.location import all_models
from aina_assets.release.boundary import Boundaries, Standing
from aina_assets.release.ledger_watch import LedgerWatch
from aina_assets.release.policy import Domain
from aina_assets.release.tables import ProductionDomains
from aina_assets.review.ledger import JOURNAL, DecisionLedger
from aina_assets.review.policy import Reviewers
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.gate import conform
from aina_assets.warehouse.store import Record, Store
from aina_assets_tests.learner.databases import execute
from aina_assets_tests.release.world import (
    GATES,
    KEYS,
    NOW,
    both,
    decided,
    domains,
    published,
    receipt,
    reviewers,
)

REAL = Domain.REAL_USER_DATA
PATIENCE = 30.0


class Place:
    """A ledger, a release made of what is in it, and a watch over both."""

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        self.url = url
        self.checkpoints = root / "checkpoints.jsonl"
        self.subjects = domains()

    def record(self, *made: SignedDecision) -> None:
        with DecisionLedger.open(self.url, self.checkpoints, clock=lambda: NOW) as ledger:
            for item in made:
                ledger.record(item, KEYS[item.decision.reviewer_id], reviewers())

    def object(self, who: str = "ana", verdict: str = "reject") -> None:
        self.record(decided(self.subjects, REAL, who, verdict))

    @contextmanager
    def watched(
        self, made: list[SignedDecision] | None = None, **how: Any
    ) -> Iterator[Callable[[], Standing]]:
        """How the boundary stands by a release of both approvals, or of ``made``."""
        if made is None:
            made = both(self.subjects, REAL)
            self.record(*made)
        usual = {"url": self.url, "look_seconds": 0.05, "answer_seconds": PATIENCE}
        given: dict[str, Any] = {"checkpoints": self.checkpoints, **usual, **how}
        with LedgerWatch(self.root, **given) as watch:
            found = Boundaries(published(self.subjects, made), GATES, reviewers(), watch)
            yield lambda: found.standing(REAL, NOW)

    def tamper(self, *statements: str) -> None:
        if self.url.startswith("sqlite"):
            triggers = [f"DROP TRIGGER {JOURNAL}_{name}" for name in ("update", "delete")]
        else:
            triggers = [f"ALTER TABLE {JOURNAL} DISABLE TRIGGER USER"]
        execute(self.url, *triggers, *statements)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reviewers on file are those of the tests."""
    monkeypatch.setattr(Reviewers, "load", lambda: reviewers())


@pytest.fixture
def place(tmp_path: Path, url: str) -> Place:
    return Place(tmp_path, url)


@pytest.fixture
def local(tmp_path: Path) -> Place:
    """A place whose ledger is a file, for what is the same whichever database it is."""
    return Place(tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}")


def closes(standing: Callable[[], Standing]) -> str:
    """Why it is closed, once it is."""
    deadline = time.monotonic() + PATIENCE
    while (found := standing()).is_open:
        assert time.monotonic() < deadline, "it stays open"
        time.sleep(0.02)
    return found.reason


def opens(standing: Callable[[], Standing]) -> None:
    """Wait until it is open again."""
    deadline = time.monotonic() + PATIENCE
    while not standing().is_open:
        assert time.monotonic() < deadline, "it stays closed"
        time.sleep(0.02)


def threads() -> int:
    return sum(thread.name == "ledger-watch" for thread in threading.enumerate())


# --------------------------------------------------------------------------- what is decided since


def test_a_rejection_closes_at_the_next_look_and_its_end_opens_again(place: Place) -> None:
    with place.watched() as standing:
        assert standing().is_open
        rejected = decided(place.subjects, REAL, "ben", "reject")
        place.record(rejected)
        assert "rejected" in closes(standing)
        place.record(decided(place.subjects, REAL, "ben"))
        opens(standing)


def test_a_former_release_stays_closed_when_it_is_served_again(local: Place) -> None:
    """Its pointer was turned back: what it says of its own decisions has not changed."""
    made = both(local.subjects, REAL)
    local.record(*made)
    local.object("cleo")

    with local.watched(made) as standing:
        found = standing()

    assert not found.is_open
    assert "cleo" in found.reason


def test_a_withdrawal_closes_at_the_next_look(local: Place) -> None:
    made = both(local.subjects, REAL)
    local.record(*made)
    with local.watched(made) as standing:
        assert standing().is_open
        ended = [made[0].decision.decision_id]
        local.record(decided(local.subjects, REAL, "ana", "withdraw", supersedes=ended))
        assert "waits for 1 more approval" in closes(standing)


def test_a_reviewer_taken_off_the_list_closes_at_the_next_look(
    local: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = both(local.subjects, REAL)
    local.record(*made)
    local.record(decided(local.subjects, Domain.PUBLIC_RUNTIME, "ana", "hold"))
    with local.watched(made) as standing:
        assert standing().is_open
        monkeypatch.setattr(Reviewers, "load", lambda: reviewers("ana"))
        assert "more approval" in closes(standing)


def test_an_objection_of_the_recorded_file_closes_too(
    local: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in no ledger: the last build took it in with the sample."""
    sample = {"id": "sam", "public_key": KEYS["stranger"].public_key, "is_sample": True}
    sam = reviewers().by_id["ana"].model_copy(update=sample)
    monkeypatch.setattr(
        Reviewers, "load", lambda: Reviewers(reviewers=(*reviewers().reviewers, sam))
    )
    objection = decided(
        local.subjects,
        REAL,
        verdict="reject",
        key="stranger",
        reviewer_id="sam",
        is_sample=True,
    )
    with local.watched() as standing:
        assert standing().is_open
        recorded_in(local.root, [objection])
        assert "rejected: sam" in closes(standing)


def test_a_boundary_that_changed_since_closes_before_a_release_says_so(local: Place) -> None:
    """No later release could be published: validation is not green, or nobody decided anew."""
    other = receipt("packet_quality_v1", counts={"held": 9})
    changed = domains(packet_quality_v1=other)
    with local.watched() as standing:
        assert standing().is_open, "nothing was built here: a release was copied"
        built_in(local.root, changed)
        assert "changed since" in closes(standing)
        built_in(local.root, local.subjects)
        opens(standing)
        built_in(
            local.root, local.subjects.filter(pc.not_equal(local.subjects["subject_key"], REAL))
        )
        assert "changed since" in closes(standing)


def test_a_runtime_with_a_release_needs_the_ledger_and_a_copy_of_its_checkpoints(
    local: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/runbooks/deployment.md has it: there is no warehouse where it runs."""
    made = both(local.subjects, REAL)
    local.record(*made)
    tables = published(local.subjects, made)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(local.checkpoints.read_bytes())
    local.record(decided(local.subjects, Domain.PUBLIC_RUNTIME, "ana", "hold"))

    def standing() -> Standing:
        with LedgerWatch(tmp_path / "runtime") as watch:
            return Boundaries(tables, GATES, reviewers(), watch).standing(REAL, NOW)

    monkeypatch.delenv("AINA_LEDGER", raising=False)
    monkeypatch.delenv("AINA_CHECKPOINTS", raising=False)
    assert "does not have decision" in standing().reason
    monkeypatch.setenv("AINA_LEDGER", local.url)
    assert "not what was recorded" in standing().reason
    monkeypatch.setenv("AINA_CHECKPOINTS", str(copy))
    assert standing().is_open, "the copy is older than the ledger"


def test_a_boundary_that_did_not_change_stays_open_where_another_did(local: Place) -> None:
    changed = domains(title_intake_v1=receipt("title_intake_v1", counts={"held": 9}))
    moved = [
        old["subject_key"]
        for old, new in zip(local.subjects.to_pylist(), changed.to_pylist(), strict=True)
        if old["subject_digest"] != new["subject_digest"]
    ]
    kept = next(domain for domain in Domain if domain not in moved)
    made = [*both(local.subjects, moved[0]), *both(local.subjects, kept)]
    local.record(*made)
    built_in(local.root, changed)

    with LedgerWatch(local.root, url=local.url, checkpoints=local.checkpoints) as watch:
        served = Boundaries(published(local.subjects, made), GATES, reviewers(), watch)
        assert served.open_domains(NOW) == (kept,)


# ------------------------------------------------------------------------- what cannot be looked up


def test_a_ledger_that_is_gone_closes_what_was_decided_in_it(local: Place) -> None:
    with local.watched() as standing:
        assert standing().is_open
        remove(local)
        assert "not what was recorded" in closes(standing)
    local.checkpoints.unlink()
    made = both(local.subjects, REAL)
    with local.watched(made) as standing:
        assert f"does not have decision {made[0].decision.decision_id}" in standing().reason


def test_a_ledger_and_checkpoints_cut_off_alike_close_while_somebody_looks(place: Place) -> None:
    """Nothing else tells: what is left of both fits together, and has every decision."""
    made = both(place.subjects, REAL)
    place.record(*made)
    before = place.checkpoints.read_bytes()
    place.record(decided(place.subjects, Domain.PUBLIC_RUNTIME, "ana"))
    with place.watched(made) as standing:
        assert standing().is_open
        place.tamper(f"DELETE FROM {JOURNAL} WHERE position = 3")
        place.checkpoints.write_bytes(before)
        assert "not what was recorded" in closes(standing)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {JOURNAL} SET entry = replace(entry, 'reject', 'approve') WHERE position = 3",
        f"DELETE FROM {JOURNAL} WHERE position = 3",
        f"DELETE FROM {JOURNAL}",
        f"DROP TABLE {JOURNAL}",
    ],
)
def test_a_ledger_that_was_tampered_with_closes(place: Place, statement: str) -> None:
    made = both(place.subjects, REAL)
    place.record(*made)
    place.record(decided(place.subjects, Domain.PUBLIC_RUNTIME, "ana", "reject"))
    with place.watched(made) as standing:
        assert standing().is_open
        place.tamper(statement)
        assert "review ledger" in closes(standing)


def test_checkpoints_that_are_gone_close(local: Place) -> None:
    with local.watched() as standing:
        assert standing().is_open
        local.checkpoints.unlink()
        assert "not what was recorded" in closes(standing)


@pytest.mark.parametrize("error", [OSError("disk"), KeyError("x"), RecursionError(), MemoryError()])
def test_whatever_goes_wrong_in_a_look_closes_and_the_next_good_one_opens(
    local: Place, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    with local.watched() as standing:
        assert standing().is_open
        with monkeypatch.context() as broken:
            broken.setattr(DecisionLedger, "verify", fails)
            said = closes(standing)
        assert type(error).__name__ in said
        opens(standing)


def test_what_is_told_of_a_fault_names_no_place(local: Place) -> None:
    made = both(local.subjects, REAL)
    with local.watched(made, url="postgresql+psycopg://me:secret@/x?host=/nowhere") as standing:
        said = standing().reason

    assert "cannot be read: LedgerError" in said
    assert "secret" not in said
    assert "nowhere" not in said


def test_a_database_that_is_silent_closes_and_holds_nobody_up(local: Place) -> None:
    """It accepts the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql+psycopg://me@127.0.0.1:{listener.getsockname()[1]}/x"
        made = both(local.subjects, REAL)
        with local.watched(made, url=url, answer_seconds=0.2) as standing:
            for _ in range(3):
                assert "no answer" in standing().reason
            assert threads() == 1, "it still waits, alone"


def test_a_database_that_falls_silent_closes_what_an_earlier_look_left_open(
    local: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    go_on = threading.Event()
    hangs = threading.Event()

    def silent(*_: object) -> None:
        hangs.set()
        go_on.wait(PATIENCE)

    with local.watched(clock=lambda: now[0], hang_seconds=1.0) as standing:
        assert standing().is_open
        monkeypatch.setattr(DecisionLedger, "existing", silent)
        assert hangs.wait(PATIENCE)
        assert standing().is_open, "the look before is not too old yet"
        now[0] += 1.0
        assert standing().is_open, "it may take so long"
        now[0] += 1.0
        assert "no answer in 1 s" in standing().reason
        go_on.set()


def test_a_look_that_takes_long_says_as_much_as_a_short_one(
    local: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look takes longer than whoever asks first would wait; none takes as long as to hang."""
    now = [0.0]
    ended = threading.Semaphore(0)
    verify = DecisionLedger.verify

    def slow(ledger: DecisionLedger, known: Reviewers) -> object:
        found = verify(ledger, known)
        now[0] += 20.0
        ended.release()
        return found

    monkeypatch.setattr(DecisionLedger, "verify", slow)
    made = both(local.subjects, REAL)
    local.record(*made)
    while ended.acquire(blocking=False):
        pass  # of recording
    with local.watched(made, clock=lambda: now[0], hang_seconds=30.0) as standing:
        assert standing().is_open
        for _ in range(3):
            assert ended.acquire(timeout=PATIENCE)
            assert standing().is_open
        local.object("cleo")
        assert "rejected: cleo" in closes(standing)


# ------------------------------------------------------------------------------------- one thread


def test_one_thread_looks_for_everybody_and_ends_with_the_watch(local: Place) -> None:
    made = both(local.subjects, REAL)
    local.record(*made)
    tables = published(local.subjects, made)
    watch = LedgerWatch(local.root, url=local.url, checkpoints=local.checkpoints)
    assert threads() == 0, "nobody asked yet"

    releases = [Boundaries(tables, GATES, reviewers(), watch) for _ in range(3)]
    assert all(found.standing(REAL, NOW).is_open for found in releases for _ in range(20))
    assert threads() == 1
    watch.close()

    assert threads() == 0
    assert not releases[0].standing(REAL, NOW).is_open
    assert threads() == 0


def test_looks_are_not_made_for_every_question(
    local: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    verify = DecisionLedger.verify

    def counted(ledger: DecisionLedger, known: Reviewers) -> object:
        looks.append(known)
        return verify(ledger, known)

    made = both(local.subjects, REAL)
    local.record(*made)
    monkeypatch.setattr(DecisionLedger, "verify", counted)
    with local.watched(made, look_seconds=3600.0) as standing:
        assert all(standing().is_open for _ in range(50))

    assert len(looks) == 1


def recorded_in(root: Path, made: list[SignedDecision]) -> None:
    """A warehouse whose last build took in ``made`` as recorded decisions."""
    model = all_models()["recorded_decisions"]
    columns = list(model.to_schema().columns)
    rows = [
        dict.fromkeys(columns, "x") | {"source_row": number, "document": item.model_dump_json()}
        for number, item in enumerate(made, start=1)
    ]
    frame = conform(pa.Table.from_pylist(rows), model)
    record = Record("recorded_decisions", digest_of_table(frame), "code", "settings", {})
    Store(UPath(root)).commit_table(record, frame)


def built_in(root: Path, subjects: pa.Table) -> None:
    """A warehouse whose last build found the boundaries to be ``subjects``."""
    frame = conform(subjects, ProductionDomains)
    record = Record("production_domains", digest_of_table(frame), "code", "settings", {})
    Store(UPath(root)).commit_table(record, frame)


def remove(place: Place) -> None:
    for file in place.root.glob("ledger.db*"):
        file.unlink()
