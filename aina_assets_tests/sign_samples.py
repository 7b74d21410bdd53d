"""Sign the sample's decisions: `python -m aina_assets_tests.sign_samples --home HOME`.

What sample reviewers say is authored in ``data/sample/review/<topic>.yaml``. This binds each
decision to its subject as it stands in a sample warehouse built at HOME, signs all of them with new
keys, and writes ``decisions.jsonl`` beside them, its digest into the sample's lock, how many there
are into the sample's figures and the public keys into ``data/reviewers.yaml``. The private keys are
kept nowhere.

Subjects that only come to be after a decision take another round: build, sign, build, sign. Entries
whose subject is not there are named, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import AwareDatetime, Field, TypeAdapter
from upath import UPath

from aina_assets.authoring.lane_steps import GATES
from aina_assets.authoring.lane_tables import MADE
from aina_assets.authoring.lanes import gate_subject
from aina_assets.contracts.errors import ReviewError
from aina_assets.contracts.review import Decision, RequiredEdit, ReviewVerdict, SignedDecision, Vote
from aina_assets.contracts.work import Contract, Text
from aina_assets.location import all_models
from aina_assets.review.desk import ReviewDesk, Subject
from aina_assets.review.policy import Reviewers
from aina_assets.review.reading import may_not_decide
from aina_assets.review.signing import ReviewerKey, sign
from aina_assets.review.subjects import digest_of
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.journal import canonical_json
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.warehouse.store import Store

FOLDER = AUTHORED / "sample" / "review"
LOCK = AUTHORED / "sample" / "sources.lock.yaml"
FIGURES = AUTHORED / "expectations" / "sample.csv"
RECORDED = "decisions.jsonl"


class Authored(Contract):
    """An entry of a topic.

    Attributes:
        id: what the topic calls it.
        supersedes: entries of the topic, by their ids.
        is_on_former: it is bound to the subject as it was before some change; it counts no more.
        version: of a lane's document, the version that it is about; else the present one.
    """

    id: Text
    gate: Text
    subject_kind: Text
    subject_key: Text
    verdict: ReviewVerdict
    reasons: tuple[Text, ...] = Field(min_length=1)
    required_edits: tuple[RequiredEdit, ...] = ()
    evidence: tuple[Text, ...] = ()
    reviewer_id: Text
    decided_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    supersedes: tuple[Text, ...] = ()
    votes: tuple[Vote, ...] = ()
    is_on_former: bool = False
    version: int | None = None


_TOPIC = TypeAdapter(tuple[Authored, ...])


def authored() -> list[tuple[str, Authored]]:
    """Every entry with its topic, in the order in which they were decided."""
    entries = [
        (path.stem, entry)
        for path in sorted(FOLDER.glob("*.yaml"))
        for entry in _TOPIC.validate_python(yaml.safe_load(path.read_text()) or [])
    ]
    return sorted(entries, key=lambda item: item[1].decided_at)


def decision_id(topic: str, entry_id: str) -> str:
    """The id of the decision that an entry becomes."""
    return hashlib.sha256(f"sample {topic} {entry_id}".encode()).hexdigest()[:32]


def digest_of_version(store: Store, subject: Subject, version: int) -> str:
    """What stood at a gate of the lanes when ``version`` was the present one.

    Raises:
        ReviewError: there is no such version yet.
    """
    _, prefix, producer, _ = GATES[subject.gate.id]
    for row in store.read(prefix + producer).to_pylist():
        if (row["unit_id"], row["version"], row["status"]) == (subject.key, version, MADE):
            document = json.loads(row["document"])
            stood = gate_subject(subject.gate, subject.key, version, subject.title, document)
            return str(stood["subject_digest"])
    raise ReviewError(
        expected=f"version {version} of {subject.key}",
        found="no such version that is made",
        where=prefix + producer,
        remedy="build again, and sign again",
    )


def bound(desk: ReviewDesk, store: Store, topic: str, entry: Authored) -> Decision:
    """The decision that ``entry`` is about its subject as it stands.

    Raises:
        ReviewError: there is no such subject, or its reviewer may not say so.
    """
    subject = desk.case(entry.gate, entry.subject_key).subject
    reviewer = desk.reviewers.by_id.get(entry.reviewer_id)
    reason = may_not_decide(subject.gate, reviewer, entry.verdict)
    if reviewer is None or reason is not None or subject.kind != entry.subject_kind:
        raise ReviewError(
            expected=f"a {subject.kind}, and a reviewer and a verdict of gate {entry.gate}",
            found=reason or f"a {entry.subject_kind}",
            where=f"{topic}: {entry.id}",
            remedy="mend the entry",
        )
    digest = subject.digest
    if entry.is_on_former:
        # A document has no line breaks, so no subject ever has this digest.
        digest = digest_of(f"former\n{subject.key}")
    elif entry.version is not None:
        digest = digest_of_version(store, subject, entry.version)
    return Decision(
        decision_id=decision_id(topic, entry.id),
        subject_digest=digest,
        reviewer_kind=reviewer.kind,
        is_sample=True,
        supersedes=tuple(decision_id(topic, other) for other in entry.supersedes),
        **{
            name: getattr(entry, name)
            for name in (
                *("gate", "subject_kind", "subject_key", "verdict", "reasons", "required_edits"),
                *("evidence", "reviewer_id", "decided_at", "expires_at", "votes"),
            )
        },
    )


def write(signed: list[SignedDecision], keys: Mapping[str, ReviewerKey]) -> None:
    """Write the decisions, and what others know them by."""
    path = FOLDER / RECORDED
    lines = [canonical_json(item.model_dump(mode="json")) for item in signed]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    sha256, size_bytes = sha256_of_file(path)
    pin = rf"(path: review/{re.escape(RECORDED)}\n\s+sha256: )\w+(\n\s+size_bytes: )\d+"
    _replace(LOCK, pin, rf"\g<1>{sha256}\g<2>{size_bytes}")
    _replace(FIGURES, r"(recorded_decisions,row_count,)\d+", rf"\g<1>{len(signed)}")
    for name, key in keys.items():
        entry = rf"(- id: {name}\n(?:(?!\s*- id:).*\n)*?\s+public_key: )\S+"
        _replace(Reviewers.path(), entry, rf"\g<1>{key.public_key}")
    Reviewers.load()


def _replace(path: Path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, new, path.read_text())
    if count != 1:
        raise SystemExit(f"{path}: no single place for {pattern}")
    path.write_text(text)


def main(home: Path) -> int:
    """Sign what can be signed; how many entries could not be."""
    store = Store(UPath(home))
    desk = ReviewDesk(store, all_models())
    samples = [item for item in desk.reviewers.reviewers if item.is_sample]
    keys = {reviewer.id: ReviewerKey.new() for reviewer in samples}
    signed, missing = [], 0
    for topic, entry in authored():
        try:
            signed.append(sign(bound(desk, store, topic, entry), keys[entry.reviewer_id]))
        except ReviewError as error:
            missing += 1
            print(f"{topic}: {entry.id}: {error}", file=sys.stderr)
    write(signed, keys)
    print(f"signed {len(signed)} decision(s); {missing} could not be signed")
    return missing


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--home", type=Path, required=True, help="A warehouse of the sample.")
    sys.exit(1 if main(parser.parse_args().home) else 0)
