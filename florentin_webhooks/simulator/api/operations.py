"""The operations of the API: one table from which requests are read and documented."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.simulator.api.fields import Choice, Choices, Field, Text, Whole
from florentin_webhooks.simulator.changes import Domain
from florentin_webhooks.simulator.plans import PLANS
from florentin_webhooks.simulator.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from florentin_webhooks.simulator.changes import Change, Fields

__all__ = ["OPERATIONS", "UUID", "Listing", "Operation", "by_path"]

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
UUID = Text(36, _UUID, "a UUID")
_EMAIL = Text(
    200, r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,60}){1,2}", "an email address"
)
_CURRENCY = Text(3, "[a-z]{3}", "a currency such as eur")
_PERIOD = Text(7, "[0-9]{4}-(0[1-9]|1[0-2])", "a month such as 2026-11")
_PLAN = Choice(tuple(PLANS))

_CUSTOMER = Field("customer_id", UUID)
_USER = (Field("email", _EMAIL), _CUSTOMER)
_BILLING = Field(
    "idempotency_key", Text(), required=False, description="The same key has one effect."
)
_REQUEST = Field("request_id", Text(), required=False, description="The same id has one effect.")
_NUMBER = Field("page", Whole(1, 1_000_000), required=False)


class Listing(NamedTuple):
    """A list: the *kind* of its objects, also of one customer where *of_customer*."""

    kind: str
    of_customer: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """What a method does at a path under ``/api/v1``.

    Either a *change*, or the *listing* or the *showing* of a kind of object, or what only the
    endpoint knows (*name*). *unique* is the field that makes a repetition harmless. *reply* is the
    schema in ``data``.
    """

    method: str
    path: str
    scope: Scope
    reply: str
    name: str
    summary: str
    body: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    status: int = 200
    message: str = ""
    change: Callable[[Domain, Fields], Change] | None = None
    listing: Listing | None = None
    showing: str = ""
    shown: tuple[str, ...] = field(default=())

    @property
    def unique(self) -> str:
        """The name of the field that makes a repetition harmless, or an empty text."""
        names = {each.name for each in self.body}
        return next((name for name in ("idempotency_key", "request_id") if name in names), "")

    @property
    def has_id(self) -> bool:
        """Whether the path ends with, or has, the id of an object."""
        return "{id}" in self.path


def _list(path: str, reply: str, kind: str, *, of_customer: bool = True) -> Operation:
    query = (_NUMBER, Field("customer_id", UUID, required=False)) if of_customer else (_NUMBER,)
    return Operation(
        "GET",
        path,
        Scope.READ,
        reply,
        f"list{path.title().replace('-', '').replace('/', '')}",
        f"List {path.strip('/').replace('-', ' ')}.",
        query=query,
        listing=Listing(kind, of_customer),
    )


def _show(path: str, reply: str, kind: str) -> Operation:
    return Operation(
        "GET",
        f"{path}/{{id}}",
        Scope.READ,
        reply,
        f"show{reply}",
        f"Show one {kind}.",
        showing=kind,
    )


def _write(
    path: str,
    reply: str,
    change: Callable[[Domain, Fields], Change],
    body: tuple[Field, ...],
    *,
    status: int = 201,
    message: str = "",
    shown: tuple[str, ...] = (),
) -> Operation:
    summary = (change.__doc__ or "").strip()
    first, *rest = change.__name__.split("_")
    name = first + "".join(map(str.capitalize, rest))
    return Operation(
        "POST",
        path,
        Scope.WRITE,
        reply,
        name,
        summary,
        body,
        (),
        status,
        message,
        change,
        shown=shown,
    )


_SUBSCRIPTION = "/subscriptions/{id}"

OPERATIONS: tuple[Operation, ...] = (
    _write(
        "/customers",
        "Customer",
        Domain.create_customer,
        (Field("email", _EMAIL), Field("name", Text(), required=False)),
        message="Customer created successfully",
        shown=("id", "email"),
    ),
    _list("/customers", "Customer", "customer", of_customer=False),
    _show("/customers", "Customer", "customer"),
    _list("/products", "Product", "product", of_customer=False),
    _list("/plans", "Plan", "plan", of_customer=False),
    _write(
        "/subscriptions", "Subscription", Domain.purchase,
        (_CUSTOMER, Field("plan", _PLAN), _BILLING),
        message="Subscription purchased",
    ),
    _list("/subscriptions", "Subscription", "subscription"),
    _show("/subscriptions", "Subscription", "subscription"),
    _write(
        f"{_SUBSCRIPTION}/upgrade", "Subscription", Domain.upgrade,
        (Field("plan", _PLAN), _BILLING), status=200, message="Subscription upgraded",
    ),
    _write(
        f"{_SUBSCRIPTION}/downgrade", "Subscription", Domain.downgrade,
        (Field("plan", _PLAN), _BILLING), status=200, message="Subscription downgraded",
    ),
    _write(
        f"{_SUBSCRIPTION}/cancel", "Subscription", Domain.cancel, (_BILLING,),
        status=200, message="Subscription cancelled",
    ),
    _write(
        "/invoices", "Invoice", Domain.create_invoice,
        (_CUSTOMER, Field("amount_due", Whole()), Field("currency", _CURRENCY), _BILLING),
        message="Invoice created",
    ),
    _list("/invoices", "Invoice", "invoice"),
    _show("/invoices", "Invoice", "invoice"),
    _write(
        "/team-members", "TeamMember", Domain.add_member,
        (*_USER, Field("role", Text(60))), message="Team member added",
    ),
    _list("/team-members", "TeamMember", "team member"),
    _write(
        "/terms", "TermsAcceptance", Domain.accept_terms,
        (*_USER, Field("version", Text(60))), message="Terms accepted",
    ),
    _write("/logins", "Login", Domain.log_in, _USER, message="Login recorded"),
    _write(
        "/credits/consume", "Usage", Domain.consume,
        (Field("amount", Whole(1)), Field("reason"), _CUSTOMER, _REQUEST),
        status=200, message="Credits consumed",
    ),
    Operation(
        "GET", "/usage/summary", Scope.READ, "Usage", "showUsage",
        "Show the usage of a customer in a period.",
        query=(_CUSTOMER, Field("period", _PERIOD, required=False)),
    ),
    Operation(
        "POST", "/api-keys", Scope.ADMIN, "APIKey", "createAPIKey",
        "Create an API key, whose token is shown only once.",
        (Field("name"), Field("scopes", Choices(tuple(Scope)))),
        status=201, message="API key created",
    ),
    Operation(
        "GET", "/api-keys", Scope.ADMIN, "APIKey", "listAPIKeys", "List API keys.",
        query=(_NUMBER,), listing=Listing("API key", of_customer=False),
    ),
    Operation(
        "DELETE", "/api-keys/{id}", Scope.ADMIN, "APIKey", "revokeAPIKey", "Revoke an API key.",
        message="API key revoked",
    ),
)  # fmt: skip
"""All operations. ``docs/simulator.md`` says which of them Florentin documents."""


def by_path() -> Mapping[str, Mapping[str, Operation]]:
    """Return the operations by their path and method."""
    found: dict[str, dict[str, Operation]] = {}
    for each in OPERATIONS:
        found.setdefault(each.path, {})[each.method] = each
    return found
