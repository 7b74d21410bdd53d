"""Drafts of an applet by rule: its objective, its screens, and the summary of a storyboard.

Belongs here: six screens, a stage each, around one decision. Stays out: reading a PPTX
(``storyboard``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz

from aina_assets.authoring.config import Configuration
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.draft_research import answers_of
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

# Stage, what is asked, act, thought, seconds (thinking, acting, feedback), difficulty and why.
_STAGES: tuple[tuple[str, str, str, str, tuple[int, int, int], str, str], ...] = (
    ("orient", "Move one part of the {model}.", "Moves one part and puts it back.",
     "I find out what can be changed and what stays as it is.", (40, 20, 10), "entry",
     "One part can be moved and the whole is outlined."),
    ("predict", "Choose what you expect before the {model} moves.",
     "Chooses an expected answer, which is kept.",
     "I decide from the whole and the parts which answer must come out.", (60, 15, 10), "entry",
     "The same case; the answer has to be expected instead of seen."),
    ("act", "Set the {model} so that it shows your answer.",
     "Builds the state that shows the answer.",
     "I decide which parts belong to it and how many there must be.", (60, 45, 15), "developing",
     "The lines that divide the whole are gone and have to be set."),
    ("observe", "Compare the {model} with what you expected.",
     "Marks the place where both differ.",
     "I look for the part that explains why the result is not what I expected.", (50, 20, 20),
     "developing", "Two states have to be held against each other."),
    ("generalise", "Complete the sentence so that it holds for every {model}.",
     "Completes a sentence and tests it on a case of the applet's choice.",
     "I ask whether the sentence also holds for a case that looks different.", (60, 25, 20),
     "proficient", "A claim about all cases, tested on one at the edge of the range."),
    ("check", "Answer without the {model}.",
     "Types an answer, then builds it to see whether it is right.",
     "I use the sentence on a new case, with nothing drawn.", (60, 20, 15), "extending",
     "No drawing until the answer is given."),
)  # fmt: skip


def screens(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """REFERENCE_APPLET_SCREENS: a stage a screen."""
    intent, synthesis = inputs["derive_applet_lo"], inputs["research_deep_synthesis"]
    model = (synthesis["visual_models"] or [None])[0]
    known = {one["misconception_id"]: one for one in synthesis["misconceptions"]}
    own = [one["misconception_id"] for one in synthesis["lo_misconceptions"]]
    wrong = known.get(own[0]) if own else next(iter(known.values()), None)
    patterns = synthesis.get("ias_patterns") or []
    refined = intent.get("lo_components") or [{"parent_index": 0}]
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
    made = [_screen(number, stage, model, wrong, parts) for number, stage in enumerate(_STAGES, 1)]
    numbers = [screen["screen_no"] for screen in made]
    return {
        "lo": intent["applet_lo"],
        "primary_ias_archetype": patterns[0]["ias_archetype"] if patterns else "vary_and_observe",
        "misconception_targeted": wrong["misconception_id"] if wrong else "none",
        "screens": made,
        "scaffolding_arc": "Screen 1 has grid, labels and hints; 2 drops the hint, 3 the grid,"
        " 4 the labels of parts, 5 the second case; screen 6 has none. Two wrong answers bring"
        " the grid back.",
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


def _screen(
    number: int,
    stage: tuple[str, str, str, str, tuple[int, int, int], str, str],
    model: Mapping[str, Any] | None,
    wrong: Mapping[str, Any] | None,
    parts: Sequence[int],
) -> Document:
    name, ask, act, thought, seconds, level, why = stage
    shown = _lower(model["name"]) if model else "drawing"
    task, _, tempting = answers_of(wrong["diagnostic_item"]) if wrong else ("", "", "")
    case = f" The task reads: {task}" if task and name in ("predict", "act", "observe") else ""
    before = _STAGES[number - 2][0] if number > 1 else "lead-in slide"
    return {
        "screen_no": number,
        "ias_stage": name,
        "component_indexes": list(parts),
        "vir_id": model["vir_id"] if model else "",
        "screen_label": str(number),
        "student_sees": f"One {shown}, whole outlined and labelled W, parts labelled a, b, c, and"
        f" an empty box for the answer.{case}",
        "student_does": f"{act} By keyboard: Tab to a part, arrow keys to move it, Enter to set it."
        " By taps: tap a part, then tap its place.",
        "student_thinks": f"{thought} I can see it on the {shown}.",
        "intermediate_states": [
            {"if": "nothing was moved", "then": "the hint button stays in view"},
            {
                "if": "a part was moved",
                "then": f"the {shown} follows at once and nothing is judged",
            },
            {"if": "half of it is done", "then": "the rest keeps its dashed outline"},
            {"if": "more was set than fits", "then": "the piece rests beside the whole"},
            {
                "if": "reset is pressed",
                "then": "this screen's entry state returns; a recorded prediction stays",
            },
        ],
        "visual_model_description": (
            f"The {shown} in the middle, whole outlined and labelled W, parts labelled a, b, c;"
            " what is marked is hatched. Right is shown by a tick and an outline, wrong by a dashed"
            " outline."
        ),
        "visual_model_purpose": (
            f"It shows what symbols would not: {_lower(model['shows'])}"
            if model
            else "It keeps the whole in view."
        ),
        "feedback": {
            "on_correct": f"The parts on the {shown} fill what you said. What made it fit?",
            "on_incorrect": f"Look at the whole labelled W on the {shown}. How many parts fill it?",
            "on_partial": "The parts labelled a and b are set. Compare part c with its place.",
            "on_misconception": [
                {
                    "misconception_id": wrong["misconception_id"],
                    "trigger": f"the answer is: {tempting or 'the tempting one'}",
                    "say": f"Lay both parts on the {shown} beside each other. Which end reaches"
                    " further?",
                }
            ]
            if wrong
            else [],
            "timing": "the model reacts to each move; judgement on submission; hint after the"
            " second wrong answer",
        },
        "screen_zones": {
            "action_instruction": ask.format(model=shown),
            "scaffolding_text": f"Hint on demand: what is the whole of the {shown}?"
            if number < len(_STAGES)
            else "No hint here; two wrong answers bring the grid back.",
            "dev_notes": [
                "Keyboard: Tab, arrow keys, Enter; taps: part, then place. Undo: one move.",
                "Contrast 4.5 to 1 for text, 3 to 1 for lines, ticks and control outlines.",
                "Targets 44 by 44 pixels, narrow pieces with an enlarged hit area.",
                "Entry state and each change are announced with amounts, never with the answer.",
                "Focus: instruction, model, box, submit; after feedback back to the model.",
                "Spoken form of every fraction and sign; at 360 pixels bars stay stacked, left"
                " ends aligned.",
            ],
        },
        "affordances": [
            {"element": "parts that can be moved", "visual_cue": "a grip of three dots"},
            {"element": "undo and reset", "visual_cue": "labelled buttons under the model"},
        ],
        "variants_and_invariants": {
            "variants": [
                "range: a case at its edge" if number > 4 else "the number of equal parts"
            ],
            "invariants": ["the whole"],
        },
        "time_estimate": {
            "thinking_seconds": seconds[0],
            "interaction_seconds": seconds[1],
            "feedback_seconds": seconds[2],
        },
        "difficulty_level": level,
        "difficulty_rationale": why,
        "transition_from_previous": {
            "previous_end_state": f"the {shown} as the {before} left it",
            "transition_purpose": f"The student goes on to {name}: {_lower(why)}",
            "this_screen_entry_state": f"the {shown} as the {before} left it, box empty",
        },
        "teaching_sufficiency_note": "A student alone can act and see what follows; naming the idea"
        " is left to the debrief slide.",
    }


# --------------------------------------------------------------------------------------- storyboard

_MODES = ("drag", "tap", "type", "select", "draw", "slide", "sort", "press")
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


def applet_summary(inputs: Inputs, config: Configuration, rules: AuthoringRules) -> Document:  # noqa: ARG001
    """What a storyboard contains: its screens, and how it agrees with the placeholder."""
    extract, placeholder = inputs["storyboard_extract"], inputs["module_placeholder"]
    slides = extract["slides"]
    texts = {slide["slide_no"]: " ".join([slide["title"], *slide["texts"]]) for slide in slides}
    everything = " ".join(texts.values())
    groups = _screens_of(slides)
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
        "interaction_modes": [mode for mode in _MODES if re.search(rf"\b{mode}", everything, re.I)],
        "screen_summaries": [
            {
                "screen_no": number,
                "slide_numbers": [slide["slide_no"] for slide in group],
                "ias_stage": _most(
                    " ".join(texts[slide["slide_no"]] for slide in group), _STAGE_WORDS, "orient"
                ),
                "sees": "; ".join(_shapes(group)) or _NOT_SHOWN,
                "does": _quoted(
                    group, r"\b(drag|tap|type|select|draw|move|choose|press|sort|write)"
                ),
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


def _shapes(group: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for slide in group for name in slide["shapes"]))[:12]


def _quoted(group: Sequence[Mapping[str, Any]], pattern: str) -> str:
    said = [
        text
        for slide in group
        for text in (*slide["texts"], *slide["notes"])
        if re.search(pattern, text, re.IGNORECASE)
    ]
    return " / ".join(dict.fromkeys(said))[:600] or _NOT_SHOWN


def _most(text: str, words: Mapping[str, Sequence[str]], otherwise: str) -> str:
    counts = {
        name: sum(len(re.findall(rf"\b{re.escape(word)}", text, re.IGNORECASE)) for word in some)
        for name, some in words.items()
    }
    best = max(counts.values(), default=0)
    return next((name for name, count in counts.items() if count == best and best), otherwise)


def _same_terms(placeholder: Mapping[str, Any], text: str) -> str:
    terms = [str(term) for term in placeholder.get("terms", ())]
    found = [term for term in terms if term.lower() in text.lower()]
    if not terms or len(found) == len(terms):
        return "yes"
    return "partly" if found else "no"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
