"""The environment as a source: secrets, stores, misspelt variables and those of others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore, RQQueue
from florentin_webhooks.core.config.environment import ENVIRONMENT, load_environment
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders.secrets import redact_name
from florentin_webhooks.testing import Provider

SECRET, OLD = "a-secret-of-some-length", "an-old-secret-of-some-length"
REDIS = "redis://localhost"


def environ(**values: str) -> dict[str, str]:
    """Variables, whose names have no prefix here."""
    return {f"FLORENTIN_{name}": value for name, value in values.items()}


def refused(given: Mapping[str, str]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Receiver.from_env(given)
    return caught.value


def accepted_names(given: Mapping[str, str], *secrets: str) -> list[str]:
    """The name of each of *secrets* in a receiver of *given*."""
    receiver = Receiver.from_env(given)
    made = [Provider(secret).make("invoice.created") for secret in secrets]
    return [receiver.verify(*each)[0].secret for each in made]


def test_one_secret_is_named_after_its_variable() -> None:
    names = accepted_names(environ(WEBHOOK_SECRET=SECRET), SECRET)
    assert names == ["FLORENTIN_WEBHOOK_SECRET"]


def test_a_previous_secret_is_accepted_beside_the_new_one() -> None:
    given = environ(WEBHOOK_SECRET=SECRET, WEBHOOK_SECRET_PREVIOUS=OLD)
    names = ["FLORENTIN_WEBHOOK_SECRET", "FLORENTIN_WEBHOOK_SECRET_PREVIOUS"]
    assert accepted_names(given, SECRET, OLD) == names


def test_several_secrets_have_names_of_their_own() -> None:
    given = environ(WEBHOOK_SECRETS=f'{{"2026-11": "{SECRET}", "2025-02": "{OLD}"}}')
    assert accepted_names(given, SECRET, OLD) == ["2026-11", "2025-02"]


def test_a_list_of_secrets_is_numbered() -> None:
    given = environ(WEBHOOK_SECRETS=f'["{SECRET}", "{OLD}"]')
    assert accepted_names(given, SECRET, OLD) == ["secret-1", "secret-2"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (environ(), "No secret is configured."),
        (environ(WEBHOOK_SECRET=""), "FLORENTIN_WEBHOOK_SECRET is empty."),
        (environ(WEBHOOK_SECRETS=""), "FLORENTIN_WEBHOOK_SECRETS is empty."),
        (environ(WEBHOOK_SECRET=SECRET, REDIS_URL=" "), "FLORENTIN_REDIS_URL is blank."),
        (environ(WEBHOOK_SECRET=SECRET, TOLERANCE=" "), "FLORENTIN_TOLERANCE is blank."),
        (environ(WEBHOOK_SECRETS="{}"), "FLORENTIN_WEBHOOK_SECRETS: No secret is configured."),
        (environ(WEBHOOK_SECRET=" "), "FLORENTIN_WEBHOOK_SECRET is empty or blank."),
        (
            environ(WEBHOOK_SECRET="short"),
            "FLORENTIN_WEBHOOK_SECRET has 5 bytes, fewer than 16.",
        ),
        (
            environ(WEBHOOK_SECRET=SECRET, WEBHOOK_SECRET_PREVIOUS="short"),
            "FLORENTIN_WEBHOOK_SECRET_PREVIOUS has 5 bytes, fewer than 16.",
        ),
        (
            environ(WEBHOOK_SECRETS=f'{{"{SECRET}": "new"}}'),
            f"FLORENTIN_WEBHOOK_SECRETS: {redact_name(SECRET)} has 3 bytes, fewer than 16.",
        ),
        (
            environ(WEBHOOK_SECRET=SECRET, WEBHOOK_SECRETS=f'["{OLD}"]'),
            "FLORENTIN_WEBHOOK_SECRET and FLORENTIN_WEBHOOK_SECRETS are both set.",
        ),
        (
            environ(WEBHOOK_SECRET_PREVIOUS=OLD, WEBHOOK_SECRETS=f'["{SECRET}"]'),
            "FLORENTIN_WEBHOOK_SECRETS and FLORENTIN_WEBHOOK_SECRET are both set.",
        ),
        (
            environ(WEBHOOK_SECRET=SECRET, REDIS_URL=REDIS, STORE="memory"),
            "FLORENTIN_REDIS_URL and FLORENTIN_STORE are both set.",
        ),
        (
            environ(WEBHOOK_SECRET=SECRET, REDIS_URL="nonsense"),
            "FLORENTIN_REDIS_URL is 'nonsense'.",
        ),
    ],
)
def test_a_mistake_is_refused_by_the_name_of_its_variable(
    given: Mapping[str, str], message: str
) -> None:
    error = refused(given)
    assert error.message == message
    assert error.hint.endswith(".")
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    "text", [SECRET, "{", "7", f'"{SECRET}"', '{"a": "x", "a": "y"}', "\ud800"]
)
def test_secrets_that_are_not_json_are_refused_unseen(text: str) -> None:
    error = refused(environ(WEBHOOK_SECRETS=text))
    assert error.message.startswith("FLORENTIN_WEBHOOK_SECRETS is not JSON of several secrets.")
    assert SECRET not in str(error)


def test_several_mistakes_are_reported_at_once() -> None:
    given = environ(WEBHOOK_SECRET=SECRET, TOLERANCE="x", MAX_BODY="y", QUEUE_TIMEOUT="z")
    for name in ("TOLERANCE", "MAX_BODY", "QUEUE_TIMEOUT"):
        assert f"FLORENTIN_{name} is " in refused(given).message
        assert f"Set FLORENTIN_{name} to " in refused(given).hint


@pytest.mark.parametrize(
    ("misspelt", "near"),
    [
        ("TOLERENCE", "TOLERANCE"),
        ("WEBHOOK_SECERT", "WEBHOOK_SECRET"),
        ("WEBHOOK_SECRET_OLD", "WEBHOOK_SECRET"),
        ("QUEUE_RETRY", "QUEUE_RETRIES"),
        ("REDIS_URI", "REDIS_URL"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest(misspelt: str, near: str) -> None:
    error = refused(environ(WEBHOOK_SECRET=SECRET) | environ(**{misspelt: SECRET}))
    assert error.message == f"The environment has no key 'FLORENTIN_{misspelt}'."
    assert error.hint.startswith("Did you mean FLORENTIN_")
    assert near in error.hint


def test_every_misspelt_variable_is_reported() -> None:
    misspelt = environ(TOLERENCE="1", STROE="memory", LEEWYA="1")
    message = refused(environ(WEBHOOK_SECRET=SECRET) | misspelt).message
    assert [name for name in misspelt if name not in message] == []


def test_variables_of_other_programs_are_ignored() -> None:
    names = ("API_KEY", "API_URL", "WEBHOOK_URL", "RECEIVER", "REDIS_SERVER", "CUSTOMER", "DEBUG")
    others = environ(**dict.fromkeys(names, "x"))
    unprefixed = {"PATH": "x", "NAME": "x", "TOLERANCE": "x"}
    config = load_environment({**unprefixed, **environ(WEBHOOK_SECRET=SECRET), **others})
    assert config.model_fields_set == {"secrets"}


def test_an_empty_variable_is_not_set() -> None:
    empty = dict.fromkeys(ENVIRONMENT.fields, "")
    config = load_environment({**empty, **environ(WEBHOOK_SECRET=SECRET)})
    assert config.model_fields_set == {"secrets"}


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT.fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", SECRET)
    receiver = Receiver.from_env()
    assert isinstance(receiver.store, MemoryStore)
    assert receiver.receive(*Provider(SECRET).make("invoice.created")).outcome is Outcome.IGNORED


def test_a_redis_url_and_a_queue_are_built() -> None:
    receiver = Receiver.from_env(environ(WEBHOOK_SECRET=SECRET, REDIS_URL=REDIS, QUEUE="mail"))
    assert isinstance(receiver.store, RedisStore)
    assert isinstance(receiver.queue, RQQueue)
    assert receiver.queue.name == "mail"


def test_a_subclass_builds_one_of_itself() -> None:
    class Own(Receiver):
        """A receiver of a program."""

    assert type(Own.from_env(environ(WEBHOOK_SECRET=SECRET))) is Own


@pytest.mark.parametrize(
    ("given", "warnings"),
    [(environ(), 1), (environ(LEASE="90s"), 1), (environ(STORE="memory"), 0)],
)
def test_only_a_store_that_was_not_chosen_is_warned_about(
    given: Mapping[str, str], warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver.from_env({**given, **environ(WEBHOOK_SECRET=SECRET)})
    receiver.receive(*Provider(SECRET).make("invoice.created"))
    assert caplog.text.count("No store is configured") == warnings
