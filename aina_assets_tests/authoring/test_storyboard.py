"""A storyboard is read from a real PPTX; a file that is none, or too much, is refused by name."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest
from pptx import Presentation
from pptx.util import Inches

from aina_assets.authoring.storyboard import MAX_SLIDES, read_storyboard
from aina_assets.contracts.errors import AinaError, SourceFormatError, SourceOverCap
from aina_assets_tests.authoring.drafted import SAMPLE as SAMPLE_FILES
from aina_assets_tests.authoring.drafted import applet, drafted, module
from aina_assets_tests.sample_world.storyboard import (
    NAME,
    POSITION,
    note_of,
    storyboard_of,
    table_of,
)


def storyboard(*slides: tuple[str, list[str], str]) -> bytes:
    deck = Presentation()
    for title, texts, notes in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = title
        for row, text in enumerate(texts):
            box = slide.shapes.add_textbox(Inches(1), Inches(2 + row), Inches(6), Inches(1))
            box.name, box.text_frame.text = f"Zone {row + 1}", text
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one point."""

SAMPLE = (
    ("Join the parts", ["Objective: simplify a fraction by dividing by a common factor"], ""),
    ("1 Meet the bar", ["Look at the bar cut in place. Drag one part."], "Welcome state."),
    ("2 Predict", ["Predict: can all parts be joined in pairs? Tap yes or no."], ""),
    ("2 Predict", ["Correct: all parts found a partner. Compare."], "Feedback state."),
    ("3 Check", ["Type the fraction. Not yet: look again at the bar."], ""),
)


def placeholder(**changed: Any) -> dict[str, Any]:
    return {
        "slide_no": 17,
        "applet_lo": "Simplify a fraction by dividing by a common factor",
        "visual_model": "bar cut in place",
        "vir_id": "VIR-FR-03",
        "terms": ["fraction"],
    } | changed


def test_texts_notes_shapes_and_places_are_read() -> None:
    extract = read_storyboard(storyboard(*SAMPLE), "join.pptx")
    assert [slide["title"] for slide in extract["slides"]] == [one[0] for one in SAMPLE]
    second = extract["slides"][1]
    assert second["texts"] == ["Look at the bar cut in place. Drag one part."]
    assert second["notes"] == ["Welcome state."]
    assert second["shapes"] == ["Zone 1"]
    assert second["positions"][0]["left"] == Inches(1)


def test_shapes_in_groups_are_read() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    group = slide.shapes.add_group_shape().shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "Inside"
    out = io.BytesIO()
    deck.save(out)
    (read,) = read_storyboard(out.getvalue(), "x.pptx")["slides"]
    assert read["texts"] == ["Inside"]
    assert read["title"] == "Inside"


def summary(**changed: Any) -> dict[str, Any]:
    inputs = dict(module(3)) | {
        "storyboard_extract": read_storyboard(storyboard(*SAMPLE), "join.pptx"),
        "module_placeholder": placeholder(**changed),
    }
    return drafted("extract_applet_summary", "mod_review", inputs)


def test_a_summary_groups_states_and_compares_with_the_placeholder() -> None:
    made = summary()
    assert made["applet_title"] == "Join the parts"
    assert [one["slide_numbers"] for one in made["screen_summaries"]] == [[2], [3, 4], [5]]
    assert made["screen_summaries"][1]["ias_stage"] == "predict"
    assert made["interaction_modes"] == ["drag", "tap", "type", "compare"]
    assert [one["does"] for one in made["screen_summaries"]] == [
        "Drag one part.", "Tap yes or no. / Compare.", "Type the fraction.",
    ]  # fmt: skip
    assert made["visual_model"] == "VIR-FR-03"
    assert made["alignment"] == {
        "placeholder_slide": 17,
        "same_lo": "yes",
        "same_model": "yes",
        "same_terms": "yes",
        "differences": [],
    }


def test_what_differs_or_is_not_shown_is_said() -> None:
    other = {"applet_lo": "Locate 5/4 on a line", "visual_model": "number line"}
    made = summary(**other, terms=["interval"])
    assert made["alignment"]["same_lo"] == "no"
    assert (made["alignment"]["same_model"], made["visual_model"]) == ("no", "not shown")
    assert made["alignment"]["same_terms"] == "no"
    assert len(made["alignment"]["differences"]) == 2


def test_a_storyboard_of_one_bare_slide_is_a_summary_of_what_is_not_shown() -> None:
    inputs = {
        "storyboard_extract": read_storyboard(storyboard(("Only a title", [], "")), "x.pptx"),
        "module_placeholder": placeholder(vir_id=""),
    }
    made = drafted("extract_applet_summary", "mod_review", inputs)
    assert made["lo_served"] == "not shown"
    assert made["screen_summaries"][0]["does"] == "not shown"


def of_applet(position: int = 3) -> tuple[dict[str, Any], bytes]:
    document = applet(position)["build_applet_screens"]
    return document, storyboard_of("Join the parts", document, "Set of counters")


def test_a_summary_has_every_screen_with_title_representation_note_and_table_in_order() -> None:
    document, content = of_applet()
    extract = read_storyboard(content, "join.pptx")
    inputs = {
        "storyboard_extract": extract,
        "module_placeholder": placeholder(applet_lo=document["lo"], visual_model="Set of counters"),
    }
    made = drafted("extract_applet_summary", "mod_review", inputs)
    assert made["alignment"]["differences"] == []
    screens, summed = document["screens"], made["screen_summaries"]
    assert len(summed) == len(screens)
    for screen, one in zip(screens, summed, strict=True):
        assert one["title"] == f"{screen['screen_no']} {screen['ias_stage'].capitalize()}"
        assert one["ias_stage"] == screen["ias_stage"]
        assert one["representation"] == screen["representation"]
        assert one["teacher_note"] == note_of(screen)
        assert one["tables"] == [table_of(screen)]
        assert screen["task"]["statement"] in one["sees"]
        assert screen["feedback"]["on_incorrect"] in one["feedback"]
        assert one["does"] == screen["screen_zones"]["action_instruction"]
    assert made["interaction_modes"] == ["choose", "make", "compare", "complete", "answer"]


def test_an_act_is_a_whole_word_of_the_text_and_none_of_a_note_or_table() -> None:
    content = storyboard(
        ("Join", [], ""),
        (
            "1 Meet",
            ["The drawing shows a typed tape. The parts are drawn."],
            "Drag the answer: 3/4.",
        ),
        ("2 Act", ["The bar is cut. When ready, start dragging one part."], ""),
    )
    inputs = {
        "storyboard_extract": read_storyboard(content, "x.pptx"),
        "module_placeholder": placeholder(),
    }
    made = drafted("extract_applet_summary", "mod_review", inputs)
    assert made["interaction_modes"] == ["drag"]
    first, second = made["screen_summaries"]
    assert first["does"] == "not shown"
    assert second["does"] == "When ready, start dragging one part."


def test_the_sample_s_storyboard_is_that_of_its_applet() -> None:
    document = applet(POSITION)["build_applet_screens"]
    extract = read_storyboard((SAMPLE_FILES / "lms" / NAME).read_bytes(), NAME)
    assert [slide["tables"] for slide in extract["slides"][1:]] == [
        [table_of(screen)] for screen in document["screens"]
    ]


def test_groups_tables_notes_pictures_and_empty_slides_are_read() -> None:
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "Join"
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "First"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "In a group"
    inner = group.shapes.add_group_shape()
    inner.shapes.add_picture(io.BytesIO(PIXEL), 0, 0).name = "Bar"
    (picture,) = inner.shapes
    picture._element.nvPicPr.cNvPr.set("descr", "A bar of 8 parts")
    slide.shapes.add_picture(io.BytesIO(PIXEL), 0, 0)
    table = slide.shapes.add_table(2, 2, 0, 0, Inches(3), Inches(1)).table
    for place, text in enumerate(("Stage", "predict", "Task", "")):
        table.cell(place // 2, place % 2).text = text
    slide.notes_slide.notes_text_frame.text = "Wait for all."
    deck.slides.add_slide(deck.slide_layouts[6])
    out = io.BytesIO()
    deck.save(out)
    _, one, empty = read_storyboard(out.getvalue(), "x.pptx")["slides"]
    assert (one["texts"], one["notes"]) == (["First", "In a group"], ["Wait for all."])
    assert one["tables"] == [[["Stage", "predict"], ["Task", ""]]]
    assert one["pictures"][0] == "A bar of 8 parts"
    assert len(one["pictures"]) == 2
    assert (empty["title"], empty["texts"], empty["tables"], empty["notes"]) == ("", [], [], [])
    made = drafted(
        "extract_applet_summary", "mod_review",
        {
            "storyboard_extract": read_storyboard(out.getvalue(), "x.pptx"),
            "module_placeholder": placeholder(),
        },
    )  # fmt: skip
    (first, second) = made["screen_summaries"]
    assert first["sees"].startswith("First / In a group / picture: A bar of 8 parts / picture: ")
    assert (first["ias_stage"], first["teacher_note"]) == ("predict", "Wait for all.")
    assert {second[key] for key in ("title", "sees", "does", "teacher_note")} == {"not shown"}


def test_a_long_text_is_cut_at_a_word() -> None:
    (read,) = read_storyboard(storyboard(("T", ["wonderful " * 400], "")), "x.pptx")["slides"]
    (text,) = read["texts"]
    assert len(text) <= 2_000
    assert text.endswith("wonderful…")


# ------------------------------------------------------------------------------------ refused files


def packed(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def replaced(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(storyboard(*SAMPLE))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            new.writestr(part.filename, content if part.filename == name else old.read(part))
    return out.getvalue()


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "no archive": b"this is no storyboard",
    "cut off": storyboard(*SAMPLE)[:5_000],
    "another archive": packed(readme=b"hello"),
    "no slides": storyboard(),
    "broken XML": replaced("ppt/slides/slide1.xml", b"<p:sld"),
    "entities": replaced("ppt/slides/slide1.xml", ENTITIES),
    "another part": replaced("ppt/presentation.xml", b"<x/>"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_storyboard_is_refused_by_name(name: str) -> None:
    with pytest.raises(SourceFormatError, match=r"bad\.pptx") as refused:
        read_storyboard(REFUSED[name], "bad.pptx")
    assert refused.value.remedy


def test_a_damaged_part_is_refused_by_name() -> None:
    content = bytearray(storyboard(*SAMPLE))
    for place in range(len(content) // 3, len(content) // 3 + 4_000):
        content[place] ^= 0xFF
    with pytest.raises(AinaError, match=r"bad\.pptx"):
        read_storyboard(bytes(content), "bad.pptx")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed(ppt__slides__slide1_xml=b"", ppt__media__image1=b"\0" * 310_000_000)
    assert len(bomb) < 1_000_000
    with pytest.raises(SourceOverCap, match="unpacked"):
        read_storyboard(bomb, "bad.pptx")
    xml = replaced("ppt/slides/slide1.xml", b"<x>" + b" " * 31_000_000 + b"</x>")
    with pytest.raises(SourceOverCap, match="XML in a part"):
        read_storyboard(xml, "bad.pptx")
    with pytest.raises(SourceOverCap, match="parts"):
        read_storyboard(packed(**{f"p{number}": b"" for number in range(5_001)}), "bad.pptx")


def test_too_many_slides_are_refused() -> None:
    deck = Presentation()
    for _ in range(MAX_SLIDES + 1):
        deck.slides.add_slide(deck.slide_layouts[6])
    out = io.BytesIO()
    deck.save(out)
    with pytest.raises(SourceOverCap, match="slides"):
        read_storyboard(out.getvalue(), "bad.pptx")
