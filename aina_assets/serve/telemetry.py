"""Telemetry: what may be told about the server's use, to whom, and nothing more. Off by default.

Belongs here: the contract of a usage event and of an error report, ready for PostHog and Sentry,
and where they go. Stays out: what happened to a learner (the ledger has that), sending over a
network: a shipper reads the file.

What may be told is a closed list of fields: ids of what is published, figures and words of this
project's own vocabularies. There is no field that could hold a learner's words, title or id; a
learner is a keyed hash, which cannot be turned back or joined with another installation's.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
import threading
import traceback
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import AwareDatetime, Field

from aina_assets.contracts.curriculum import ModuleId
from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.learner import Level
from aina_assets.contracts.practice import Outcome
from aina_assets.contracts.work import Contract, Count, Share
from aina_assets.release.boundary import Standing
from aina_assets.titles.vocabulary import FallbackTier

SETTING = "AINA_TELEMETRY"
HASH_DIGITS = 32

_log = logging.getLogger(__name__)

Pseudonym = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class TelemetryError(AinaError, ValueError):
    """The setting names no sink there is."""


class Usage(StrEnum):
    """What a learner, or a machine for one, did here."""

    ASSESSED = "assessed"
    PLANNED = "planned"
    LESSON_STARTED = "lesson_started"
    ANSWER_SHOWN = "answer_shown"
    EVALUATED = "evaluated"


class UsageProperties(Contract):
    """What is told of a usage event, each where it applies."""

    release_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    module_id: ModuleId | None = None
    level: Level | None = None
    fallback_tier: FallbackTier | None = None
    confidence: Share | None = None
    steps: Count | None = None
    changed_by: Count | None = None
    outcome: Outcome | None = None
    counts_for_mastery: bool | None = None


class UsageEvent(Contract):
    """One usage event."""

    event: Usage
    distinct_id: Pseudonym
    timestamp: AwareDatetime
    uuid: uuid.UUID
    properties: UsageProperties

    def to_posthog(self) -> dict[str, Any]:
        """As PostHog's capture endpoint takes it; no profile of a person is made."""
        document = self.model_dump(mode="json", exclude_none=True)
        document["properties"] |= {"$process_person_profile": False, "$geoip_disable": True}
        return document


class Frame(Contract):
    """A place in this project's code, or a library's."""

    filename: str
    function: str
    lineno: Annotated[int, Field(ge=0)]


class ErrorReport(Contract):
    """An error nobody expected: its kind and where it came from, never its message.

    Attributes:
        route: the route's template, never a path that was asked for.
    """

    event_id: Pseudonym
    timestamp: AwareDatetime
    kind: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
    route: str
    frames: tuple[Frame, ...]

    def to_sentry(self) -> dict[str, Any]:
        """As a Sentry event payload."""
        frames = [frame.model_dump() for frame in self.frames]
        return {
            "event_id": self.event_id,
            "timestamp": self.timestamp.isoformat(),
            "platform": "python",
            "level": "error",
            "logger": "aina.serve",
            "transaction": self.route,
            "exception": {"values": [{"type": self.kind, "stacktrace": {"frames": frames}}]},
        }


class Sink(Protocol):
    """Where telemetry goes."""

    def write(self, kind: str, document: Mapping[str, Any]) -> None:
        """Take one document of ``kind``, ``posthog`` or ``sentry``; must not raise."""


class NoSink:
    """Nowhere."""

    def write(self, kind: str, document: Mapping[str, Any]) -> None:
        """Forget it."""


class FileSink:
    """A file of JSON lines, for a shipper to read.

    A full disk costs telemetry, never a request.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._is_failing = False
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, kind: str, document: Mapping[str, Any]) -> None:
        """Append one line."""
        line = json.dumps({"kind": kind, "document": document}, sort_keys=True) + "\n"
        try:
            # One write to a file opened for appending is whole, whoever else appends.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with self._lock, os.fdopen(descriptor, "wb", buffering=0) as stream:
                stream.write(line.encode())
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                _log.error("telemetry is lost: %s", type(error).__name__)
            self._is_failing = True


class Telemetry:
    """Tells a sink what may be told.

    Args:
        sink: where to.
        secret: of the keyed hash.
    """

    def __init__(self, sink: Sink, secret: bytes) -> None:
        self._sink = sink
        self._is_on = not isinstance(sink, NoSink)
        self._key = hmac.digest(secret, b"telemetry", "sha256")

    def pseudonym(self, learner_id: str) -> str:
        """The learner as telemetry knows them."""
        return hmac.digest(self._key, learner_id.encode(), "sha256").hex()[:HASH_DIGITS]

    def tell(self, usage: Usage, learner_id: str, **properties: Any) -> None:
        """Tell of a usage event."""
        if not self._is_on:
            return
        event = UsageEvent(
            event=usage,
            distinct_id=self.pseudonym(learner_id),
            timestamp=datetime.now(UTC),
            uuid=uuid.uuid4(),
            properties=UsageProperties(**properties),
        )
        self._sink.write("posthog", event.to_posthog())

    def report(self, error: BaseException, route: str) -> ErrorReport:
        """Tell of an unexpected error.

        Returns:
            What was told, for the log.
        """
        told = ErrorReport(
            event_id=uuid.uuid4().hex,
            timestamp=datetime.now(UTC),
            kind=f"{type(error).__module__}.{type(error).__qualname__}".replace("<locals>.", ""),
            route=route,
            frames=frames_of(error),
        )
        if self._is_on:
            self._sink.write("sentry", told.to_sentry())
        return told


def frames_of(error: BaseException) -> tuple[Frame, ...]:
    """Where ``error`` came from, without message or values: either may quote a learner."""
    return tuple(
        Frame(
            filename=re.sub(r"^.*/(?=(?:aina_assets|site-packages)/)", "", frame.filename),
            function=frame.name,
            lineno=frame.lineno or 0,
        )
        for frame in traceback.extract_tb(error.__traceback__)
    )


def sink_of(setting: str, boundary: Standing | None = None) -> Sink:
    """The sink that ``setting`` names: nothing, ``none`` or ``file:/path``.

    Anything else would leave this machine: that takes the boundary production_telemetry, and a sink
    that nobody has built.

    Args:
        setting: what it is set to.
        boundary: how production_telemetry stands.

    Raises:
        TelemetryError: it names none, or a path that is no plain file.
    """
    kind, _, place = setting.partition(":")
    if setting in ("", "none"):
        return NoSink()
    path = Path(place)
    if kind == "file" and place.startswith("/") and not (path.exists() and not path.is_file()):
        try:
            return FileSink(path)
        except OSError as error:
            found = type(error).__name__
    elif boundary is not None and not boundary.is_open:
        found = f"{kind!r}; the boundary production_telemetry is closed ({boundary.reason})"
    else:
        found = repr(kind)
    raise TelemetryError(
        expected="none, or file:/path of a plain file that can be written",
        found=found,
        where=SETTING,
        remedy="unset it, or name a file",
    )
