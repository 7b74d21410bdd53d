"""Telemetry: off unless asked for; what is told fits the contract and names no learner."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aina_assets.release.boundary import Standing
from aina_assets.serve.telemetry import (
    ErrorReport,
    FileSink,
    NoSink,
    Telemetry,
    TelemetryError,
    Usage,
    UsageEvent,
    UsageProperties,
    sink_of,
)

RELEASE = "0123456789abcdef"
SECRET = b"s" * 32


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_is_off_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert isinstance(sink_of(""), NoSink)
    assert isinstance(sink_of("none"), NoSink)
    Telemetry(sink_of(""), SECRET).tell(Usage.ASSESSED, "learner-1", release_id=RELEASE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "setting",
    ["file:", "file:relative", "https://x.example", "on", "file:/", "file:/dev/null"],
)
def test_a_setting_that_names_no_sink_is_refused(setting: str) -> None:
    with pytest.raises(TelemetryError):
        sink_of(setting)


def test_what_would_leave_this_machine_names_the_boundary_and_its_state(tmp_path: Path) -> None:
    closed = Standing(False, "pending: waits for 2 more approval(s) of 2")
    for setting in ("https://x.example", "posthog"):
        with pytest.raises(TelemetryError, match=r"production_telemetry is closed \(pending"):
            sink_of(setting, closed)
        with pytest.raises(TelemetryError):
            sink_of(setting, Standing(True, "approved"))
    assert isinstance(sink_of(f"file:{tmp_path / 'told.jsonl'}", closed), FileSink)


def test_a_usage_event_is_one_line_as_posthog_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "telemetry.jsonl"
    telemetry = Telemetry(sink_of(f"file:{path}"), SECRET)

    telemetry.tell(Usage.PLANNED, "learner-1", release_id=RELEASE, steps=2, changed_by=0)
    telemetry.tell(Usage.PLANNED, "learner-2", release_id=RELEASE)

    first, second = (line["document"] for line in lines(path))
    assert {line["kind"] for line in lines(path)} == {"posthog"}
    assert first["event"] == "planned"
    assert first["properties"]["steps"] == 2
    assert first["properties"]["$process_person_profile"] is False
    assert "outcome" not in first["properties"]
    assert first["distinct_id"] != second["distinct_id"]
    assert "learner-1" not in path.read_text()


def test_a_learner_is_the_same_here_and_another_elsewhere() -> None:
    here = Telemetry(NoSink(), SECRET)

    assert here.pseudonym("learner-1") == Telemetry(NoSink(), SECRET).pseudonym("learner-1")
    assert here.pseudonym("learner-1") != here.pseudonym("learner-2")
    assert here.pseudonym("learner-1") != Telemetry(NoSink(), b"t" * 32).pseudonym("learner-1")


def test_there_is_no_field_for_anything_else() -> None:
    for name in ("title", "text", "role_title", "email", "url"):
        with pytest.raises(ValidationError):
            UsageProperties(release_id=RELEASE, **{name: "x"})
    with pytest.raises(ValidationError):
        UsageProperties(release_id=RELEASE, module_id="A learner's words")
    free = {
        name: schema
        for model in (UsageEvent, UsageProperties)
        for name, schema in model.model_json_schema(mode="serialization")["properties"].items()
        if schema.get("type") == "string"
        and not {"pattern", "format", "enum", "const"} & schema.keys()
    }
    assert free == {}


def test_an_error_is_told_by_kind_and_place_without_its_words(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    telemetry = Telemetry(sink_of(f"file:{path}"), SECRET)
    plumcot = "plumcot"
    try:
        raise KeyError(plumcot)
    except KeyError as error:
        told = telemetry.report(error, "/assess")

    assert isinstance(told, ErrorReport)
    (line,) = lines(path)
    assert line["kind"] == "sentry"
    event = line["document"]
    (value,) = event["exception"]["values"]
    assert value["type"] == "builtins.KeyError"
    assert "value" not in value
    assert value["stacktrace"]["frames"][-1]["filename"].endswith("test_telemetry.py")
    assert event["transaction"] == "/assess"
    assert "plumcot" not in path.read_text()


def test_a_sink_that_fails_costs_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "telemetry.jsonl"
    telemetry = Telemetry(FileSink(path), SECRET)
    path.mkdir()

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            telemetry.tell(Usage.ASSESSED, "learner-1", release_id=RELEASE)

    assert len(caplog.records) == 1
    path.rmdir()
    telemetry.tell(Usage.ASSESSED, "learner-1", release_id=RELEASE)
    assert len(lines(path)) == 1
