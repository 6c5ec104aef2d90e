"""The inspector for Django: a URL for staff, who may view or replay deliveries as in the admin."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.urls import re_path

from florentin_webhooks.django import conf
from florentin_webhooks.django.connections import AllDatabases
from florentin_webhooks.inspector.access import Access
from florentin_webhooks.inspector.request import MAX_FORM, PageRequest
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.protocol.headers import HeaderMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["INSPECTOR_NAME", "inspector_path"]

INSPECTOR_NAME = "florentin-inspector"
_APP = "florentin_webhooks"


def inspector_path(
    route: str, *receivers: Receiver[object], show_bodies: bool = False, show_errors: bool = False
) -> URLPattern:
    """Return the URL pattern that shows the deliveries of *receivers* at *route*, to staff.

    Without *receivers* it shows those of ``settings.FLORENTIN_WEBHOOKS``. To see the pages, a
    member of the staff needs the permission to view deliveries; to replay or discard, the one to
    replay them. ``show_bodies``: bodies are personal data, and not shown by default; nor are the
    texts of errors, ``show_errors``, which may quote them.

    Raises ``ImproperlyConfigured`` for a route that is empty without its slashes.
    """
    plain = route.strip("/")
    if not plain:
        raise ImproperlyConfigured(
            f"The route {route!r} is empty without its slashes. Pass the whole path here."
        )
    view = _InspectorView(
        receivers, partial(Site, show_bodies=show_bodies, show_errors=show_errors)
    )
    return re_path(rf"^{re.escape(plain)}(?P<inner>/.*|)\Z", view, name=INSPECTOR_NAME)


class _InspectorView:
    """A view that passes each request to the pages."""

    def __init__(
        self, receivers: tuple[Receiver[object], ...], create: Callable[..., Site]
    ) -> None:
        self._receivers = receivers
        self._create = create
        self._site: Site | None = None
        # The pages check a token of their own.
        self.csrf_exempt = True
        # A replay records each step durably.
        self._non_atomic_requests = AllDatabases()
        if receivers:
            self._build()  # From now on the pages know what comes.

    def __call__(self, request: HttpRequest, inner: str) -> HttpResponseBase:
        """Return the response."""
        request.get_host()  # Refuses a host that the settings do not allow.
        user: Any = getattr(request, "user", None)  # Any: the project's own model.
        if user is None or not user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not inner:
            response = HttpResponse(status=307)
            response["Location"] = f"{request.path.rpartition('/')[2]}/"
            return response
        page = self._build().respond(_to_request(request, inner))
        answer = HttpResponse(page.body, status=int(page.status), content_type=page.content_type)
        for name, value in page.headers:
            if name == "Set-Cookie":
                key, _, rest = value.partition("=")
                _set_cookie(answer, key, rest)
            else:
                answer[name] = value
        return answer

    def _build(self) -> Site:
        """Return the pages; those of the settings' receiver are built at the first request."""
        if self._site is None:
            receivers = self._receivers or (cast("Receiver[object]", conf.receiver()),)
            access = Access(_may_see, None)
            self._site = self._create(Sources(receivers), access)
        return self._site


def _may_see(request: PageRequest) -> bool:
    user = cast("Any", request.native).user  # Any: the project's own model.
    wanted = "replay_delivery" if request.method == "POST" else "view_delivery"
    return bool(user.is_active and user.is_staff and user.has_perm(f"{_APP}.{wanted}"))


def _set_cookie(answer: HttpResponse, name: str, rest: str) -> None:
    """Set a cookie of the pages: HttpOnly, of this site only, with the age that it has."""
    value, *attributes = rest.split("; ")
    ages = [each.partition("=")[2] for each in attributes if each.startswith("Max-Age=")]
    age, secure = int(ages[0]) if ages else None, "Secure" in attributes
    answer.set_cookie(name, value, max_age=age, secure=secure, httponly=True, samesite="Strict")


def _to_request(request: HttpRequest, path: str) -> PageRequest:
    # Without a length, a body may have no end; browsers send the length of a form.
    length = str(request.META.get("CONTENT_LENGTH") or "")
    is_small = length.isascii() and length.isdigit() and int(length[:9]) <= MAX_FORM
    return PageRequest(
        method=str(request.method),
        path=path,
        query_string=str(request.META.get("QUERY_STRING", "")),
        headers=HeaderMap(request.headers),
        body=request.body if request.method == "POST" and is_small else b"",
        client=str(request.META.get("REMOTE_ADDR") or "") or None,
        is_secure=request.is_secure(),
        native=request,
    )
