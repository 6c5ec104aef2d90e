"""The pages in a browser: live, by keyboard, without script, dark, on a phone, for everyone."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from florentin_webhooks import Discard, Receiver, Spool, events
from florentin_webhooks.asgi import WebhookMiddleware
from florentin_webhooks.inspector import Inspector
from florentin_webhooks.inspector.app import mount_inspector
from florentin_webhooks.inspector.header_capture import HeaderCapture
from florentin_webhooks.inspector.simulation import Simulation
from florentin_webhooks.simulator import Simulator
from florentin_webhooks.simulator.webhooks.faults import Fault
from florentin_webhooks.testing import Provider
from tests.support.browser import Browser, Chromium
from tests.support.inspected import SECRET, site_of
from tests.support.server import Switchboard
from tests.support.waiting import eventually

PROVIDER = Provider(SECRET)
_PICTURES = {
    "list-light-1280": "inspector-list",
    "delivery-light-1280": "inspector-delivery",
}
_CLIPBOARD = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}


@pytest.fixture(scope="module")
def chromium(board: Switchboard) -> Iterator[Chromium]:
    """Yield a browser that is closed before its server."""
    assert board.port
    with closing(Chromium()) as made:
        yield made


@pytest.fixture
def browser(chromium: Chromium) -> Browser:
    return chromium.browser()


class Shop:
    """A receiver behind a server, with its inspector; mail fails until it is repaired."""

    def __init__(self, board: Switchboard) -> None:
        self.hooks = Receiver(SECRET, name="shop")
        self.is_mail_down = True
        self.hooks.on("invoice.created")(self.bill)
        self.hooks.on("invoice.created")(self.send_mail)
        self.hooks.on("user.login")(self.greet)
        self.hooks.on("tos.accepted")(self.file_terms)
        url = f"http://127.0.0.1:{board.port}"
        self.url, self.page = f"{url}/webhooks/florentin", f"{url}/look/"
        self.inspector = Inspector(
            self.hooks,
            show_bodies=True,
            show_errors=True,
            simulation=Simulation({self.hooks: self.url}),
        )
        app = HeaderCapture(WebhookMiddleware(not_found, receiver=self.hooks))
        board.connect(mount_inspector(app, self.inspector, "/look"))

    def bill(self, _: events.InvoiceCreated) -> None: ...

    def send_mail(self, event: events.InvoiceCreated) -> None:
        if self.is_mail_down:
            raise ConnectionError(event.data.invoice.number)

    def quote(self, _: events.InvoiceCreated) -> None:
        raise ValueError("long" * 200)

    def greet(self, _: events.UserLogin) -> None: ...

    def file_terms(self, _: events.TosAccepted) -> None:
        raise Discard("this version is filed")

    def deliver(self, event: str) -> str:
        """Deliver an event and return the address of its page."""
        made = PROVIDER.make(event)
        PROVIDER.send(self.url, made)
        return f"{self.page}deliveries/{self.hooks.verify(*made)[0].fingerprint}"

    def fill(self) -> dict[str, str]:
        """Deliver one of each kind; return the address of each page."""
        for _ in range(3):
            self.deliver("user.login")
        self.deliver("tos.accepted")
        repeated = PROVIDER.make("user.login")
        for _ in range(3):
            PROVIDER.send(self.url, repeated)
        PROVIDER.send(self.url, PROVIDER.tamper(repeated))
        yesterday = Provider(SECRET, clock=lambda: datetime.now(UTC) - timedelta(days=1))
        yesterday.deliver(self.url, "tos.accepted")
        failed = self.deliver("invoice.created")
        paths = {"list": "", "overview": "overview", "trigger": "trigger", "error": "nothing"}
        pages = {name: f"{self.page}{path}" for name, path in paths.items()}
        self.inspector.site.trail.settle()
        (refused,) = self.inspector.site.trail.refused()
        return {**pages, "delivery": failed, "refused": f"{self.page}refused/{refused.number}"}


async def not_found(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def shop(board: Switchboard) -> Shop:
    return Shop(board)


def test_list_is_live(browser: Browser, shop: Shop) -> None:
    shop.deliver("user.login")
    browser.open(shop.page)
    browser.shows("#live", "live")
    browser.shows(".list .event a", "user.login")
    shop.deliver("tos.accepted")
    browser.shows(".list .event a", "tos.accepted", "user.login")
    announced = "return document.getElementById('announce').textContent"
    browser.waits_for(lambda: browser.run(announced) == "1 new")


def test_list_refreshes_itself_where_streams_end_at_once(
    browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("florentin_webhooks.inspector.site._RETRY", "retry: 100\n\n")
    shop.inspector.site = site_of(shop.hooks)  # As Flask and Django mount it.
    browser.open(shop.page)
    browser.shows("#live", "refreshes every 3 s")
    shop.deliver("user.login")
    browser.shows(".list .event a", "user.login")


def test_list_is_live_again_after_a_refused_stream(
    browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sooner = {"source": "const later = setTimeout; setTimeout = (f, ms) => later(f, ms / 50);"}
    added = browser.command("Page.addScriptToEvaluateOnNewDocument", sooner)
    with monkeypatch.context() as full:
        full.setattr("florentin_webhooks.inspector.app._MOST_STREAMS", 0)
        browser.open(shop.page)
        browser.waits_for(lambda: any("503" in each["message"] for each in browser.log()))
    browser.command("Page.removeScriptToEvaluateOnNewDocument", added)
    shop.deliver("user.login")
    browser.shows(".list .event a", "user.login")


def test_filter_is_in_the_address(browser: Browser, shop: Shop) -> None:
    shop.deliver("user.login")
    shop.deliver("invoice.created")
    browser.open(shop.page)
    browser.choose("select[name=state]", "failed")
    browser.click("Filter")
    browser.waits_for(lambda: "state=failed" in browser.driver.current_url)
    browser.shows(".list .event a", "invoice.created")
    browser.driver.refresh()
    browser.shows(".list .event a", "invoice.created")


def test_keys_search_move_and_open(browser: Browser, shop: Shop) -> None:
    failed = shop.deliver("invoice.created")
    shop.deliver("user.login")
    browser.open(shop.page)
    browser.press("/")
    browser.press("connectionerror", Keys.ENTER)
    browser.shows(".list .event a", "invoice.created")
    browser.click("Clear")
    browser.shows(".list .event a", "user.login", "invoice.created")
    browser.press("jjkj")
    browser.press(Keys.ENTER)
    browser.waits_for(lambda: browser.driver.current_url == failed)


def test_detail_explains_and_replay_repairs(browser: Browser, shop: Shop) -> None:
    browser.open(shop.deliver("invoice.created"))
    for text in ("Signed with the secret secret-1", "failed ConnectionError", "test_browser.py:"):
        browser.sees(text)
    browser.shows(".runs .text", "INV-0042")
    assert "INV-0042" in " ".join(browser.texts("pre"))
    assert "masked, 71 characters" in " ".join(browser.texts(".pairs"))
    shop.is_mail_down = False
    browser.click("Replay what failed")
    browser.sees("Replayed: it is done.")
    browser.shows("h1 .state", "done")


def test_copy_puts_the_test_on_the_clipboard(browser: Browser, shop: Shop) -> None:
    browser.command("Browser.grantPermissions", _CLIPBOARD)
    browser.open(shop.deliver("invoice.created"))
    browser.click("Copy as pytest")
    browser.click_at("[data-copy=pytest]")
    browser.sees("Copied")
    script = "navigator.clipboard.readText().then(arguments[0])"
    assert "def test_invoice_created_" in browser.driver.execute_async_script(script)


def test_trigger_sends_an_edited_event_and_each_fault(browser: Browser, shop: Shop) -> None:
    browser.open(f"{shop.page}trigger")
    browser.choose("select[name=event]", "tos.accepted")
    sample = "return document.getElementById('body').value"
    browser.waits_for(lambda: '"tos.accepted"' in browser.run(sample))
    browser.click("Duplicate")
    browser.sees("Sent tos.accepted (duplicate): 200 processed, then 200 duplicate.")
    browser.click("Wrong secret")
    browser.sees("Sent tos.accepted (wrong secret): 401 invalid-signature.")
    browser.click("Deliveries")
    browser.waits_for(lambda: sorted(browser.texts(".list .state")) == ["done", "refused"])


def test_pages_work_without_script(browser: Browser, shop: Shop) -> None:
    failed = shop.deliver("invoice.created")
    browser.command("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(shop.page)
        browser.click_at(".list .event a")
        browser.waits_for(lambda: browser.driver.current_url == failed)
        shop.is_mail_down = False
        browser.click("Replay what failed")
        browser.sees("Replayed: it is done.")
        browser.click_at("nav a[href$=trigger]")
        browser.click("Show its sample")
        browser.waits_for(lambda: "event=" in browser.driver.current_url)
        browser.click("Send")
        browser.sees("Sent account.created (none): 200 ignored.")
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (360, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.long),
        pytest.param(390, "light", marks=pytest.mark.long),
    ],
)
def test_pages_fit_and_have_no_axe_findings(
    scheme: str, width: int, browser: Browser, shop: Shop, directory: Path
) -> None:
    shop.hooks.spool = Spool(directory / "spool.db")
    for name, url in shop.fill().items():
        browser.open(url, width=width, scheme=scheme)
        if name == "overview":
            assert browser.texts("#h-spools") == ["Spool"]
        assert browser.violations() == [], name
        assert browser.run("return document.documentElement.scrollWidth") <= width, name
        _take(browser, f"{name}-{scheme}-{width}")
    logged = [each["message"] for each in browser.log()]
    assert [line for line in logged if "404" not in line] == []


def test_long_word_leaves_headings_of_a_phone_whole(browser: Browser, shop: Shop) -> None:
    shop.hooks.on("invoice.created")(shop.quote)
    browser.open(shop.deliver("invoice.created"), width=360)
    heights = "return [...document.querySelectorAll('.runs th')].map((e) => e.offsetHeight)"
    assert max(browser.run(heights)) < 30
    assert browser.run("return document.documentElement.scrollWidth") <= 360


def test_dark_scheme_is_dark(browser: Browser, shop: Shop) -> None:
    shades: dict[str, int] = {}
    for scheme in ("light", "dark"):
        browser.open(shop.page, scheme=scheme)
        color = browser.run("return getComputedStyle(document.body).backgroundColor")
        shades[scheme] = sum(int(each.strip("rgb() ")) for each in color.split(","))
    assert shades["dark"] < 150
    assert shades["light"] > 600


def _take(browser: Browser, name: str) -> None:
    """Write a picture of the docs where $FLORENTIN_SCREENSHOTS names their folder."""
    folder, name = os.environ.get("FLORENTIN_SCREENSHOTS"), _PICTURES.get(name, "")
    if folder and name:
        bottom = browser.run("return document.querySelector('main').getBoundingClientRect().bottom")
        clip = {"x": 0, "y": 0, "width": 1280, "height": min(bottom, 800), "scale": 1}
        shot = browser.command("Page.captureScreenshot", {"format": "png", "clip": clip})
        Path(folder, f"{name}.png").write_bytes(b64decode(shot["data"]))


@pytest.fixture
def local_florentin(board: Switchboard) -> Iterator[Simulator]:
    """Yield a local Florentin behind the server; the endpoint of its webhooks is not there."""
    with Simulator() as simulator:
        simulator.add_endpoint("http://127.0.0.1:9/", SECRET)
        board.connect(simulator.app)
        yield simulator


def test_simulator_sends_and_shows_each_attempt(
    browser: Browser, board: Switchboard, local_florentin: Simulator
) -> None:
    browser.open(f"http://127.0.0.1:{board.port}/")
    browser.shows("#live", "live")
    local_florentin.fire("user.login", fault=Fault.TAMPER)
    browser.shows(".list .event a", "user.login")
    browser.click_at(".list .event a")
    browser.sees("Connection refused")
    browser.shows(".runs .tag", "tamper")
    browser.click("Send and settings")
    browser.click("Send")
    browser.sees("Sent account.created")


def test_pages_of_the_simulator_have_no_axe_findings(
    browser: Browser, board: Switchboard, local_florentin: Simulator
) -> None:
    (key,) = local_florentin.fire("invoice.created")
    eventually(lambda: local_florentin.deliveries()[0].attempts)
    browser.log()
    looks = [("dark", 360), ("light", 360), ("light", 1280)]
    for path, (scheme, width) in zip(("", "settings", f"deliveries/{key}"), looks, strict=True):
        browser.open(f"http://127.0.0.1:{board.port}/{path}", width=width, scheme=scheme)
        assert browser.violations() == [], path
        assert browser.run("return document.documentElement.scrollWidth") <= width, path
    assert browser.log() == []
