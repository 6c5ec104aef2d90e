"""What a reply of the API means: data, or an error with the API's own message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple, cast

from pydantic import TypeAdapter, ValidationError

from florentin_webhooks.api.request import APIReply, APIRequest, ModelT
from florentin_webhooks.errors import APIError, APIUnavailable
from florentin_webhooks.protocol.strict_json import loads

__all__ = ["Page", "read_error", "read_object", "read_page", "read_retry_after"]

_LONGEST_DETAIL = 300
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""

_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,3})?")
_WRONG_PLACE = "Check that base_url ends with /api/v1 and that no proxy answers in its place."
_HINTS = {
    401: "Check the token: <id>|<secret>, as the provider has shown it once.",
    403: "Use a token with the scope that this request needs.",
    404: "Check the id; the object may belong to another provider domain.",
    422: "Correct the values that the message names.",
    429: "Send fewer requests, or try again later.",
}


class Page(NamedTuple):
    """One page of a list; *number* and *total* are what the API says, None without them."""

    items: list[object]
    number: int | None
    total: int | None


def read_object(request: APIRequest[ModelT], reply: APIReply) -> ModelT:
    """Return the object in *reply*. Raises :class:`APIError`, which quotes no value of it."""
    return _parse(request, reply, _read(request, reply).get("data"))


def read_page(request: APIRequest[ModelT], reply: APIReply) -> tuple[list[ModelT], Page]:
    """Return the objects of one page, and the page. Raises :class:`APIError`."""
    content = _read(request, reply)
    items, meta = content.get("data"), content.get("meta")
    if not isinstance(items, list):
        raise _unexpected(request, reply, "its data is not a list")
    page = Page(cast("list[object]", items), _count_of(meta, "page"), _count_of(meta, "total"))
    return [_parse(request, reply, each) for each in page.items], page


def read_error(
    request: APIRequest[ModelT], reply: APIReply, now: datetime, hide: Callable[[str], str] = str
) -> APIError | None:
    """Return the error that *reply* is, at *now*; None for a success.

    *hide* removes secrets from the API's own message.
    """
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers.
        return None
    detail = hide(_detail(reply.body))
    kind = APIUnavailable if status in _TEMPORARY else APIError
    if 300 <= status < 400:  # noqa: PLR2004
        detail, hint = (
            "it redirects",
            "Correct base_url: redirects would carry the token elsewhere.",
        )
    else:
        hint = _HINTS.get(status, "See the log of the provider.")
        if status == 404 and not detail:  # noqa: PLR2004 - as above; not a reply of the API.
            hint = _WRONG_PLACE
    return kind(
        f"The API answered {request.name} with {status}{f': {detail}' if detail else ''}.",
        hint,
        status_code=status,
        detail=detail,
        retry_after=read_retry_after(reply.headers.get("retry-after", ""), now),
    )


def read_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds of a ``Retry-After`` header: a number or a time; None without one."""
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        due = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = due if due.tzinfo else due.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _read(request: APIRequest[ModelT], reply: APIReply) -> Mapping[str, object]:
    try:
        content = loads(reply.body)
    except ValueError:
        raise _unexpected(request, reply, "it is not JSON") from None
    if not isinstance(content, dict):
        raise _unexpected(request, reply, "it is not an object")
    return cast("Mapping[str, object]", content)


def _parse(request: APIRequest[ModelT], reply: APIReply, value: object) -> ModelT:
    try:
        return TypeAdapter(request.model).validate_python(value)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        places = [".".join(map(str, each["loc"])) or "data" for each in details[:5]]
    # Not chained: the text of the cause may hold what the API has answered.
    raise _unexpected(request, reply, f"it lacks a valid {', '.join(places)}")


def _unexpected(request: APIRequest[ModelT], reply: APIReply, why: str) -> APIError:
    return APIError(
        f"The reply to {request.name} is not what the API documents: {why}.",
        _WRONG_PLACE,
        status_code=reply.status,
    )


def _detail(body: bytes) -> str:
    """Return the message of an error, in a form that cannot forge a line of a log."""
    try:
        content = loads(body)
        error = cast("Mapping[str, object]", content)["error"]
        message = cast("Mapping[str, object]", error)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    text = message if isinstance(message, str) else ""
    return text[:_LONGEST_DETAIL].encode("unicode_escape").decode().rstrip(".")


def _count_of(meta: object, name: str) -> int | None:
    value = cast("Mapping[str, object]", meta).get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
