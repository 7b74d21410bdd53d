"""What an asset would be configured with now, held against what its record says.

Belongs here: the value that every kind of asset gives (``Sources``, ``authored``, ``ledgers``,
``Warehouse``) and that the plan and full validation both go by. Stays out: finding it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aina_assets.warehouse.store import Record

_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Configured:
    """What an asset would be configured with now.

    Attributes:
        version: as a record of it made now would have it; another one makes the asset stale.
        said: what is otherwise where the version is another, in words.
        files: digests of the files it reads, by the paths that its record has; None: no file.
        fault: why what was recorded cannot be so any more, and where; None where it may.
        is_growing: a new version adds to what was recorded and takes nothing back: reason to build,
            but nothing is wrong with what is stored.
    """

    version: str
    said: str = "its settings changed since it was made"
    files: Mapping[str, str | None] = field(default_factory=dict)
    fault: str | None = None
    is_growing: bool = False

    def change_since(self, record: Record) -> str | None:
        """What changed since ``record`` was made, by name; None where nothing did."""
        if self.is_growing or self.version == record.settings_version:
            return None
        known = {entry["path"]: entry.get("sha256") for entry in record.details.get("files", ())}
        changed = sorted(
            path
            for path in known.keys() | self.files.keys()
            if known.get(path) != self.files.get(path)
        )
        if not changed:
            return self.said
        named = ", ".join(changed[:_NAMED_AT_MOST])
        more = f" and {len(changed) - _NAMED_AT_MOST} more" if changed[_NAMED_AT_MOST:] else ""
        return f"{named}{more} changed since it was made"
