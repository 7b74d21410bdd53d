"""A decision makes stale what stands on it, and so does time; a tampered ledger stops a build."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from upath import UPath

from aina_assets import cli
from aina_assets.location import Location, resources
from aina_assets.release.assets import FULL_VALIDATION
from aina_assets.review import reading
from aina_assets.review.ledger import DecisionLedger
from aina_assets.review.policy import Reviewers
from aina_assets.review.signing import sign
from aina_assets.warehouse import authored
from aina_assets.warehouse.plan import stale
from aina_assets.warehouse.settings import AUTHORED, LEDGER_SETTING, ledger_url
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import build_into, home_set_to, launched, versions
from aina_assets_tests.learner.databases import execute, without_triggers
from aina_assets_tests.review.world import KEYS, START, Clock, decision, signed

SLICES = '+key:"decisions" or (key:"decisions"+ and key:"*_decisions")'
BOUNDARY = "production_boundary"


def standings_in(home: Path) -> list[str]:
    """Of the decisions of the ledger, in order."""
    rows = Store(UPath(home)).read("decisions").sort_by("ordinal").to_pylist()
    return [row["standing"] for row in rows if row["origin"] == "ledger"]


@pytest.fixture
def own_reviewers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reviewers:
    """Reviewers of the test's own in a copy of ``data`` that the build reads."""
    data = tmp_path / "data"
    data.mkdir()
    for entry in AUTHORED.iterdir():
        if entry.name not in ("reviewers.yaml", "local"):
            (data / entry.name).symlink_to(entry)
    gates = "gdpval_candidate, title_adjudication, production_boundary"
    (data / "reviewers.yaml").write_text(
        "reviewers:\n"
        + "".join(
            f"- {{id: {name}, name: {name}, kind: person, gates: [{gates}],"
            f" public_key: {KEYS[name].public_key}}}\n"
            for name in ("ana", "ben")
        )
    )
    monkeypatch.setattr(authored, "AUTHORED", data)
    return Reviewers.load()


def decide(home: Path, reviewers: Reviewers, name: str = "ana", **fields: Any) -> None:
    with home_set_to(home), DecisionLedger.open() as ledger:
        ledger.record(signed(name, **({"gate": BOUNDARY} | fields)), KEYS[name], reviewers)


def stale_in(home: Path) -> set[str]:
    with home_set_to(home):
        location = Location(resources(offline=True))
        return set(stale(location.nodes(), location.warehouse.store, location.select(SLICES)))


def moved(home: Path, change: Callable[[], None]) -> set[str]:
    """Assets that are another after ``change`` and a build."""
    before = versions(home)
    change()
    assert build_into(home, select=SLICES).is_good
    after = versions(home)
    return {name for name in after if before.get(name) != after[name]}


def test_a_decision_makes_its_gates_slice_and_no_other_another(
    tmp_path: Path, own_reviewers: Reviewers
) -> None:
    home = tmp_path / "home"
    assert build_into(home, select=SLICES).is_good
    assert not (home / "learner").exists()
    assert not (home / "review").exists()
    assert stale_in(home) == set()

    first = moved(home, lambda: decide(home, own_reviewers))
    second = moved(home, lambda: decide(home, own_reviewers, "ben", gate="title_adjudication"))

    assert first == {"ledger/decisions", "decisions", f"{BOUNDARY}_decisions"}
    assert second == {"ledger/decisions", "decisions", "title_adjudication_decisions"}
    assert stale_in(home) == set()


def test_a_build_finds_by_itself_that_an_approval_expired(
    tmp_path: Path, own_reviewers: Reviewers, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    clock = Clock()
    monkeypatch.setattr(reading, "now", clock)
    decide(home, own_reviewers, expires_at=START + timedelta(days=1))
    decide(home, own_reviewers, "ben", gate="gdpval_candidate")
    assert build_into(home, select=SLICES).is_good
    assert standings_in(home) == ["in_force", "in_force"]
    clock.pass_by(hours=23.99)
    assert stale_in(home) == set()

    clock.pass_by(hours=0.01)

    assert {"decisions", f"{BOUNDARY}_decisions"} <= stale_in(home)
    assert moved(home, lambda: None) == {"decisions", f"{BOUNDARY}_decisions"}
    assert standings_in(home) == ["expired", "in_force"]
    assert stale_in(home) == set()


def test_a_ledger_behind_its_checkpoints_is_built_into_nothing(
    tmp_path: Path, own_reviewers: Reviewers
) -> None:
    home = tmp_path / "home"
    decide(home, own_reviewers)
    decide(home, own_reviewers, "ben", verdict="reject")
    with home_set_to(home):
        url = ledger_url()
    execute(url, "DROP TRIGGER decisions_delete")
    execute(url, "DELETE FROM decisions WHERE position = 2")

    outcome = build_into(home, select=SLICES)

    assert "restore the ledger" in outcome.failed["decisions"]
    assert f"{BOUNDARY}_decisions" in outcome.blocked
    assert Store(UPath(home)).record("decisions") is None


def problems_of_ledger(home: Path) -> str:
    """What full validation found of the ledger of decisions; empty where nothing."""
    rows = Store(UPath(home)).read(FULL_VALIDATION).to_pylist()
    return "; ".join(row["problem"] or "" for row in rows if row["asset"] == "ledger/decisions")


def edit(url: str, old: str, new: str) -> None:
    """The second decision, in the database."""
    change = f"UPDATE decisions SET entry = replace(entry, '{old}', '{new}') WHERE position = 2"
    execute(url, change)


def test_a_decision_edited_in_place_stops_a_build_that_has_nothing_else_to_do(
    tmp_path: Path, own_reviewers: Reviewers, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its digest and the head stay as they were: only whoever walks the chain can see it."""
    home = tmp_path / "home"
    monkeypatch.setenv(LEDGER_SETTING, url)
    decide(home, own_reviewers)
    decide(home, own_reviewers, "ben", verdict="reject")
    decide(home, own_reviewers, subject_key="s2")
    assert build_into(home, select=SLICES).is_good
    good, standings = versions(home), standings_in(home)
    assert build_into(home, select=SLICES).run == {}
    without_triggers(url, "decisions")
    assert launched(home, FULL_VALIDATION).success
    assert not problems_of_ledger(home)
    edit(url, "reject", "revise")

    assert launched(home, FULL_VALIDATION).success
    assert "position 2 of decisions" in problems_of_ledger(home)
    with home_set_to(home):
        result = CliRunner().invoke(cli.app, ["build", "--offline", "--json", "--select", SLICES])

    assert result.exit_code == 1, result.output
    failures = json.loads(result.stdout)["failures"]
    assert list(failures) == ["ledger/decisions"]
    assert "position 2 of decisions" in failures["ledger/decisions"]
    after = versions(home)
    assert {name: after[name] for name in good} == good, "the last good state"
    assert standings_in(home) == standings

    edit(url, "revise", "reject")

    assert build_into(home, select=SLICES).is_good
    assert stale_in(home) == set()


def test_an_altered_checkpoint_stops_a_build_that_has_nothing_else_to_do(
    tmp_path: Path, own_reviewers: Reviewers
) -> None:
    home = tmp_path / "home"
    decide(home, own_reviewers)
    assert build_into(home, select=SLICES).is_good
    good = versions(home)
    checkpoints = home / "review" / "checkpoints.jsonl"
    whole = checkpoints.read_text()
    checkpoints.write_text(whole.replace('"position":1', '"position":0'))

    outcome = build_into(home, select=SLICES)

    assert set(outcome.failed) == {"decisions"}
    assert str(checkpoints) in outcome.failed["decisions"]
    assert versions(home) == good, "the last good state"
    checkpoints.write_text(whole)
    assert build_into(home, select=SLICES).is_good
    assert stale_in(home) == set()


def test_a_decision_past_the_desk_by_nobody_on_file_stops_the_build(
    tmp_path: Path, own_reviewers: Reviewers
) -> None:
    """Written straight into the database, in a chain that holds."""
    home = tmp_path / "home"
    strangers = Reviewers.model_validate(
        {
            "reviewers": [
                {
                    "id": "ana",
                    "name": "Ana",
                    "kind": "person",
                    "gates": [BOUNDARY],
                    "public_key": KEYS["stranger"].public_key,
                }
            ]
        }
    )
    with home_set_to(home), DecisionLedger.open() as ledger:
        made = sign(decision("ana", gate=BOUNDARY), KEYS["stranger"])
        ledger.record(made, KEYS["stranger"], strangers)

    outcome = build_into(home, select=SLICES)

    assert "signature" in outcome.failed["decisions"]
