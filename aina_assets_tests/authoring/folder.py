"""A copy of ``data/authoring`` to break, and what it is refused with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aina_assets.authoring.policy import Authoring
from aina_assets.contracts.errors import AuthoredDocumentError


def copied(into: Path) -> Path:
    """A copy of the committed folder below ``into``."""
    return Path(shutil.copytree(Authoring.path(), into / "authoring"))


def changed(folder: Path, file: str, old: str, new: str) -> None:
    """Put ``new`` in place of ``old``, which stands once in ``file``."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file}: {old!r} stands {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def refusal(folder: Path) -> AuthoredDocumentError:
    """The error that the configuration in ``folder`` is refused with."""
    with pytest.raises(AuthoredDocumentError) as refused:
        Authoring.load(folder)
    return refused.value
