"""The steps of the three lanes: what each reads, what it waits for, what it does for a unit.

Belongs here: the steps of ``data/authoring/lanes.yaml`` that make documents, and the functions that
make their tables, with their inputs as arguments. Stays out: how steps are run (``lanes``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from aina_assets.authoring import lane_tables as t
from aina_assets.authoring import lane_units as units
from aina_assets.authoring.compiling import compile_blueprint, compile_module_brief
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.draft_review import content_of
from aina_assets.authoring.joining import KnowledgeBase
from aina_assets.authoring.knowledge_tables import (
    AppReviewKbWriteAgent,
    ChResearchKbWriteAgent,
    ModReviewKbWriteAgent,
)
from aina_assets.authoring.lane_tables import APP_REVIEW, CH_RESEARCH, MOD_REVIEW
from aina_assets.authoring.lanes import CURRICULUM, Made, Passages, Step, Work, runner_of, table_of
from aina_assets.authoring.pacing import pacing_state
from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.review import compile_review, review_report
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.authoring.traces import write_trace
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.tables import Table, table_name

Transform = Callable[..., pa.Table]

DOMAINS = ("D", "L", "P", "X")
_CH, _MOD, _APP = (f"{lane}_" for lane in (CH_RESEARCH, MOD_REVIEW, APP_REVIEW))


# -------------------------------------------------------------------------------- what steps do


def _skill(work: Work) -> Made:
    return work.skill()


def _scoped(scope: str) -> Callable[[Work], Made]:
    def run(work: Work) -> Made:
        return work.skill(scope=scope)

    return run


def _plan(work: Work) -> Made:
    return work.code(
        "derive_module_sequence",
        compute=lambda given: {
            "module_sequence": given["derive_module_sequence"]["module_sequence"]
        },
    )


def _module_brief(work: Work) -> Made:
    return work.code(
        "derive_module_lo",
        "chapter_plan",
        compute=lambda given: _brief(work, given["derive_module_lo"]),
    )


def _brief(work: Work, derived: Document) -> Document:
    """MODULE_LO_BRIEF out of what was derived."""
    modules = units.modules_of(str(work.unit.parent_id), work.known["chapter_plan"])
    planned = dict(modules)
    position = planned[work.unit.unit_id]["position"]
    return compile_module_brief(derived, list(planned.values()), position, work.runner.rules.bounds)


def _pace(work: Work) -> Made:
    return work.code(
        *("module_request", "enrichment_engagement"),
        compute=lambda given: pacing_state(
            given["enrichment_engagement"]["slides"],
            given["module_request"]["lesson_minutes"],
            work.runner.rules.pacing,
        ),
    )


def _blueprint(work: Work) -> Made:
    return work.code(
        "build_module_blueprint",
        compute=lambda given: _compiled(work, given["build_module_blueprint"]),
    )


def _compiled(work: Work, answer: Document) -> Document:
    """REFERENCE_MODULE_BLUEPRINT out of an answer, whole."""
    whole = compile_blueprint(answer)
    work.runner.contracts.require("build_module_blueprint", whole)
    return whole


def _type(work: Work) -> Document:
    """What the content is called by its kind: words of a scorer's input."""
    if work.step.lane == MOD_REVIEW:
        content_type = work.known["build_module_blueprint"]["content_type"]
        return {"scope": "module", "content_type": content_type}
    return {"scope": "applet", "content_type": work.known["derive_applet_lo"]["applet_type"]}


def _score(work: Work) -> Made:
    return work.skill(**_type(work))


def _score_domain(work: Work) -> Made:
    return work.skill(**_type(work), domain_code=work.part)


def _applet_summary(work: Work) -> Made:
    blueprint = work.known["build_module_blueprint"]
    places = blueprint["applet_placements"]
    if not places:
        return Made(work.step.contract, t.FAILED, "its module places no applet")
    return work.skill(module_placeholder=units.placeholder_of(blueprint, places[0]))


def _trace(work: Work) -> Made:
    content = _content(work)
    return work.code(
        *(content, "research_deep_synthesis"),
        compute=lambda given: {"traces": write_trace(content_of(given))},
    )


def _content(work: Work) -> str:
    is_module = work.step.lane == MOD_REVIEW
    return "build_module_blueprint" if is_module else "build_applet_screens"


_RESULTS = (
    "score_gates_result",
    "scan_design_pitfalls_result",
    "assess_learning_coverage_result",
    "extract_applet_summary",
)


def _digest(work: Work) -> Made:
    names = (_content(work), "research_deep_synthesis", "module_lo_brief_enriched")
    domains = work.documents(f"{work.step.lane}_score_rubric_domain")

    def compute(given: Document) -> Document:
        results = {name: given[name] for name in _RESULTS if name in given}
        results |= {"score_rubric_domain_result": domains, "traces": given["traces"]["traces"]}
        inputs = {**given, **_type(work)}
        return compile_review(inputs, results, work.runner.config, work.runner.rules)

    reads = (*names, "module_request", *_RESULTS, "traces")
    return work.code(*reads, compute=compute, score_rubric_domain_result=domains)


def _report(work: Work) -> Made:
    return work.code(
        *("review_digest", "generate_action_summaries_result"),
        compute=lambda given: review_report(
            given["review_digest"], given.get("generate_action_summaries_result")
        ),
    )


# ------------------------------------------------------------------------------------- the steps


def _own(prefix: str, *names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in names)


_PLANS = "ch_research_finalize_chapter_researcher"
_BRIEFS = "mod_review_compile_module_brief"

CHAPTER_STEPS = (
    Step(
        t.ChResearchDeriveLoBrief, CH_RESEARCH, "derive_lo_brief", "derive_lo_brief", _skill,
        _own(_CH, "chapter_intake", "join_curriculum"),
        gate="chapter_lo_brief",
    ),
    Step(
        t.ChResearchDeriveModuleSequence, CH_RESEARCH, "derive_module_sequence",
        "derive_module_sequence", _skill,
        _own(_CH, "chapter_intake", "join_curriculum", "derive_lo_brief"),
        behind=("chapter_lo_brief",),
        gate="chapter_module_sequence",
    ),
    Step(
        t.ChResearchResearchDeep, CH_RESEARCH, "research_deep", "research_deep_synthesis",
        _scoped("chapter"),
        _own(_CH, "chapter_intake", "join_curriculum", "derive_lo_brief", "derive_module_sequence"),
        behind=("chapter_module_sequence",),
        gate="chapter_kb_synthesis",
    ),
    Step(
        t.ChResearchFinalizeChapterResearcher, CH_RESEARCH, "finalize_chapter_researcher",
        "chapter_plan", _plan,
        _own(_CH, "derive_module_sequence", "research_deep"),
        behind=("chapter_kb_synthesis",),
    ),
)  # fmt: skip

_SCORED = _own(_MOD, "compile_blueprint", "research_deep")
_WITH_BRIEF = (*_SCORED, *_own(_MOD, "compile_module_brief", "module_intake"))
_BLUEPRINT = "reference_module_blueprint"

MODULE_STEPS = (
    Step(
        t.ModReviewDeriveModuleLo, MOD_REVIEW, "derive_module_lo", "derive_module_lo", _skill,
        (*_own(_MOD, "module_intake", "join_curriculum"), _PLANS),
        gate="module_lo_brief",
        presents=_brief,
    ),
    Step(
        t.ModReviewCompileModuleBrief, MOD_REVIEW, "compile_module_brief",
        "module_lo_brief_enriched", _module_brief,
        (*_own(_MOD, "derive_module_lo"), _PLANS),
        follows=True,
    ),
    Step(
        t.ModReviewResearchDeep, MOD_REVIEW, "research_deep", "research_deep_synthesis",
        _scoped("module"),
        _own(
            _MOD, "module_intake", "compile_module_brief", "derive_module_lo", "join_curriculum"
        ),
        behind=("module_lo_brief",),
        gate="module_kb_synthesis",
    ),
    Step(
        t.ModReviewBuildSpine, MOD_REVIEW, "build_spine", "blueprint_spine", _skill,
        _own(_MOD, "compile_module_brief", "research_deep"),
        behind=("module_kb_synthesis",),
    ),
    Step(
        t.ModReviewEnrichConcepts, MOD_REVIEW, "enrich_concepts", "enrichment_concepts", _skill,
        _own(_MOD, "build_spine", "research_deep"),
    ),
    Step(
        t.ModReviewEnrichEngagement, MOD_REVIEW, "enrich_engagement", "enrichment_engagement",
        _skill,
        _own(_MOD, "build_spine", "research_deep"),
    ),
    Step(
        t.ModReviewPace, MOD_REVIEW, "pace", "pacing_state", _pace,
        _own(_MOD, "module_intake", "build_spine", "enrich_concepts", "enrich_engagement"),
    ),
    Step(
        t.ModReviewEnrichExperience, MOD_REVIEW, "enrich_experience", "enrichment_experience",
        lambda work: work.skill(pacing_state=work.known["pacing_state"]),
        _own(
            _MOD, "build_spine", "enrich_concepts", "enrich_engagement", "pace", "research_deep"
        ),
    ),
    Step(
        t.ModReviewBuildBlueprint, MOD_REVIEW, "build_blueprint", "build_module_blueprint", _skill,
        _own(
            _MOD, "module_intake", "compile_module_brief", "derive_module_lo", "research_deep",
            "build_spine", "enrich_concepts", "enrich_engagement", "enrich_experience",
        ),
        gate=_BLUEPRINT,
        presents=_compiled,
    ),
    Step(
        t.ModReviewCompileBlueprint, MOD_REVIEW, "compile_blueprint", "build_module_blueprint",
        _blueprint,
        _own(_MOD, "build_blueprint"),
        follows=True,
    ),
    Step(
        t.ModReviewScoreGates, MOD_REVIEW, "score_gates", "score_gates_result", _score,
        _WITH_BRIEF, behind=(_BLUEPRINT,),
    ),
    Step(
        t.ModReviewScoreRubricDomain, MOD_REVIEW, "score_rubric_domain",
        "score_rubric_domain_result", _score_domain,
        _WITH_BRIEF, behind=(_BLUEPRINT,), parts=DOMAINS,
    ),
    Step(
        t.ModReviewScanDesignPitfalls, MOD_REVIEW, "scan_design_pitfalls",
        "scan_design_pitfalls_result", _score, _SCORED, behind=(_BLUEPRINT,),
    ),
    Step(
        t.ModReviewAssessLearningCoverage, MOD_REVIEW, "assess_learning_coverage",
        "assess_learning_coverage_result", _score, _SCORED, behind=(_BLUEPRINT,),
    ),
    Step(
        t.ModReviewExtractAppletSummary, MOD_REVIEW, "extract_applet_summary",
        "extract_applet_summary", _applet_summary,
        _own(_MOD, "read_storyboard", "compile_blueprint"), behind=(_BLUEPRINT,),
    ),
    Step(
        t.ModReviewWriteTrace, MOD_REVIEW, "write_trace", "traces", _trace,
        _SCORED, behind=(_BLUEPRINT,),
    ),
    Step(
        t.ModReviewReviewDigest, MOD_REVIEW, "compile_review", "review_digest", _digest,
        (
            *_WITH_BRIEF,
            *_own(_MOD, "score_gates", "score_rubric_domain", "scan_design_pitfalls"),
            *_own(_MOD, "assess_learning_coverage", "extract_applet_summary", "write_trace"),
        ),
        optional=_own(
            _MOD, "score_gates", "score_rubric_domain", "scan_design_pitfalls",
            "assess_learning_coverage", "extract_applet_summary",
        ),
        behind=(_BLUEPRINT,),
    ),
    Step(
        t.ModReviewGenerateActionSummaries, MOD_REVIEW, "generate_action_summaries",
        "generate_action_summaries_result", _skill,
        _own(_MOD, "review_digest"),
    ),
    Step(
        t.ModReviewCompileReview, MOD_REVIEW, "compile_review", "review_report", _report,
        _own(_MOD, "review_digest", "generate_action_summaries"),
        optional=_own(_MOD, "generate_action_summaries"),
    ),
)  # fmt: skip

_SCREENS = "reference_applet_screens"
_SCREENED = _own(_APP, "build_blueprint", "research_deep", "derive_applet_lo")

APPLET_STEPS = (
    Step(
        t.AppReviewDeriveAppletLo, APP_REVIEW, "derive_applet_lo", "derive_applet_lo", _skill,
        (*_own(_APP, "applet_intake", "join_curriculum"), _BRIEFS),
    ),
    Step(
        t.AppReviewResearchDeep, APP_REVIEW, "research_deep", "research_deep_synthesis",
        _scoped("applet"),
        (*_own(_APP, "applet_intake", "derive_applet_lo", "join_curriculum"), _BRIEFS),
        gate="applet_kb_synthesis",
    ),
    Step(
        t.AppReviewBuildBlueprint, APP_REVIEW, "build_blueprint", "build_applet_screens", _skill,
        (*_own(_APP, "applet_intake", "derive_applet_lo", "research_deep"), _BRIEFS),
        behind=("applet_kb_synthesis",),
        gate=_SCREENS,
    ),
    Step(
        t.AppReviewScoreGates, APP_REVIEW, "score_gates", "score_gates_result", _score,
        (*_SCREENED, _BRIEFS), behind=(_SCREENS,),
    ),
    Step(
        t.AppReviewScoreRubricDomain, APP_REVIEW, "score_rubric_domain",
        "score_rubric_domain_result", _score_domain,
        (*_SCREENED, _BRIEFS), behind=(_SCREENS,), parts=DOMAINS,
    ),
    Step(
        t.AppReviewScanDesignPitfalls, APP_REVIEW, "scan_design_pitfalls",
        "scan_design_pitfalls_result", _score, _SCREENED, behind=(_SCREENS,),
    ),
    Step(
        t.AppReviewAssessLearningCoverage, APP_REVIEW, "assess_learning_coverage",
        "assess_learning_coverage_result", _score, _SCREENED, behind=(_SCREENS,),
    ),
    Step(
        t.AppReviewWriteTrace, APP_REVIEW, "write_trace", "traces", _trace,
        _own(_APP, "build_blueprint", "research_deep"), behind=(_SCREENS,),
    ),
    Step(
        t.AppReviewReviewDigest, APP_REVIEW, "compile_review", "review_digest", _digest,
        (
            *_SCREENED, _BRIEFS,
            *_own(_APP, "score_gates", "score_rubric_domain", "scan_design_pitfalls"),
            *_own(_APP, "assess_learning_coverage", "write_trace"),
        ),
        optional=_own(
            _APP, "score_gates", "score_rubric_domain", "scan_design_pitfalls",
            "assess_learning_coverage",
        ),
        behind=(_SCREENS,),
    ),
    Step(
        t.AppReviewGenerateActionSummaries, APP_REVIEW, "generate_action_summaries",
        "generate_action_summaries_result", _skill,
        _own(_APP, "review_digest"),
    ),
    Step(
        t.AppReviewCompileReview, APP_REVIEW, "compile_review", "review_report", _report,
        _own(_APP, "review_digest", "generate_action_summaries"),
        optional=_own(_APP, "generate_action_summaries"),
    ),
)  # fmt: skip

STEPS = (*CHAPTER_STEPS, *MODULE_STEPS, *APPLET_STEPS)
"""Steps that are run unit by unit, joins aside."""

GATES = {
    "chapter_lo_brief": (t.ChapterLoBriefSubjects, _CH, "derive_lo_brief", "chapter_intake"),
    "chapter_module_sequence": (
        *(t.ChapterModuleSequenceSubjects, _CH),
        *("derive_module_sequence", "chapter_intake"),
    ),
    "chapter_kb_synthesis": (t.ChapterKbSynthesisSubjects, _CH, "research_deep", "chapter_intake"),
    "module_lo_brief": (t.ModuleLoBriefSubjects, _MOD, "compile_module_brief", "module_intake"),
    "module_kb_synthesis": (t.ModuleKbSynthesisSubjects, _MOD, "research_deep", "module_intake"),
    "reference_module_blueprint": (
        *(t.ReferenceModuleBlueprintSubjects, _MOD),
        *("compile_blueprint", "module_intake"),
    ),
    "applet_kb_synthesis": (t.AppletKbSynthesisSubjects, _APP, "research_deep", "applet_intake"),
    "reference_applet_screens": (
        *(t.ReferenceAppletScreensSubjects, _APP),
        *("build_blueprint", "applet_intake"),
    ),
}
"""By gate: its subjects, whose lane they are of, the step that made them, where titles are."""


# ------------------------------------------------------------------------ tables with their inputs

_DOCUMENTS: Mapping[str, type] = {
    "authoring": Authoring,
    "authoring_rules": AuthoringRules,
    "review_gates": ReviewGates,
}


def _transform(
    compute: Callable[[Mapping[str, Any]], pa.Table], tables: Sequence[str], *documents: str
) -> Transform:
    """``compute`` with the tables and documents it takes as its arguments."""

    def made(**given: Any) -> pa.Table:
        return compute(given)

    kinds = {**dict.fromkeys(tables, pa.Table), **{name: _DOCUMENTS[name] for name in documents}}
    arguments = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, kind in kinds.items()
    ]
    made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        arguments, return_annotation=pa.Table
    )
    return made


def _of_step(step: Step) -> Transform:
    def compute(given: Mapping[str, Any]) -> pa.Table:
        with runner_of(given["authoring"], given["authoring_rules"]) as runner:
            return table_of(step, given, runner)

    return _transform(compute, step.inputs, *_DOCUMENTS)


def _of_join(
    model: type[t.LaneDocuments],
    lane: str,
    reads: tuple[str, ...],
    join: Callable[[Work, KnowledgeBase], Document],
    *events: str,
) -> Transform:
    def compute(given: Mapping[str, Any]) -> pa.Table:
        base = units.knowledge_with(given, *events)

        def run(work: Work) -> Made:
            return Made.by_code(CURRICULUM, work.known, lambda: join(work, base))

        step = Step(model, lane, "join_curriculum", CURRICULUM, run, reads)
        beside = [given[name] for name in units.KB_NAMES]
        with runner_of(given["authoring"], given["authoring_rules"]) as runner:
            return table_of(step, given, runner, beside)

    return _transform(compute, (*reads, *units.KB_NAMES, *events), "authoring", "authoring_rules")


def _of_writing(
    moment: str,
    reads: tuple[str, ...],
    above: tuple[str, ...] = (),
    gate: str | None = None,
    *events: str,
) -> Transform:
    def compute(given: Mapping[str, Any]) -> pa.Table:
        passages = None
        if gate is not None:
            subjects, decisions = (given[f"{gate}_{kind}"] for kind in ("subjects", "decisions"))
            passages = Passages(gate, subjects, decisions, given["review_gates"])
        accepted = units.accepted(
            [given[name] for name in reads], passages, [given[name] for name in above]
        )
        return units.written(moment, accepted, given, *events)

    tables = [*reads, *above, *units.KB_NAMES, *events]
    if gate is None:
        return _transform(compute, tables, "authoring")
    at_gate = [f"{gate}_{kind}" for kind in ("subjects", "decisions")]
    return _transform(compute, [*tables, *at_gate], "authoring", "review_gates")


def _of_gate(gate: str) -> Transform:
    model, prefix, producer, intake = GATES[gate]
    tables = (prefix + producer, prefix + intake)
    return _transform(units.subjects_of(model, gate, *tables), tables, "review_gates")


_CHAPTER_EVENTS, _MODULE_EVENTS = (
    table_name(model) for model in (ChResearchKbWriteAgent, ModReviewKbWriteAgent)
)

TRANSFORMS: Mapping[type[Table], Transform] = {
    t.ChResearchChapterIntake: units.chapter_intake,
    t.ChResearchJoinCurriculum: _of_join(
        t.ChResearchJoinCurriculum,
        CH_RESEARCH,
        _own(_CH, "chapter_intake"),
        units.join_of_chapter,
    ),
    t.ModReviewModuleIntake: units.module_intake,
    t.ModReviewReadStoryboard: units.read_storyboards,
    t.ModReviewJoinCurriculum: _of_join(
        t.ModReviewJoinCurriculum,
        MOD_REVIEW,
        _own(_MOD, "module_intake"),
        units.join_of_module,
        _CHAPTER_EVENTS,
    ),
    t.AppReviewAppletIntake: units.applet_intake,
    t.AppReviewJoinCurriculum: _of_join(
        t.AppReviewJoinCurriculum,
        APP_REVIEW,
        (*_own(_APP, "applet_intake"), *_own(_MOD, "module_intake", "compile_module_brief")),
        units.join_of_applet,
        _CHAPTER_EVENTS,
        _MODULE_EVENTS,
    ),
    **{step.model: _of_step(step) for step in STEPS},
    ChResearchKbWriteAgent: _of_writing(
        "chapter", _own(_CH, "finalize_chapter_researcher", "derive_module_sequence")
    ),
    ModReviewKbWriteAgent: _of_writing(
        "module",
        _own(_MOD, "research_deep", "compile_module_brief"),
        (),
        "module_kb_synthesis",
        _CHAPTER_EVENTS,
    ),
    AppReviewKbWriteAgent: _of_writing(
        "applet",
        _own(_APP, "research_deep", "derive_applet_lo"),
        (_BRIEFS,),
        "applet_kb_synthesis",
        _CHAPTER_EVENTS,
        _MODULE_EVENTS,
    ),
    **{model: _of_gate(gate) for gate, (model, *_) in GATES.items()},
}
"""What makes each table of the lanes: functions whose arguments are their inputs."""
