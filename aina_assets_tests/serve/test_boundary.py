"""The boundary: who comes in, how much they may bring, how often, and what every answer carries."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Message

from aina_assets.contracts.errors import AinaError
from aina_assets.serve.boundary import BODY_BYTES, HEADERS
from aina_assets.serve.keys import KeyFile, key_file
from aina_assets.serve.problems import MEDIA_TYPE
from aina_assets.serve.run import ServeError, application, serve
from aina_assets_tests.serve.samples import profile
from aina_assets_tests.serve.test_api import problem_of


@contextmanager
def served(home: Path, ledger: Path, *, is_local: bool = False) -> Iterator[FastAPI]:
    url = f"sqlite:///{ledger / 'ledger.sqlite'}"
    with application(home, url, dict, is_local=is_local) as app, TestClient(app):
        yield app


# -------------------------------------------------------------------------------- who


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "aina_wrong"},
        {"X-API-Key": "\xe4\xff"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer aina_wrong"},
        {"Authorization": "Basic {key}"},
        {"Authorization": "Bearer {key}x"},
    ],
)
def test_without_a_key_on_file_nobody_comes_in(
    anonymous: TestClient, key: str, headers: dict[str, str]
) -> None:
    given = {
        name.encode(): text.replace("{key}", key).encode("latin-1")
        for name, text in headers.items()
    }
    for method, path in (("POST", "/assess"), ("GET", "/modules/x"), ("GET", "/nowhere")):
        answer = anonymous.request(method, path, headers=given, content=b"not even read")

        problem = problem_of(answer, 401)
        assert problem["remedy"]
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "{key}"},
        {"Authorization": "Bearer {key}"},
        {"authorization": "bearer  {key} "},
    ],
)
def test_with_a_key_either_header_will_do(
    anonymous: TestClient, key: str, headers: dict[str, str]
) -> None:
    given = {name: text.replace("{key}", key) for name, text in headers.items()}

    answer = anonymous.get("/learners/nobody-1/state", headers=given)

    problem_of(answer, 404)


def test_a_key_that_is_added_counts_and_one_that_is_removed_does_not(
    served_home: Path, tmp_path: Path
) -> None:
    clock = [0.0]
    keys = KeyFile(tmp_path / "keys.json", clock=lambda: clock[0])
    first = keys.add("first")
    assert keys.holder_of(first.encode()) is not None

    second = keys.add("second")
    keys.remove("first")
    clock[0] += 1.0

    assert keys.holder_of(first.encode()) is None
    found = keys.holder_of(second.encode())
    assert found is not None
    assert found.name == "second"


def test_without_a_key_on_file_it_refuses_to_start(served_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "releases").symlink_to(served_home / "releases")

    with pytest.raises(AinaError) as refused, served(home, tmp_path):
        pass

    assert "--insecure-local" in refused.value.remedy
    assert "keys add" in refused.value.remedy


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_without_keys_it_listens_to_this_machine_alone(served_home: Path, host: str) -> None:
    with pytest.raises(ServeError) as refused:
        serve(served_home, dict, host=host, port=0, is_local=True)

    assert refused.value.found == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_others_are_not_listened_to_while_the_boundary_is_closed(
    served_home: Path, tmp_path: Path, key: str, host: str
) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.sqlite'}"

    with pytest.raises(ServeError, match="public_runtime is closed") as refused:
        serve(served_home, dict, host=host, port=0, ledger=ledger)

    assert refused.value.where == "--host"


def test_without_keys_only_this_machines_own_names_are_answered(
    served_home: Path, tmp_path: Path
) -> None:
    with served(served_home, tmp_path, is_local=True) as app:
        for host in ("127.0.0.1:8321", "localhost", "[::1]:1", "[::1]"):
            client = TestClient(app, base_url="http://testserver", headers={"Host": host})
            assert client.get("/health").status_code == 200, host
            assert client.post("/assess", json=profile("local-1")).status_code == 200
        for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost:x"):
            client = TestClient(app, headers={"Host": host})
            problem_of(client.get("/health"), 421)
            problem_of(client.post("/assess", json=profile("local-1")), 421)


# -------------------------------------------------------------------------------- how often


def test_a_key_that_asks_too_often_is_told_to_wait(served_home: Path, tmp_path: Path) -> None:
    slow = key_file(served_home).add("slow", 3)
    quick = key_file(served_home).add("quick", 30)
    try:
        with served(served_home, tmp_path) as app:
            client = TestClient(app, headers={"X-API-Key": slow})
            answers = [client.get("/learners/nobody-1/state") for _ in range(5)]
            other = TestClient(app, headers={"X-API-Key": quick})

            assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
            problem = problem_of(answers[-1], 429)
            assert "3 requests" in problem["expected"]
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
            assert other.get("/learners/nobody-1/state").status_code == 404
            assert client.get("/health").status_code == 200
    finally:
        key_file(served_home).remove("slow")
        key_file(served_home).remove("quick")


# -------------------------------------------------------------------------------- how much


async def exchange(
    app: FastAPI, chunks: list[bytes], headers: dict[str, str]
) -> tuple[int, dict[str, str], bytes, int]:
    """Send ``chunks`` as they are; the status, headers, body, and how many chunks were taken."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    taken = 0
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return messages[taken - 1]

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/curriculum",
        "raw_path": b"/curriculum",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    await app(scope, receive, send)
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    found = {name.decode(): text.decode() for name, text in start["headers"]}
    return start["status"], found, body, taken


@pytest.mark.parametrize("declared", [None, "10", str(BODY_BYTES + 1), "9" * 30])
def test_a_body_over_the_limit_is_cut_off_whatever_length_it_declares(
    app: FastAPI, anonymous: TestClient, key: str, declared: str | None
) -> None:
    chunk = b" " * 65536
    chunks = [chunk] * (4 * BODY_BYTES // len(chunk))
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    if declared is not None:
        headers["Content-Length"] = declared
    assert anonymous.portal is not None

    status, found, body, taken = anonymous.portal.call(exchange, app, chunks, headers)

    assert status == 413
    assert found["content-type"] == MEDIA_TYPE
    assert found["x-aina-boundary"] == "internal-synthetic"
    assert f"{BODY_BYTES:,}" in json.loads(body)["expected"]
    assert taken <= BODY_BYTES // len(chunk) + 1, "the rest was never taken"


def test_a_body_of_the_limit_is_read(app: FastAPI, anonymous: TestClient, key: str) -> None:
    request = b'{"learner_id": "nobody-1"}'
    chunks = [request, b" " * (BODY_BYTES - len(request))]
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    assert anonymous.portal is not None

    status, _, _, _ = anonymous.portal.call(exchange, app, chunks, headers)

    assert status == 404


# -------------------------------------------------------------------------------- what all carry


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health"),
        ("GET", "/openapi.json"),
        ("GET", "/beta"),
        ("GET", "/static/beta.css"),
        ("GET", "/static/nothing.css"),
        ("POST", "/assess"),
        ("GET", "/nowhere"),
        ("PATCH", "/assess"),
    ],
)
def test_every_answer_says_its_boundary_and_trusts_nothing_from_elsewhere(
    anonymous: TestClient, method: str, path: str
) -> None:
    answer = anonymous.request(method, path)

    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["X-Aina-Boundary"] == "internal-synthetic"
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["Cache-Control"]
    assert answer.headers["X-Request-Id"]
    assert "server" not in answer.headers


def test_an_unexpected_error_is_a_problem_that_tells_nothing(
    app: FastAPI,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("plumcot: the learner said so")

    monkeypatch.setattr("aina_assets.learner.service.LearnerService.state", fails)
    with caplog.at_level(logging.INFO, "aina"):
        answer = client.get("/learners/learner-1/state")

    problem = problem_of(answer, 500)
    assert "plumcot" not in answer.text
    assert answer.headers["X-Request-Id"] in problem["detail"]
    assert "plumcot" not in caplog.text
    assert "builtins.ValueError" in caplog.text
    assert "test_boundary.py" in caplog.text, "where it came from"
    assert answer.headers["X-Request-Id"] in caplog.text


def test_a_ledger_that_fails_is_a_problem_to_come_back_from(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, served_home: Path
) -> None:
    from aina_assets.contracts.errors import LedgerError

    def fails(*_: object) -> None:
        raise LedgerError(
            expected="a database", found="none", where="sqlite:////secret/place", remedy="mend it"
        )

    monkeypatch.setattr("aina_assets.learner.ledger.Ledger.head", fails)
    answer = client.get("/health")

    problem = problem_of(answer, 503)
    assert answer.headers["retry-after"]
    assert problem["remedy"] == "mend it"
    assert "secret" not in answer.text


def test_the_access_log_has_the_route_and_no_path(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "aina.serve.access"):
        client.get("/learners/plumcot-1/state?plumcot=1")
        client.get("/plumcot")
        client.get("/static/plumcot.css")
        client.request("PLUMCOT", "/assess")

    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["route"] for line in lines] == [
        "/learners/{learner_id}/state",
        "-",
        "/static",
        "/assess",
    ]
    assert [line["status"] for line in lines] == [404, 404, 404, 405]
    assert {line["caller"] for line in lines} == {"tests", "-"}
    assert "plumcot" not in caplog.text.casefold()
