"""Where workers and commands find a Flask app, and the command line inside Flask's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from flask import Flask

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.cli import main
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.rq import RQQueue
from tests.support.flask_apps import flask, held, mounted
from tests.support.vectors import SECRET

Place = Callable[[ModuleType, Flask], None]


def _factory() -> None: ...


def _choosy(config: str) -> None:
    del config


def path_found(place: Place, **config: object) -> str:
    """The path that jobs will have of an app that *place* puts somewhere in its module."""
    app = flask(FLORENTIN_QUEUE="florentin", **config)
    app.config["FLORENTIN_REDIS_URL"] = "redis://nowhere"
    module = sys.modules[app.import_name] = ModuleType(app.import_name)
    try:
        place(module, app)
        FlorentinWebhooks(app)
        return held(app).path.replace(app.import_name, "shop")
    finally:
        del sys.modules[app.import_name]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (lambda module, app: setattr(module, "app", app), "shop:app"),
        (lambda module, app: setattr(module, "wsgi", app), "shop:wsgi"),
        (lambda module, _: setattr(module, "create_app", _factory), "shop:create_app"),
        (lambda module, _: setattr(module, "make_app", _factory), "shop:make_app"),
    ],
)
def test_workers_find_a_global_app_or_its_factory(place: Place, path: str) -> None:
    assert path_found(place) == path


def test_configured_import_path_is_used() -> None:
    assert path_found(lambda *_: None, FLORENTIN_APP="shop.web:build") == "shop.web:build"


@pytest.mark.parametrize(
    "place", [lambda *_: None, lambda module, _: setattr(module, "create_app", _choosy)]
)
def test_app_that_workers_cannot_import_is_refused_at_start(place: Place) -> None:
    with pytest.raises(
        ConfigurationError, match='Set FLORENTIN_APP to its import path, such as "shop:cre'
    ):
        path_found(place)


def test_invalid_import_path_is_refused_at_start() -> None:
    with pytest.raises(
        ConfigurationError, match=r"FLORENTIN_APP is 'shop'\. Set FLORENTIN_APP to an import path"
    ):
        path_found(lambda *_: None, FLORENTIN_APP="shop")


# --- the command line ---


def test_flask_has_the_same_commands() -> None:
    app = flask()
    FlorentinWebhooks(app)
    reported = app.test_cli_runner().invoke(args=["florentin", "--help"]).stdout
    listed = main.list_commands(main.make_context("florentin", ["--help"], resilient_parsing=True))
    assert [name for name in listed if f"\n  {name} " not in reported] == []


def test_command_uses_the_receiver_that_jobs_name() -> None:
    queue = RQQueue(receiver="shop_that_is_nowhere:create_app")
    hooks = Receiver(SECRET, store=RedisStore("redis://nowhere"), queue=queue)
    result = mounted(hooks).test_cli_runner().invoke(args=["florentin", "deliveries", "list"])
    assert "shop_that_is_nowhere" in result.output


def test_command_uses_the_loaded_app() -> None:
    app = flask(FLORENTIN_APP="shop_that_is_nowhere:app")
    FlorentinWebhooks(app)
    result = app.test_cli_runner().invoke(args=["florentin", "deliveries", "list"])
    assert "shop_that_is_nowhere" in result.output
    assert result.exit_code == 2
