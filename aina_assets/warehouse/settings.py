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
