"""Long runs, by hand: writers killed often, and a server that loses its power."""

from __future__ import annotations

from pathlib import Path

import pytest

from aina_assets_tests.learner.cluster import Cluster, running_cluster
from aina_assets_tests.learner.processes import Writer, interrupt_often, kill

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


def test_what_killed_writers_were_told_is_recorded(url: str, tmp_path: Path) -> None:
    assert interrupt_often(url, tmp_path, 50, kill) > 0


def test_what_a_server_said_before_it_went_down_is_recorded(
    cluster: Cluster, tmp_path: Path
) -> None:
    with running_cluster(cluster.bin) as own:

        def go_down(writer: Writer) -> None:
            own.stop("immediate")
            writer.process.wait()
            own.start()

        assert interrupt_often(own.new_schema(), tmp_path, 10, go_down) > 0
