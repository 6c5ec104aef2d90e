"""Say in OpenAPI what a delivery is and what it is answered.

What the programs that show it cannot know: the events, by the receiver's own models, the headers,
and every outcome with its status. Knows pydantic and no framework.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Union, cast

from pydantic import Field, GetJsonSchemaHandler, TypeAdapter

from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from florentin_webhooks.senders.florentin.events import Event

__all__ = ["OPERATION", "EventSchema", "responses"]

PREFIX = "Florentin-"
"""What our schemas' names begin with; no class can have a hyphen in its name, so none collides."""

_HEADERS = {
    "X-Florentin-Signature": "`sha256=` and the HMAC-SHA256 of the raw body, in hex",
    "X-Florentin-Event": "the event's type; where it stands, it agrees with the body",
    "X-Florentin-Delivery-Id": "for looking a delivery up at Florentin",
    "X-Florentin-Timestamp": "not evidence: the signed timestamp stands in the body",
}
_SETTLED = {
    Outcome.PROCESSED: "every handler has run",
    Outcome.ACCEPTED: "remembered and queued",
    Outcome.DUPLICATE: "processed before; nothing runs again",
    Outcome.IGNORED: "no handler wants it",
}
_RETRY_AFTER = {"description": "seconds to wait before the retry", "schema": {"type": "integer"}}
_RETRIED = (Outcome.IN_PROGRESS, Outcome.HANDLER_FAILED, Outcome.UNAVAILABLE)

JSON = dict[str, Any]  # Any: what JSON can spell.

OPERATION: JSON = {
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": name == "X-Florentin-Signature",
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in _HEADERS.items()
    ],
    "requestBody": {"description": "Verified over its raw bytes before anything parses it."},
}
"""What is the same for every receiver."""


class EventSchema:
    """Annotate a type with the schema of what *models* gives, asked when the schema is made."""

    def __init__(self, models: Callable[[], Iterable[type[Event]]]) -> None:
        self._models = models

    def __get_pydantic_json_schema__(self, _: object, handler: GetJsonSchemaHandler) -> JSON:
        """Let pydantic make the schema, with definitions that it knows by our names."""
        # Any: checkers know no types that are made at run time.
        events = cast("Any", Union)[tuple(dict.fromkeys(self._models()))]
        annotated = cast("Any", Annotated)[events, Field(discriminator="event")]
        return handler(_named(TypeAdapter(annotated).core_schema))


def responses(*, queue: bool) -> dict[int | str, JSON]:
    """Give the replies to a POST by their status; ``accepted`` is for those that *queue*."""
    by_status: dict[int | str, list[Outcome]] = {}
    for outcome in Outcome:
        if outcome is Outcome.METHOD_NOT_ALLOWED or (outcome is Outcome.ACCEPTED and not queue):
            continue
        by_status.setdefault(outcome.status, []).append(outcome)
    return {status: _response(outcomes) for status, outcomes in by_status.items()}


def _response(outcomes: Sequence[Outcome]) -> JSON:
    schema = _settled(outcomes) if outcomes[0] in _SETTLED else _refused(outcomes)
    response: JSON = {
        "description": "; ".join(f"`{each}`: {_meaning(each)}" for each in outcomes),
        "content": {"application/json": {"schema": schema}},
    }
    if any(outcome in _RETRIED for outcome in outcomes):
        response["headers"] = {"Retry-After": _RETRY_AFTER}
    return response


def _meaning(outcome: Outcome) -> str:
    told = _SETTLED.get(outcome)
    return told or str(json.loads(replies.error(outcome).body)["error"]["message"])


def _settled(outcomes: Iterable[Outcome]) -> JSON:
    delivery = {"type": "string", "description": "the fingerprint, which the log names, too"}
    data = _object(outcome=_one_of(outcomes), delivery=delivery)
    return _object(data=data, meta={"type": "object"})


def _refused(outcomes: Iterable[Outcome]) -> JSON:
    return _object(error=_object(code=_one_of(outcomes), message={"type": "string"}))


def _object(**properties: JSON) -> JSON:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _one_of(outcomes: Iterable[Outcome]) -> JSON:
    return {"type": "string", "enum": [outcome.value for outcome in outcomes]}


def _named(schema: Any) -> Any:  # Any: a core schema is a tree of dicts, lists and values.
    """Copy a core schema, with our prefix in the references that pydantic makes names of."""
    if type(schema) in (list, tuple):
        return type(schema)(_named(each) for each in schema)
    if type(schema) is not dict:
        return schema
    tree = cast("Mapping[str, Any]", schema)  # Any: the same.
    return {
        key: _prefixed(value)
        if key in ("ref", "schema_ref") and isinstance(value, str)
        else _named(value)
        for key, value in tree.items()
    }


def _prefixed(reference: str) -> str:
    """``shop.hooks.Invoice:94``, a class and its id, as ``shop.hooks.Florentin-Invoice:94``."""
    return re.sub(r"^([^\[:]*\.)?", rf"\g<0>{PREFIX}", reference, count=1)
