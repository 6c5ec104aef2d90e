"""Products, plans, subscriptions and invoices.

Each change has one effect for each ``idempotency_key``. Without one it gets that of the handler's
delivery, or a random one outside of a handler.
"""

from __future__ import annotations

from collections.abc import Mapping

from florentin_webhooks.api.models import Invoice, Plan, Product, Subscription
from florentin_webhooks.api.request import APIRequest, ModelT, fields_of, path_of
from florentin_webhooks.api.resources.resource import KindT, Resource, listing, operation

__all__ = ["Invoices", "Plans", "Products", "Subscriptions"]

_KEY = "idempotency_key"


class Products(Resource[KindT]):
    """The products: ``api.products``."""

    @listing
    def list(self) -> APIRequest[Product]:
        """Return all products."""
        return APIRequest("GET", path_of("products"), Product)


class Plans(Resource[KindT]):
    """The plans: ``api.plans``."""

    @listing
    def list(self) -> APIRequest[Plan]:
        """Return all plans."""
        return APIRequest("GET", path_of("plans"), Plan)


class Subscriptions(Resource[KindT]):
    """The subscriptions: ``api.subscriptions``."""

    @operation
    def purchase(
        self, *, customer: str, plan: str, idempotency_key: str = ""
    ) -> APIRequest[Subscription]:
        """Buy a subscription to *plan* for a customer."""
        body = fields_of(customer_id=customer, plan=plan, idempotency_key=idempotency_key)
        return _change(Subscription, body, "subscriptions")

    @operation
    def upgrade(
        self, subscription: str, *, plan: str, idempotency_key: str = ""
    ) -> APIRequest[Subscription]:
        """Change a subscription to a *plan* above its own."""
        body = fields_of(plan=plan, idempotency_key=idempotency_key)
        return _change(Subscription, body, "subscriptions", subscription, "upgrade")

    @operation
    def downgrade(
        self, subscription: str, *, plan: str, idempotency_key: str = ""
    ) -> APIRequest[Subscription]:
        """Change a subscription to a *plan* below its own."""
        body = fields_of(plan=plan, idempotency_key=idempotency_key)
        return _change(Subscription, body, "subscriptions", subscription, "downgrade")

    @operation
    def cancel(self, subscription: str, *, idempotency_key: str = "") -> APIRequest[Subscription]:
        """Cancel a subscription."""
        body = fields_of(idempotency_key=idempotency_key)
        return _change(Subscription, body, "subscriptions", subscription, "cancel")

    @operation
    def show(self, subscription: str) -> APIRequest[Subscription]:
        """Return one subscription, by its id."""
        return APIRequest("GET", path_of("subscriptions", subscription), Subscription)

    @listing
    def list(self, *, customer: str = "") -> APIRequest[Subscription]:
        """Return all subscriptions, of one customer where one is named."""
        query = fields_of(customer_id=customer)
        return APIRequest("GET", path_of("subscriptions"), Subscription, query)


class Invoices(Resource[KindT]):
    """The invoices: ``api.invoices``."""

    @operation
    def create(
        self, *, customer: str, amount_due: int, currency: str, idempotency_key: str = ""
    ) -> APIRequest[Invoice]:
        """Create an invoice of *amount_due* minor units."""
        facts = {"amount_due": amount_due, "currency": currency, "customer_id": customer}
        key = fields_of(idempotency_key=idempotency_key)
        return _change(Invoice, {**facts, **key}, "invoices")

    @operation
    def show(self, invoice: str) -> APIRequest[Invoice]:
        """Return one invoice, by its id."""
        return APIRequest("GET", path_of("invoices", invoice), Invoice)

    @listing
    def list(self, *, customer: str = "") -> APIRequest[Invoice]:
        """Return all invoices, of one customer where one is named."""
        return APIRequest("GET", path_of("invoices"), Invoice, fields_of(customer_id=customer))


def _change(model: type[ModelT], body: Mapping[str, object], *parts: str) -> APIRequest[ModelT]:
    return APIRequest("POST", path_of(*parts), model, body=body, key_field=_KEY)
