"""The typed events: what is required, what is kept, and what never refuses a delivery."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from florentin_webhooks.errors import InvalidEvent
from florentin_webhooks.events import CATALOGUE, parse_event
from florentin_webhooks.senders.florentin import payloads
from florentin_webhooks.senders.florentin.samples import sample

NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)
UNDOCUMENTED = [name for name in CATALOGUE if name != "invoice.created"]
INVOICE = ("id", "number", "status", "amount_due", "currency")

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
# Of the names that the models know, in any shape, or of any other.
known_names = st.sampled_from(["account", "user", "subscription", "member", "team", "terms"]) | (
    st.sampled_from(["metrics", "id", "name", "email", "plan", "status", "role", "version"])
)
near_misses = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(known_names, inner, max_size=6),
    max_leaves=20,
)


def read(name: str, data: object, **more: object) -> Any:  # Any: one of the ten.
    return parse_event({"event": name, "timestamp": NOW, "data": data, **more})


def invoice(**changes: object) -> dict[str, Any]:  # Any: JSON.
    return {"invoice": {**sample("invoice.created")["invoice"], **changes}}


def problems(data: object, name: str = "invoice.created") -> tuple[str, ...]:
    with pytest.raises(InvalidEvent) as caught:
        read(name, data)
    return caught.value.problems


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_name_has_a_class_that_knows_it(name: str) -> None:
    assert type(read(name, sample(name))) is CATALOGUE[name]


def test_the_catalogue_lists_the_events_as_florentin_documents_them() -> None:
    assert list(CATALOGUE) == [
        "account.created",
        "user.login",
        "subscription.purchased",
        "subscription.upgraded",
        "subscription.downgraded",
        "subscription.cancelled",
        "invoice.created",
        "team_member.added",
        "tos.accepted",
        "usage.metrics_updated",
    ]


@pytest.mark.parametrize(
    "name", ["payment.failed", "Invoice.Created", " invoice.created", "__doc__"]
)
def test_unknown_type_is_an_unknown_event_with_its_data(name: str) -> None:
    assert read(name, [1, {"a": None}]).data == [1, {"a": None}]


# --- documented fields ---


@pytest.mark.parametrize("field", INVOICE)
def test_a_documented_field_of_an_invoice_is_required(field: str) -> None:
    data = invoice()
    del data["invoice"][field]
    assert problems(data) == (f"data.invoice.{field}: missing",)


@pytest.mark.parametrize("field", INVOICE)
@pytest.mark.parametrize("value", [None, True, [], {}, 1.5])
def test_a_documented_field_of_another_type_is_refused(field: str, value: object) -> None:
    assert problems(invoice(**{field: value}))[0].startswith(f"data.invoice.{field}: ")


@pytest.mark.parametrize("data", [None, [], "invoice", 1, {}, {"invoice": None}, {"invoice": []}])
def test_an_invoice_event_without_its_invoice_is_refused(data: object) -> None:
    assert problems(data)[0].startswith("data")


@pytest.mark.parametrize("amount", [4900.0, "4900", True, None, 49.5])
def test_non_integer_amount_is_refused(amount: object) -> None:
    assert problems(invoice(amount_due=amount)) == ("data.invoice.amount_due: int_type",)


@pytest.mark.parametrize("amount", [0, -1, 4900, 2**63 - 1, -(2**63)])
def test_an_amount_stays_the_integer_it_is(amount: int) -> None:
    got = read("invoice.created", invoice(amount_due=amount)).data.invoice.amount_due
    assert (type(got), got) == (int, amount)


@pytest.mark.parametrize("amount", [2**63, 10**30, -(2**63) - 1])
def test_amount_beyond_64_bits_is_an_invalid_event(amount: int) -> None:
    [problem] = problems(invoice(amount_due=amount))
    assert problem.startswith("data.invoice.amount_due: ")
    assert str(amount) not in problem


@pytest.mark.parametrize("field", ["id", "number", "status", "currency"])
def test_number_is_not_a_text(field: str) -> None:
    assert problems(invoice(**{field: 42})) == (f"data.invoice.{field}: string_type",)


# --- everything else ---


@pytest.mark.parametrize("name", UNDOCUMENTED)
@given(data=json_values | near_misses)
def test_no_data_of_an_undocumented_event_refuses_a_delivery(name: str, data: object) -> None:
    assert type(read(name, data)) is CATALOGUE[name]


@given(data=json_values)
def test_unknown_fields_are_kept(data: object) -> None:
    event = read("account.created", {"account": {"later": data}, "later": data}, later=data)
    extras = (each.model_extra for each in (event, event.data, event.data.account))
    assert [each and each["later"] for each in extras] == [data] * 3


def test_unknown_fields_of_an_invoice_are_kept() -> None:
    event = read("invoice.created", invoice(tax={"rate": 19}))
    assert event.data.invoice.model_extra == {"tax": {"rate": 19}}


def test_a_value_of_another_shape_leaves_its_attribute_empty() -> None:
    event = read("user.login", {"user": {"id": 42, "email": "a@b.example"}, "account": "acc_1"})
    assert event.data == payloads.UserData(user=payloads.User(email="a@b.example"))


def test_empty_array_of_php_is_an_empty_object() -> None:
    assert read("account.created", {"account": []}).data == payloads.AccountData()


@pytest.mark.parametrize("figure", [True, "12", "nan", None, [1]])
def test_invalid_number_is_not_converted(figure: object) -> None:
    assert read("usage.metrics_updated", {"metrics": {"calls": figure}}).data.metrics == {}


def test_figures_keep_their_types() -> None:
    got = read("usage.metrics_updated", {"metrics": {"calls": 10**30, "gb": 3.0}}).data.metrics
    assert [(type(figure), figure) for figure in got.values()] == [(int, 10**30), (float, 3.0)]


@pytest.mark.parametrize(
    "text",
    ["{0.__class__}", "%(levelname)s %s %n", "'; DROP TABLE invoices", "{{7*7}}", "\x00\u2028"],
)
def test_text_that_means_something_elsewhere_is_only_text_here(text: str) -> None:
    assert read("invoice.created", invoice(number=text)).data.invoice.number == text


@pytest.mark.parametrize("name", ["__class__", "__dict__", "model_fields", "copy", "model_extra"])
def test_field_named_like_an_attribute_does_not_change_it(name: str) -> None:
    event = read("user.login", {name: "theirs", "user": {name: "theirs"}}, **{name: "theirs"})
    assert event.data.user.model_copy(deep=True) == event.data.user


# --- as values ---


def test_two_events_share_nothing_that_can_be_changed() -> None:
    one, two = read("user.login", {}), read("user.login", {})
    one.data.account.model_extra["later"] = 1
    assert two.data.account.model_extra == {}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_deep_copy_shares_nothing_with_its_event(name: str) -> None:
    event = read(name, {**sample(name), "later": [1]})
    event.model_copy(deep=True).data.model_extra["later"].append(2)
    assert event.data.model_extra["later"] == [1]


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_event_cannot_be_changed(name: str) -> None:
    event = read(name, sample(name))
    with pytest.raises(ValidationError, match="frozen"):
        event.event = "user.login"


def test_what_an_event_carries_cannot_be_changed() -> None:
    event = read("invoice.created", invoice())
    with pytest.raises(ValidationError, match="frozen"):
        event.data.invoice.amount_due = 0


@pytest.mark.parametrize("write", [repr, str, "{}".format, lambda event: f"{event!r:}"])
def test_the_text_of_an_event_holds_nobodys_payload(write: Any) -> None:  # Any: four callables.
    assert "adabooks" not in write(
        read("account.created", sample("account.created"), at="adabooks")
    )


def test_a_timestamp_keeps_its_instant() -> None:
    assert read("user.login", {}).timestamp - NOW == timedelta()


@pytest.mark.parametrize("name", CATALOGUE)
def test_event_serializes_to_the_json_it_came_from(name: str) -> None:
    written = json.loads(read(name, sample(name)).model_dump_json(exclude_unset=True))
    assert written == {"event": name, "timestamp": "2026-06-06T12:00:00Z", "data": sample(name)}
