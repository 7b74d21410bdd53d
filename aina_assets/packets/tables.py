"""Models of the tables about packets."""

from __future__ import annotations
