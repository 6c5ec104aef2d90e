"""Find where the program's URLs lead to a receiver, also through views around ours."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from django.conf import settings
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from florentin_webhooks.django import conf
from florentin_webhooks.django.views import WebhookView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["MountedView", "find_mounts", "is_served", "receivers"]


class MountedView(NamedTuple):
    """Hold a URL pattern that leads to a receiver.

    *outer* is the view that the pattern names, *view* ours inside it, *paths* what the pattern
    takes, where that can be told.
    """

    outer: Callable[..., object]
    view: WebhookView
    paths: tuple[str, ...]


def find_mounts() -> list[MountedView]:
    """Give every place where the URLs lead to a receiver; imports the program's URLs."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return list(_walk(get_resolver().url_patterns, ""))


def receivers(places: Sequence[MountedView]) -> list[Receiver]:
    """Give every receiver of the program, each once: of the settings and of *places*."""
    if conf.problems():
        places = [place for place in places if not place.view.is_of_settings]
    found = [conf.receiver_or_none(), *(place.view.hooks for place in places)]
    return list(dict.fromkeys(each for each in found if each is not None))


def is_served(path: str) -> bool:
    """Tell whether *path* leads to a receiver."""
    try:
        found: Any = get_resolver().resolve(
            path
        )  # Any: the stubs leave views open, here and below.
    except Resolver404:
        return False
    return _ours(found.func) is not None


def _walk(patterns: Sequence[URLPattern | URLResolver], prefix: str) -> Iterator[MountedView]:
    for each in patterns:
        whole = prefix + each.pattern.regex.pattern.removeprefix("^")
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, whole)
            continue
        outer: Any = cast("Any", each).callback
        if view := _ours(outer):
            yield MountedView(outer, view, _paths(whole))


def _paths(regex: str) -> tuple[str, ...]:
    """Give the paths that *regex* takes, none where it captures a part of them."""
    return tuple(f"/{path}" for path, captured in normalize(regex) if not captured)


def _ours(view: object) -> WebhookView | None:
    """Give our view where *view* is it, wraps it, or calls it by a name that can be seen."""
    while not isinstance(view, WebhookView):
        inner = cast("object", view.func) if isinstance(view, partial) else _wrapped(view)
        if inner is None:
            return None
        view = inner
    return view


def _wrapped(view: Any) -> object:  # Any: whatever the URLs name.
    if inner := getattr(view, "__wrapped__", None):
        return cast("object", inner)
    if not inspect.isfunction(view):
        return None
    try:
        seen = inspect.getclosurevars(view)
    except ValueError:  # It closes over a name that has no value yet.
        return None
    named = [*seen.nonlocals.values(), *seen.globals.values()]
    return next((each for each in named if isinstance(each, WebhookView)), None)
