"""A Django program with everything on that hurts a webhook, under gunicorn and uvicorn."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from florentin_webhooks.testing import SignedDelivery
from tests.support.django_served import (
    PATH,
    Site,
    as_request,
    managed,
    migrated,
    program_of,
    serve,
    written,
)
from tests.support.http import Connection
from tests.support.waiting import eventually

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
LIMIT = 20_000


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables."""
    return migrated(tmp_path_factory.mktemp("django") / "db.sqlite3")


@pytest.fixture(scope="module", params=["gunicorn sync", "uvicorn httptools"])
def running(
    request: pytest.FixtureRequest, tables: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    database = folder / "db.sqlite3"
    shutil.copy(tables, database)
    with serve(request.param, folder, program_of(database)) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.mark()
    return running


def invoice(site: Site, **invoice: object) -> SignedDelivery:
    return site.provider.make("invoice.created", invoice=invoice)


def stamp(made: SignedDelivery) -> str:
    return made.headers["X-Florentin-Delivery-Id"]


def done(site: Site, made: SignedDelivery) -> list[str]:
    return [effect for effect in site.effects() if stamp(made) in effect]


@pytest.mark.answers("ADP-01", "ADP-02")
@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_delivery_needs_no_token_no_login_and_no_redirect(site: Site, path: str) -> None:
    made = invoice(site)
    assert site.send(made, path).outcome == "processed"
    assert site.send(made, path).outcome == "duplicate"
    assert len(done(site, made)) == 1


def test_handlers_run_outside_atomic_requests(site: Site) -> None:
    made = invoice(site)
    site.send(made)
    assert done(site, made) == [f"bill {stamp(made)} atomic=False"]


def test_view_runs_in_the_event_loop_under_asgi(site: Site) -> None:
    made = site.provider.make("user.login")
    assert site.send(made).outcome == "processed"
    (effect,) = done(site, made)
    assert not site.is_asgi or effect.endswith("main=True")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_other_methods_are_refused_by_the_receiver(site: Site, path: str) -> None:
    request = as_request(invoice(site))._replace(method="PUT")
    answer = site.answer(written(request, path))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_body_over_the_limit_of_django_is_accepted(site: Site) -> None:
    made = invoice(site, number="9" * 5_000)
    assert site.send(made).outcome == "processed"


@pytest.mark.answers("HTTP-04")
@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_our_limit_is_too_large(site: Site, chunked: bool) -> None:
    made = invoice(site, number="9" * LIMIT)
    answer = site.send(made, chunked=chunked)
    assert (answer.status, answer.outcome) == (413, "too-large")


@pytest.mark.answers("HTTP-08")
@pytest.mark.parametrize("before", [{}, {"X_Meddle": "body"}, {"X_Meddle": "post"}])
def test_chunked_body_is_accepted(site: Site, before: dict[str, str]) -> None:
    assert site.send(invoice(site), chunked=True, **before).outcome == "processed"


@pytest.mark.answers("ADP-03")
@pytest.mark.parametrize("way", ["body", "post"])
@pytest.mark.parametrize("kind", ["application/json", FORM, "text/plain"])
def test_body_buffered_by_django_is_used(site: Site, way: str, kind: str) -> None:
    answer = site.send(invoice(site), X_Meddle=way, Content_Type=kind)
    assert answer.outcome == "processed"


@pytest.mark.answers("ADP-03")
@pytest.mark.parametrize(("way", "kind"), [("post", MULTIPART), ("read", "application/json")])
def test_body_read_before_is_used_or_logged_as_unavailable(site: Site, way: str, kind: str) -> None:
    made = invoice(site)
    answer = site.send(made, X_Meddle=way, Content_Type=kind)
    if site.is_asgi:
        assert answer.outcome == "processed"
        return
    assert (answer.status, answer.outcome) == (500, "body-unavailable")
    (line,) = site.lines()
    assert line.startswith("ERROR")
    assert line.endswith("a middleware read the body")
    assert site.send(made).outcome == "processed"


def test_body_refused_to_a_middleware_is_logged_by_django(
    site: Site,
) -> None:
    made = invoice(site, number="9" * 5_000)
    assert site.send(made, X_Meddle="body").status == 400
    assert "exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE" in site.output()


def test_form_is_never_parsed(site: Site) -> None:
    assert site.send(invoice(site), Content_Type=MULTIPART).outcome == "processed"
    assert site.send(invoice(site), Content_Type=FORM).outcome == "processed"


def test_forgery_changes_nothing(site: Site) -> None:
    made = invoice(site)
    forged = SignedDelivery(made.headers, made.body + b" ")
    assert site.send(forged).outcome == "invalid-signature"
    assert done(site, made) == []


def test_sender_that_disconnects_leaves_nothing_behind(site: Site) -> None:
    made = invoice(site)
    with Connection(site.port) as connection:
        connection.send(written(as_request(made), PATH)[:-10])
        connection.end()
        connection.answer()
    if not site.is_asgi:  # uvicorn drops what is not whole; gunicorn hands it on.
        eventually(site.lines)
        assert "the sender left, or a WSGI middleware read the body" in site.lines()[0]
    assert site.send(made).outcome == "processed"
    assert len(done(site, made)) == 1


def test_secrets_signatures_and_bodies_are_not_logged(site: Site) -> None:
    made = invoice(site, number="F-777")
    site.send(SignedDelivery(made.headers, made.body + b" "), X_Meddle="body")
    site.send(made)
    for private in ("F-777", made.headers["X-Florentin-Signature"][7:], "a-secret-of-the"):
        assert private not in site.output()


def test_commands_use_the_database_of_the_program(tables: Path) -> None:
    reported = managed(
        program_of(tables), "florentin_webhooks", "deliveries", "list", "--json", "--no-color"
    )
    assert (reported.wait(), reported.talk) == (0, "No delivery was received yet.\n")
    assert [json.loads(line) for line in reported.data.splitlines()] == []


def test_program_passes_its_checks(tables: Path) -> None:
    words = ("check", "--tag", "florentin_webhooks", "--fail-level", "INFO")
    reported = managed(program_of(tables), *words)
    assert (reported.wait(), reported.talk) == (0, "")
