"""Where things are: the project's authored data and the warehouse root.

Belongs here: environment variables and defaults that every room shares.
"""

from __future__ import annotations

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
AUTHORED = PROJECT_ROOT / "data"


def home() -> Path:
    """The warehouse root: ``$AINA_HOME``, by default ``data/local`` of the project."""
    return Path(os.environ.get("AINA_HOME") or AUTHORED / "local").resolve()


LEDGER_SETTING = "AINA_LEDGER"


def ledger_url(root: Path | None = None) -> str:
    """The URL of the database that holds the ledgers: ``$AINA_LEDGER``, else a file of ``root``.

    Args:
        root: the warehouse root; ``home()`` if not given.
    """
    return os.environ.get(LEDGER_SETTING) or f"sqlite:///{_ledger_file(root or home())}"


def may_have_ledger() -> bool:
    """Whether a database is named, or its file is there; cheap, where there is nothing to open."""
    return bool(os.environ.get(LEDGER_SETTING)) or _ledger_file(home()).exists()


def _ledger_file(root: Path) -> Path:
    return root / "learner" / "ledger.sqlite"
