"""The tree of errors: its drawing, codes and statuses, and messages without payloads."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
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


COPIED: list[WebhookError] = [
    errors.ConfigurationError("The name is empty.", "Set it."),
    errors.MalformedDelivery("not JSON"),
    errors.StaleDelivery(timedelta(minutes=16), timedelta(minutes=15)),
    errors.InvalidEvent("user.login", ["data.id: missing"]),
    errors.HandlerFailed(ExceptionGroup("failed", [errors.MissingHandler()])),
    errors.HandlerTimeout(5),
    errors.MissingHandler(),
    errors.Unavailable("Redis is away.", retry_after=7),
    errors.APIError("It failed.", status_code=404),
]


def pickled(error: WebhookError) -> WebhookError:
    found: WebhookError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own.
    return found


@pytest.mark.parametrize("error", COPIED, ids=lambda error: error.code)
@pytest.mark.parametrize("copied", [copy, deepcopy, pickled])
def test_error_can_be_copied_and_pickled(
    error: WebhookError, copied: Callable[[WebhookError], WebhookError]
) -> None:
    found = copied(error)
    assert (type(found), str(found), found.args) == (type(error), str(error), error.args)
    assert repr(vars(found)) == repr(vars(error))


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
