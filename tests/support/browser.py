"""A headless Chromium, driven by Selenium."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib.resources import files
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select
from urllib3.exceptions import HTTPError

from tests.support.waiting import eventually

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--hide-scrollbars --force-color-profile=srgb"
)
_STARTS = 3
_TOO_EARLY = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
_AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


class Browser:
    """A window, with what the tests ask of it.

    Pages change by themselves while a test looks at them, so what is not there yet, or not any
    more, is looked for again.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str, *, width: int = 1280, scheme: str = "light") -> None:
        """Open *url* in a window of *width* and the colour *scheme*."""
        metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setDeviceMetricsOverride", metrics)
        self.command("Emulation.setEmulatedMedia", {"features": media})
        self.driver.get(url)

    def command(self, name: str, arguments: dict[str, Any]) -> Any:  # Any: DevTools.
        return self.driver.execute_cdp_cmd(name, arguments)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def choose(self, selector: str, text: str) -> None:
        """Choose the option *text* of a list."""
        self._do(lambda: Select(self.find(selector)).select_by_visible_text(text))

    def press(self, *keys: str) -> None:
        """Press *keys* where the focus is."""
        self._do(lambda: self.driver.switch_to.active_element.send_keys(*keys))

    def texts(self, selector: str) -> list[str]:
        """Return the visible text of each element, of one moment."""
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        return [str(text).strip() for text in self.driver.execute_script(script, selector)]

    def click(self, text: str) -> None:
        """Click the button or link whose text is *text*."""
        path = f"//*[self::button or self::a or self::summary][normalize-space()='{text}']"
        self._do(lambda: self.driver.find_element(By.XPATH, path).click())

    def click_at(self, selector: str) -> None:
        self._do(lambda: self.find(selector).click())

    def sees(self, text: str) -> None:
        """Wait until the page has *text*."""
        self.waits_for(lambda: text in " ".join(self.texts("main")))

    def shows(self, selector: str, *texts: str) -> None:
        """Wait until the elements have these *texts*."""
        self.waits_for(lambda: self.texts(selector) == [*texts])

    def waits_for(self, condition: Callable[[], object]) -> None:
        """Wait for *condition* of a page, which may be left meanwhile."""

        def holds() -> object:
            with suppress(WebDriverException):
                return condition()
            return False

        eventually(holds)

    def _do(self, action: Callable[[], object]) -> None:
        def is_done() -> bool:
            with suppress(*_TOO_EARLY):
                action()
                return True
            return False

        eventually(is_done)

    def is_alive(self) -> bool:
        with suppress(WebDriverException, HTTPError):
            return bool(self.driver.window_handles)
        return False

    def run(self, script: str) -> Any:  # Any: JSON.
        return self.driver.execute_script(script)

    def log(self) -> list[dict[str, str]]:
        """Return what the browser has logged of pages, such as violations of the policy."""
        driver: Any = self.driver  # Any: this method has no types.
        # Chromium's own start page, which it leaves at the first `open`, can fail meanwhile.
        logged = driver.get_log("browser")
        return [each for each in logged if not each["message"].startswith("chrome://")]

    def violations(self) -> list[str]:
        """Return what axe-core finds wrong with the page."""
        self.driver.execute_script(_AXE)
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")["violations"]
        return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]


class Chromium:
    """The browser of Debian's packages, each time it starts with a profile of its own."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """Return the browser at an empty page; start one where none runs, or it has died."""
        if self._browser is None or not self._browser.is_alive():
            self.close()
            self._browser = self._start()
        self._browser.driver.get("about:blank")
        self._browser.log()  # What the page of an earlier test has logged.
        return self._browser

    def close(self) -> None:
        self._stack.close()

    def _start(self) -> Browser:
        for _ in range(_STARTS - 1):
            with suppress(WebDriverException):
                return self._start_once()
        return self._start_once()

    def _start_once(self) -> Browser:
        program, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if not (program and driver):
            pytest.fail(
                "Install Debian's packages chromium and chromium-driver: these tests need them."
            )
        folder = tempfile.TemporaryDirectory(prefix="fw-", ignore_cleanup_errors=True)
        profile = self._stack.enter_context(folder)
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for flag in (*_FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        started = webdriver.Chrome(options, Service(driver))
        self._stack.callback(started.quit)
        started.set_script_timeout(100)  # Of axe, on a busy machine.
        return Browser(started)
