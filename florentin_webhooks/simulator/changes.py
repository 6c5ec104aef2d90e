"""What can change in the domain: each change returns the object and the event that it fires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import NAMESPACE_URL, uuid4, uuid5

from florentin_webhooks.simulator.plans import compare_plans
from florentin_webhooks.simulator.refusal import Refusal

if TYPE_CHECKING:
    from florentin_webhooks.simulator.documents import JSON, Documents

__all__ = ["Change", "Domain", "Fields"]

Fields = dict[str, Any]  # Any: read by the fields of the operation.


class Change(NamedTuple):
    """The new state of an object, and the *event* with its *data* that this fires."""

    document: JSON
    event: str
    data: JSON


class Domain:
    """The changes of the objects in *documents*. *period* is the month, such as ``2026-11``.

    All raise :class:`Refusal`: 404 for an object that does not exist, 409 for a change that its
    state does not allow.
    """

    def __init__(self, documents: Documents, period: str) -> None:
        self._documents = documents
        self._period = period

    def create_customer(self, fields: Fields) -> Change:
        """Create a customer."""
        customer = {"id": str(uuid4()), **fields}
        self._documents.add("customer", customer)
        return Change(customer, "account.created", {"account": _account(customer)})

    def purchase(self, fields: Fields) -> Change:
        """Create a subscription of a customer."""
        subscription = self._add("subscription", {**fields, "status": "active"})
        return self._subscribed(subscription, "subscription.purchased")

    def upgrade(self, fields: Fields) -> Change:
        """Move a subscription to a plan above its own."""
        return self._move(fields, "subscription.upgraded", 1)

    def downgrade(self, fields: Fields) -> Change:
        """Move a subscription to a plan below its own."""
        return self._move(fields, "subscription.downgraded", -1)

    def cancel(self, fields: Fields) -> Change:
        """Cancel a subscription."""
        subscription = self._active(fields["id"])
        subscription.pop("previous_plan", None)
        return self._updated({**subscription, "status": "cancelled"}, "subscription.cancelled")

    def create_invoice(self, fields: Fields) -> Change:
        """Create an invoice of a customer."""
        number = self._documents.page("invoice")[1] + 1
        named = {"number": f"INV-{number:04}", "status": "open"}
        invoice = self._add("invoice", {**named, **fields})
        shown = {name: value for name, value in invoice.items() if name != "customer_id"}
        return Change(invoice, "invoice.created", {"invoice": shown})

    def add_member(self, fields: Fields) -> Change:
        """Add a member to the team of a customer."""
        member = self._add("team member", fields)
        account = self._account(member)
        team = {"id": account["id"], "name": account.get("name", account["email"])}
        shown = {name: member[name] for name in ("id", "email", "role")}
        return Change(
            member, "team_member.added", {"member": shown, "team": team, "account": account}
        )

    def accept_terms(self, fields: Fields) -> Change:
        """Record that a user has accepted a version of the terms."""
        accepted = self._add("terms", fields)
        data = {"terms": {"version": accepted["version"]}, **self._people(accepted)}
        return Change(accepted, "tos.accepted", data)

    def log_in(self, fields: Fields) -> Change:
        """Record a login of a user."""
        login = self._add("login", fields)
        return Change(login, "user.login", self._people(login))

    def consume(self, fields: Fields) -> Change:
        """Add to the credits that a customer has consumed in this period."""
        account = self._account(fields)
        usage = self.usage(account["id"], self._period)
        stored = {"id": f"{account['id']} {self._period}", **usage}
        is_new = self._documents.find("usage", stored["id"]) is None
        stored["metrics"] = {"credits": usage["metrics"]["credits"] + fields["amount"]}
        if is_new:
            self._documents.add("usage", stored, account["id"])
        else:
            self._documents.update("usage", stored)
        data = {"metrics": stored["metrics"], "account": account}
        return Change({**usage, "metrics": stored["metrics"]}, "usage.metrics_updated", data)

    def usage(self, customer: str, period: str = "") -> JSON:
        """Return the usage of a customer in a period, by default the present one."""
        self._documents.get("customer", customer)
        period = period or self._period
        found = self._documents.find("usage", f"{customer} {period}")
        metrics = found["metrics"] if found else {"credits": 0}
        return {"customer_id": customer, "period": period, "metrics": metrics}

    def _move(self, fields: Fields, event: str, direction: int) -> Change:
        subscription, plan = self._active(fields["id"]), fields["plan"]
        if compare_plans(plan, subscription["plan"]) * direction <= 0:
            side = "above" if direction > 0 else "below"
            raise Refusal(409, f"plan must be {side} {subscription['plan']}")
        moved = {**subscription, "plan": plan, "previous_plan": subscription["plan"]}
        return self._updated(moved, event)

    def _updated(self, subscription: JSON, event: str) -> Change:
        self._documents.update("subscription", subscription)
        return self._subscribed(subscription, event)

    def _subscribed(self, subscription: JSON, event: str) -> Change:
        shown = {name: value for name, value in subscription.items() if name != "customer_id"}
        data = {"subscription": shown, "account": self._account(subscription)}
        return Change(subscription, event, data)

    def _active(self, key: str) -> JSON:
        subscription = self._documents.get("subscription", key)
        if subscription["status"] != "active":
            raise Refusal(409, "subscription is cancelled")
        return subscription

    def _add(self, kind: str, fields: Fields) -> JSON:
        """Create an object of a customer, who must exist."""
        self._documents.get("customer", fields["customer_id"])
        document = {"id": str(uuid4()), **fields}
        self._documents.add(kind, document, fields["customer_id"])
        return document

    def _account(self, document: Fields) -> JSON:
        return _account(self._documents.get("customer", document["customer_id"]))

    def _people(self, document: JSON) -> JSON:
        """Return the user in *document* and the account; users have no object of their own."""
        account, email = self._account(document), document["email"]
        user = {"id": str(uuid5(NAMESPACE_URL, f"{account['id']} {email}")), "email": email}
        return {"user": user, "account": account}


def _account(customer: JSON) -> JSON:
    return {name: customer[name] for name in ("id", "name", "email") if name in customer}
