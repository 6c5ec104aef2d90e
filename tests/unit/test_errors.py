"""The tree of errors: its drawing, codes and statuses, and messages without payloads."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from copy import copy
from datetime import timedelta
from pathlib import Path

import pytest

from florentin_webhooks import errors
from florentin_webhooks.errors import WebhookError
from florentin_webhooks.protocol.delivery import Outcome

ROOT = Path(__file__).parents[2]
CLASSES = [getattr(errors, name) for name in errors.__all__]
REJECTED = errors.Rejected.__subclasses__()


def drawn(kind: type[WebhookError], indent: str = "") -> Iterator[str]:
    """The tree below *kind*, line by line, siblings in the order of their drawing."""
    order = ["ConfigurationError", "Rejected"]
    below = sorted(
        (each for each in kind.__subclasses__() if each.__module__ == errors.__name__),
        key=lambda each: (each.__name__ not in order, each.__name__),
    )
    for number, each in enumerate(below, 1):
        last = number == len(below)
        yield f"{indent}{'└' if last else '├'}── {each.__name__}"
        yield from drawn(each, indent + ("    " if last else "│   "))


TREE = "\n".join(["WebhookError", *drawn(WebhookError)])


def trees(text: str) -> list[str]:
    return re.findall(r"^WebhookError(?:\n[├│└ ].*)+", inspect.cleandoc(text), re.MULTILINE)


def test_tree_in_the_docstring_matches_the_classes() -> None:
    indented = (errors.__doc__ or "").replace("\n    ", "\n")
    assert trees(indented) == [TREE]


def test_tree_in_the_docs_matches_the_classes() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    found = {tree for page in pages for tree in trees(page.read_text(encoding="utf-8"))}
    assert found == {TREE}


def test_every_error_of_the_tree_is_public() -> None:
    names = re.findall(r"\w+", TREE)
    assert sorted(names) == errors.__all__


def test_error_codes_are_distinct() -> None:
    assert len({each.code for each in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("kind", [*REJECTED, errors.HandlerFailed, errors.Unavailable])
def test_code_of_a_request_error_is_an_outcome(
    kind: type[WebhookError],
) -> None:
    assert Outcome(kind.code).status == kind.status


@pytest.mark.parametrize("kind", REJECTED)
def test_rejected_deliveries_have_a_client_error_status(kind: type[WebhookError]) -> None:
    assert 400 <= kind.status < 500


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.ConfigurationError("The name is empty."), "The name is empty."),
        (errors.MalformedDelivery("not JSON"), "The signed body is not an event: not JSON."),
        (errors.InvalidSignature("mismatch"), "The signature is invalid: mismatch."),
        (errors.DeliveryTooLarge(1024), "The body is longer than 1024 bytes."),
        (
            errors.StaleDelivery(timedelta(minutes=16), timedelta(minutes=15)),
            "The event is 960 s old; the limit is 900 s.",
        ),
        (
            errors.StaleDelivery(timedelta(minutes=-6), timedelta(minutes=5)),
            "The event is 360 s in the future; the limit is 300 s.",
        ),
        (
            errors.StaleDelivery(timedelta(seconds=900.001), timedelta(minutes=15)),
            "The event is 900.001 s old; the limit is 900 s.",
        ),
        (
            errors.InvalidEvent("user.login", ["data.id: missing", "data.at: int_type"]),
            "user.login does not fit its model: data.id: missing; data.at: int_type.",
        ),
        (errors.Unavailable("Redis is away."), "Redis is away."),
    ],
)
def test_message_says_what_happened(error: WebhookError, text: str) -> None:
    assert error.message == text


def test_text_of_an_error_is_message_and_hint() -> None:
    error = errors.ConfigurationError("The name is empty.", "Set the variable.")
    assert str(error) == "The name is empty. Set the variable."


def test_error_keeps_its_hint_when_copied() -> None:
    error = copy(errors.ConfigurationError("The name is empty.", "Set it."))
    assert (error.message, error.hint) == ("The name is empty.", "Set it.")


@pytest.mark.parametrize("kind", [*REJECTED, errors.HandlerFailed, errors.Unavailable])
def test_every_error_of_a_request_has_a_hint(kind: type[WebhookError]) -> None:
    arguments: dict[type[WebhookError], tuple[object, ...]] = {
        errors.DeliveryTooLarge: (1024,),
        errors.StaleDelivery: (timedelta(minutes=16), timedelta(minutes=15)),
        errors.InvalidEvent: ("user.login", ["data.id: missing"]),
        errors.HandlerFailed: (BaseExceptionGroup("handlers failed", [KeyError()]),),
    }
    error = kind(*arguments.get(kind, ("reason",)))  # type: ignore[arg-type]
    assert error.hint.endswith(".")


def test_failed_handlers_are_counted_and_not_quoted() -> None:
    failures = BaseExceptionGroup("handlers failed", [KeyError("ada@adabooks.example")])
    assert errors.HandlerFailed(failures).message == "1 handler failed."


def test_failed_handlers_are_kept() -> None:
    failure = KeyError("ada@adabooks.example")
    failures = BaseExceptionGroup("handlers failed", [failure])
    assert errors.HandlerFailed(failures).failures.exceptions == (failure,)


def test_unavailable_store_has_a_retry_time() -> None:
    assert errors.Unavailable("Redis is away", retry_after=30).retry_after == 30
