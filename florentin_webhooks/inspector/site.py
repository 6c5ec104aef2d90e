"""The pages: a request in, a response out, in a blocking program; mounts do the rest."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.queries import GetRecord, Status
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.inspector.actions import Notice, discard_delivery, replay_delivery
from florentin_webhooks.inspector.assets import ensure_templates, serve_asset
from florentin_webhooks.inspector.pages import Pages
from florentin_webhooks.inspector.response import Changes, PageResponse, digest_shown, redirect
from florentin_webhooks.inspector.shared_trail import TrailReader
from florentin_webhooks.inspector.simulation import Fault
from florentin_webhooks.inspector.trail import Trail, TrailObserver
from florentin_webhooks.inspector.views.deliveries import Listing
from florentin_webhooks.inspector.views.detail import describe_delivery, describe_refusal
from florentin_webhooks.inspector.views.overview import describe_overview
from florentin_webhooks.inspector.views.query import REFUSED, Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.replay import Run
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.inspector.access import Access
    from florentin_webhooks.inspector.request import PageRequest
    from florentin_webhooks.inspector.simulation import Simulation
    from florentin_webhooks.inspector.sources import Sources

    Runs = Callable[[Receiver[object]], Run | None]

__all__ = ["Site"]

_ASSET = re.compile(r"/static/([\w.]+)")
_DELIVERY = re.compile(r"/deliveries/([0-9a-f]{32})(/replay|/discard)?")
_KEY = re.compile("[0-9a-f]{32}")
_REFUSED = re.compile(r"/refused/(\d{1,12})")
_STATES = [*(status.value for status in Status), REFUSED]
_OVERVIEW = "overview"
_STREAM = "text/event-stream; charset=utf-8"
_RETRY = "retry: 3000\n\n"
_UNAVAILABLE = "The store does not answer. Reload in a moment; if it stays so, see its log."


def _run_blocking(_: Receiver[object]) -> None:
    """Return nothing: handlers run in the thread of the request."""


class Site:
    """The pages of *sources*, behind *access*.

    *show_bodies*: whether bodies are shown, which are personal data; *show_errors*: the texts of
    errors, which may quote bodies. *simulation* sends deliveries, in development. *is_live*:
    whether the mount can stream changes. Elsewhere a stream has one event at most, since an open
    one would hold a process or a thread, and browsers ask again.
    """

    def __init__(
        self,
        sources: Sources,
        access: Access,
        *,
        show_bodies: bool = False,
        show_errors: bool = False,
        simulation: Simulation | None = None,
        is_live: bool = False,
    ) -> None:
        ensure_templates()
        self._sources = sources
        self._access = access
        self._show_bodies, self._show_errors = show_bodies, show_errors
        self._simulation = simulation
        self._is_live = is_live
        self.trail = Trail()
        self._reader = TrailReader(sources.stores, self.trail)
        self._listing = Listing(sources, self.trail)
        can_trigger = simulation is not None and bool(simulation.targets)
        self._pages = Pages(is_live=is_live, can_trigger=can_trigger)
        for hooks in sources.receivers:
            hooks.observe(TrailObserver(self.trail.add, error_text=show_errors))

    def respond(self, request: PageRequest, runs: Runs = _run_blocking) -> PageResponse:
        """Return the response to *request*; *runs* returns how a receiver runs replays."""
        change = partial(self._change, runs=runs)
        try:
            return self._access.answer(request, show=self._show, change=change)
        except Unavailable:
            return self._pages.error(request, HTTPStatus.SERVICE_UNAVAILABLE, _UNAVAILABLE)

    def _show(self, request: PageRequest) -> PageResponse:
        path = request.path
        if found := _ASSET.fullmatch(path):
            return serve_asset(found[1])
        self._refresh(of_overview=path == f"/{_OVERVIEW}")
        simple = {"/": self._list, "/overview": self._overview, "/events": self._events}
        if self._simulation is not None:
            simple["/trigger"] = self._form
        if path in simple:
            return simple[path](request)
        if found := _DELIVERY.fullmatch(path):
            # A login that had expired sends the browser on to the address of the button.
            return redirect(f"../{found[1]}") if found[2] else self._delivery(request, found[1])
        if found := _REFUSED.fullmatch(path):
            return self._refused(request, int(found[1]))
        return self._pages.not_found(request)

    def _change(self, request: PageRequest, runs: Runs) -> PageResponse:
        if request.path == "/trigger" and self._simulation is not None:
            return self._trigger(request, self._simulation)
        found = _DELIVERY.fullmatch(request.path)
        record = self._record(found[1]) if found and found[2] else None
        if found is None or record is None:
            return self._pages.not_found(request)
        hooks, key = self._sources.owner(record), record.fingerprint
        if found[2] == "/replay":
            notice = replay_delivery(hooks, key, request.form, runs(hooks))
        else:
            notice = discard_delivery(hooks, key)
        return redirect(f"../{key}", notice.cookie(request))

    def _list(self, request: PageRequest) -> PageResponse:
        query = Query.of(request.query)
        return self._pages.render(
            request,
            "list.html",
            page=self._listing.page(query),
            query=query,
            states=_STATES,
            receivers=self._sources.names,
            events=sorted({name for hooks in self._sources.receivers for name in hooks.models}),
        )

    def _overview(self, request: PageRequest) -> PageResponse:
        overview = describe_overview(self._sources, self.trail)
        return self._pages.render(request, "overview.html", overview=overview)

    def _delivery(self, request: PageRequest, key: str) -> PageResponse:
        record = self._record(key)
        if record is None:
            return self._pages.not_found(request)
        detail = describe_delivery(
            self._sources,
            record,
            self.trail.story(record.fingerprint),
            show_bodies=self._show_bodies,
            url=self._url_of(self._sources.owner(record)),
        )
        return self._pages.render(
            request,
            "delivery.html",
            detail=detail,
            show_bodies=self._show_bodies,
            show_errors=self._show_errors,
        )

    def _refused(self, request: PageRequest, number: int) -> PageResponse:
        found = [each for each in self.trail.refused() if each.number == number]
        if not found:
            return self._pages.not_found(request)
        return self._pages.render(request, "refused.html", detail=describe_refusal(found[0]))

    def _form(self, request: PageRequest) -> PageResponse:
        targets = self._simulation.targets if self._simulation else {}
        name = request.query.get("receiver", "")
        target = targets.get(name) or next(iter(targets.values()), None)
        if target is None or self._simulation is None:
            return self._pages.not_found(request)
        event = request.query.get("event") or next(iter(target.events), "ping")
        return self._pages.render(
            request,
            "trigger.html",
            targets=targets,
            target=target,
            event=event,
            faults=[*Fault],
            body=self._simulation.template(target.name, event),
        )

    def _trigger(self, request: PageRequest, simulation: Simulation) -> PageResponse:
        form = request.form
        name, event, fault = form.get("receiver", ""), form.get("event", ""), form.get("fault", "")
        if name not in simulation.targets or fault not in set(Fault):
            return self._pages.not_found(request)
        back = f"trigger?{self._pages.query(receiver=name, event=event)}"
        try:
            responses = simulation.send(name, event, form.get("body", ""), Fault(fault))
        except (ConfigurationError, OSError) as error:
            return redirect(back, Notice(f"Not sent: {error}", ok=False).cookie(request))
        answers = ", then ".join(f"{each.status} {each.outcome}" for each in responses)
        return redirect(back, Notice(f"Sent {event} ({fault}): {answers}.").cookie(request))

    def _events(self, request: PageRequest) -> PageResponse:
        of = request.query.get("of", "")
        if of not in ("", _OVERVIEW) and not _KEY.fullmatch(of):
            return self._pages.not_found(request)
        changes = partial(digest_shown, partial(self._shown, of, Query.of(request.query)))
        if self._is_live:
            return PageResponse(content_type=_STREAM, changes=changes)
        event = Changes(changes, request.header("last-event-id") or "").next_event()
        return PageResponse(body=f"{_RETRY}{event}".encode(), content_type=_STREAM)

    def _shown(self, of: str, query: Query) -> object:
        self._refresh(of_overview=of == _OVERVIEW)
        if of == _OVERVIEW:
            return describe_overview(self._sources, self.trail).facts
        return (self._record(of), self.trail.version) if of else self._listing.page(query).rows

    def _refresh(self, *, of_overview: bool) -> None:
        """Read the trail; the overview also shows that a store does not answer."""
        try:
            self._reader.refresh()
        except Unavailable:
            if not of_overview:
                raise

    def _record(self, key: str) -> Record | None:
        operation = GetRecord(bytes.fromhex(key))
        found = (store.execute(operation) for store in self._sources.stores)
        return next((record for record in found if record is not None), None)

    def _url_of(self, hooks: Receiver[object]) -> str:
        targets = self._simulation.targets.values() if self._simulation else ()
        urls = (each.url for each in targets if each.hooks is hooks)
        return next(urls, "http://127.0.0.1:8000/webhooks/florentin")
