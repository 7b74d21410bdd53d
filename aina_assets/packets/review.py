"""The semantic review: whether every packet agrees with the tables it was put together from.

Belongs here: what each rule of ``data/packet_rules.yaml`` compares, as one SQL condition that holds
for a packet, and running all of them over all packets, batch by batch. Stays out: the rules' words
and severity (authored), and any judgement of how good a packet is.

Nothing is taken from the code that made the packets: every rule goes back to the tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.packets import MissingGdpval, MissingUsage, PacketVerdict, QualityFlag
from aina_assets.contracts.vocabulary import SourceClass
from aina_assets.packets.policy import PacketRules
from aina_assets.packets.tables import SERVED, USAGE_LINES, PacketReviewRules, PacketReviews
from aina_assets.titles.vocabulary import RUNGS, FallbackTier
from aina_assets.warehouse.sql import MACROS
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.policy import Families, WorkRules
from aina_assets.work_graph.tables import CLAIM_COLUMNS

Connection = duckdb.DuckDBPyConnection

BATCH_ROWS = 8_192
SAMPLE_PACKETS = 5

_FLAGS = "p.quality_flags"


def _flagged(flag: QualityFlag, condition: str) -> str:
    return f"list_contains({_FLAGS}, '{flag}') = ({condition})"


# One condition a rule, true where the packet agrees; null counts as not agreeing. In scope: p the
# packet, c its title row, r its role, w what its workflows and their packs add up to.
CONDITIONS: Mapping[str, str] = {
    "title_row_exists": (
        "c.title_id IS NOT NULL AND p.title = c.title AND p.title_list = c.title_list"
        " AND p.source_row = c.source_row"
    ),
    "row_is_served": f"c.service_tier IN {tuple(SERVED)} AND p.service_tier = c.service_tier",
    "tier_is_preserved": (
        "p.fallback_tier = c.fallback_tier AND p.rung = c.rung AND p.confidence = c.confidence"
    ),
    "code_is_preserved": (
        "p.code = c.code AND p.code_level = c.code_level AND p.role_id = c.role_id"
    ),
    "tier_fits_level": (
        f"CASE p.code_level WHEN 'major' THEN p.fallback_tier = '{FallbackTier.ARCHETYPE}'"
        f" WHEN 'minor' THEN p.fallback_tier IN ('{FallbackTier.FUNCTION}',"
        f" '{FallbackTier.ARCHETYPE}') WHEN 'broad' THEN p.fallback_tier IN"
        f" ('{FallbackTier.FUNCTION}', '{FallbackTier.ARCHETYPE}')"
        f" ELSE p.rung <> '{RUNGS[-1]}' OR p.fallback_tier IN ('{FallbackTier.FUNCTION}',"
        f" '{FallbackTier.ARCHETYPE}') END"
    ),
    "exact_is_own_title": (
        f"p.fallback_tier <> '{FallbackTier.EXACT}' OR list_contains(r.own_keys, own_key(p.title))"
        " OR list_contains(r.own_keys, own_key(c.title_key))"
    ),
    "role_exists": "r.role_id IS NOT NULL AND p.role_id = p.code AND r.code_level = p.code_level",
    "role_is_as_profiled": (
        "p.canonical_title = r.canonical_title AND p.family_of_role = r.role_family"
        " AND p.role_function IS NOT DISTINCT FROM r.role_function AND p.seniority = r.seniority"
    ),
    "role_is_icp": "r.is_icp",
    "family_is_known": "list_contains(known_families(), p.role_family)",
    "family_agrees": (
        "p.role_family = coalesce(c.role_family, r.role_family) AND (p.role_family = r.role_family"
        f" OR list_contains({_FLAGS}, '{QualityFlag.FAMILY_FROM_TITLE}'))"
    ),
    "workflows_belong": "w.is_of_role",
    "workflows_are_complete": (
        "list_transform(p.workflows, lambda x: x.workflow_id) = p.workflow_ids"
        " AND p.workflow_ids = coalesce(r.top_workflow_ids, [])"
    ),
    "workflows_are_as_profiled": "w.is_as_profiled",
    "affordances_belong": "w.pack_is_of_role",
    "risk_is_highest": "p.risk_tier IS NOT DISTINCT FROM w.risk_tier",
    "risk_rules_are_named": "p.risk_rules = w.risk_rules",
    "people_stay_accountable": "w.is_accountable",
    "tasks_exist": "w.tasks_exist",
    "usage_lines_exist": "w.lines_exist",
    "gdpval_tasks_exist": "w.gdpval_exist",
    "refs_are_counted": (
        "p.economic_index_ref_count = r.line_count AND p.gdpval_ref_count = w.gdpval_count"
        " AND p.economic_index_soc_codes = coalesce(r.exposed_codes, [])"
        " AND p.has_gdpval_refs = (w.gdpval_count > 0)"
        " AND p.has_hf_refs = (r.line_count + w.gdpval_count > 0"
        " OR len(coalesce(r.exposed_codes, [])) > 0)"
    ),
    "missing_refs_are_explained": (
        "p.missing_usage_reason IS NOT DISTINCT FROM CASE WHEN r.line_count > 0 THEN NULL"
        f" WHEN r.top_workflow_ids IS NULL THEN '{MissingUsage.ROLE_HAS_NO_TASKS}'"
        f" WHEN r.is_used THEN '{MissingUsage.USAGE_ONLY_OUTSIDE_TOP_WORKFLOWS}'"
        f" ELSE '{MissingUsage.NO_USAGE_OBSERVED_ON_TASKS}' END"
        " AND p.missing_gdpval_reason IS NOT DISTINCT FROM CASE WHEN w.gdpval_count > 0 THEN NULL"
        f" WHEN r.top_workflow_ids IS NULL THEN '{MissingGdpval.ROLE_HAS_NO_TASKS}'"
        f" WHEN r.is_linked THEN '{MissingGdpval.GDPVAL_ONLY_OUTSIDE_TOP_WORKFLOWS}'"
        f" WHEN r.in_gdpval THEN '{MissingGdpval.NO_GDPVAL_TASK_LIKE_ITS_TASKS}'"
        f" ELSE '{MissingGdpval.OCCUPATION_NOT_IN_GDPVAL}' END"
    ),
    "source_refs_name_its_rows": (
        "list_has_all(p.source_refs, c.source_refs)"
        " AND list_contains(p.source_refs, 'roles:' || p.role_id)"
        " AND list_has_all(p.source_refs,"
        " list_transform(p.workflow_ids, lambda x: 'workflows:' || x))"
        " AND len(p.source_refs) = len(c.source_refs) + 1 + len(p.workflow_ids)"
    ),
    "flags_say_what_is_so": " AND ".join(
        (
            f"list_has_all([{', '.join(repr(str(flag)) for flag in QualityFlag)}], {_FLAGS})",
            _flagged(QualityFlag.GROUP_ROLE, "p.code_level IN ('broad', 'minor', 'major')"),
            _flagged(QualityFlag.MODEL_RUNG, f"p.rung = '{RUNGS[-1]}'"),
            _flagged(QualityFlag.FUZZY_MATCH, "list_contains(fuzzy_rungs(), p.rung)"),
            _flagged(QualityFlag.FAMILY_STRADDLES, "p.role_family = 'several'"),
            _flagged(QualityFlag.FAMILY_FROM_TITLE, "p.role_family <> p.family_of_role"),
            _flagged(QualityFlag.NO_WORKFLOWS, "len(p.workflow_ids) = 0"),
            _flagged(QualityFlag.FEW_WORKFLOWS, "len(p.workflow_ids) < few_workflows()"),
            _flagged(QualityFlag.NO_USAGE_EVIDENCE, "r.line_count = 0"),
            _flagged(QualityFlag.NO_AFFORDANCE_EVIDENCE, "NOT w.is_evident"),
            _flagged(QualityFlag.MEASURES_DISAGREE, "w.measures_disagree"),
        )
    ),
    "sources_are_named": (
        "list_has_all(string_split(p.source_class, '+'), string_split(c.source_class, '+'))"
        " AND list_has_all(string_split(p.source_class, '+'), string_split(r.source_class, '+'))"
        " AND list_has_all(string_split(p.source_class, '+'), w.classes)"
        f" AND list_contains(string_split(p.source_class, '+'), '{SourceClass.INTERNAL}')"
    ),
    "use_is_strict_enough": (
        "strictness(p.allowed_use) >= greatest(strictness(c.allowed_use),"
        " strictness(r.allowed_use), w.strictness)"
    ),
    "no_replacement_wording": "NOT w.says_replacement AND NOT r.says_replacement",
    "has_workflows": "len(p.workflow_ids) > 0",
}
"""What each rule compares."""

SERVED_ROW_HAS_PACKET = "served_row_has_packet"
"""The one rule that no packet can break: it finds served title rows that have none."""

# Facts by role and by workflow, gathered once; the batches below only look them up.
_ROLE_FACTS = """
CREATE OR REPLACE TEMP TABLE role_facts AS
WITH soc_of AS (
  SELECT unnest(onet_soc_codes) AS code, soc_code FROM roles WHERE code_level = 'onet_soc'
),
members AS (SELECT role_id, unnest(onet_soc_codes) AS code FROM roles),
stands_for AS (
  SELECT m.role_id, s.soc_code FROM members m JOIN soc_of s USING (code)
  UNION SELECT role_id, soc_code FROM roles WHERE code_level = 'detailed'
),
exposed AS (
  SELECT role_id, list_sort(list(DISTINCT soc_code)) AS codes
  FROM stands_for SEMI JOIN economic_index_exposure USING (soc_code) GROUP BY role_id
),
gdpval AS (
  SELECT DISTINCT role_id FROM stands_for
  WHERE soc_code IN (SELECT unnest(string_split(detailed_codes, ',')) FROM gdpval_soc_map)
),
flows AS (
  SELECT role_id, list(workflow_id ORDER BY rank) FILTER (is_top) AS top_workflow_ids,
    bool_or(len(economic_index_tasks) > 0) AS is_used,
    bool_or(len(gdpval_task_ids) > 0) AS is_linked,
    len(list_distinct(flatten(list(list_transform(economic_index_tasks,
      lambda x: usage_release || '|' || x)) FILTER (is_top)))) AS line_count
  FROM workflows GROUP BY role_id
),
own AS (
  SELECT role_id, own_key(canonical_title) AS key FROM roles
  UNION SELECT m.role_id, own_key(o.canonical_title)
  FROM members m JOIN roles o ON o.role_id = m.code
),
own_keys AS (SELECT role_id, list(key) AS keys FROM own GROUP BY role_id)
SELECT r.role_id, r.canonical_title, r.role_family, r.role_function, r.seniority, r.code_level,
  r.is_icp, r.source_class, r.allowed_use, k.keys AS own_keys, f.top_workflow_ids,
  coalesce(f.line_count, 0) AS line_count,
  coalesce(f.is_used, false) AS is_used, coalesce(f.is_linked, false) AS is_linked,
  e.codes AS exposed_codes, g.role_id IS NOT NULL AS in_gdpval,
  regexp_matches(r.canonical_title, replacement_pattern(), 'i') AS says_replacement
FROM roles r JOIN own_keys k USING (role_id) LEFT JOIN flows f USING (role_id)
LEFT JOIN exposed e USING (role_id) LEFT JOIN gdpval g USING (role_id)
"""

_CLAIMS = " || ".join(f"coalesce({column}, [])" for column in CLAIM_COLUMNS)

_WORKFLOW_FACTS = f"""
CREATE OR REPLACE TEMP TABLE workflow_facts AS
WITH packs AS (
  SELECT workflow_id, role_id AS pack_role_id, risk_tier, risk_rules, measures_disagree,
    evidence_state = 'evidence' AS is_evident, source_class AS pack_class,
    allowed_use AS pack_use, len(hitl_checkpoints) > 0 AND len(human_owned) > 0 AS is_accountable,
    list_bool_or(list_transform({_CLAIMS},
      lambda x: regexp_matches(x.claim, replacement_pattern(), 'i'))) AS says_replacement
  FROM affordances
)
SELECT w.workflow_id, w.role_id, w.workflow_title, w.rank, w.is_top, w.task_ids,
  w.economic_index_tasks, w.usage_release, w.gdpval_task_ids, p.* EXCLUDE (workflow_id,
  says_replacement), coalesce(p.says_replacement, false)
    OR regexp_matches(w.workflow_title, replacement_pattern(), 'i') AS says_replacement,
  string_split(w.source_class || '+' || coalesce(p.pack_class, w.source_class), '+') AS classes,
  greatest(strictness(w.allowed_use), strictness(coalesce(p.pack_use, w.allowed_use)))
    AS strictness
FROM workflows w LEFT JOIN packs p USING (workflow_id)
"""  # noqa: S608

# What the packet itself lists, workflow by workflow, compared with the facts.
_BATCH = """
WITH listed AS (
  SELECT packet_id, role_id, code_level, unnest(workflows) AS x FROM batch
),
tasks AS (
  SELECT packet_id, bool_and(t.task_id IS NOT NULL) AS exist
  FROM (SELECT DISTINCT packet_id, role_id, unnest(x.task_ids) AS task_id FROM listed) l
  LEFT JOIN role_tasks t ON t.role_id = l.role_id AND t.task_id = l.task_id GROUP BY packet_id
),
lines AS (
  SELECT packet_id, bool_and(u.task_name IS NOT NULL) AS exist
  FROM (SELECT DISTINCT packet_id, x.usage_release AS release,
               unnest(x.economic_index_tasks) AS task_name FROM listed) l
  LEFT JOIN usage_lines u USING (release, task_name) GROUP BY packet_id
),
gdpval AS (
  SELECT packet_id, count(*) AS gdpval_count, bool_and(g.task_id IS NOT NULL) AS exist
  FROM (SELECT DISTINCT packet_id, unnest(x.gdpval_task_ids) AS task_id FROM listed) l
  LEFT JOIN gdpval_ids g USING (task_id) GROUP BY packet_id
),
work AS (
  SELECT l.packet_id,
    bool_and(coalesce(f.role_id = l.role_id AND f.is_top, false)) AS is_of_role,
    bool_and(coalesce(x.workflow_title = f.workflow_title AND x.rank = f.rank
      AND x.task_ids = f.task_ids
      AND x.economic_index_tasks = f.economic_index_tasks[1:{usage_lines}]
      AND x.economic_index_task_count = len(f.economic_index_tasks)
      AND x.usage_release IS NOT DISTINCT FROM f.usage_release
      AND x.gdpval_task_ids = f.gdpval_task_ids, false)) AS is_as_profiled,
    bool_and(x.has_affordance = (f.pack_role_id IS NOT NULL)
      AND coalesce(f.pack_role_id = l.role_id, true)) AS pack_is_of_role,
    ['low', 'medium', 'high', 'critical'][
      max(list_position(['low', 'medium', 'high', 'critical'], f.risk_tier))] AS risk_tier,
    list_sort(list_distinct(flatten(list(coalesce(f.risk_rules, []))))) AS risk_rules,
    bool_and(coalesce(f.is_accountable, true)) AS is_accountable,
    bool_or(coalesce(f.is_evident, false)) AS is_evident,
    bool_or(coalesce(f.measures_disagree, false)) AS measures_disagree,
    bool_or(coalesce(f.says_replacement, false)
      OR (x.workflow_title IS DISTINCT FROM f.workflow_title
        AND regexp_matches(x.workflow_title, replacement_pattern(), 'i'))) AS says_replacement,
    list_distinct(flatten(list(coalesce(f.classes, [])))) AS classes,
    max(coalesce(f.strictness, 0)) AS strictness
  FROM listed l LEFT JOIN workflow_facts f ON f.workflow_id = l.x.workflow_id
  GROUP BY l.packet_id
),
whole AS (
  SELECT b.packet_id, coalesce(w.is_of_role, true) AS is_of_role,
    coalesce(w.is_as_profiled, true) AS is_as_profiled,
    coalesce(w.pack_is_of_role, true) AS pack_is_of_role, w.risk_tier,
    coalesce(w.risk_rules, []) AS risk_rules, coalesce(w.is_accountable, true) AS is_accountable,
    coalesce(w.is_evident, false) AS is_evident,
    coalesce(w.measures_disagree, false) AS measures_disagree,
    coalesce(w.says_replacement, false) AS says_replacement,
    coalesce(w.classes, []) AS classes, coalesce(w.strictness, 0) AS strictness,
    coalesce(t.exist, true) AS tasks_exist,
    coalesce(l.exist, true) AS lines_exist,
    coalesce(g.gdpval_count, 0) AS gdpval_count, coalesce(g.exist, true) AS gdpval_exist
  FROM batch b LEFT JOIN work w USING (packet_id) LEFT JOIN tasks t USING (packet_id)
  LEFT JOIN lines l USING (packet_id) LEFT JOIN gdpval g USING (packet_id)
)
SELECT p.packet_id, list_filter([{conditions}], lambda x: x IS NOT NULL) AS failed_rules
FROM batch p LEFT JOIN coverage_rows c ON c.title_id = p.packet_id
LEFT JOIN role_facts r ON r.role_id = p.role_id JOIN whole w ON w.packet_id = p.packet_id
"""


def packet_reviews(
    con: Connection,
    packets: pa.Table,
    title_coverage: pa.Table,
    roles: pa.Table,
    workflows: pa.Table,
    affordances: pa.Table,
    occupation_tasks: pa.Table,
    economic_index_usage: pa.Table,
    economic_index_exposure: pa.Table,
    gdpval_tasks: pa.Table,
    gdpval_soc_map: pa.Table,
    packet_rules: PacketRules,
    families: Families,
    work_rules: WorkRules,
) -> pa.Table:
    """Rows of ``PacketReviews``: every packet, and every served title row that has none.

    Raises:
        AuthoredDocumentError: a rule is authored that nothing computes, or the other way round.
    """
    require_conditions(packet_rules)
    order = [rule.id for rule in packet_rules.review if rule.id in CONDITIONS]
    cases = ", ".join(
        f"CASE WHEN coalesce({CONDITIONS[name]}, false) THEN NULL ELSE '{name}' END"
        for name in order
    )
    holding = {rule.id for rule in packet_rules.review if rule.severity == "hold"}
    cursor = con.cursor()
    try:
        _define(cursor, packet_rules, families, work_rules)
        for name, frame in {
            "roles": roles,
            "workflows": workflows,
            "affordances": affordances,
            "economic_index_exposure": economic_index_exposure,
            "gdpval_soc_map": gdpval_soc_map,
            "gdpval_ids": gdpval_tasks.select(["task_id"]),
            "usage_lines": economic_index_usage.select(["release", "task_name"]),
            "coverage_rows": title_coverage.select(_OF_COVERAGE),
            "occupation_tasks": occupation_tasks.select(["task_id", "onet_soc_code"]),
        }.items():
            cursor.register(name, frame)
        cursor.execute(_ROLE_FACTS)
        cursor.execute(_WORKFLOW_FACTS)
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE role_tasks AS"
            " SELECT DISTINCT m.role_id, t.task_id"
            " FROM (SELECT role_id, unnest(onet_soc_codes) AS code FROM roles) m"
            " JOIN occupation_tasks t ON t.onet_soc_code = m.code"
        )
        reviewed = list(
            _reviewed(
                cursor, packets, _BATCH.format(conditions=cases, usage_lines=USAGE_LINES), holding
            )
        )
    finally:
        cursor.close()
    reviewed.append(_without_packet(packets, title_coverage))
    return pa.concat_tables(reviewed)


_OF_COVERAGE = [
    *("title_id", "title_list", "source_row", "title", "title_key", "rung", "fallback_tier"),
    *("code", "code_level", "confidence", "role_id", "role_family", "service_tier"),
    *("source_refs", "source_class", "allowed_use"),
]


def require_conditions(rules: PacketRules) -> None:
    """Every authored rule is computed, and every computed one authored.

    Raises:
        AuthoredDocumentError: otherwise.
    """
    authored = {rule.id for rule in rules.review}
    computed = {*CONDITIONS, SERVED_ROW_HAS_PACKET}
    if authored != computed:
        raise AuthoredDocumentError(
            expected=f"the review rules {', '.join(sorted(computed))}",
            found=f"not computed: {', '.join(sorted(authored - computed)) or 'none'}; not"
            f" authored: {', '.join(sorted(computed - authored)) or 'none'}",
            where=f"{PacketRules.path()}: review",
            remedy="add the condition to packets/review.py, or the rule to the document",
        )


def _define(
    cursor: Connection, rules: PacketRules, families: Families, work_rules: WorkRules
) -> None:
    """What the conditions call: authored lists, and how strict a use is."""
    known = [*(family.id for family in families.families), "several"]
    pattern = "|".join(f"(?:{item})" for item in work_rules.replacement_wording)
    cursor.execute(MACROS)
    for name, value in {
        "known_families": f"[{', '.join(map(_text, known))}]",
        "fuzzy_rungs": f"[{', '.join(map(_text, rules.fuzzy_rungs))}]::VARCHAR[]",
        "few_workflows": str(rules.few_workflows),
        "replacement_pattern": _text(pattern),
    }.items():
        cursor.execute(f"CREATE OR REPLACE TEMP MACRO {name}() AS {value}")
    cursor.execute(
        "CREATE OR REPLACE TEMP MACRO strictness(use) AS"
        " list_position(['open', 'attribution', 'internal_only'], use)"
    )
    # Titles that differ in nothing but case, punctuation and the plural's last letters.
    cursor.execute(
        # Singular and plural are one: "actuaries" and "nurse midwives" end as their singulars do.
        "CREATE OR REPLACE TEMP MACRO own_key(title) AS regexp_replace(regexp_replace("
        "regexp_replace(trim(regexp_replace("
        "regexp_replace(lower(strip_accents(title)), '&', ' and ', 'g'),"
        " '[^a-z0-9]+', ' ', 'g')), 'ies\\b', 'y', 'g'), 'wives\\b', 'wife', 'g'),"
        " '(es|s|e)\\b', '', 'g')"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _reviewed(
    cursor: Connection, packets: pa.Table, statement: str, holding: set[str]
) -> Iterator[pa.Table]:
    for batch in packets.to_batches(max_chunksize=BATCH_ROWS):
        cursor.register("batch", pa.Table.from_batches([batch]))
        found = cursor.sql(statement).to_arrow_table()
        cursor.unregister("batch")
        failed = found["failed_rules"].to_pylist()
        yield _reviews(found["packet_id"], failed, holding)


def _reviews(packet_ids: object, failed: list[list[str]], holding: set[str]) -> pa.Table:
    verdicts = [
        str(
            PacketVerdict.INCONSISTENT
            if holding.intersection(rules)
            else PacketVerdict.STRUCTURALLY_SERVICEABLE
        )
        for rules in failed
    ]
    schema = arrow_schema(PacketReviews)
    return pa.table(
        {"packet_id": packet_ids, "verdict": verdicts, "failed_rules": failed}, schema=schema
    )


def _without_packet(packets: pa.Table, title_coverage: pa.Table) -> pa.Table:
    served = title_coverage.filter(
        pc.is_in(title_coverage["service_tier"], value_set=pa.array(SERVED, pa.string()))
    )
    lacking = served.filter(
        pc.invert(pc.is_in(served["title_id"], value_set=packets["packet_id"].combine_chunks()))
    )
    return _reviews(
        lacking["title_id"],
        [[SERVED_ROW_HAS_PACKET]] * lacking.num_rows,
        {SERVED_ROW_HAS_PACKET},
    )


def packet_review_rules(packet_reviews: pa.Table, packet_rules: PacketRules) -> pa.Table:
    """Rows of ``PacketReviewRules``: every rule, over all reviews."""
    ids = packet_reviews["packet_id"].to_pylist()
    failed = packet_reviews["failed_rules"].to_pylist()
    counts = Counter(rule for rules in failed for rule in rules)
    samples: dict[str, list[str]] = {rule.id: [] for rule in packet_rules.review}
    for packet_id, rules in zip(ids, failed, strict=True):
        for rule in rules:
            if len(samples[rule]) < SAMPLE_PACKETS:
                samples[rule].append(packet_id)
    return pa.Table.from_pylist(
        [
            {
                "rule_id": rule.id,
                "subject": rule.subject,
                "statement": rule.statement,
                "severity": rule.severity,
                "checked_count": len(ids),
                "failed_count": counts[rule.id],
                "sample_packet_ids": samples[rule.id],
            }
            for rule in packet_rules.review
        ],
        schema=arrow_schema(PacketReviewRules),
    )
