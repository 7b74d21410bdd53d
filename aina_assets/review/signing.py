"""Signatures: reviewers' Ed25519 keys, and what is signed by them.

Belongs here: making and reading keys, signing a document and checking whose signature it bears.
Stays out: who a reviewer is and what they may do (``policy``), where a key is kept.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import Decision, SignedDecision
from aina_assets.warehouse.journal import canonical_json

PREFIX = "aina-rk-"
_KEY_BYTES = 32


class ReviewerKey:
    """A reviewer's private key. It shows itself only when asked for ``text``."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> ReviewerKey:
        """A key that nobody has yet."""
        return cls(Ed25519PrivateKey.generate())

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
        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    @property
    def text(self) -> str:
        """The key as its reviewer keeps it."""
        secret = base64.urlsafe_b64encode(self._key.private_bytes_raw()).decode()
        return PREFIX + secret.rstrip("=")

    @property
    def public_key(self) -> str:
        """Its other half, as ``data/reviewers.yaml`` names it."""
        return base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def sign(self, purpose: str, document: object) -> str:
        """The signature, in base64, over ``document`` as canonical JSON, for ``purpose`` alone."""
        return base64.b64encode(self._key.sign(_message(purpose, document))).decode()


def is_signed(purpose: str, document: object, signature: str, public_key: str) -> bool:
    """Whether ``signature`` is that of ``public_key`` over ``document`` for ``purpose``."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), _message(purpose, document))
    except (InvalidSignature, ValueError):
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
