"""Render a page: what all templates need, and the cookies that go with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from florentin_webhooks.inspector.actions import read_notice
from florentin_webhooks.inspector.assets import render
from florentin_webhooks.inspector.forgery import FIELD, known_token, new_token
from florentin_webhooks.inspector.response import PageResponse

if TYPE_CHECKING:
    from florentin_webhooks.inspector.request import PageRequest

__all__ = ["Pages"]


class Pages:
    """The templates, with what holds for the whole site; *room* has more of them."""

    def __init__(
        self,
        *,
        is_live: bool,
        can_trigger: bool = False,
        room: str = "florentin_webhooks.inspector",
    ) -> None:
        self._site = {"is_live": is_live, "can_trigger": can_trigger}
        self._room = room

    def render(
        self,
        request: PageRequest,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> PageResponse:
        """Return the page that *template* makes of *values*."""
        notice, cookies = read_notice(request)
        token = known_token(request)
        if token is None:
            token, cookie = new_token(request)
            cookies = (*cookies, cookie)
        base = "../" * (request.path.count("/") - 1) or "./"
        common = {"base": base, "token": token, "field": FIELD, "notice": notice}
        body = render(template, self._room, **self._site, **common, status=status, **values)
        return PageResponse(status, body, added=cookies)

    def not_found(self, request: PageRequest) -> PageResponse:
        """Return the page for what does not exist."""
        return self.error(request, HTTPStatus.NOT_FOUND, "There is nothing here (any more).")

    def error(self, request: PageRequest, status: HTTPStatus, message: str) -> PageResponse:
        """Return the page that says why there is no other one."""
        return self.render(request, "error.html", status=status, message=message)

    def query(self, **parameters: str) -> str:
        """Return *parameters* as the query of a URL."""
        return urlencode(parameters)
