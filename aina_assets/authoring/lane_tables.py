"""Models of the tables of the three lanes: one for each step, and one for what stands at each gate.

Belongs here: what a row of a lane is, and where it comes from. Stays out: making it (``lanes``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import reduce
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.review.subjects import SubjectTable
from aina_assets.warehouse.tables import Parent, ProvenancedTable

CH_RESEARCH = "ch_research"
MOD_REVIEW = "mod_review"
APP_REVIEW = "app_review"

MADE = "made"
WAITING = "waiting"
FAILED = "failed"
INVALID = "invalid"
STATUSES = (MADE, WAITING, FAILED, INVALID)

CODE = "code"
"""Maker of what neither a model nor the drafter wrote."""


class LaneDocuments(ProvenancedTable):
    """Base of the tables of a lane: what a step came to for each unit, version by version.

    A chapter, module or applet that a step could not be run for has a row that says why.
    """

    document_id: str = pap.Field(description="Unit, part where there are several, and version.")
    lane: str = pap.Field(description="Lane.")
    step: str = pap.Field(description="Step of the lane, by its name in `lanes.yaml`.")
    unit_id: str = pap.Field(description="Chapter, module or applet.")
    parent_id: str = pap.Field(
        nullable=True,
        description="Of a module its chapter, of an applet its module; null for a chapter.",
    )
    part: str = pap.Field(
        nullable=True, description="Domain, where a step makes a document for each; else null."
    )
    version: int = pap.Field(description="From 1; each rework makes the next.")
    is_current: bool = pap.Field(
        description="Whether it is what stands now; a rework that came to nothing never does."
    )
    status: str = pap.Field(
        isin=list(STATUSES),
        description="`waiting`: for a gate or a step; `failed`: nothing came of it;"
        " `invalid`: no answer kept to its contract.",
    )
    reason: str = pap.Field(
        nullable=True, description="Why there is no document, or what passed unreviewed."
    )
    contract: str = pap.Field(description="Contract or artefact of the document.")
    document: str = pap.Field(
        nullable=True, description="The document, canonical JSON; null unless made."
    )
    document_sha256: str = pap.Field(nullable=True, description="Digest of the document.")
    maker: str = pap.Field(
        nullable=True,
        description="`code`, `deterministic_draft` or a model's name; null where nobody tried.",
    )
    prompt_sha256: str = pap.Field(nullable=True, description="Digest of what a skill was asked.")
    inputs_sha256: str = pap.Field(nullable=True, description="Digest of its input alone.")
    decision_id: str = pap.Field(
        nullable=True, description="The decision that asked for this version; null: none did."
    )
    input_tokens: int = pap.Field(description="Tokens that a model read.")
    output_tokens: int = pap.Field(description="Tokens that a model wrote.")
    cost_usd: float = pap.Field(nullable=True, description="What that cost; null: not known.")

    @pap.dataframe_check(description="what was made has a document with its digest, nothing else")
    def documents_are_bound(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether a document is there exactly where it was made, and the digest is its own."""
        names = ("status", "document", "document_sha256", "reason")
        answers = [
            None
            if status is None
            else (sha == hashlib.sha256(text.encode()).hexdigest())
            if text is not None and status == MADE
            else text is None and sha is None and status != MADE and bool(reason)
            for status, text, sha, reason in zip(
                *(data.table[name].to_pylist() for name in names), strict=True
            )
        ]
        return pa.chunked_array([pa.array(answers, pa.bool_())])

    @pap.dataframe_check(description="versions count from 1, and one of them is current")
    def one_version_is_current(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether each unit's (and part's) versions are 1, 2, ... and exactly one is current."""
        table = data.table
        if any(table[name].null_count for name in ("unit_id", "version", "is_current")):
            return pa.chunked_array([pa.nulls(table.num_rows, pa.bool_())])
        keys = list(zip(table["unit_id"].to_pylist(), table["part"].to_pylist(), strict=True))
        versions: dict[Any, set[int]] = {}
        for key, version in zip(keys, table["version"].to_pylist(), strict=True):
            versions.setdefault(key, set()).add(version)
        current = Counter(
            key for key, is_one in zip(keys, table["is_current"].to_pylist(), strict=True) if is_one
        )
        answers = [
            current[key] == 1 and versions[key] == set(range(1, len(versions[key]) + 1))
            for key in keys
        ]
        return pa.chunked_array([pa.array(answers, pa.bool_())])

    @pap.dataframe_check(description="what a model spent is counted where one was asked")
    def spending_is_of_models(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether tokens and cost are no less than none, and none where no skill was asked."""
        table = data.table
        names = ("input_tokens", "output_tokens", "cost_usd")
        amounts = [pc.fill_null(table[name], 0) for name in names]
        is_amount = reduce(pc.and_, [pc.greater_equal(one, 0) for one in amounts])
        is_nothing = reduce(pc.and_, [pc.equal(one, 0) for one in amounts])
        return pc.and_(is_amount, pc.or_(is_nothing, table["prompt_sha256"].is_valid()))


def _of(*tables: str) -> tuple[Parent, ...]:
    return tuple(Parent(table, (("unit_id", "unit_id"),)) for table in tables)


def _above(*tables: str) -> tuple[Parent, ...]:
    return tuple(Parent(table, (("parent_id", "unit_id"),)) for table in tables)


# -------------------------------------------------------------------------------------- ch_research


class ChResearchChapterIntake(
    LaneDocuments,
    key=("document_id",),
    parents=(Parent("authoring_requests", (("unit_id", "chapter_id"),)),),
):
    """Requests for chapters, as they came in."""


class ChResearchJoinCurriculum(
    LaneDocuments, key=("document_id",), parents=_of("ch_research_chapter_intake")
):
    """What the knowledge base has for a chapter's codes."""


class ChResearchDeriveLoBrief(
    LaneDocuments,
    key=("document_id",),
    parents=_of("ch_research_chapter_intake", "ch_research_join_curriculum"),
):
    """CHAPTER_LO_BRIEF: what a chapter is for, and the codes it touches."""


class ChResearchDeriveModuleSequence(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "ch_research_chapter_intake", "ch_research_join_curriculum", "ch_research_derive_lo_brief"
    ),
):
    """CHAPTER_MODULE_SEQUENCE: the modules of a chapter, in order."""


class ChResearchResearchDeep(
    LaneDocuments,
    key=("document_id",),
    parents=_of("ch_research_join_curriculum", "ch_research_derive_lo_brief"),
):
    """CHAPTER_KB_SYNTHESIS: what the knowledge base says of a chapter."""


class ChResearchFinalizeChapterResearcher(
    LaneDocuments,
    key=("document_id",),
    parents=_of("ch_research_derive_module_sequence", "ch_research_research_deep"),
):
    """The plan of a chapter that passed its gates: the modules to be written."""


# --------------------------------------------------------------------------------------- mod_review


class ModReviewModuleIntake(
    LaneDocuments,
    key=("document_id",),
    parents=_above("ch_research_chapter_intake", "ch_research_finalize_chapter_researcher"),
):
    """Requests for modules, made from the plans of their chapters."""


class ModReviewJoinCurriculum(
    LaneDocuments, key=("document_id",), parents=_of("mod_review_module_intake")
):
    """What the knowledge base has for a module's codes, its chapter's additions included."""


class ModReviewDeriveModuleLo(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of("mod_review_module_intake", "mod_review_join_curriculum"),
        *_above("ch_research_finalize_chapter_researcher"),
    ),
):
    """A module's objective and its components."""


class ModReviewCompileModuleBrief(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of("mod_review_derive_module_lo"),
        *_above("ch_research_finalize_chapter_researcher"),
    ),
):
    """MODULE_LO_BRIEF: the objective beside what the chapter planned, with what drifted."""


class ModReviewResearchDeep(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "mod_review_compile_module_brief",
        "mod_review_derive_module_lo",
        "mod_review_join_curriculum",
    ),
):
    """MODULE_KB_SYNTHESIS: what the knowledge base says of a module."""


class ModReviewBuildSpine(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_compile_module_brief", "mod_review_research_deep"),
):
    """A module's slides in order: roles, components, time."""


class ModReviewEnrichConcepts(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_build_spine", "mod_review_research_deep"),
):
    """What the slides of a module say: statements and terms."""


class ModReviewEnrichEngagement(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_build_spine", "mod_review_research_deep"),
):
    """What the slides of a module ask for: acts, models, placements."""


class ModReviewPace(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "mod_review_module_intake",
        "mod_review_build_spine",
        "mod_review_enrich_concepts",
        "mod_review_enrich_engagement",
    ),
):
    """A module's budget of minutes, and the guardrails it touches."""


class ModReviewEnrichExperience(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "mod_review_build_spine",
        "mod_review_enrich_concepts",
        "mod_review_enrich_engagement",
        "mod_review_pace",
        "mod_review_research_deep",
    ),
):
    """How the slides of a module follow each other, within the guardrails."""


class ModReviewBuildBlueprint(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "mod_review_compile_module_brief",
        "mod_review_derive_module_lo",
        "mod_review_research_deep",
        "mod_review_build_spine",
        "mod_review_enrich_concepts",
        "mod_review_enrich_engagement",
        "mod_review_enrich_experience",
    ),
):
    """A module slide by slide, as it was written."""


class ModReviewCompileBlueprint(
    LaneDocuments, key=("document_id",), parents=_of("mod_review_build_blueprint")
):
    """REFERENCE_MODULE_BLUEPRINT: a module slide by slide, with the role of each slide."""


class ModReviewScoreGates(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "mod_review_compile_blueprint",
        "mod_review_research_deep",
        "mod_review_compile_module_brief",
        "mod_review_module_intake",
    ),
):
    """Findings on the named gates of a module."""


class ModReviewScoreRubricDomain(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "mod_review_compile_blueprint",
        "mod_review_research_deep",
        "mod_review_compile_module_brief",
        "mod_review_module_intake",
    ),
):
    """Levels of a module's criteria, domain by domain."""


class ModReviewScanDesignPitfalls(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_compile_blueprint", "mod_review_research_deep"),
):
    """Named defects found in a module."""


class ModReviewAssessLearningCoverage(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_compile_blueprint", "mod_review_research_deep"),
):
    """What a student would have met in a module, and what was checked."""


class ModReviewReadStoryboard(
    LaneDocuments, key=("document_id",), parents=_of("mod_review_module_intake")
):
    """Texts, notes and shapes of the storyboards that were handed in for a module's applets."""


class ModReviewExtractAppletSummary(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_read_storyboard", "mod_review_compile_blueprint"),
):
    """What the storyboard of a module's applet contains."""


class ModReviewWriteTrace(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_compile_blueprint", "mod_review_research_deep"),
):
    """Threads that the review of a module walks."""


class ModReviewReviewDigest(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "mod_review_compile_blueprint",
        "mod_review_research_deep",
        "mod_review_compile_module_brief",
        "mod_review_module_intake",
        "mod_review_score_gates",
        "mod_review_score_rubric_domain",
        "mod_review_scan_design_pitfalls",
        "mod_review_assess_learning_coverage",
        "mod_review_extract_applet_summary",
        "mod_review_write_trace",
    ),
):
    """Totals, verdicts, gates, pitfalls and coverage of a module, computed."""


class ModReviewGenerateActionSummaries(
    LaneDocuments, key=("document_id",), parents=_of("mod_review_review_digest")
):
    """Short texts of a module's review."""


class ModReviewCompileReview(
    LaneDocuments,
    key=("document_id",),
    parents=_of("mod_review_review_digest", "mod_review_generate_action_summaries"),
):
    """The review of a module, texts included."""


# --------------------------------------------------------------------------------------- app_review


class AppReviewAppletIntake(
    LaneDocuments, key=("document_id",), parents=_above("mod_review_compile_blueprint")
):
    """Requests for applets, made from the placements of their modules."""


class AppReviewJoinCurriculum(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of("app_review_applet_intake"),
        *_above("mod_review_module_intake", "mod_review_compile_module_brief"),
    ),
):
    """What the knowledge base has for an applet's codes, its module's additions included."""


class AppReviewDeriveAppletLo(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of("app_review_applet_intake", "app_review_join_curriculum"),
        *_above("mod_review_compile_module_brief"),
    ),
):
    """An applet's objective, as a narrowing of its module's."""


class AppReviewResearchDeep(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of("app_review_derive_applet_lo", "app_review_join_curriculum"),
        *_above("mod_review_compile_module_brief"),
    ),
):
    """APPLET_KB_SYNTHESIS: what the knowledge base says of an applet."""


class AppReviewBuildBlueprint(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of("app_review_applet_intake", "app_review_derive_applet_lo", "app_review_research_deep"),
        *_above("mod_review_compile_module_brief"),
    ),
):
    """REFERENCE_APPLET_SCREENS: an applet screen by screen."""


class AppReviewScoreGates(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of(
            "app_review_build_blueprint", "app_review_research_deep", "app_review_derive_applet_lo"
        ),
        *_above("mod_review_compile_module_brief"),
    ),
):
    """Findings on the named gates of an applet."""


class AppReviewScoreRubricDomain(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of(
            "app_review_build_blueprint", "app_review_research_deep", "app_review_derive_applet_lo"
        ),
        *_above("mod_review_compile_module_brief"),
    ),
):
    """Levels of an applet's criteria, domain by domain."""


class AppReviewScanDesignPitfalls(
    LaneDocuments,
    key=("document_id",),
    parents=_of("app_review_build_blueprint", "app_review_research_deep"),
):
    """Named defects found in an applet."""


class AppReviewAssessLearningCoverage(
    LaneDocuments,
    key=("document_id",),
    parents=_of(
        "app_review_build_blueprint", "app_review_research_deep", "app_review_derive_applet_lo"
    ),
):
    """What a student would have met in an applet, and what was checked."""


class AppReviewWriteTrace(
    LaneDocuments,
    key=("document_id",),
    parents=_of("app_review_build_blueprint", "app_review_research_deep"),
):
    """Threads that the review of an applet walks."""


class AppReviewReviewDigest(
    LaneDocuments,
    key=("document_id",),
    parents=(
        *_of(
            "app_review_build_blueprint",
            "app_review_research_deep",
            "app_review_derive_applet_lo",
            "app_review_score_gates",
            "app_review_score_rubric_domain",
            "app_review_scan_design_pitfalls",
            "app_review_assess_learning_coverage",
            "app_review_write_trace",
        ),
        *_above("mod_review_compile_module_brief"),
    ),
):
    """Totals, verdicts, gates, pitfalls and coverage of an applet, computed."""


class AppReviewGenerateActionSummaries(
    LaneDocuments, key=("document_id",), parents=_of("app_review_review_digest")
):
    """Short texts of an applet's review."""


class AppReviewCompileReview(
    LaneDocuments,
    key=("document_id",),
    parents=_of("app_review_review_digest", "app_review_generate_action_summaries"),
):
    """The review of an applet, texts included."""


# -------------------------------------------------------------------------------------------- gates


class GateSubjects(SubjectTable):
    """Base of what stands at the gates of the lanes: one subject for each current document."""

    document_id: str = pap.Field(description="The document.")


def _at_gate(table: str) -> tuple[Parent, ...]:
    return (Parent(table, (("document_id", "document_id"),)),)


class ChapterLoBriefSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("ch_research_derive_lo_brief")
):
    """Briefs of chapters as reviewers see them."""


class ChapterModuleSequenceSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("ch_research_derive_module_sequence")
):
    """Sequences of modules as reviewers see them."""


class ChapterKbSynthesisSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("ch_research_research_deep")
):
    """Research on chapters as reviewers see it."""


class ModuleLoBriefSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("mod_review_compile_module_brief")
):
    """Briefs of modules as reviewers see them."""


class ModuleKbSynthesisSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("mod_review_research_deep")
):
    """Research on modules as reviewers see it."""


class ReferenceModuleBlueprintSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("mod_review_compile_blueprint")
):
    """Blueprints of modules as reviewers see them."""


class AppletKbSynthesisSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("app_review_research_deep")
):
    """Research on applets as reviewers see it."""


class ReferenceAppletScreensSubjects(
    GateSubjects, key=("subject_key",), parents=_at_gate("app_review_build_blueprint")
):
    """Screens of applets as reviewers see them."""
