"""The inspector for Flask: a blueprint that passes each request to the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from florentin_webhooks.inspector.access import Access
from florentin_webhooks.inspector.request import MAX_FORM, PageRequest
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.protocol.preconditions import path_variants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.blueprints import BlueprintSetupState

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.inspector.access import Auth

__all__ = ["inspector_blueprint"]


def inspector_blueprint(
    *receivers: Receiver[object],
    path: str = "/webhooks/inspector",
    auth: Auth | None = None,
    hosts: Sequence[str] = (),
    show_bodies: bool = False,
    show_errors: bool = False,
    name: str = "florentin_inspector",
) -> Blueprint:
    """Create a blueprint that shows the deliveries of *receivers* at *path*.

    The other arguments are those of :class:`~florentin_webhooks.inspector.Inspector`; *auth* gets a
    request whose ``native`` is Flask's. Raises :class:`ConfigurationError` as that does.
    """
    site = Site(
        Sources(receivers), Access(auth, hosts), show_bodies=show_bodies, show_errors=show_errors
    )
    blueprint = Blueprint(name, __name__, url_prefix=path_variants(path)[0])

    def show(inner: str = "", **_: object) -> Response:
        asked = _to_request(f"/{inner}")
        response = site.respond(asked)
        body = b"" if asked.method == "HEAD" else response.body
        return Response(body, int(response.status), [*response.headers])

    for rule in ("/", "/<path:inner>"):
        blueprint.add_url_rule(rule, "show", show, methods=["GET", "POST"])
    blueprint.record(_exempt_from_csrf)
    return blueprint


def _to_request(path: str) -> PageRequest:
    # Without a length, a body may have no end; browsers send the length of a form.
    is_small = (length := request.content_length) is not None and length <= MAX_FORM
    return PageRequest(
        method=request.method,
        path=path,
        query_string=request.query_string.decode("latin-1"),
        headers=HeaderMap(request.headers.items()),
        body=request.get_data(cache=False) if request.method == "POST" and is_small else b"",
        client=request.remote_addr,
        is_secure=request.is_secure,
        native=request,
    )


def _exempt_from_csrf(state: BlueprintSetupState) -> None:
    """Exempt the pages from Flask-WTF: they check a token of their own."""

    def exempt(_endpoint: str | None, _values: object) -> None:
        if extension := state.app.extensions.get("csrf"):  # It may be initialised later than this.
            extension.exempt(state.blueprint)

    name = f"{state.name_prefix}.{state.name}".lstrip(".")
    state.app.url_value_preprocessors.setdefault(name, []).append(exempt)
