"""Verify a delivery with the secrets that are looked up for its request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.loops import do_work
from florentin_webhooks.core.tenants.cache import LookupCache
from florentin_webhooks.core.tenants.request import Request, Tenant
from florentin_webhooks.core.tenants.sources import call_source, wait_for_end
from florentin_webhooks.core.verifier import Verifier
from florentin_webhooks.errors import ConfigurationError, InvalidSignature, Unavailable
from florentin_webhooks.protocol.delivery import name_secret
from florentin_webhooks.protocol.fingerprint import Identity
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.senders.key_material import key_materials
from florentin_webhooks.senders.secrets import normalize_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from florentin_webhooks.core.processing.runtime import HasHandlerContexts, Runtime
    from florentin_webhooks.core.tenants.cache import LookupClaim
    from florentin_webhooks.core.tenants.sources import Found, SecretsSource
    from florentin_webhooks.core.verifier import VerifiedDelivery
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["Arrival", "TenantVerifier", "owner_identity"]

SECONDS = 2.0
"""The time of a look-up."""
MOST_CHARACTERS = 200


class Arrival(NamedTuple):
    """A request with its body: what a mount passes on."""

    headers: Headers
    body: bytes
    url: str | None = None
    path_params: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """The *verifier* of a tenant; None for a request without secrets."""

    verifier: Verifier | None = None

    async def verify(
        self, headers: HeaderMap, arrival: Arrival, now: datetime, runtime: Runtime
    ) -> tuple[VerifiedDelivery, Identity]:
        if self.verifier is None:
            raise InvalidSignature("unknown tenant")
        if self.verifier.preparing:
            work = self.verifier.preparing.prepare(arrival.body, now)
            await do_work(work, is_blocking=runtime.is_blocking)
        found = self.verifier.verify(headers, arrival.body, now, arrival.url)
        return found, self.verifier.identity


class TenantVerifier:
    """A verifier that asks *source* for the secrets of each request.

    It runs in the ``handler_context`` of *owner*, which mounts may set later. Secrets are looked up
    again after a wrong signature.
    """

    def __init__(
        self,
        source: SecretsSource,
        sender: Sender,
        tolerance: timedelta,
        leeway: timedelta,
        *,
        name: str,
        owner: HasHandlerContexts,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._sender = source, sender
        self._window = (tolerance, leeway)
        self._name, self._owner = name, owner
        self._cache: LookupCache[_Known] = LookupCache(monotonic)

    async def verify(
        self, arrival: Arrival, now: datetime, runtime: Runtime
    ) -> tuple[VerifiedDelivery, Identity]:
        """Return the delivery, of any age, and the identity of its tenant.

        Raises :class:`InvalidSignature`, also for an unknown tenant, :class:`MalformedDelivery`,
        and :class:`Unavailable` where the secrets cannot be looked up.
        """
        headers = arrival.headers
        headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
        request = Request(headers, arrival.path_params, arrival.url)
        cached = self._cache.find(request)
        is_blocking = runtime.is_blocking
        known = cached or await self._look_up(request, is_blocking=is_blocking)
        try:
            return await known.verify(headers, arrival, now, runtime)
        except InvalidSignature:
            newer = cached and await self._look_up_again(request, cached, is_blocking=is_blocking)
            if newer is None:
                raise
            return await newer.verify(headers, arrival, now, runtime)

    async def _look_up(self, request: Request, *, is_blocking: bool) -> _Known:
        """Return what another request's look-up has found meanwhile, or look up."""
        claim = self._cache.claim(request, None)
        if claim is None or claim.is_mine:
            return await self._ask(request, claim, is_blocking=is_blocking)
        await wait_for_end(claim.ended, SECONDS, is_blocking=is_blocking)
        found = self._cache.find(request)
        return found or await self._ask(request, None, is_blocking=is_blocking)

    async def _look_up_again(
        self, request: Request, outdated: _Known, *, is_blocking: bool
    ) -> _Known | None:
        """Return what replaces *outdated*; None where that was found less than a second ago."""
        claim = self._cache.claim(request, outdated)
        if claim is not None and claim.is_mine:
            return await self._ask(request, claim, is_blocking=is_blocking)
        if claim is not None:
            await wait_for_end(claim.ended, SECONDS, is_blocking=is_blocking)
        found = self._cache.find(request)
        if found is not None and found is not outdated:
            return found
        if claim is not None:
            raise Unavailable("The secrets of a request cannot be read.")
        return None

    async def _ask(
        self, request: Request, claim: LookupClaim | None, *, is_blocking: bool
    ) -> _Known:
        """Call the function, and let those go on who wait for it."""
        try:
            found = await call_source(
                self._source,
                request,
                seconds=SECONDS,
                is_blocking=is_blocking,
                context=self._owner.handler_context,
            )
            known = self._read(request, found)
            self._cache.add(request, known, is_known=known.verifier is not None)
        except ConfigurationError as error:
            logger.error("The secrets of a request are unusable. %s", error)
            raise Unavailable("The secrets of a request are unusable.") from None
        finally:
            if claim is not None:
                self._cache.release(claim)
        return known

    def _read(self, request: Request, found: Found) -> _Known:
        if found is None:
            return _Known()
        if isinstance(found, Tenant):
            return self._build(_check_name(found.name), found.secrets)
        name = request.path_params.get("tenant", "")
        # A stranger may have chosen it, where the function does not: no error of the program.
        return self._build(name, found) if _is_name(name) else _Known()

    def _build(self, tenant: str, secrets: Secrets) -> _Known:
        named = {name_secret(tenant, name): secret for name, secret in normalize_secrets(secrets)}
        scope = f"{self._name}\0{tenant}" if tenant else self._name
        materials = key_materials(self._sender, named)
        scheme, identity = self._sender.scheme(named), Identity.of(materials, scope)
        return _Known(Verifier(self._sender, scheme, *self._window, identity))


def owner_identity(sender: Sender, name: str) -> Identity:
    """Return the identity of the receiver *name* itself, by which its workers know its jobs."""
    return Identity.of({"": f"florentin_webhooks: tenants of {sender.name}".encode()}, name)


def _check_name(tenant: object) -> str:
    if not isinstance(tenant, str):
        raise ConfigurationError(
            f"The name of a tenant is {type(tenant).__name__}, not str.",
            "Return a Tenant with a text, such as Tenant(str(account.id), secret).",
        )
    if not _is_name(tenant):
        raise ConfigurationError(
            "The name of a tenant is not a printable text of at most 200 characters.",
            "Return a Tenant with a short name.",
        )
    return tenant


def _is_name(tenant: str) -> bool:
    return tenant.isprintable() and len(tenant) <= MOST_CHARACTERS
