"""What can be a handler, what it is called, and what it is given."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from florentin_webhooks.core.routing.handler import Handler, HandlerOptions, build_handler
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event


def short(event: object) -> None: ...
def full(event: object, delivery: object) -> None: ...
def optional(event: object, delivery: object = None) -> None: ...
def optional_of_two(event: object, delivery: object = None, retries: int = 3) -> None: ...
def another_option(event: object, retries: int = 3) -> None: ...
def full_with_option(event: object, delivery: object, retries: int = 3) -> None: ...
def other_names(e: object, d: object, /) -> None: ...
def anything(*args: object, **kwargs: object) -> None: ...
def keyword_option(event: object, *, retries: int = 3) -> None: ...
async def later(event: object) -> None: ...


def none() -> None: ...
def three(event: object, delivery: object, retries: object) -> None: ...
def keyword_only(*, event: object) -> None: ...
def keyword_delivery(event: object, *, delivery: object) -> None: ...
def only_keywords(**kwargs: object) -> None: ...
def without_instance(self: object, event: object) -> None: ...


def yields(event: object) -> Iterator[object]:
    yield event


async def yields_later(event: object) -> AsyncIterator[object]:
    yield event


class Books:
    def book(self, event: object) -> None: ...
    async def book_later(self, event: object, delivery: object) -> None: ...
    @classmethod
    def of_class(cls, event: object) -> None: ...
    @staticmethod
    async def of_nobody(event: object) -> None: ...

    raw_static = staticmethod(later)


class Ledger:
    def __call__(self, event: object, delivery: object) -> None: ...


class LaterLedger:
    async def __call__(self, event: object) -> None: ...


class YieldingLedger:
    def __call__(self, event: object) -> Iterator[object]:
        yield event


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return wrapper


def with_session(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(event: object) -> object:
        return function(event, "a session")

    return wrapper


def awaiting(function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: object) -> object:
        return await function(*args)

    return wrapper


def shown(function: object) -> str:
    """What it is, without its address: processes that share the tests must agree on their names."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(function))


def described(function: object) -> Handler:
    return build_handler(function, Event)


def refused(function: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        build_handler(function, Event)
    return str(caught.value)


TAKES_EVENT = [
    short,
    another_option,
    anything,
    keyword_option,
    later,
    print,
    [].append,
    lambda _: None,
    Books().book,
    Books.of_class,
    Books.raw_static,
    Books.__dict__["of_nobody"],
    LaterLedger(),
    partial(full, delivery=None),
    partial(three, "first", "second"),
    passing_on(short),
    with_session(full),
]
TAKES_DELIVERY = [
    full,
    optional,
    optional_of_two,
    full_with_option,
    other_names,
    Ledger(),
    Books().book_later,
    partial(three, retries=3),
    partial(three, "first"),
    passing_on(full),
    passing_on(passing_on(full)),
    awaiting(Books().book_later),
]


@pytest.mark.parametrize("function", TAKES_EVENT, ids=shown)
def test_a_function_of_one_is_given_the_event_alone(function: object) -> None:
    assert not described(function).takes_delivery


@pytest.mark.parametrize("function", TAKES_DELIVERY, ids=shown)
def test_a_function_of_two_is_given_the_delivery_as_well(function: object) -> None:
    assert described(function).takes_delivery


@pytest.mark.parametrize(
    "function",
    [
        later,
        Books().book_later,
        Books.of_nobody,
        Books.__dict__["of_nobody"],
        LaterLedger(),
        partial(later),
        partial(partial(later)),
        partial(LaterLedger()),
        awaiting(later),
    ],
    ids=shown,
)
def test_what_gives_a_coroutine_is_known_to(function: object) -> None:
    assert described(function).is_async


@pytest.mark.parametrize(
    "function", [short, Books().book, Ledger(), partial(short), print, passing_on(short)], ids=shown
)
def test_what_gives_no_coroutine_is_known_not_to(function: object) -> None:
    assert not described(function).is_async


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (short, f"{__name__}:short"),
        (Books().book, f"{__name__}:Books.book"),
        (Books.of_class, f"{__name__}:Books.of_class"),
        (Books.__dict__["of_nobody"], f"{__name__}:Books.of_nobody"),
        (Ledger(), f"{__name__}:Ledger"),
        (partial(full, delivery=None), f"{__name__}:full"),
        (passing_on(full), f"{__name__}:full"),
        (print, "builtins:print"),
        ([].append, "builtins:list.append"),
    ],
)
def test_handler_is_named_after_its_module(function: object, name: str) -> None:
    assert described(function).name == name


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (none, "none takes ()"),
        (three, "three takes (event, delivery, retries)"),
        (keyword_only, "keyword_only takes (*, event)"),
        (keyword_delivery, "keyword_delivery takes (event, *, delivery)"),
        (only_keywords, "only_keywords takes (**kwargs)"),
        (partial(short, event=None), "short takes (*, event)"),
        (passing_on(none), "none takes ()"),
    ],
)
def test_a_function_that_cannot_take_an_event_is_refused(function: object, given: str) -> None:
    assert refused(function).startswith(f"{__name__}:{given}")


def test_function_that_takes_no_event_is_refused_with_its_signature() -> None:
    assert refused(three).endswith(". A handler must take (event) or (event, delivery).")


def test_defaults_are_not_shown() -> None:
    assert "secret" not in refused(partial(three, event="a secret", retries="a secret"))


def test_a_method_without_its_instance_is_refused() -> None:
    assert refused(Books.book).endswith(" Register the method of an instance.")


@pytest.mark.parametrize(
    "function", [yields, yields_later, YieldingLedger(), partial(yields)], ids=shown
)
def test_a_generator_is_refused_since_it_would_never_run(function: object) -> None:
    assert refused(function).endswith("would never run. Remove its yield.")


@pytest.mark.parametrize("function", [Books, LaterLedger, dict, type], ids=shown)
def test_a_class_is_refused_since_calling_it_handles_nothing(function: object) -> None:
    assert refused(function).endswith(
        "is a class, not a function. Register an instance, or its method."
    )


@pytest.mark.parametrize(
    "function", [None, "bill", 42, Books(), Books.__dict__["of_class"]], ids=shown
)
def test_what_cannot_be_called_is_refused(function: object) -> None:
    assert refused(function).endswith("is not a function. Decorate a function.")


@pytest.mark.parametrize("function", [max, iter, getattr], ids=shown)
def test_builtin_without_a_signature_is_refused(function: object) -> None:
    message = refused(function)
    assert message.startswith("Cannot inspect the signature of builtins:")
    assert message.endswith(". Wrap it in a function.")


@pytest.mark.parametrize(
    ("options", "is_plain"),
    [({}, True), ({"inline": True}, True), ({"atomic": True}, False), ({"latest": repr}, False)],
)
def test_handler_with_a_transaction_or_a_mark_is_not_plain(
    options: dict[str, Any], *, is_plain: bool
) -> None:
    assert HandlerOptions(**options).is_plain is is_plain
