"""Keys that make a request happen once: derived from the delivery that it is made for.

In a handler the key is the same in every attempt, so that a retry does not charge twice. It covers
the handler, the request with its values, and how often the handler has made the same one before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING

from florentin_webhooks.core.processing.handler_scope import HandlerScope, current_scope

if TYPE_CHECKING:
    from florentin_webhooks.api.request import APIRequest, ModelT
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["RequestKeys"]


@dataclass(frozen=True, slots=True)
class RequestKeys:
    """The keys of a client: of its *scope*, else of the handler that runs, else random ones."""

    scope: HandlerScope | None = field(default=None)

    @classmethod
    def of(cls, delivery: Delivery) -> RequestKeys:
        """Return the keys of a client for *delivery* alone."""
        return cls(HandlerScope("", delivery))

    def apply(self, request: APIRequest[ModelT]) -> APIRequest[ModelT]:
        """Return *request* with a key, where it needs one and has none."""
        if not request.key_field or request.key:
            return request
        scope = self.scope or current_scope()
        key = token_hex(16) if scope is None else _derive(scope, request)
        return request.with_key(key)


def _derive(scope: HandlerScope, request: APIRequest[ModelT]) -> str:
    values = sha256(request.content).hexdigest()[:16]
    label = f"{scope.handler}:{request.name}:{values}"
    counts: Counter[str] = scope.counts
    counts[label] += 1
    return scope.delivery.idempotency_key(f"{label}:{counts[label]}")
