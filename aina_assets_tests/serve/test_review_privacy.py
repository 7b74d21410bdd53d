"""A reviewer's key is in a server's memory and nowhere else: all that one wrote is searched."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import httpx2

from aina_assets.review.signing import PREFIX, ReviewerKey
from aina_assets.serve.review_pages import COOKIE
from aina_assets.serve.telemetry import SETTING as TELEMETRY
from aina_assets_tests.serve.review_world import (
    KEYS,
    PROGRAM,
    RUBRIC,
    RUBRICS,
    SETTING,
    keys_at,
    write_reviewers,
)
from aina_assets_tests.serve.server import running
from aina_assets_tests.serve.test_pages import Page


def forms_of(key: ReviewerKey) -> list[bytes]:
    """The key in every form in which it might be written down."""
    body = key.text.removeprefix(PREFIX)
    secret = base64.urlsafe_b64decode(f"{body}=")
    return [
        body.encode(),
        secret,
        secret.hex().encode(),
        base64.b64encode(secret).rstrip(b"="),
        repr(secret).encode()[2:-1],
    ]


def test_no_key_in_logs_cookies_telemetry_pages_or_on_disk(
    sample_home: Path, tmp_path: Path
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    temporary.mkdir()
    shutil.copytree(sample_home, home, symlinks=True)
    document = write_reviewers(tmp_path / "reviewers.yaml")
    rubric = keys_at(home, RUBRICS)[2]
    environment = {
        SETTING: str(document),
        TELEMETRY: f"file:{tmp_path / 'telemetry.jsonl'}",
        "TMPDIR": str(temporary),
        "AINA_LEDGER": "",
    }
    said = []
    with (
        running(home, tmp_path / "logs", program=PROGRAM, **environment) as server,
        httpx2.Client(base_url=server.url, timeout=60, follow_redirects=True) as client,
    ):

        def send(page: str, action: str, **answers: str) -> str:
            answer = client.post(action, data=Page(page).forms[action] | answers)
            said.append(answer)
            return answer.text

        page = client.get("/review").text
        page = send(page, "/review/enter", key=KEYS["stranger"].text)
        # Where it does not belong: another field, another path, a query, a broken form, a file.
        send(page, "/review/enter", key="", other=KEYS["stranger"].text)
        said.append(client.get("/review", params={"key": KEYS["stranger"].text}))
        said.append(client.get(f"/review/{KEYS['stranger'].text}"))
        said.append(client.post("/review/enter", data={"key": KEYS["stranger"].text}))
        file = {"key": ("key", KEYS["stranger"].text.encode() * 8000)}
        said.append(client.post("/review/enter", files=file))
        send(page, "/review/enter", key=KEYS["ana"].text)
        subject = f"/review/subject?gate={RUBRIC}&key={rubric}"
        page = client.get(subject).text
        page = send(page, "/review/decide", verdict="approve", reasons="It holds.")
        assert "Recorded: you approved" in page
        token = client.cookies[COOKIE]
        page = send(client.get(subject).text, "/review/decide", verdict="nothing")
        # A ledger that does not answer: what went wrong is logged.
        checkpoints = home / "review" / "checkpoints.jsonl"
        checkpoints.write_text(checkpoints.read_text().replace("ana", "eve"))
        page = send(page, "/review/decide", verdict="reject", reasons="It does not.")
        assert said[-1].status_code == 503
        send(client.get("/review").text, "/review/leave")
        server.stop()

    written = {
        str(path): path.read_bytes()
        for folder in (home, tmp_path / "logs", temporary)
        for path in folder.rglob("*")
        if path.is_file()
    }
    telemetry = tmp_path / "telemetry.jsonl"
    written["telemetry"] = telemetry.read_bytes() if telemetry.exists() else b""
    written |= {f"answer {n}": str(a.headers).encode() + a.content for n, a in enumerate(said)}
    assert any(b"LedgerTampered" in content for content in written.values()), "it was logged"
    assert any(b"It holds." in content for content in written.values()), "it was recorded"
    found = [
        (name, path)
        for name in ("ana", "stranger")
        for form in forms_of(KEYS[name])
        for path, content in written.items()
        if form in content and path != "answer 3"
    ]
    assert found == []
    assert not [
        path
        for path, content in written.items()
        if token.encode() in content and not path.startswith("answer")
    ]
