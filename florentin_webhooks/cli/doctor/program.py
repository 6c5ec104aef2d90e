"""Check what a program has loaded: tools that keep bodies, and servers that lose them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from florentin_webhooks.cli.doctor.check import warn
from florentin_webhooks.cli.doctor.remedies import upgrade_remedy
from florentin_webhooks.protocol.servers import SERVERS, BodyLoss

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from florentin_webhooks.cli.doctor.check import Check

__all__ = ["ProgramFacts", "check_program", "find_sentry"]

_SEE = "see docs/servers.md."
_HEADERS = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST"
_BODIES_OF_APM = "ELASTIC_APM_CAPTURE_BODY"


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """The *modules* that are loaded, the options of *sentry* if it is on, and the environment.

    *has_full_tracebacks*: the receiver logs the texts of exceptions and values in their frames.
    """

    modules: Collection[str] = ()
    sentry: Mapping[str, object] | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    has_full_tracebacks: bool = False


def check_program(facts: ProgramFacts) -> Iterator[Check]:
    """Yield what in the program keeps bodies, shows signatures or loses bodies."""
    yield from _sentry(facts.sentry or {})
    yield from _tracers(facts)
    yield from _servers(facts.modules)
    if facts.has_full_tracebacks:
        message = 'tracebacks is "full": the log of a failed handler quotes payloads.'
        yield warn("tracebacks", message, 'Remove it: "redacted" is the default.')


def find_sentry() -> Mapping[str, object] | None:
    """Return the options of Sentry's client if the program has started it; imports nothing."""
    module: Any = sys.modules.get("sentry_sdk")  # Any: a library that we do not import.
    get_client = getattr(module, "get_client", None)
    client = get_client() if callable(get_client) else None
    options: Any = getattr(client, "options", None) or {}  # Any: as above.
    return options if options.get("dsn") else None


def _sentry(options: Mapping[str, object]) -> Iterator[Check]:
    if options and options.get("max_request_body_size", "medium") not in ("never", "none"):
        message = "Sentry keeps the bodies of requests that fail (max_request_body_size)."
        yield warn("sentry-bodies", message, 'Set sentry_sdk.init(max_request_body_size="never").')
    if options and options.get("include_local_variables", True):
        message = "Sentry keeps local variables of failed handlers, such as event and delivery."
        yield warn("sentry-locals", message, "Set sentry_sdk.init(include_local_variables=False).")


def _tracers(facts: ProgramFacts) -> Iterator[Check]:
    headers = facts.environment.get(_HEADERS, "").lower()
    if any(word in headers for word in ("signature", ".*")):
        message = f"{_HEADERS} puts signatures of deliveries into traces."
        yield warn("tracer-headers", message, "List the headers that you need, without it.")
    bodies = facts.environment.get(_BODIES_OF_APM, "off").lower()
    if "elasticapm" in facts.modules and bodies != "off":
        message = f"{_BODIES_OF_APM} is {bodies}, so Elastic APM keeps bodies of deliveries."
        yield warn("apm-bodies", message, f"Set {_BODIES_OF_APM}=off.")


def _servers(modules: Collection[str]) -> Iterator[Check]:
    for server in SERVERS:
        if server.module in modules and server.lost_bodies is BodyLoss.CHUNKED:
            message = f"{server.name} passes on no body of a request without Content-Length."
            hint = f"Let the proxy buffer requests, or use another server: {_SEE}"
            yield warn("server-bodies", message, hint)
        if server.module in modules and server.lost_bodies is BodyLoss.UPGRADE:
            message = f"{server.name} passes on no body of a request with an Upgrade header."
            remedy = upgrade_remedy(under_gunicorn="gunicorn" in modules)
            hint = f"{remedy}, or remove the header in the proxy: {_SEE}"
            yield warn("server-bodies", message, hint)
