"""Drafts of a module by rule: its objective, its spine, three enrichments, the blueprint.

Belongs here: which slides a module has and what stands on each. A component takes four slides, so
that support goes down step by step: a case on the model, a commitment, the conflict or the missing
step, a task alone. Words are named only after what they name was worked on. A task that can be
computed is on its slide worked out, with its steps, their reasons and its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rapidfuzz import fuzz

from aina_assets.authoring.compiling import merged_slides
from aina_assets.authoring.config import Configuration
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.draft_chapter import content_type
from aina_assets.authoring.draft_research import answers_of, model_for
from aina_assets.authoring.fraction_tasks import (
    DENOMINATORS,
    NOT_COMPUTED,
    Printed,
    Task,
    denominators_of,
    printed_in,
    tasks_of,
)
from aina_assets.authoring.pacing import shared_minutes
from aina_assets.authoring.phrases import capital, clause, listed, lower, sentence, shortened
from aina_assets.authoring.reading import content_words, gives_answer, names_term
from aina_assets.authoring.rules import AuthoringRules

Inputs = Mapping[str, Any]

_LESSON_MINUTES = "lesson_minutes"
_MAX_WORDS = 45
_MAX_EXIT_WORDS = 60
"""An exit question has a task of every component; longer than this it is a wall of text."""
_TERMS_EACH = 2


def module_lo(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """MODULE_LO: objective and components of the request's codes, afresh from the curriculum."""
    context = inputs["curriculum_context"]
    objectives = context["learning_objectives"]
    head = objectives[0] if objectives else None
    if head is None:
        title = inputs["module_request"]["title"]
        statement = f"Decide which method a task needs: {lower(title)}"
        parts = [("decide", statement, "module_request", title)]
    else:
        parts = [
            (part["bloom_verb"], part["statement"], part["component_id"], part["statement"])
            for one in objectives
            for part in one["components"]
        ] or [
            (one["bloom_verb"], one["statement"], one["lo_code"], one["statement"])
            for one in objectives
        ]
    return {
        "module_lo": head["statement"] if head else parts[0][1],
        "lo_components": [
            {
                "statement": statement,
                "bloom_verb": verb,
                "visual_treatment": f"Students see on the {_planned_model(inputs, statement)} what"
                f" it is to {clause(statement)}, with the whole in view throughout.",
            }
            for verb, statement, _, _ in parts
        ],
        "prerequisite_chain": [
            {
                "lo_code": one["lo_code"],
                "what": one["components"][-1]["statement"]
                if one["components"]
                else one["statement"],
                "needed_for_component": 0,
            }
            for one in context["prerequisites"]
        ],
        "content_type": content_type(head["bloom_verb"]) if head else "practice",
        "lo_codes": [one["lo_code"] for one in objectives],
        "derivation_evidence": [
            {"component_statement": statement, "source": source, "source_text": text}
            for _, statement, source, text in parts
        ],
        "notes": "Drafted by rule from the components of the knowledge base."
        + (" One component only: the knowledge base has no more." if len(parts) == 1 else ""),
    }


def _planned_model(inputs: Inputs, statement: str) -> str:
    """Name of the model on which a component is seen: planned, and of its own objective.

    Of several the one that the component names, with half of its words or more, else the first.
    Where none was planned, the models of the knowledge base stand in for the plan.
    """
    context = inputs["curriculum_context"]
    rows = context["visual_representations"]
    codes = {
        part["statement"]: one["lo_code"]
        for one in context["learning_objectives"]
        for part in one["components"]
    }
    by_name = {row["name"]: row for row in rows}
    planned = [
        by_name[name]
        for name in inputs["module_request"].get("pedagogical_models") or ()
        if name in by_name
    ]
    some = planned or rows
    own = [row for row in some if codes.get(statement) in row["lo_codes"]] or some
    words = content_words(statement)
    named = [row for row in own if _is_half_in(content_words(row["name"]), words)]
    best = next(iter(named or own), None)
    return lower(best["name"]) if best else "drawing of the whole"


def _is_half_in(some: set[str], words: set[str]) -> bool:
    return bool(some) and 2 * len(some & words) >= len(some)


# ------------------------------------------------------------------------------------------- spine

_UP_TO = re.compile(r"\bdenominators? up to (\d{1,3})\b", re.IGNORECASE)
_MOST = 24
_TASKS_EACH = 6
# Places of a component's tasks: worked out in full, with a gap, tested, alone, mixed, at the end.
_FULL, _PART, _TESTED, _ALONE, _MIXED, _EXIT = range(_TASKS_EACH)


@dataclass(frozen=True)
class _Plan:
    """What a module is drafted from.

    Attributes:
        wrong: misconception met on each component; none where there is none.
        models: model that carries each component; ``second``: the one set against the first.
        binding: the surest interactive, with the component that it is about.
    """

    brief: Mapping[str, Any]
    synthesis: Mapping[str, Any]
    wrong: Mapping[int, Mapping[str, Any]]
    models: Sequence[Mapping[str, Any] | None]
    second: Mapping[str, Any] | None
    binding: tuple[int, Mapping[str, Any]] | None

    @classmethod
    def of(cls, inputs: Inputs) -> _Plan:
        brief, synthesis = inputs["module_lo_brief_enriched"], inputs["research_deep_synthesis"]
        by_id = {one["misconception_id"]: one for one in synthesis["misconceptions"]}
        wrong = {
            one["component_index"]: by_id[one["misconception_id"]]
            for one in synthesis["lo_misconceptions"]
            if one["misconception_id"] in by_id
        }
        known = synthesis["visual_models"]
        models = [model_for(part, known) for part in brief["derived"]["lo_components"]]
        used = [model for model in models if model is not None]
        other = (model for model in (*used, *known) if model["vir_id"] != used[0]["vir_id"])
        bindings = [
            (one["component_index"], binding)
            for one in synthesis["lo_components_enrichment"]
            for binding in one["resource_bindings"]
            if binding["confidence"] == "high"
        ]
        return cls(
            brief,
            synthesis,
            wrong,
            models,
            next(other, None) if used else None,
            bindings[0] if bindings else None,
        )

    @property
    def components(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.brief["derived"]["lo_components"]
        return found

    @property
    def new_terms(self) -> list[Mapping[str, Any]]:
        return [
            one for one in self.synthesis["vocabulary_status"] if one["status"] != "kb_prerequisite"
        ]

    @property
    def main(self) -> Mapping[str, Any] | None:
        return self.models[0] if self.models else None

    def model(self, place: int) -> Mapping[str, Any] | None:
        return self.models[place] if place < len(self.models) else self.main

    def model_name(self, place: int) -> str:
        model = self.model(place)
        return lower(model["name"]) if model else "drawing of the whole"

    @cached_property
    def tasks(self) -> list[list[Task]]:
        """Tasks of each component that can be computed, none sharing a fraction with another."""
        said = _UP_TO.search(self.brief["derived"]["module_lo"])
        most = int(said[1]) if said else _MOST
        known = {
            one
            for wrong in self.synthesis["misconceptions"]
            for one in printed_in(wrong["diagnostic_item"])
        }
        drawn = [
            (self.model(place) or {}).get("good_for_denominators")
            for place in range(len(self.components))
        ]
        stated = [str(part["statement"]) for part in self.components]
        # The exit question first: its numbers stand on no other slide.
        last: list[Task] = []
        for statement in stated:
            last += tasks_of(statement, 1, None, most, last, known)
        kept = {one for task in last for one in task.fractions}
        found, used, ends = [], list(last), iter(last)
        for statement, some in zip(stated, drawn, strict=True):
            own = tasks_of(statement, _ALONE, some, most, used, kept)
            # What is done without a drawing need not suit one.
            own += tasks_of(statement, _EXIT - _ALONE, None, most, [*used, *own], kept)
            used += own
            found.append([*own, *([next(ends)] if own else [])])
        return found

    @property
    def exit_fractions(self) -> set[Printed]:
        """Fractions of the exit question's tasks."""
        return {one for own in self.tasks for task in own[_EXIT:] for one in task.fractions}

    def solution(self, place: int, which: int) -> Document:
        """The solution of one of a component's tasks, or word that it cannot be computed."""
        statement = str(self.components[place]["statement"])
        own = self.tasks[place]
        return solved(own[which], statement) if which < len(own) else unsolved(statement)

    def item(self, place: int) -> list[Document]:
        """The solution of the question on which a component's misconception answers wrongly."""
        wrong = self.wrong.get(place)
        if wrong is None:
            return []
        task, correct, _ = answers_of(wrong["diagnostic_item"])
        return [
            {
                "statement": task,
                "method": f"as the knowledge base answers {wrong['misconception_id']}",
                "steps": [
                    {
                        "step": sentence(wrong["response"]),
                        "reason": "It is set against the belief that"
                        f" {clause(wrong['statement'])}.",
                    }
                ],
                "answer": correct,
                "source": "knowledge_base",
            }
        ]


# “By n” and “by two fractions” say what is worked with; a method is an act, or a known thing.
_METHOD = re.compile(r"\b(by (?:\w+ing|the|an?)\b.*)")


def solved(task: Task, statement: str) -> Document:
    """A task as it stands on a slide or screen: question, steps with reasons, answer.

    Args:
        task: what was worked out.
        statement: of the component, whose method it is worked by.
    """
    by = _METHOD.search(statement.rstrip("."))
    return {
        "statement": task.statement,
        "method": by[1] if by else clause(statement),
        "steps": [{"step": step, "reason": reason} for step, reason in task.steps],
        "answer": task.answer,
        "source": "computed",
    }


def unsolved(statement: str) -> Document:
    """Word that no step of a component's tasks can be computed."""
    return {
        "statement": sentence(statement),
        "method": NOT_COMPUTED,
        "steps": [],
        "answer": "",
        "source": "not_computed",
    }


def told_solutions(solutions: Iterable[Mapping[str, Any]]) -> str:
    """Solutions in the teacher's words, each with its answer."""
    return " ".join(_told(one) for one in solutions)


def _told(solution: Mapping[str, Any]) -> str:
    if not solution["steps"]:
        return str(solution["method"])
    steps = " ".join(
        f"({number}) {one['step']} Reason: {lower(one['reason'])}"
        for number, one in enumerate(solution["steps"], 1)
    )
    return f"Task: {solution['statement']} Steps: {steps} Answer: {solution['answer']}."


def spine(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """The slides in order: role, idea, phase, support."""
    plan = _Plan.of(inputs)
    derived = plan.brief["derived"]
    bounds = rules.bounds
    slides = _opening(plan)
    for place in range(len(plan.components)):
        slides += _of_component(plan, place)
    close = 2
    extras = [_link(plan), _applet(plan), _mixed(plan)]
    for extra in extras:
        if len(slides) + len(extra) + close <= bounds.max_slides:
            slides += extra
    slides += _closing(plan)
    checked = slides[-1]["component_indexes"]
    pivot = next(
        (
            place
            for role in ("misconception_probe", "worked_example")
            for place, slide in enumerate(slides)
            if slide["slide_role"] == role
        ),
        2,
    )
    for number, slide in enumerate(slides, 1):
        slide["slide_no"] = number
        if number == pivot + 2:
            slide["tags"] = {**slide["tags"], "pivotal": True}
    phases = ("concrete", "pictorial", "abstract", "bridge")
    used = {
        phase: [slide["slide_no"] for slide in slides if slide["cpa_phase"] == phase]
        for phase in phases
    }
    absent = [phase for phase in phases if not used[phase]]
    return {
        "lo": derived["module_lo"],
        "lo_components": derived["lo_components"],
        "content_type": derived["content_type"],
        "slides": slides,
        "trope_map": {},
        "cpa_summary": {
            **used,
            "absent_because": f"no model of the synthesis is {' or '.join(absent)}"
            if absent
            else "",
        },
        "kb_gaps": [_gap(gap) for gap in plan.synthesis["gaps"]]
        + [
            _not_at_the_end(plan, place, slides)
            for place in range(len(plan.components))
            if place not in checked
        ],
    }


def _not_at_the_end(plan: _Plan, place: int, slides: Sequence[Mapping[str, Any]]) -> Document:
    """Word that the exit question has no task of a component."""
    alone = [
        slide["slide_no"]
        for slide in slides
        if slide["slide_role"] == "independent_practice" and slide["component_indexes"] == [place]
    ]
    return {
        "kind": "component",
        "subject": str(plan.components[place]["statement"]),
        "where": [slides[-1]["slide_no"]],
        "provisional_choice": f"checked on slide {listed([str(one) for one in alone])}; the exit"
        " question has no task of it",
        "needs": "an exit task that is short enough to stand there"
        if plan.tasks[place]
        else "an exit task, worked out by a person",
    }


def _slide(
    role: str,
    section: str,
    title: str,
    idea: str,
    *,
    parts: Iterable[int],
    phase: str,
    support: str,
    tgar: str,
    link: str,
    mode: str = "whiteboard",
    varies: tuple[str, str] = ("the whole", "one number of the case"),
    ids: Sequence[str] = (),
    vir: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    solutions: Sequence[Document] = (),
) -> Document:
    made = {
        "slide_no": 0,
        "section": section,
        "slide_role": role,
        "title": title,
        "component_indexes": list(parts),
        "cpa_phase": phase,
        "variation": {"invariant": varies[0], "variant": varies[1]},
        "misconception_ids": list(ids),
        "vir_id": vir["vir_id"] if vir else "",
        "tropes": [],
        "response_mode": mode,
        "scaffolding_level_per_slide": support,
        "tgar_role_per_slide": tgar,
        "major_idea_per_slide": idea,
        "transition_from_previous": sentence(link),
        "tags": dict(tags or {}),
    }
    return made | ({"worked_solutions": list(solutions)} if solutions else {})


def _opening_place(plan: _Plan) -> int:
    """The component with whose claim a module opens: one that can be read without a new term."""
    terms = [one["term"] for one in plan.new_terms]
    readable = (
        place
        for place in sorted(plan.wrong)
        if not any(names_term(plan.wrong[place]["statement"], term) for term in terms)
    )
    first = min(plan.wrong, default=len(plan.components) - 1)
    return next(readable, first)


def _opening(plan: _Plan) -> list[Document]:
    before = plan.brief.get("predecessor")
    came = f"“{before['module_title']}”" if before else "The chapter before"
    place = _opening_place(plan)
    first = plan.wrong.get(place)
    idea = first["statement"] if first else f"What does it take to {clause(_goal(plan))}?"
    needed = plan.synthesis.get("prerequisites_to_reactivate") or []
    what = needed[0]["what"] if needed else "what the earlier module ended with"
    return [
        _slide(
            "hook",
            "opening",
            "Who is right?",
            f"Open question: {sentence(idea)}",
            parts=[place],
            phase=_phase(plan),
            support="guided",
            tgar="trigger",
            link=f"{came} ended with a case that could be settled; this one cannot yet.",
            ids=[first["misconception_id"]] if first else [],
            solutions=[] if first else [plan.solution(place, _MIXED)],
        ),
        _slide(
            "retrieval",
            "retrieval",
            "From memory",
            f"Needed today: {clause(what)}.",
            parts=[0],
            phase=_phase(plan),
            support="independent",
            tgar="ground",
            mode="written",
            link="The claim of slide 1 stays open; settling it needs something students know.",
            tags={"retrieval_of": needed[0]["lo_code"]} if needed else {},
            solutions=[_retrieved(plan, what)] if needed else (),
        ),
    ]


def _retrieved(plan: _Plan, what: str, which: int = 1) -> Document:
    """The solution of a task on what an earlier module taught."""
    known = [task for own in plan.tasks for task in own]
    found = tasks_of(what, _TASKS_EACH, used=known, avoided=plan.exit_fractions)
    return solved(found[min(which, len(found) - 1)], what) if found else unsolved(what)


def _of_component(plan: _Plan, place: int) -> list[Document]:
    part, wrong, model = plan.components[place], plan.wrong.get(place), plan.model(place)
    ids = [wrong["misconception_id"]] if wrong else []
    statement = clause(part["statement"])
    shows = sentence(model["shows"]) if model else "What belongs to the whole stays in view."
    is_worked = bool(plan.tasks[place])
    reasons = "One reason is missing" if is_worked else "A reason for each step"
    second = {
        "role": "misconception_probe" if wrong else "worked_example",
        "title": "Commit yourself" if wrong else reasons,
        "idea": f"A case on which it matters: {clause(wrong['statement'])}."
        if wrong
        else f"Each step of a solution has its reason: {statement}.",
    }
    common: dict[str, Any] = {"parts": [place], "vir": model}
    return [
        _slide(
            "worked_example" if wrong and is_worked else "concept_development",
            "development", f"A case to start from, part {place + 1}", shows,
            phase=_phase(plan, place), support="full", tgar="ground",
            solutions=[plan.solution(place, _FULL)],
            link="The part before was done alone; the next one starts from a case that can be seen."
            if place
            else "What students called up is now seen on a model, one case at a time.",
            **common,
        ),
        _slide(
            second["role"], "development", second["title"], second["idea"], phase="pictorial",
            support="partial", tgar="ground", ids=ids, mode="written",
            solutions=plan.item(place) or [plan.solution(place, _PART)],
            link="The case of the last slide could be read off; in this one the eye is not enough.",
            **common,
        ),
        _slide(
            "guided_practice", "development", "Test it on the drawing",
            f"The drawing decides between two answers, and the numbers record it: {statement}.",
            phase="bridge", support="guided", tgar="ground", ids=ids,
            solutions=[*plan.item(place), plan.solution(place, _TESTED)],
            varies=("the model", "the answer that is drawn"),
            link="Students have committed to an answer; the drawing shows what follows from it.",
            **common,
        ),
        _slide(
            "independent_practice", "development", "Alone, with new numbers",
            f"It holds for other numbers too: {statement}.", phase="abstract",
            support="independent", tgar="apply", ids=ids, mode="written",
            varies=("the relation", "range: a case at its edge"),
            link="One case is settled by drawing; whether it was a special one is still open.",
            parts=[place], tags={"checks": [place]}, solutions=[plan.solution(place, _ALONE)],
        ),
    ]  # fmt: skip


def _link(plan: _Plan) -> list[Document]:
    if plan.main is None or plan.second is None:
        return []
    one, other = plan.main, plan.second
    return [
        _slide(
            "discussion", "consolidation", "One case, two pictures",
            f"The same case on the {lower(one['name'])} and on the {lower(other['name'])}:"
            f" {clause(other['shows'])}.",
            parts=range(len(plan.components)), phase="bridge", support="guided", tgar="reflect",
            solutions=[_on_both(plan, one, other)], mode="oral_pair", vir=other,
            varies=("the case", "the representation"),
            link="Each part so far stood on a model of its own; one case stands on two now."
            if len({model["vir_id"] for model in plan.models if model}) > 1
            else "Every case so far stood on one model; whether that matters is asked now.",
        )
    ]  # fmt: skip


def _on_both(plan: _Plan, one: Mapping[str, Any], other: Mapping[str, Any]) -> Document:
    """The first case where both models can show its numbers, else a case that both can show."""
    if not plan.tasks[0]:
        return plan.solution(0, _FULL)
    both = set(DENOMINATORS)
    for model in (one, other):
        both &= set(model.get("good_for_denominators") or both)
    first, statement = plan.tasks[0][_FULL], str(plan.components[0]["statement"])
    if denominators_of(first) <= both or not both:
        return solved(first, statement)
    every = [task for own in plan.tasks for task in own]
    found = tasks_of(statement, 1, both, max(both), every, plan.exit_fractions)
    return solved(found[0] if found else first, statement)


def _applet(plan: _Plan) -> list[Document]:
    if plan.binding is None:
        return []
    place, binding = plan.binding
    title = binding["activity_title"]
    common: dict[str, Any] = {
        "parts": [place],
        "phase": "pictorial",
        "support": "guided",
        "vir": plan.model(place),
    }
    return [
        _slide(
            "discussion", "consolidation", "Before the tablets", "A prediction can be tested.",
            tgar="apply", mode="written",
            link="Cases drawn by hand are few; many are needed to be sure.", **common,
        ),
        _slide(
            "applet_placeholder", "consolidation", title, f"Many cases in a row: {title}.",
            tgar="apply", mode="device", varies=("the whole", "range: many cases"),
            link="The prediction is written; it is tested now.",
            tags={"paper_version": "draw four cases by hand"}, **common,
        ),
        _slide(
            "discussion", "consolidation", "What came out",
            "What was found is compared with what was predicted.", tgar="reflect", mode="written",
            link="Every pair has results; they are compared with the predictions.", **common,
        ),
    ]  # fmt: skip


def _mixed(plan: _Plan) -> list[Document]:
    solutions, checks = _mixed_tasks(plan)
    every = list(range(len(plan.components)))
    return [
        _slide(
            "independent_practice", "consolidation", "Which way fits?",
            "Tasks of several kinds stand together, and the way to do each has to be chosen.",
            parts=checks or every, phase="bridge", support="independent", tgar="apply",
            mode="written", varies=("the relation", "range: mixed cases"),
            solutions=solutions,
            link="Until now each task came with its method; now the method has to be found.",
            tags={"checks": checks} if checks else {},
        )
    ]  # fmt: skip


def _mixed_tasks(plan: _Plan) -> tuple[list[Document], list[int]]:
    """A task of an earlier module and those of the components for which there is room.

    Returns:
        Their solutions, and the components that have a task there.
    """
    needed = plan.synthesis.get("prerequisites_to_reactivate") or []
    early = [_retrieved(plan, one["what"], 2) for one in needed[-1:]]
    places = [*([None] * len(early)), *reversed(range(len(plan.components)))]
    solutions = [*early, *(plan.solution(one, _MIXED) for one in places if one is not None)]
    asked = [(one, at) for at, one in zip(places, solutions, strict=True) if _is_computed(one)]
    if all(at is None for _, at in asked):
        return [one for one in solutions if not _is_computed(one)], []
    is_early = any(at is None for _, at in asked)
    standing = _room_for([one for one, _ in asked], *_mixed_frame(is_early=is_early), _MAX_WORDS)
    stand = [asked[i] for i in standing]
    return [one for one, _ in stand], sorted(at for _, at in stand if at is not None)


def _mixed_frame(*, is_early: bool) -> tuple[str, str]:
    """What stands before and behind the mixed tasks."""
    early = "; the first is of an earlier module" if is_early else ""
    return f"Choose a way for each{early}.", "Why?"


def _is_computed(solution: Mapping[str, Any]) -> bool:
    return bool(solution["source"] == "computed")


def _closing(plan: _Plan) -> list[Document]:
    every = range(len(plan.components))
    last = _checked_at_the_end(plan)
    behind = plan.brief.get("successor")
    to = f" It is where “{behind['module_title']}” begins." if behind else ""
    return [
        _slide(
            "summary", "close", "What holds now", f"{_goal(plan)}.{to}", parts=every,
            phase="bridge", support="guided", tgar="reflect", mode="oral_pair", vir=plan.main,
            link="Every part was worked on alone; together they answer the question of slide 1.",
        ),
        _slide(
            "exit_question", "close", "Alone, and back to slide 1", _goal(plan) + ".", parts=last,
            phase="abstract", support="independent", tgar="reflect", mode="written",
            varies=("the relation", "range: numbers that no slide has used"),
            link="The class has said it together; each student now shows it alone.",
            tags={"checks": last},
            solutions=[plan.solution(place, _EXIT) for place in last],
        ),
    ]  # fmt: skip


def _checked_at_the_end(plan: _Plan) -> list[int]:
    """Components with a task in the exit question; all where it asks for the objective itself."""
    places = [place for place, own in enumerate(plan.tasks) if own]
    solutions = [plan.solution(place, _EXIT) for place in places]
    stand = _room_for(solutions, *_exit_frame(plan), _MAX_EXIT_WORDS)
    return [places[one] for one in stand] or list(range(len(plan.components)))


def _exit_frame(plan: _Plan) -> tuple[str, str]:
    """What stands before and behind the tasks of the exit question."""
    verb = _goal(plan).split()[0].rstrip(",")
    what = "the claim" if plan.wrong else "your answer"
    is_told = verb.lower() in _TOLD_VERBS
    lead = f"{capital(verb)} each answer." if is_told else f"Your task: {lower(verb)}."
    return lead, f"Was {what} of slide 1 right?"


# What is done with an answer that was found; other verbs are what finding one takes.
_TOLD_VERBS = frozenset({"explain", "justify", "prove", "show"})


def _goal(plan: _Plan) -> str:
    return str(plan.brief["derived"]["module_lo"]).rstrip(".")


def _phase(plan: _Plan, place: int = 0) -> str:
    model = plan.model(place)
    found = model["cpa_phase"] if model else "pictorial"
    return found if found in ("concrete", "pictorial") else "pictorial"


# ------------------------------------------------------------------------------------- enrichments


def concepts(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """Words, definitions and conventions, each on the slide whose task needs it."""
    outline, synthesis = inputs["blueprint_spine"], inputs["research_deep_synthesis"]
    slides = outline["slides"]
    plan = _term_plan(slides, outline["lo_components"], synthesis)
    friends = {one["term"]: one["false_friend"] for one in synthesis.get("translation_notes") or ()}
    states: dict[int, list[Document]] = {}
    for entry in plan:
        known = next(one for one in synthesis["vocabulary_status"] if one["term"] == entry["term"])
        for step in entry["steps"]:
            if step["level"] == "informal":
                continue
            is_named = step["level"] == "named"
            states.setdefault(step["slide_no"], []).append(
                {
                    "term": entry["term"],
                    "level": step["level"],
                    "definition": "" if is_named else known["definition"],
                    "convention_id": "",
                    "false_friend_warning": friends.get(entry["term"], "") if is_named else "",
                }
            )
    shown = [slide for slide in slides if slide["section"] == "development"] or slides
    return {
        "slides": [
            {
                "slide_no": slide["slide_no"],
                "statements": [slide["major_idea_per_slide"]],
                "vocabulary_on_this_slide": {"terms": states.get(slide["slide_no"], [])},
            }
            for slide in slides
        ],
        "vocabulary_introduction_plan": plan,
        "convention_requirements": [
            {
                "convention_id": one["convention_id"],
                "slides": [shown[0]["slide_no"]],
                "show": one["delivery_form"],
                "avoid": "; ".join(str(form) for form in one["other_forms"]) or "mixed forms",
            }
            for one in synthesis["conventions_flags"]
        ],
        "kb_gaps": [],
    }


def _term_plan(
    slides: Sequence[Mapping[str, Any]],
    components: Sequence[Mapping[str, Any]],
    synthesis: Mapping[str, Any],
) -> list[Document]:
    """Each new term with its component: worked on, named, defined, used, a slide each."""
    by_part: dict[int, list[int]] = {}
    for slide in slides:
        if slide["section"] == "development":
            by_part.setdefault(slide["component_indexes"][0], []).append(slide["slide_no"])
    exits = [slide for slide in slides if slide["slide_role"] == "exit_question"]
    wrong = {one["misconception_id"]: one for one in synthesis["misconceptions"]}
    texts = {
        place: " ".join(
            [components[place]["statement"]]
            + [
                answers_of(wrong[one]["diagnostic_item"])[0]
                for slide in slides
                if slide["slide_no"] in numbers
                for one in slide["misconception_ids"]
                if one in wrong
            ]
        )
        for place, numbers in by_part.items()
    }
    new = [one for one in synthesis["vocabulary_status"] if one["status"] != "kb_prerequisite"]
    plan = []
    for term, place in _placed(new, texts):
        a, b, c, d = by_part[place][:4]
        has_definition = bool(term["definition"])
        steps = [(a, "informal"), (b, "named")] + (
            [(c, "defined"), (d, "used")] if has_definition else []
        )
        plan.append(
            {
                "term": term["term"],
                "vocabulary_id": term["vocabulary_id"],
                "first_slide": a,
                "steps": [{"slide_no": number, "level": level} for number, level in steps],
                "target_level": "used" if has_definition else "named",
                "checked_on": [d, *_asking_for(term["term"], exits)] if has_definition else [],
            }
        )
    return plan


def _asking_for(term: str, slides: Iterable[Mapping[str, Any]]) -> list[int]:
    """Slides with a task, or an idea where there is none, that has the term."""
    return [
        slide["slide_no"]
        for slide in slides
        if any(
            names_term(text, term)
            for text in [one["statement"] for one in _computed(slide)]
            or [slide["major_idea_per_slide"]]
        )
    ]


def _placed(
    terms: Sequence[Mapping[str, Any]], texts: Mapping[int, str]
) -> list[tuple[Mapping[str, Any], int]]:
    """Each term with the component that it is nearest to; the surest first, none with too many."""
    pairs = sorted(
        ((*_nearness(term, text), -number, -place) for number, term in enumerate(terms)
         for place, text in texts.items()),
        reverse=True,
    )  # fmt: skip
    found: dict[int, int] = {}
    for most in (_TERMS_EACH, len(terms)):
        for *_, number, place in pairs:
            if -number not in found and list(found.values()).count(-place) < most:
                found[-number] = -place
    return [(terms[number], place) for number, place in sorted(found.items())]


def _nearness(term: Mapping[str, Any], text: str) -> tuple[bool, float]:
    """How near a text is to a term: whether it has it, and how much it shares with its meaning."""
    meaning = f"{term['term']} {term['definition']}"
    words = content_words(meaning)
    shared = len(words & content_words(text)) / max(len(words), 1)
    return names_term(text, term["term"]), shared + fuzz.token_set_ratio(meaning, text) / 1_000


def engagement(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """What every student does, what is drawn, and where an applet stands."""
    outline, synthesis = inputs["blueprint_spine"], inputs["research_deep_synthesis"]
    slides = outline["slides"]
    models = {one["vir_id"]: one for one in synthesis["visual_models"]}
    wrong = {one["misconception_id"]: one for one in synthesis["misconceptions"]}
    used: dict[str, list[int]] = {}
    for slide in slides:
        if slide["vir_id"]:
            used.setdefault(slide["vir_id"], []).append(slide["slide_no"])
    order = list(used)
    placements = [
        {
            "slide_no": slide["slide_no"],
            "applet_lo": outline["lo_components"][slide["component_indexes"][0]]["statement"],
            "applet_type": "explore",
            "lead_in_slide": slide["slide_no"] - 1,
            "debrief_slide": slide["slide_no"] + 1,
            "why_interactive": "Students cause many cases quickly and see what stays; a still"
            " slide shows one.",
        }
        for slide in slides
        if slide["slide_role"] == "applet_placeholder"
    ]
    return {
        "slides": [_engaged(slide, models, wrong) for slide in slides],
        "visual_models": [
            {
                "vir_id": vir,
                "name": models[vir]["name"],
                "first_slide": used[vir][0],
                "slides": used[vir],
                "linked_to": models[order[place - 1]]["name"] if place else "",
            }
            for place, vir in enumerate(order)
        ],
        "applet_placements": placements,
        "video_placements": [],
        "kb_gaps": [],
    }


_ACTS = {
    "hook": "Write agree or disagree, and hold it up.",
    "bet": "Write the answer you would bet on, and hold it up.",
    "open": "Write what you expect, and hold it up.",
    "own": "Write a case of your own, and the reason of each step, pointing at the {model}.",
    "retrieval": "Write the answer from memory, then check it with a partner.",
    "concept_development": "Draw the {model}, label the whole W, and mark what stays.",
    "misconception_probe": "Write an answer and one reason, using the {model}.",
    "worked_example": "Write the reason that is missing, pointing at the {model}.",
    "guided_practice": "Draw the {model} for both answers and mark where they differ.",
    "independent_practice": "Write the answer and how one can tell.",
    "discussion": "Tell a partner what on the {model} shows it, and write one sentence.",
    "applet_placeholder": "Change the {model} in the applet and note four results.",
    "summary": "Say to a partner what holds, and show it on the {model}.",
    "exit_question": "Write the answer alone, with the reason.",
}


def _engaged(
    slide: Mapping[str, Any], models: Mapping[str, Any], wrong: Mapping[str, Any]
) -> Document:
    model = models.get(slide["vir_id"])
    name = lower(model["name"]) if model else "drawing"
    is_bet = slide["slide_role"] == "hook" and not slide["misconception_ids"]
    task = next(iter(_computed(slide)), None)
    role = ("bet" if task else "open") if is_bet else slide["slide_role"]
    if slide["scaffolding_level_per_slide"] == "full":
        role = "concept_development"
    is_own = role == "worked_example" and task is None
    act = _ACTS.get("own" if is_own else role, _ACTS["discussion"]).format(model=name)
    if slide["slide_role"] == "guided_practice" and not slide["misconception_ids"]:
        act = f"Draw the {name} for the task and write in numbers what it shows."
    if slide["title"] == "What came out":
        act = f"Write the result beside the prediction and show it on the {name}."
    said = [wrong[one] for one in slide["misconception_ids"] if one in wrong]
    correct, tempting = answers_of(said[0]["diagnostic_item"])[1:] if said else ("", "")
    probes = role in ("misconception_probe", "worked_example", "guided_practice")
    if not said and task:
        correct, tempting = task["answer"], ""
    return {
        "slide_no": slide["slide_no"],
        "student_action": act,
        "response_mode": slide["response_mode"],
        "visual_model_description": (
            f"{model['name']}, drawn large at the left, whole outlined and labelled W, equal parts"
            f" labelled a, b, c; what is marked is hatched. It shows: {clause(model['shows'])}."
            " The unknown has an empty box beside its part."
        )
        if model
        else "none",
        "expected_answers": [one for one in (correct, tempting) if one] if probes else [],
    }


def experience(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """Minutes, the teacher's part, and what a fast and a slow student do."""
    outline = inputs["blueprint_spine"]
    acts = {one["slide_no"]: one for one in inputs["enrichment_engagement"]["slides"]}
    synthesis = inputs["research_deep_synthesis"]
    wrong = {one["misconception_id"]: one for one in synthesis["misconceptions"]}
    slides, state = outline["slides"], inputs["pacing_state"]
    roles = [slide["slide_role"] for slide in slides]
    minutes = shared_minutes(roles, state[_LESSON_MINUTES], rules.pacing)
    settled = _settled(slides, wrong)
    return {
        "slides": [
            {
                "slide_no": slide["slide_no"],
                "teacher_action": _teacher(slide, acts.get(slide["slide_no"], {}), wrong)
                + (f" {settled}" if settled and slide["slide_role"] == "exit_question" else ""),
                "minutes": minutes[place],
                "transition_from_previous": slide["transition_from_previous"],
                "tropes": slide["tropes"],
                "faster": "Find a case at the edge of the range and explain it.",
                "slower": "Draw the model once more and keep it in sight.",
            }
            for place, slide in enumerate(slides)
        ],
        "trope_map": outline["trope_map"],
        "pacing_response": [
            {
                "slide_no": number,
                "guardrail": touched["guardrail"],
                "what_i_did": "the minutes were shared out again by role",
                "drop_first": "the mixed tasks",
            }
            for touched in state["touched"]
            for number in touched["slides"]
        ],
        "kb_gaps": [],
    }


def _settled(slides: Sequence[Mapping[str, Any]], wrong: Mapping[str, Any]) -> str:
    """What the teacher is told of the question with which the module opens; empty where nothing."""
    hook = next((slide for slide in slides if slide["slide_role"] == "hook"), None)
    if hook is None:
        return ""
    said = [wrong[one] for one in hook["misconception_ids"] if one in wrong]
    if said:
        claim = sentence(said[0]["statement"]).rstrip(".")
        return f"The claim of slide 1, “{claim}”, is false. {sentence(said[0]['response'])}"
    task = next(iter(_computed(hook)), None)
    return f"The answer to the question of slide 1 is {task['answer']}." if task else ""


def _teacher(slide: Mapping[str, Any], act: Mapping[str, Any], wrong: Mapping[str, Any]) -> str:
    role = slide["slide_role"]
    said = [wrong[one] for one in slide["misconception_ids"] if one in wrong]
    expected = act.get("expected_answers") or []
    wait = "Wait until everyone has written. Silence: ask what the whole is."
    if role == "hook":
        return (
            f"Ask for a written vote and settle nothing. {wait} Keep the votes for the last slide."
        )
    if role == "misconception_probe" and expected:
        tempting = f" Tempting: {expected[1]}; do not correct it yet." if expected[1:] else ""
        return f"Ask for the answer before any talk. {wait}{tempting} Answer: {expected[0]}."
    if role == "guided_practice" and said:
        return (
            f"{said[0]['response']} Ask how one knows. Who is unsure goes back two slides."
            f" Answer: {expected[0] if expected else 'what the drawing shows'}."
        )
    if role == "guided_practice":
        return f"Ask what the drawing decides, and how one knows. {wait} Who is unsure goes back."
    if role in ("independent_practice", "exit_question"):
        return (
            f"{wait} A sound reason names the whole and the parts; an unsound one names numbers"
            " alone. Oral, drawn and written answers count alike. Likeliest error: ask for the"
            " drawing."
        )
    if role == "retrieval":
        return f"{wait} Who cannot recall it draws it with a partner first."
    return f"Ask what changed and what stayed, and how one can tell. {wait}"


# --------------------------------------------------------------------------------------- blueprint


def blueprint(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """The finished plan: spine and enrichments merged, with every text written."""
    outline = inputs["blueprint_spine"]
    parts = (
        outline,
        inputs["enrichment_concepts"],
        inputs["enrichment_engagement"],
        inputs["enrichment_experience"],
    )
    plan = _Plan.of(inputs)
    words, media, flow = parts[1:]
    terms = words["vocabulary_introduction_plan"]
    merged = merged_slides(*parts)
    keys = ("statements", "expected_answers", "faster", "slower")
    slides = []
    for slide in merged:
        answer = slide.get("expected_answers", [])
        support = f" Fast: {slide['faster']} Slow: {slide['slower']}"
        done = {key: value for key, value in slide.items() if key not in keys}
        if slide["slide_role"] == "independent_practice":
            done["teacher_action"] += support
        done["on_slide_text"] = _text(slide, plan, terms)
        solutions = [
            one
            for one in slide.get("worked_solutions") or ()
            if one["source"] != "computed" or one["statement"] in done["on_slide_text"]
        ]
        if solutions:
            done["worked_solutions"] = solutions
            told = told_solutions(one for one in solutions if one["source"] != "knowledge_base")
            done["teacher_action"] = f"{done['teacher_action']} {told}".strip()
        else:
            done.pop("worked_solutions", None)
        shown = done["visual_model_description"]
        done["dev_notes"] = [
            "Text 4.5 to 1 and lines 3 to 1 against what lies behind; body text 24 points,"
            " numerals of fractions 20.",
            f"Alternative text: {shown}" if shown != "none" else "No picture, no alternative text.",
            "Print version: the same drawing without builds."
            if shown != "none"
            else "Print version: the same text.",
        ]
        done["teaching_sufficiency_note"] = _sufficient(done, answer)
        slides.append(done)
    kinds = {
        one["convention_id"]: one["kind"]
        for one in inputs["research_deep_synthesis"]["conventions_flags"]
    }
    conventions = [
        one | {"slides": _slides_with(one, kinds.get(one["convention_id"], ""), slides)}
        for one in words["convention_requirements"]
    ]
    for one in conventions:
        kind = kinds.get(one["convention_id"]) or "convention"
        for slide in slides:
            if slide["slide_no"] in one["slides"]:
                told = f"{capital(kind)} ({one['convention_id']}): {clause(one['show'])}."
                slide["dev_notes"].append(told)
    gaps = [*outline["kb_gaps"], *words["kb_gaps"], *media["kb_gaps"], *flow["kb_gaps"]]
    return {
        "lo": outline["lo"],
        "lo_components": outline["lo_components"],
        "content_type": outline["content_type"],
        "slides": slides,
        "applet_placements": media["applet_placements"],
        "video_placements": media["video_placements"],
        "visual_models": media["visual_models"],
        "trope_map": flow["trope_map"],
        "cpa_summary": outline["cpa_summary"],
        "textbook_alignment": [
            _aligned(one, plan, slides)
            for one in inputs["research_deep_synthesis"]["textbook_references"]
        ],
        "vocabulary_introduction_plan": terms,
        "convention_requirements": conventions,
        "kb_gaps": list({str(gap): gap for gap in gaps}.values()),
    }


def _slides_with(
    convention: Mapping[str, Any], kind: str, slides: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Slides on which students read what a convention is about.

    A term stands where one of its words does, a way to write where a fraction does: one beyond 1
    where the way is shown on such a one. Where none does, it is the slide that was planned for it,
    whose notes ask for it.
    """
    words = [one.strip() for one in str(convention["show"]).split(",")]
    is_beyond = any(one.value > 1 for one in printed_in(str(convention["show"])))

    def has(text: str) -> bool:
        if kind == "term":
            return any(names_term(text, word) for word in words)
        return any(one.value > 1 or not is_beyond for one in printed_in(text))

    found = [slide["slide_no"] for slide in slides if has(slide["on_slide_text"])]
    return found or list(convention["slides"])


def _aligned(
    reference: Mapping[str, Any], plan: _Plan, slides: Sequence[Mapping[str, Any]]
) -> Document:
    """Which slides work on what a passage treats: none where its objectives are not the module's.

    Of several objectives the passage has some: then it is the component with the nearest words.
    """
    codes = list(plan.brief["derived"].get("lo_codes") or ())
    shared = [code for code in codes if code in reference["lo_codes"]]
    others = [code for code in reference["lo_codes"] if code not in codes]
    more = f" Its part on {listed(others)} is not taught here." if others else ""
    treats = clause(reference["treats"])
    stated = [str(part["statement"]) for part in plan.components]
    places = set(range(len(stated)))
    if len(shared) < len(codes) and places:
        nearest = max(places, key=lambda i: (fuzz.token_set_ratio(treats, stated[i]), -i))
        places = {nearest}
    numbers = [
        slide["slide_no"]
        for slide in slides
        if slide["section"] == "development" and places & set(slide["component_indexes"])
    ]
    return {
        "textbook_ref_id": reference["textbook_ref_id"],
        "slides": numbers if shared else [],
        "state": ("partly" if others else "covered") if shared else "left_out",
        "reason": f"It belongs to {listed(shared)} and treats: {treats}.{more}"
        if shared
        else f"It belongs to no objective of this module; it treats: {treats}.",
    }


def _sufficient(slide: Mapping[str, Any], answers: Sequence[str]) -> str:
    solutions = slide.get("worked_solutions") or []
    if any(one["source"] == "not_computed" for one in solutions):
        return (
            "A task of this slide has no solution yet, as no rule can compute one; a person has to"
            " write it before anybody teaches from the slide."
        )
    if answers:
        return (
            "The answers stand in the teacher's part, with the reason of each step; a new teacher"
            " may stumble over a right answer that comes without one."
        )
    if solutions:
        return (
            "Each task is worked out with its reasons; a new teacher may stumble over ways that"
            " differ from it and are as sound."
        )
    return (
        "The question, what to wait for and the drawing are given; what students bring from the"
        " slides before is not known beforehand."
    )


def _text(slide: Mapping[str, Any], plan: _Plan, terms: Sequence[Mapping[str, Any]]) -> str:
    """What students read: few words, the task last, no term before it is named."""
    said = _said(slide, plan)
    unnamed = [
        term["term"]
        for term in terms
        if slide["slide_no"]
        < min(
            (step["slide_no"] for step in term["steps"] if step["level"] != "informal"),
            default=slide["slide_no"],
        )
    ]
    if any(names_term(said, term) for term in unnamed):
        said = _PLAIN_TEXT.get(slide["slide_role"], _PLAIN_TEXT["discussion"])
    own = [
        state["term"]
        for state in slide["vocabulary_on_this_slide"]["terms"]
        if state["level"] == "used"
    ]
    most = _MAX_EXIT_WORDS if slide["slide_role"] == "exit_question" else _MAX_WORDS
    if own and len(said.split()) + len(own) + 6 <= most:
        said = f"{said} Use the words: {', '.join(own)}."
    return shortened(said, most)


_PLAIN_TEXT = {
    "hook": "One claim, two opinions. Write agree or disagree. Which would you bet on?",
    "retrieval": "Answer from memory. Then show it on a drawing. What did you need?",
    "misconception_probe": "Two answers are possible here. Write yours first. How can you tell?",
    "independent_practice": "Choose new numbers. Do it alone. How can you tell that it is right?",
    "discussion": "Compare the two drawings. What is the same, and how can you tell?",
    "exit_question": "Choose numbers that no slide has used. Show your way. How can you tell?",
}


def _computed(slide: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Solutions of a slide's tasks that were computed."""
    return [one for one in slide.get("worked_solutions") or () if one["source"] == "computed"]


def _said(slide: Mapping[str, Any], plan: _Plan) -> str:
    role = slide["slide_role"]
    place = slide["component_indexes"][0] if slide["component_indexes"] else 0
    wrong = {one["misconception_id"]: one for one in plan.synthesis["misconceptions"]}
    said = [wrong[one] for one in slide["misconception_ids"] if one in wrong]
    tasks = _computed(slide)
    asked = tasks[0]["statement"] if tasks else ""
    model = plan.model_name(place)
    if role == "hook":
        if said:
            claim = sentence(said[0]["statement"])
            return f"A student makes a claim. “{claim}” Do you agree? Write agree or disagree."
        if not asked:
            return f"What does it take to {clause(_goal(plan))}? Write what you expect."
        return f"{asked} Two students disagree. Which answer would you bet on?"
    if role == "retrieval":
        needed = plan.synthesis.get("prerequisites_to_reactivate") or []
        what = needed[0]["what"] if needed else "Say what the last module ended with"
        return f"From memory: {asked or sentence(what)} How did you do it?"
    if slide["scaffolding_level_per_slide"] == "full":
        if not asked:
            return f"Look at the {model}. Name the whole. What changed? What stayed?"
        return f"Look at the {model}. {asked} Follow each step. Why does it hold?"
    if role == "misconception_probe" and said:
        return f"{answers_of(said[0]['diagnostic_item'])[0]} Write your answer first."
    if role == "worked_example":
        if not asked:
            own = sentence(plan.components[place]["statement"])
            return f"{own} Write a case of your own. Which step needs a reason?"
        first = tasks[0]["steps"][0]["step"]
        answers = tasks[0]["answer"], plan.solution(place, _TESTED)["answer"]
        if any(gives_answer(first, answer) for answer in answers):
            return f"{asked} A student has the answer and no reason. Which reason is missing?"
        return f"{asked} A student begins: {first} The reason is missing. How can you tell?"
    if role == "guided_practice":
        if said:
            own = "Draw your answer and another one. Where do they differ?"
            return f"{own} Then use the {model} again. {asked}" if asked else own
        return f"{asked} Draw it on the {model}. Write in numbers what it shows.".strip()
    if role == "independent_practice" and slide["section"] == "development":
        own = asked or f"Choose new numbers. {sentence(plan.components[place]['statement'])}"
        return f"{own} How can you tell?"
    if role == "independent_practice":
        if not slide["tags"].get("checks"):
            return _PLAIN_TEXT[role]
        own_tasks = len(slide["tags"]["checks"])
        return _lettered(tasks, *_mixed_frame(is_early=len(tasks) > own_tasks))
    if role == "applet_placeholder":
        return "Work in pairs. Test your prediction. Bring back four results."
    if slide["title"] == "Before the tablets":
        return "What will stay the same in every case? Write your prediction."
    if slide["title"] == "What came out":
        return "Compare the results with your prediction. What holds in every case? Write it down."
    if role == "discussion":
        if asked:
            return f"{asked} Show it in both pictures. Which part is which?"
        return "One case in two pictures. Which part is which? Where does one picture help more?"
    if role == "summary":
        return (
            "Say in one sentence what holds. Show it on a drawing. Is there a case that breaks it?"
        )
    if role == "exit_question":
        lead, back = _exit_frame(plan)
        if tasks:
            return _lettered(tasks, lead, back)
        return f"Choose numbers that no slide has used. {_goal(plan)}. {back}"
    return _PLAIN_TEXT["discussion"]


def _lettered(tasks: Sequence[Mapping[str, Any]], lead: str, end: str) -> str:
    """The tasks in order, each with its letter."""
    told = (f"({chr(ord('a') + at)}) {task['statement']}" for at, task in enumerate(tasks))
    return " ".join((lead, *told, end))


def _room_for(tasks: Sequence[Mapping[str, Any]], lead: str, end: str, most: int) -> list[int]:
    """Which of the tasks stand on one slide of at most so many words, the first ones first."""
    found: list[int] = []
    for place in range(len(tasks)):
        longer = [tasks[one] for one in (*found, place)]
        if len(_lettered(longer, lead, end).split()) <= most:
            found.append(place)
    return found


def _gap(gap: Mapping[str, Any]) -> Document:
    return {
        "kind": gap["kind"],
        "subject": gap["subject"],
        "where": [],
        "provisional_choice": gap["instruction"],
        "needs": f"an entry of kind {gap['kind']}",
    }
