"""Replay what was chosen in the admin: ask where that may do harm, tell what came of it."""

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
"""After these no further delivery is begun: servers end requests that last longer than 30."""

_NAMED = 5
_TEMPLATE = "admin/florentin_webhooks/delivery/replay_confirmation.html"


class ReplayRequest:
    """Be one user's request to replay; the form says whether *all handlers*, and *confirmed*."""

    def __init__(self, page: ModelAdmin[Delivery], request: HttpRequest) -> None:
        self._page = page
        self._request = request
        self._all = "all_handlers" in request.POST
        self._confirmed = "confirmed" in request.POST

    def of(self, keys: Sequence[UUID]) -> HttpResponse | None:
        """Replay the deliveries *keys*, and tell the user; give a page where that has to ask."""
        if self._all and not self._confirmed:
            return self._ask([(key, "also handlers that are done run again") for key in keys])
        ended = list(self._replay(keys))
        done = [each for each in ended if not each.needs_confirmation]
        self._tell(done)
        if left := len(keys) - len(ended):
            words = f"{left} more were not begun, since this took {SECONDS:.0f} s: do it again."
            self._page.message_user(self._request, words, messages.WARNING)
        late = [
            (UUID(each.fingerprint), describe(each)) for each in ended if each.needs_confirmation
        ]
        return self._ask(late) if late else None

    def _replay(self, keys: Sequence[UUID]) -> Iterator[ReplayResult]:
        hooks = delivery_source().hooks
        deadline = monotonic() + SECONDS
        for key in keys:
            if hooks is None or monotonic() > deadline:
                return
            ended = replay_one(hooks, key, all_handlers=self._all, though_late=self._confirmed)
            if not ended.needs_confirmation:
                # What users did stands in the history of each delivery.
                self._page.log_change(self._request, Delivery(key=key), describe(ended))
            yield ended

    def _tell(self, ended: Sequence[ReplayResult]) -> None:
        """Say each thing once, with the deliveries that it is true of."""
        together: dict[tuple[bool, str], list[str]] = {}
        for each in ended:
            together.setdefault((each.ok, describe(each)), []).append(short(UUID(each.fingerprint)))
        for (ok, told), names in together.items():
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            which = "Delivery" if len(names) == 1 else "Deliveries"
            words = f"{which} {', '.join(names[:_NAMED])}{more}: {told}."
            level = messages.SUCCESS if ok else messages.ERROR
            self._page.message_user(self._request, words, level)

    def _ask(self, questions: Sequence[tuple[UUID, str]]) -> HttpResponse:
        context: dict[str, Any] = {
            **self._page.admin_site.each_context(self._request),
            "title": "Run all handlers again?" if self._all else "Run what may have run before?",
            "opts": self._page.opts,
            "media": self._page.media,
            "questions": [(Delivery(key=key), why) for key, why in questions],
            "all_handlers": self._all,
            "action": "replay",
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        self._request.current_app = self._page.admin_site.name
        return TemplateResponse(self._request, _TEMPLATE, context)
