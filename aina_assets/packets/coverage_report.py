"""The title coverage report: who AINA can serve today, with a fallback, not yet, and why.

Belongs here: the document that the report shows, and rendering it. Stays out: routing titles.
Everything on the pages is in the document; everything in the document is counted from tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from aina_assets.contracts.receipts import Receipt
from aina_assets.titles.vocabulary import LEVELS, RUNGS, FallbackTier, ServiceTier
from aina_assets.warehouse import charts
from aina_assets.warehouse.reports import (
    environment,
    json_bytes,
    jsonl_bytes,
    percentage,
)
from aina_assets.warehouse.sql import query
from aina_assets.work_graph.policy import Families, Icp

Connection = duckdb.DuckDBPyConnection
Rows = list[dict[str, Any]]

EXAMPLES = 8
SHOWN_ADJUDICATIONS = 12
SHOWN_REASONS = 25
BINS = 10
CURVE_POINTS = 40

TIERS: Mapping[ServiceTier, tuple[str, str]] = {
    ServiceTier.SERVE_NOW: (
        "Served today",
        "The title names one occupation, as written or once it is read. AINA serves that role.",
    ),
    ServiceTier.SERVE_WITH_FALLBACK: (
        "Served with a fallback",
        "What is served is a group of occupations or a prediction, and it says so.",
    ),
    ServiceTier.ADJUDICATION_REQUIRED: (
        "Not yet",
        "The evidence does not settle what the title means. Nothing is served before several"
        " reviewers have decided.",
    ),
    ServiceTier.EXCLUDED: (
        "Outside",
        "An explicit rule says that the title names no job AINA is for.",
    ),
}
"""Service tiers in order, with a name and a meaning for people."""

_FALLBACKS: Mapping[FallbackTier, str] = {
    FallbackTier.EXACT: "an occupation's own title",
    FallbackTier.ALIAS: "a known title of one occupation, as written",
    FallbackTier.NORMALISED: "a known title once read: cut, written out, turned round",
    FallbackTier.FUNCTION: "a group that shares a function, a statistical match, or a decision",
    FallbackTier.ARCHETYPE: "a major group, no more",
    FallbackTier.UNRESOLVED: "no role",
}

_LEVELS = {
    "onet_soc": "O*NET occupation",
    "detailed": "SOC occupation",
    "broad": "broad group",
    "minor": "minor group",
    "major": "major group",
    "none": "no code",
}

_EVALUATIONS = {
    "held_out": "held out at random",
    "cross_fit": "cross-fitted",
    "without_alternate": "alternate titles withheld",
    "without_reported": "reported titles withheld",
    "without_labelled": "labelled lists withheld",
}

_REASONS = {
    "known_title": "The title is among known titles, found on this rung.",
    "unknown_title": "No list of titles knows it.",
    "ambiguous_title": "Known titles give it to several occupations.",
    "statistical_match": "Its role was predicted from its words.",
    "served_at": "The evidence carries a code of this level.",
    "below_every_threshold": "No answer is sure enough, at any level.",
    "no_common_group": "The occupations it names share no group.",
    "group_partly_in_icp": "Some occupations of its group are outside AINA's field.",
    "known_title_and_model_disagree": "What is known of it and what is predicted part ways.",
    "promoted_by_decision": "Reviewers decided on its role; the decision is named.",
}
"""Reason codes, up to their colon, in words."""

_TIER_COLOURS = {
    TIERS[ServiceTier.SERVE_NOW][0]: charts.BLUE,
    TIERS[ServiceTier.SERVE_WITH_FALLBACK][0]: charts.SKY,
    TIERS[ServiceTier.ADJUDICATION_REQUIRED][0]: charts.ORANGE,
    TIERS[ServiceTier.EXCLUDED][0]: charts.GREY,
}
_COLOURS = (charts.BLUE, charts.RED, charts.GREEN, charts.PURPLE, charts.ORANGE)

NO_FAMILY = "no family"
ADJUDICATION = "title_adjudication_v1"

_COVERAGE = [
    *("title_list", "source_row", "title_id", "title", "title_key", "core_key", "rung"),
    *("fallback_tier", "code", "code_level", "confidence", "role_id", "role_family"),
    *("service_tier", "reasons", "safe_today"),
]


# --------------------------------------------------------------------------------- the document


def coverage_document(
    con: Connection,
    title_coverage: pa.Table,
    title_evidence: pa.Table,
    title_thresholds: pa.Table,
    title_model_evaluation: pa.Table,
    roles: pa.Table,
    source_ledger: pa.Table,
    title_adjudication: pa.Table,
    families: Families,
    icp: Icp,
    receipts: Mapping[str, Receipt],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Everything the report says, as plain JSON values.

    Counts are rows of ``title_coverage``; shares are percent with one decimal. What was decided is
    as the receipt of the adjudication and its items say.
    """
    coverage = title_coverage.select(_COVERAGE)
    names = {family.id: family.name for family in families.families}
    names |= {
        "several": "Several families",
        "not_icp": "Outside AINA's field",
        NO_FAMILY: "No family",
    }
    ask = _Asking(con, coverage)
    (totals,) = ask(
        """
        SELECT count(*) AS rows, count(DISTINCT title) AS distinct_titles,
          count(DISTINCT title_key) AS distinct_folded_titles,
          count(DISTINCT core_key) AS distinct_core_titles,
          count(DISTINCT title_list) AS lists
        FROM coverage
        """
    )
    total = totals["rows"]
    tiers = _tiers(ask, total)
    families_by_tier = _by_tier(
        ask, f"coalesce(role_family, '{NO_FAMILY}')", "family", labels=names
    )
    families_by_tier.sort(key=lambda row: row["family"] in ("several", "not_icp", NO_FAMILY))
    titles = dict(
        zip(roles["role_id"].to_pylist(), roles["canonical_title"].to_pylist(), strict=True)
    )
    curve = _curve(con, title_evidence)
    targets = sorted({row["target"] for row in title_thresholds.to_pylist()})
    for row in curve:
        row["is_marked"] = False
    for series in {row["series"] for row in curve}:
        good = [
            row
            for row in curve
            if row["series"] == series and targets and row["precision"] >= max(targets)
        ]
        if good:
            max(good, key=lambda row: row["coverage"])["is_marked"] = True
    return {
        "report": "title_coverage_report",
        "meaning": "Being served means structurally serviceable. It is no approval, and it says"
        " nothing about how good the content is.",
        "made_from": dict(sorted(versions.items())),
        "totals": totals,
        "service_tiers": tiers,
        "who": _who(ask, tiers, names, titles),
        "by_list": _by_tier(ask, "title_list", "title_list"),
        "by_family": families_by_tier,
        "fallback_tiers": _labelled(
            ask, total, "fallback_tier", {str(key): text for key, text in _FALLBACKS.items()}
        ),
        "code_levels": _labelled(ask, total, "code_level", _LEVELS),
        "rungs": _labelled(ask, total, "coalesce(rung, 'none')", {}, order=[*RUNGS, "none"]),
        "examples": _examples(ask, titles),
        "reasons": _reasons(ask),
        "exclusion_reasons": _exclusions(ask, icp),
        "excluded_occupations": _excluded_occupations(ask, icp, titles),
        "adjudication": {
            "rows": sum(
                row["rows"]
                for row in tiers
                if row["service_tier"] == ServiceTier.ADJUDICATION_REQUIRED
            ),
            "file": "adjudication_inputs.jsonl",
            "receipt": ADJUDICATION,
            "figures": _figures(title_adjudication, receipts[ADJUDICATION]),
            "shown": _adjudication_sample(con, title_coverage),
        },
        "reliability": _reliability(con, title_evidence),
        "precision_by_coverage": curve,
        "targets": targets,
        "thresholds": sorted(
            (
                {name: row[name] for name in _OF_THRESHOLD}
                for row in title_thresholds.to_pylist()
                if row["min_score"] is not None
            ),
            key=lambda row: (RUNGS.index(row["rung"]), LEVELS.index(row["code_level"])),
        ),
        "model_evaluation": sorted(
            title_model_evaluation.to_pylist(), key=lambda row: str(row["measure"])
        ),
        "sources": [
            {name: row[name] for name in _OF_SOURCE}
            for row in sorted(source_ledger.to_pylist(), key=lambda row: str(row["source"]))
        ],
    }


def _figures(title_adjudication: pa.Table, receipt: Receipt) -> Rows:
    """Figures of the adjudication: counts of the receipt, with the measures of its items."""
    return [
        {**row, "value": receipt.counts[row["figure"]]} for row in title_adjudication.to_pylist()
    ]


_OF_THRESHOLD = (
    *("rung", "code_level", "target", "min_score", "title_count", "right_count"),
    *("precision", "wilson_lower"),
)
_OF_SOURCE = (
    *("source", "title", "publisher", "release", "source_class", "licence", "licence_url"),
    *("allowed_use", "pin"),
)


class _Asking:
    """Questions to the coverage frame, each answered in rows."""

    def __init__(self, con: Connection, coverage: pa.Table) -> None:
        self._con = con
        self._coverage = coverage

    def __call__(self, statement: str) -> Rows:
        rows: Rows = query(self._con, statement, coverage=self._coverage).to_pylist()
        return rows


def _tiers(ask: _Asking, total: int) -> Rows:
    found = {
        row["service_tier"]: row
        for row in ask(
            "SELECT service_tier, count(*) AS rows, count(DISTINCT title_key) AS distinct_titles"
            " FROM coverage GROUP BY service_tier"
        )
    }
    return [
        {
            "service_tier": str(tier),
            "name": name,
            "meaning": meaning,
            "rows": found.get(tier, {}).get("rows", 0),
            "share_pct": percentage(found.get(tier, {}).get("rows", 0), total),
            "distinct_titles": found.get(tier, {}).get("distinct_titles", 0),
        }
        for tier, (name, meaning) in TIERS.items()
    ]


def _by_tier(
    ask: _Asking, expression: str, field: str, labels: Mapping[str, str] | None = None
) -> Rows:
    """Rows of each tier by what ``expression`` says, the most rows first."""
    counts = ", ".join(
        f"count(*) FILTER (service_tier = '{tier}') AS {tier}" for tier in ServiceTier
    )
    rows = ask(
        f"SELECT {expression} AS {field}, count(*) AS rows, {counts} FROM coverage"  # noqa: S608
        " GROUP BY 1 ORDER BY rows DESC, 1"
    )
    return [
        {
            field: row[field],
            "name": (labels or {}).get(row[field], row[field]),
            "rows": row["rows"],
            "tiers": [
                {
                    "service_tier": str(tier),
                    "rows": row[str(tier)],
                    "share_pct": percentage(row[str(tier)], row["rows"]),
                }
                for tier in TIERS
            ],
        }
        for row in rows
    ]


def _labelled(
    ask: _Asking,
    total: int,
    expression: str,
    labels: Mapping[str, str],
    order: Iterable[str] | None = None,
) -> Rows:
    counted = {
        row["value"]: row["rows"]
        for row in ask(
            f"SELECT {expression} AS value, count(*) AS rows FROM coverage GROUP BY 1"  # noqa: S608
        )
    }
    return [
        {
            "value": value,
            "meaning": labels.get(value, ""),
            "rows": counted.get(value, 0),
            "share_pct": percentage(counted.get(value, 0), total),
        }
        for value in (order or labels)
    ]


def _who(ask: _Asking, tiers: Rows, names: Mapping[str, str], titles: Mapping[str, str]) -> Rows:
    """Each tier in plain words: how many, of which families, the commonest roles."""
    families = ask(
        f"SELECT service_tier, coalesce(role_family, '{NO_FAMILY}') AS family, count(*) AS rows"  # noqa: S608
        " FROM coverage GROUP BY ALL ORDER BY rows DESC, family"
    )
    # An occupation and the SOC group that holds nothing else share a title: one role to people.
    roles: dict[tuple[str, str], int] = {}
    for row in ask(
        "SELECT service_tier, role_id, count(*) AS rows FROM coverage WHERE role_id IS NOT NULL"
        " GROUP BY ALL"
    ):
        role = (row["service_tier"], titles.get(row["role_id"], row["role_id"]))
        roles[role] = roles.get(role, 0) + row["rows"]
    commonest = sorted(roles.items(), key=lambda item: (-item[1], item[0]))
    safe = ask(
        "SELECT service_tier, safe_today, count(*) AS rows FROM coverage GROUP BY ALL"
        " ORDER BY rows DESC, safe_today"
    )
    said = []
    for tier in tiers:
        of_families = [row for row in families if row["service_tier"] == tier["service_tier"]]
        said.append(
            {
                "service_tier": tier["service_tier"],
                "name": tier["name"],
                "families": [
                    {"family": names.get(row["family"], row["family"]), "rows": row["rows"]}
                    for row in of_families
                    if row["family"] != NO_FAMILY
                ][:EXAMPLES],
                "safe_today": [
                    {"sentence": row["safe_today"], "rows": row["rows"]}
                    for row in safe
                    if row["service_tier"] == tier["service_tier"]
                ][:EXAMPLES],
                "roles": [
                    {"role": title, "rows": rows}
                    for (of_tier, title), rows in commonest
                    if of_tier == tier["service_tier"]
                ][:EXAMPLES],
            }
        )
    return said


def _examples(ask: _Asking, titles: Mapping[str, str]) -> dict[str, Rows]:
    """Some titles of every tier: the commonest of each rung and level, in turn."""
    rows = ask(
        f"""
        WITH alike AS (
          SELECT service_tier, title_key, min(title) AS title, count(*) AS rows,
            min_by(struct_pack(rung, fallback_tier, code, code_level, confidence, role_id, reasons,
              safe_today), title_id) AS how
          FROM coverage WHERE title_key <> '' GROUP BY service_tier, title_key
        ),
        ranked AS (
          SELECT *, row_number() OVER (
            PARTITION BY service_tier, how.rung, how.code_level, how.reasons[-1]
            ORDER BY rows DESC, title_key) AS place
          FROM alike
        ),
        chosen AS (
          SELECT *, row_number() OVER (
            PARTITION BY service_tier ORDER BY place, rows DESC, title_key) AS turn
          FROM ranked
        )
        SELECT service_tier, title, rows, unnest(how) FROM chosen WHERE turn <= {EXAMPLES}
        ORDER BY service_tier, turn
        """  # noqa: S608
    )
    found: dict[str, Rows] = {str(tier): [] for tier in TIERS}
    for row in rows:
        tier = row.pop("service_tier")
        row["confidence"] = round(row["confidence"], 3)
        row["role"] = titles.get(row["role_id"]) if row["role_id"] else None
        found[tier].append(row)
    return found


def _reasons(ask: _Asking) -> Rows:
    rows = ask(
        f"""
        SELECT reason, count(*) AS rows, list_sort(list(DISTINCT service_tier)) AS service_tiers
        FROM (SELECT unnest(reasons) AS reason, service_tier FROM coverage
              WHERE service_tier <> '{ServiceTier.EXCLUDED}')
        GROUP BY reason ORDER BY rows DESC, reason
        """  # noqa: S608
    )
    return [{**row, "meaning": _REASONS.get(row["reason"].partition(":")[0], "")} for row in rows]


def _exclusions(ask: _Asking, icp: Icp) -> Rows:
    """Reasons of excluded rows, each with the authored words where a title rule names it."""
    said = {rule.id: rule.reason for rule in icp.titles}
    rows = ask(
        f"""
        SELECT reason, sum(rows)::BIGINT AS rows, count(*) AS distinct_titles,
          min_by(title, md5(title), 3) AS titles
        FROM (SELECT reasons[-1] AS reason, title_key, min(title) AS title, count(*) AS rows
              FROM coverage WHERE service_tier = '{ServiceTier.EXCLUDED}' GROUP BY 1, 2)
        GROUP BY reason ORDER BY rows DESC, reason
        """  # noqa: S608
    )
    for row in rows:
        rule = row["reason"].partition(":")[2]
        meaning = said.get(rule, "") if rule else "An authored rule on occupations excludes it."
        row["meaning"] = meaning.replace("_", " ")
    return rows


def _excluded_occupations(ask: _Asking, icp: Icp, titles: Mapping[str, str]) -> Rows:
    """Rows that are excluded for their occupation, by the authored rule that decided."""
    rules = {group.code: group.why for group in icp.occupations.major_groups_out}
    rules |= {item.code: item.why for item in icp.occupations.exceptions if not item.is_in}
    counted: dict[str, int] = {}
    for row in ask(
        """
        SELECT code, count(*) AS rows FROM coverage
        WHERE list_contains(reasons, 'occupation_outside_icp') AND code IS NOT NULL GROUP BY code
        """
    ):
        starts = [rule for rule in rules if row["code"].startswith(rule)]
        rule = max(starts, key=len, default="")
        counted[rule] = counted.get(rule, 0) + row["rows"]
    return [
        {
            "rule": rule,
            "group": titles.get(f"{rule}-0000"[:7] if len(rule) == 2 else f"{rule:0<7}", ""),
            "why": rules.get(rule, ""),
            "rows": rows,
        }
        for rule, rows in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]


_OF_ADJUDICATION = (
    *("title_id", "title_list", "source_row", "title", "title_count", "title_key"),
    *("reasons", "candidates", "source_refs", "lexicon_ids", "question", "promotion_rule"),
)


def adjudication_lines(title_coverage: pa.Table) -> Iterable[dict[str, Any]]:
    """One line for every title that needs a decision: what reviewers are given."""
    columns = title_coverage.select(["service_tier", *_OF_ADJUDICATION])
    for batch in columns.to_batches(max_chunksize=8_192):
        for row in batch.to_pylist():
            if row.pop("service_tier") == ServiceTier.ADJUDICATION_REQUIRED:
                row["evidence"] = {
                    "source_refs": row.pop("source_refs"),
                    "lexicon_ids": row.pop("lexicon_ids"),
                    "reasons": row.pop("reasons"),
                }
                yield row


def _adjudication_sample(con: Connection, title_coverage: pa.Table) -> Rows:
    rows: Rows = query(
        con,
        f"""
        SELECT min(title) AS title, count(*) AS rows, any_value(question ORDER BY title_id)
            AS question, any_value(promotion_rule ORDER BY title_id) AS promotion_rule,
          any_value(list_transform(candidates, lambda x: x.title) ORDER BY title_id) AS candidates
        FROM coverage WHERE service_tier = '{ServiceTier.ADJUDICATION_REQUIRED}'
        GROUP BY title_key ORDER BY rows DESC, title_key LIMIT {SHOWN_ADJUDICATIONS}
        """,  # noqa: S608
        coverage=title_coverage.select(
            [
                *("title_id", "title", "title_key", "service_tier"),
                *("question", "promotion_rule", "candidates"),
            ]
        ),
    ).to_pylist()
    return rows


_ANSWERED = """
WITH answered AS (
  SELECT evaluation, lexicon_title, unnest(answers, recursive := true)
  FROM evidence WHERE is_first
)
"""


def _reliability(con: Connection, title_evidence: pa.Table) -> Rows:
    """Stated confidence against what was right, by tenth of confidence, for SOC occupations."""
    rows: Rows = query(
        con,
        f"""
        {_ANSWERED}
        SELECT evaluation, least(floor(score * {BINS}), {BINS - 1})::INT AS bin,
          count(*) AS title_count, round(fsum(score) / count(*), 4) AS mean_confidence,
          round(count(*) FILTER (is_right) / count(*), 4) AS right_share
        FROM answered WHERE level = 'detailed' GROUP BY ALL ORDER BY evaluation, bin
        """,  # noqa: S608
        evidence=title_evidence.select(["evaluation", "lexicon_title", "is_first", "answers"]),
    ).to_pylist()
    for row in rows:
        row["from_confidence"] = row["bin"] / BINS
        row["series"] = _EVALUATIONS.get(row["evaluation"], row["evaluation"])
    return rows


def _curve(con: Connection, title_evidence: pa.Table) -> Rows:
    """How right the surest answers are, level by level, as more titles are answered."""
    rows: Rows = query(
        con,
        f"""
        {_ANSWERED},
        whole AS (SELECT count(DISTINCT lexicon_title) AS titles FROM evidence
                  WHERE evaluation = 'held_out'),
        ordered AS (
          SELECT level, score, is_right, row_number() OVER sure AS place,
            count(*) FILTER (is_right) OVER sure AS right_count,
            count(*) OVER (PARTITION BY level) AS answered
          FROM answered WHERE evaluation = 'held_out'
          WINDOW sure AS (PARTITION BY level ORDER BY score DESC, lexicon_title
                          ROWS UNBOUNDED PRECEDING)
        )
        SELECT level AS code_level, place AS title_count, round(place / titles, 4) AS coverage,
          round(right_count / place, 4) AS precision, round(score, 4) AS min_confidence
        FROM ordered, whole
        WHERE place % greatest(1, answered // {CURVE_POINTS}) = 0
          AND place >= least(answered, {CURVE_POINTS // 2})
        ORDER BY level, place
        """,  # noqa: S608
        evidence=title_evidence.select(["evaluation", "lexicon_title", "is_first", "answers"]),
    ).to_pylist()
    for row in rows:
        row["series"] = _LEVELS[row["code_level"]]
    return sorted(rows, key=lambda row: (LEVELS.index(row["code_level"]), row["title_count"]))


# ------------------------------------------------------------------------------------ the charts


def coverage_charts(document: Mapping[str, Any]) -> dict[str, str]:
    """The report's charts with their legends, as HTML, by name."""
    shares = [
        {"family": family["name"], "series": TIERS[part["service_tier"]][0], **part}
        for family in document["by_family"]
        for part in family["tiers"]
    ]
    evaluations = _in_colour(row["series"] for row in document["reliability"])
    levels = _in_colour(row["series"] for row in document["precision_by_coverage"])
    return {
        "tier_mix": charts.legend(_TIER_COLOURS)
        + charts.svg(
            charts.stacked_bars(
                shares,
                category="family",
                categories=[family["name"] for family in document["by_family"]],
                series=_TIER_COLOURS,
            ),
            name="tier-mix",
            title="Service tiers by role family",
            description="One bar a family, parted by service tier. The table beside it has the"
            " numbers.",
        ),
        "reliability": charts.legend(evaluations)
        + charts.svg(
            charts.calibration(document["reliability"], series=evaluations),
            name="reliability",
            title="Stated confidence against the share that was right",
            description="Points on the dashed diagonal are as right as they say; below it, less.",
        ),
        "precision": charts.legend(levels)
        + charts.svg(
            charts.lines(
                document["precision_by_coverage"],
                x="coverage",
                y="precision",
                x_title="share of withheld titles answered",
                y_title="share of answers that were right",
                series=levels,
            ),
            name="precision",
            title="Coverage against precision",
            description="A line a level. To the right more titles are answered, surest first.",
        ),
    }


def _in_colour(names: Iterable[str]) -> dict[str, str]:
    return dict(zip(dict.fromkeys(names), _COLOURS, strict=False))


# ------------------------------------------------------------------------------------- the files


def coverage_files(
    document: Mapping[str, Any], adjudications: Iterable[dict[str, Any]], templates: Path
) -> dict[str, bytes]:
    """The report's files: the document, its pages, and what reviewers are given."""
    from markupsafe import Markup

    pages = environment(templates)
    # Markup made here from numbers and escaped text; nothing of a title list is in it.
    drawn = {name: Markup(text) for name, text in coverage_charts(document).items()}  # noqa: S704
    return {
        "title_coverage_report.json": json_bytes(document),
        "title_coverage_report.html": pages.get_template("title_coverage_report.html.j2")
        .render(document=document, charts=drawn, shown_reasons=SHOWN_REASONS)
        .encode(),
        "title_coverage_report.md": pages.get_template("title_coverage_report.md.j2")
        .render(document=document, shown_reasons=SHOWN_REASONS)
        .encode(),
        document["adjudication"]["file"]: jsonl_bytes(adjudications),
    }
