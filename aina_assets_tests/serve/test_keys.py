"""The file of API keys, the pace of callers, and the server's own secret."""

from __future__ import annotations

import json
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aina_assets import cli
from aina_assets.serve.keys import KeyFile, KeyFileError, Pace, secret_of


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "serve" / "api_keys.json")


def test_the_file_holds_digests_alone_and_is_its_owners(keys: KeyFile) -> None:
    presented = keys.add("bench", 120)

    text = keys.path.read_text()
    assert presented not in text
    assert presented.removeprefix("aina_") not in text
    (entry,) = json.loads(text)["keys"]
    assert entry == {
        "name": "bench",
        "sha256": sha256(presented.encode()).hexdigest(),
        "requests_per_minute": 120,
    }
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_every_key_is_another(keys: KeyFile) -> None:
    made = {keys.add(f"key-{number}") for number in range(20)}

    assert len(made) == 20
    assert all(len(key) > 40 for key in made)


@pytest.mark.parametrize(("name", "rate"), [("Bench", 1), ("", 1), ("a b", 1), ("bench", 0)])
def test_a_name_or_rate_that_is_none_adds_nothing(keys: KeyFile, name: str, rate: int) -> None:
    with pytest.raises(KeyFileError):
        keys.add(name, rate)
    assert keys.read() == ()


def test_a_name_has_one_key(keys: KeyFile) -> None:
    keys.add("bench")

    with pytest.raises(KeyFileError) as refused:
        keys.add("bench")

    assert "remove bench" in refused.value.remedy
    with pytest.raises(KeyFileError):
        keys.remove("other")


@pytest.mark.parametrize("content", ["", "{", '{"keys": [{"name": "x"}]}', "[]"])
def test_a_damaged_file_lets_nobody_new_in_and_keeps_who_was(tmp_path: Path, content: str) -> None:
    clock = [0.0]
    keys = KeyFile(tmp_path / "keys.json", clock=lambda: clock[0])
    presented = keys.add("bench")
    assert keys.holder_of(presented.encode()) is not None

    keys.path.write_text(content)
    clock[0] += 1.0

    assert keys.holder_of(presented.encode()) is not None
    assert keys.holder_of(b"aina_other") is None
    with pytest.raises(KeyFileError):
        keys.read()
    with pytest.raises(KeyFileError):
        keys.add("another")


def test_a_file_that_is_gone_lets_nobody_in(tmp_path: Path) -> None:
    clock = [0.0]
    keys = KeyFile(tmp_path / "keys.json", clock=lambda: clock[0])
    presented = keys.add("bench")
    assert keys.holder_of(presented.encode()) is not None

    keys.path.unlink()
    clock[0] += 1.0

    assert keys.holder_of(presented.encode()) is None


def test_the_pace_is_each_callers_own() -> None:
    pace = Pace()

    waits = [pace.admit("one", 2) for _ in range(4)]

    assert waits[:2] == [0, 0]
    assert all(1 <= wait <= 60 for wait in waits[2:])
    assert pace.admit("two", 2) == 0


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "serve" / "secret"

    first = secret_of(path)

    assert len(first) >= 32
    assert secret_of(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_of(tmp_path / "other") != first
    path.write_bytes(b"short")
    with pytest.raises(KeyFileError):
        secret_of(path)


def test_the_command_prints_a_key_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AINA_HOME", str(tmp_path))
    runner = CliRunner()

    added = runner.invoke(cli.app, ["serve", "keys", "add", "bench", "--rate", "90"])
    listed = runner.invoke(cli.app, ["serve", "keys", "list"])
    again = runner.invoke(cli.app, ["serve", "keys", "add", "bench"])
    removed = runner.invoke(cli.app, ["serve", "keys", "remove", "bench"])

    presented = added.stdout.strip()
    assert added.exit_code == listed.exit_code == removed.exit_code == 0
    assert presented.startswith("aina_")
    assert "bench" in listed.stdout
    assert "90" in listed.stdout
    assert presented not in listed.stdout
    assert again.exit_code == 2
    assert KeyFile(tmp_path / "serve" / "api_keys.json").read() == ()
