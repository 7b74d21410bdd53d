"""`aina review`, by hand and by scripts, over a warehouse with subjects."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result
from upath import UPath

from aina_assets import cli, location
from aina_assets.review.policy import Reviewers
from aina_assets.review.signing import ReviewerKey
from aina_assets.warehouse import authored
from aina_assets.warehouse.settings import PROJECT_ROOT
from aina_assets.warehouse.store import Store
from aina_assets_tests.learner.databases import execute
from aina_assets_tests.review.warehouse import MODELS, boundary, built, lesson, refused
from aina_assets_tests.review.world import HARD, KEYS, SOFT, gates, reviewers

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]approve me[/] \u202etxet \u009b31m"

Run = Callable[..., Result]
ASKS_KEY = b"Reviewer's key"
PATIENCE = 240
"""Seconds without a word after which a command is taken to hang."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse, gates and reviewers of the test's own."""
    data = tmp_path / "data"
    data.mkdir()
    for document in (gates(), reviewers()):
        (data / document.path().name).write_text(document.model_dump_json())
    root = tmp_path / "home"
    built(
        root,
        "boundary_subjects",
        [boundary("a"), boundary("b", title=HOSTILE, content={"text": HOSTILE})],
    )
    built(root, "lesson_subjects", [lesson("l")])
    monkeypatch.setattr(authored, "AUTHORED", data)
    monkeypatch.setattr(location, "all_models", lambda: MODELS)
    monkeypatch.setenv("AINA_HOME", str(root))
    monkeypatch.setenv("COLUMNS", "400")
    for name in ("AINA_LEDGER", "AINA_CHECKPOINTS", "AINA_REVIEWER_KEY"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def run(home: Path) -> Run:
    def invoke(*arguments: object, by: str = "") -> Result:
        env = {"AINA_REVIEWER_KEY": KEYS[by].text} if by else {}
        return CliRunner().invoke(cli.app, ["review", *map(str, arguments)], env=env)

    return invoke


def shown(run: Run, key: str = "a", gate: str = HARD) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("show", gate, key, "--json").output)
    return found


def decide(run: Run, by: str, *more: object, key: str = "a", verdict: str = "approve") -> Result:
    digest = shown(run, key)["subject_digest"]
    how = ("--verdict", verdict, "--reason", "It holds.", "--digest", digest)
    return run("decide", HARD, key, *how, *more, by=by)


def test_deciding_changes_what_is_listed(run: Run) -> None:
    assert [item["state"] for item in json.loads(run("list", "--json").output)] == ["pending"] * 3

    first = decide(run, "ana")
    assert first.exit_code == 0, first.output
    assert "position 1, counts until" in first.output
    assert decide(run, "ben").exit_code == 0

    approved = json.loads(run("list", "--state", "approved", "--json").output)
    assert [item["subject_key"] for item in approved] == ["a"]
    assert "approved by ana, ben" in run("list", "--gate", HARD).output


def test_edits_and_taking_back(run: Run) -> None:
    refused = decide(run, "ana", "--edit", "nothing", verdict="revise")
    assert (refused.exit_code, "kind:argument:text" in refused.output) == (2, True)
    assert (
        decide(run, "ana", "--edit", "manual:file.csv:Name it: now.", verdict="revise").exit_code
        == 0
    )
    (made,) = shown(run)["history"]
    assert made["required_edits"] == [
        {"edit_id": "e1", "kind": "manual", "argument": "file.csv", "text": "Name it: now."}
    ]

    back = decide(run, "ana", "--supersede", made["decision_id"], verdict="withdraw")

    assert back.exit_code == 0, back.output
    assert shown(run)["state"] == "pending"


def test_after_a_refused_build_a_rejection_is_taken_and_an_approval_told_why_not(
    run: Run, home: Path
) -> None:
    refused(Store(UPath(home)), "boundary_subjects")

    approval = decide(run, "ana")
    rejection = decide(run, "ana", verdict="reject")

    assert (approval.exit_code, "boundary_subjects was refused" in approval.output) == (2, True)
    assert rejection.exit_code == 0, rejection.output
    assert shown(run)["state"] == "rejected"
    assert shown(run)["held_up_by"] == ["boundary_subjects"]
    why = "no approvals: the last build of boundary_subjects was refused"
    assert why in run("show", HARD, "a").output
    assert why in " ".join(run("list", "--gate", HARD).output.split())
    assert "no approvals" not in run("list", "--gate", SOFT).output


def test_an_objector_is_taken_off_the_list_and_their_objection_is_ended_by_a_person(
    run: Run, home: Path
) -> None:
    for name in ("ana", "ben"):
        decide(run, name)
    decide(run, "dora", verdict="reject")
    made = shown(run)["history"][-1]["decision_id"]
    assert run("seal", by="ana").exit_code == 0
    left = Reviewers(reviewers=tuple(x for x in reviewers().reviewers if x.id != "dora"))
    (home.parent / "data" / left.path().name).write_text(left.model_dump_json())

    assert shown(run)["state"] == "rejected"
    said = run("show", HARD, "a").output
    assert "orphaned (the reviewer is not on file)" in said
    assert "it closes until a person supersedes it" in said
    assert decide(run, "panel", "--supersede", made, verdict="withdraw").exit_code == 2
    assert shown(run)["state"] == "rejected"

    ended = decide(run, "ben", "--supersede", made, verdict="withdraw")

    assert ended.exit_code == 0, ended.output
    assert shown(run)["state"] == "approved"


def test_a_script_says_which_document_it_means(run: Run) -> None:
    without = run("decide", HARD, "a", "--verdict", "approve", "--reason", "x", by="ana")
    other = run(
        *("decide", HARD, "a", "--verdict", "approve", "--reason", "x", "--digest", "0" * 64),
        by="ana",
    )

    assert (without.exit_code, "--digest" in without.output) == (2, True)
    assert (other.exit_code, "as shown" in other.output) == (2, True)
    assert "nothing was decided yet" in run("verify").output


def test_a_key_is_asked_for_and_never_an_argument(run: Run) -> None:
    without = decide(run, "")
    wrong = run("seal", by="stranger")

    assert (without.exit_code, "AINA_REVIEWER_KEY" in without.output) == (2, True)
    assert wrong.exit_code == 2
    assert KEYS["stranger"].text not in wrong.output
    assert "--key" not in run("decide", "--help").output


def test_a_new_key_is_printed_once_with_its_public_half(run: Run) -> None:
    made = run("keygen")
    key = ReviewerKey.parse(made.stdout)

    assert key.public_key in made.stderr
    assert made.stdout.strip() not in made.stderr


def test_what_a_subject_says_only_shows(run: Run, home: Path) -> None:
    said = f"It holds. {HOSTILE}"
    digest = shown(run, "b")["subject_digest"]
    run("decide", HARD, "b", "--verdict", "hold", "--reason", said, "--digest", digest, by="ana")

    for output in (
        run("list").output,
        run("show", HARD, "b").output,
        run("export-prompt").output,
        run("show", HARD, HOSTILE).output,
    ):
        assert all(letter.isprintable() or letter == "\n" for letter in output), output
    assert "[bold red]approve me[/]" in run("list").output
    assert "\\u001b[2J" in run("show", HARD, "b").output


def test_the_document_is_shown_before_it_is_decided_on(run: Run, home: Path) -> None:
    """At a terminal, which is where it is asked for."""
    key = KEYS["ana"].text.encode()
    done = at_a_terminal({b"?": b"y\n", ASKS_KEY: key + b"\n"})
    assert done.returncode == 0, done.stdout
    assert 0 < done.stdout.find(b'"text": "as it is"') < done.stdout.find(b"Decide on")
    assert key not in done.stdout
    assert [row["reviewer_id"] for row in shown(run)["history"]] == ["ana"]


def at_a_terminal(answers: dict[bytes, bytes]) -> subprocess.CompletedProcess[bytes]:
    """What `aina review decide` says to somebody who answers what it asks."""
    script = f"""
import os
from pathlib import Path
os.open(os.ttyname(0), os.O_RDWR)  # becomes the terminal that passwords are read from
from aina_assets import cli, location
from aina_assets.warehouse import authored
from aina_assets_tests.review.warehouse import MODELS
authored.AUTHORED = Path({str(Reviewers.path().parent)!r})
location.all_models = lambda: MODELS
cli.app(["review", "decide", {HARD!r}, "a", "--verdict", "approve", "--reason", "x"])
"""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=PROJECT_ROOT,
        env=os.environ | {"TERM": "dumb"},
        start_new_session=True,
    )
    os.close(theirs)
    said, waiting = b"", list(answers.items())
    with process, suppress(OSError):  # which is how a terminal ends
        while select.select([ours], [], [], PATIENCE)[0]:
            said += os.read(ours, 4096)
            if waiting and waiting[0][0] in said:
                # What is typed before a password is waited for is thrown away.
                while waiting[0][0] == ASKS_KEY and termios.tcgetattr(ours)[3] & termios.ECHO:
                    time.sleep(0.05)
                os.write(ours, waiting.pop(0)[1])
        process.kill()
    os.close(ours)
    return subprocess.CompletedProcess([], process.returncode, said)


# -------------------------------------------------------------------------------- outside reviewers


def answer(run: Run, key: str, gate: str = HARD, **fields: Any) -> str:
    said = {
        "subject_key": key,
        "subject_digest": shown(run, key, gate)["subject_digest"],
        "verdict": "approve",
        "reasons": ["It holds."],
    }
    return json.dumps(said | fields)


def test_answers_that_hold_are_recorded_and_the_others_named(run: Run, tmp_path: Path) -> None:
    asked = run("export-prompt", "--gate", HARD, "--out", tmp_path / "prompt.md")
    assert asked.exit_code == 0
    assert shown(run)["subject_digest"] in (tmp_path / "prompt.md").read_text()
    lines = [
        answer(run, "a"),
        "Here you are:",
        answer(run, "b", verdict="revise", required_edits=[]),
        "",
        answer(run, "b", subject_digest="0" * 64),
        answer(run, "a", verdict="reject"),
        answer(run, "b", reviewer_id="ben"),
        answer(run, "l", SOFT, verdict="hold"),
        answer(run, "l", SOFT),
        answer(run, "b", subject_digest=shown(run)["subject_digest"]),
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(lines))

    done = run("import", tmp_path / "answers.jsonl", by="ana")

    assert done.exit_code == 1
    assert "recorded 2 decision(s); refused 7 line(s)" in done.stdout
    named = {line.split()[1] for line in done.stderr.splitlines() if line.startswith("line ")}
    assert named == {"2", "3", "5", "6", "7", "8", "10"}
    assert [row["reviewer_id"] for row in shown(run)["history"]] == ["ana"]
    assert shown(run, "l", SOFT)["state"] == "approved"
    assert "2, the chain holds" in run("verify").output


def test_what_is_decided_is_asked_for_no_more(run: Run) -> None:
    decide(run, "ana", verdict="reject")

    assert shown(run)["subject_digest"] not in run("export-prompt").output
    assert shown(run, "b")["subject_digest"] in run("export-prompt").output


# ---------------------------------------------------------------------------------------- verifying


def test_a_walk_says_what_it_found(run: Run) -> None:
    decide(run, "ana")
    decide(run, "ben")
    sealed = run("seal", by="dora")
    found = run("verify")

    assert "sealed at position 2 by dora" in sealed.output
    assert found.exit_code == 0
    assert "checkpoints  4, they hold; 0 not yet sealed" in found.output
    assert "signatures   2 genuine" in found.output


def test_tampering_is_exit_code_1_and_nothing_is_sealed_again(run: Run, home: Path) -> None:
    decide(run, "ana")
    url = f"sqlite:///{home / 'learner' / 'ledger.sqlite'}"
    execute(url, "DROP TRIGGER decisions_update", "UPDATE decisions SET entry = entry || ' '")

    for found in (run("verify"), run("seal", by="ana")):
        assert found.exit_code == 1
        assert "position 1 of" in found.output
    assert decide(run, "ben").exit_code == 2


def test_a_signature_that_is_not_its_reviewers_is_exit_code_1(run: Run, home: Path) -> None:
    decide(run, "ana")
    run("seal", by="ben")
    changed = reviewers(ana={"public_key": KEYS["stranger"].public_key})
    Reviewers.path().write_text(changed.model_dump_json())

    found = run("verify")

    assert found.exit_code == 1
    assert "1 not of the key on file: position 1" in found.output
