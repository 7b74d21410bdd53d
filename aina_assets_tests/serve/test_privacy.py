"""What people write goes where it must and nowhere else.

Words that occur nowhere else are planted in every field of every route and form, in headers, keys,
paths and broken requests, on a real server; then everything it wrote is searched for them.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from aina_assets.serve.boundary import BODY_BYTES
from aina_assets.serve.keys import key_file
from aina_assets.serve.telemetry import SETTING, Usage
from aina_assets_tests.serve.samples import profile
from aina_assets_tests.serve.server import Server, running
from aina_assets_tests.serve.test_pages import ANSWERS, Page

MODULE = "marketing_growth_map_your_work"
_numbers = itertools.count(100)


@dataclass
class Planted:
    """Words that were planted, by the places they may be found in again."""

    nowhere: dict[str, str] = field(default_factory=dict)
    ledger: dict[str, str] = field(default_factory=dict)

    def word(self, where: str, *, in_ledger: bool = False) -> str:
        """A new word for ``where``."""
        made = f"plumcot{next(_numbers)}x"
        (self.ledger if in_ledger else self.nowhere)[made] = where
        return made


@dataclass(frozen=True)
class Written:
    """Everything a server wrote.

    Attributes:
        ledger: the bytes of its ledger.
        rest: the bytes of everything else, by file.
    """

    ledger: bytes
    rest: dict[str, bytes]


@pytest.fixture(scope="module")
def drive(
    served_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Planted, Written, list[int]]:
    """A server that was told all of it, and is gone."""
    folder = tmp_path_factory.mktemp("privacy")
    planted, statuses = Planted(), []
    key = key_file(served_home).add("privacy", 100_000)
    planted.nowhere[key] = "API key"
    ledger = folder / "ledger" / "ledger.sqlite"
    telemetry = folder / "telemetry" / "telemetry.jsonl"
    setting = {SETTING: f"file:{telemetry}"}
    try:
        with running(
            served_home, folder / "logs", "--ledger", f"sqlite:///{ledger}", **setting
        ) as server:
            statuses += told_to_api(server, key, planted)
            statuses += told_to_pages(server, key, planted)
            told_to_the_socket(server, planted)
            with closing(sqlite3.connect(ledger)) as broken:
                broken.execute("ALTER TABLE learner_events RENAME TO elsewhere")
                broken.commit()
            statuses += told_to_api(server, key, planted, is_broken=True)
            server.stop()
    finally:
        key_file(served_home).remove("privacy")
    files = [
        *(path for path in folder.rglob("*") if path.is_file() and path.parent != ledger.parent),
        *(path for path in (served_home / "serve").rglob("*") if path.is_file()),
    ]
    kept = b"".join(path.read_bytes() for path in ledger.parent.iterdir())
    return planted, Written(kept, {str(path): path.read_bytes() for path in files}), statuses


def told_to_api(
    server: Server, key: str, planted: Planted, *, is_broken: bool = False
) -> list[int]:
    word = planted.word
    # Of requests that are recorded; where the ledger is broken, none is.
    kept = {} if is_broken else {"in_ledger": True}
    learner = f"learner-{word('learner id', **kept)}"
    good = profile(
        learner,
        role_title=f"Head of {word('title', **kept)}",
        industry=word("industry", **kept),
        pains=[word("pain", **kept)],
        tools=[word("tool", **kept)],
    )
    module = {"module_id": MODULE}
    me = {"learner_id": learner}
    requests: list[tuple[str, str, Any]] = [
        ("POST", "/assess", good),
        ("POST", "/curriculum", me),
        ("POST", "/submit", {**me, **module, "text": word("submission")}),
        ("POST", "/submit", {**me, **module, "text": f"## My week\n\n{word('section')}\n"}),
        (
            "POST",
            "/submit",
            {**me, **module, "text": f"write to {word('address')}@example.org"},
        ),
        ("POST", f"/modules/{MODULE}/answer", me),
        *(
            ("POST", f"/learners/{learner}/events", body)
            for body in (
                {"event_type": "lesson_started", **module},
                {"event_type": "module_exposed", **module},
                {"event_type": "readiness_report_viewed"},
                {"event_type": "confidence_updated", "confidence": 2},
                {"event_type": "goal_updated", "goals": ["understand"]},
                {"event_type": "tool_stack_updated", "tools": [word("new tool", **kept)]},
                {"event_type": "confidence_updated", "confidence": word("no figure")},
                {"event_type": word("no event")},
                {"event_type": "readiness_report_viewed", word("field"): word("value")},
            )
        ),
        ("GET", f"/learners/{learner}/state", None),
        ("GET", f"/modules/{word('module')}", None),
        ("GET", f"/workflow/{word('workflow')}/sandbox", None),
        ("GET", f"/trace/{word('table')}/{word('key')}", None),
        ("GET", f"/trace/occupations/{word('row')}?rows={word('query')}", None),
        ("GET", f"/{word('path')}?{word('name')}={word('value')}#{word('fragment')}", None),
        ("POST", "/assess", {**good, "learner_id": f"UPPER {word('bad id')}"}),
        ("POST", "/assess", {**good, "is_synthetic": False, "role_title": word("real")}),
        ("POST", "/assess", {**good, "goals": [word("goal")], word("field"): word("value")}),
        ("POST", "/assess", {**good, "role_title": word("long") * 100}),
        ("POST", "/curriculum", {"learner_id": word("no id") + "!"}),
        ("POST", "/submit", {**me, "module_id": word("no module"), "text": word("text")}),
        ("POST", "/submit", {**me, **module, "text": word("long") * 20_000}),
    ]
    headers = {
        "X-API-Key": key,
        "User-Agent": word("user agent"),
        "Referer": f"http://{word('referer')}.example/",
        "X-Forwarded-For": word("forwarded"),
        "Cookie": f"aina_beta={word('cookie')}; {word('name')}={word('value')}",
        "Accept-Language": word("language"),
    }
    statuses = []
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
        for method, path, body in requests:
            statuses.append(client.request(method, path, json=body).status_code)
        for content in (
            f'{{"learner_id": "{word("cut off")}'.encode(),
            f"{word('no json')}".encode() * 3,
            word("large").encode() * (BODY_BYTES // 8),
            b"\xff\xfe" + word("bytes").encode(),
        ):
            answer = client.post(
                "/assess", content=content, headers={"Content-Type": "application/json"}
            )
            statuses.append(answer.status_code)
        named = {"Idempotency-Key": word("idempotency key", **kept)}
        statuses.append(client.post("/curriculum", json=me, headers=named).status_code)
        for wrong in (
            {"X-API-Key": word("wrong key")},
            {"Authorization": f"Bearer {word('wrong bearer')}"},
            {"Authorization": f"Basic {word('basic')}"},
            {"Idempotency-Key": f"{word('no key')} with space"},
        ):
            answer = client.post("/assess", json=good, headers=wrong)
            statuses.append(answer.status_code)
        statuses.append(client.request(word("method").upper(), "/assess").status_code)
    return statuses


def told_to_pages(server: Server, key: str, planted: Planted) -> list[int]:
    word = planted.word
    statuses = []
    with httpx2.Client(base_url=server.url, timeout=60, follow_redirects=True) as client:

        def send(page: str, action: str, **answers: Any) -> str:
            answer = client.post(action, data=Page(page).forms[action] | answers)
            statuses.append(answer.status_code)
            return answer.text

        page = client.get("/beta").text
        send(page, "/beta/enter", key=word("wrong key"))
        page = send(page, "/beta/enter", key=key)
        answers = ANSWERS | {
            "role_title": word("title", in_ledger=True),
            "industry": word("industry", in_ledger=True),
            "pains": word("pain", in_ledger=True),
            "tools": word("tool", in_ledger=True),
        }
        wrong = {name: word(f"wrong {name}") for name in ANSWERS} | {word("field"): word("value")}
        send(page, "/beta/assess", **wrong)
        send(page, "/beta/assess", **answers | {"role_title": word("title") * 100})
        send(page, "/beta/assess", **answers)
        page = client.get("/beta").text
        readiness = send(page, "/beta/assess", **answers | {"role_title": "Marketing Managers"})
        following = send(readiness, "/beta/plan")
        action = next(name for name in Page(following).forms if name.startswith("/beta/lessons/"))
        send(following, action)
        practice = f"/beta/practice/{action.rpartition('/')[2]}"
        page = client.get(practice).text
        evaluated = send(page, practice, text=word("submission"))
        send(evaluated, "/beta/plan")
        send(evaluated, f"/beta/answers/{action.rpartition('/')[2]}")
        send(evaluated, "/beta/plan", csrf=word("token"))
        paths = (f"/beta/{word('path')}", f"/beta/lessons/{word('lesson')}?{word('query')}=1")
        statuses += [client.get(path).status_code for path in paths]
        learner = re.search(r"beta-[0-9a-f]{16}", page)
        assert learner is not None
        planted.ledger[learner.group()] = "learner id"
        planted.nowhere[client.cookies["aina_beta"]] = "session"
    return statuses


def told_to_the_socket(server: Server, planted: Planted) -> None:
    """Requests that no client would send."""
    place = urlsplit(server.url)
    assert place.hostname is not None
    assert place.port is not None
    word = planted.word
    get = "GET /health HTTP/1.1\r\nHost: x\r\n"
    for request in (
        f"GET /{word('line')}\r\n\r\n",
        f"{word('verb')} / HTTP/9.9\r\n{word('header')}\r\n\r\n",
        f"POST /{word('p')} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{word('part')}",
        f"{get}{word('fold')}: a\r\n {word('folded')}\r\n\r\n",
        f"{get}Host: {word('host')}\r\nTransfer-Encoding: {word('encoding')}\r\n\r\n",
        f"GET /{word('space')} {word('more')} HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def test_it_was_really_told(drive: tuple[Planted, Written, list[int]]) -> None:
    planted, written, statuses = drive

    assert {200, 400, 401, 403, 404, 413, 422, 503} <= set(statuses)
    assert 500 not in statuses
    assert len(planted.nowhere) > 90
    for word, where in planted.ledger.items():
        assert word.encode() in written.ledger, where
    (telemetry,) = (text for path, text in written.rest.items() if "telemetry" in path)
    told = {json.loads(line)["document"]["event"] for line in telemetry.splitlines()}
    assert told == set(Usage)
    (log,) = (text for path, text in written.rest.items() if path.endswith(".err"))
    assert b"/learners/{learner_id}/events" in log
    assert b"LedgerError" in log


def test_a_word_is_nowhere_that_was_not_meant_for_it(
    drive: tuple[Planted, Written, list[int]],
) -> None:
    planted, written, _ = drive

    found = [
        (where, path)
        for word, where in (planted.nowhere | planted.ledger).items()
        for path, content in written.rest.items()
        if word.encode() in content.lower() or word.encode() in content
    ]
    assert found == []


def test_the_ledger_has_no_submission_and_nothing_that_was_refused(
    drive: tuple[Planted, Written, list[int]],
) -> None:
    planted, written, _ = drive

    found = [where for word, where in planted.nowhere.items() if word.encode() in written.ledger]
    assert found == []
