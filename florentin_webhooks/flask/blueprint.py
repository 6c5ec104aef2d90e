"""The mount for Flask: a blueprint with one view, which reads the body past Flask.

So neither the host's limits nor its parsing touch a delivery. The receiver decides every reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState

from florentin_webhooks.core import wsgi
from florentin_webhooks.flask.discovery import bind_receiver, ensure_receiver
from florentin_webhooks.flask.interception import log_intercepted, mark_reached
from florentin_webhooks.flask.response import to_response
from florentin_webhooks.protocol.preconditions import path_variants

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask, Request, Response

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["webhook_blueprint"]

_ENDPOINT = "receive"

# Any: Flask types this proxy as the request. An attribute by it takes ten times the time.
_proxy: Any = request
_current_request: Callable[[], Request] = _proxy._get_current_object  # noqa: SLF001 - documented.


class AnyMethod(set[str]):
    """The methods of a route: it lists some and accepts all, which the receiver answers.

    To Werkzeug a rule without methods means the same, but programs that describe an API expect
    a set.
    """

    def __contains__(self, method: object) -> bool:
        return True


def webhook_blueprint(
    hooks: Receiver[object], path: str = "/webhooks/florentin", *, name: str = "florentin_webhooks"
) -> Blueprint:
    """Create a blueprint that serves *hooks* at *path*, with and without a slash at its end.

    ``app.register_blueprint(webhook_blueprint(hooks))``. Several receivers of one app need a
    *name* each. Flask-WTF's CSRF protection does not apply; functions of yours that run before
    each request know it by its endpoint, ``florentin_webhooks.receive``. Raises
    :class:`ConfigurationError` for a path that no request can have.
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


def _view(hooks: Receiver[object]) -> Callable[..., Response]:
    def receive(**path_params: object) -> Response:
        # request.stream would read the body, within the host's limits.
        known = vars(_current_request())
        environ: dict[str, object] = known["environ"]
        mark_reached(environ)
        touched = "stream" in known
        reply = wsgi.answer(
            hooks,
            _remaining_input() if touched else environ,
            kept=known.get("_cached_data") or None,  # by get_data() or get_json()
            consumed=touched,
            path_params=path_params,
        )
        return to_response(reply)

    return receive


def _remaining_input() -> Mapping[str, object]:
    """Return the environment of a request whose stream the program has already used.

    If the server does not end the stream, only Flask knows how much of it is left; reading past
    that would wait until the sender leaves.
    """
    if request.environ.get("wsgi.input_terminated"):
        return request.environ
    return {**request.environ, "wsgi.input": request.stream}


def _register(state: BlueprintSetupState, hooks: Receiver[object]) -> None:
    app = cast("Flask", state.app)
    name = f"{state.name_prefix}.{state.name}".lstrip(".")
    for rule in app.url_map.iter_rules(f"{name}.{_ENDPOINT}"):
        rule.methods = AnyMethod({"POST"})
    preprocessor = _create_preprocessor(app, name, state.blueprint)
    app.url_value_preprocessors.setdefault(name, []).append(preprocessor)
    bind_receiver(app, hooks)


def _create_preprocessor(
    app: Flask, name: str, blueprint: object
) -> Callable[[str | None, object], None]:
    """Return the function that Flask calls before those that run before each request."""
    is_prepared, watch = False, None

    def prepare(_endpoint: str | None, _values: object) -> None:
        nonlocal is_prepared, watch
        if not is_prepared:
            # With the first request, since what an app has may be set up later than this blueprint,
            # and not later than that.
            exempt = getattr(app.extensions.get("csrf"), "exempt", None)
            if exempt is not None:
                exempt(blueprint)
            watch, is_prepared = log_intercepted(app, name), True
            if watch is None:
                # For what calls it, Flask looks its request up four times: 2 us.
                known = app.url_value_preprocessors
                known[name] = [each for each in known[name] if each is not prepare]
        if watch is not None:
            watch()

    return prepare
