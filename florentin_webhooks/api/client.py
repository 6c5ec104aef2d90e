"""The clients: one blocking, one for asyncio, over the same core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self

from florentin_webhooks.api.exchange import Transport, exchange
from florentin_webhooks.api.idempotency import RequestKeys
from florentin_webhooks.api.pages import Pages
from florentin_webhooks.api.reply import read_object
from florentin_webhooks.api.resources.account import APIKeys, Logins, TeamMembers, Terms
from florentin_webhooks.api.resources.customers import Customers
from florentin_webhooks.api.resources.payments import Invoices, Plans, Products, Subscriptions
from florentin_webhooks.api.resources.resource import AsyncioKind, BlockingKind, KindT
from florentin_webhooks.api.resources.usage import Credits, Usage
from florentin_webhooks.api.settings import Settings
from florentin_webhooks.api.transports import AsyncioTransport, BlockingTransport
from florentin_webhooks.core.processing.handler_scope import TRACKING
from florentin_webhooks.core.processing.runtime import run_sync

if TYPE_CHECKING:
    import httpx2

    from florentin_webhooks.api.request import APIRequest, ModelT
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["AsyncFlorentinAPI", "FlorentinAPI"]


class _Client(Generic[KindT]):
    """What both clients have: the settings, the keys and the resources."""

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self._settings = settings
        self._carrier = transport
        self._keys = RequestKeys()
        TRACKING.enable()
        self._bind()

    def _bind(self) -> None:
        self.api_keys: APIKeys[KindT] = APIKeys(self)
        self.credits: Credits[KindT] = Credits(self)
        self.customers: Customers[KindT] = Customers(self)
        self.invoices: Invoices[KindT] = Invoices(self)
        self.logins: Logins[KindT] = Logins(self)
        self.plans: Plans[KindT] = Plans(self)
        self.products: Products[KindT] = Products(self)
        self.subscriptions: Subscriptions[KindT] = Subscriptions(self)
        self.team_members: TeamMembers[KindT] = TeamMembers(self)
        self.terms: Terms[KindT] = Terms(self)
        self.usage: Usage[KindT] = Usage(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.base_url!r})"

    def for_delivery(self, delivery: Delivery) -> Self:
        """Return this client with the keys of *delivery*, for code outside of its handler.

        A handler needs no such client, but for threads that it has started itself.
        """
        bound = copy(self)
        bound._keys = RequestKeys.of(delivery)  # noqa: SLF001 - its own class.
        bound._bind()  # noqa: SLF001
        return bound

    def call(self, request: APIRequest[ModelT]) -> object:
        """Carry *request* out, in the way of the client."""
        raise NotImplementedError

    def iterate(self, request: APIRequest[ModelT]) -> object:
        """Carry the request of a list out, in the way of the client."""
        raise NotImplementedError

    async def _call(self, request: APIRequest[ModelT]) -> ModelT:
        keyed = self._keys.apply(request)
        return read_object(keyed, await exchange(keyed, self._carrier, self._settings))

    async def _turn(self, pages: Pages[ModelT]) -> list[ModelT] | None:
        request = pages.next_request()
        if request is None:
            return None
        return pages.read(await exchange(request, self._carrier, self._settings))


class FlorentinAPI(_Client[BlockingKind]):
    """A client of the provider's API that blocks.

    Threads may share it. Requests that need a key get one of the delivery whose handler runs. Each
    call raises :class:`APIError`, and :class:`APIUnavailable` where another one may succeed.

    Args:
        base_url: The URL of the API, which ends with ``/api/v1``.
        token: The bearer token, ``<id>|<secret>``.
        timeout: The seconds that one answer may take.
        total: The seconds that a call may take, with all its retries and pauses.
        retries: How often a request is repeated where that cannot change anything twice.
        allow_http: Whether HTTP without TLS is allowed to another machine.
        transport: A transport of httpx2, for tests.

    Raises :class:`ConfigurationError`.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 10.0,
        total: float = 30.0,
        retries: int = 2,
        allow_http: bool = False,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        settings = Settings(base_url, token, timeout, total, retries, allow_http)
        self._pool = BlockingTransport(settings, transport)
        super().__init__(settings, self._pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; later calls raise :class:`APIError`."""
        self._pool.close()

    def call(self, request: APIRequest[ModelT]) -> ModelT:
        """Return the object in the reply to *request*."""
        return run_sync(self._call(request))

    def iterate(self, request: APIRequest[ModelT]) -> Iterator[ModelT]:
        """Return an iterator over the objects of all pages."""
        pages = Pages(request)
        while (items := run_sync(self._turn(pages))) is not None:
            yield from items


class AsyncFlorentinAPI(_Client[AsyncioKind]):
    """A client of the provider's API for asyncio; otherwise as :class:`FlorentinAPI`.

    In ``async with`` it keeps its connections, which belong to that event loop. Without, each call
    opens one, so that a client at the top of a module works in any loop.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 10.0,
        total: float = 30.0,
        retries: int = 2,
        allow_http: bool = False,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        settings = Settings(base_url, token, timeout, total, retries, allow_http)
        self._pool = AsyncioTransport(settings, transport)
        super().__init__(settings, self._pool)

    async def __aenter__(self) -> Self:
        await self._pool.keep()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None
    ) -> None:
        await self._pool.release()

    async def close(self) -> None:
        """Close the connections; later calls raise :class:`APIError`."""
        await self._pool.close()

    async def call(self, request: APIRequest[ModelT]) -> ModelT:
        """Return the object in the reply to *request*."""
        return await self._call(request)

    async def iterate(self, request: APIRequest[ModelT]) -> AsyncIterator[ModelT]:
        """Return an asynchronous iterator over the objects of all pages."""
        pages = Pages(request)
        while (items := await self._turn(pages)) is not None:
            for item in items:
                yield item
