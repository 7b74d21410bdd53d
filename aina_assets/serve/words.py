"""Words of the pages: what the loop's codes say to a person.

Belongs here: a sentence for every code that a page can show. Stays out: what a code means to the
planner (``learner.planner``) or to the evaluator (``practice``).

A code without a sentence of its own is shown as its name, never left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aina_assets.contracts.curriculum import (
    Check,
    FiguresCheck,
    ItemsCheck,
    ReferencesCheck,
    SectionCheck,
    TableCheck,
    TermsCheck,
)
from aina_assets.contracts.learner import (
    AiUsage,
    Constraint,
    EventType,
    Goal,
    LearnerSeniority,
    WorkStatus,
)
from aina_assets.contracts.practice import NextStep, Outcome

AI_USAGE: Mapping[AiUsage, str] = {
    AiUsage.NEVER: "I have never used it",
    AiUsage.TRIED: "I have tried it a few times",
    AiUsage.WEEKLY: "I use it most weeks",
    AiUsage.DAILY: "I use it every working day",
    AiUsage.BUILDS: "I build or set up things with it for others",
}
CONFIDENCE: Mapping[int, str] = {
    1: "Not at all sure",
    2: "A little sure",
    3: "Fairly sure",
    4: "Sure",
    5: "Very sure",
}
GOALS: Mapping[Goal, str] = {
    Goal.UNDERSTAND: "Understand what it can and cannot do",
    Goal.SAVE_TIME: "Save time",
    Goal.RAISE_QUALITY: "Do better work",
    Goal.REDESIGN_WORK: "Change how my work is done",
    Goal.LEAD_OTHERS: "Guide others in using it",
    Goal.CHANGE_ROLE: "Move into other work",
}
CONSTRAINTS: Mapping[Constraint, str] = {
    Constraint.NO_AI_TOOLS_ALLOWED: "No AI tools are allowed where I work",
    Constraint.APPROVED_TOOLS_ONLY: "Only approved tools are allowed",
    Constraint.CONFIDENTIAL_MATERIAL: "My material is confidential",
    Constraint.REGULATED_WORK: "My work is regulated",
    Constraint.NO_BUDGET: "There is no budget for tools",
    Constraint.SHARED_DEVICE: "I share my device with others",
}
STATUS: Mapping[WorkStatus, str] = {
    WorkStatus.WORKING: "Working",
    WorkStatus.SEEKING: "Looking for work",
    WorkStatus.RETIRED: "Retired",
    WorkStatus.STUDYING: "Studying",
}
SENIORITY: Mapping[LearnerSeniority, str] = {
    LearnerSeniority.ENTRY: "Starting out",
    LearnerSeniority.PROFESSIONAL: "Experienced",
    LearnerSeniority.MANAGER: "Managing others",
    LearnerSeniority.EXECUTIVE: "Leading an organisation or a large part of it",
    LearnerSeniority.FOUNDER: "Founder or owner",
}
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.PASS: "Passed",
    Outcome.PARTIAL: "Not yet: parts of it are there",
    Outcome.FAIL: "Not yet",
    Outcome.UNSAFE: "Stopped: it holds text that must not be handed in",
}
NEXT_STEPS: Mapping[NextStep, str] = {
    NextStep.ADVANCE: "Go on to your next step.",
    NextStep.REVISE: "Revise what is missing, and hand it in again.",
    NextStep.REDO: "Work through the exercise again, then hand it in anew.",
    NextStep.REMOVE_UNSAFE_TEXT: "Take that text out, then hand it in again.",
}
EVENTS: Mapping[EventType, str] = {
    EventType.ASSESSMENT_STARTED: "you began the assessment",
    EventType.ASSESSMENT_COMPLETED: "you completed the assessment",
    EventType.READINESS_REPORT_VIEWED: "you read your readiness report",
    EventType.CURRICULUM_PLAN_CREATED: "a plan was made",
    EventType.MODULE_EXPOSED: "a module was shown to you",
    EventType.LESSON_STARTED: "you started a lesson",
    EventType.PRACTICE_SUBMITTED: "you handed in an exercise",
    EventType.EVALUATOR_COMPLETED: "your exercise was graded",
    EventType.MASTERY_GATE_PASSED: "you passed the module's gate",
    EventType.MASTERY_GATE_FAILED: "you did not pass the module's gate yet",
    EventType.CONFIDENCE_UPDATED: "you rated your confidence anew",
    EventType.GOAL_UPDATED: "you changed your goals",
    EventType.TOOL_STACK_UPDATED: "you changed your tools",
}
TIERS: Mapping[str, str] = {
    "former_title": "Read as the work you did",
    "exact": "An occupation's own title",
    "alias": "A known title of one occupation",
    "normalised": "A known title, once cut or written out",
    "function": "A group of occupations with one function",
    "archetype": "A broad kind of work",
    "llm": "A language model",
    "unresolved": "Left open",
}
PARTS: Mapping[str, str] = {
    "usage": "How you use AI today",
    "confidence": "How sure you are",
    "tools": "Tools you have",
    "proven": "What you have proven here",
}
SCORE_PARTS: Mapping[str, str] = {
    "match": "fits your work",
    "importance": "matters in your work",
    "applicability": "AI is seen to apply",
    "value": "serves your goal",
    "affordability": "fits your time",
    "ease": "is the next step up",
    "confidence": "is well supported",
    "risk_penalty": "carries risk",
}
_CODES: Mapping[str, str] = {
    "doubts_own_use": "You use AI but are not sure of it, so you start one level lower.",
    "standing_is_said_not_proven": "Your level rests on what you told us; nothing is proven yet.",
    "practice_without_tools": "Exercises are done without AI tools, as none are allowed.",
    "module_for_this_workflow": "It teaches what this piece of your work needs.",
    "module_for_the_whole_family": "It suits everyone in your kind of work.",
    "pain_named": "You named this as something that costs you time.",
    "importance_unknown": "How much this piece of work matters in your role is not known.",
    "no_evidence_of_use": "No source has observed or rated AI on this piece of work.",
    "evidence_of_use": "Sources have observed or rated AI on this piece of work.",
    "measures_disagree": "The sources disagree about how far AI applies here.",
    "to_be_redone": "You handed it in, and it has not passed yet.",
    "below_standing": "It is below the level on which you stand.",
    "no_module_is_open": "No module is open to you at the moment.",
    "no_family": "We could not settle which kind of work is yours.",
    "no_role": "No single occupation was sure enough to be served.",
    "already_mastered": "You have mastered it.",
}
_READING: Mapping[str, str] = {
    "known_title:exact": "a known title, as written",
    "known_title:alias": "a known other title of it",
    "known_title:core": "a known title within yours",
    "known_title:inverted": "a known title, turned round",
    "known_title:reordered": "a known title in another order",
    "known_title:expanded": "a known title, written out",
    "known_title:level_cut": "a known title, without its rank",
    "known_title:bracketless": "a known title, without its brackets",
    "known_title_and_model_disagree": "title and words point to different work",
    "unknown_title": "the title is in none of our lists",
    "ambiguous_title": "several occupations have this title",
    "statistical_match": "placed by its words",
    "below_every_threshold": "no reading was sure enough",
    "no_common_group": "they share no group",
    "occupation_outside_icp": "that occupation is outside what we teach",
    "every_named_occupation_outside_icp": "all of them are outside what we teach",
    "group_partly_in_icp": "part of the group is outside what we teach",
    "served_at:onet_soc": "taken as one occupation",
    "served_at:detailed": "taken as one occupation",
    "served_at:broad": "taken as a group of occupations",
    "served_at:minor": "taken as a group of occupations",
    "served_at:major": "taken as a broad kind of work",
    "serve_with_fallback": "open",
    "multi_llm_adjudication_required": "needs another look",
    "exclude_or_not_icp": "outside what we teach",
    "onet_soc": "one occupation",
    "detailed": "one occupation",
    "broad": "a group of occupations",
    "minor": "a group of occupations",
    "major": "a broad kind of work",
}
"""What the resolver's codes say, those of levels where they stand in brackets."""
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)*:[a-z_]+|[a-z]+(?:_[a-z]+)+|(?<=\()[a-z]+(?=\))")
_WITH_VALUE: Mapping[str, str] = {
    "title": "How we came by your role: {value}.",
    "standing": "You stand on level {value}.",
    "role": "Your role is read as {value}.",
    "not_passed": "Not passed yet: {value}.",
    "mastered": "Mastered: {value}.",
    "role_trusted_to": "We trust the reading of your role to {value} of 1.",
    "risk": "A mistake here would be costly: risk is {value}.",
    "tier": "By how your role was read: {value}.",
    "requires": "It needs these first: {value}.",
    "status": "Because of your situation ({value}), some levels are closed.",
    "constraint": "A limit you named applies: {value}.",
    "no_family": "We could not settle which kind of work is yours.",
}


def asked(check: Check) -> str:
    """What ``check`` asks of its section."""
    match check:
        case SectionCheck():
            return f"at least {check.min_words} words"
        case ItemsCheck():
            return f"a list of at least {check.min_items}"
        case TableCheck():
            columns = ", ".join(check.columns)
            return f"a table with the columns {columns} and at least {check.min_rows} rows"
        case FiguresCheck():
            return f"at least {check.min_count} figures"
        case ReferencesCheck():
            return f"at least {check.min_count} sources, as a link or in backticks"
        case TermsCheck():
            return f"at least {check.min_count} of: {', '.join(check.any_of)}"


def chance(share: float) -> str:
    """A probability as people say it; nothing is certain."""
    return "more than 99 of 100" if share > 0.99 else f"{round(100 * share)} of 100"


def reason(codes: str) -> str:
    """Reasons of the resolver, written out as far as they are codes."""

    def written(found: re.Match[str]) -> str:
        code = found[0]
        return _READING.get(code, code.replace("_", " ").replace(":", ": "))

    return _CODE.sub(written, codes)


def said(code: str) -> str:
    """What ``code`` says to a person."""
    if code in _CODES:
        return _CODES[code]
    name, colon, value = code.partition(":")
    if colon and name in _WITH_VALUE:
        return _WITH_VALUE[name].format(value=_value(name, value))
    return f"{reason(code).capitalize()}."


def of(words: Mapping[Any, str], code: str) -> str:
    """The words of ``code`` in ``words``."""
    return words.get(code, code.replace("_", " "))


def _value(name: str, value: str) -> str:
    if name == "title":
        return TIERS.get(value, value).casefold()
    if name == "constraint":
        return of(CONSTRAINTS, value).casefold()
    if name == "status":
        return of(STATUS, value).casefold()
    return value.replace("_", " ").replace(",", ", ")
