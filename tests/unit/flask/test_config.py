"""Flask's config: its keys, secrets, the environment below it, and what is built from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from florentin_webhooks import MemoryStore, RedisStore, RQQueue
from florentin_webhooks.core.config.model import ReceiverConfig
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.flask.config import KEYS, load_flask_config, mount_path
from tests.support.command_line import python
from tests.support.flask_apps import flask, held, post
from tests.support.vectors import SECRET

NEW, OLD = "a-new-secret-of-some-length", "an-old-secret-of-some-length"
REDIS = "redis://nowhere"


def load(environ: Mapping[str, str] = {}, **config: object) -> ReceiverConfig:
    """The configuration in *config*, whose keys have no prefix here."""
    own = {f"FLORENTIN_{key}": value for key, value in config.items()}
    given = {"SECRET_KEY": "x", "FLORENTIN_WEBHOOK_SECRET": SECRET, **own}
    return load_flask_config(given, environ)


def secrets(config: ReceiverConfig) -> dict[str, str]:
    return {name: secret.decode() for name, secret in config.plain_secrets().items()}


def refused(**config: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load({}, **config)
    return caught.value


def test_a_secret_is_enough() -> None:
    assert load().model_fields_set == {"secrets"}
    assert mount_path({}) == "/webhooks/florentin"


def test_every_value_may_be_of_its_own_type() -> None:
    found = load(TOLERANCE=timedelta(hours=1), LEEWAY=0, MAX_BODY=1024, QUEUE_RETRIES=[5, 30])
    assert (found.tolerance, found.leeway) == (timedelta(hours=1), timedelta())
    assert (found.max_body, found.queue_retries) == (1024, (5, 30))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TOLERANCE", "nan"),
        ("LEEWAY", float("inf")),
        ("TIMEOUT", [8]),
        ("MAX_BODY", "1 MiB"),
        ("MAX_BODY", 1.5),
        ("QUEUE_RETRIES", 5),
        ("QUEUE_RETRIES", "5,,30"),
        ("QUEUE_TIMEOUT", "a minute"),
        ("QUEUE", True),
        ("REDIS_URL", 7),
        ("APP", "shop"),
    ],
)
def test_an_invalid_value_is_refused_by_its_key(key: str, value: object) -> None:
    error = refused(**{key: value})
    assert error.message.startswith(f"FLORENTIN_{key} is ")
    assert error.hint.startswith(f"Set FLORENTIN_{key} to ")


def test_an_invalid_path_is_refused_by_its_key() -> None:
    with pytest.raises(ConfigurationError, match=r"FLORENTIN_PATH is 7\. Set FLORENTIN_PATH to"):
        FlorentinWebhooks(flask(FLORENTIN_PATH=7))


def test_a_misspelt_key_is_refused_with_the_nearest() -> None:
    error = refused(WEBHOOK_SECERT=SECRET)
    assert error.message == "The config has no key 'FLORENTIN_WEBHOOK_SECERT'."
    assert error.hint == "Did you mean FLORENTIN_WEBHOOK_SECRET?"


def test_an_unknown_key_is_refused_with_all_keys() -> None:
    assert refused(XYZ=1).hint == f"Use one of: {', '.join(KEYS.fields)}."


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("KEEP", "UNFINISHED_RETENTION", "60d"),
        ("RETRIES", "QUEUE_RETRIES", "5,30"),
        ("JOB_TIMEOUT", "QUEUE_TIMEOUT", 90),
    ],
)
def test_an_old_key_works_and_warns(old: str, new: str, value: Any) -> None:
    with pytest.warns(DeprecationWarning, match=f"FLORENTIN_{old} was renamed to FLORENTIN_{new};"):
        assert load(**{old: value}) == load(**{new: value})


def test_an_old_and_a_new_key_contradict_each_other() -> None:
    with pytest.warns(DeprecationWarning, match="FLORENTIN_KEEP"):
        error = refused(KEEP=1, UNFINISHED_RETENTION=1)
    assert "FLORENTIN_KEEP and FLORENTIN_UNFINISHED_RETENTION are both set." in error.message


# --- secrets ---


@pytest.mark.parametrize("value", [{"new": NEW, "old": OLD}, f'{{"new": "{NEW}", "old": "{OLD}"}}'])
def test_several_secrets_have_names(value: object) -> None:
    found = secrets(load(WEBHOOK_SECRET=None, WEBHOOK_SECRETS=value))
    assert found == {"new": NEW, "old": OLD}


def test_a_list_of_secrets_is_numbered() -> None:
    found = secrets(load(WEBHOOK_SECRET=None, WEBHOOK_SECRETS=[NEW, OLD]))
    assert found == {"secret-1": NEW, "secret-2": OLD}


@pytest.mark.parametrize("value", [NEW, '"a string of some length"', "{broken", '{"a": 1, "a": 2}'])
def test_text_that_is_not_json_is_refused_unseen(value: str) -> None:
    error = refused(WEBHOOK_SECRET=None, WEBHOOK_SECRETS=value)
    assert error.message.startswith("FLORENTIN_WEBHOOK_SECRETS is not JSON of several secrets.")
    assert value not in str(error)


def test_secrets_of_another_type_are_refused() -> None:
    error = refused(WEBHOOK_SECRET=None, WEBHOOK_SECRETS=7)
    assert error.message == "FLORENTIN_WEBHOOK_SECRETS: secret-1 is int, not str or bytes."


def test_one_secret_and_several_contradict_each_other() -> None:
    error = refused(WEBHOOK_SECRETS=[NEW])
    both = "FLORENTIN_WEBHOOK_SECRET and FLORENTIN_WEBHOOK_SECRETS are both set."
    assert (error.message, error.hint) == (both, "Keep one of them.")


def test_a_previous_secret_is_named_after_its_variable() -> None:
    found = secrets(load(WEBHOOK_SECRET_PREVIOUS=OLD))
    expected = {"FLORENTIN_WEBHOOK_SECRET": SECRET, "FLORENTIN_WEBHOOK_SECRET_PREVIOUS": OLD}
    assert found == expected


def test_a_missing_secret_is_refused() -> None:
    error = refused(WEBHOOK_SECRET="")
    assert error.message == "FLORENTIN_WEBHOOK_SECRET is empty."
    assert error.hint.startswith("Set FLORENTIN_WEBHOOK_SECRET to the secret from")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("short", "FLORENTIN_WEBHOOK_SECRET has 5 bytes, fewer than 16."),
        (f"{SECRET}\n", "FLORENTIN_WEBHOOK_SECRET ends with a newline."),
        (12345678901234567890, "FLORENTIN_WEBHOOK_SECRET is int, not str or bytes."),
    ],
)
def test_a_bad_secret_is_refused_by_its_key(value: object, message: str) -> None:
    assert refused(WEBHOOK_SECRET=value).message == message


def test_a_configuration_shows_no_secret() -> None:
    shown = repr(load(REDIS_URL="redis://:password@nowhere"))
    assert SECRET not in shown
    assert "password" not in shown


# --- the environment ---


def test_the_environment_counts_where_the_config_has_no_key() -> None:
    environ = {
        "FLORENTIN_WEBHOOK_SECRET": NEW,
        "FLORENTIN_REDIS_URL": REDIS,
        "FLORENTIN_QUEUE": "",
        "FLORENTIN_TOLERANCE": "1h",
    }
    found = load_flask_config({}, environ)
    assert secrets(found) == {"FLORENTIN_WEBHOOK_SECRET": NEW}
    assert (found.store, found.queue, found.tolerance) == (REDIS, None, timedelta(hours=1))


def test_the_config_counts_more_also_with_none() -> None:
    environ = {
        "FLORENTIN_WEBHOOK_SECRETS": f'{{"new": "{NEW}"}}',
        "FLORENTIN_REDIS_URL": REDIS,
        "FLORENTIN_QUEUE": "q",
    }
    found = load(environ, REDIS_URL=None, QUEUE="own")
    assert secrets(found) == {"FLORENTIN_WEBHOOK_SECRET": SECRET}
    assert (found.store, found.queue) == (None, "own")


def test_store_in_the_config_replaces_the_environment() -> None:
    assert load({"FLORENTIN_REDIS_URL": REDIS}, STORE="memory").store == "memory"


def test_a_prefixed_environment_is_read_by_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_FLORENTIN_WEBHOOK_SECRETS__new", NEW)
    monkeypatch.setenv("FLASK_FLORENTIN_QUEUE_RETRIES", "[5, 30]")
    monkeypatch.setenv("FLASK_FLORENTIN_PATH", "null")
    app = Flask(__name__)
    app.config.from_prefixed_env()
    found = load_flask_config(app.config, {})
    assert (secrets(found), mount_path(app.config)) == ({"new": NEW}, None)
    assert found.queue_retries == (5, 30)


# --- what is built ---


def test_a_redis_store_and_a_queue_are_built() -> None:
    app = flask(FLORENTIN_QUEUE="own", FLORENTIN_QUEUE_RETRIES="7", FLORENTIN_RETENTION="3600")
    app.config.update(FLORENTIN_REDIS_URL=REDIS, FLORENTIN_APP="shop:app")
    FlorentinWebhooks(app)
    hooks = held(app)
    assert isinstance(hooks.store, RedisStore)
    assert isinstance(hooks.queue, RQQueue)
    assert hooks.store.retention == timedelta(hours=1)
    assert (hooks.queue.name, hooks.queue.retries) == ("own", (7,))
    assert hooks.path == "shop:app"


def test_without_a_redis_url_the_store_is_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    app = flask(FLORENTIN_MAX_BODY="10", FLORENTIN_LEASE="30")
    FlorentinWebhooks(app)
    assert isinstance(held(app).store, MemoryStore)
    assert held(app).store.lease == timedelta(seconds=30)
    assert post(app).outcome == "too-large"
    app = flask(FLORENTIN_LEASE="30")
    FlorentinWebhooks(app)
    assert post(app).outcome == "ignored"
    assert "no store is configured" in caplog.text.lower()


def test_a_queue_without_a_redis_url_is_refused() -> None:
    app = flask(FLORENTIN_QUEUE="florentin", FLORENTIN_APP="shop:app")
    with pytest.raises(ConfigurationError, match="Use a Redis store with a queue"):
        FlorentinWebhooks(app)


# --- what an import loads ---


def test_the_extension_loads_no_redis_and_no_queue() -> None:
    heavy = ("redis", "rq", "starlette", "uvicorn", "django", "fastapi", "anyio")
    program = (
        "from flask import Flask\nfrom florentin_webhooks.flask import FlorentinWebhooks\n"
        "FlorentinWebhooks(Flask('shop'))\n"
        f"import sys; print([name for name in {heavy} if name in sys.modules])"
    )
    assert python("-W", "error", "-c", program).data == "[]\n"


def test_missing_flask_is_reported_with_how_to_install_it() -> None:
    program = "import sys; sys.modules['flask'] = None\nimport florentin_webhooks.flask"
    reported = 'Flask is not installed. Install it: pip install "florentin-webhooks[flask]"\n'
    assert python("-c", program).talk.endswith(f"ModuleNotFoundError: {reported}")
