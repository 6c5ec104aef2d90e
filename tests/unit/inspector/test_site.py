"""The pages of a site, and what its forms do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from florentin_webhooks import Discard, MemoryStore, Receiver, events
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.testing import Provider
from tests.support.inspected import SECRET, get, post, request, shown, site_of

PROVIDER = Provider(SECRET)


class Shop:
    """A receiver whose mail fails until it is repaired, and the runs of its handlers."""

    def __init__(self) -> None:
        self.hooks = Receiver(SECRET, name="shop")
        self.ran: list[str] = []
        self.is_mail_down = True
        self.hooks.on("invoice.created")(self.bill)
        self.hooks.on("invoice.created")(self.mail)
        self.hooks.on("tos.accepted")(self.file)

    def bill(self, _event: events.InvoiceCreated) -> None:
        self.ran.append("bill")

    def mail(self, event: events.InvoiceCreated) -> None:
        self.ran.append("mail")
        if self.is_mail_down:
            raise ConnectionError(event.data.invoice.number)

    def file(self, _event: events.TosAccepted) -> None:
        raise Discard("known already")

    def deliver(self, event: str, **data: object) -> str:
        """Deliver an event and return its fingerprint."""
        made = PROVIDER.make(event, **data)
        self.hooks.receive(*made)
        return self.hooks.verify(*made)[0].fingerprint


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def site(shop: Shop) -> Site:
    return site_of(shop.hooks, show_bodies=True)


def test_empty_list_says_so(site: Site) -> None:
    response = get(site, "/")
    assert response.status == 200
    assert "No delivery has arrived yet." in shown(response)


def test_list_shows_each_delivery_with_its_handlers(shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    text = shown(get(site, "/"))
    assert "invoice.created" in text
    assert key[:8] in text
    assert "failed 1 done 1 failed" in text
    assert "Shop.mail: ConnectionError" in text


def test_duplicates_are_folded_under_their_delivery(shop: Shop, site: Site) -> None:
    made = PROVIDER.make("tos.accepted")
    for _ in range(3):
        shop.hooks.receive(*made)
    html = get(site, "/").body.decode()
    assert html.count("tos.accepted</a>") == 1
    assert "+2 duplicates" in html


def test_retries_are_folded_under_their_delivery(shop: Shop, site: Site) -> None:
    made = PROVIDER.make("invoice.created")
    shop.hooks.receive(*made)
    shop.is_mail_down = False
    shop.hooks.receive(*PROVIDER.restamp(made))
    html = get(site, "/").body.decode()
    assert html.count("invoice.created</a>") == 1
    assert "attempt 2" in html
    assert "2 done" in html


def test_detail_names_checks_runs_and_places(shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    text = shown(get(site, f"/deliveries/{key}"))
    assert "Signed with the secret secret-1, key id" in text
    assert re.search(r"Signed at .* UTC, [\d.]+ ms before it arrived", text)
    assert "failed ConnectionError test_site.py:" in text
    assert "500 handler-failed" in text
    assert "INV-0042" in text


def test_body_is_hidden_unless_the_program_shows_it(shop: Shop) -> None:
    site = site_of(shop.hooks)
    key = shop.deliver("invoice.created")
    response = get(site, f"/deliveries/{key}")
    assert "Bodies are not shown here" in shown(response)
    assert b"INV-0042" not in response.body
    assert b"INV-0042" not in get(site, "/").body


def test_error_text_is_hidden_unless_the_program_shows_it(shop: Shop) -> None:
    hidden, site = site_of(shop.hooks), site_of(shop.hooks, show_errors=True)
    key = shop.deliver("invoice.created")
    assert b"INV-0042" not in get(hidden, f"/deliveries/{key}").body
    assert "ConnectionError test_site.py:" in shown(get(site, f"/deliveries/{key}"))
    assert "INV-0042" in shown(get(site, f"/deliveries/{key}"))
    assert b"INV-0042" not in get(site, "/").body


def test_refused_request_has_a_page_with_the_reason(shop: Shop, site: Site) -> None:
    shop.hooks.receive(*PROVIDER.tamper(PROVIDER.make("user.login")))
    listed = get(site, "/?state=refused")
    path = re.search(rb'href="(refused/\d+)"', listed.body)
    assert path
    text = shown(get(site, f"/{path[1].decode()}"))
    assert "invalid-signature refused" in text
    assert "Signature failed The signature is invalid: mismatch." in text
    assert get(site, "/refused/999").status == 404


def test_stale_delivery_has_its_age_in_the_checks(shop: Shop, site: Site) -> None:
    late = Provider(SECRET, clock=lambda: datetime.now(UTC) - timedelta(days=1))
    made = late.make("tos.accepted")
    shop.hooks.receive(*made)
    text = shown(get(site, "/"))
    assert "tos.accepted The event is 86400" in text
    assert "stale 1 not run" in text


def test_replay_runs_only_what_has_not_finished(shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    shop.is_mail_down = False
    response = post(site, f"/deliveries/{key}/replay")
    assert (response.status, dict(response.headers)["Location"]) == (303, f"../{key}")
    assert shop.ran == ["bill", "mail", "mail"]
    assert "done" in shown(get(site, f"/deliveries/{key}"))


def test_replay_of_all_handlers_runs_each_again(shop: Shop, site: Site) -> None:
    shop.is_mail_down = False
    key = shop.deliver("invoice.created")
    post(site, f"/deliveries/{key}/replay", what="all")
    assert shop.ran == ["bill", "mail"] * 2


def test_replay_of_one_handler_runs_no_other(shop: Shop, site: Site) -> None:
    shop.is_mail_down = False
    key = shop.deliver("invoice.created")
    name = f"{__name__}:Shop.bill"
    post(site, f"/deliveries/{key}/replay", handler=name)
    assert shop.ran == ["bill", "mail", "bill"]
    assert shop.hooks.receive(*PROVIDER.make("user.login")).outcome == "ignored"


def test_failed_replay_says_why(shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    response = post(site, f"/deliveries/{key}/replay")
    cookie = dict(response.headers)["Set-Cookie"].partition(";")[0]
    text = shown(get(site, f"/deliveries/{key}", cookie=cookie))
    assert "Not done: " in text
    assert "ConnectionError" in text


def test_discarded_delivery_is_done(shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    response = post(site, f"/deliveries/{key}/discard")
    assert "Discarded" in dict(response.headers)["Set-Cookie"]
    assert shop.hooks.receive(*PROVIDER.make("tos.accepted")).outcome == "processed"
    assert "done" in shown(get(site, f"/deliveries/{key}"))
    again = post(site, f"/deliveries/{key}/discard")
    assert "left%20unchanged" in dict(again.headers)["Set-Cookie"]


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_forged_form_changes_nothing(action: str, shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    forged = request(f"/deliveries/{key}/{action}", method="POST", sec_fetch_site="cross-site")
    assert site.respond(forged).status == 403
    assert shop.ran == ["bill", "mail"]


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_address_of_a_button_leads_to_the_delivery(action: str, shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    response = get(site, f"/deliveries/{key}/{action}")
    assert (response.status, dict(response.headers)["Location"]) == (303, f"../{key}")
    assert shop.ran == ["bill", "mail"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/deliveries/xyz", f"/deliveries/{'0' * 32}", "/trigger"]
)
def test_unknown_page_is_not_found(path: str, site: Site) -> None:
    assert get(site, path).status == 404
    assert post(site, path).status == 404


def test_other_method_is_refused(site: Site) -> None:
    assert site.respond(request("/", method="DELETE")).status == 405


def test_page_has_headers_against_scripts_and_frames(site: Site) -> None:
    headers = dict(get(site, "/").headers)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_page_has_no_inline_script_or_style(shop: Shop, site: Site) -> None:
    key = shop.deliver("invoice.created")
    for path in ("/", f"/deliveries/{key}", "/overview"):
        html = get(site, path).body.decode()
        assert not re.search(r"<style|<script>|\son\w+=|\sstyle=|javascript:", html), path


def test_assets_of_a_page_are_served_for_good(site: Site) -> None:
    html = get(site, "/").body.decode()
    names = re.findall(r'"\./(static/[^"]+)"', html)
    assert len(names) == 3
    for name in names:
        response = get(site, f"/{name}")
        assert response.status == 200
        assert "immutable" in dict(response.headers)["Cache-Control"]
    assert get(site, "/static/nothing.css").status == 404


def test_text_of_a_sender_is_escaped(site: Site, shop: Shop) -> None:
    hooks = shop.hooks
    body = b'{"event":"<b>x</b>","timestamp":"2026-01-01T00:00:00Z","data":{}}'
    hooks.receive(*PROVIDER.sign("<b>x</b>", body, delivery_id="<i>"))
    html = get(site, "/").body.decode()
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>x" not in html


class DownStore(MemoryStore):
    """A store that does not answer; it is asked for nothing that it could answer."""

    def execute(self, operation: Operation[Any]) -> Any:
        raise Unavailable(f"{type(operation).__name__} was not answered.", "Try again.")


def test_page_of_a_store_that_is_down_says_so() -> None:
    site = site_of(Receiver(SECRET, store=DownStore()))
    response = get(site, "/")
    assert response.status == 503
    assert "The store does not answer." in shown(response)
    assert "does not answer" in shown(get(site, "/overview"))


def test_changes_differ_once_there_is_something_new(shop: Shop) -> None:
    stream = get(site_of(shop.hooks, is_live=True), "/events")
    assert stream.changes is not None
    before = stream.changes()
    assert stream.changes() == before
    shop.deliver("tos.accepted")
    assert stream.changes() != before


@pytest.mark.parametrize("of", ["x", "ab", "A" * 32, "0" * 33])
def test_stream_of_an_invalid_fingerprint_is_not_found(of: str, site: Site) -> None:
    assert get(site, f"/events?of={of}").status == 404
