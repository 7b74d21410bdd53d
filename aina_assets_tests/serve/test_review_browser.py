"""A whole review in a real browser: wide, narrow, without scripts, and by keyboard alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from selenium.webdriver.common.keys import Keys

from aina_assets_tests.serve.browser import Browser, browsing, found
from aina_assets_tests.serve.review_world import (
    HOSTILE,
    KEYS,
    PROGRAM,
    RUBRIC,
    RUBRICS,
    SETTING,
    TITLE,
    TITLES,
    change,
    keys_at,
    write_reviewers,
)
from aina_assets_tests.serve.server import Server, running
from aina_assets_tests.serve.test_browser import pictured, step

pytestmark = pytest.mark.skipif(
    found() is None, reason="no Chromium with its driver: apt-get install chromium chromium-driver"
)

WIDTHS = pytest.mark.parametrize(
    ("width", "scripts"), [(1280, True), (390, True), (390, False)], ids=["wide", "narrow", "plain"]
)


class Room(NamedTuple):
    server: Server
    home: Path


@pytest.fixture(scope="module")
def room(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A server over a warehouse of its own."""
    folder = tmp_path_factory.mktemp("review_browser")
    home = folder / "home"
    shutil.copytree(sample_home, home, symlinks=True)
    setting = {SETTING: str(write_reviewers(folder / "reviewers.yaml")), "AINA_LEDGER": ""}
    with running(home, folder, program=PROGRAM, **setting) as started:
        yield Room(started, home)


def sign_in(browser: Browser, room: Room, name: str) -> None:
    browser.open(f"{room.server.url}/review")
    browser.one("#key").send_keys(KEYS[name].text)
    browser.follow("form[action='/review/enter'] button")
    browser.wait_for("Review queue", "h1")


def see(browser: Browser, room: Room, gate: str, key: str) -> None:
    browser.open(f"{room.server.url}/review/subject?gate={gate}&key={key}")


@WIDTHS
def test_a_whole_review(room: Room, tmp_path: Path, width: int, scripts: bool) -> None:
    number = {(1280, True): 20, (390, True): 21}.get((width, scripts), 22)
    rubric = keys_at(room.home, RUBRICS)[number]
    with browsing(width, tmp_path, scripts=scripts) as browser, pictured(browser):
        browser.open(f"{room.server.url}/review")
        step(browser, "sign-in")
        if scripts:
            browser.one("#key").send_keys(KEYS["stranger"].text)
            browser.follow("form[action='/review/enter'] button")
            browser.wait_for("not the key of a reviewer on file", "[role=alert]")
            step(browser, "refused")
        sign_in(browser, room, "ana")
        step(browser, "queue")

        browser.one("#q").send_keys(rubric)
        browser.follow("form.filter button")
        browser.wait_for(rubric, "ul.cases")
        step(browser, "found")
        browser.follow("ul.cases a")
        browser.wait_for("What is decided on")
        step(browser, "subject")

        browser.press("#verdict-revise")
        browser.follow("button[name=more]")
        assert browser.one("#verdict-revise").is_selected()
        browser.follow("form[action='/review/decide'] .actions button")
        browser.wait_for("Give at least one reason.", "[role=alert]")
        step(browser, "faults")
        browser.one("#reasons").send_keys("Its second check\nasks for nothing.")
        browser.one("#edit-3-kind").send_keys("manual")
        browser.one("#edit-3-text").send_keys("Name what is asked for.")
        change(room.home, RUBRICS, rubric, title=f"Changed meanwhile: {rubric}")
        browser.follow("form[action='/review/decide'] .actions button")
        browser.wait_for("It changed while you were looking", "[role=alert]")
        step(browser, "changed")
        browser.follow("form[action='/review/decide'] .actions button")
        browser.wait_for("Recorded: you asked for edits", "[role=status]")
        browser.wait_for("Name what is asked for.", ".history")
        step(browser, "recorded")

        browser.follow("header form button")
        browser.wait_for("Sign in to review", "h1")


@WIDTHS
def test_what_is_hostile_closed_or_many(
    room: Room, tmp_path: Path, width: int, scripts: bool
) -> None:
    rubrics, titles = keys_at(room.home, RUBRICS), keys_at(room.home, TITLES)
    number = {(1280, True): 30, (390, True): 31}.get((width, scripts), 32)
    content = {HOSTILE: [HOSTILE, {"deep": {"deeper": [[HOSTILE]]}}], "long": "x" * 900, "no": None}
    change(
        room.home,
        RUBRICS,
        rubrics[number],
        title=HOSTILE,
        content=content,
        evidence={"y" * 200: "z" * 200},
        authors=["ana"],
    )
    with browsing(width, tmp_path, scripts=scripts) as browser, pictured(browser):
        sign_in(browser, room, "ana")
        see(browser, room, RUBRIC, rubrics[number])
        browser.wait_for("ana had a part in it")
        browser.press(".wrap > details summary")
        step(browser, "hostile")
        assert "\u202e" not in str(browser.one("main").get_attribute("textContent"))

        see(browser, room, TITLE, titles[1])
        browser.wait_for("Which one do you approve?")
        step(browser, "title")
        see(browser, room, TITLE, "nothing")
        browser.wait_for("That did not work", "h1")
        step(browser, "problem")


def test_by_keyboard_alone(room: Room, tmp_path: Path) -> None:
    rubric = keys_at(room.home, RUBRICS)[40]
    with browsing(1280, tmp_path) as browser, pictured(browser):
        sign_in(browser, room, "ben")
        see(browser, room, RUBRIC, rubric)

        def focused() -> dict[str, str]:
            found_: dict[str, str] = browser.run(
                "const e = document.activeElement, s = getComputedStyle(e);"
                "return {id: e.id, text: e.textContent, outline: s.outlineStyle + s.outlineWidth}"
            )
            return found_

        def press(*keys: str) -> None:
            browser.driver.switch_to.active_element.send_keys(*keys)

        def tab_to(name: str) -> None:
            for _ in range(60):
                press(Keys.TAB)
                if name in (focused()["id"], focused()["text"]):
                    assert focused()["outline"] == "solid3px", name
                    return
            raise AssertionError(f"Tab never comes to {name}")

        browser.one("body").send_keys(Keys.TAB)
        assert focused()["text"] == "Skip to the content"
        press(Keys.ENTER)
        tab_to("verdict-approve")
        press(Keys.SPACE)
        tab_to("reasons")
        press("It asks what it teaches.")
        tab_to("Sign and record")
        press(Keys.ENTER)
        browser.wait_for("Recorded: you approved", "[role=status]")
