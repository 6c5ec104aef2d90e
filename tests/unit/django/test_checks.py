"""System checks: what would fail in production is reported, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import pytest
import redis
from django.contrib.auth.decorators import login_required
from django.core import checks
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path, re_path
from django.views.decorators.csrf import csrf_protect

from florentin_webhooks import Receiver, RedisStore, RQQueue
from florentin_webhooks.django import conf, webhook_path, webhook_view
from florentin_webhooks.events import Event
from tests.support.django_settings import SQLITE, configure, described, migrated
from tests.support.mounts import MIDDLEWARE
from tests.support.vectors import SECRET

REDIS = "redis://localhost:1/0"
GOOD = {"SECRETS": SECRET}
QUEUED = {**GOOD, "STORE": REDIS, "QUEUE": "florentin"}
MOUNTED = (webhook_path("hook"),)


def handle(_: Event) -> None: ...


class Program(NamedTuple):
    """What is checked: the settings, the URLs, and how handlers are registered."""

    given: object = GOOD
    urls: tuple[Any, ...] = MOUNTED
    settings: dict[str, Any] = {}  # noqa: RUF012 - it is never changed.
    register: Callable[[Receiver], object] = lambda hooks: hooks.on(Event)(handle)


def found_in(program: Program, **how: Any) -> list[checks.CheckMessage]:
    """The messages of our checks, as ``manage.py check --deploy`` prints them."""
    settings = {"MIDDLEWARE": MIDDLEWARE, **program.settings}
    with described(program.given, ROOT_URLCONF=program.urls, **settings):
        if not conf.problems():
            program.register(conf.receiver())
        found = checks.run_checks(include_deployment_checks=True, **how)
    return [each for each in found if str(each.id).startswith("florentin_webhooks.")]


def ids(program: Program, **how: Any) -> list[str]:
    """The numbers of those messages, each of which has a hint."""
    found = found_in(program, **how)
    assert all(each.hint and each.hint[-1] in ".?" for each in found)
    return [str(each.id).removeprefix("florentin_webhooks.") for each in found]


def bare(request: HttpRequest) -> object:
    """Call our view, and keep nothing of what it is exempt from."""
    return VIEW(request)


VIEW = webhook_view()


@functools.wraps(VIEW)
def wrapping(request: HttpRequest) -> object:
    return VIEW(request)


def both(view: Any) -> tuple[URLPattern, ...]:
    return path("hook", view), path("hook/", view)


def unfinished() -> Callable[..., HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        return cast("HttpResponse", later(request))  # noqa: F821 - it has lost its value.

    later: Any = None
    del later
    return view


def own_receiver(queue: RQQueue | None) -> Receiver:
    hooks = Receiver(SECRET, store=RedisStore(REDIS), queue=queue)
    hooks.on(Event)(handle)
    return hooks


WRONG: dict[str, tuple[str, Program]] = {
    "settings that are no dict": ("E001", Program([])),
    "a value of the wrong type": ("E001", Program({**GOOD, "MAX_BODY": "x"})),
    "an unknown key": ("E002", Program({**GOOD, "STOER": "memory"})),
    "no secret": ("E003", Program({"SECRETS": ""})),
    "a weak secret": ("E003", Program({"SECRETS": "short"})),
    "an unknown store": ("E004", Program({**GOOD, "STORE": "mongo"})),
    "an unknown database": ("E004", Program({**GOOD, "DATABASE": "other"})),
    "a queue without Redis": ("E005", Program({**GOOD, "QUEUE": "florentin"})),
    "a queued handler that workers do not know": ("E007", Program(QUEUED)),
    "a receiver that workers cannot import": (
        "E007",
        Program(urls=(*MOUNTED, webhook_path("other", own_receiver(RQQueue())))),
    ),
    "no handler": ("W002", Program(register=id)),
    "some events without a handler": (
        "I001",
        Program(register=lambda hooks: hooks.on("user.login")(handle)),
    ),
    "a store in memory in production": ("W001", Program({**GOOD, "STORE": "memory"})),
    "no URL": ("W003", Program(urls=())),
    "a URL for another receiver only": (
        "W003",
        Program(urls=(webhook_path("hook", own_receiver(None)),)),
    ),
    "one form of a path only": ("W004", Program(urls=(path("hook/", VIEW),))),
    "the other form only": ("W004", Program(urls=(path("api/", include([path("hook", VIEW)])),))),
    "ASGI": ("W006", Program(settings={"ASGI_APPLICATION": "shop.asgi.application"})),
    "a login page": ("E009", Program(urls=both(login_required(VIEW)))),
}
RIGHT: dict[str, Program] = {
    "a good program": Program(),
    "a queue with an inline handler": Program(
        QUEUED, register=lambda hooks: hooks.on(Event, inline=True)(handle)
    ),
    "a store in memory in development": Program(
        {**GOOD, "STORE": "memory"}, settings={"DEBUG": True}
    ),
    "both forms of a path": Program(urls=both(VIEW)),
    "both forms below a prefix": Program(urls=(path("api/", include([*MOUNTED])),)),
    "a path with a captured part": Program(urls=(path("<slug:name>/hook", VIEW),)),
    "a pattern for both forms": Program(urls=(re_path(r"^hook/?$", VIEW),)),
    "a wrapper that keeps the exemptions": Program(urls=both(wrapping)),
    "a decorator that keeps the exemptions": Program(urls=both(csrf_protect(VIEW))),
    "a view with a name that has no value": Program(urls=(*MOUNTED, path("x", unfinished()))),
    "another view": Program(urls=(*MOUNTED, path("about", HttpResponse))),
    "a wrapper without the middlewares": Program(urls=both(bare), settings={"MIDDLEWARE": []}),
}


@pytest.mark.parametrize(("number", "program"), WRONG.values(), ids=WRONG)
def test_mistake_is_reported_under_its_number(number: str, program: Program) -> None:
    assert set(ids(program)) == {number}


@pytest.mark.parametrize("program", RIGHT.values(), ids=RIGHT)
def test_valid_program_has_no_messages(program: Program) -> None:
    assert ids(program) == []


@pytest.fixture
def _atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request runs in a transaction."""
    configure()
    monkeypatch.setitem(connections.settings[SQLITE], "ATOMIC_REQUESTS", True)


@pytest.mark.usefixtures("_atomic")
@pytest.mark.parametrize("view", [bare, functools.partial(VIEW)])
def test_wrapping_view_without_the_exemptions_is_reported(view: object) -> None:
    assert [str(each.msg) for each in found_in(Program(urls=both(view)))][:3] == [
        "Deliveries to /hook are refused without a CSRF token.",
        "Deliveries to /hook are redirected to the login page.",
        "Deliveries to /hook are handled inside a transaction of 'default'.",
    ]


@pytest.mark.usefixtures("_atomic")
def test_own_view_is_outside_of_transactions() -> None:
    assert ids(Program()) == []


def test_program_with_its_own_receiver_needs_no_settings() -> None:
    assert ids_without_settings(webhook_path("hook", own_receiver(None))) == []


def test_url_without_settings_is_reported() -> None:
    assert ids_without_settings(webhook_path("hook")) == ["E001"]


def ids_without_settings(pattern: URLPattern) -> list[str]:
    from django.conf import settings

    with described({}, ROOT_URLCONF=(pattern,), MIDDLEWARE=MIDDLEWARE):
        del settings.FLORENTIN_WEBHOOKS
        found = checks.run_checks(tags=["florentin_webhooks"])
    return [str(each.id).removeprefix("florentin_webhooks.") for each in found]


def test_server_that_is_too_old_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis.Redis, "info", lambda *_: {"redis_version": "6.0.16"})
    (message,) = found_in(Program({**GOOD, "STORE": REDIS}))
    assert message.id == "florentin_webhooks.E011"
    assert "has version 6.0.16, which is too old" in message.msg


def test_all_invalid_settings_are_reported_at_once() -> None:
    assert ids(Program({"SECRET": SECRET, "LEASE": "x"})) == ["E002", "E001"]


def test_missing_form_of_a_path_is_reported() -> None:
    (message,) = found_in(Program(urls=(path("hook/", VIEW),)))
    assert message.msg == "/hook/ is served, but /hook is not: Florentin does not follow redirects."
    assert message.hint == 'Use webhook_path("hook"), which serves both.'


def test_missing_tables_are_reported_for_their_database_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure()
    empty = {**connections.settings[SQLITE], "NAME": ":memory:"}
    monkeypatch.setitem(connections.settings, "empty", empty)
    program = Program({**GOOD, "DATABASE": "empty"})
    assert ids(program) == []
    assert ids(program, databases=["default"]) == []
    (message,) = found_in(program, databases=["empty"])
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])  # It checks before it migrates.
    assert ids(program, databases=["empty"]) == []
    connections["empty"].close()
    assert message.id == "florentin_webhooks.W005"
    assert message.hint == "Run: manage.py migrate florentin_webhooks --database empty."


def test_existing_tables_have_no_message() -> None:
    migrated(SQLITE, "florentin_webhooks")
    assert ids(Program(), databases=[SQLITE]) == []


def test_a_store_elsewhere_needs_no_tables() -> None:
    program = Program({**GOOD, "STORE": REDIS})
    assert ids(program, databases=[SQLITE]) == []


def test_database_of_a_store_object_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure()
    from florentin_webhooks.django import DjangoStore

    empty = {**connections.settings[SQLITE], "NAME": ":memory:"}
    monkeypatch.setitem(connections.settings, "empty", empty)
    migrated(SQLITE, "florentin_webhooks")
    settings_say = Program({**GOOD, "STORE": DjangoStore("empty")})
    own = Receiver(SECRET, store=DjangoStore("empty"))
    own.on(Event)(handle)
    url_says = Program(GOOD, (*MOUNTED, webhook_path("own", own)))
    for program in (settings_say, url_says):
        assert [each.id for each in found_in(program, databases=["default"])] == []
        (message,) = found_in(program, databases=["default", "empty"])
        assert message.id == "florentin_webhooks.W005"
    connections["empty"].close()


class KeepOut:
    """Be a router that lets our tables into no database."""

    def allow_migrate(self, _: str, app_label: str, **__: object) -> bool:
        return app_label != "florentin_webhooks"


def test_tables_kept_out_by_a_router_are_reported() -> None:
    migrated(SQLITE, "florentin_webhooks")
    routed = Program(settings={"DATABASE_ROUTERS": [KeepOut()]})
    (message,) = found_in(routed, databases=[SQLITE])
    assert message.id == "florentin_webhooks.W005"
    assert "DATABASE_ROUTERS keep them out" in str(message.hint)


def test_misspelt_middleware_is_ignored() -> None:
    assert ids(Program(settings={"MIDDLEWARE": ["no.such.middleware", *MIDDLEWARE]})) == []
