"""The sample chapter, drafted by rule from request to review, for tests of single steps."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from aina_assets.authoring.compiling import compile_blueprint, compile_module_brief
from aina_assets.authoring.joining import KnowledgeBase, codes_of_chapter, join_curriculum
from aina_assets.authoring.lane_units import applet_request_of
from aina_assets.authoring.pacing import pacing_state
from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.authoring.runner import SkillRunner
from aina_assets.warehouse.settings import AUTHORED

SAMPLE = AUTHORED / "sample" / "authoring"
Documents = dict[str, Any]


@cache
def config() -> Authoring:
    return Authoring.load()


@cache
def rules() -> AuthoringRules:
    return AuthoringRules.load()


@cache
def runner() -> SkillRunner:
    return SkillRunner(config(), rules())


@cache
def knowledge() -> KnowledgeBase:
    tables: dict[str, Any] = {}
    for path in sorted((SAMPLE / "kb").glob("*.yaml")):
        tables |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return KnowledgeBase.of(tables)


@cache
def request() -> Documents:
    (path,) = (SAMPLE / "lms").glob("*.yaml")
    found: Documents = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def drafted(skill: str, lane: str, inputs: Mapping[str, Any]) -> Documents:
    output = runner().run(skill, lane, inputs)
    assert output.status == "made", (skill, lane, output.reason)
    return output.value


@cache
def chapter() -> Documents:
    """Every document of the chapter's lane."""
    made: Documents = {"chapter_request": request()}
    codes = codes_of_chapter(knowledge(), request())
    made["curriculum_context"], made["kb_evidence"] = join_curriculum(knowledge(), request(), codes)
    made["derive_lo_brief"] = drafted("derive_lo_brief", "ch_research", made)
    made["derive_module_sequence"] = drafted("derive_module_sequence", "ch_research", made)
    made["approved_objective"] = {"lo": made["derive_lo_brief"]["chapter_lo"], "lo_components": []}
    made["scope"] = "chapter"
    made["research_deep_synthesis"] = drafted("research_deep", "ch_research", made)
    return made


@cache
def module(position: int) -> Documents:
    """Every document of a module's lane up to its blueprint."""
    planned = chapter()["derive_module_sequence"]["module_sequence"]
    own = planned[position - 1]
    made: Documents = {
        "module_request": {
            "title": own["module_title"],
            "grade": request()["grade"],
            "lo_codes": own["lo_codes"],
            "pedagogical_models": own["pedagogical_models"],
        },
        "scope": "module",
    }
    made["curriculum_context"], made["kb_evidence"] = join_curriculum(
        knowledge(), request(), own["lo_codes"]
    )
    made["derive_module_lo"] = drafted("derive_module_lo", "mod_review", made)
    made["module_lo_brief_enriched"] = compile_module_brief(
        made["derive_module_lo"], planned, position, rules().bounds
    )
    made["approved_objective"] = {
        "lo": made["derive_module_lo"]["module_lo"],
        "lo_components": made["derive_module_lo"]["lo_components"],
    }
    made["research_deep_synthesis"] = drafted("research_deep", "mod_review", made)
    made["blueprint_spine"] = drafted("build_spine", "mod_review", made)
    made["enrichment_concepts"] = drafted("enrich_concepts", "mod_review", made)
    made["enrichment_engagement"] = drafted("enrich_engagement", "mod_review", made)
    made["pacing_state"] = pacing_state(
        made["enrichment_engagement"]["slides"], request()["lesson_minutes"], rules().pacing
    )
    made["enrichment_experience"] = drafted("enrich_experience", "mod_review", made)
    made["build_module_blueprint"] = compile_blueprint(
        drafted("build_blueprint", "mod_review", made)
    )
    return made


@cache
def applet(position: int = 1) -> Documents:
    """Every document of the lane of the applet that a module places."""
    parent = module(position)
    (place, *_) = parent["build_module_blueprint"]["applet_placements"]
    made: Documents = {
        "applet_request": applet_request_of(parent["build_module_blueprint"], place),
        "module_lo_brief_enriched": parent["module_lo_brief_enriched"],
        "approved_objective": parent["approved_objective"],
        "scope": "applet",
    }
    codes = parent["derive_module_lo"]["lo_codes"]
    made["curriculum_context"], made["kb_evidence"] = join_curriculum(knowledge(), request(), codes)
    made["derive_applet_lo"] = drafted("derive_applet_lo", "app_review", made)
    made["research_deep_synthesis"] = drafted("research_deep", "app_review", made)
    made["build_applet_screens"] = drafted("build_blueprint", "app_review", made)
    return made


def module_input(position: int = 1) -> Documents:
    """What scorers of a module are given; a copy to be changed."""
    made = module(position)
    return copy.deepcopy(
        {
            "build_module_blueprint": made["build_module_blueprint"],
            "research_deep_synthesis": made["research_deep_synthesis"],
            "module_lo_brief_enriched": made["module_lo_brief_enriched"],
            "content_type": made["build_module_blueprint"]["content_type"],
            "scope": "module",
            "lesson_minutes": request()["lesson_minutes"],
            "grade": request()["grade"],
        }
    )


def applet_input(position: int = 1) -> Documents:
    """What scorers of an applet are given; a copy to be changed."""
    made = applet(position)
    return copy.deepcopy(
        {
            "build_applet_screens": made["build_applet_screens"],
            "research_deep_synthesis": made["research_deep_synthesis"],
            "module_lo_brief_enriched": made["module_lo_brief_enriched"],
            "content_type": made["derive_applet_lo"]["applet_type"],
            "scope": "applet",
        }
    )
