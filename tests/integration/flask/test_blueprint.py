"""Flask programs around the blueprint, over TCP: gunicorn's workers and the development server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from flask import Flask, redirect, request
from flask_wtf.csrf import CSRFProtect  # type: ignore[import-untyped]  # it has no types.
from werkzeug import Response

from florentin_webhooks import Receiver
from florentin_webhooks.flask import FlorentinWebhooks, webhook_blueprint
from tests.support.server import DEVELOPMENT_SERVERS, WSGI_SERVERS, Place, Server, served
from tests.support.vectors import CANONICAL, SECRET, delivery


def program(receiver: Receiver, path: str, **config: object) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="made-up", **config)
    app.register_blueprint(webhook_blueprint(receiver, path))
    return app


def before(touch: Callable[[], object]) -> Callable[[Receiver, str], Flask]:
    """Create an app that touches each request first, as login walls and loggers do."""

    def build(receiver: Receiver, path: str) -> Flask:
        app = program(receiver, path)

        @app.before_request
        def first() -> None:
            touch()

        return app

    return build


def prefixed(receiver: Receiver, path: str) -> Flask:
    above, _, name = path.rpartition("/")
    app = Flask(__name__)
    blueprint = webhook_blueprint(receiver, f"/{name}", name="billing")
    app.register_blueprint(blueprint, url_prefix=above)
    return app


def rooted(receiver: Receiver, path: str) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(webhook_blueprint(receiver, "/"), url_prefix=path)
    return app


def protected_before(receiver: Receiver, path: str) -> Flask:
    app = Flask(__name__)
    app.secret_key = "made-up"
    CSRFProtect(app)
    app.register_blueprint(webhook_blueprint(receiver, path))
    return app


def protected_after(receiver: Receiver, path: str) -> Flask:
    app = program(receiver, path)
    CSRFProtect(app)
    return app


def walled(receiver: Receiver, path: str) -> Flask:
    app = program(receiver, path)

    @app.before_request
    def require_login() -> Response:
        return redirect("/login")

    return app


def extended(receiver: Receiver, path: str) -> Flask:
    """Create an app with a receiver of the extension beside the one that is tested."""
    app = Flask(__name__)
    app.config.update(FLORENTIN_WEBHOOK_SECRET=SECRET, FLORENTIN_PATH=f"{path}/own")
    FlorentinWebhooks().init_app(app)
    app.register_blueprint(webhook_blueprint(receiver, path, name="another"))
    return app


MOUNTS: Mapping[str, Callable[[Receiver, str], Flask]] = {
    "app": program,
    "prefixed": prefixed,
    "rooted": rooted,
    "extended": extended,
    "limited": lambda receiver, path: program(receiver, path, MAX_CONTENT_LENGTH=10),
    "json-before": before(lambda: request.get_json(force=True)),
    "data-before": before(lambda: request.get_data(as_text=True)),
    "form-before": before(lambda: request.form),
    "values-before": before(lambda: request.values),
    "parsed-before": before(lambda: request.get_data(parse_form_data=True)),
    "stream-before": before(lambda: request.stream.read(65_536)),
    "protected-before": protected_before,
    "protected-after": protected_after,
    "walled": walled,
}
"""The mounts of the server of these tests."""

HARMLESS = ["app", "prefixed", "rooted", "extended", "limited", "json-before", "data-before"]
HARMLESS += ["form-before", "values-before", "parsed-before", "protected-before", "protected-after"]
CONSUMING = ["form-before", "values-before", "parsed-before"]
"""What Flask has parsed where the body says that it is a form, and has not where it says JSON."""

FORGED = delivery(signature="sha256=" + "0" * 64)
FORM = delivery().with_headers(("Content-Type", "application/x-www-form-urlencoded"))
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture(scope="module", params=[*WSGI_SERVERS, *DEVELOPMENT_SERVERS])
def wsgi_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("flask") / "log"
    environment = {"MOUNTS_OF": __name__}
    program = served(request.param, "tests.support.program:wsgi", log, environment=environment)
    with program as port:
        yield Server(port, request.param, log)


@pytest.fixture
def server(wsgi_server: Server) -> Iterator[Server]:
    wsgi_server.mark()
    yield wsgi_server
    wsgi_server.assert_unharmed()


def at(place: Place, data: bytes, path: str) -> bytes:
    return data.replace(place.path.encode(), path.encode(), 1)


@pytest.mark.parametrize("mount", HARMLESS)
def test_delivery_is_processed_at_every_mount(server: Server, mount: str) -> None:
    place = server.place(mount)
    assert place.ask(FORGED).outcome == "invalid-signature"
    assert place.ask(delivery()).outcome == "processed"
    assert place.ask(delivery()).outcome == "duplicate"
    assert len(place.seen()) == 1


@pytest.mark.answers("HTTP-08")
@pytest.mark.parametrize("mount", HARMLESS)
def test_chunked_body_is_read(server: Server, mount: str) -> None:
    place = server.place(mount)
    answer = place.send(place.chunked(CANONICAL[:9], CANONICAL[9:]))
    assert answer is not None
    assert answer.outcome == "processed"


@pytest.mark.answers("ADP-05")
@pytest.mark.parametrize("mount", ["app", "prefixed", "rooted"])
def test_both_slash_forms_and_all_methods_are_answered(server: Server, mount: str) -> None:
    place = server.place(mount)
    for path, outcome in ((place.path, "processed"), (f"{place.path}/", "duplicate")):
        answer = place.send(at(place, place.raw(delivery()), path))
        assert answer is not None
        assert answer.outcome == outcome
        for method in METHODS:
            with server.connect() as connection:
                data = place.raw(delivery()._replace(method=method))
                connection.send(at(place, data, path))
                assert connection.arrives(b"\r\n\r\n"), method
                assert connection.arrives(b" 405 "), method
                assert connection.arrives(b"Allow: POST\r\n"), method


@pytest.mark.parametrize("written", ["{0}/x", "{0}//", "/x{0}"])
def test_other_paths_are_not_answered(server: Server, written: str) -> None:
    place = server.place()
    answer = place.send(at(place, place.raw(delivery()), written.format(place.path)))
    assert answer is not None
    assert answer.status in (308, 404)
    assert place.seen() == []


@pytest.mark.answers("ADP-04")
@pytest.mark.parametrize("mount", [*CONSUMING, "stream-before"])
@pytest.mark.parametrize("chunked", [False, True])
def test_consumed_body_is_unavailable_and_logged(server: Server, mount: str, chunked: bool) -> None:
    place = server.place(mount)
    data = place.chunked(CANONICAL, request=FORM) if chunked else place.raw(FORM)
    answer = place.send(data)
    assert answer is not None
    assert (answer.outcome, answer.status) == ("body-unavailable", 500)
    (line,) = server.lines()
    assert line.startswith("ERROR")
    assert "0 bytes arrived: a middleware read the body" in line


def test_redirect_to_the_login_page_is_logged_once(server: Server) -> None:
    place = server.place("walled")
    assert [place.ask(delivery()).status for _ in range(3)] == [302, 302, 302]
    (line,) = server.lines()
    assert line.startswith("ERROR florentin_webhooks A delivery was answered with 302 before")
    assert "require_login. Let the blueprint 'florentin_webhooks' pass there" in line


@pytest.mark.answers("HTTP-04")
@pytest.mark.parametrize("chunked", [False, True])
def test_too_long_body_is_answered_by_the_receiver(server: Server, chunked: bool) -> None:
    place, body = server.place("limited"), CANONICAL + b" " * 1_048_576
    long = delivery(body)
    with server.connect() as connection:
        connection.send(place.chunked(body, request=long) if chunked else place.raw(long))
        answer = connection.answer()
    assert answer is not None
    assert (answer.outcome, answer.status) == ("too-large", 413)


@pytest.mark.parametrize(
    ("chunked", "cut"), [(False, 1), (False, 100), (False, 169), (True, 8), (True, 100)]
)
def test_incomplete_body_runs_nothing(server: Server, chunked: bool, cut: int) -> None:
    place = server.place()
    whole = place.chunked(CANONICAL) if chunked else place.raw(delivery())
    with server.connect() as connection:
        connection.send(whole[:-cut])
        connection.end()
        answer = connection.answer()
    assert answer is None or answer.outcome in ("read-timeout", "invalid-signature")
    assert place.seen() == []


TWO_READINGS = [
    ("Content-Length", "3"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "identity"),
    ("Transfer-Encoding ", "chunked"),
    ("Content_Length", "3"),
    ("X_Florentin_Event", "user.login"),
    ("Upgrade", "h2c"),
    ("Expect", "100-continue"),
]


@pytest.mark.parametrize("header", TWO_READINGS, ids=": ".join)
def test_ambiguous_request_runs_at_most_once(server: Server, header: tuple[str, str]) -> None:
    place = server.place()
    with server.connect() as connection:
        connection.send(place.raw(delivery().with_headers(header)))
        connection.end()
        answer = connection.answer()
    assert answer is None or answer.status in (200, 400, 401, 408)
    assert len(place.seen()) == (answer is not None and answer.status == 200)
    assert place.ask(delivery()).outcome in ("processed", "duplicate")


@pytest.mark.parametrize("name", ["X-Florentin-Signature", "X-Florentin-Event"])
def test_repeated_header_is_not_trusted(server: Server, name: str) -> None:
    place, given = server.place(), delivery()
    again = next(pair for pair in given.headers if pair[0].decode() == name)
    answer = place.ask(given._replace(headers=(*given.headers, again)))
    assert answer.status in (400, 401)
    assert place.seen() == []


def test_every_mount_has_its_own_receiver(server: Server) -> None:
    first, second = server.place("extended"), server.place()
    own = first.send(at(first, first.raw(delivery()), f"{first.path}/own"))
    assert own is not None
    assert own.outcome == "stale"  # By the clock of the wall.
    assert [each.ask(delivery()).outcome for each in (first, second)] == ["processed"] * 2
