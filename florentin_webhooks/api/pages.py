"""The pages of a list: which one to ask for next, and when the list has ended."""

from __future__ import annotations

from typing import Generic

from florentin_webhooks.api.reply import read_page
from florentin_webhooks.api.request import APIReply, APIRequest, ModelT
from florentin_webhooks.errors import APIError

__all__ = ["Pages"]

MOST_PAGES = 100_000
"""More than any list has; an API that never ends one is not asked for ever."""


class Pages(Generic[ModelT]):
    """The state of an iteration over the list that *request* asks for.

    The API documents ``page`` and ``total``, and no size of a page. So the list has ended when as
    many objects have come as there are, or when a page is empty.
    """

    def __init__(self, request: APIRequest[ModelT]) -> None:
        self._first = request
        self._number = 1
        self._seen = 0
        self._has_ended = False

    def next_request(self) -> APIRequest[ModelT] | None:
        """Return the request of the next page, or None at the end."""
        if self._has_ended or self._number > MOST_PAGES:
            return None
        return self._first if self._number == 1 else self._first.at_page(self._number)

    def read(self, reply: APIReply) -> list[ModelT]:
        """Return the objects of a page. Raises :class:`APIError`, also for another page."""
        items, page = read_page(self._first, reply)
        if page.number not in (None, self._number):
            raise APIError(
                f"{self._first.name} was asked for page {self._number} and answered {page.number}.",
                "Check that no proxy removes the query of the URL.",
                status_code=reply.status,
            )
        self._seen += len(items)
        self._number += 1
        self._has_ended = not items or page.total is None or self._seen >= page.total
        return items
