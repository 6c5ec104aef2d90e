"""A middleware that reads what is not its own, in the way that a header asks for."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

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
