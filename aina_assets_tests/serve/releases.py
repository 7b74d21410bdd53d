"""Other releases of a warehouse, really published, for a server to pick up.

Belongs here: publishing one that differs in a lesson's title, and spoiling one.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pyarrow as pa
from upath import UPath

from aina_assets.location import all_models
from aina_assets.release.publish import DATABASE, DOCUMENT, Release, current_release, publish
from aina_assets.warehouse.digests import digest_of_json, digest_of_table
from aina_assets.warehouse.store import Store

MODULE = "marketing_growth_map_your_work"


def publish_titled(home: Path, title: str) -> Release:
    """Publish a release in which ``MODULE`` has another title, and nothing else differs."""
    store = Store(UPath(home))
    before = current_release(home)
    assert before is not None
    records = {name: store.require(name) for name in before.tables}
    rows = store.read("modules").to_pylist()
    for row in rows:
        if row["module_id"] == MODULE:
            row["title"] = title
            row["document"] = json.dumps({**json.loads(row["document"]), "title": title})
    table = pa.Table.from_pylist(rows, schema=store.read("modules").schema)
    changed = dataclasses.replace(records["modules"], data_version=digest_of_table(table))
    records["modules"] = store.commit_table(changed, table)
    versions = sorted((name, record.data_version) for name, record in records.items())
    manifest = dataclasses.replace(records["manifest"], data_version=digest_of_json(versions))
    return publish(store, manifest, records.values(), all_models())


def spoil(home: Path, what: str) -> str:
    """Publish a release and spoil it before anyone opens it; its id.

    Args:
        home: the warehouse.
        what: ``bytes`` of its database, its ``document``, or the ``database`` is taken away.
    """
    link = home / "releases" / "current"
    former = link.readlink()
    release = publish_titled(home, f"Spoilt: {what}")
    # Nobody may open it before it is spoilt.
    swap(home, former.name)
    folder = release.path.parent
    if what == "bytes":
        content = bytearray((folder / DATABASE).read_bytes())
        content[len(content) // 2] ^= 0xFF
        (folder / DATABASE).write_bytes(content)
    elif what == "document":
        (folder / DOCUMENT).write_text("{")
    else:
        (folder / DATABASE).unlink()
    swap(home, release.release_id)
    return release.release_id


def swap(home: Path, release_id: str) -> None:
    """Make a release that is on disk the current one."""
    new = home / "releases" / ".swapping"
    new.unlink(missing_ok=True)
    new.symlink_to(release_id)
    new.replace(home / "releases" / "current")
