"""One request to the API: who asks, what for, and the reply; blocking, in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, NamedTuple, cast

from florentin_webhooks.protocol.strict_json import loads
from florentin_webhooks.simulator.api.fields import read_fields
from florentin_webhooks.simulator.changes import Domain
from florentin_webhooks.simulator.documents import PAGE_SIZE, Documents
from florentin_webhooks.simulator.refusal import Refusal
from florentin_webhooks.simulator.tokens import Scope, Token, Tokens

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from florentin_webhooks.simulator.api.operations import Operation
    from florentin_webhooks.simulator.database import Database
    from florentin_webhooks.simulator.documents import JSON

__all__ = ["MOST_KEYS", "MOST_TOKENS", "Call", "Endpoint", "Reply"]

MOST_KEYS = 100_000
"""How many keys of requests are remembered, of the newest requests."""

MOST_TOKENS = 1_000
"""The most API keys that a request may create."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a request holds; *key* is the id in the path."""

    authorization: str | None = None
    key: str = ""
    query: Sequence[tuple[str, str]] = ()
    body: bytes = b""


class Reply(NamedTuple):
    """A reply: its status, and its JSON."""

    status: int
    content: JSON


class Endpoint:
    """The API over a *database*; *publish* is called with each event, in the transaction."""

    def __init__(
        self,
        database: Database,
        publish: Callable[[sqlite3.Connection, str, JSON], object],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._publish = publish
        self._clock = clock

    def respond(self, operation: Operation, call: Call) -> Reply:
        """Return the reply to a request; raises :class:`Refusal` and :class:`Unavailable`."""
        with self._database.transaction() as connection:
            token = _authorize(connection, call.authorization, operation.scope)
            fields = read_fields(_parameters(call.query), operation.query)
            fields |= read_fields(_content(call.body), operation.body) if operation.body else {}
            key = str(fields.pop(operation.unique, "")) if operation.unique else ""
            if operation.has_id:
                fields["id"] = call.key
            if operation.method == "DELETE" and call.key == str(token.id):
                raise Refusal(409, "a token cannot revoke itself")
            if key:
                return self._once(connection, operation, fields, key)
            return self._perform(connection, operation, fields)

    def _once(
        self, connection: sqlite3.Connection, operation: Operation, fields: JSON, key: str
    ) -> Reply:
        """Perform the operation, or return the reply that its *key* has got before."""
        asked = json.dumps([operation.path, fields], sort_keys=True).encode()
        digest = sha256(asked).digest()
        query = "SELECT digest, status, content FROM replies WHERE key = ?"
        if row := connection.execute(query, (key,)).fetchone():
            if not compare_digest(row[0], digest):
                raise Refusal(409, f"{operation.unique} was used for another request")
            return Reply(row[1], json.loads(row[2]))
        reply = self._perform(connection, operation, fields)
        row = (key, digest, reply.status, json.dumps(reply.content))
        added = connection.execute("INSERT INTO replies VALUES (?, ?, ?, ?)", row)
        oldest = (added.lastrowid or 0) - MOST_KEYS
        connection.execute("DELETE FROM replies WHERE rowid <= ?", (oldest,))
        return reply

    def _perform(self, connection: sqlite3.Connection, operation: Operation, fields: JSON) -> Reply:
        documents = Documents(connection)
        domain = Domain(documents, f"{self._clock():%Y-%m}")
        if operation.change is not None:
            change = operation.change(domain, fields)
            self._publish(connection, change.event, change.data)
            shown = {name: change.document[name] for name in operation.shown or change.document}
            return _reply(operation, shown)
        if operation.listing is not None:
            return _list(connection, operation, fields)
        if operation.showing:
            return _reply(operation, documents.get(operation.showing, fields["id"]))
        if operation.name == "showUsage":
            usage = domain.usage(fields["customer_id"], fields.get("period", ""))
            return _reply(operation, usage)
        return _reply(operation, _change_keys(Tokens(connection), operation, fields))


def _authorize(connection: sqlite3.Connection, authorization: str | None, scope: Scope) -> Token:
    token = Tokens(connection).find(authorization)
    if token is None:
        raise Refusal(401, "invalid or missing bearer token")
    if scope not in token.scopes:
        raise Refusal(403, f"this token lacks the scope {scope}")
    return token


def _parameters(pairs: Sequence[tuple[str, str]]) -> Mapping[str, object]:
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Refusal(422, f"{twice[:60]} is given twice")
    return dict(pairs)


def _content(body: bytes) -> Mapping[str, object]:
    try:
        content = loads(body or b"{}")
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(content, dict):
        raise Refusal(422, "the body is not a JSON object")
    return cast("Mapping[str, object]", content)


def _list(connection: sqlite3.Connection, operation: Operation, fields: JSON) -> Reply:
    kind, number = operation.listing.kind if operation.listing else "", fields.get("page", 1)
    if operation.scope is Scope.ADMIN:
        tokens, total = Tokens(connection).page(PAGE_SIZE, PAGE_SIZE * (number - 1))
        found = [token.to_json() for token in tokens]
    else:
        found, total = Documents(connection).page(kind, number, fields.get("customer_id"))
    return Reply(operation.status, {"data": found, "meta": {"page": number, "total": total}})


def _change_keys(tokens: Tokens, operation: Operation, fields: JSON) -> JSON:
    if operation.method == "POST":
        if tokens.page(0, 0)[1] >= MOST_TOKENS:
            raise Refusal(409, f"there are {MOST_TOKENS} API keys: revoke one first")
        token, text = tokens.issue(fields["name"], map(Scope, fields["scopes"]))
        return {**token.to_json(), "token": text}
    key = fields["id"]
    revoked = tokens.revoke(int(key)) if key.isascii() and key.isdigit() and len(key) < 16 else None  # noqa: PLR2004
    if revoked is None:
        raise Refusal.missing("API key")
    return revoked.to_json()


def _reply(operation: Operation, data: JSON) -> Reply:
    meta = {"message": operation.message} if operation.message else {}
    return Reply(operation.status, {"data": data, "meta": meta})
