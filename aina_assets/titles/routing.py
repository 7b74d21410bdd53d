"""Routing: raw titles in, one service tier each out. The asset and the command line use this alike.

Belongs here: who may be served (the rules of ``data/icp.yaml``, never a score), what AINA can
safely do, what reviewers are asked. Stays out: how a code is come by (``decisions``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from aina_assets.titles.answers import Answer, Answerer
from aina_assets.titles.decisions import Bars, Decision, decide
from aina_assets.titles.evidence import ranker_of
from aina_assets.titles.exclusions import TitleExclusions
from aina_assets.titles.lexicon import AS_WRITTEN, Lexicon
from aina_assets.titles.model import WORKERS, Documents, TitleModel
from aina_assets.titles.normalise import Normaliser
from aina_assets.titles.policy import TitleWords
from aina_assets.titles.tables import TitleRouting
from aina_assets.titles.tree import OccupationTree
from aina_assets.titles.vocabulary import LEVELS, PROMOTED, FallbackTier, ServiceTier
from aina_assets.warehouse.tables import arrow_schema
from aina_assets.work_graph.families import FamilyRules
from aina_assets.work_graph.policy import Families, Icp

BATCH_ROWS = 8_192
SHOWN_IDS = 10

SAFE_TODAY = {
    ServiceTier.SERVE_NOW: "Serve the occupation's own workflows and affordances.",
    ServiceTier.SERVE_WITH_FALLBACK: "Serve what the group's occupations share, named as such; ask"
    " the learner to confirm the role.",
    ServiceTier.ADJUDICATION_REQUIRED: "Ask the learner what the work is; serve nothing that"
    " claims to know it.",
    ServiceTier.EXCLUDED: "Serve nothing; say that this work is not covered.",
}

QUESTIONS = {
    "ambiguous_title": "The title names several occupations that share no group. Which of the"
    " candidates, or which group of them, does it name in ordinary use; or none?",
    "known_title_and_model_disagree": "A known title resembles it, the model holds otherwise."
    " Which candidate, at the deepest level that is certain; or none?",
    "below_every_threshold": "No candidate is sure enough. Which candidate, at the deepest level"
    " that is certain; or none?",
}
PROMOTION_RULE = (
    "A decision bound to this title as it is here approves and names one of the roles on offer: a"
    " person's, or a panel's whose models, of several families, agree and cite what they were"
    " shown. Then serve_with_fallback, never more. They part, or name none: stays unserved."
)

# What ``route`` adds to a title, in the order in which the command line writes it.
ROUTED = (
    "title",
    "fallback_tier",
    "code",
    "code_level",
    "confidence",
    "service_tier",
    "reasons",
)

_PARTS = (
    "core_key",
    "expanded_key",
    "seniority",
    "employment_type",
    "location",
    "company",
    "requisition_id",
    "head_noun",
    "modifiers",
)
_OF_LIST = ("title_list", "source_row", "title_id", "title_count", "source_class", "allowed_use")
ROUTE_SCHEMA = pa.schema(
    [field for field in arrow_schema(TitleRouting) if field.name not in _OF_LIST]
)
"""Columns of a routed title: those of ``TitleRouting`` that do not depend on where it is from."""

TABLES = (
    "title_lexicon",
    "title_model",
    "title_ranker",
    "title_thresholds",
    "title_policies",
    "occupations",
    "occupation_tasks",
    "soc_groups",
    "roles",
)
"""What a router is made of."""


@dataclass(frozen=True)
class Promotion:
    """What a folded title that the rules leave open is served as, by a decision.

    Attributes:
        decision_id: the decision.
        code: the occupation or group.
        code_level: its level.
        rung: the rung whose evidence the decision stood on.
        fallback_tier: how close that is to the title.
        confidence: of the candidate decided on.
    """

    decision_id: str
    code: str
    code_level: str
    rung: str
    fallback_tier: str
    confidence: float

    def applied(self, row: Mapping[str, Any], family: str) -> dict[str, Any]:
        """``row``, a routed title, promoted; in ``family`` unless its words say another."""
        refs = [f"roles:{self.code}", f"decisions:{self.decision_id}"]
        return {
            **row,
            "rung": self.rung,
            "fallback_tier": self.fallback_tier,
            "code": self.code,
            "code_level": self.code_level,
            "confidence": self.confidence,
            "role_id": self.code,
            "role_family": row["role_family"] or family,
            "service_tier": str(ServiceTier.SERVE_WITH_FALLBACK),
            "reasons": [*row["reasons"], f"{PROMOTED}{self.decision_id}"],
            "source_refs": [*row["source_refs"], *refs],
            "safe_today": SAFE_TODAY[ServiceTier.SERVE_WITH_FALLBACK],
            "question": None,
            "promotion_rule": None,
        }


@dataclass(frozen=True)
class Router:
    """Routes titles.

    Attributes:
        answerer: what is known and thought of a title.
        bars: what of it is served.
        exclusions: titles that name no job.
        families: the family a title's words or code say.
        roles: rows of ``roles`` by role id.
        tree: occupations.
        promotions: by folded title, what was decided on titles that the rules leave open.
    """

    answerer: Answerer
    bars: Bars
    exclusions: TitleExclusions
    families: FamilyRules
    roles: Mapping[str, Mapping[str, Any]]
    tree: OccupationTree
    promotions: Mapping[str, Promotion] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table]) -> Router:
        """A router of the tables named in ``TABLES``.

        Raises:
            AuthoredDocumentError: a document in ``title_policies`` is malformed.
        """
        lexicon = tables["title_lexicon"]
        said = {row["document"]: row["content"] for row in tables["title_policies"].to_pylist()}
        words = TitleWords.parse(said["title_words"], "title_policies")
        icp = Icp.parse(said["icp"], "title_policies")
        families = Families.parse(said["families"], "title_policies")
        tree = OccupationTree.of(tables["occupations"], tables["soc_groups"])
        documents = Documents.of(
            tables["occupations"],
            tables["occupation_tasks"],
            lexicon,
            tree,
            Normaliser(words).key,
        )
        ranker = ranker_of(tables["title_ranker"])
        model = TitleModel.of(tables["title_model"], lexicon, documents, tree, ranker)
        normaliser = Normaliser(words, frozenset(lexicon["title_key"].to_pylist()))
        names = ["role_id", "role_family", "is_icp", "canonical_title"]
        return cls(
            Answerer(normaliser, Lexicon.of(lexicon), model),
            Bars.of(tables["title_thresholds"], tables["title_ranker"]),
            TitleExclusions.of(icp),
            FamilyRules(families, icp),
            {row["role_id"]: row for row in tables["roles"].select(names).to_pylist()},
            tree,
        )

    @cached_property
    def icp_share(self) -> dict[str, float]:
        """Of every code and group, the share of its occupations that are in the ICP."""
        inside = np.array([bool(self.roles[code]["is_icp"]) for code in self.tree.codes], float)
        shares = {
            group: float(inside[list(places)].mean()) for group, places in self.tree.members.items()
        }
        bare = {line[0]: float(self.roles[line[0]]["is_icp"]) for line in self.tree.unstaffed}
        return shares | bare

    def routed(self, batches: Iterable[Sequence[str]]) -> Iterator[pa.RecordBatch]:
        """One batch of ``ROUTE_SCHEMA`` for each of ``batches``, in order.

        Two are at work at a time: most of a batch is spent outside of Python. Memory is that of
        these two, however many there are.
        """
        waiting: deque[Future[pa.RecordBatch]] = deque()
        with threadpool_limits(1), ThreadPoolExecutor(WORKERS) as pool:
            for batch in batches:
                waiting.append(pool.submit(self.route, batch))
                if len(waiting) > WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def answers(self, parsed: pa.Table) -> list[Answer]:
        """What is known and thought of titles: the model is spared what look-up settles."""
        settles = all(self.bars.clears(rung, "detailed", 1.0) for rung in AS_WRITTEN)
        return self.answerer(parsed, known_settles=settles)

    def route(self, titles: Sequence[str]) -> pa.RecordBatch:
        """One batch of ``ROUTE_SCHEMA``."""
        parsed = self.answerer.normaliser(titles)
        answers = self.answers(parsed)
        decisions = decide(answers, self.bars)
        keys = parsed["key"].to_pylist()
        expanded = parsed["expanded_key"].to_pylist()
        excluded = self.exclusions.reasons(keys, parsed["cleaned"].to_pylist())
        curve = self.bars.curves.get("detailed")
        rows = [
            self._served(text, answer, decision, rule)
            for text, answer, decision, rule in zip(
                expanded, answers, decisions, excluded, strict=True
            )
        ]
        for place, key in enumerate(keys if self.promotions else ()):
            promotion = self.promotions.get(key)
            if promotion and rows[place]["service_tier"] == ServiceTier.ADJUDICATION_REQUIRED:
                family = str(self.roles[promotion.code]["role_family"])
                rows[place] = promotion.applied(rows[place], family)
        columns: dict[str, Any] = {
            "title": pa.array(titles, pa.string()),
            "title_key": parsed["key"],
            **{part: parsed[part] for part in _PARTS},
        }
        for name in ROUTE_SCHEMA.names:
            if name not in columns and name != "candidates":
                columns[name] = pa.array([row[name] for row in rows], ROUTE_SCHEMA.field(name).type)
        # Sure of all candidates at once: a curve is dear to ask one by one.
        scores = [score for answer in answers for _, score in answer.candidates]
        sure = iter(curve(np.array(scores)) if curve is not None else scores)
        columns["candidates"] = pa.array(
            [
                [
                    {
                        "code": code,
                        "title": self.tree.titles[code],
                        "confidence": round(float(next(sure)), 4),
                    }
                    for code, _ in answer.candidates
                ]
                for answer in answers
            ],
            ROUTE_SCHEMA.field("candidates").type,
        )
        arrays = [_one_chunk(columns[name]) for name in ROUTE_SCHEMA.names]
        return pa.RecordBatch.from_arrays(arrays, schema=ROUTE_SCHEMA)

    def _served(
        self, text: str, answer: Answer, decision: Decision, rule: str | None
    ) -> dict[str, Any]:
        tier, reasons, references = self._tier(answer, decision, rule)
        kept = decision if rule is None else _EXCLUDED
        ids = answer.known.lexicon_ids[:SHOWN_IDS] if answer.known and rule is None else ()
        family = None
        if rule is None:
            family = self._family(text, kept.code)
        question = None
        if tier is ServiceTier.ADJUDICATION_REQUIRED:
            question = next(
                text for reason, text in QUESTIONS.items() if reason in decision.reasons
            )
        references += [f"title_lexicon:{lexicon_id}" for lexicon_id in ids[:3]]
        if kept.code is not None:
            references += [f"title_thresholds:{kept.rung}|{kept.level}", f"roles:{kept.code}"]
        return {
            "rung": kept.rung,
            "fallback_tier": str(kept.tier),
            "code": kept.code,
            "code_level": kept.level,
            "confidence": kept.confidence,
            "role_id": kept.code,
            "role_family": family,
            "service_tier": str(tier),
            "reasons": reasons,
            "lexicon_ids": list(ids),
            "source_refs": references,
            "safe_today": SAFE_TODAY[tier],
            "question": question,
            "promotion_rule": PROMOTION_RULE if question else None,
        }

    def _tier(
        self, answer: Answer, decision: Decision, rule: str | None
    ) -> tuple[ServiceTier, list[str], list[str]]:
        if rule is not None:
            return ServiceTier.EXCLUDED, [f"excluded_title:{rule}"], [f"authored/icp#{rule}"]
        reasons = list(decision.reasons)
        if decision.code is None:
            named = answer.known.codes if answer.known else ()
            shares = [self.icp_share[code] for code in named if code in self.icp_share]
            if answer.rung is not None and shares and not any(shares):
                reasons.append("every_named_occupation_outside_icp")
                return ServiceTier.EXCLUDED, reasons, ["authored/icp#occupations"]
            return ServiceTier.ADJUDICATION_REQUIRED, reasons, []
        share = self.icp_share[decision.code]
        if share == 0:
            reasons.append("occupation_outside_icp")
            return ServiceTier.EXCLUDED, reasons, ["authored/icp#occupations"]
        if share < 1:
            reasons.append("group_partly_in_icp")
        is_one = decision.level in LEVELS[:2] and decision.tier in _IDENTITIES
        tier = ServiceTier.SERVE_NOW if is_one else ServiceTier.SERVE_WITH_FALLBACK
        return tier, reasons, []

    def _family(self, text: str, code: str | None) -> str | None:
        said = self.families.family_of_title(text, code)
        if said is not None or code is None:
            return said
        return str(self.roles[code]["role_family"])


_IDENTITIES = (FallbackTier.EXACT, FallbackTier.ALIAS, FallbackTier.NORMALISED)
_EXCLUDED = Decision(None, None, "none", FallbackTier.UNRESOLVED, 0.0, ())


def _one_chunk(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
