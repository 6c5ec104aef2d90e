"""``--set PATH=VALUE`` is parsed and put into an envelope."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.cli.errors import UsageError
from florentin_webhooks.cli.overrides import apply_override, parse_override


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("data.invoice.amount_due=0", 0),
        ("data.invoice.amount_due=null", None),
        ('data.invoice.amount_due={"a": [1]}', {"a": [1]}),
        ("data.invoice.amount_due=twelve", "twelve"),
        ('data.invoice.amount_due="0"', "0"),
        ("data.invoice.amount_due=a=b", "a=b"),
        ("data.invoice.amount_due=NaN", "NaN"),
        ("data.invoice.amount_due=", ""),
    ],
)
def test_value_is_json_or_else_text(text: str, value: object) -> None:
    envelope: dict[str, Any] = {"data": {"invoice": {"amount_due": 4900}}}
    apply_override(envelope, parse_override(text))
    assert envelope == {"data": {"invoice": {"amount_due": value}}}


def test_missing_objects_are_created() -> None:
    envelope: dict[str, Any] = {"data": {}}
    for text in ("data.new.deep=7", "other=1"):
        apply_override(envelope, parse_override(text))
    assert envelope == {"data": {"new": {"deep": 7}}, "other": 1}


@pytest.mark.parametrize("inner", [[1, 2], 5, "text", None])
def test_path_through_other_values_is_refused(inner: object) -> None:
    envelope: dict[str, Any] = {"data": {"lines": inner}}
    with pytest.raises(UsageError, match=r"--set data.lines.0: data.lines is not an object\."):
        apply_override(envelope, parse_override("data.lines.0=5"))
    assert envelope == {"data": {"lines": inner}}


@pytest.mark.parametrize("text", ["data", "=1", "a..b=1", ".a=1"])
def test_text_without_path_and_value_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not PATH=VALUE"):
        parse_override(text)
