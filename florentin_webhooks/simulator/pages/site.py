"""The pages: a request in, a response out. They are for programs on this machine only."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.inspector.access import Access
from florentin_webhooks.inspector.assets import ensure_templates, serve_asset
from florentin_webhooks.inspector.pages import Pages
from florentin_webhooks.inspector.response import PageResponse, digest_shown, redirect
from florentin_webhooks.simulator.pages.actions import Actions
from florentin_webhooks.simulator.pages.views import describe, describe_list, describe_settings
from florentin_webhooks.simulator.webhooks.log import to_csv, to_json

if TYPE_CHECKING:
    from florentin_webhooks.inspector.request import PageRequest
    from florentin_webhooks.simulator.engine import Engine

__all__ = ["SimulatorSite"]

_ROOM = "florentin_webhooks.simulator"
_ASSET = re.compile(r"/static/([\w.]+)")
_DELIVERY = re.compile(r"/deliveries/([0-9a-f]{24})")
_UNAVAILABLE = "The database of the simulator has failed. See its log."
_JSON = "application/json"


class SimulatorSite:
    """The pages of *engine*.

    Raises :class:`ConfigurationError` without Jinja2.
    """

    def __init__(self, engine: Engine) -> None:
        ensure_templates()
        self._engine = engine
        self._actions = Actions(engine)
        self._access = Access(None)
        self._pages = Pages(is_live=True, room=_ROOM)

    def respond(self, request: PageRequest, _runs: object = None) -> PageResponse:
        """Return the response to *request*."""
        try:
            return self._access.answer(request, show=self._show, change=self._change)
        except Unavailable:
            return self._pages.error(request, HTTPStatus.SERVICE_UNAVAILABLE, _UNAVAILABLE)

    def _change(self, request: PageRequest) -> PageResponse:
        done = self._actions.perform(request.path, request.form)
        if done is None:
            return self._pages.not_found(request)
        return redirect(done.page, done.notice.cookie(request))

    def _show(self, request: PageRequest) -> PageResponse:
        if found := _ASSET.fullmatch(request.path):
            return serve_asset(found[1])
        simple = {
            "/": self._list,
            "/settings": self._settings,
            "/events": self._events,
            "/log.csv": self._csv,
            "/log.json": self._json,
        }
        if show := simple.get(request.path):
            return show(request)
        if found := _DELIVERY.fullmatch(request.path):
            return self._delivery(request, found[1])
        return self._pages.not_found(request)

    def _list(self, request: PageRequest) -> PageResponse:
        listed = describe_list(self._engine, request.query)
        return self._pages.render(request, "log.html", listed=listed)

    def _delivery(self, request: PageRequest, key: str) -> PageResponse:
        with self._engine.log() as log:
            found = log.find(key)
        if found is None:
            return self._pages.not_found(request)
        return self._pages.render(request, "logged.html", detail=describe(self._engine, found))

    def _settings(self, request: PageRequest) -> PageResponse:
        settings = describe_settings(self._engine)
        return self._pages.render(request, "settings.html", settings=settings)

    def _events(self, request: PageRequest) -> PageResponse:
        changes = partial(digest_shown, partial(self._shown, request.query.get("of", "")))
        return PageResponse(content_type="text/event-stream; charset=utf-8", changes=changes)

    def _shown(self, key: str) -> object:
        with self._engine.log() as log:
            return log.find(key) if key else log.version()

    def _csv(self, _: PageRequest) -> PageResponse:
        body = to_csv(self._engine.deliveries()).encode()
        return PageResponse(body=body, content_type="text/csv; charset=utf-8", added=_as("csv"))

    def _json(self, _: PageRequest) -> PageResponse:
        body = to_json(self._engine.deliveries()).encode()
        return PageResponse(body=body, content_type=_JSON, added=_as("json"))


def _as(suffix: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Disposition", f'attachment; filename="deliveries.{suffix}"'),)
