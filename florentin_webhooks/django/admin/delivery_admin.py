"""Show in Django's admin what was received and what became of it, and do it again.

Nobody changes a row here: only the store knows what may be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.db.models import Q
from django.db.transaction import non_atomic_requests
from django.http import HttpResponseRedirect
from django.urls import path, reverse

from florentin_webhooks.django.admin.columns import DeliveryColumns
from florentin_webhooks.django.admin.filters import ByAge, ByEvent, ByState
from florentin_webhooks.django.admin.replay_action import ReplayRequest
from florentin_webhooks.django.admin.source import delivery_source
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import Clock
from florentin_webhooks.django.store.rows import prefix_filter, uuid
from florentin_webhooks.protocol.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    _ModelAdmin = admin.ModelAdmin[Delivery]
else:
    _ModelAdmin = admin.ModelAdmin

__all__ = ["DeliveryAdmin"]

V = TypeVar("V", bound="Callable[..., object]")

_FACTS = (
    "fingerprint",
    "state_label",
    "event",
    "delivery_id",
    "received",
    "finished",
    "signed_with",
    "attempts",
    "failed",
)
_RETRIES = 100
"""How many retries a search follows to what they repeat."""

_FILTERS = (ByState, ByEvent, ByAge)
_HANDLERS = ("ended", "missing")
_SENT = ("retries", "sent")


def _never_atomic(view: V) -> V:
    """Keep *view* out of ATOMIC_REQUESTS: what a replay does is recorded step by step, for good."""
    for alias in connections:
        non_atomic_requests(alias)(view)
    return view


@admin.register(Delivery)
class DeliveryAdmin(DeliveryColumns, _ModelAdmin):
    """Show deliveries to whoever may view them; replay them for whoever may do that, too.

    Nobody adds, changes or deletes one, superusers included.
    """

    actions = ("replay",)
    fieldsets = (
        (None, {"fields": _FACTS}),
        ("Handlers", {"fields": _HANDLERS}),
        ("What was sent", {"fields": _SENT}),
    )
    list_display = (
        "shortened",
        "state_label",
        "event",
        "received_at",
        "handled",
        "attempts",
        "shortened_reason",
    )
    list_filter = _FILTERS
    ordering = ("-received_at",)
    readonly_fields = (*_FACTS, *_HANDLERS, *_SENT)
    search_fields = ("key", "delivery_id")
    search_help_text = "A fingerprint or its beginning, or a whole delivery id."
    show_full_result_count = False
    sortable_by = ("received_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        """Refuse everybody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        """Refuse everybody."""
        return False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may replay what is shown, and somebody is there to do it."""
        user: Any = request.user  # Any: a program may have users of its own.
        may = bool(user.has_perm("florentin_webhooks.replay_delivery"))
        return may and self.has_view_permission(request) and delivery_source().hooks is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Give what is known, without bodies, and without retries that were stamped anew."""
        rows = Delivery.objects.using(delivery_source().using).defer("body")
        return rows.filter(original=None, expires__gt=Clock())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Find by fingerprint, also that of a retry, or by delivery id: each has an index.

        Without a term it is what has its body, as on the command line, and has indexes, too.
        """
        term = search_term.strip()
        if not term:
            return queryset.filter(body__isnull=False), False
        wanted = Q(sent_under=uuid(fingerprint(term.encode())))
        if begins := prefix_filter(term.replace("-", "")):
            again = Delivery.objects.using(queryset.db).filter(begins, original__isnull=False)
            # Asked first, since PostgreSQL takes no index for "or in (select ...)".
            wanted |= begins | Q(key__in=list(again.values_list("original", flat=True)[:_RETRIES]))
        return queryset.filter(wanted), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let nobody probe, by what a URL asks for, what no page shows."""
        return lookup in {each.parameter_name for each in _FILTERS}

    def get_urls(self) -> list[URLPattern]:
        """Give the pages, and where a replay is posted to."""
        view = self.admin_site.admin_view(self.replay_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_replay"
        return [
            path("<path:object_id>/replay/", _never_atomic(view), name=name),
            *super().get_urls(),
        ]

    @_never_atomic
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; say where deliveries are, if they are not here."""
        notes = delivery_source().notes
        return super().changelist_view(request, {"notes": notes, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show one delivery, with the buttons that are of use."""
        shown = context["original"]
        context["may_replay"] = shown.body is not None and self.has_replay_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Replay what has not finished", permissions=["replay"])
    def replay(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> HttpResponse | None:
        """Replay the chosen deliveries, the oldest first."""
        keys = chosen.order_by("received_at").values_list("key", flat=True)
        return ReplayRequest(self, request).of(list(keys))

    def replay_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Replay one delivery, and show it."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        shown = self.get_object(request, unquote(object_id))
        if shown is None:
            return HttpResponseRedirect(self._url("changelist"))
        if request.method == "POST" and (asked := ReplayRequest(self, request).of([shown.key])):
            return asked
        return HttpResponseRedirect(self._url("change", shown.pk))

    def _url(self, page: str, *args: object) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)
