"""The pages in a Flask program."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from flask import Flask
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # it has no types.

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask import inspector_blueprint, webhook_blueprint
from florentin_webhooks.inspector import PageRequest
from florentin_webhooks.inspector.forgery import COOKIE, FIELD
from florentin_webhooks.testing import Provider
from tests.support.inspected import SECRET, TOKEN


@pytest.fixture
def hooks() -> Receiver:
    made = Receiver(SECRET, name="shop")
    made.on("user.login")(lambda _: None)
    return made


def app_of(hooks: Receiver) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="x", TESTING=True)
    app.register_blueprint(webhook_blueprint(hooks))
    app.register_blueprint(inspector_blueprint(hooks, path="/look"))
    CSRFProtect(app)  # Initialised later, as in a factory.
    return app


def test_deliveries_are_shown_and_replayed_beside_csrf_protection(hooks: Receiver) -> None:
    client = app_of(hooks).test_client()
    made = Provider(SECRET).make("user.login")
    assert client.post("/webhooks/florentin", headers=made.headers, data=made.body).status_code
    page = client.get("/look/")
    found = re.search(rb'href="(deliveries/\w+)"', page.data)
    assert found
    assert page.headers["X-Frame-Options"] == "DENY"
    assert b"refreshes every 3 s" in page.data
    client.set_cookie(COOKIE, TOKEN)
    form = {FIELD: TOKEN, "what": "all"}
    address = f"/look/{found[1].decode()}"
    answer = client.post(f"{address}/replay", data=form)
    assert answer.status_code == 303
    assert b"Replayed: it is done." in client.get(address).data
    assert client.post(f"{address}/replay", data={"what": "all"}).status_code == 403
    assert client.head("/look/").data == b""


def test_stream_ends_at_once_and_names_only_changes(hooks: Receiver) -> None:
    client = app_of(hooks).test_client()
    first = client.get("/look/events")
    assert first.mimetype == "text/event-stream"
    assert first.data.startswith(b"retry: 3000\n\nid: ")
    known = re.findall(rb"id: (\w+)\nevent: change\n", first.data)[0].decode()
    again = {"Last-Event-ID": known}
    assert client.get("/look/events", headers=again).data == b"retry: 3000\n\n"
    made = Provider(SECRET).make("user.login")
    client.post("/webhooks/florentin", headers=made.headers, data=made.body)
    assert b"event: change" in client.get("/look/events", headers=again).data


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cookie_follows_the_scheme_of_the_request(hooks: Receiver, scheme: str) -> None:
    page = app_of(hooks).test_client().get("/look/", base_url=f"{scheme}://localhost")
    assert ("Secure" in page.headers["Set-Cookie"]) is (scheme == "https")


def test_prefix_without_a_slash_leads_to_the_page(hooks: Receiver) -> None:
    answer = app_of(hooks).test_client().get("/look")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/look/")


def test_other_machines_see_nothing_without_auth(hooks: Receiver) -> None:
    client = app_of(hooks).test_client()
    assert client.get("/look/", environ_base={"REMOTE_ADDR": "10.0.0.7"}).status_code == 403
    assert client.get("/look/", headers={"Host": "rebound.example"}).status_code == 403


def test_function_gets_the_request_of_flask(hooks: Receiver) -> None:
    def is_staff(asked: PageRequest) -> bool:
        return getattr(asked.native, "endpoint", "") == "florentin_inspector.show"

    app = Flask(__name__)
    app.register_blueprint(inspector_blueprint(hooks, auth=is_staff, hosts=["shop.example"]))
    answer = app.test_client().get("http://shop.example/webhooks/inspector/")
    assert answer.status_code == 200


def test_invalid_auth_is_refused_at_start(hooks: Receiver) -> None:
    with pytest.raises(ConfigurationError, match="neither a function nor a user"):
        inspector_blueprint(hooks, auth=("ada", "short"))


def test_form_without_a_length_is_not_read(hooks: Receiver) -> None:
    stream = BytesIO(b"token=0")
    answer = (
        app_of(hooks)
        .test_client()
        .post(
            "/look/trigger",
            input_stream=stream,
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
    )
    assert (answer.status_code, stream.tell()) == (403, 0)
