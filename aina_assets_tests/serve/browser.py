"""Headless Chromium, driven as a person would drive it, with a picture of every step.

Belongs here: starting it, pictures, and what a picture cannot show: overflow, the console's errors.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
)
PATIENCE = 90
TALLEST = 8000


def found() -> tuple[str, str] | None:
    """The programs of browser and driver; none where one is missing."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """A browser window of a width.

    Args:
        driver: of the browser.
        width: of the window.
        folder: for pictures.
    """

    def __init__(self, driver: webdriver.Chrome, width: int, folder: Path) -> None:
        self.driver = driver
        self.width = width
        self._folder = folder
        self._pictures = 0
        self._follows = 0

    def open(self, url: str) -> None:
        """Go there."""
        self.driver.get(url)

    def one(self, selector: str) -> WebElement:
        """The element that ``selector`` names, once it is there."""
        return self._wait().until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector))

    def press(self, selector: str) -> None:
        """Click it, scrolled to where a person would see it; the page may stay."""
        self._click(selector)

    def follow(self, selector: str) -> None:
        """Click it as :meth:`press` does, until another page stands there, whole.

        What is clicked bears a mark, and the page is asked for the mark: a question to the element
        itself is one the driver cannot answer while its page goes (an "unhandled inspector error").
        """
        self._follows += 1
        mark = f"followed-{self._follows}"
        self.run("arguments[0].setAttribute(arguments[1], '')", self.one(selector), mark)
        self._click(f"[{mark}]")
        gone = f"return document.readyState == 'complete' && !document.querySelector('[{mark}]')"
        self._wait().until(lambda _: self.run(gone))

    def wait_for(self, text: str, selector: str = "body") -> None:
        """Until ``text`` stands there."""

        def stands(driver: webdriver.Chrome) -> bool:
            spots = driver.find_elements(By.CSS_SELECTOR, selector)
            return any(text in (spot.get_attribute("textContent") or "") for spot in spots)

        self._wait().until(stands)

    def _wait(self) -> WebDriverWait[webdriver.Chrome]:
        """Patience with a page that is just coming or going."""
        return WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[WebDriverException])

    def _click(self, selector: str) -> None:
        element = self.one(selector)
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def run(self, script: str, *arguments: Any) -> Any:
        """What ``script`` returns."""
        return self.driver.execute_script(script, *arguments)

    def picture(self, name: str) -> Path:
        """A picture of the whole page, however far it can be scrolled."""
        height = int(self.run("return document.documentElement.scrollHeight"))
        taken = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {
                "captureBeyondViewport": True,
                "clip": {
                    "x": 0,
                    "y": 0,
                    "width": self.width,
                    "height": min(height, TALLEST),
                    "scale": 1,
                },
            },
        )
        self._pictures += 1
        path = self._folder / f"{self._pictures:02}-{name}-{self.width}.png"
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(
            self.run(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def complaints(self) -> list[str]:
        """What the console says that is not about a status of HTTP."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [
            str(entry["message"])
            for entry in entries
            if "Failed to load resource: the server responded" not in str(entry["message"])
        ]


@contextmanager
def browsing(width: int, folder: Path, *, scripts: bool = True) -> Iterator[Browser]:
    """A browser that is gone afterwards; with ``scripts`` off, pages run none."""
    programs = found()
    assert programs is not None
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    profile = folder / f"profile-{width}-{scripts}"
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        off = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", off)
    driver = webdriver.Chrome(options, webdriver.ChromeService(programs[1]))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        yield Browser(driver, width, folder)
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)
