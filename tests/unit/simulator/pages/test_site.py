"""The pages of the simulator without a server."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO

import pytest

from florentin_webhooks.simulator.pages.site import SimulatorSite
from tests.support.inspected import get, post, request, shown
from tests.support.simulated import Played

SECRET = "a-secret-of-the-simulator-tests"
URL = "http://127.0.0.1:8000/webhooks/florentin"


class Pages(Played):
    """A domain with its pages."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(patch)
        self.site = SimulatorSite(self.simulator)

    def get(self, path: str) -> str:
        return shown(get(self.site, path))  # type: ignore[arg-type]  # It responds alike.

    def post(self, path: str, **form: str) -> str:
        """Send a form, and return the notice of the next page."""
        answer = post(self.site, path, **form)  # type: ignore[arg-type]
        assert answer.status == 303
        cookie = dict(answer.headers)["Set-Cookie"].partition(";")[0]
        return shown(self.site.respond(request("/settings", cookie=cookie)))


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    pages = Pages(monkeypatch)
    yield pages
    pages.simulator.close()


@pytest.fixture
def served(pages: Pages) -> Pages:
    """Return pages with an endpoint."""
    pages.simulator.add_endpoint(URL, SECRET)
    return pages


def test_page_without_endpoint_leads_to_the_form(pages: Pages) -> None:
    assert "Register an endpoint" in pages.get("/")
    assert "Deliveries go to" in pages.post("/endpoints", url=URL, secret=SECRET)
    assert "Send an event" in pages.get("/")
    assert SECRET not in pages.get("/settings")


def test_wrong_endpoint_is_explained(pages: Pages) -> None:
    assert "is not an http" in pages.post("/endpoints", url="shop", secret=SECRET)
    assert "fewer than" in pages.post("/endpoints", url=URL, secret="short")
    assert pages.simulator.endpoints() == []


def test_sent_event_is_in_the_log_with_its_fault(served: Pages) -> None:
    assert "Sent invoice.created" in served.post("/fire", event="invoice.created", fault="tamper")
    served.answers = [401]
    served.run()
    key = served.last().id
    assert "invoice.created tamper" in served.get("/")
    detail = served.get(f"/deliveries/{key}")
    assert "1 scheduled" in detail
    assert "INV-0042" in detail
    assert "Replay" not in detail, "it is retried by itself"


def test_replay_of_a_failed_delivery_delivers_it(served: Pages) -> None:
    (key,) = served.simulator.fire("user.login")
    served.answers = [500] * 4
    for wait in (0, 30, 120, 300):
        served.run(wait)
    assert "1 failed" in served.get("/?state=failed")
    assert "sent again as it was" in served.post(f"/deliveries/{key}/replay")
    served.run()
    assert "replay" in served.get(f"/deliveries/{key}")
    assert "1 delivered" in served.get("/")


def test_replay_that_is_not_possible_is_explained(served: Pages) -> None:
    (key,) = served.simulator.fire("user.login")
    assert "under way" in served.post(f"/deliveries/{key}/replay")


def test_faults_are_set_in_percent(served: Pages) -> None:
    assert "Faults: duplicate, tamper." in served.post("/faults", duplicate="5", tamper="12.5")
    assert {f"{k}": v for k, v in served.simulator.faults.rates.items()} == {
        "duplicate": 0.05,
        "tamper": 0.125,
    }
    assert "at most 1 in total" in served.post("/faults", tamper="101")
    assert "not a number" in served.post("/faults", tamper="much")
    assert "Nothing goes wrong" in served.post("/faults")


def test_removed_endpoint_is_gone(served: Pages) -> None:
    assert "gets no more deliveries" in served.post("/endpoints/1/remove")
    assert served.simulator.endpoints() == []
    assert "There is no endpoint" in served.post("/fire", event="user.login")


def test_log_has_pages(served: Pages) -> None:
    for _ in range(51):
        served.simulator.fire("user.login")
    served.simulator.fire("tos.accepted")
    assert "tos.accepted" in served.get("/")
    older = served.get("/?before=3")
    assert "tos.accepted" not in older
    assert "Newest deliveries" in older


def test_log_is_exported_as_csv_and_json(served: Pages) -> None:
    (key,) = served.simulator.fire("user.login")
    served.answers = [500]
    served.run()
    rows = [*csv.DictReader(StringIO(get(served.site, "/log.csv").body.decode()))]  # type: ignore[arg-type]
    (entry,) = json.loads(get(served.site, "/log.json").body)  # type: ignore[arg-type]
    assert [(row["id"], row["state"], row["last_status"]) for row in rows] == [
        (key, "pending", "500")
    ]
    assert entry["attempts"] == 1
    assert [(each["kind"], each["status"]) for each in entry["log"]] == [("scheduled", 500)]


def test_change_of_the_log_is_streamed(served: Pages) -> None:
    changes = get(served.site, "/events").changes  # type: ignore[arg-type]
    assert changes is not None
    before = changes()
    assert changes() == before
    served.simulator.fire("user.login")
    assert changes() != before


def test_pages_are_for_this_machine_and_own_forms(served: Pages) -> None:
    assert served.site.respond(request("/", client="192.0.2.7")).status == 403
    assert served.site.respond(request("/", host="shop.example")).status == 403
    assert (
        served.site.respond(request("/fire", method="POST", body=b"event=user.login")).status == 403
    )
    assert served.site.respond(request("/", method="PUT")).status == 405
    assert served.simulator.deliveries() == []


@pytest.mark.parametrize("path", ["/nothing", f"/deliveries/{'0' * 24}", "/static/nothing.css"])
def test_other_paths_are_not_found(path: str, pages: Pages) -> None:
    assert get(pages.site, path).status == 404  # type: ignore[arg-type]
