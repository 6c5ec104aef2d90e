"""The receiver of the settings, and a page that tells what its handlers have done."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import path

from florentin_webhooks.django import webhook_path
from tests.support.django_site.models import Effect


@login_not_required
def effects(_: HttpRequest) -> JsonResponse:
    return JsonResponse([effect.text for effect in Effect.objects.all()], safe=False)


urlpatterns = [webhook_path("webhooks/florentin"), path("effects", effects)]
