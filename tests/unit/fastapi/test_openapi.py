"""What the OpenAPI of a FastAPI program shows of a receiver."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Annotated, Generic, Literal, TypeVar, get_args

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from florentin_webhooks import Receiver
from florentin_webhooks.events import CATALOGUE, Event, InvoiceCreated, UnknownEvent
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.senders.florentin.payloads import InvoiceData
from florentin_webhooks.senders.florentin.samples import sample
from florentin_webhooks.senders.florentin.sender import FLORENTIN
from tests.support.openapi import JSON, fits, operation, references, resolve
from tests.support.receivers import Target
from tests.support.vectors import SECRET

PATH = "/webhooks/florentin"
SCHEMAS = "#/components/schemas/"


class Account(BaseModel):
    """The program's own, under the name of one of ours."""

    balance: int


T = TypeVar("T")


class Listed(BaseModel, Generic[T]):
    """A generic model."""

    items: list[T]


class Card(BaseModel):
    """One way to pay, identified by its kind."""

    kind: Literal["card"]


class Wire(BaseModel):
    """Another one."""

    kind: Literal["wire"]


class Amended(InvoiceData):
    """A model that refers to itself, and in every way that pydantic has to others."""

    amends: Amended | None = None
    paid: Listed[Annotated[Card | Wire, Field(discriminator="kind")]]
    reference: tuple[Card, Wire] | dict[str, Card | Wire]


class AmendedInvoice(InvoiceCreated):
    """The program's reading of a documented event."""

    data: Amended


class MoonLanded(UnknownEvent):
    """An event that the catalogue does not have."""

    event: Literal["moon.landed"]


def program(receiver: Receiver[object]) -> FastAPI:
    app = FastAPI()

    @app.post("/accounts")
    async def create(account: Account) -> InvoiceCreated:
        raise NotImplementedError(account)

    app.include_router(webhook_router(receiver, PATH))
    return app


@cache
def plain() -> FastAPI:
    """A program with a receiver as it comes, for tests that only look."""
    return program(Target().receiver)


def body(app: FastAPI) -> JSON:
    shown: JSON = operation(app)["requestBody"]["content"]["application/json"]["schema"]
    return shown


@cache
def fully_used() -> FastAPI:
    """A program in which everything that can be shown is shown."""
    receiver = Target().receiver
    receiver.on(AmendedInvoice)(print_it)
    receiver.on(MoonLanded)(print_it)
    return program(receiver)


def print_it(event: Event) -> None:
    raise NotImplementedError(event)


# --- the events ---


def test_request_body_is_the_union_of_the_catalogue() -> None:
    schema = body(plain())
    assert list(schema["discriminator"]["mapping"]) == list(CATALOGUE)
    assert [each["$ref"] for each in schema["oneOf"]] == list(
        schema["discriminator"]["mapping"].values()
    )
    assert schema["discriminator"]["propertyName"] == "event"


@pytest.mark.parametrize("name", CATALOGUE)
def test_sample_of_each_event_fits_exactly_one_schema(name: str) -> None:
    app = plain()
    event = {"event": name, "timestamp": "2026-06-06T12:00:00Z", "data": sample(name)}
    assert fits(app.openapi(), body(app), event)


def test_invoice_without_its_number_does_not_fit() -> None:
    app = plain()
    event = {"event": "invoice.created", "timestamp": "", "data": {"invoice": {"id": "inv_1"}}}
    assert not fits(app.openapi(), body(app), event)


def test_model_of_the_program_replaces_that_of_the_catalogue() -> None:
    mapping = body(fully_used())["discriminator"]["mapping"]
    assert mapping["invoice.created"] == f"{SCHEMAS}AmendedInvoice"


def test_event_of_the_program_follows_the_catalogue() -> None:
    mapping = body(fully_used())["discriminator"]["mapping"]
    assert list(mapping) == [*CATALOGUE, "moon.landed"]


def test_model_of_several_events_is_listed_once() -> None:
    class Landed(UnknownEvent):
        event: Literal["moon.landed", "mars.landed"]

    receiver = Target().receiver
    receiver.on(Landed)(print_it)
    schema = body(program(receiver))
    assert len(schema["oneOf"]) == 11
    names = get_args(Landed.model_fields["event"].annotation)
    assert {schema["discriminator"]["mapping"][name] for name in names} == {f"{SCHEMAS}Landed"}


def test_late_handler_appears_in_the_schema() -> None:
    receiver = Target().receiver
    app = program(receiver)
    receiver.on(MoonLanded)(print_it)
    assert "moon.landed" in body(app)["discriminator"]["mapping"]


# --- the rest of the operation ---


def test_path_is_shown_once_with_post_only() -> None:
    paths = plain().openapi()["paths"]
    assert {path: list(methods) for path, methods in paths.items()} == {
        "/accounts": ["post"],
        PATH: ["post"],
    }


class Parcels:
    """A sender without a catalogue, and without documented headers."""

    name = "Parcels"
    catalogue: Mapping[str, type[Event]] = MappingProxyType({})
    is_open = signs_delivery_id = signs_url = False
    tolerance, retention = FLORENTIN.tolerance, FLORENTIN.retention
    parse = staticmethod(FLORENTIN.parse)
    retry_content = staticmethod(FLORENTIN.retry_content)
    scheme = staticmethod(FLORENTIN.scheme)


def test_other_sender_shows_its_name_and_no_header_of_florentin() -> None:
    shown = operation(program(Receiver(SECRET, sender=Parcels())))
    assert "signed by Parcels" in shown["description"]
    assert "parameters" not in shown or shown["parameters"] == []


@pytest.mark.parametrize("models", [(), (MoonLanded,)])
def test_catalogue_of_at_most_one_event_is_shown(models: Sequence[type[Event]]) -> None:
    receiver = Receiver(SECRET, sender=Parcels())
    for model in models:
        receiver.on(model)(print_it)
    app = program(receiver)
    moon = {"event": "moon.landed", "timestamp": "2026-06-06T12:00:00Z", "data": {}}
    assert fits(app.openapi(), body(app), moon)
    assert fits(app.openapi(), body(app), {**moon, "event": "mars.landed"}) is not bool(models)


def test_signature_header_is_required() -> None:
    parameters = operation(plain())["parameters"]
    assert {each["name"]: each["required"] for each in parameters} == {
        "X-Florentin-Signature": True,
        "X-Florentin-Event": False,
        "X-Florentin-Delivery-Id": False,
        "X-Florentin-Timestamp": False,
    }


# --- the document ---


def test_every_reference_resolves() -> None:
    document = fully_used().openapi()
    found = set(references(document))
    assert len(found) > len(CATALOGUE)
    for reference in found:
        assert resolve(document, {"$ref": reference})


def test_every_schema_is_referenced() -> None:
    document = fully_used().openapi()
    used = {reference.rpartition("/")[2] for reference in references(document)}
    assert set(document["components"]["schemas"]) == used


def test_document_has_the_structure_of_openapi_3_1() -> None:
    document = fully_used().openapi()
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(document["info"])
    assert all(re.fullmatch(r"[\w.-]+", name) for name in document["components"]["schemas"])
    shown = operation(fully_used())
    assert shown["operationId"]
    assert all(re.fullmatch("[1-5][0-9]{2}", status) for status in shown["responses"])
    assert all(response["description"] for response in shown["responses"].values())
    for parameter in shown["parameters"]:
        assert parameter["in"] == "header"
        assert parameter["schema"] == {"type": "string"}
    assert shown["requestBody"]["required"] is True


def test_models_of_one_name_are_kept_apart_by_module() -> None:
    document = fully_used().openapi()
    own = operation(fully_used(), "/accounts")["requestBody"]["content"]["application/json"]
    assert resolve(document, own["schema"])["properties"].keys() == {"balance"}
    apart = [name for name in document["components"]["schemas"] if name.endswith("__Account")]
    assert len(apart) == 2
    event = {"event": "account.created", "timestamp": "", "data": sample("account.created")}
    assert fits(document, body(fully_used()), event)


def test_other_schemas_of_the_program_stay_unchanged() -> None:
    app = FastAPI()

    @app.post("/cards")
    async def create(card: Card) -> Wire:
        raise NotImplementedError(card)

    before = app.openapi()["components"]["schemas"]
    app.openapi_schema = None
    app.include_router(webhook_router(Target().receiver, PATH))
    after = app.openapi()["components"]["schemas"]
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)


def test_two_receivers_with_models_of_one_name_are_shown() -> None:
    def another() -> type[InvoiceCreated]:
        class AmendedInvoice(InvoiceCreated):
            data: InvoiceData

        return AmendedInvoice

    first, second = Target().receiver, Target().receiver
    first.on(AmendedInvoice)(print_it)
    app = program(first)
    second.on(another())(print_it)
    app.include_router(webhook_router(second, "/second"))
    schemas = [
        operation(app, path)["requestBody"]["content"]["application/json"]["schema"]
        for path in (PATH, "/second")
    ]
    one, other = (each["discriminator"]["mapping"]["invoice.created"] for each in schemas)
    assert one != other
    for reference in references(app.openapi()):
        assert resolve(app.openapi(), {"$ref": reference})
