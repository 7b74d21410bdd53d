"""Signatures: reviewers' Ed25519 keys, and what is signed by them.

Belongs here: making and reading keys, signing a document and checking whose signature it bears.
Stays out: who a reviewer is and what they may do (``policy``), where a key is kept.
"""

from __future__ import annotations

import base64
import binascii

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import Decision, SignedDecision
from aina_assets.warehouse.journal import canonical_json

PREFIX = "aina-rk-"
_KEY_BYTES = 32


class ReviewerKey:
    """A reviewer's private key. It shows itself only when asked for ``text``."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> ReviewerKey:
        """A key that nobody has yet."""
        return cls(SigningKey.generate())

    @classmethod
    def parse(cls, text: str) -> ReviewerKey:
        """The key that ``text`` holds.

        Raises:
            ReviewError: it holds none; what it held is not repeated.
        """
        body = text.strip().removeprefix(PREFIX)
        try:
            secret = base64.b64decode(f"{body}=", altchars=b"-_", validate=True)
            if not text.strip().startswith(PREFIX) or len(secret) != _KEY_BYTES:
                raise ValueError
        except (ValueError, binascii.Error):
            raise ReviewError(
                expected=f"{PREFIX} and {_KEY_BYTES} bytes in base64",
                found="something else",
                where="reviewer's key",
                remedy="give the key as `aina review keygen` printed it",
            ) from None
        return cls(SigningKey(secret))

    @property
    def text(self) -> str:
        """The key as its reviewer keeps it."""
        secret = base64.urlsafe_b64encode(bytes(self._key)).decode()
        return PREFIX + secret.rstrip("=")

    @property
    def public_key(self) -> str:
        """Its other half, as ``data/reviewers.yaml`` names it."""
        return base64.b64encode(bytes(self._key.verify_key)).decode()

    def sign(self, purpose: str, document: object) -> str:
        """The signature, in base64, over ``document`` as canonical JSON, for ``purpose`` alone."""
        return base64.b64encode(self._key.sign(_message(purpose, document)).signature).decode()


def is_signed(purpose: str, document: object, signature: str, public_key: str) -> bool:
    """Whether ``signature`` is that of ``public_key`` over ``document`` for ``purpose``."""
    try:
        key = VerifyKey(base64.b64decode(public_key, validate=True))
        key.verify(_message(purpose, document), base64.b64decode(signature, validate=True))
    except (BadSignatureError, ValueError):
        return False
    return True


def sign(decision: Decision, key: ReviewerKey) -> SignedDecision:
    """``decision`` with the signature of ``key``."""
    signature = key.sign(_DECISION, decision.model_dump(mode="json"))
    return SignedDecision(decision=decision, signature=signature)


def verify(signed: SignedDecision, public_key: str) -> bool:
    """Whether ``signed`` bears the signature of ``public_key``."""
    return is_signed(
        _DECISION, signed.decision.model_dump(mode="json"), signed.signature, public_key
    )


_DECISION = f"decision {Decision.schema_version}"


def _message(purpose: str, document: object) -> bytes:
    # The purpose keeps a signature on one kind of document from passing for one on another.
    return f"aina {purpose}\n{canonical_json(document)}".encode()
