"""The Anthropic Economic Index: layouts that are not one plain CSV.

Belongs here: joining the usage files of several releases into one table, and the request trees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from aina_assets.sources.files import SourceFile, SourceFiles
from aina_assets.sources.reading import CSV, format_error, read_strings, typed, wanted_headers
from aina_assets.sources.tables import EconomicIndexRequests, EconomicIndexUsage
from aina_assets.warehouse.tables import arrow_schema


def economic_index_usage(
    economic_index_task_usage: SourceFiles, economic_index_task_usage_v2: SourceFiles
) -> pa.Table:
    """Rows of ``EconomicIndexUsage``: releases 2025-02-10 and 2025-03-27.

    Raises:
        SourceFormatError: a file is not in its layout.
    """
    frames = []
    for release, source in (
        ("2025-02-10", economic_index_task_usage),
        ("2025-03-27", economic_index_task_usage_v2),
    ):
        for file in source.files:
            texts = read_strings(file, CSV, wanted_headers(EconomicIndexUsage))
            frame = typed(texts, EconomicIndexUsage, file)
            label = pa.repeat(pa.scalar(release), frame.num_rows)
            frames.append(frame.append_column("release", label))
    return pa.concat_tables(frames) if frames else arrow_schema(EconomicIndexUsage).empty_table()


def economic_index_requests(
    economic_index_requests_claude_ai: SourceFiles, economic_index_requests_api: SourceFiles
) -> pa.Table:
    """Rows of ``EconomicIndexRequests``, one a cluster, parents before children.

    Raises:
        SourceFormatError: a file is not JSON or not a tree of clusters.
    """
    rows: list[dict[str, Any]] = []
    for channel, source in (
        ("claude_ai", economic_index_requests_claude_ai),
        ("api", economic_index_requests_api),
    ):
        for file in source.files:
            for number, cluster in enumerate(_clusters(file), start=1):
                cluster |= {
                    "channel": channel,
                    "source_row": number,
                    "source_class": str(file.source_class),
                    "allowed_use": str(file.allowed_use),
                }
                rows.append(cluster)
    return pa.Table.from_pylist(rows, schema=arrow_schema(EconomicIndexRequests))


def _clusters(file: SourceFile) -> Iterator[dict[str, Any]]:
    expected = "a JSON object 'request_hierarchy' of clusters with level, name, description"
    try:
        document = json.loads(file.verified_path().read_text(encoding="utf-8"))
        yield from _walk(document["request_hierarchy"], "")
    except (ValueError, KeyError, TypeError) as error:
        raise format_error(file, expected, repr(error)) from error


def _walk(nodes: list[dict[str, Any]], above: str) -> Iterator[dict[str, Any]]:
    for node in nodes:
        path = above + node["cluster_name"]
        yield {
            "cluster_path": path,
            "level": node["level"],
            "cluster_name": node["cluster_name"],
            "cluster_description": node["cluster_description"],
        }
        yield from _walk(node["children"], f"{path} > ")
