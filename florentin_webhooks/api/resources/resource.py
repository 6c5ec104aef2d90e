"""Operations of a resource: methods that return a request, which the client of it carries out.

``api.customers.show("7c1f")`` returns a customer where *api* blocks, and an awaitable of one where
it is for asyncio. Type checkers know which by the kind of the client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from florentin_webhooks.api.request import APIRequest, ModelT

__all__ = ["AsyncioKind", "BlockingKind", "Caller", "KindT", "Resource", "listing", "operation"]

P = ParamSpec("P")


class BlockingKind:
    """The kind of a client whose methods return results."""


class AsyncioKind:
    """The kind of a client whose methods return awaitables."""


KindT = TypeVar("KindT", BlockingKind, AsyncioKind)


class Caller(Protocol):
    """A client: carries out requests, in its own way."""

    def call(self, request: APIRequest[ModelT], /) -> object:
        """Return the object in the reply, or an awaitable of it."""
        ...

    def iterate(self, request: APIRequest[ModelT], /) -> object:
        """Return an iterator over the objects of a list, or an asynchronous one."""
        ...


class Resource(Generic[KindT]):
    """A group of operations of a client of one kind."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def call(self, request: APIRequest[ModelT]) -> object:
        """Carry *request* out."""
        return self._caller.call(request)

    def iterate(self, request: APIRequest[ModelT]) -> object:
        """Carry *request* out, page by page."""
        return self._caller.iterate(request)


class _Declaration(Generic[P, ModelT]):
    """A method of a resource that builds a request."""

    def __init__(
        self, build: Callable[Concatenate[Any, P], APIRequest[ModelT]]
    ) -> None:  # Any: the resource.
        self._build = build
        self.__doc__ = build.__doc__


class operation(_Declaration[P, ModelT]):  # noqa: N801 - a decorator.
    """A method that returns a request, as the call that carries it out."""

    @overload
    def __get__(
        self, resource: Resource[BlockingKind], owner: object = None
    ) -> Callable[P, ModelT]: ...
    @overload
    def __get__(
        self, resource: Resource[AsyncioKind], owner: object = None
    ) -> Callable[P, Coroutine[Any, Any, ModelT]]: ...
    @overload
    def __get__(self, resource: None, owner: object = None) -> Self: ...
    def __get__(self, resource: Any, owner: object = None) -> Any:
        """Return the method of *resource*."""
        return self if resource is None else partial(_call, resource, self._build)


class listing(_Declaration[P, ModelT]):  # noqa: N801 - a decorator.
    """A method that returns the request of a list, as an iterator over all of its pages."""

    @overload
    def __get__(
        self, resource: Resource[BlockingKind], owner: object = None
    ) -> Callable[P, Iterator[ModelT]]: ...
    @overload
    def __get__(
        self, resource: Resource[AsyncioKind], owner: object = None
    ) -> Callable[P, AsyncIterator[ModelT]]: ...
    @overload
    def __get__(self, resource: None, owner: object = None) -> Self: ...
    def __get__(self, resource: Any, owner: object = None) -> Any:
        """Return the method of *resource*."""
        return self if resource is None else partial(_iterate, resource, self._build)


def _call(
    resource: Resource[Any],
    build: Callable[..., APIRequest[ModelT]],
    *arguments: object,
    **options: object,
) -> object:
    return resource.call(build(resource, *arguments, **options))


def _iterate(
    resource: Resource[Any],
    build: Callable[..., APIRequest[ModelT]],
    *arguments: object,
    **options: object,
) -> object:
    return resource.iterate(build(resource, *arguments, **options))
