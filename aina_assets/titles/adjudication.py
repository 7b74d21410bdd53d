"""Adjudication: titles that the rules left open, shown to reviewers, and what their decisions do.

Belongs here: the subjects, the one rule by which a decision promotes a title, and the coverage that
follows. Stays out: routing by rules (``routing``), deciding (``review``).

A title is promoted where the gate ``title_adjudication`` is found approved for its subject as it is
now, every approval that counts names the same role among those on offer (in its evidence, as
``roles:<code>``), and a panel's recorded votes carry that role under the panel's agreement rule. It
is then served with a fallback, never now, and never as an identity. Whatever else was decided, the
title stays where the rules put it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.review import Decision, GateState, ReviewerKind, ReviewVerdict
from aina_assets.contracts.vocabulary import SourceClass, joined_classes
from aina_assets.review.gates import Finding, find
from aina_assets.review.policy import Gate, ReviewGates
from aina_assets.review.subjects import subject
from aina_assets.review.votes import (
    PanelRules,
    agreement_of,
    decision_of_row,
    figures_of_decisions,
)
from aina_assets.titles.adjudication_tables import (
    OUTCOMES,
    TitleAdjudication,
    TitleAdjudicationSubjects,
    TitleCoverage,
)
from aina_assets.titles.routing import Promotion
from aina_assets.titles.vocabulary import FallbackTier, ServiceTier
from aina_assets.warehouse.sql import query
from aina_assets.warehouse.tables import arrow_schema

Connection = duckdb.DuckDBPyConnection

GATE = "title_adjudication"
KIND = "title"
SHOWN_SPELLINGS = 10
SMALLEST_CONFIDENCE = 0.0001
"""Confidences have four decimals: what is chosen by people is never sure to be wrong."""

_WAITS = str(ServiceTier.ADJUDICATION_REQUIRED)

# One row a folded title: its rows, its candidates with their best score, and the groups that hold
# at least two of them. An occupation outside AINA's field is shown and not on offer.
_SUBJECTS = f"""
WITH queue AS (SELECT * FROM routing WHERE service_tier = '{_WAITS}'),
spelt AS (
  SELECT title_key, title, count(*) AS rows FROM queue GROUP BY ALL
),
listed AS (
  SELECT title_key, title_list, count(*) AS rows, sum(title_count)::BIGINT AS title_count
  FROM queue GROUP BY ALL
),
spellings AS (
  SELECT title_key, (list({{title: title, rows: rows}} ORDER BY rows DESC, title))
    [:{SHOWN_SPELLINGS}] AS titles
  FROM spelt GROUP BY title_key
),
lists AS (
  SELECT title_key, list({{title_list: title_list, rows: rows, title_count: title_count}}
    ORDER BY title_list) AS lists
  FROM listed GROUP BY title_key
),
whole AS (
  SELECT title_key, count(*) AS row_count, min(question) AS question,
    min(promotion_rule) AS promotion_rule,
    list_sort(list_distinct(flatten(list(reasons)))) AS reasons,
    list_sort(list_distinct(flatten(list(lexicon_ids)))) AS lexicon_ids
  FROM queue GROUP BY title_key
),
suggested AS (
  SELECT title_key, c.code AS code, any_value(c.title) AS title, max(c.confidence) AS confidence
  FROM (SELECT title_key, unnest(candidates) AS c FROM queue) GROUP BY ALL
),
known AS (
  SELECT m.title_key, l.code[:7] AS code,
    list_sort(list(DISTINCT 'title_lexicon:' || l.lexicon_id)) AS known_as
  FROM (SELECT title_key, unnest(lexicon_ids) AS lexicon_id FROM whole) m
  JOIN lexicon l USING (lexicon_id) GROUP BY ALL
),
described AS (
  SELECT r.role_id AS code, r.is_icp, o.description
  FROM roles r LEFT JOIN occupations o ON o.onet_soc_code = list_min(r.onet_soc_codes)
  WHERE r.code_level = 'detailed'
),
shown AS (
  SELECT s.*, k.known_as, d.description, coalesce(d.is_icp, false) AS is_on_offer
  FROM suggested s LEFT JOIN known k USING (title_key, code) LEFT JOIN described d USING (code)
),
members AS (
  SELECT DISTINCT role_id, code_level, canonical_title, unnest(onet_soc_codes)[:7] AS code
  FROM roles WHERE code_level IN ('broad', 'minor', 'major') AND is_icp
),
grouped AS (
  SELECT s.title_key, m.role_id AS code, m.code_level, any_value(m.canonical_title) AS title,
    least(1.0, round(fsum(s.confidence), 4)) AS confidence, bool_or(s.known_as IS NOT NULL)
      AS is_known
  FROM shown s JOIN members m USING (code) GROUP BY ALL HAVING count(*) > 1
),
offered AS (
  SELECT title_key, code, 'detailed' AS code_level, title, confidence,
    known_as IS NOT NULL AS is_known
  FROM shown WHERE is_on_offer
  UNION ALL BY NAME SELECT * FROM grouped
),
candidates AS (
  SELECT title_key, list({{code: code, title: title, confidence: confidence,
      definition: description, known_as: coalesce(known_as, []), is_on_offer: is_on_offer}}
    ORDER BY confidence DESC, code) AS candidates
  FROM shown GROUP BY title_key
),
grants AS (
  SELECT title_key, list({{code: code, code_level: code_level, title: title,
      confidence: confidence, is_known: is_known}}
    ORDER BY list_position(['detailed', 'broad', 'minor', 'major'], code_level), confidence DESC,
      code) AS grants
  FROM offered GROUP BY title_key
)
SELECT title_key, row_count, question, promotion_rule, reasons, lexicon_ids, titles, lists,
  coalesce(candidates, []) AS candidates, coalesce(grants, []) AS grants
FROM whole JOIN spellings USING (title_key) JOIN lists USING (title_key)
LEFT JOIN candidates USING (title_key) LEFT JOIN grants USING (title_key)
ORDER BY title_key
"""  # noqa: S608


def title_adjudication_subjects(
    con: Connection,
    title_routing: pa.Table,
    title_lexicon: pa.Table,
    roles: pa.Table,
    occupations: pa.Table,
) -> pa.Table:
    """Rows of ``TitleAdjudicationSubjects``, by folded title."""
    asked = query(
        con,
        _SUBJECTS,
        routing=title_routing.select(
            [
                *("title_key", "title", "title_list", "title_count", "service_tier", "reasons"),
                *("lexicon_ids", "candidates", "question", "promotion_rule"),
            ]
        ),
        lexicon=title_lexicon.select(["lexicon_id", "code"]),
        roles=roles.select(
            ["role_id", "code_level", "canonical_title", "onet_soc_codes", "is_icp"]
        ),
        occupations=occupations.select(["onet_soc_code", "description"]),
    )
    schema = arrow_schema(TitleAdjudicationSubjects)
    batches = [
        pa.RecordBatch.from_pylist([_subject(row) for row in batch.to_pylist()], schema=schema)
        for batch in asked.to_batches(max_chunksize=8_192)
    ]
    return pa.Table.from_batches(batches, schema=schema)


def _subject(row: Mapping[str, Any]) -> dict[str, Any]:
    grants = [_grant(item, row["reasons"]) for item in row["grants"]]
    content = {
        "titles": row["titles"],
        "lists": row["lists"],
        "reasons": row["reasons"],
        "question": row["question"],
        "promotion_rule": row["promotion_rule"],
        "candidates": row["candidates"],
        "grants": grants,
        "options": [item["role"] for item in grants],
    }
    # A lexicon row's id is the digest of what it says.
    evidence = {f"title_lexicon:{item}": item for item in row["lexicon_ids"]}
    made = subject(
        GATE,
        KIND,
        row["title_key"],
        title=row["titles"][0]["title"],
        content=content,
        evidence=evidence,
    )
    role_ids = [item["code"] for item in row["grants"]]
    own = {"row_count": row["row_count"], "lexicon_ids": row["lexicon_ids"], "role_ids": role_ids}
    return made | own


def _grant(item: Mapping[str, Any], reasons: Sequence[str]) -> dict[str, Any]:
    """What the title would be served as, were this role decided on."""
    rung = "model"
    if item["is_known"]:
        known = (reason.partition(":")[2] for reason in reasons if reason.startswith("known_title"))
        rung = next(known, rung)
    is_major = item["code_level"] == "major"
    return {
        "role": f"roles:{item['code']}",
        "title": item["title"],
        "code_level": item["code_level"],
        "rung": rung,
        "confidence": max(item["confidence"], SMALLEST_CONFIDENCE),
        "fallback_tier": str(FallbackTier.ARCHETYPE if is_major else FallbackTier.FUNCTION),
        "service_tier": str(ServiceTier.SERVE_WITH_FALLBACK),
    }


# ---------------------------------------------------------------------------------- the decisions


@dataclass(frozen=True)
class Ruling:
    """What became of one title that was decided on.

    Attributes:
        outcome: of ``OUTCOMES``.
        row_count: its rows.
        is_decided: whether a decision on it as it is counts.
        decision_id: of a promotion, the decision.
        grant: of a promotion, what it is served as.
    """

    title_key: str
    outcome: str
    row_count: int
    is_decided: bool
    decision_id: str | None = None
    grant: Mapping[str, Any] | None = None


def rulings(
    subjects: pa.Table, decisions: pa.Table, review_gates: ReviewGates, panel: PanelRules
) -> list[Ruling]:
    """What became of the titles of ``subjects`` that were ever decided on, by title."""
    gate = review_gates.gate(GATE)
    made: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in decisions.sort_by("ordinal").to_pylist():
        if (row["gate"], row["subject_kind"]) == (GATE, KIND):
            made[row["subject_key"]].append(row)
    is_decided = pc.is_in(subjects["subject_key"], value_set=pa.array(list(made), pa.string()))
    return [
        _ruling(item, made[item["subject_key"]], gate, panel)
        for item in subjects.filter(is_decided).to_pylist()
    ]


def _ruling(
    item: Mapping[str, Any], made: Sequence[Mapping[str, Any]], gate: Gate, panel: PanelRules
) -> Ruling:
    found = find(gate, item["subject_digest"], item["subject_authors"], made)
    grants = {
        grant["role"]: grant for grant in json.loads(item["subject_document"])["content"]["grants"]
    }
    outcome, role = _outcome(found, grants.keys(), panel)
    return Ruling(
        title_key=item["subject_key"],
        outcome=outcome,
        row_count=item["row_count"],
        is_decided=bool(found.approvals or found.objections),
        decision_id=found.approvals[0]["decision_id"] if role else None,
        grant=grants[role] if role else None,
    )


def _outcome(found: Finding, options: Any, panel: PanelRules) -> tuple[str, str | None]:
    """The outcome, and of a promotion the role."""
    approving = [decision_of_row(row) for row in found.approvals]
    if found.objections:
        objecting = [decision_of_row(row) for row in found.objections]
        is_split = any(_is_split(decision, options, panel) for decision in objecting)
        return ("disagreed" if approving or is_split else str(found.state)), None
    if found.state is not GateState.APPROVED:
        return _OF_STATE.get(found.state, "waiting"), None
    named = {_role_of(decision, options, panel) for decision in approving}
    if None in named:
        return "unproven", None
    return ("promoted", named.pop()) if len(named) == 1 else ("disagreed", None)


_OF_STATE = {GateState.EXPIRED: "expired", GateState.STALE: "stale"}


def _role_of(decision: Decision, options: Any, panel: PanelRules) -> str | None:
    """The one role on offer that an approval names, where a panel's votes carry it."""
    named = {reference for reference in decision.evidence if reference.startswith("roles:")}
    if len(named) != 1 or not named <= set(options):
        return None
    (role,) = named
    if decision.reviewer_kind is ReviewerKind.PANEL:
        agreed = agreement_of(decision.votes, options, panel)
        if (agreed.verdict, agreed.option) != (ReviewVerdict.APPROVE, role):
            return None
    return role


def _is_split(decision: Decision, options: Any, panel: PanelRules) -> bool:
    return agreement_of(decision.votes, options, panel).is_split


# ----------------------------------------------------------------------------------- the coverage


def title_coverage(
    title_routing: pa.Table,
    title_adjudication_subjects: pa.Table,
    title_adjudication_decisions: pa.Table,
    roles: pa.Table,
    review_gates: ReviewGates,
    panel: PanelRules,
) -> pa.Table:
    """Rows of ``TitleCoverage``: ``title_routing``, in its order, with what was decided."""
    made = rulings(title_adjudication_subjects, title_adjudication_decisions, review_gates, panel)
    promotions = {ruling.title_key: ruling for ruling in made if ruling.grant is not None}
    schema = arrow_schema(TitleCoverage)
    routed = title_routing.select(schema.names).cast(schema)
    keys = pa.array(list(promotions), pa.string())
    is_promoted = pc.and_(
        pc.equal(routed["service_tier"], _WAITS), pc.is_in(routed["title_key"], value_set=keys)
    )
    places = pc.indices_nonzero(is_promoted)
    if not len(places):
        return routed
    families = dict(
        zip(roles["role_id"].to_pylist(), roles["role_family"].to_pylist(), strict=True)
    )
    rows = [
        _promoted(row, promotions[row["title_key"]], families)
        for row in routed.take(places).to_pylist()
    ]
    kept = pc.indices_nonzero(pc.invert(is_promoted))
    whole = pa.concat_tables([routed.take(kept), pa.Table.from_pylist(rows, schema=schema)])
    return whole.take(pc.sort_indices(pa.concat_arrays([kept, places])))


def _promoted(
    row: Mapping[str, Any], ruling: Ruling, families: Mapping[str, str]
) -> dict[str, Any]:
    grant = ruling.grant or {}
    code = grant["role"].removeprefix("roles:")
    promotion = Promotion(
        str(ruling.decision_id),
        code,
        *(grant[name] for name in ("code_level", "rung", "fallback_tier", "confidence")),
    )
    return {
        **promotion.applied(row, families[code]),
        "source_class": joined_classes([row["source_class"], SourceClass.INTERNAL]),
    }


# ------------------------------------------------------------------------------------ the figures


def title_adjudication(
    title_adjudication_subjects: pa.Table,
    title_adjudication_decisions: pa.Table,
    review_gates: ReviewGates,
    panel: PanelRules,
) -> pa.Table:
    """Rows of ``TitleAdjudication``."""
    made = rulings(title_adjudication_subjects, title_adjudication_decisions, review_gates, panel)
    outcomes = Counter(ruling.outcome for ruling in made)
    queue = title_adjudication_subjects.num_rows
    outcomes["waiting"] += queue - len(made)
    waiting_rows = pc.sum(title_adjudication_subjects["row_count"]).as_py() or 0
    promoted_rows = sum(ruling.row_count for ruling in made if ruling.grant is not None)
    said = figures_of_decisions(title_adjudication_decisions)
    priced = said.votes - said.unpriced
    share = round(said.unanimous / said.subjects, 4) if said.subjects else None
    rows = [
        _row("queue", queue, None, "titles", "different titles that the rules left open"),
        _row("queue_rows", waiting_rows, None, "rows", "rows of title_routing with these titles"),
        _row(
            "decided",
            sum(ruling.is_decided for ruling in made),
            None,
            "titles",
            "titles with a decision that counts on them as they are",
        ),
        *(
            _row(outcome, outcomes[outcome], None, "titles", text)
            for outcome, text in OUTCOMES.items()
        ),
        _row("promoted_rows", promoted_rows, None, "rows", "rows served because of a decision"),
        _row("panel_titles", said.subjects, None, "titles", "titles, as they were, a panel judged"),
        _row(
            "panel_unanimous",
            said.unanimous,
            share,
            "titles",
            "of these, where all usable votes said the same; as a share",
        ),
        _row("votes", said.votes, None, "votes", "models' votes, usable or not"),
        _row("usable_votes", said.usable, None, "votes", "votes with a verdict"),
        _row(
            "effective_votes",
            said.models,
            _rounded(said.effective_votes),
            "models",
            "models heard, and as how many independent ones they count:"
            " n / (1 + (n - 1) * mean correlation of pairs)",
        ),
        _row(
            "vote_correlation",
            said.models,
            _rounded(said.correlation),
            "models",
            "mean correlation of two models' votes",
        ),
        _row(
            "agreement_with_people",
            said.both,
            _rounded(said.kappa),
            "titles",
            "titles that the panel and a person judged alike shown, and Cohen's kappa on them",
        ),
        _row("input_tokens", said.input_tokens, None, "tokens", "tokens models were given"),
        _row("output_tokens", said.output_tokens, None, "tokens", "tokens models gave"),
        _row(
            "cost_usd",
            priced,
            said.cost_usd if priced else None,
            "votes",
            "votes whose price is known, and what they cost in USD",
        ),
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(TitleAdjudication))


def _row(
    figure: str, value: int, measure: float | None, unit: str, definition: str
) -> dict[str, Any]:
    return {
        "figure": figure,
        "value": value,
        "measure": measure,
        "unit": unit,
        "definition": definition,
    }


def _rounded(measure: float | None) -> float | None:
    return None if measure is None else round(measure, 4)
