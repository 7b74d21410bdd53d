"""The code location that Dagster loads."""

from aina_assets.location import build_defs

defs = build_defs()
