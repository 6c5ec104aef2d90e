"""Credits and usage of customers."""

from __future__ import annotations

from florentin_webhooks.api.models import UsageSummary
from florentin_webhooks.api.request import APIRequest, fields_of, path_of
from florentin_webhooks.api.resources.resource import KindT, Resource, operation

__all__ = ["Credits", "Usage"]


class Credits(Resource[KindT]):
    """The credits of customers: ``api.credits``."""

    @operation
    def consume(
        self, *, customer: str, amount: int, reason: str, request_id: str = ""
    ) -> APIRequest[UsageSummary]:
        """Consume *amount* credits of a customer, once for each *request_id*.

        Without one it gets that of the handler's delivery, or a random one outside of a handler.
        """
        facts = {"amount": amount, "reason": reason, "customer_id": customer}
        body = {**facts, **fields_of(request_id=request_id)}
        path = path_of("credits", "consume")
        return APIRequest("POST", path, UsageSummary, body=body, key_field="request_id")


class Usage(Resource[KindT]):
    """The usage of customers: ``api.usage``."""

    @operation
    def summary(self, *, customer: str, period: str = "") -> APIRequest[UsageSummary]:
        """Return the usage of a customer in *period*, a month such as ``2026-11``."""
        query = fields_of(customer_id=customer, period=period)
        return APIRequest("GET", path_of("usage", "summary"), UsageSummary, query)
