"""The health of a receiver in Django programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.urls import re_path
from django.views.decorators.http import require_safe

from florentin_webhooks.core.health import DEFAULT_LIMITS, HealthLimits, Probe, answer_probe
from florentin_webhooks.django import conf

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["health_path"]


def health_path(
    route: str = "health",
    hooks: Receiver[object] | None = None,
    *,
    limits: HealthLimits = DEFAULT_LIMITS,
    name: str = "florentin-webhooks-health",
) -> URLPattern:
    """Return the URL pattern that serves the health of *hooks* at *route*.

    Without *hooks*, of the receiver of ``settings.FLORENTIN_WEBHOOKS``. Below the route, ``live``
    asks nothing and ``ready`` the store; the route itself asks the queues, too. The reply is 200
    or 503, with JSON. *limits* say what is healthy. It needs no login.
    """

    def view(request: HttpRequest) -> HttpResponse:
        served = conf.receiver() if hooks is None else hooks
        status, body = answer_probe(served, Probe.of(request.path), limits)
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(body, "application/json", status, headers=headers)

    safe = require_safe(view)
    safe.login_required = False  # type: ignore[attr-defined]  # Read by Django's middleware.
    return re_path(rf"^{re.escape(route.strip('/'))}(?:/live|/ready)?/?\Z", safe, name=name)
