"""Find the URL patterns that lead to a receiver, also through wrapped views."""

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
    """A URL pattern that leads to a receiver.

    *outer* is the view of the pattern, *view* ours inside it. *paths* are the paths that the
    pattern matches, if they are known: none if it captures a part of them.
    """

    outer: Callable[..., object]
    view: WebhookView
    paths: tuple[str, ...]


def find_mounts() -> list[MountedView]:
    """Return all URL patterns that lead to a receiver; imports the program's URLs."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return list(_walk(get_resolver().url_patterns, ""))


def receivers(mounts: Sequence[MountedView]) -> list[Receiver[object]]:
    """Return each receiver of the program once: of the settings and of *mounts*."""
    if conf.problems():
        mounts = [mount for mount in mounts if not mount.view.is_of_settings]
    found = [conf.receiver_or_none(), *(mount.view.hooks for mount in mounts)]
    return list(dict.fromkeys(hooks for hooks in found if hooks is not None))


def is_served(path: str) -> bool:
    """Return whether *path* leads to a receiver."""
    try:
        # Any: the stubs do not type views, here and below.
        match: Any = get_resolver().resolve(path)
    except Resolver404:
        return False
    return _find_ours(match.func) is not None


def _walk(patterns: Sequence[URLPattern | URLResolver], prefix: str) -> Iterator[MountedView]:
    for pattern in patterns:
        regex = prefix + pattern.pattern.regex.pattern.removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, regex)
            continue
        outer: Any = cast("Any", pattern).callback
        if view := _find_ours(outer):
            yield MountedView(outer, view, _matching_paths(regex))


def _matching_paths(regex: str) -> tuple[str, ...]:
    """Return the paths that *regex* matches, none if it captures a part of them."""
    return tuple(f"/{path}" for path, captured in normalize(regex) if not captured)


def _find_ours(view: object) -> WebhookView | None:
    """Return our view if *view* is it, wraps it, or calls it by a name in its scope."""
    while not isinstance(view, WebhookView):
        inner = cast("object", view.func) if isinstance(view, partial) else _inner_view(view)
        if inner is None:
            return None
        view = inner
    return view


def _inner_view(view: Any) -> object:  # Any: of any type that URLs accept.
    if inner := getattr(view, "__wrapped__", None):
        return cast("object", inner)
    if not inspect.isfunction(view):
        return None
    try:
        scope = inspect.getclosurevars(view)
    except ValueError:  # A variable of its closure has no value yet.
        return None
    values = [*scope.nonlocals.values(), *scope.globals.values()]
    return next((value for value in values if isinstance(value, WebhookView)), None)
