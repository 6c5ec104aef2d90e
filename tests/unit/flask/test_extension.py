"""The extension for Flask: handlers of no app, and a receiver for each app."""

from __future__ import annotations

import gc
from weakref import ref

import pytest
from flask import current_app

from florentin_webhooks import Delivery, Receiver, Router
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event, InvoiceCreated, UserLogin
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.testing import Provider
from tests.support.flask_apps import PATH, flask, held, post
from tests.support.vectors import SECRET


def test_the_extension_is_a_router_and_mounts_what_it_builds() -> None:
    florentin, ran = FlorentinWebhooks(), list[str]()

    @florentin.on("invoice.created")
    def bill(event: InvoiceCreated) -> None:
        ran.append(f"{event.event} in {current_app.name}")

    app = flask()
    florentin.init_app(app)
    assert isinstance(florentin, Router)
    assert post(app).outcome == "processed"
    assert ran == [f"invoice.created in {app.name}"]


def test_app_may_be_an_argument_of_the_extension() -> None:
    app = flask()
    FlorentinWebhooks(app)
    assert post(app, path=f"{PATH}/").outcome == "ignored"


def test_coroutine_runs_in_the_app_context() -> None:
    florentin, ran = FlorentinWebhooks(), list[str]()

    @florentin.on("invoice.created")
    async def bill(_: InvoiceCreated) -> None:
        ran.append(current_app.name)

    app = flask()
    florentin.init_app(app)
    assert post(app).outcome == "processed"
    assert ran == [app.name]


def test_every_app_has_a_receiver_of_its_own() -> None:
    florentin, ran = FlorentinWebhooks(), list[str]()
    florentin.on(Event)(lambda _: ran.append(current_app.name))
    apps = [flask(), flask(FLORENTIN_PATH="/elsewhere")]
    for app in apps:
        florentin.init_app(app)
    made = Provider(SECRET).make("user.login")
    outcomes = [post(apps[0], made).outcome, post(apps[1], made, "/elsewhere").outcome]
    assert outcomes == ["processed", "processed"]
    assert ran == [app.name for app in apps]
    assert post(apps[1]).status == 404


def test_handler_may_be_registered_after_init_app_or_included() -> None:
    florentin, ran = FlorentinWebhooks(), list[str]()
    app = flask()
    florentin.init_app(app)
    router = Router()
    router.on("invoice.created")(lambda _: ran.append("router"))
    florentin.include(router)
    florentin.on(UserLogin)(lambda _: ran.append("late"))
    for event in ("invoice.created", "user.login"):
        post(app, Provider(SECRET).make(event))
    assert ran == ["router", "late"]


def test_handler_registered_after_the_first_delivery_is_refused() -> None:
    florentin, app = FlorentinWebhooks(), flask()
    florentin.init_app(app)
    post(app)
    with pytest.raises(ConfigurationError, match="The first delivery has arrived"):
        florentin.on(Event)(lambda _: None)


def test_second_init_app_is_refused() -> None:
    app = flask()
    FlorentinWebhooks(app)
    with pytest.raises(
        ConfigurationError, match=r"has a receiver already\. Call init_app\(\) once"
    ):
        FlorentinWebhooks(app)


def test_extension_keeps_no_reference_to_an_app() -> None:
    florentin, app = FlorentinWebhooks(), flask()
    florentin.init_app(app)
    post(app)
    gone = ref(app)
    del app
    gc.collect()
    assert gone() is None


def test_path_none_mounts_nothing() -> None:
    app = flask(FLORENTIN_PATH=None)
    FlorentinWebhooks(app)
    assert "florentin_webhooks" not in app.blueprints
    assert isinstance(held(app), Receiver)


# --- the context ---


def test_context_of_a_job_ends_like_a_request() -> None:
    florentin, reported = FlorentinWebhooks(), list[str]()
    app = flask()
    florentin.init_app(app)

    @app.teardown_appcontext
    def remove_session(_: BaseException | None) -> None:
        reported.append("session removed")

    with held(app).handler_context():
        reported.append(current_app.name)
    assert reported == [app.name, "session removed"]


def test_session_is_removed_after_the_handlers() -> None:
    florentin, reported = FlorentinWebhooks(), list[str]()
    app = flask()
    app.teardown_appcontext(lambda _: reported.append("session removed"))

    @florentin.on("invoice.created")
    def bill(_: InvoiceCreated, delivery: Delivery) -> None:
        reported.append(f"{delivery.event} billed")

    florentin.init_app(app)
    post(app)
    assert reported == ["invoice.created billed", "session removed"]
