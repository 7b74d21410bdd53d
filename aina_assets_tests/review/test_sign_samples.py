"""What sample reviewers say is bound to what is there; what is not there is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from aina_assets.review.desk import ReviewDesk
from aina_assets.review.policy import Reviewers, ReviewGates
from aina_assets.review.reading import decisions, from_lines
from aina_assets.warehouse import authored
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.settings import AUTHORED
from aina_assets_tests import sign_samples
from aina_assets_tests.review.warehouse import MODELS, boundary, built
from aina_assets_tests.review.world import HARD, START, gates

ENTRY = {
    "gate": HARD,
    "subject_kind": "domain",
    "reasons": ["It holds."],
    "reviewer_id": "sample_ana",
    "decided_at": START.isoformat(),
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the tool reads and writes, in a place of the test's own."""
    data = tmp_path / "data"
    folder = data / "sample" / "review"
    folder.mkdir(parents=True)
    (data / "expectations").mkdir()
    for path in ("sample/sources.lock.yaml", "expectations/sample.csv"):
        shutil.copy(AUTHORED / path, data / path)
    text = (AUTHORED / "reviewers.yaml").read_text()
    (data / "reviewers.yaml").write_text(text.replace("production_boundary", HARD))
    (data / "review_gates.yaml").write_text(gates().model_dump_json())
    monkeypatch.setattr(authored, "AUTHORED", data)
    monkeypatch.setattr(sign_samples, "FOLDER", folder)
    monkeypatch.setattr(sign_samples, "LOCK", data / "sample" / "sources.lock.yaml")
    monkeypatch.setattr(sign_samples, "FIGURES", data / "expectations" / "sample.csv")
    monkeypatch.setattr(sign_samples, "all_models", lambda: MODELS)
    return data


def test_entries_are_bound_signed_and_pinned(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = built(tmp_path / "home", "boundary_subjects", [boundary("a"), boundary("b")])
    entries = [
        ENTRY
        | {
            "id": "second",
            "subject_key": "a",
            "verdict": "hold",
            "supersedes": ["first"],
            "decided_at": "2026-03-03T00:00:00Z",
        },
        ENTRY | {"id": "first", "subject_key": "a", "verdict": "approve"},
        ENTRY | {"id": "former", "subject_key": "b", "verdict": "approve", "is_on_former": True},
        ENTRY | {"id": "lost", "subject_key": "c", "verdict": "approve"},
    ]
    (data / "sample" / "review" / "topic.yaml").write_text(yaml.safe_dump(entries))
    keys_before = {item.id: item.public_key for item in Reviewers.load().reviewers}

    missing = sign_samples.main(tmp_path / "home")

    assert missing == 1
    assert "topic: lost: " in capsys.readouterr().err
    path = data / "sample" / "review" / "decisions.jsonl"
    lines = [
        {"source_row": number, "document": line}
        for number, line in enumerate(path.read_text().splitlines(), start=1)
    ]
    rows = decisions(from_lines(lines), ReviewGates.load(), Reviewers.load(), START).to_pylist()
    assert [row["verdict"] for row in rows] == ["approve", "approve", "hold"]
    assert {row["standing"] for row in rows} == {"in_force"}
    assert rows[2]["supersedes"] == [rows[0]["decision_id"]]
    desk = ReviewDesk(store, MODELS)
    digests = [desk.case(HARD, key).subject.digest for key in ("a", "b", "a")]
    assert [row["subject_digest"] == digest for row, digest in zip(rows, digests, strict=True)] == [
        True,
        False,
        True,
    ]
    assert sha256_of_file(path)[0] in (data / "sample" / "sources.lock.yaml").read_text()
    assert "recorded_decisions,row_count,3," in (data / "expectations" / "sample.csv").read_text()
    keys = {item.id: item.public_key for item in Reviewers.load().reviewers}
    assert keys.keys() == keys_before.keys()
    assert not set(keys.values()) & set(keys_before.values())
