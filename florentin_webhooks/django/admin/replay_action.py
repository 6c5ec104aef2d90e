"""Replay selected deliveries in the admin, with confirmation where handlers may run twice."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.response import TemplateResponse

from florentin_webhooks.django.admin.columns import short
from florentin_webhooks.django.admin.replay import describe, replay_one
from florentin_webhooks.django.admin.source import delivery_source
from florentin_webhooks.django.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

    from florentin_webhooks.core.replay import ReplayResult

__all__ = ["ReplayRequest"]

SECONDS = 15.0
"""No delivery is started after these: servers end requests after about 30 seconds."""

_MAX_NAMES = 5
_TITLE_ALL = "Run all handlers again?"
_TITLE_LATE = "Replay deliveries that may have run before?"
_TEMPLATE = "admin/florentin_webhooks/delivery/replay_confirmation.html"


class ReplayRequest:
    """One user's request to replay; the form may say all_handlers and confirmed."""

    def __init__(self, page: ModelAdmin[Delivery], request: HttpRequest) -> None:
        self._page = page
        self._request = request
        self._all = "all_handlers" in request.POST
        self._confirmed = "confirmed" in request.POST

    def run(self, keys: Sequence[UUID]) -> HttpResponse | None:
        """Replay the deliveries *keys*; return a page if the user must confirm some."""
        if self._all and not self._confirmed:
            return self._ask_confirmation(
                [(key, "completed handlers run again, too") for key in keys]
            )
        results = list(self._replay(keys))
        self._show([result for result in results if not result.needs_confirmation])
        if remaining := len(keys) - len(results):
            text = f"{remaining} more were not started within {SECONDS:.0f} s. Replay them again."
            self._page.message_user(self._request, text, messages.WARNING)
        late = [
            (UUID(result.fingerprint), describe(result))
            for result in results
            if result.needs_confirmation
        ]
        return self._ask_confirmation(late) if late else None

    def _replay(self, keys: Sequence[UUID]) -> Iterator[ReplayResult]:
        hooks = delivery_source().hooks
        deadline = monotonic() + SECONDS
        for key in keys:
            if hooks is None or monotonic() > deadline:
                return
            result = replay_one(hooks, key, all_handlers=self._all, though_late=self._confirmed)
            if not result.needs_confirmation:
                # The history of each delivery shows who replayed it.
                self._page.log_change(self._request, Delivery(key=key), describe(result))
            yield result

    def _show(self, results: Sequence[ReplayResult]) -> None:
        """Show each result once, with the deliveries that it applies to."""
        groups: dict[tuple[bool, str], list[str]] = {}
        for result in results:
            name = short(UUID(result.fingerprint))
            groups.setdefault((result.ok, describe(result)), []).append(name)
        for (ok, text), names in groups.items():
            more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
            noun = "Delivery" if len(names) == 1 else "Deliveries"
            message = f"{noun} {', '.join(names[:_MAX_NAMES])}{more}: {text}."
            level = messages.SUCCESS if ok else messages.ERROR
            self._page.message_user(self._request, message, level)

    def _ask_confirmation(self, questions: Sequence[tuple[UUID, str]]) -> HttpResponse:
        context: dict[str, Any] = {
            **self._page.admin_site.each_context(self._request),
            "title": _TITLE_ALL if self._all else _TITLE_LATE,
            "opts": self._page.opts,
            "media": self._page.media,
            "questions": [(Delivery(key=key), why) for key, why in questions],
            "all_handlers": self._all,
            "action": "replay",
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        self._request.current_app = self._page.admin_site.name
        return TemplateResponse(self._request, _TEMPLATE, context)
