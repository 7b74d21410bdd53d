"""A built sample with live reviewers, whose subjects can be changed, and a server that has a desk.

Belongs here: reviewers' keys and their document, another document for a subject, the program of a
server whose reviewers are not those of ``data/``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from upath import UPath

from aina_assets.location import all_models
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.signing import ReviewerKey
from aina_assets.review.subjects import subject
from aina_assets.serve.run import serve
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.settings import home
from aina_assets.warehouse.store import Store

SETTING = "AINA_TEST_REVIEWERS"
PROGRAM = ("-m", "aina_assets_tests.serve.review_world")
RUBRIC, TITLE = "rubric_approval", "title_adjudication"
RUBRICS, TITLES = "rubric_subjects", "title_adjudication_subjects"
KEYS = {name: ReviewerKey.new() for name in ("ana", "ben", "dora", "stranger", "sample_zoe")}
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} \u202egnp.exe"
    "\u0007\u001b[31m\u200bhidden \"'><b>"
)


def reviewers() -> list[dict[str, Any]]:
    """Two persons for every gate, one for titles alone, a sample; and those of the sample."""
    every = sorted(ReviewGates.load().by_id)
    made = [
        {
            "id": name,
            "name": name.title(),
            "kind": "person",
            "gates": [TITLE] if name == "dora" else every,
            "public_key": KEYS[name].public_key,
            "is_sample": name.startswith("sample"),
        }
        for name in ("ana", "ben", "dora", "sample_zoe")
    ]
    return made + [item.model_dump(mode="json") for item in Reviewers.load().reviewers]


def write_reviewers(path: Path, *left_out: str) -> Path:
    """The document at ``path``, some reviewers left out."""
    kept = [item for item in reviewers() if item["id"] not in left_out]
    path.write_text(yaml.safe_dump({"reviewers": kept}), encoding="utf-8")
    return path


def keys_at(root: Path, table: str) -> list[str]:
    """Keys of the subjects in ``table``."""
    found: list[str] = Store(UPath(root)).read(table)["subject_key"].to_pylist()
    return found


def change(root: Path, table: str, key: str, **fields: Any) -> str:
    """Make ``key`` of ``table`` another subject, as a build would; its digest."""
    store = Store(UPath(root))
    frame = store.read(table)
    rows = frame.to_pylist()
    (row,) = (row for row in rows if row["subject_key"] == key)
    document = json.loads(row["subject_document"])
    said = {name: document[name] for name in ("title", "content", "evidence", "authors")} | fields
    row |= subject(document["gate"], document["kind"], key, **said)
    changed = pa.Table.from_pylist(rows, schema=frame.schema)
    record = store.require(table)
    store.commit_table(
        type(record)(
            table,
            digest_of_table(changed),
            record.code_version,
            record.settings_version,
            record.inputs,
        ),
        changed,
    )
    return str(row["subject_digest"])


def main() -> None:
    """Serve this machine alone, with the reviewers that the environment names."""
    models = all_models()
    serve(
        home(),
        lambda: models,
        port=0,
        is_local=True,
        reviewers=Path(os.environ[SETTING]),
        started=lambda url: print(f"serving on {url}", flush=True),
    )


if __name__ == "__main__":
    main()
