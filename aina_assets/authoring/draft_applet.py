"""Drafts of an applet by rule: its objective, its screens, and the summary of a storyboard.

Belongs here: six screens, a stage each, around one decision. Representation goes from things to
symbols and support goes down, and the arc is read off the screens. Stays out: reading a PPTX
(``storyboard``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from aina_assets.authoring.config import Configuration
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.draft_module import solved, unsolved
from aina_assets.authoring.draft_research import answers_of, model_for
from aina_assets.authoring.fraction_tasks import Printed, believed, printed_in, tasks_of
from aina_assets.authoring.phrases import clause, cut, listed, lower, sentence
from aina_assets.authoring.reading import sentences
from aina_assets.authoring.rules import AuthoringRules

Inputs = Mapping[str, Any]

_ALIKE = 60


def applet_lo(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """The parent's component that the placement serves, as one act of mind."""
    request = inputs["applet_request"]
    parent = inputs["module_lo_brief_enriched"]["derived"]
    parts = parent["lo_components"]
    asked = str(request.get("applet_lo") or request.get("title") or "")
    place = max(
        range(len(parts)),
        key=lambda i: (fuzz.token_set_ratio(asked.lower(), parts[i]["statement"].lower()), -i),
    )
    part = parts[place]
    return {
        "applet_lo": part["statement"],
        "applet_type": request.get("applet_type") or "explore",
        "lo_codes": parent["lo_codes"],
        "lo_components": [{"parent_index": place, **part}],
        "derivation_evidence": [
            {
                "component_statement": part["statement"],
                "source": "module_lo_brief_enriched",
                "source_text": part["statement"],
            }
        ],
        "notes": "Naming, defining, writing and discussion stay with the slides.",
    }


# ------------------------------------------------------------------------------------------ screens


@dataclass(frozen=True)
class _Stage:
    """What a screen of a stage is like, whatever it is about.

    Attributes:
        ask, act, thought: instruction, what is done, what it takes.
        seconds: thinking, acting, feedback.
        case: which of the applet's tasks it has.
        gone: the support that the screen before still had.
    """

    name: str
    ask: str
    act: str
    thought: str
    seconds: tuple[int, int, int]
    level: str
    why: str
    representation: str
    case: int
    gone: str


_STAGES: tuple[_Stage, ...] = (
    _Stage("orient", "Make the {model} show the first case.",
           "Moves the parts until the {model} shows the case.",
           "I find out what can be changed and what stays as it is.", (40, 25, 10), "entry",
           "All parts can be moved, and every support is in view.", "concrete", 0, ""),
    _Stage("predict", "Choose what you expect before the {model} moves.",
           "Chooses an expected answer, which is kept.",
           "I decide from the whole and the parts which answer must come out.", (60, 15, 10),
           "entry", "The hint is gone; the answer has to be expected instead of seen.",
           "concrete", 1, "hint"),
    _Stage("act", "Make the {model} show your answer.",
           "Builds the state that shows the answer.",
           "I decide which parts belong to it and how many there must be.", (60, 45, 15),
           "developing", "The lines that divide the whole are gone and have to be set.",
           "pictorial", 1, "grid"),
    _Stage("observe", "Compare the {model} with what you expected.",
           "Marks the place where both differ.",
           "I look for the part that explains why the result is not what I expected.",
           (50, 20, 20), "developing", "Parts have no labels; two states are held against each"
           " other.", "pictorial", 1, "labels"),
    _Stage("generalise", "Complete the sentence so that it holds in this case too.",
           "Completes a sentence and tests it on a case that looks different.",
           "I ask whether the sentence also holds for a case that looks different.",
           (60, 25, 20), "proficient", "The second state is gone; a claim about all cases is tested"
           " on one at the edge of the range.", "bridge", 2, "second_state"),
    _Stage("check", "Answer without the {model}.",
           "Types an answer, then builds it to see whether it is right.",
           "I use the sentence on a new case, with nothing drawn.", (60, 20, 15), "extending",
           "No drawing until the answer is given.", "abstract", 3, "drawing"),
)  # fmt: skip

SUPPORTS: Mapping[str, str] = {
    "hint": "A hint stands in view.",
    "grid": "Lines divide the whole into its equal parts.",
    "labels": "The parts are labelled a, b, c.",
    "second_state": "A second state of the whole stands below for comparison.",
    "drawing": "The whole is drawn, outlined and labelled W.",
}
"""What helps on a screen, in the order in which it is taken away, and how it is seen."""

_PHASES = ("concrete", "pictorial", "bridge", "abstract")
_SHOWN_AS = {
    "concrete": "the parts are pieces that can be moved",
    "pictorial": "the parts are drawn and can be marked",
    "bridge": "the drawing and the numbers stand side by side",
    "abstract": "the case is given in numbers",
}


def _support(stage: int) -> list[str]:
    """The supports that a stage still has."""
    gone = {one.gone for one in _STAGES[: stage + 1]}
    return [name for name in SUPPORTS if name not in gone]


def _representation(stage: _Stage, model: Mapping[str, Any] | None) -> str:
    """How the case is shown: as the stage has it, but never before the model's own phase."""
    first = model["cpa_phase"] if model and model["cpa_phase"] in _PHASES else "concrete"
    return max(stage.representation, first, key=_PHASES.index)


def _arc(made: Sequence[Mapping[str, Any]]) -> str:
    """The arc in words, read off the screens."""
    said = [
        f"Screen {one['screen_no']}: {one['representation']},"
        f" with {listed([name.replace('_', ' ') for name in one['support']]) or 'no support'}."
        for one in made
    ]
    return (
        f"{' '.join(said)} Two wrong answers bring back what is gone of the grid and the drawing."
    )


def screens(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """REFERENCE_APPLET_SCREENS: a stage a screen."""
    intent, synthesis = inputs["derive_applet_lo"], inputs["research_deep_synthesis"]
    refined = intent.get("lo_components") or [{"parent_index": 0}]
    part = {"statement": intent["applet_lo"], **refined[0]}
    model = model_for(part, synthesis["visual_models"])
    known = {one["misconception_id"]: one for one in synthesis["misconceptions"]}
    own = [one["misconception_id"] for one in synthesis["lo_misconceptions"]]
    wrong = known.get(own[0]) if own else None
    patterns = synthesis.get("ias_patterns") or []
    parts = sorted({one["parent_index"] for one in refined})
    gaps = [
        {
            "kind": gap["kind"],
            "subject": gap["subject"],
            "where": [],
            "provisional_choice": gap["instruction"],
            "needs": f"an entry of kind {gap['kind']}",
        }
        for gap in synthesis["gaps"]
    ]
    if wrong is None:
        gaps.append(
            {
                "kind": "misconception",
                "subject": intent["applet_lo"],
                "where": [],
                "provisional_choice": "no misconception is targeted: the evidence has none",
                "needs": "an entry of kind misconception",
            }
        )
    kept = [
        fraction
        for statement in inputs["applet_request"].get("exit_tasks") or ()
        for fraction in printed_in(str(statement))
    ]
    tasks = _tasks(str(part["statement"]), model, wrong, kept)
    made = [
        _screen(place, stage, model, wrong, parts, tasks[min(stage.case, len(tasks) - 1)])
        for place, stage in enumerate(_STAGES)
    ]
    numbers = [screen["screen_no"] for screen in made]
    return {
        "lo": intent["applet_lo"],
        "primary_ias_archetype": patterns[0]["ias_archetype"] if patterns else "vary_and_observe",
        "misconception_targeted": wrong["misconception_id"] if wrong else "none",
        "screens": made,
        "scaffolding_arc": _arc(made),
        "visual_models_referenced": [
            {"vir_id": model["vir_id"], "screens": numbers, "same_as_module": True}
        ]
        if model
        else [],
        "convention_requirements": [
            {
                "convention_id": one["convention_id"],
                "screens": [3, 6],
                "show": one["delivery_form"],
                "accept_as_input": [str(form) for form in one["other_forms"]],
            }
            for one in synthesis["conventions_flags"]
        ],
        "kb_gaps": gaps,
    }


def _tasks(
    statement: str,
    model: Mapping[str, Any] | None,
    wrong: Mapping[str, Any] | None,
    kept: Collection[Printed] = (),
) -> list[tuple[Document, str]]:
    """The applet's cases, each with what somebody with the misconception answers to it.

    The fractions in ``kept`` are those of the module's exit question; no case has one.

    Where none can be computed, the question of the misconception stands in, and where there is no
    misconception either, word that a person has to write one.
    """
    drawn = (model or {}).get("good_for_denominators")
    belief = str(wrong["statement"]) if wrong else ""
    count = 1 + max(stage.case for stage in _STAGES)
    found = tasks_of(statement, count, drawn, avoided=kept)
    if found:
        return [(solved(task, statement), believed(belief, task) or "") for task in found]
    if wrong is None:
        return [(unsolved(statement), "")]
    task, correct, tempting = answers_of(wrong["diagnostic_item"])
    step = {"step": sentence(wrong["response"]), "reason": "The model shows what follows."}
    item = {
        "statement": task,
        "method": f"as the knowledge base answers {wrong['misconception_id']}",
        "steps": [step],
        "answer": correct,
        "source": "knowledge_base",
    }
    return [(item, tempting)]


def _screen(
    place: int,
    stage: _Stage,
    model: Mapping[str, Any] | None,
    wrong: Mapping[str, Any] | None,
    parts: Sequence[int],
    case: tuple[Document, str],
) -> Document:
    number, (task, tempting) = place + 1, case
    shown = lower(model["name"]) if model else "drawing"
    support, representation = _support(place), _representation(stage, model)
    seen = " ".join(SUPPORTS[name] for name in reversed(support)) or "No drawing stands there."
    before = f"screen {place}" if place else "the lead-in slide"
    steps, is_typed = task["steps"], representation == "abstract"
    look = clause(steps[0]["reason"]) if steps else "the whole is the same throughout"
    signs = " Below it stand the signs <, = and > to compare both amounts." * _compares(tempting)
    return {
        "screen_no": number,
        "ias_stage": stage.name,
        "component_indexes": list(parts),
        "vir_id": model["vir_id"] if model else "",
        "representation": representation,
        "support": support,
        "task": task,
        "screen_label": str(number),
        "student_sees": f"The task: {task['statement']} On the {shown},"
        f" {_SHOWN_AS[representation]}. {seen} An empty box waits for the answer.{signs}",
        "student_does": f"{stage.act.format(model=shown)} {_HANDLED[is_typed]}",
        "student_thinks": f"{stage.thought} I can check it on the {shown}.",
        "intermediate_states": [
            *_states(shown, is_typed=is_typed),
            {"if": "two answers were wrong", "then": _brought_back(support)},
            {
                "if": "reset is pressed",
                "then": "this screen's entry state returns; a recorded prediction stays",
            },
        ],
        "visual_model_description": _drawn(shown, support, representation),
        "visual_model_purpose": (
            f"It shows what symbols would not: {clause(model['shows'])}."
            if model
            else "It keeps the whole in view."
        ),
        "feedback": {
            "on_correct": f"What you said fits on the {shown}: {task['answer']}. What made it fit?"
            if task["answer"]
            else f"What you said fits on the {shown}. What made it fit?",
            "on_incorrect": f"Look at the {shown} once more. Think of this: {look}.",
            "on_partial": f"A part of it fits the {shown}. Compare the rest with its place.",
            "on_misconception": _replies(wrong, task, tempting, shown),
            "timing": "the box takes what is typed; judgement on submission; the drawing after the"
            " second wrong answer"
            if is_typed
            else "the model reacts to each move; judgement on submission; hint after the second"
            " wrong answer",
        },
        "screen_zones": {
            "action_instruction": stage.ask.format(model=shown),
            "scaffolding_text": f"Hint in view: what is the whole of the {shown}?"
            if "hint" in support
            else f"Hint on demand: what is the whole of the {shown}?"
            if number < len(_STAGES)
            else "No hint here; two wrong answers bring the grid and the drawing back.",
            "dev_notes": [
                "Keyboard: Tab, arrow keys, Enter; taps: part, then place. Undo: one move.",
                "Contrast 4.5 to 1 for text, 3 to 1 for lines, ticks and control outlines.",
                "Targets 44 by 44 pixels, narrow parts with an enlarged hit area.",
                "Entry state and each change are announced with amounts, never with the answer.",
                "Focus: instruction, model, box, submit; after feedback back to the model.",
                "Spoken form of every fraction and sign; at 360 pixels bars stay stacked, left"
                " ends aligned.",
            ],
        },
        "affordances": [
            _GRIPS[representation],
            {"element": "undo and reset", "visual_cue": "labelled buttons under the model"},
        ],
        "variants_and_invariants": {
            "variants": ["range: a case at its edge" if stage.case > 1 else "the support"],
            "invariants": ["the whole"],
        },
        "time_estimate": {
            "thinking_seconds": stage.seconds[0],
            "interaction_seconds": stage.seconds[1],
            "feedback_seconds": stage.seconds[2],
        },
        "difficulty_level": stage.level,
        "difficulty_rationale": stage.why,
        "transition_from_previous": {
            "previous_end_state": f"the {shown} as {before} left it",
            "transition_purpose": f"The student goes on to {stage.name}: {clause(stage.why)}.",
            "this_screen_entry_state": f"the {shown} with"
            f" {listed([name.replace('_', ' ') for name in support]) or 'no support'}, box empty",
        },
        "teaching_sufficiency_note": task["method"]
        if task["source"] == "not_computed"
        else "A student alone can act and see what follows; naming the idea is left to the debrief"
        " slide.",
    }


_HANDLED = {
    False: "By keyboard: Tab to a part, arrow keys to move it, Enter to set it. By taps: tap a"
    " part, then tap its place.",
    True: "By keyboard: Tab to the box, type, Enter to send it. By taps: tap the box, then the"
    " numbers beside it.",
}
"""How a screen is worked, by whether its answer is typed."""

_GRIPS: Mapping[str, Document] = {
    "concrete": {"element": "parts that can be moved", "visual_cue": "a grip of three dots"},
    "pictorial": {"element": "parts that can be marked", "visual_cue": "a dashed outline"},
    "bridge": {"element": "parts that can be marked", "visual_cue": "a dashed outline"},
    "abstract": {"element": "box for the answer", "visual_cue": "a bold outline"},
}


def _states(shown: str, *, is_typed: bool) -> list[Document]:
    """What stands there before an answer is sent."""
    if is_typed:
        return [
            {"if": "nothing was typed", "then": "the box stays empty and nothing is judged"},
            {"if": "a number was typed", "then": "it stays in the box and nothing is judged"},
            {"if": "half of it is typed", "then": "the rest of the box keeps its dashed outline"},
            {"if": "more was typed than fits", "then": "the box says what it takes"},
        ]
    return [
        {"if": "nothing was moved", "then": "the hint button stays in view"},
        {"if": "a part was moved", "then": f"the {shown} follows at once and nothing is judged"},
        {"if": "half of it is done", "then": "the rest keeps its dashed outline"},
        {"if": "more was set than fits", "then": "what is too much rests beside the whole"},
    ]


def _brought_back(support: Sequence[str]) -> str:
    """What two wrong answers bring: the supports that are gone, else a part in its place."""
    gone = [name for name in ("grid", "drawing") if name not in support]
    if not gone:
        return "one part is shown in its place, and the rest is left"
    comes = "come" if len(gone) > 1 else "comes"
    return f"the {' and the '.join(gone)} {comes} back for this screen"


def _drawn(shown: str, support: Sequence[str], representation: str) -> str:
    if "drawing" not in support:
        said = f"Numbers alone; the {shown} is drawn only after an answer was sent."
    else:
        seen = " ".join(SUPPORTS[name] for name in support if name not in ("hint", "drawing"))
        said = (
            f"The {shown} in the middle, whole outlined and labelled W;"
            f" {_SHOWN_AS[representation]}, and what is marked is hatched. {seen}"
        )
    return f"{said.strip()} Right is shown by a tick and an outline, wrong by a dashed outline."


def _replies(
    wrong: Mapping[str, Any] | None, task: Mapping[str, Any], tempting: str, shown: str
) -> list[Document]:
    """What is said to an answer that the misconception gives; none where it gives a right one."""
    if wrong is None or not tempting or tempting == task["answer"]:
        return []
    if task["source"] == "computed":
        cases = listed(list(dict.fromkeys(str(one) for one in printed_in(task["statement"]))))
        test = f"Test it on the {shown} with {cases}. Does it hold there?"
    else:
        test = f"Look at the {shown}. {sentence(wrong['response'])}"
    kind = "both amounts are compared, and the choice" if _compares(tempting) else "the answer"
    return [
        {
            "misconception_id": wrong["misconception_id"],
            "trigger": f"{kind} is: {tempting}",
            "say": f"That follows from this idea: {clause(wrong['statement'])}. {test}",
        }
    ]


def _compares(answer: str) -> bool:
    """Whether an answer sets two fractions against each other instead of giving one."""
    return len(printed_in(answer)) > 1


# --------------------------------------------------------------------------------------- storyboard

_MODES = (
    *("drag", "tap", "type", "select", "draw", "slide", "sort", "press", "move", "choose"),
    *("write", "make", "set", "build", "compare", "complete", "answer"),
)
"""What a student can be told to do on a screen."""

_JOINED = re.compile(r"(\band|\bthen|\bor|,)\s*$", re.IGNORECASE)
_ACT = re.compile(rf"\b({'|'.join(_MODES)})(s|ging|ping)?\b", re.IGNORECASE)
_STAGE_WORDS = {
    "orient": ("look", "meet", "explore", "welcome"),
    "predict": ("predict", "expect", "guess", "before"),
    "act": ("build", "make", "drag", "move", "cut", "set", "place"),
    "observe": ("observe", "compare", "notice", "what happened"),
    "generalise": ("always", "every", "rule", "sentence", "in general"),
    "check": ("check", "try", "answer", "without"),
}
_ARCHETYPES = {
    "predict_and_test": ("predict", "test"),
    "build_to_specification": ("build", "make"),
    "sort_and_justify": ("sort", "tray", "reason"),
    "find_and_repair": ("mistake", "wrong step", "repair", "slip"),
    "rehearse_with_variation": ("practise", "again", "next one"),
    "vary_and_observe": ("change", "slider", "cut", "move"),
}
_NOT_SHOWN = "not shown"
_MAX_SUMMED = 600


def applet_summary(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """What a storyboard contains: its screens, and how it agrees with the placeholder."""
    extract, placeholder = inputs["storyboard_extract"], inputs["module_placeholder"]
    slides = extract["slides"]
    texts = {slide["slide_no"]: " ".join(_told_on(slide)) for slide in slides}
    everything = " ".join(texts.values())
    groups = _screens_of(slides)
    done = [one for group in groups for one in _told_to_do(group)]
    lo = next(
        (
            found.group(1).strip()
            for text in texts.values()
            if (found := re.search(r"(?:objective|goal|aim)\s*:\s*([^.\n]{8,200})", text, re.I))
        ),
        _NOT_SHOWN,
    )
    model = str(placeholder.get("visual_model") or "")
    same_model = bool(model) and model.lower() in everything.lower()
    wanted = str(placeholder.get("applet_lo", ""))
    agrees = fuzz.token_set_ratio(wanted.lower(), lo.lower()) if lo != _NOT_SHOWN else 0
    differences = []
    if agrees < _ALIKE:
        differences.append(f"objective: planned “{wanted}”, in the storyboard: {lo}")
    if not same_model:
        differences.append(f"model: {model or 'none planned'} is not named in the storyboard")
    return {
        "applet_title": slides[0]["title"] or _NOT_SHOWN,
        "lo_served": lo,
        "ias_archetype": _most(everything, _ARCHETYPES, "vary_and_observe"),
        "visual_model": str(placeholder.get("vir_id") or model) if same_model else _NOT_SHOWN,
        "interaction_modes": [mode for mode in _MODES if any(mode in _acts(one) for one in done)],
        "screen_summaries": [
            {
                "screen_no": number,
                "slide_numbers": [slide["slide_no"] for slide in group],
                "ias_stage": _stage_of(group[0]["title"], group, texts),
                "title": group[0]["title"] or _NOT_SHOWN,
                "sees": _seen(group),
                "representation": _phase_shown(group),
                "teacher_note": " / ".join(note for slide in group for note in slide["notes"])
                or _NOT_SHOWN,
                "tables": [table for slide in group for table in slide.get("tables", ())],
                "does": cut(" / ".join(_told_to_do(group)), _MAX_SUMMED) or _NOT_SHOWN,
                "feedback": _quoted(group, r"\b(correct|right|wrong|not yet|try|well|look again)"),
            }
            for number, group in enumerate(groups, 1)
        ],
        "alignment": {
            "placeholder_slide": placeholder["slide_no"],
            "same_lo": "yes" if agrees >= 90 else "partly" if agrees >= _ALIKE else "no",
            "same_model": "yes" if same_model else "no",
            "same_terms": _same_terms(placeholder, everything),
            "differences": differences,
        },
    }


def _screens_of(slides: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Slides in a row with one title are one screen in several states."""
    groups: list[list[Mapping[str, Any]]] = []
    for slide in slides[1:] or slides:
        if groups and slide["title"] and slide["title"] == groups[-1][0]["title"]:
            groups[-1].append(slide)
        else:
            groups.append([slide])
    return groups


def _stage_of(title: str, group: Sequence[Mapping[str, Any]], texts: Mapping[int, str]) -> str:
    """The stage that a screen's title names, else the one that its words come nearest to."""
    named = {name: (name,) for name in _STAGE_WORDS}
    told = " ".join(texts[slide["slide_no"]] for slide in group)
    return _most(title, named, "") or _most(told, _STAGE_WORDS, "orient")


def _cells(slide: Mapping[str, Any]) -> list[str]:
    """Rows of a slide's tables, each as a text: its first cell is what it is about."""
    rows = [row for table in slide.get("tables", ()) for row in table]
    return [": ".join(cell for cell in row if cell) for row in rows if any(row)]


def _told_on(slide: Mapping[str, Any]) -> list[str]:
    """Title, texts and rows of tables of a slide, in order, each once."""
    return list(dict.fromkeys([slide["title"], *slide["texts"], *_cells(slide)]))


def _seen(group: Sequence[Mapping[str, Any]]) -> str:
    """What is written on a screen, and its pictures by their alternative text."""
    texts = list(dict.fromkeys(text for slide in group for text in slide["texts"]))
    pictures = [one for slide in group for one in slide.get("pictures", ())]
    texts += [f"picture: {one or 'without alternative text'}" for one in pictures]
    return cut(" / ".join(texts), _MAX_SUMMED) or _NOT_SHOWN


def _phase_shown(group: Sequence[Mapping[str, Any]]) -> str:
    """The representation that a screen names; what its pictures would show is not looked at."""
    told = " ".join(text for slide in group for text in (*_told_on(slide), *slide["notes"]))
    found = re.search(rf"\b({'|'.join(_PHASES)})\b", told, re.IGNORECASE)
    return found[1].lower() if found else _NOT_SHOWN


def _told_to_do(group: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a screen tells students to do: sentences of its text that begin with an act.

    Where none does, those that name one. Notes and tables are for others, and not looked at.
    """
    said = list(
        dict.fromkeys(one for slide in group for text in slide["texts"] for one in sentences(text))
    )
    return [one for one in said if _ACT.match(one)] or [one for one in said if _ACT.search(one)]


def _acts(told: str) -> set[str]:
    """What a sentence tells students to do; in one that begins with it, “the set” is no act."""
    found = list(_ACT.finditer(told))
    is_told = bool(found) and found[0].start() == 0
    return {
        one[1].lower()
        for one in found
        if not is_told or one.start() == 0 or _JOINED.search(told[: one.start()])
    }


def _quoted(group: Sequence[Mapping[str, Any]], pattern: str) -> str:
    said = [
        text
        for slide in group
        for text in (*slide["texts"], *_cells(slide), *slide["notes"])
        if re.search(pattern, text, re.IGNORECASE)
    ]
    return cut(" / ".join(dict.fromkeys(said)), _MAX_SUMMED) or _NOT_SHOWN


def _most(text: str, words: Mapping[str, Sequence[str]], otherwise: str) -> str:
    counts = {
        name: sum(len(re.findall(rf"\b{re.escape(word)}", text, re.IGNORECASE)) for word in some)
        for name, some in words.items()
    }
    best = max(counts.values(), default=0)
    return next((name for name, count in counts.items() if count == best and best), otherwise)


def _same_terms(placeholder: Mapping[str, Any], text: str) -> str:
    states = placeholder.get("terms", ())
    terms = [str(one["term"] if isinstance(one, Mapping) else one) for one in states]
    found = [term for term in terms if term.lower() in text.lower()]
    if not terms or len(found) == len(terms):
        return "yes"
    return "partly" if found else "no"
