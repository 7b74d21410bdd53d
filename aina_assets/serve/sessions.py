"""Sessions of the beta pages: a signed cookie with a synthetic learner's id, and nothing else.

Belongs here: signing, and telling a form that a page of ours sent from one that another site had a
browser send. Stays out: API keys (``keys``).
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "aina_beta"
SESSION_SECONDS = 12 * 3600
FORM_SECONDS = 4 * 3600
_NOBODY = "nobody"


class Sessions:
    """Signs sessions and form tokens.

    Args:
        secret: of this installation.
    """

    def __init__(self, secret: bytes) -> None:
        self._sessions = URLSafeTimedSerializer(secret, salt="session")
        self._tokens = URLSafeTimedSerializer(secret, salt="form")

    def learner_of(self, request: Request) -> str | None:
        """The learner whose session the request is of; none where it has none that holds."""
        return _read(self._sessions, request.cookies.get(COOKIE, ""), SESSION_SECONDS)

    def begin(self, request: Request, response: Response, learner_id: str) -> None:
        """Make ``response`` start a session of ``learner_id``."""
        response.set_cookie(
            COOKIE,
            str(self._sessions.dumps(learner_id)),
            max_age=SESSION_SECONDS,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )

    def end(self, response: Response) -> None:
        """Make ``response`` end the session."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")

    def token(self, learner_id: str | None) -> str:
        """A token for the forms of a page that is shown to ``learner_id``."""
        return str(self._tokens.dumps(learner_id or _NOBODY))

    def is_own_form(self, request: Request, learner_id: str | None, token: str) -> bool:
        """Whether a form came from a page of ours, shown to the same learner."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return False
        return _read(self._tokens, token, FORM_SECONDS) == (learner_id or _NOBODY)


def new_learner_id() -> str:
    """The id of a new synthetic learner; it says nothing of anyone."""
    return f"beta-{secrets.token_hex(8)}"


def _read(serializer: URLSafeTimedSerializer, signed: str, seconds: int) -> str | None:
    try:
        found = serializer.loads(signed, max_age=seconds)
    except BadSignature:
        return None
    return found if isinstance(found, str) else None
