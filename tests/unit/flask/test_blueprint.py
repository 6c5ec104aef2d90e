"""The blueprint for Flask, inside one process and without a server."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import NoReturn

import pytest
from flask import Blueprint, Flask, abort, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # it has no types.
from werkzeug.test import run_wsgi_app

from florentin_webhooks import MemoryStore
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask import FlorentinWebhooks, webhook_blueprint
from tests.support.flask_apps import PATH, held, mounted, post
from tests.support.http import environ_of
from tests.support.receivers import Target
from tests.support.vectors import delivery


def test_listed_routes_have_post_only() -> None:
    (rule,) = (r for r in mounted(Target().receiver).url_map.iter_rules() if PATH in r.rule)
    assert (set(rule.methods or ()), rule.endpoint) == ({"POST"}, "florentin_webhooks.receive")
    assert sorted((rule.methods or set()) - {"HEAD"}) == ["POST"]


def test_path_without_leading_slash_is_refused_with_a_hint() -> None:
    with pytest.raises(ConfigurationError, match=r"'webhooks' is invalid\. Begin it with a slash"):
        webhook_blueprint(Target().receiver, "webhooks")


@pytest.mark.parametrize("path", ["//webhooks", "/web//hooks", "/webhooks?a=b", "/webhooks#a"])
def test_path_that_no_request_can_have_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="No request can have the path"):
        webhook_blueprint(Target().receiver, path)


def test_extension_in_place_of_a_receiver_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="takes a Receiver, not FlorentinWebhooks"):
        webhook_blueprint(FlorentinWebhooks())  # type: ignore[arg-type]  # that is the mistake.


def test_several_receivers_of_an_app_have_names() -> None:
    targets = {name: Target().receiver for name in ("billing", "accounts")}
    app = Flask(__name__)
    for name, receiver in targets.items():
        app.register_blueprint(webhook_blueprint(receiver, f"/{name}", name=name))
    assert [post(app, path=f"/{name}").outcome for name in targets] == ["stale", "stale"]
    assert held(app) is targets["billing"]


def test_the_variables_of_a_prefix_are_not_ours() -> None:
    app = Flask(__name__)
    app.register_blueprint(webhook_blueprint(Target().receiver), url_prefix="/<tenant>")
    assert post(app, path=f"/a{PATH}").outcome == "stale"


def test_a_blueprint_below_another_answers_every_method() -> None:
    above, app = Blueprint("api", __name__, url_prefix="/api"), Flask(__name__)
    above.register_blueprint(webhook_blueprint(Target().receiver))
    app.register_blueprint(above)
    assert app.test_client().delete(f"/api{PATH}/").headers["Allow"] == "POST"


def test_body_read_by_a_middleware_is_refused_with_a_hint(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {**environ_of(delivery(), PATH), "wsgi.input": BytesIO()}
    _, status, _ = run_wsgi_app(mounted(Target().receiver).wsgi_app, environ)
    assert status.startswith("408")
    assert "169, 0 bytes arrived: the sender left, or a WSGI middleware read" in caplog.text


def test_used_stream_does_not_apply_the_limit_of_the_app() -> None:
    app = mounted(Target().receiver)
    app.config["MAX_CONTENT_LENGTH"] = 10

    @app.before_request
    def look() -> None:
        assert request.stream.readable()

    chunked = environ_of(delivery().with_headers(("Transfer-Encoding", "chunked")), PATH)
    _, status, _ = run_wsgi_app(app.wsgi_app, chunked)
    assert status.startswith("200")


def test_intercepted_delivery_is_logged_with_the_functions_before_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = mounted(Target().receiver)

    @app.before_request
    def refuse() -> ResponseReturnValue:
        abort(401)

    assert [post(app).status for _ in range(2)] == [401, 401]
    (record,) = caplog.records
    assert "was answered with 401 before it reached the receiver" in record.getMessage()
    assert f"{__name__}:" in record.getMessage()
    assert "refuse. Let the blueprint 'florentin_webhooks' pass there" in record.getMessage()


def test_delivery_intercepted_by_an_outer_blueprint_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    above, app = Blueprint("api", __name__, url_prefix="/api"), Flask(__name__)

    @above.before_request
    def refuse() -> ResponseReturnValue:
        return "log in", 401

    above.register_blueprint(webhook_blueprint(Target().receiver))
    app.register_blueprint(above)
    assert post(app, path=f"/api{PATH}").status == 401
    (record,) = caplog.records
    assert "refuse. Let the blueprint 'api.florentin_webhooks' pass there" in record.getMessage()


def test_functions_of_other_blueprints_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    other, app = Blueprint("florentin", __name__), mounted(Target().receiver)
    other.before_request(lambda: pytest.fail("it is not asked"))
    app.register_blueprint(other)

    @app.before_request
    def refuse() -> ResponseReturnValue:
        return "log in", 401

    post(app)
    assert "lambda" not in caplog.text


def test_function_that_only_looks_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    app = mounted(Target().receiver)
    app.before_request(lambda: "not now")
    app.test_client().get(PATH)
    assert caplog.records == []


def test_the_blueprint_brings_the_commands() -> None:
    assert "florentin" in mounted(Target().receiver).cli.commands


def test_failing_receiver_is_not_logged_as_intercepted(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryStore):
        def execute(self, _: object, /) -> NoReturn:
            raise ValueError

    app = mounted(Target(store=Broken(), now=datetime.now(UTC)).receiver)
    assert post(app).status == 500
    assert "before the receiver" not in caplog.text


def test_only_deliveries_pass_the_protection_of_forms() -> None:
    app = mounted(Target().receiver)
    app.secret_key = "made-up"
    CSRFProtect(app)
    app.add_url_rule("/form", view_func=lambda: "sent", methods=["POST"])
    assert post(app).outcome == "stale"  # By the clock of the wall.
    assert post(app, path="/form").status == 400
