"""Models of the tables about a release: what it was admitted on, what is closed, what was checked.

Belongs here: one model per table this room stores, with where its rows come from.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.receipts import Verdict
from aina_assets.contracts.review import GateState
from aina_assets.release.policy import Domain
from aina_assets.review.subjects import DIGEST, TEXTS, SubjectTable
from aina_assets.warehouse.tables import Parent, Table

RECEIPT = r"^[a-z][a-z0-9_]*_v[1-9][0-9]*$"
DOMAINS = [str(item) for item in Domain]

VERIFIED, GAP, ABSENT, FLATTENED = "verified", "gap", "absent", "flattened"
"""All there, some, nothing; or classes of sources are mixed."""

APPROVED = "approved_internal_synthetic"
REVIEW_REQUIRED = "review_required"
BLOCKED = "blocked"
OUTSIDE_BETA = "outside_beta"
DISCLOSED = "disclosed_gap"

WAITS, HOLDS, BROKEN = "waits", "holds", "broken"

_RULES = Parent("authored/release_rules")


def _count(description: str, **options: Any) -> Any:
    return pap.Field(description=description, **({"ge": 0} | options))


class SourceAuthority(
    Table,
    key=("item_kind", "item_id"),
    parents=(
        Parent("source_files"),
        Parent("source_ledger"),
        Parent("packets", (("item_id", "role_family"),), where=(("item_kind", "family"),)),
        Parent("authored/families"),
        _RULES,
    ),
):
    """What each layer of sources can be evidence of, and what each beta family draws on.

    Counts are of files and tables as they are stored; research, benchmark and market signal are
    counted apart and stay apart.
    """

    item_kind: str = pap.Field(isin=["layer", "family"], description="What the row is about.")
    item_id: str = pap.Field(description="Layer of release_rules.yaml, or beta family.")
    title: str = pap.Field(description="Its name.")
    state: str = pap.Field(
        isin=[VERIFIED, GAP, ABSENT, FLATTENED],
        description="verified; gap or absent where files, or packets, are missing; flattened where"
        " classes are mixed.",
    )
    source_classes: TEXTS = pap.Field(
        description="Classes of its files; of a family, classes that its packets name, sorted."
    )
    sources: TEXTS = pap.Field(description="Sources of the lock behind it, sorted.")
    file_count: int = _count("Files the lock declares for it; of a family none of its own.")
    verified_file_count: int = _count("Of these, on disk with the pinned bytes.")
    verified_bytes: int = _count("Bytes of these.")
    row_count: int = _count("Rows of the tables read from them; of a family its packets.")
    research_row_count: int = _count("Of a family, packets that research speaks of.")
    benchmark_row_count: int = _count("Of a family, packets that name a benchmark task.")
    market_row_count: int = _count("Of a family, packets of a title list of market signal.")
    flattened_row_count: int = _count("Packets, or files, whose class is not the one they are of.")
    problems: TEXTS = pap.Field(description="What is missing or mixed, each with its reason.")

    @pap.dataframe_check(description="no row mixes classes of sources, and what is wrong is named")
    def classes_are_kept_apart(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether nothing is flattened: of a layer one class alone, of a family none missing."""
        table = data.table
        mixed = pc.or_(
            pc.greater(table["flattened_row_count"], 0),
            pc.equal(table["state"], FLATTENED),
        )
        is_layer = pc.equal(table["item_kind"], "layer")
        several = pc.greater(pc.list_value_length(table["source_classes"]), 1)
        named = pc.greater(pc.list_value_length(table["problems"]), 0)
        unnamed = pc.xor(named, pc.not_equal(table["state"], VERIFIED))
        return pc.invert(pc.or_(pc.or_(mixed, pc.and_(is_layer, several)), unnamed))


class BetaAdmission(
    Table,
    key=("item_kind", "item_id"),
    parents=(
        Parent("source_authority", (("item_kind", "item_kind"), ("item_id", "item_id"))),
        Parent("packet_quality", (("item_id", "role_family"),)),
        Parent("content_coverage", (("item_id", "role_family"),)),
        Parent("modules", (("item_id", "role_family"),)),
        Parent("lesson_depth"),
        Parent("rubric_depth"),
        Parent("title_coverage", (("item_id", "role_family"),)),
        Parent("packets", (("item_id", "role_family"),)),
        Parent("authored/families"),
        _RULES,
    ),
):
    """Which families the internal beta with synthetic learners may use, and what it does not have.

    Admission is to the internal synthetic beta and to nothing else: it opens no boundary.
    """

    item_kind: str = pap.Field(
        isin=["family", "layer"], description="A family, or a layer of sources with a gap."
    )
    item_id: str = pap.Field(description="Family, or layer of release_rules.yaml.")
    title: str = pap.Field(description="Its name.")
    state: str = pap.Field(
        isin=[APPROVED, REVIEW_REQUIRED, BLOCKED, OUTSIDE_BETA, DISCLOSED],
        description="What the rules of admission come to.",
    )
    unmet_rules: TEXTS = pap.Field(description="Rules that do not hold.")
    reasons: TEXTS = pap.Field(
        description="What was found: of every unmet rule, or of every rule where all are met."
    )

    @pap.dataframe_check(description="each state has reasons, and approval no unmet rule")
    def state_is_reasoned(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether unmet rules are there exactly where a family is not approved by them."""
        table = data.table
        unmet = pc.greater(pc.list_value_length(table["unmet_rules"]), 0)
        asked = pc.or_(pc.equal(table["state"], REVIEW_REQUIRED), pc.equal(table["state"], BLOCKED))
        reasoned = pc.greater(pc.list_value_length(table["reasons"]), 0)
        return pc.and_(reasoned, pc.equal(unmet, asked))


class DeploymentReadiness(
    Table,
    key=("item_kind", "item_id"),
    parents=(
        Parent("beta_admission"),
        Parent("rubric_depth"),
        Parent("gdpval_hold_closeout"),
        Parent("title_intake"),
        Parent("source_ledger"),
        Parent("production_boundary_decisions"),
        Parent("authored/review_gates"),
    ),
):
    """Where everything that is held waits, and what is known to be closed, each with how.

    ``value`` counts what would break the statement: it holds where there is none. A boundary that
    decisions open as they must breaks nothing and is disclosed: ``opened_by`` names them.
    """

    item_kind: str = pap.Field(
        isin=["held", "statement"], description="Something that is held, or a statement."
    )
    item_id: str = pap.Field(description="Which one.")
    state: str = pap.Field(
        isin=[WAITS, HOLDS, BROKEN],
        description="Of what is held: waits. Of a statement: holds, or broken.",
    )
    statement: str = pap.Field(description="What is held, or what is said to be so.")
    waits_at: str = pap.Field(nullable=True, description="Of what is held: where it waits.")
    value: int = _count("How many things would break the statement.")
    known_by: str = pap.Field(description="How it is known.")
    opened_by: TEXTS = pap.Field(
        description="Of a statement: approvals in force that open its boundary, as it was then."
    )

    @pap.dataframe_check(
        description="a statement holds where nothing breaks it; what waits has a place"
    )
    def state_follows(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether the state is what value and place say."""
        table = data.table
        is_held = pc.equal(table["item_kind"], "held")
        waits = pc.and_(pc.equal(table["state"], WAITS), table["waits_at"].is_valid())
        holds = pc.equal(pc.equal(table["state"], HOLDS), pc.equal(table["value"], 0))
        stated = pc.and_(
            pc.and_(holds, pc.not_equal(table["state"], WAITS)), table["waits_at"].is_null()
        )
        return pc.if_else(is_held, waits, stated)


class ProductionDomains(
    SubjectTable,
    key=("subject_key",),
    parents=(Parent("deployment_readiness"), _RULES),
):
    """Boundaries of production as reviewers see them: what opening means, what it stands on.

    The document holds verdict and counts of the receipts it stands on, not their versions: a new
    finding closes the boundary again, another build with the same finding does not.
    """


class ProductionDeploymentApproval(
    Table,
    key=("domain",),
    parents=(
        Parent("production_domains", (("domain", "subject_key"),)),
        Parent("production_boundary_decisions", (("decision_ids", "in:decision_id"),)),
        Parent("authored/review_gates"),
    ),
):
    """Boundaries of production, each closed until its own approvals, bound to it as it is now.

    Whoever acts on a row asks again whether ``valid_until`` lies ahead; null means for ever.
    """

    domain: str = pap.Field(isin=DOMAINS, description="The boundary.")
    state: str = pap.Field(
        isin=[str(item) for item in GateState], description="What its gate is found to be."
    )
    is_open: bool = pap.Field(description="Whether it is open.")
    valid_until: str = pap.Field(
        nullable=True, description="When its approvals no longer suffice, ISO 8601 in UTC."
    )
    approval_count: int = _count("Persons whose approval counts.")
    quorum: int = pap.Field(ge=1, description="Persons it takes.")
    subject_digest: str = pap.Field(
        str_matches=DIGEST, description="Digest of the boundary as it was decided on."
    )
    decision_ids: TEXTS = pap.Field(description="Decisions that count: approvals and objections.")
    reason: str = pap.Field(description="Why it is in that state, in words.")
    enforced_by: str = pap.Field(description="What keeps it closed.")

    @pap.dataframe_check(description="a boundary is open where enough persons approved, only there")
    def open_means_approved(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether nothing is open without approvals enough, each of them named."""
        table = data.table
        approved = pc.and_(
            pc.equal(table["state"], str(GateState.APPROVED)),
            pc.greater_equal(table["approval_count"], table["quorum"]),
        )
        named = pc.greater_equal(pc.list_value_length(table["decision_ids"]), table["quorum"])
        return pc.equal(table["is_open"], pc.and_(approved, named))


class CheckResults(Table, key=("asset", "rule")):
    """Every rule that was checked on the way to this release, and how it came out."""

    asset: str = pap.Field(description="Table or upstream file.")
    rule: str = pap.Field(description="Rule, as the asset check is named.")
    is_passed: bool = pap.Field(description="Whether it holds.")
    checked_row_count: int = pap.Field(ge=0, description="Rows looked at.")
    failing_row_count: int = pap.Field(ge=0, description="Rows that break it.")
    detail: str = pap.Field(description="What was expected and found.")


class FullValidation(Table, key=("kind", "asset", "name")):
    """Every declared check, stored table and receipt of the graph, and whether it holds now.

    Held against what would be built now: by the same code, of the same files, lock and figures.
    What stands on it (receipts, manifest, release, some reports) is checked where it is made.
    """

    kind: str = pap.Field(
        isin=["check", "snapshot", "receipt", "asset"],
        description="Check, stored table or receipt; asset: one that has none of these.",
    )
    asset: str = pap.Field(description="Asset it belongs to.")
    name: str = pap.Field(description="Rule, table or gate.")
    status: str = pap.Field(
        isin=["passed", "failed", "missing", "stale", "other_build"],
        description="stale: an input, a file, the lock or a setting is another now; other_build: by"
        " other code, or about another version than the one stored.",
    )
    problem: str = pap.Field(nullable=True, description="What is wrong; null: nothing.")

    @pap.dataframe_check(description="what is wrong has a problem, what passed has none")
    def problems_are_named(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether a problem is there exactly where something is wrong."""
        passed = pc.equal(data.table["status"], "passed")
        return pc.equal(passed, data.table["problem"].is_null())


class Receipts(Table, key=("gate",)):
    """Every gate's recorded finding, one row a receipt."""

    gate: str = pap.Field(str_matches=RECEIPT, description="Gate, with its version.")
    verdict: str = pap.Field(isin=[str(item) for item in Verdict], description="pass or hold.")
    item_count: int = pap.Field(ge=0, description="Rows of its items.")
    counts: str = pap.Field(description="Items by state, or counts by name, a JSON object.")
    unlocks: int = pap.Field(ge=0, description="Boundaries it opens.")
    items_table: str = pap.Field(description="Table of its items.")
    items_version: str = pap.Field(str_matches=DIGEST, description="Data version of that table.")
    inputs: str = pap.Field(description="Data version of every direct input, a JSON object.")
    document: str = pap.Field(description="The receipt whole, as JSON.")


class Manifest(Table, key=("table_name",)):
    """Every table of this release: content digest, rows, and what it was made from."""

    table_name: str = pap.Field(description="Table.")
    data_version: str = pap.Field(
        str_matches=r"^[0-9a-f]{64}$", description="Digest of its content."
    )
    row_count: int = pap.Field(ge=0, description="Rows.")
    code_version: str = pap.Field(description="Digest of the code that made it.")
    inputs: str = pap.Field(description="Data version of every direct input, a JSON object.")


DESCRIBING = (CheckResults, FullValidation, Receipts, Manifest)
"""What describes a release, made when everything else is there."""
