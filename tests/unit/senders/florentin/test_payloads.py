"""Models that users bring: strict where they say so, and never a way for a payload to leak."""

from __future__ import annotations

import traceback
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from florentin_webhooks import events
from florentin_webhooks.errors import InvalidEvent
from florentin_webhooks.events import Event, parse_event
from florentin_webhooks.protocol.event import MAX_PATH, MAX_PROBLEMS
from florentin_webhooks.protocol.strict_json import loads
from florentin_webhooks.senders.florentin import payloads

NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)
SECRET_VALUE = "ada@adabooks.example"


class KnownUser(payloads.User):
    email: str = Field()
    seats: int = 1


class KnownUserData(payloads.UserData):
    user: KnownUser = Field()


class KnownUserLogin(events.UserLogin):
    """A login of which the user of this package knows more than Florentin documents."""

    data: KnownUserData


class Picky(BaseModel, extra="forbid"):
    rates: dict[str, int] = {}


class PickyLogin(events.UnknownEvent):
    """An event whose model refuses unknown fields."""

    event: Literal["user.login"]
    data: Picky


class Failing(BaseModel):
    kind: str

    @field_validator("kind")
    @classmethod
    def _fail(cls, value: str) -> str:
        faults: dict[str, Exception] = {
            "value": ValueError(SECRET_VALUE),
            "key": KeyError(SECRET_VALUE),
            "depth": RecursionError(SECRET_VALUE),
            "unicode": UnicodeDecodeError("utf-8", SECRET_VALUE.encode(), 0, 1, "bad"),
        }
        raise faults[value]


class FailingEvent(events.UnknownEvent):
    """An event whose validator has a fault."""

    event: Literal["user.login"]
    data: Failing


def read(data: object, model: type[Event]) -> Any:  # Any: an event of *model*.
    return parse_event({"event": "user.login", "timestamp": NOW, "data": data}, model)


def refusal(data: object, model: type[Event]) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        read(data, model)
    return caught.value


# --- strict where the user says so ---


def test_a_stricter_model_takes_what_fits_it() -> None:
    user = read({"user": {"email": "a@b.example", "seats": 3}}, KnownUserLogin).data.user
    assert (user.email, user.seats) == ("a@b.example", 3)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"user": {}}, "data.user.email: missing"),
        ({"user": {"email": 42}}, "data.user.email: string_type"),
        ({"user": {"email": None}}, "data.user.email: string_type"),
        ({"user": {"email": "a", "seats": "many"}}, "data.user.seats: int_parsing"),
        ({"user": []}, "data.user.email: missing"),
        ({}, "data.user: missing"),
        (None, "data.user: missing"),
    ],
)
def test_what_a_subclass_declares_refuses_what_does_not_fit(data: object, problem: str) -> None:
    assert refusal(data, KnownUserLogin).problems == (problem,)


def test_what_a_subclass_leaves_as_it_is_stays_lenient() -> None:
    data = {"user": {"email": "a", "id": 42, "name": []}, "account": "acc_1"}
    event = read(data, KnownUserLogin)
    assert (event.data.user.id, event.data.user.name) == (None, None)


def ensure_address(value: object) -> object:
    if not isinstance(value, str) or "@" not in value:
        raise ValueError
    return value


class CheckedUser(payloads.User):
    @field_validator("email")
    @classmethod
    def _check(cls, value: object) -> object:
        return ensure_address(value)


class StrictUser(payloads.User):
    @field_validator("email", mode="before")
    @classmethod
    def _check(cls, value: object) -> object:
        return ensure_address(value)


@pytest.mark.parametrize("model", [CheckedUser, StrictUser])
def test_validator_of_a_subclass_refuses_a_lenient_field(model: type[payloads.User]) -> None:
    assert model.model_validate({"id": 7, "email": SECRET_VALUE}).email == SECRET_VALUE
    for email in (5, "x"):
        with pytest.raises(ValidationError):
            model.model_validate({"email": email})


def test_a_subclass_is_frozen_without_saying_so() -> None:
    assert KnownUserLogin.model_config.get("frozen")


def test_a_subclass_keeps_unknown_fields_without_saying_so() -> None:
    event = read({"user": {"email": "a", "later": 1}}, KnownUserLogin)
    assert event.data.user.model_extra == {"later": 1}


# --- what a refusal says ---


def test_a_refusal_names_its_event() -> None:
    assert refusal({}, KnownUserLogin).event == "user.login"


def test_a_refusal_names_the_field_and_never_its_value() -> None:
    said = refusal({"user": {"email": "a", "seats": SECRET_VALUE}}, KnownUserLogin)
    assert said.message == "user.login does not fit its model: data.user.seats: int_parsing."


@pytest.mark.parametrize("kind", ["value", "key", "depth", "unicode"])
def test_any_validator_error_is_a_refusal_without_the_payload(kind: str) -> None:
    error = refusal({"kind": kind}, FailingEvent)
    assert SECRET_VALUE not in "".join(traceback.format_exception(error))


def test_a_validator_with_a_fault_is_named_with_its_error() -> None:
    assert refusal({"kind": "key"}, FailingEvent).problems == ("FailingEvent raised KeyError",)


def test_a_refusal_has_no_chain_that_could_show_the_payload() -> None:
    error = refusal({"user": {"seats": SECRET_VALUE}}, KnownUserLogin)
    assert (error.__cause__, error.__context__) == (None, None)


def test_a_refusal_names_only_so_many_problems() -> None:
    error = refusal({f"key-{n}": n for n in range(1000)}, PickyLogin)
    assert error.problems[MAX_PROBLEMS:] == (f"and {1000 - MAX_PROBLEMS} more",)


def test_a_refusal_cuts_the_names_that_a_sender_chose() -> None:
    error = refusal({"rates": {"x" * 100_000: "y"}}, PickyLogin)
    assert len(error.problems[0]) < MAX_PATH + 20


@pytest.mark.parametrize("name", ["line\nbreak", "\x1b[31m", "\u2028", "ü", "\udcff"])
def test_a_refusal_escapes_the_names_that_a_sender_chose(name: str) -> None:
    said = str(refusal({"rates": {name: "y"}}, PickyLogin))
    assert said.isascii()
    assert said.isprintable()


class Price(events.InvoiceCreated):
    data: dict[str, Decimal]  # type: ignore[assignment]


@pytest.mark.parametrize("digits", ["10.50", "1.000000000000000001", "0.1", "1E+2", "4900"])
def test_decimal_field_keeps_every_digit(digits: str) -> None:
    envelope = loads(f'{{"event": "invoice.created", "data": {{"net": {digits}}}}}'.encode())
    assert isinstance(envelope, dict)
    event = parse_event({**envelope, "timestamp": NOW}, Price)
    assert isinstance(event, Price)
    assert [str(each) for each in (event.data["net"], deepcopy(event).data["net"])] == [
        str(Decimal(digits))
    ] * 2
