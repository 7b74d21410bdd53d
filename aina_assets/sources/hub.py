"""The Hugging Face hub: files of a dataset repository at a pinned commit.

Belongs here: calls of ``huggingface_hub``, which resumes and retries a download by itself. It
checks the size only after the bytes came, and no digest: caps and digests are checked by ``fetch``.
Stays out: plain HTTP and what its faults mean (``transport``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import huggingface_hub
import huggingface_hub.constants
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

from aina_assets.contracts.errors import SourceHashMismatch
from aina_assets.contracts.vocabulary import AbsenceReason
from aina_assets.sources.lockfile import HuggingFaceOrigin, LockedFile
from aina_assets.sources.origins import CannotBeHad
from aina_assets.sources.transport import attempted, faults

huggingface_hub.constants.HF_HUB_DISABLE_XET = True  # has no way back to plain HTTP
huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 1 << 16  # what a cut loses; 10 MB as it comes
huggingface_hub.utils.disable_progress_bars()


@dataclass(frozen=True)
class Hub:
    """A dataset at a commit.

    Attributes:
        origin: repository and commit.
        folder: where the client may work; empty between downloads.
    """

    origin: HuggingFaceOrigin
    folder: Path

    def address(self, file: LockedFile) -> str:
        """``hf://`` address with the commit."""
        return f"{self.origin.describe()}/{file.at_origin}"

    @attempted
    def look_up(self, file: LockedFile) -> int | None:
        """The size the hub announces.

        Raises:
            SourceHashMismatch: the hub answers for another commit.
        """
        endpoint = os.environ.get("HF_ENDPOINT")  # the library reads it only once, on import
        with self._faults(file):
            url = huggingface_hub.hf_hub_url(
                self.origin.repository,
                file.at_origin,
                repo_type="dataset",
                revision=self.origin.revision,
                endpoint=endpoint,
            )
            found = huggingface_hub.get_hf_file_metadata(url, endpoint=endpoint)
        if found.commit_hash != self.origin.revision:
            raise SourceHashMismatch(
                expected=f"commit {self.origin.revision} (pinned)",
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
            with self._faults(file):
                path = huggingface_hub.hf_hub_download(
                    self.origin.repository,
                    file.at_origin,
                    repo_type="dataset",
                    revision=self.origin.revision,
                    cache_dir=self.folder,
                    endpoint=os.environ.get("HF_ENDPOINT"),
                )
            with Path(path).open("rb") as content:
                shutil.copyfileobj(content, out)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def _faults(self, file: LockedFile) -> Iterator[None]:
        try:
            with faults(self.address(file)):
                yield
        except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
            raise CannotBeHad(
                AbsenceReason.UNREACHABLE,
                f"{self.address(file)}: {error}",
                "check the network and HF_HUB_OFFLINE, or place the file by hand",
            ) from error
