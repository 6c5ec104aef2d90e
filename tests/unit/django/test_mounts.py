"""URL patterns that lead to a receiver, directly or through wrapped views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import URLPattern, URLResolver, include, path, re_path

from florentin_webhooks.django import webhook_path, webhook_view
from florentin_webhooks.django.mounts import MountedView, find_mounts, is_served, receivers
from tests.support.django_settings import configure, described
from tests.support.receivers import Target
from tests.support.vectors import SECRET

View = Callable[..., Any]  # Any: blocking or not.
HOOKS = Target().receiver


@pytest.fixture(autouse=True)
def _django() -> None:
    configure()


@contextmanager
def urls(*patterns: URLPattern | URLResolver) -> Iterator[list[MountedView]]:
    """The mounts of a program with these *patterns*."""
    with override_settings(ROOT_URLCONF=patterns):
        yield find_mounts()


def wrapped(view: View) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper


def closure(view: View) -> View:
    def call(request: HttpRequest) -> Any:
        return view(request)

    return call


def with_argument(view: View) -> View:
    return partial(view, tenant="ada")


@pytest.mark.parametrize("wrap", [lambda view: view, wrapped, closure, with_argument])
def test_receiver_is_found_through_its_wrappers(wrap: Callable[[View], View]) -> None:
    outer = wrap(webhook_view(HOOKS))
    with urls(path("hook", outer)) as mounts:
        assert [(mount.outer, mount.view.hooks, mount.paths) for mount in mounts] == [
            (outer, HOOKS, ("/hook",))
        ]


def test_other_views_are_not_mounts() -> None:
    def page(_: HttpRequest) -> HttpResponse:
        raise NotImplementedError

    with urls(path("page", page)) as mounts:
        assert mounts == []


def test_paths_include_the_prefix_of_included_urls() -> None:
    with urls(path("api/", include([webhook_path("hook", HOOKS)]))) as mounts:
        assert [set(mount.paths) for mount in mounts] == [{"/api/hook"}]


def test_captured_path_is_unknown() -> None:
    with urls(re_path(r"^(?P<tenant>\w+)/hook$", webhook_view(HOOKS))) as mounts:
        assert [mount.paths for mount in mounts] == [()]


@pytest.mark.parametrize(("spelling", "served"), [("/hook", True), ("/hook/", True), ("/", False)])
def test_served_paths_are_those_that_resolve_to_a_receiver(spelling: str, served: bool) -> None:
    with urls(webhook_path("hook", HOOKS)):
        assert is_served(spelling) is served


def test_each_receiver_is_listed_once() -> None:
    other = Target().receiver
    with (
        described({"SECRETS": SECRET, "STORE": "memory"}),
        urls(webhook_path("a", HOOKS), webhook_path("b", HOOKS), webhook_path("c", other)) as found,
    ):
        own, *others = receivers(found)
        assert others == [HOOKS, other]
        assert own not in others


def test_receiver_of_wrong_settings_is_left_out() -> None:
    with (
        described({"SECRETS": "short"}),
        urls(webhook_path("a"), webhook_path("b", HOOKS)) as found,
    ):
        assert receivers(found) == [HOOKS]


def test_program_without_urls_has_no_mounts() -> None:
    with override_settings(ROOT_URLCONF=None):
        assert find_mounts() == []
