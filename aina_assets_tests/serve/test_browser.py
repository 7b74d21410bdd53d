"""The beta pages, played end to end in a real browser: wide, narrow, and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from aina_assets.learner.view import ReleaseView
from aina_assets_tests.loop.submissions import whole_submission
from aina_assets_tests.serve.browser import Browser, browsing, found
from aina_assets_tests.serve.server import Server, running

pytestmark = pytest.mark.skipif(
    found() is None, reason="no Chromium with its driver: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def server(served_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for this machine alone."""
    folder = tmp_path_factory.mktemp("browser")
    ledger = f"sqlite:///{folder / 'ledger.sqlite'}"
    with running(served_home, folder, "--insecure-local", "--ledger", ledger) as started:
        yield started


@contextmanager
def pictured(browser: Browser) -> Iterator[None]:
    """Where it fails, the message says where the picture is."""
    try:
        yield
    except Exception as error:
        path = browser.picture("failed")
        raise AssertionError(f"{type(error).__name__}: {error}\npicture: {path}") from error


def step(browser: Browser, name: str) -> None:
    """A step was reached: take its picture, and see that it fits and that nothing complains."""
    path = browser.picture(name)
    assert browser.overflow() == 0, f"wider than its window: {path}"
    assert browser.complaints() == [], path


def fill(browser: Browser, title: str) -> None:
    browser.one("#role_title").send_keys(title)
    browser.press("#ai_usage-tried")
    browser.press("#confidence-3")
    browser.press("#goals-save_time")
    browser.press("#goals-raise_quality")
    Select(browser.one("#seniority")).select_by_value("manager")
    browser.one("#weekly_minutes").send_keys("120")
    browser.one("#pains").send_keys("Reports take hours")
    browser.press("#constraints-approved_tools_only")
    browser.press("#is_synthetic-yes")


@pytest.mark.parametrize(
    ("width", "scripts"), [(1280, True), (390, True), (390, False)], ids=["wide", "narrow", "plain"]
)
def test_from_assessment_to_the_next_step(
    server: Server, view: ReleaseView, tmp_path: Path, width: int, scripts: bool
) -> None:
    with browsing(width, tmp_path, scripts=scripts) as browser, pictured(browser):
        browser.open(server.url)
        browser.wait_for("Internal beta, made-up learners only.")
        step(browser, "assessment")

        browser.follow("form[action='/beta/assess'] button")
        browser.wait_for("answers need another look", "[role=alert]")
        step(browser, "assessment-faults")
        browser.press("a[href='#goals']")

        fill(browser, "Marketing Managers")
        browser.follow("form[action='/beta/assess'] button")
        browser.wait_for("Where you stand", "h1")
        step(browser, "readiness")

        browser.follow("form[action='/beta/plan'] button")
        browser.wait_for("Your next step", "h1")
        first = browser.one("#first-title").text
        browser.press("details summary")
        step(browser, "next-step")

        browser.follow("form[action^='/beta/lessons/'] button")
        browser.wait_for("A worked example", "h2")
        module = view.modules[browser.driver.current_url.rpartition("/")[2]]
        assert module.title == first
        step(browser, "lesson")

        browser.follow("a[href^='/beta/practice/']")
        browser.wait_for("What this grading does not say.")
        step(browser, "practice")
        browser.one("#text").send_keys("Words of mine.")
        browser.press("form[action^='/beta/practice/'] button")
        browser.wait_for("Not yet", ".outcome")
        assert "Words of mine." in str(browser.one("#text").get_property("value"))
        if scripts:
            browser.wait_for("Not yet: 0 of", "#announcement[role=status]")
        step(browser, "not-yet")

        text = browser.one("#text")
        browser.run("arguments[0].value = arguments[1]", text, whole_submission(module))
        browser.press("form[action^='/beta/practice/'] button")
        browser.wait_for("Passed", ".outcome h2")
        step(browser, "passed")

        browser.follow("form[action='/beta/plan'] button")
        browser.wait_for("Your plan has changed")
        browser.wait_for(f"you passed the module's gate (“{module.title}”)")
        assert browser.one("#first-title").text != first
        browser.wait_for(module.title, "[aria-labelledby=mastered-title]")
        step(browser, "next-step-after")


def test_the_checks_are_shown_in_the_page(server: Server, tmp_path: Path) -> None:
    with browsing(1280, tmp_path) as browser, pictured(browser):
        browser.open(server.url)
        fill(browser, "Sales Managers")
        browser.follow("form[action='/beta/assess'] button")
        browser.follow("form[action='/beta/plan'] button")
        browser.follow("form[action^='/beta/lessons/'] button")
        browser.follow("a[href^='/beta/practice/']")

        browser.press("form[action^='/beta/answers/'] button")
        browser.wait_for("From now on this module proves nothing", "#answer")
        browser.wait_for("The checks are shown below", "#announcement")
        assert "/beta/practice/" in browser.driver.current_url, "the page stayed"
        step(browser, "checks")

        browser.open(f"{server.url}/beta/lessons/no_module")
        browser.wait_for("That did not work", "h1")
        step(browser, "problem")


def test_by_keyboard_alone(server: Server, tmp_path: Path) -> None:
    with browsing(1280, tmp_path) as browser, pictured(browser):
        browser.open(server.url)

        def focused() -> dict[str, str]:
            found = browser.run(
                "const e = document.activeElement, s = getComputedStyle(e);"
                "return {id: e.id, text: e.textContent, outline: s.outlineStyle + s.outlineWidth,"
                " top: e.getBoundingClientRect().top}"
            )
            return {name: str(value) for name, value in found.items()}

        def press(*keys: str) -> None:
            browser.driver.switch_to.active_element.send_keys(*keys)

        def tab_to(name: str) -> None:
            for _ in range(40):
                press(Keys.TAB)
                if focused()["id"] == name:
                    assert focused()["outline"] == "solid3px", name
                    return
            raise AssertionError(f"Tab never comes to {name}")

        browser.one("body").send_keys(Keys.TAB)
        assert focused()["text"] == "Skip to the content"
        assert float(focused()["top"]) >= 0, "seen when it has the focus"
        press(Keys.ENTER)
        assert focused()["id"] == "content"

        tab_to("role_title")
        press("Marketing Managers")
        tab_to("ai_usage-never")
        press(Keys.ARROW_DOWN)
        assert focused()["id"] == "ai_usage-tried"
        tab_to("confidence-1")
        press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
        tab_to("goals-understand")
        press(Keys.SPACE)
        tab_to("weekly_minutes")
        press("90")
        tab_to("is_synthetic-yes")
        press(Keys.SPACE)
        press(Keys.ENTER)

        browser.wait_for("Where you stand", "h1")
        heading = browser.driver.find_element(By.CSS_SELECTOR, "[aria-current=step]")
        assert heading.text == "Readiness"
