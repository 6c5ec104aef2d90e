"""A headless Chromium, driven by Selenium."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support.waiting import eventually

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--hide-scrollbars --force-color-profile=srgb"
)
_AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


class Browser:
    """A window, with what the tests ask of it."""

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

    def texts(self, selector: str) -> list[str]:
        """Return the visible text of each element, of one moment."""
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        return [str(text).strip() for text in self.driver.execute_script(script, selector)]

    def click(self, text: str) -> None:
        """Click the button or link whose text is *text*."""
        path = f"//*[self::button or self::a or self::summary][normalize-space()='{text}']"
        self.driver.find_element(By.XPATH, path).click()

    def sees(self, text: str) -> None:
        """Wait until the page has *text*."""
        eventually(lambda: text in " ".join(self.texts("main")))

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


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser of Debian's packages, with a profile of its own."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and driver):
        pytest.fail(
            "Install Debian's packages chromium and chromium-driver: these tests need them."
        )
    options = webdriver.ChromeOptions()
    options.binary_location = program
    with tempfile.TemporaryDirectory(prefix="fw-", ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS.split(), f"--user-data-dir={profile}"):
            options.add_argument(flag)
        started = webdriver.Chrome(options, Service(driver))
        try:
            yield Browser(started)
        finally:
            started.quit()
