"""One configuration from every source: the environment, Flask, Django and code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from pydantic import SecretStr

from florentin_webhooks import MemoryStore, Receiver, RedisStore, RQQueue, Spool
from florentin_webhooks.core.config.environment import ENVIRONMENT
from florentin_webhooks.core.config.keys import FIELDS
from florentin_webhooks.core.config.model import ReceiverConfig
from florentin_webhooks.core.config.stores import STORES
from florentin_webhooks.django import settings as django_settings
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.flask import config as flask_config
from florentin_webhooks.senders.florentin.sender import FlorentinSender
from tests.support.django_settings import configure

SECRET = "a-secret-of-some-length"
REDIS = "redis://user:pa55word@localhost:1/0"
Values = dict[str, Any]  # Any: a source may hold anything.


@pytest.fixture(autouse=True)
def _django(monkeypatch: pytest.MonkeyPatch) -> None:
    configure()
    for name in ENVIRONMENT.fields:
        monkeypatch.delenv(name, raising=False)


# --- the sources, each from the same values by field ---


def in_environment(values: Values) -> Receiver:
    named = {f"FLORENTIN_{name.upper()}": value for name, value in values.items()}
    return Receiver.from_env({"FLORENTIN_WEBHOOK_SECRET": SECRET, **named})


def in_flask(values: Values) -> Receiver:
    named = {f"FLORENTIN_{name.upper()}": value for name, value in values.items()}
    app = Flask(__name__)
    if "queue_receiver" not in values:
        named["FLORENTIN_APP"] = "shop:app"
    app.config.update({"FLORENTIN_WEBHOOK_SECRET": SECRET, **named})
    FlorentinWebhooks(app)
    receiver = app.extensions["florentin_webhooks"]
    assert isinstance(receiver, Receiver)
    return receiver


def in_django(values: Values) -> Receiver:
    named = {name.upper(): value for name, value in values.items()}
    built = django_settings.build({"SECRETS": SECRET, "STORE": "memory", **named})
    if isinstance(built, tuple):
        raise ConfigurationError(built[0].message, built[0].hint)
    return built


def in_code(values: Values) -> Receiver:
    return Receiver(SECRET, **values)


SOURCES: Mapping[str, tuple[Callable[[Values], Receiver], str]] = {
    "environment": (in_environment, "FLORENTIN_{}"),
    "flask": (in_flask, "FLORENTIN_{}"),
    "django": (in_django, "FLORENTIN_WEBHOOKS['{}']"),
    "code": (in_code, "{}"),
}
ARGUMENTS = set(inspect.signature(Receiver).parameters) - {"unknown"}
INVALID = [
    *(("tolerance", value) for value in ("abc", "-1", "0", "nan", "9" * 15, "15 min")),
    *(("leeway", value) for value in ("abc", "inf")),
    ("timeout", "0"),
    *(("max_body", value) for value in ("0", "1 MiB", "1.5", "2147483648")),
    *(("sender", value) for value in ("florentin", "os:path")),
    *(("clock", value) for value in ("shop", "os:path", "no.such:thing")),
    *(
        ("store", value)
        for value in ("databse", "redis", "nonsense", REDIS.replace("redis:", "x:"))
    ),
    *(("retention", value) for value in ("0", "soon")),
    ("lease", "never"),
    ("unfinished_retention", "-30d"),
    *(("history", value) for value in ("-1", "all")),
    *(("queue_retries", value) for value in ("0", "5,,30", "1.5", "5,x")),
    *(("queue_timeout", value) for value in ("0", "0.5", "a minute")),
    ("queue_receiver", "shop"),
    ("queue_error_text", "maybe"),
    ("database", "x://y"),
    *(("spool_max_bytes", value) for value in ("10", "1 MiB")),
]


@pytest.mark.parametrize(("field", "value"), INVALID)
def test_one_mistake_has_one_message_in_every_source(field: str, value: str) -> None:
    found = set[tuple[str, str]]()
    for source, (build, form) in SOURCES.items():
        if source == "code" and field not in ARGUMENTS:
            continue
        with pytest.raises(ConfigurationError) as caught:
            build({field: value})
        place = form.format(field if source == "code" else field.upper())
        message, hint = caught.value.message, caught.value.hint
        assert message.startswith(f"{place} is ")
        assert hint.startswith(f"Set {place} to ")
        assert "pa55word" not in f"{message}{hint}"
        found.add((message.removeprefix(place), hint.removeprefix(f"Set {place}")))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tolerance": "2d"}, "The store's retention (1 day, 0:00:00) is shorter than"),
        ({"timeout": "1m"}, "The store's lease (0:01:00) is not longer than a handler's timeout"),
        ({"store": "memory", "queue": "florentin"}, "MemoryStore cannot push jobs in the step"),
    ],
)
def test_a_contradiction_has_one_message_in_every_source(values: Values, message: str) -> None:
    found = set[tuple[str, str]]()
    for build, _ in SOURCES.values():
        with pytest.raises(ConfigurationError) as caught:
            build(values)
        found.add((caught.value.message, caught.value.hint))
    ((text, hint),) = found
    assert text.startswith(message)
    assert hint.endswith(".")


@pytest.mark.parametrize("source", [name for name in SOURCES if name != "code"])
def test_every_argument_is_reachable_from_every_source(source: str) -> None:
    build, _ = SOURCES[source]
    values: Values = {
        "store": REDIS,
        "queue": "mail",
        "tolerance": "20m",
        "leeway": "1m",
        "timeout": "9",
        "max_body": "1024",
        "clock": "florentin_webhooks.core.clock:utc_now",
        "sender": "florentin_webhooks.senders.florentin.sender:FLORENTIN",
        "retention": "2d",
        "lease": "90s",
        "unfinished_retention": "60d",
        "history": "10",
        "redis_prefix": "shop:",
        "queue_retries": "5, 1m",
        "queue_timeout": "2m",
        "queue_receiver": "shop.hooks:hooks",
        "queue_error_text": "true",
    }
    hooks = build(values)
    store, queue = hooks.store, hooks.queue
    assert isinstance(store, RedisStore)
    assert isinstance(queue, RQQueue)
    assert store.retention == timedelta(days=2)
    assert store.lease == timedelta(seconds=90)
    assert store.unfinished_retention == timedelta(days=60)
    assert (queue.name, queue.retries, queue.timeout) == ("mail", (5, 60), 120)
    assert (queue.receiver, queue.error_text) == ("shop.hooks:hooks", True)
    assert hooks.max_body == 1024
    options = ReceiverConfig.model_validate({"secrets": SECRET, **values}).receiver_options()
    assert set(options) == {"secrets", *values} & ARGUMENTS - {"store", "queue"}


def test_stores_in_memory_and_in_the_database_take_their_options() -> None:
    memory = in_environment({"store": "memory", "capacity": "1", "lease": "2m"}).store
    assert isinstance(memory, MemoryStore)
    assert memory.lease == timedelta(minutes=2)
    database = in_environment({"store": "database", "database": "absent", "retention": "2d"}).store
    assert type(database).__name__ == "DjangoStore"
    assert (getattr(database, "using", ""), database.retention) == ("absent", timedelta(days=2))


def test_spool_is_reachable_from_every_source(tmp_path: Path) -> None:
    path, key = str(tmp_path / "spool.db"), Fernet.generate_key().decode()
    values: Values = {"spool": path, "spool_max_bytes": "2000000", "spool_keys": f"{key},{key}"}
    for source, (build, _) in SOURCES.items():
        spool = build({"spool": path} if source == "code" else values).spool
        assert isinstance(spool, Spool)
        assert (spool.path, spool.is_encrypted) == (path, source != "code")
        assert (spool.measure().capacity == 2_000_000) == (source != "code")
    assert in_code({"spool": Path(path)}).spool is not None
    assert in_code({"spool": Spool(path)}).spool is not None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"spool": "/no/such/folder/spool.db"}, "The folder of the spool /no/such/folder/spool.db"),
        ({"spool": 5}, "{} is 5."),
        ({"spool": "./spool.db", "spool_keys": "made-up"}, "A key of the spool is not 32 bytes"),
        ({"spool_keys": "made-up"}, "FLORENTIN_SPOOL_KEYS is set without a spool."),
    ],
)
def test_spool_that_cannot_work_is_refused(values: Values, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        in_environment(values)
    assert caught.value.message.startswith(message.format("FLORENTIN_SPOOL"))
    assert caught.value.hint
    assert "made-up" not in str(caught.value)


def test_every_parameter_is_a_field() -> None:
    from florentin_webhooks.django import DjangoStore

    renamed = {"using": "database", "prefix": "redis_prefix", "server": "store"}
    parameters = {
        renamed.get(name, name)
        for called in (Receiver, MemoryStore, RedisStore, DjangoStore)
        for name in inspect.signature(called).parameters
    }
    of_queue = {f"queue_{name}" for name in inspect.signature(RQQueue).parameters}
    of_spool = {f"spool_{name}" for name in inspect.signature(Spool).parameters}
    old = {"keep", "unknown"}  # The old name of unfinished_retention; misspelt arguments.
    own = (parameters | of_queue | of_spool) - old - {"queue_name", "spool_path"}
    assert own == set(FIELDS)


def test_the_defaults_of_a_receiver_are_those_of_the_model() -> None:
    for name, parameter in inspect.signature(Receiver).parameters.items():
        if name in FIELDS and parameter.default is not inspect.Parameter.empty:
            assert parameter.default == ReceiverConfig.model_fields[name].default, name


def test_every_field_has_a_key_in_every_source() -> None:
    keys = (ENVIRONMENT, flask_config.KEYS, django_settings.KEYS)
    assert [set(each.fields.values()) for each in keys] == [set(FIELDS)] * 3


# --- code ---


@pytest.mark.parametrize("tolerance", [900, 900.0, "900", "15m", timedelta(minutes=15)])
def test_a_duration_in_code_has_any_form(tolerance: Any) -> None:
    retention = timedelta(minutes=20)
    Receiver(SECRET, store=MemoryStore(retention=retention), tolerance=tolerance)
    with pytest.raises(ConfigurationError, match="shorter than"):
        Receiver(SECRET, store=MemoryStore(retention=retention), tolerance=tolerance, leeway=301)


def test_stores_and_queues_in_code_are_built_by_name() -> None:
    hooks = Receiver(SECRET, store=REDIS, queue="mail")
    assert isinstance(hooks.store, RedisStore)
    assert isinstance(hooks.queue, RQQueue)
    assert hooks.queue.name == "mail"
    assert isinstance(Receiver(SECRET, store="memory").store, MemoryStore)
    assert type(Receiver(SECRET, store="database").store).__name__ == "DjangoStore"
    assert isinstance(Receiver(SECRET, store=SecretStr(REDIS)).store, RedisStore)  # type: ignore[call-overload]


class HalfAStore(MemoryStore):
    """A store without an operation for asyncio programs."""

    aexecute = None  # type: ignore[assignment]


class Seconds(MemoryStore):
    """A store whose lease is a number."""

    def __init__(self) -> None:
        super().__init__()
        self.lease = 60  # type: ignore[assignment]


class SomeStore(SimpleNamespace):
    """An object with attributes of a store, which as a class has all of them."""

    execute = aexecute = close = aclose = print
    lease = retention = timedelta(hours=1)


class WholeStore(SomeStore):
    """What a store has, but not an instance of it."""

    supports_jobs = supports_transactions = False


WRONG_TYPES: Mapping[str, list[Any]] = {
    "tolerance": ["abc", -1, True, [], float("nan"), 10**400],
    "leeway": [-1, b"5", timedelta(seconds=-1)],
    "timeout": [-1, 0, timedelta.max],
    "max_body": ["x", 0, -1, 1.5, True, False, 10**400],
    "clock": [3, "", timedelta(), datetime.now, lambda: 3],
    "sender": [3, "", "no.such:thing", object(), FlorentinSender],
    "store": [
        *(42, "", "redis", MemoryStore, RQQueue, object(), HalfAStore(), Seconds(), WholeStore),
        *(SomeStore(supports_jobs=True), SomeStore(supports_transactions=True)),
    ],
    "name": ["a\nb", "n" * 101, 5],
    "queue": [42, [], True, RQQueue, MemoryStore(), "", "a b"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, each in WRONG_TYPES.items() for value in each]
)
def test_an_invalid_argument_is_a_configuration_error(name: str, value: Any) -> None:
    arguments: Values = {name: value}
    with pytest.raises(ConfigurationError, match=name):
        Receiver(SECRET, **arguments)


def test_path_that_cannot_be_imported_is_not_shown() -> None:
    for path, said in ((SECRET, "not the path of anything that can be imported."), (" ", "blank.")):
        with pytest.raises(ConfigurationError) as caught:
            Receiver(SECRET, sender=path)  # type: ignore[call-overload]  # By its path.
        assert caught.value.message == f"sender is {said}"


def test_missing_secret_in_code_is_no_empty_variable() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Receiver(None)  # type: ignore[call-overload]  # As from os.environ.get().
    assert caught.value.message == "No secret is configured."


def test_function_that_looks_secrets_up_is_passed_on() -> None:
    config = ReceiverConfig.model_validate({"secrets": repr})
    assert config.receiver_options() == {"secrets": repr}


def test_an_unknown_argument_is_refused_with_the_nearest() -> None:
    arguments: Values = {"tolerence": 900}
    with pytest.raises(ConfigurationError, match=r"no argument 'tolerence'.*mean tolerance"):
        Receiver(SECRET, **arguments)


@pytest.mark.parametrize(
    ("store", "name"),
    [
        (MemoryStore, "retention"),
        (MemoryStore, "lease"),
        (partial(RedisStore, REDIS), "retention"),
        (partial(RedisStore, REDIS), "lease"),
        (partial(RedisStore, REDIS), "unfinished_retention"),
    ],
)
@pytest.mark.parametrize("value", ["abc", -1, 0, [], True, float("nan"), 10**400])
def test_an_invalid_duration_of_a_store_is_a_configuration_error(
    store: Callable[..., object], name: str, value: Any
) -> None:
    with pytest.raises(ConfigurationError, match=f"Set {name} to a duration above 0: seconds"):
        store(**{name: value})


def test_a_duration_of_a_store_has_any_form() -> None:
    for retention in (7200, "7200", "2h", timedelta(hours=2)):
        store = RedisStore(REDIS, retention=retention, lease="90s", unfinished_retention="60d")
        assert (store.retention, store.lease) == (timedelta(hours=2), timedelta(seconds=90))
        assert MemoryStore(retention=retention).retention == timedelta(hours=2)


@pytest.mark.parametrize("value", ["x", -1, 1.5, None])
def test_an_invalid_count_of_a_store_is_a_configuration_error(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="Set history to a number of deliveries, 0"):
        RedisStore(REDIS, history=value)
    with pytest.raises(ConfigurationError, match="Set capacity to a number of deliveries, 1"):
        MemoryStore(capacity=value)


@pytest.mark.parametrize("secrets", [None, "", 7, [], {}, {1: SECRET}, {SECRET: None}])
def test_invalid_secrets_are_a_configuration_error(secrets: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Receiver(secrets)
    assert SECRET not in str(caught.value)


# --- options that would do nothing ---


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"store": "memory", "history": "1"}, "KEY does not apply to this store."),
        ({"store": REDIS, "capacity": "1"}, "KEY does not apply to this store."),
        ({"store": REDIS, "database": "x"}, "KEY does not apply to this store."),
    ],
)
def test_an_option_of_another_store_is_refused(values: Values, message: str) -> None:
    for source in ("environment", "flask", "django"):
        build, form = SOURCES[source]
        with pytest.raises(ConfigurationError) as caught:
            build(values)
        key = form.format(list(values)[-1].upper())
        assert caught.value.message == message.replace("KEY", key)


def test_options_cannot_change_what_is_already_built(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot change a store .* MemoryStore\(...\)"):
        in_flask({"store": MemoryStore(), "lease": 90})
    with pytest.raises(ConfigurationError, match=r"cannot change a queue .* RQQueue\(...\)"):
        in_flask({"store": REDIS, "queue": RQQueue(), "queue_retries": [1]})
    with pytest.raises(ConfigurationError, match=r"cannot change a spool .* Spool\(...\)"):
        in_flask({"spool": Spool(tmp_path / "spool.db"), "spool_max_bytes": 2_000_000})


def test_flag_in_place_of_a_number_is_refused() -> None:
    for flag in (True, False):
        with pytest.raises(ConfigurationError, match=f"FLORENTIN_HISTORY is {flag}"):
            in_flask({"store": REDIS, "history": flag})


def test_options_of_an_unset_store_apply_to_memory() -> None:
    hooks = in_environment({"lease": "90", "redis_prefix": "shop:", "queue_retries": "5"})
    assert isinstance(hooks.store, MemoryStore)
    assert (hooks.store.lease, hooks.queue) == (timedelta(seconds=90), None)


# --- the model ---


def test_a_configuration_shows_neither_secrets_nor_passwords() -> None:
    config = ReceiverConfig.model_validate({"secrets": SECRET, "store": REDIS})
    dumped = config.model_dump_json(exclude={"store", "clock", "sender"})
    assert SECRET not in f"{config!r}{config}{dumped}"
    assert "pa55word" not in f"{config!r}{config}"


def test_every_field_says_what_it_takes() -> None:
    assert [name for name in FIELDS if not ReceiverConfig.model_fields[name].description] == []


def test_every_registered_store_has_options_of_the_model() -> None:
    for entry in STORES.values():
        assert set(entry.options) <= set(FIELDS)
