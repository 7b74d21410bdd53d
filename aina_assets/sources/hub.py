"""The Hugging Face hub: files of a dataset repository at a pinned commit.

Belongs here: calls of ``huggingface_hub``, which resumes and retries a download by itself. It
checks the size only after the bytes came, and no digest: caps and digests are checked by ``fetch``.
Stays out: plain HTTP and what its faults mean (``transport``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import huggingface_hub
import huggingface_hub.constants
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import disable_progress_bars

from aina_assets.contracts.errors import SourceHashMismatch
from aina_assets.sources.lockfile import HuggingFaceOrigin, LockedFile
from aina_assets.sources.transport import attempted, faults

huggingface_hub.constants.HF_HUB_DISABLE_XET = True  # has no way back to plain HTTP
huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 1 << 16  # what a cut loses; 10 MB as it comes
disable_progress_bars()

_NOT_REACHED = (LocalEntryNotFoundError, OfflineModeIsEnabled)


@dataclass(frozen=True)
class Hub:
    """A dataset at a commit; ``folder`` is where the client works, gone between downloads."""

    origin: HuggingFaceOrigin
    folder: Path

    def address(self, file: LockedFile) -> str:
        """``hf://`` address with the commit."""
        return f"{self.origin.describe()}/{file.at_origin}"

    @attempted
    def look_up(self, file: LockedFile) -> int | None:
        """The size the hub announces; ``SourceHashMismatch`` if it answers for another commit."""
        revision = self.origin.revision
        with faults(self.address(file), *_NOT_REACHED):
            url = huggingface_hub.hf_hub_url(**self._named(file))
            found = huggingface_hub.get_hf_file_metadata(url)
        if found.commit_hash != revision:
            raise SourceHashMismatch(
                expected=f"commit {revision} (pinned)",
                found=f"commit {found.commit_hash or 'not stated'}; nothing was fetched",
                where=self.address(file),
                remedy="check HF_ENDPOINT and the revision in the lock",
            )
        size: int | None = found.size
        return size

    @attempted
    def download(self, file: LockedFile, out: BinaryIO) -> None:
        """Write the file to ``out``."""
        try:
            with faults(self.address(file), *_NOT_REACHED):
                path = huggingface_hub.hf_hub_download(cache_dir=self.folder, **self._named(file))
            with Path(path).open("rb") as content:
                shutil.copyfileobj(content, out)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _named(self, file: LockedFile) -> dict[str, Any]:
        return {
            "repo_id": self.origin.repository,
            "filename": file.at_origin,
            "repo_type": "dataset",
            "revision": self.origin.revision,
            "endpoint": os.environ.get("HF_ENDPOINT"),  # the library reads it once, on import
        }
