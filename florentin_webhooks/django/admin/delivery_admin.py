"""Deliveries in Django's admin: list, search, show and replay them.

Rows cannot be edited here: only the store may change them.
"""

from __future__ import annotations

from types import MappingProxyType
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
from florentin_webhooks.django.admin.elsewhere import recent_rows
from florentin_webhooks.django.admin.filters import ByAge, ByEvent, ByState
from florentin_webhooks.django.admin.replay_action import ReplayRequest
from florentin_webhooks.django.admin.source import delivery_source
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.django.store.clock import Clock
from florentin_webhooks.django.store.rows import prefix_filter, to_uuid

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

_FIELDS = (
    "fingerprint",
    "state_label",
    "event",
    "delivery_id",
    "received",
    "finished",
    "signed_with",
    "attempts",
    "next_attempt_at",
    "failed",
)
_RETRIES = 100
"""Maximum number of retries that a search follows to their originals."""

_FILTERS = (ByState, ByEvent, ByAge)
_HANDLER_FIELDS = ("ended", "missing")
_REQUEST_FIELDS = ("retries", "sent")


def _never_atomic(view: V) -> V:
    """Exempt *view* from ATOMIC_REQUESTS, because a replay records each step durably."""
    for alias in connections:
        non_atomic_requests(alias)(view)
    return view


@admin.register(Delivery)
class DeliveryAdmin(DeliveryColumns, _ModelAdmin):
    """Deliveries for users who may view them, with a replay for those who may replay.

    No user can add, change or delete one, superusers included.
    """

    actions = ("replay",)
    fieldsets = (
        (None, {"fields": _FIELDS}),
        ("Handlers", {"fields": _HANDLER_FIELDS}),
        ("What was sent", {"fields": _REQUEST_FIELDS}),
    )
    list_display = (
        "shortened",
        "state_label",
        "event",
        "attempts",
        "shortened_reason",
        "age",
        "handled",
        "delivery_id",
    )
    list_filter = _FILTERS
    ordering = ("-received_at",)
    readonly_fields = (*_FIELDS, *_HANDLER_FIELDS, *_REQUEST_FIELDS)
    search_fields = ("key", "delivery_id")
    search_help_text = "A fingerprint or its beginning, or a whole delivery id."
    show_full_result_count = False
    sortable_by = ("age",)

    class Media:
        """What makes the list fit windows of 1280 pixels."""

        css = MappingProxyType({"all": ("florentin_webhooks/admin.css",)})

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False for every user."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        """Return False for every user."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        """Return False for every user."""
        return False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may replay, and a receiver is known for it."""
        user: Any = request.user  # Any: the project may have its own user model.
        allowed = bool(user.has_perm("florentin_webhooks.replay_delivery"))
        return allowed and self.has_view_permission(request) and delivery_source().hooks is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Return known deliveries, without bodies and without retries."""
        rows = Delivery.objects.using(delivery_source().using).defer("body")
        return rows.filter(original=None, expires__gt=Clock())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Search by fingerprint, also of a retry, or by delivery id; each has an index.

        Without a term, return deliveries with a body, as the command line does.
        """
        term = search_term.strip()
        if not term:
            return queryset.filter(body__isnull=False), False
        wanted = _sent_under(term)
        if has_prefix := prefix_filter(term.replace("-", "")):
            retries = Delivery.objects.using(queryset.db).filter(has_prefix, original__isnull=False)
            originals = retries.values_list("original", flat=True)[:_RETRIES]
            # A query of its own: PostgreSQL uses no index for "or in (select ...)".
            wanted |= has_prefix | Q(key__in=list(originals))
        return queryset.filter(wanted), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Return whether a URL may filter by *lookup*: only by what the pages show."""
        return lookup in {each.parameter_name for each in _FILTERS}

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the pages, and that of the replay."""
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
        """Show the list, with notices and the newest deliveries of a store elsewhere."""
        source = delivery_source()
        shown = source.elsewhere if self.has_view_permission(request) else None
        context = {"notes": source.notes, "elsewhere": recent_rows(shown)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show one delivery, with the replay buttons that apply."""
        delivery = context["original"]
        context["may_replay"] = delivery.body is not None and self.has_replay_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Replay unfinished handlers", permissions=["replay"])
    def replay(self, request: HttpRequest, selected: QuerySet[Delivery]) -> HttpResponse | None:
        """Replay the selected deliveries, the oldest first."""
        keys = selected.order_by("received_at").values_list("key", flat=True)
        return ReplayRequest(self, request).run(list(keys))

    def replay_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Replay one delivery, then show it."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        delivery = self.get_object(request, unquote(object_id))
        if delivery is None:
            return HttpResponseRedirect(self._url("changelist"))
        if request.method == "POST":
            question = ReplayRequest(self, request).run([delivery.key])
            if question is not None:
                return question
        return HttpResponseRedirect(self._url("change", delivery.pk))

    def _url(self, page: str, *args: object) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)


def _sent_under(delivery_id: str) -> Q:
    """Return the filter for the deliveries that came under *delivery_id*.

    Its digest has an index, and depends on the keys of the receiver; without the one receiver the
    id itself is compared, which reads every row.
    """
    hooks = delivery_source().hooks
    if hooks is None:
        return Q(delivery_id=delivery_id)
    keys = hooks.identity.delivery_id_keys(delivery_id)
    return Q(sent_under__in=[to_uuid(each) for each in keys])
