"""Mount a receiver in Flask: a blueprint with one view, which reads the body past Flask.

So neither the host's limits nor its parsing touch a delivery. Decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState

from florentin_webhooks.core import wsgi
from florentin_webhooks.flask.binding import bind_receiver, ensure_receiver
from florentin_webhooks.flask.interception import log_intercepted, mark_reached
from florentin_webhooks.protocol.preconditions import path_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["webhook_blueprint"]

_ENDPOINT = "receive"


class AnyMethod(set[str]):
    """Be the methods that are served, for whoever lists routes, and let all others in, too.

    They get our own answer. That a rule has no methods says the same to Werkzeug, but programs
    that describe an API expect a set.
    """

    def __contains__(self, method: object) -> bool:
        return True


def webhook_blueprint(
    hooks: Receiver, path: str = "/webhooks/florentin", *, name: str = "florentin_webhooks"
) -> Blueprint:
    """Give a blueprint that serves *hooks* at *path*, with and without a slash at its end.

    ``app.register_blueprint(webhook_blueprint(hooks))``. Several receivers of one app have a
    *name* each. Flask-WTF's CSRF protection lets it pass; functions of yours that run before each
    request know it by its endpoint, ``florentin_webhooks.receive``. Raises
    :class:`ConfigurationError` for a path at which nothing would arrive.
    """
    ensure_receiver(hooks)
    plain, slashed = path_variants(path)
    blueprint = Blueprint(name, __name__)
    blueprint.add_url_rule(
        plain or slashed,
        _ENDPOINT,
        _view(hooks),
        methods=["POST"],
        provide_automatic_options=False,
        strict_slashes=False,
    )
    blueprint.record(lambda state: _register(state, hooks))
    return blueprint


def _view(hooks: Receiver) -> Callable[..., Response]:
    def receive(**_: object) -> Response:
        # Asking Flask for the body would read it, as much as the host's limits allow.
        known = vars(request)
        environ: dict[str, object] = known["environ"]
        mark_reached(environ)
        touched = "stream" in known
        reply = wsgi.answer(
            hooks,
            _where_flask_stands() if touched else environ,
            kept=known.get("_cached_data") or None,  # by get_data() or get_json()
            consumed=touched,
        )
        return Response(reply.body, reply.status, reply.headers)

    return receive


def _where_flask_stands() -> Mapping[str, object]:
    """Give the environment of a request whose stream somebody has asked Flask for.

    Where the server does not end the stream, only Flask knows how much is left: whoever reads on
    would wait until the sender leaves.
    """
    if request.environ.get("wsgi.input_terminated"):
        return request.environ
    return {**request.environ, "wsgi.input": request.stream}


def _register(state: BlueprintSetupState, hooks: Receiver) -> None:
    app = cast("Flask", state.app)
    name = f"{state.name_prefix}.{state.name}".lstrip(".")
    for rule in app.url_map.iter_rules(f"{name}.{_ENDPOINT}"):
        rule.methods = AnyMethod({"POST"})
    preparing = _preparing(app, name, state.blueprint)
    app.url_value_preprocessors.setdefault(name, []).append(preparing)
    bind_receiver(app, hooks)


def _preparing(app: Flask, name: str, blueprint: object) -> Callable[[str | None, object], None]:
    """Give what Flask calls before any function that runs before each request."""
    watch = log_intercepted(app, name)

    def prepare(_endpoint: str | None, _values: object) -> None:
        # Flask-WTF may come to the app later than we do.
        exempt = getattr(app.extensions.get("csrf"), "exempt", None)
        if exempt is not None:
            exempt(blueprint)
        watch()

    return prepare
