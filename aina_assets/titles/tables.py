"""Models of the tables about titles."""

from __future__ import annotations
