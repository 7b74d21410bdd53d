"""Models of the tables that describe a release: what is in it and what was checked."""

from __future__ import annotations

import pandera.pyarrow as pap

from aina_assets.warehouse.tables import Table


class CheckResults(Table, key=("asset", "rule")):
    """Every rule that was checked on the way to this release, and how it came out."""

    asset: str = pap.Field(description="Table or upstream file.")
    rule: str = pap.Field(description="Rule, as the asset check is named.")
    is_passed: bool = pap.Field(description="Whether it holds.")
    checked_row_count: int = pap.Field(ge=0, description="Rows looked at.")
    failing_row_count: int = pap.Field(ge=0, description="Rows that break it.")
    detail: str = pap.Field(description="What was expected and found.")


class Manifest(Table, key=("table_name",)):
    """Every table of this release: content digest, rows, and what it was made from."""

    table_name: str = pap.Field(description="Table.")
    data_version: str = pap.Field(
        str_matches=r"^[0-9a-f]{64}$", description="Digest of its content."
    )
    row_count: int = pap.Field(ge=0, description="Rows.")
    code_version: str = pap.Field(description="Digest of the code that made it.")
    inputs: str = pap.Field(description="Data version of every direct input, a JSON object.")
