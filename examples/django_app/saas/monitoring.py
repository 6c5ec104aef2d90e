"""Metrics for Prometheus: without a login, so do not publish them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from florentin_webhooks.django import hooks
from florentin_webhooks.prometheus import Metrics

metrics = Metrics(hooks)


@login_not_required
def show_metrics(request: HttpRequest) -> HttpResponse:
    content_type, body = metrics.write(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)
