"""Several processes write at once, or one is killed: no gap, nothing twice, nothing lost."""

from __future__ import annotations

from pathlib import Path

from aina_assets.learner.ledger import Ledger
from aina_assets_tests.learner.processes import check_recorded, interrupt_often, kill, run_together

WRITERS = 4
APPENDS = 50


def test_processes_write_at_the_same_time(url: str, tmp_path: Path) -> None:
    told = run_together(tmp_path, [(url, f"writer {at}", 0, APPENDS) for at in range(WRITERS)])

    with Ledger.open(url) as ledger:
        assert ledger.verify().position == WRITERS * APPENDS
        recorded = {record.position: record.event.idempotency_key for record in ledger.events()}
    assert recorded == {
        position: f"writer {at} {number}"
        for at, each in enumerate(told)
        for number, position in each.items()
    }
    for each in told:
        assert list(each) == list(range(APPENDS))
        assert list(each.values()) == sorted(each.values())


def test_processes_that_write_the_same_write_it_once(url: str, tmp_path: Path) -> None:
    told = run_together(tmp_path, [(url, "event", 0, APPENDS, batch) for batch in (1, 1, 3, 10)])

    assert all(each == told[0] for each in told)
    assert check_recorded(url, told[0]) == APPENDS


def test_what_a_killed_writer_was_told_is_recorded(url: str, tmp_path: Path) -> None:
    assert interrupt_often(url, tmp_path, 3, kill) > 0
