"""The receiver of the settings, a page with its effects, and a middleware that reads bodies."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from florentin_webhooks.django import webhook_path
from tests.support.django_site.models import Effect

HEADER = "X-Meddle"
WAYS: dict[str, Callable[[HttpRequest], object]] = {
    "post": lambda request: request.POST,
    "body": lambda request: request.body,
    "read": lambda request: request.read(1),
}


def meddle(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """Return a middleware without async support, as most are."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if way := request.headers.get(HEADER):
            WAYS[way](request)
        return get_response(request)

    return middleware


@login_not_required
def effects(_: HttpRequest) -> JsonResponse:
    return JsonResponse([effect.text for effect in Effect.objects.all()], safe=False)


urlpatterns = [webhook_path("webhooks/florentin"), path("effects", effects)]
