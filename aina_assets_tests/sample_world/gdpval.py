"""GDPval-like tasks: the parquet file with its twelve columns.

Upstream prints a negative score as `[+-10]`; the sample keeps that quirk.
"""

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from aina_assets_tests.sample_world.files import write_parquet
from aina_assets_tests.sample_world.world import load_yaml

REPOSITORY = "aina/sample-gdpval"
TEXT = ("task_id", "sector", "occupation", "prompt")
KINDS = ("reference", "deliverable")


def write(path: Path) -> None:
    rows = [_row(entry) for entry in load_yaml("gdpval.yaml")]
    fields = [pa.field(name, pa.string()) for name in TEXT]
    paths = [f"{kind}_{part}" for kind in KINDS for part in ("files", "file_urls", "file_hf_uris")]
    fields += [pa.field(name, pa.list_(pa.string())) for name in paths]
    fields += [pa.field("rubric_pretty", pa.string()), pa.field("rubric_json", pa.string())]
    write_parquet(path, pa.Table.from_pylist(rows, schema=pa.schema(fields)))


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    prompt = entry["prompt"]
    rubric = _rubric(entry)
    return {
        "task_id": _uuid(prompt),
        "sector": entry["sector"],
        "occupation": entry["occupation"],
        "prompt": prompt,
        **_files("reference", entry["refs"], prompt),
        **_files("deliverable", entry["outs"], prompt),
        "rubric_pretty": "\n\n".join(f"[+{i['score']}] {i['criterion']}" for i in rubric),
        "rubric_json": json.dumps(rubric, ensure_ascii=False),
    }


def _rubric(entry: dict[str, Any]) -> list[dict[str, Any]]:
    lines: list[str] = list(entry["rubric"])
    repeated = entry.get("rubric_rows", {"rows": [], "templates": []})
    lines += [t.format(row=row) for row in repeated["rows"] for t in repeated["templates"]]
    items = []
    for line in lines:
        score, criterion = line.split(" ", 1)
        items.append(
            {
                "score": int(score),
                "criterion": criterion,
                "required": None,
                "rubric_item_id": _uuid(entry["prompt"] + criterion),
                "author_type": "human",
                "tags": ["true"],
                "read_only": None,
                "form_content": None,
            }
        )
    return items


def _files(kind: str, names: list[str], prompt: str) -> dict[str, list[str]]:
    folder = f"{kind}_files"
    paths = [f"{folder}/{_digest(kind + name + prompt)}/{name}" for name in names]
    base = f"https://huggingface.co/datasets/{REPOSITORY}/resolve/main"
    return {
        f"{kind}_files": paths,
        f"{kind}_file_urls": [f"{base}/{quote(path)}" for path in paths],
        f"{kind}_file_hf_uris": [f"hf://datasets/{REPOSITORY}@main/{path}" for path in paths],
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _uuid(text: str) -> str:
    return str(uuid.UUID(_digest(text), version=4))
