"""URLs of the Django programs: our mount, and a view by hand for each kind of server."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from benchmarks.deliveries import PATH
from benchmarks.frameworks import BY_HAND, abill, bill, is_signed, receiver
from florentin_webhooks.django import webhook_path


@csrf_exempt
@require_POST
def by_hand(request: HttpRequest) -> HttpResponse:
    """Only verify the signature."""
    signed = is_signed(request.body, request.headers.get("X-Florentin-Signature"))
    return HttpResponse(status=200 if signed else 401)


@csrf_exempt
@require_POST
async def by_hand_async(request: HttpRequest) -> HttpResponse:
    """Only verify the signature, in asyncio."""
    signed = is_signed(request.body, request.headers.get("X-Florentin-Signature"))
    return HttpResponse(status=200 if signed else 401)


urlpatterns = [
    webhook_path(PATH.strip("/"), receiver(bill)),
    webhook_path(f"{PATH.strip('/')}-async", receiver(abill)),
    path(BY_HAND.strip("/"), by_hand),
    path(f"{BY_HAND.strip('/')}-async", by_hand_async),
]
