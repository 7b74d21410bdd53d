"""Reviewers' keys while they are signed in: in the memory of this process and nowhere else.

Belongs here: holding a key for a session's duration and dropping it. Stays out: whose key it is
(``review.ledger``), pages. Python cannot wipe memory: a dropped key is gone when its memory is
used again, and at the latest with the process.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from aina_assets.review.signing import ReviewerKey

SESSION_SECONDS = 12 * 3600
IDLE_SECONDS = 3600
SWEEP_SECONDS = 60.0


@dataclass
class _Held:
    key: ReviewerKey
    ends_at: float
    idle_at: float


class KeyRing:
    """Keys by the session that each was given for. Threads may share it.

    Args:
        clock: tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def begin(self, key: ReviewerKey) -> str:
        """Hold ``key``: the token of a new session, for its reviewer's browser alone."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._held[session_of(token)] = _Held(key, now + SESSION_SECONDS, now + IDLE_SECONDS)
        return token

    def key_of(self, token: str) -> ReviewerKey | None:
        """The key of a session that lasts, which goes on by this; none of any other."""
        self.sweep()
        with self._lock:
            held = self._held.get(session_of(token))
            if held is None:
                return None
            held.idle_at = self._clock() + IDLE_SECONDS
            return held.key

    def end(self, token: str) -> None:
        """Drop the key of a session."""
        with self._lock:
            self._held.pop(session_of(token), None)

    def sweep(self) -> None:
        """Drop every key whose session is over."""
        now = self._clock()
        with self._lock:
            for session, held in list(self._held.items()):
                if now >= min(held.ends_at, held.idle_at):
                    del self._held[session]


def session_of(token: str) -> str:
    """What a session is known by here; its token cannot be told from it."""
    return sha256(token.encode()).hexdigest()
