"""Models of the tables about titles: what is known, the model, its evidence, the bars, coverage.

Belongs here: one model per table this room stores. Stays out: what a role's work is, packets.
"""

from __future__ import annotations

from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.titles.vocabulary import LEVELS, RUNGS, FallbackTier, ServiceTier
from aina_assets.warehouse.tables import Parent, ProvenancedTable, Table

_UNIT: dict[str, Any] = {"in_range": {"min_value": 0, "max_value": 1}}
_CODE = r"^\d{2}-\d{4}(\.\d{2})?$"
_TEXTS = pa.list_(pa.string())

CANDIDATES = pa.list_(
    pa.struct([("code", pa.string()), ("title", pa.string()), ("confidence", pa.float64())])
)
"""Detailed occupations a title may mean, the likeliest first."""


class TitleLexicon(
    ProvenancedTable,
    key=("lexicon_id",),
    parents=(
        Parent("occupations", (("title", "title"),), where=(("origin", "occupation"),)),
        Parent(
            "alternate_titles", (("title", "alternate_title"),), where=(("origin", "alternate"),)
        ),
        Parent("alternate_titles", (("title", "short_title"),), where=(("origin", "short"),)),
        Parent("reported_titles", (("title", "reported_title"),), where=(("origin", "reported"),)),
        Parent(
            "labelled_titles",
            (("title", "title"), ("labelled_list", "labelled_list")),
            where=(("origin", "labelled"),),
        ),
        Parent("authored/title_words"),
    ),
):
    """Every title whose occupation is known: one row a title, code and origin, with its keys."""

    lexicon_id: str = pap.Field(description="Digest of title, code and origin, 16 hex digits.")
    title: str = pap.Field(description="The title as its source has it.")
    code: str = pap.Field(
        str_matches=_CODE, description="O*NET-SOC 2019 code, or SOC 2018 where no deeper is known."
    )
    origin: str = pap.Field(
        isin=["occupation", "alternate", "short", "reported", "labelled"],
        description="What kind of source says so.",
    )
    labelled_list: str = pap.Field(
        nullable=True, description="The labelled list it is from; null for O*NET."
    )
    title_key: str = pap.Field(description="The title as written, folded.")
    expanded_key: str = pap.Field(description="Abbreviations written out, head noun in singular.")
    sorted_key: str = pap.Field(description="Words of the expanded key, sorted: order is lost.")
    is_cut: bool = pap.Field(
        description="Whether words were cut to read it: then it is found as written alone."
    )
    split_key: str = pap.Field(
        description="Words of the title as written, singular and sorted: what data is split by."
    )
    fold: int = pap.Field(
        in_range={"min_value": 0, "max_value": 9},
        description="Tenth of the data the split key falls into; 0 is held out, 1-2 rank.",
    )


class TitleRanker(
    Table,
    key=("part", "ordinal"),
    parents=(Parent("title_lexicon"), Parent("occupation_tasks"), Parent("occupations")),
):
    """How candidates are ranked and how sure a score may be: trained on folds 1 and 2.

    The networks beneath it saw neither fold, nor fold 0.
    """

    part: str = pap.Field(
        description="'booster': the LightGBM model as text; 'calibration:<level>': its knots;"
        " 'training': what it was trained with."
    )
    ordinal: int = pap.Field(ge=0, description="Place within the part.")
    text: str = pap.Field(nullable=True, description="Text of the part.")
    score: float = pap.Field(nullable=True, **_UNIT, description="A knot's raw score.")
    confidence: float = pap.Field(
        nullable=True, **_UNIT, description="Share of right answers at that score."
    )


class TitleModel(
    Table,
    key=("part", "ordinal"),
    parents=(
        Parent("title_lexicon"),
        Parent("occupation_tasks"),
        Parent("occupations"),
        Parent("title_ranker"),
    ),
):
    """The trained model as rows: vocabulary, network weights, ranker. Rebuilt, never committed."""

    part: str = pap.Field(
        description="'word' and 'characters': features; 'network:<name>': output classes and their"
        " weights; 'ranker:<part>': rows of title_ranker; 'training': seeds and data versions."
    )
    ordinal: int = pap.Field(ge=0, description="Place within the part.")
    name: str = pap.Field(description="The feature, the class, or what the text is.")
    weights: pa.list_(pa.float32()) = pap.Field(  # type: ignore[valid-type]
        description="Of a feature: its inverse document frequency and, network by network, its"
        " embedding; of a class: bias and weights."
    )
    text: str = pap.Field(nullable=True, description="Text of the part.")


class TitleEvidence(
    Table,
    key=("evaluation", "lexicon_title", "rung"),
    parents=(Parent("title_lexicon", (("lexicon_title", "title"),)), Parent("title_ranker")),
):
    """What the router says of titles whose codes are known and were withheld from it.

    One row a title and rung that answers. ``cross_fit``: folds 1 and 2; ``held_out``: fold 0;
    ``without_<origin>``: titles of an origin, with every row of that origin withheld (folds 1 and
    2, which trained the ranker, left out).
    """

    evaluation: str = pap.Field(
        isin=["cross_fit", "held_out", "without_alternate", "without_reported", "without_labelled"],
        description="What was withheld.",
    )
    lexicon_title: str = pap.Field(description="The title.")
    rung: str = pap.Field(isin=list(RUNGS), description="How an answer was come by.")
    is_first: bool = pap.Field(description="Whether it is the first rung that answers.")
    codes: _TEXTS = pap.Field(  # type: ignore[valid-type]
        description="The codes its source gives it."
    )
    answers: pa.list_(  # type: ignore[valid-type]
        pa.struct(
            [
                ("level", pa.string()),
                ("code", pa.string()),
                ("score", pa.float64()),
                ("is_right", pa.bool_()),
            ]
        )
    ) = pap.Field(description="Its answer at each level it can name, and whether that is right.")
    rank_of_truth: int = pap.Field(
        nullable=True, ge=1, description="Place of the first right SOC-6 code among candidates."
    )


class TitleThresholds(
    Table,
    key=("rung", "code_level"),
    parents=(Parent("title_evidence", (("rung", "rung"),)), Parent("title_lexicon")),
):
    """From which score an answer of a rung is served at a level, with the evidence for it.

    The threshold is the smallest score from which the one-sided 95% Wilson lower bound of
    precision, over all that was withheld, clears the target. Null: nothing clears it, nothing is
    served. ``exact`` is served by definition: its titles are the canonical names.
    """

    rung: str = pap.Field(isin=list(RUNGS), description="How an answer was come by.")
    code_level: str = pap.Field(isin=list(LEVELS), description="Level of the answer.")
    target: float = pap.Field(**_UNIT, description="Precision asked for.")
    min_score: float = pap.Field(
        nullable=True, **_UNIT, description="Smallest score that is served; null: none is."
    )
    title_count: int = pap.Field(ge=0, description="Withheld titles served at that score.")
    right_count: int = pap.Field(ge=0, description="Of these, right.")
    precision: float = pap.Field(nullable=True, **_UNIT, description="Their share.")
    wilson_lower: float = pap.Field(
        nullable=True, **_UNIT, description="One-sided 95% lower bound of the precision."
    )
    answered_count: int = pap.Field(ge=0, description="Withheld titles the rung answered.")
    evidence: str = pap.Field(description="Right of served, source by source.")

    @pap.dataframe_check(
        name="served_clears_target", description="a served level's lower bound is its target's"
    )
    def _clears(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        by_definition = pc.equal(data.table["rung"], "exact")
        served = pc.and_not(data.table["min_score"].is_valid(), by_definition)
        clears = pc.greater_equal(
            pc.fill_null(data.table["wilson_lower"], 0.0), data.table["target"]
        )
        return pc.or_(pc.invert(served), clears)


class TitleModelEvaluation(
    Table,
    key=("measure",),
    parents=(Parent("title_evidence"), Parent("title_thresholds")),
):
    """How good the router is on titles it was not shown, figure by figure.

    ``served_*`` are precisions with their bar: a figure under its bar fails the check, and nothing
    that stands on the model is built.
    """

    measure: str = pap.Field(description="Evaluation and figure, dotted.")
    evaluation: str = pap.Field(description="What was withheld.")
    figure: str = pap.Field(description="What is measured.")
    code_level: str = pap.Field(nullable=True, description="At which level.")
    title_count: int = pap.Field(ge=0, description="Titles it is measured on.")
    value: float = pap.Field(
        nullable=True, **_UNIT, description="The figure, 0-1; null: no titles."
    )
    wilson_lower: float = pap.Field(
        nullable=True, **_UNIT, description="One-sided 95% lower bound, for shares."
    )
    wilson_upper: float = pap.Field(nullable=True, **_UNIT, description="Upper bound, likewise.")
    bar: float = pap.Field(
        nullable=True, **_UNIT, description="What it must not fall below; null: no bar."
    )

    @pap.dataframe_check(
        name="held_out_precision_holds",
        description="what is served of withheld titles is right as often as its bar says: the"
        " precision's upper bound is not below it",
    )
    def _holds(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        without = pc.or_(data.table["bar"].is_null(), data.table["value"].is_null())
        holds = pc.greater_equal(data.table["wilson_upper"], data.table["bar"])
        return pc.or_(without, pc.fill_null(holds, False))


class TitlePolicies(
    Table,
    key=("document",),
    parents=(Parent("authored/title_words"), Parent("authored/icp"), Parent("authored/families")),
):
    """The authored documents routing stands on, whole: a release routes by its own."""

    document: str = pap.Field(description="Name of the document below data/.")
    sha256: str = pap.Field(str_matches=r"^[0-9a-f]{64}$", description="Digest of its bytes.")
    content: str = pap.Field(description="The document, as YAML.")


class RoutedTitles(ProvenancedTable):
    """Base of the tables with one row a title row, its service tier, and why."""

    title_list: str = pap.Field(description="The list, as in the lock.")
    source_row: int = pap.Field(description="Row of the list, from 1, header not counted.")
    title_id: str = pap.Field(description="'<title_list>:<source_row>'.")
    title: str = pap.Field(description="The title as it stands.")
    title_count: int = pap.Field(
        nullable=True, ge=0, description="How often the list says it occurs."
    )
    title_key: str = pap.Field(description="As written, folded.")
    core_key: str = pap.Field(description="Without company, place, requisition and employment.")
    expanded_key: str = pap.Field(description="Abbreviations written out.")
    seniority: str = pap.Field(nullable=True, description="Seniority the title names.")
    employment_type: str = pap.Field(nullable=True, description="Employment type it names.")
    location: str = pap.Field(nullable=True, description="Place that was cut.")
    company: str = pap.Field(nullable=True, description="Employer that was cut.")
    requisition_id: str = pap.Field(nullable=True, description="Requisition that was cut.")
    head_noun: str = pap.Field(nullable=True, description="What the person is.")
    modifiers: _TEXTS = pap.Field(  # type: ignore[valid-type]
        description="The remaining words."
    )
    rung: str = pap.Field(
        nullable=True, isin=list(RUNGS), description="How the code was come by; null: no code."
    )
    fallback_tier: str = pap.Field(
        isin=[str(item) for item in FallbackTier], description="How far from an exact title."
    )
    code: str = pap.Field(
        nullable=True, str_matches=_CODE, description="Deepest code the evidence supports."
    )
    code_level: str = pap.Field(isin=[*LEVELS, "none"], description="Its level.")
    confidence: float = pap.Field(
        **_UNIT, description="Calibrated probability that the code is right; 0 without one."
    )
    role_id: str = pap.Field(nullable=True, description="The role of the code, in roles.")
    role_family: str = pap.Field(
        nullable=True,
        description="Role family: the title's own words, else its role's; null: none.",
    )
    service_tier: str = pap.Field(
        isin=[str(item) for item in ServiceTier], description="What may be served."
    )
    reasons: _TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Reason codes, in the order of the steps."
    )
    lexicon_ids: _TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Known titles it matched, as rows of title_lexicon; empty for the model."
    )
    candidates: CANDIDATES = pap.Field(  # type: ignore[valid-type]
        description="Up to five detailed occupations, the likeliest first."
    )
    source_refs: _TEXTS = pap.Field(  # type: ignore[valid-type]
        description="What the tier stands on, as table:key."
    )
    safe_today: str = pap.Field(description="What AINA can safely do for it today.")
    question: str = pap.Field(
        nullable=True, description="What reviewers are asked; null unless it needs adjudication."
    )
    promotion_rule: str = pap.Field(
        nullable=True, description="What a decision must hold to promote it; null likewise."
    )

    @pap.dataframe_check(description="a code, its role, rung and confidence come together")
    def code_says_level(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether all of them are there, or none is."""
        coded = data.table["code"].is_valid()
        levelled = pc.not_equal(data.table["code_level"], "none")
        resolved = pc.not_equal(data.table["fallback_tier"], str(FallbackTier.UNRESOLVED))
        sure = pc.greater(data.table["confidence"], 0.0)
        agree = [levelled, resolved, sure, data.table["rung"].is_valid()]
        holds = pc.equal(coded, data.table["role_id"].is_valid())
        for other in agree:
            holds = pc.and_(holds, pc.equal(coded, other))
        return holds

    @pap.dataframe_check(description="what is served has a code; what is not has a reason")
    def served_has_role(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether nothing is served without a code, nor routed without a reason."""
        tier = data.table["service_tier"]
        served = pc.is_in(
            tier, value_set=pa.array([ServiceTier.SERVE_NOW, ServiceTier.SERVE_WITH_FALLBACK])
        )
        reasoned = pc.greater(pc.list_value_length(data.table["reasons"]), 0)
        return pc.and_(reasoned, pc.or_(pc.invert(served), data.table["code"].is_valid()))

    @pap.dataframe_check(
        description="serve_now is one occupation by an exact, alias or normalised title",
    )
    def now_is_one_occupation(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether what is served now was looked up and is one occupation."""
        now = pc.equal(data.table["service_tier"], str(ServiceTier.SERVE_NOW))
        one = pc.is_in(data.table["code_level"], value_set=pa.array(["onet_soc", "detailed"]))
        looked_up = pc.is_in(
            data.table["fallback_tier"],
            value_set=pa.array([FallbackTier.EXACT, FallbackTier.ALIAS, FallbackTier.NORMALISED]),
        )
        return pc.or_(pc.invert(now), pc.and_(one, looked_up))

    @pap.dataframe_check(
        description="a title for adjudication, and no other, has a question and a promotion rule",
    )
    def adjudication_has_inputs(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether both are there exactly where a decision is needed."""
        asked = pc.equal(data.table["service_tier"], str(ServiceTier.ADJUDICATION_REQUIRED))
        return pc.and_(
            pc.equal(asked, data.table["question"].is_valid()),
            pc.equal(asked, data.table["promotion_rule"].is_valid()),
        )


class TitleRouting(
    RoutedTitles,
    key=("title_list", "source_row"),
    parents=(
        Parent("title_rows", (("title_list", "title_list"), ("source_row", "source_row"))),
        Parent("title_lexicon", (("lexicon_ids", "in:lexicon_id"),)),
        Parent("title_thresholds", (("rung", "rung"), ("code_level", "code_level"))),
        Parent("roles", (("role_id", "role_id"),)),
        Parent("title_model"),
        Parent("title_policies"),
    ),
):
    """Every row of the title universe as the deterministic rules route it, whatever was decided.

    ``serve_now``: the title, as written or normalised, names one occupation;
    ``serve_with_fallback``: what is served is coarser or statistical, and says so;
    ``multi_llm_adjudication_required``: nothing may be served before a decision, for which the
    inputs are here; ``exclude_or_not_icp``: a rule of data/icp.yaml excludes it. What is served to
    anybody is in ``title_coverage``.
    """
