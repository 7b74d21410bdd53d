"""API keys: who may ask, and how often.

Belongs here: the file of keys (digests alone, never a key), comparing a presented key with it, and
counting requests. Stays out: reading headers (``boundary``), any notion of a learner: a key belongs
to a caller, such as a test bench.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from pydantic import Field, ValidationError

from aina_assets.contracts.errors import AinaError
from aina_assets.contracts.work import Contract
from aina_assets.warehouse.files import TEMPORARY_PREFIX, sync_directory

KEY_PREFIX = "aina_"
DEFAULT_REQUESTS_PER_MINUTE = 600
LOOK_SECONDS = 1.0

_log = logging.getLogger(__name__)


class KeyFileError(AinaError, ValueError):
    """The file of API keys cannot be used."""


class ApiKey(Contract):
    """One key, as kept.

    Attributes:
        sha256: of the key; keys are random, so a plain digest cannot be turned back.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = DEFAULT_REQUESTS_PER_MINUTE


class _Keys(Contract):
    keys: tuple[ApiKey, ...] = ()


class KeyFile:
    """The keys in a file; a key that is added or removed counts within a second.

    Args:
        path: ``serve/api_keys.json`` of the warehouse root.
        clock: tells seconds that only rise.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._keys: tuple[ApiKey, ...] = ()
        self._stamp: tuple[int, int, int] | None = None
        self._next_look = 0.0

    def read(self) -> tuple[ApiKey, ...]:
        """The keys on file; none where there is no file.

        Raises:
            KeyFileError: it is not what ``add`` writes.
        """
        try:
            return _Keys.model_validate_json(self.path.read_bytes()).keys
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            raise KeyFileError(
                expected="a file as `aina serve keys add` writes it",
                found=type(error).__name__,
                where=str(self.path),
                remedy="remove it and add the keys anew, or put a good copy back",
            ) from None

    def add(self, name: str, requests_per_minute: int = DEFAULT_REQUESTS_PER_MINUTE) -> str:
        """A new key under ``name``; the only time it is seen.

        Raises:
            KeyFileError: the name is taken or no name, or the rate is none.
        """
        known = self.read()
        if any(key.name == name for key in known):
            raise KeyFileError(
                expected="a name of its own",
                found=f"{name!r}, which has a key",
                where=str(self.path),
                remedy=f"remove it first: aina serve keys remove {name}",
            )
        presented = KEY_PREFIX + secrets.token_urlsafe(32)
        try:
            key = ApiKey(
                name=name, sha256=_digest(presented), requests_per_minute=requests_per_minute
            )
        except ValidationError as error:
            fault = error.errors()[0]
            raise KeyFileError(
                expected="a name of small letters, digits, - and _, and a rate of at least 1",
                found=f"{fault['loc'][0]}: {fault['msg']}",
                where="aina serve keys add",
                remedy="give another",
            ) from None
        self._write((*known, key))
        return presented

    def remove(self, name: str) -> None:
        """Refuse the key under ``name`` from now on.

        Raises:
            KeyFileError: there is none.
        """
        known = self.read()
        kept = tuple(key for key in known if key.name != name)
        if len(kept) == len(known):
            raise KeyFileError(
                expected="a name on file",
                found=repr(name),
                where=str(self.path),
                remedy="see them: aina serve keys list",
            )
        self._write(kept)

    def holder_of(self, presented: bytes) -> ApiKey | None:
        """The key that ``presented`` is; how long it takes does not depend on which."""
        self._look()
        digest = sha256(presented).hexdigest().encode()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256.encode(), digest):
                found = key
        return found

    def _look(self) -> None:
        now = self._clock()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            stamp = None
        if stamp == self._stamp and stamp is not None:
            return
        try:
            self._keys, self._stamp = self.read(), stamp
        except KeyFileError as error:
            # Who was let in before still is; nobody new is.
            _log.error("%s", error)
            self._stamp = stamp

    def _write(self, keys: tuple[ApiKey, ...]) -> None:
        document = json.dumps(_Keys(keys=keys).model_dump(mode="json"), indent=2) + "\n"
        write_private(self.path, document.encode())


def key_file(home: Path) -> KeyFile:
    """The API keys of the warehouse at ``home``."""
    return KeyFile(home / "serve" / "api_keys.json")


class Pace:
    """How many requests a caller may make in any minute. Threads may share it."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._items: dict[int, RateLimitItemPerMinute] = {}

    def admit(self, caller: str, per_minute: int) -> int:
        """Count a request of ``caller``: 0, or the seconds to wait where it is one too many."""
        item = self._items.setdefault(per_minute, RateLimitItemPerMinute(per_minute))
        if self._limiter.hit(item, caller):
            return 0
        reset_at: float = self._limiter.get_window_stats(item, caller).reset_time
        return max(1, round(reset_at - time.time()))


_SECRET_BYTES = 32
_secret_lock = threading.Lock()


def secret_of(path: Path) -> bytes:
    """The server's own secret: of sessions, form tokens and hashed ids; made where there is none.

    Raises:
        KeyFileError: the file is too short to be one.
    """
    with _secret_lock:
        try:
            found = path.read_bytes()
        except FileNotFoundError:
            write_private(path, secrets.token_bytes(_SECRET_BYTES))
            found = path.read_bytes()
    if len(found) < _SECRET_BYTES:
        raise KeyFileError(
            expected=f"{_SECRET_BYTES} random bytes",
            found=f"{len(found)} bytes",
            where=str(path),
            remedy="remove the file: a new one is made, and everyone signs in again",
        )
    return found


def write_private(path: Path, content: bytes) -> None:
    """``content`` at ``path``, whole or not at all, for its owner's eyes alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}"
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _digest(presented: str) -> str:
    return sha256(presented.encode()).hexdigest()
