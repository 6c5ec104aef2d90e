"""What an app's config may say, and what is said where it cannot be meant."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import timedelta

import pytest
from flask import Flask

from florentin_webhooks import MemoryStore, Receiver, RedisStore, RQQueue
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.flask.config import DEFAULT_PATH, KEYS, OPTIONS, PREFIX, Settings, read
from tests.support.command_line import python
from tests.support.flask_apps import flask, held, post
from tests.support.markdown import PAGES
from tests.support.vectors import SECRET

NEW, OLD = "a-new-secret-of-some-length", "an-old-secret-of-some-length"
REDIS = "redis://nowhere"


def settings(environ: Mapping[str, str] = {}, **config: object) -> Settings:
    """What is read of config whose keys stand here without their prefix."""
    own = {f"FLORENTIN_{key}": value for key, value in config.items()}
    return read({"SECRET_KEY": "x", "FLORENTIN_WEBHOOK_SECRET": SECRET, **own}, environ)


def test_a_secret_is_enough() -> None:
    found = settings()
    assert found.path == DEFAULT_PATH
    assert (found.redis_url, found.queue) == (None, None)
    assert (found.for_receiver, found.for_store, found.for_queue) == ({}, {}, {})


def test_every_value_may_be_a_string() -> None:
    found = settings(
        TOLERANCE="900",
        LEEWAY="0.5",
        TIMEOUT="9",
        MAX_BODY="1024",
        RETENTION="86400",
        KEEP="86400",
        LEASE="60",
        HISTORY="10",
        REDIS_PREFIX="shop:",
        RETRIES="5,30, 120",
        JOB_TIMEOUT="90",
    )
    assert found.for_receiver == {
        "tolerance": timedelta(minutes=15),
        "leeway": timedelta(seconds=0.5),
        "timeout": timedelta(seconds=9),
        "max_body": 1024,
    }
    assert found.for_store == {
        "retention": timedelta(days=1),
        "unfinished_retention": timedelta(days=1),
        "lease": timedelta(minutes=1),
        "history": 10,
        "prefix": "shop:",
    }
    assert found.for_queue == {"retries": (5, 30, 120), "timeout": 90}


def test_every_value_may_be_what_it_stands_for() -> None:
    found = settings(TOLERANCE=timedelta(hours=1), LEEWAY=0, MAX_BODY=1024, RETRIES=[5, 30])
    assert found.for_receiver["tolerance"] == timedelta(hours=1)
    assert found.for_receiver["leeway"] == timedelta()
    assert (found.for_receiver["max_body"], found.for_queue["retries"]) == (1024, (5, 30))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TOLERANCE", "15m"),
        ("TOLERANCE", "nan"),
        ("LEEWAY", float("inf")),
        ("TIMEOUT", [8]),
        ("MAX_BODY", "1 MiB"),
        ("MAX_BODY", 1.5),
        ("RETRIES", 5),
        ("RETRIES", "5,,30"),
        ("JOB_TIMEOUT", "a minute"),
        ("PATH", 7),
        ("QUEUE", True),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"FLORENTIN_{key} is .*; give "):
        read({"FLORENTIN_WEBHOOK_SECRET": SECRET, f"FLORENTIN_{key}": value}, {})


def test_a_misspelt_key_is_refused_with_the_one_that_was_meant() -> None:
    meant = "no setting FLORENTIN_WEBHOOK_SECERT; did you mean FLORENTIN_WEBHOOK_SECRET?"
    with pytest.raises(ConfigurationError, match=meant.replace("?", r"\?")):
        settings(WEBHOOK_SECERT=SECRET)


def test_a_key_that_is_like_none_is_refused_with_all_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=f"FLORENTIN_XYZ; there are {', '.join(KEYS)}"):
        settings(XYZ=1)


# --- secrets ---


@pytest.mark.parametrize(
    "value", [{"new": NEW, "old": OLD}, [NEW, OLD], f'{{"new": "{NEW}", "old": "{OLD}"}}']
)
def test_secrets_while_rotating(value: object) -> None:
    assert settings(WEBHOOK_SECRET=None, WEBHOOK_SECRETS=value).secrets in (
        {"new": NEW, "old": OLD},
        [NEW, OLD],
    )


@pytest.mark.parametrize("value", [7, NEW, '"a string"'])
def test_secrets_of_another_kind_are_refused_and_not_quoted(value: object) -> None:
    with pytest.raises(ConfigurationError, match="SECRETS is neither a mapping") as caught:
        settings(WEBHOOK_SECRET=None, WEBHOOK_SECRETS=value)
    assert str(value) not in str(caught.value)


def test_one_secret_and_several_contradict_each_other() -> None:
    with pytest.raises(ConfigurationError, match="SECRETS are both set; keep one"):
        settings(WEBHOOK_SECRETS=[NEW])


def test_without_a_secret_it_is_said_where_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match="FLORENTIN_WEBHOOK_SECRET is not set; copy it"):
        settings(WEBHOOK_SECRET="")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("short", "FLORENTIN_WEBHOOK_SECRET has 5 bytes"),
        (f"{SECRET}\n", "FLORENTIN_WEBHOOK_SECRET has white space around it"),
        (12345678901234567890, "FLORENTIN_WEBHOOK_SECRET is int; a secret is str or bytes"),
    ],
)
def test_a_bad_secret_is_refused_by_its_key(value: object, told: str) -> None:
    app = flask()
    app.config["FLORENTIN_WEBHOOK_SECRET"] = value
    with pytest.raises(ConfigurationError, match=told):
        FlorentinWebhooks(app)


def test_settings_show_no_secret() -> None:
    shown = repr(settings(REDIS_URL="redis://:password@nowhere"))
    assert SECRET not in shown
    assert "password" not in shown


# --- the environment ---


def test_the_environment_counts_where_the_config_says_nothing() -> None:
    environ = {"FLORENTIN_WEBHOOK_SECRET": NEW, "FLORENTIN_REDIS_URL": REDIS, "FLORENTIN_QUEUE": ""}
    found = read({}, environ)
    assert found.secrets == {"FLORENTIN_WEBHOOK_SECRET": NEW}
    assert (found.redis_url, found.queue) == (REDIS, None)


def test_the_config_counts_more_also_where_it_says_none() -> None:
    environ = {
        "FLORENTIN_WEBHOOK_SECRET": NEW,
        "FLORENTIN_REDIS_URL": REDIS,
        "FLORENTIN_QUEUE": "q",
    }
    found = settings(environ, REDIS_URL=None, QUEUE="own")
    assert found.secrets == {"FLORENTIN_WEBHOOK_SECRET": SECRET}
    assert (found.redis_url, found.queue) == (None, "own")


def test_several_secrets_in_the_config_are_not_crossed_by_one_in_the_environment() -> None:
    found = read({"FLORENTIN_WEBHOOK_SECRETS": [OLD]}, {"FLORENTIN_WEBHOOK_SECRET": NEW})
    assert found.secrets == [OLD]


def test_what_flask_reads_from_a_prefixed_environment_is_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLASK_FLORENTIN_WEBHOOK_SECRETS__new", NEW)
    monkeypatch.setenv("FLASK_FLORENTIN_RETRIES", "[5, 30]")
    monkeypatch.setenv("FLASK_FLORENTIN_PATH", "null")
    app = Flask(__name__)
    app.config.from_prefixed_env()
    found = read(app.config, {})
    assert (found.secrets, found.path) == ({"new": NEW}, None)
    assert found.for_queue == {"retries": (5, 30)}


# --- what is built of it ---


def test_a_redis_and_a_queue_are_built_as_they_are_described() -> None:
    app = flask(FLORENTIN_QUEUE="own", FLORENTIN_RETRIES="7", FLORENTIN_RETENTION="3600")
    app.config.update(FLORENTIN_REDIS_URL=REDIS, FLORENTIN_APP="shop:app")
    FlorentinWebhooks(app)
    hooks = held(app)
    assert isinstance(hooks.store, RedisStore)
    assert isinstance(hooks.queue, RQQueue)
    assert hooks.store.retention == timedelta(hours=1)
    assert (hooks.queue.name, hooks.queue.retries) == ("own", (7,))
    assert hooks.path == "shop:app"


def test_without_a_redis_it_remembers_in_memory() -> None:
    app = flask(FLORENTIN_MAX_BODY="10")
    FlorentinWebhooks(app)
    assert isinstance(held(app).store, MemoryStore)
    assert post(app).outcome == "too-large"


def test_a_queue_without_a_redis_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="FLORENTIN_REDIS_URL is not; a queue needs a"):
        FlorentinWebhooks(flask(FLORENTIN_QUEUE="florentin"))


# --- what the docs say ---

PARTS = {"receiver": Receiver, "store": RedisStore, "queue": RQQueue}


def meant(words: str) -> object:
    """The value that *words* in the table stand for."""
    numbers = [int(number) for number in words.replace("1,", "1").split(", ") if number.isdigit()]
    if len(numbers) > 1:
        return tuple(numbers)
    number, _, unit = words.replace(",", "").partition(" ")
    if not number.isdigit():
        return words
    return timedelta(**{unit: int(number)}) if unit else int(number)


def test_the_table_of_keys_is_the_one_of_the_code() -> None:
    (page,) = (page for page in PAGES if page.name == "docs/flask.md")
    rows = {key: row for key, row in page.rows().items() if key.startswith(PREFIX)}
    assert sorted(rows) == sorted(KEYS)
    for key, option in OPTIONS.items():
        parameters = inspect.signature(PARTS[option.part]).parameters
        assert meant(rows[PREFIX + key][0]) == parameters[option.name].default, key


# --- what an import loads ---


def test_the_extension_loads_no_redis_and_no_queue() -> None:
    heavy = ("redis", "rq", "starlette", "uvicorn", "django", "fastapi", "anyio")
    program = (
        "from flask import Flask\nfrom florentin_webhooks.flask import FlorentinWebhooks\n"
        "FlorentinWebhooks(Flask('shop'))\n"
        f"import sys; print([name for name in {heavy} if name in sys.modules])"
    )
    assert python("-W", "error", "-c", program).data == "[]\n"


def test_without_flask_it_is_said_what_to_install() -> None:
    program = "import sys; sys.modules['flask'] = None\nimport florentin_webhooks.flask"
    told = 'Flask is not installed; pip install "florentin-webhooks[flask]"\n'
    assert python("-c", program).talk.endswith(f"ModuleNotFoundError: {told}")
