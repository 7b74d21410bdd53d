"""The sample's storyboard: a PPTX made of an applet's screens, as a developer would draw it.

Belongs here: a slide a screen, with its text, a table of what it holds, and the teacher's note.
Stays out: which applet the sample has one for. The file of the sample was made of the applet of the
module `dividing-by-common-factors`:
`python -m aina_assets_tests.sample_world.storyboard`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pptx import Presentation
from pptx.util import Inches

NAME = "CH-G4-FR-EQ.dividing-by-common-factors.pptx"
POSITION = 3


def table_of(screen: Mapping[str, Any]) -> list[list[str]]:
    """What a screen holds, row by row."""
    feedback = screen["feedback"]
    return [
        ["Representation", screen["representation"]],
        ["Support", ", ".join(screen["support"]).replace("_", " ") or "none"],
        ["Task", screen["task"]["statement"]],
        ["If correct", feedback["on_correct"]],
        ["If wrong", feedback["on_incorrect"]],
        *([f"If {one['misconception_id']}", one["say"]] for one in feedback["on_misconception"]),
    ]


def note_of(screen: Mapping[str, Any]) -> str:
    """What a teacher is told of a screen."""
    steps = " ".join(one["step"] for one in screen["task"]["steps"])
    return f"Answer: {screen['task']['answer']}. {steps} {screen['difficulty_rationale']}"


def storyboard_of(title: str, document: Mapping[str, Any], model: str) -> bytes:
    """The PPTX of an applet.

    Args:
        title: of the applet.
        document: ``build_applet_screens``.
        model: name of its visual model.
    """
    deck = Presentation()
    deck.core_properties.created = deck.core_properties.modified = datetime(2026, 1, 1)
    first = deck.slides.add_slide(deck.slide_layouts[5])
    first.shapes.title.text = title
    _box(first, 2, f"Objective: {document['lo']}.")
    _box(first, 3, f"Model: {model}. Applet for one lesson; no sound.")
    for screen in document["screens"]:
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"{screen['screen_no']} {screen['ias_stage'].capitalize()}"
        _box(slide, 1.2, screen["screen_zones"]["action_instruction"])
        _box(slide, 1.7, screen["student_sees"])
        rows = table_of(screen)
        frame = slide.shapes.add_table(len(rows), 2, Inches(0.5), Inches(3.5), Inches(9), Inches(3))
        for place, row in enumerate(rows):
            for column, text in enumerate(row):
                frame.table.cell(place, column).text = text
        slide.notes_slide.notes_text_frame.text = note_of(screen)
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def _box(slide: Any, top: float, text: str) -> None:
    box = slide.shapes.add_textbox(Inches(0.5), Inches(top), Inches(9), Inches(1))
    box.text_frame.word_wrap = True
    box.text_frame.text = text


if __name__ == "__main__":
    from aina_assets_tests.authoring.drafted import SAMPLE, applet, module

    blueprint = module(POSITION)["build_module_blueprint"]
    (place,) = blueprint["applet_placements"]
    slide = blueprint["slides"][place["slide_no"] - 1]
    names = {one["vir_id"]: one["name"] for one in blueprint["visual_models"]}
    content = storyboard_of(
        slide["title"], applet(POSITION)["build_applet_screens"], names[slide["vir_id"]]
    )
    (SAMPLE / "lms" / NAME).write_bytes(content)
