"""What ``settings.FLORENTIN_WEBHOOKS`` may hold, and the receiver that comes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from florentin_webhooks import MemoryStore, RedisStore, RQQueue
from florentin_webhooks.django import conf
from florentin_webhooks.django.connections import fresh_connections
from florentin_webhooks.django.settings import SettingsReceiver, build
from tests.support.django_settings import configure, described
from tests.support.vectors import SECRET

REDIS = "redis://user:pa55word@localhost:1/0"


class HalfAStore:
    """Be asked by asyncio programs only."""

    aexecute = None


@pytest.fixture(autouse=True)
def _django() -> None:
    configure()


def built(**given: Any) -> SettingsReceiver:  # Any: as in the settings.
    made = build({"SECRETS": SECRET, **given})
    assert isinstance(made, SettingsReceiver), made
    return made


def refused(**given: Any) -> tuple[str, str]:  # Any: as in the settings.
    found = build({"SECRETS": SECRET, **given})
    assert isinstance(found, tuple)
    ((number, text, hint),) = found
    return number, f"{text}; {hint}"


def test_without_more_than_a_secret_it_remembers_in_the_database() -> None:
    hooks = built()
    assert type(hooks.store).__name__ == "DjangoStore"
    assert (hooks.queue, hooks.max_body) == (None, 1_048_576)


@pytest.mark.parametrize(
    ("named", "kind"),
    [("memory", "MemoryStore"), (REDIS, "RedisStore"), ("database", "DjangoStore")],
)
def test_the_store_is_named(named: str, kind: str) -> None:
    hooks = built(STORE=named, RETENTION=timedelta(hours=2), LEASE=timedelta(minutes=2))
    assert type(hooks.store).__name__ == kind
    assert (hooks.store.retention, hooks.store.lease) == (
        timedelta(hours=2),
        timedelta(minutes=2),
    )


def test_a_store_of_ones_own_is_taken_as_it_is() -> None:
    store = MemoryStore()
    assert built(STORE=store).store is store


@pytest.mark.parametrize("secrets", [SECRET, SECRET.encode(), [SECRET], {"2026-11": SECRET}])
def test_secrets_are_given_in_any_form(secrets: object) -> None:
    assert isinstance(build({"SECRETS": secrets}), SettingsReceiver)


def test_the_secret_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", SECRET)
    assert isinstance(build({"SECRETS": None}), SettingsReceiver)


def test_a_queue_is_named_or_described() -> None:
    named = built(STORE=REDIS, QUEUE="mail").queue
    assert isinstance(named, RQQueue)
    assert (named.name, named.receiver) == ("mail", "florentin_webhooks.django:hooks")
    options = {"NAME": "mail", "RETRIES": [1], "TIMEOUT": 9, "ERROR_TEXT": True}
    described = built(STORE=REDIS, QUEUE=options).queue
    assert isinstance(described, RQQueue)
    assert (described.retries, described.timeout, described.error_text) == ((1,), 9, True)


@pytest.mark.parametrize("span", [timedelta(minutes=2), 120, 120.0])
def test_a_span_of_time_may_be_a_number_of_seconds(span: object) -> None:
    assert built(STORE="memory", LEASE=span).store.lease == timedelta(minutes=2)


def test_limits_reach_the_receiver() -> None:
    assert built(MAX_BODY=9, TOLERANCE=timedelta(minutes=1)).max_body == 9


def test_none_means_the_default() -> None:
    assert isinstance(built(STORE=None, QUEUE=None, TIMEOUT=None), SettingsReceiver)


@pytest.mark.parametrize(
    ("given", "number", "told"),
    [
        ({"SECRETZ": 1}, "E002", "no key 'SECRETZ'; did you mean 'SECRETS'?"),
        ({"secrets": 1}, "E002", "did you mean 'SECRETS'?"),
        ({"COLOUR": 1}, "E002", "it takes SECRETS, STORE"),
        ({"QUEUE": {"NAMES": "x"}, "STORE": REDIS}, "E002", "did you mean 'NAME'?"),
        ({"LEASE": "60"}, "E001", "['LEASE'] is str, not a timedelta, or a number of seconds"),
        ({"MAX_BODY": "1 MiB"}, "E001", "['MAX_BODY'] is str, not a number of bytes"),
        ({"MAX_BODY": 0}, "E001", "['MAX_BODY'] is out of range, not a number of bytes, 1 or more"),
        ({"MAX_BODY": True}, "E001", "['MAX_BODY'] is bool"),
        ({"HISTORY": 10**400}, "E001", "['HISTORY'] is out of range"),
        ({"HISTORY": -1}, "E001", "['HISTORY'] is out of range"),
        ({"TOLERANCE": -1}, "E001", "['TOLERANCE'] is out of range"),
        ({"TOLERANCE": timedelta(0)}, "E001", "a number of seconds, more than 0"),
        ({"LEEWAY": timedelta(seconds=-1)}, "E001", "a number of seconds, 0 or more"),
        ({"TIMEOUT": float("nan")}, "E001", "['TIMEOUT'] is out of range"),
        ({"LEASE": float("inf")}, "E001", "['LEASE'] is out of range"),
        ({"KEEP": timedelta.max}, "E001", "['KEEP'] is out of range"),
        ({"RETENTION": 10**400}, "E001", "['RETENTION'] is out of range"),
        ({"SECRETS": 42}, "E001", "['SECRETS'] is int"),
        ({"SECRETS": {"SECRET"}}, "E001", "['SECRETS'] is set"),
        ({"SECRETS": "short"}, "E003", "SECRETS: secret-1 has 5 bytes"),
        ({"SECRETS": {"a": 1}}, "E003", "SECRETS: a is int; a secret is str or bytes"),
        ({"SECRETS": "\ud800" * 20}, "E003", "is no text in UTF-8"),
        ({"SECRETS": f"{SECRET}\n"}, "E003", "white space"),
        ({"SECRETS": []}, "E003", "no secret is configured"),
        ({"STORE": "databse"}, "E004", "names no store"),
        ({"STORE": "postgres://a:pa55word@b/"}, "E004", "names no store"),
        ({"STORE": f"{REDIS}?pa55word=1"}, "E004", "The Redis URL is invalid"),
        ({"STORE": 42}, "E004", "is int, which is no store"),
        ({"STORE": MemoryStore}, "E004", "which is no store"),
        ({"STORE": HalfAStore()}, "E004", "is HalfAStore, which is no store"),
        ({"STORE": MemoryStore(), "LEASE": timedelta(1)}, "E004", "give lease= to MemoryStore(…)"),
        ({"STORE": "memory", "DATABASE": "default"}, "E004", "remove DATABASE"),
        ({"STORE": "memory", "HISTORY": 1}, "E004", "history"),
        ({"DATABASE": "defualt"}, "E004", "no 'defualt'"),
        ({"QUEUE": "florentin"}, "E005", "set STORE to a redis:// URL, or remove QUEUE"),
        ({"QUEUE": "white space", "STORE": REDIS}, "E005", "letters, digits, _ and -"),
        ({"QUEUE": {"RETRIES": 5}, "STORE": REDIS}, "E005", "['RETRIES'] is int, not a list"),
        ({"QUEUE": {"RETRIES": [0]}, "STORE": REDIS}, "E005", "at least one wait"),
        ({"QUEUE": {"TIMEOUT": 0}, "STORE": REDIS}, "E005", "a number of seconds, 1 or more"),
        ({"QUEUE": {"ERROR_TEXT": 1}, "STORE": REDIS}, "E005", "True or False"),
        ({"RETENTION": timedelta(seconds=1)}, "E006", "raise retention"),
        ({"TIMEOUT": timedelta(hours=1)}, "E006", "raise the lease or lower the timeout"),
    ],
)
def test_what_cannot_be_meant_is_a_problem_with_a_hint(
    given: dict[str, Any], number: str, told: str
) -> None:
    found = refused(**given)
    assert found[0] == number
    assert told in found[1]
    assert "pa55word" not in found[1]


@pytest.mark.parametrize("key", [1, None, (), b"SECRETS"])
def test_a_key_that_is_no_text_is_told_by_its_type(key: object) -> None:
    found = build({"SECRETS": SECRET, key: 1})
    assert isinstance(found, tuple)
    assert found[0][:2] == ("E002", f"FLORENTIN_WEBHOOKS has a key that is {type(key).__name__}")


def test_a_weak_secret_of_the_environment_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", f"{SECRET}\n")
    found = build({})
    assert isinstance(found, tuple)
    assert found[0].text.startswith("FLORENTIN_WEBHOOK_SECRET: secret-1 has white space")


def test_all_misspelt_keys_are_told_at_once() -> None:
    found = build({"SECRET": SECRET, "STOER": "memory"})
    assert isinstance(found, tuple)
    assert [problem.hint for problem in found] == [
        "did you mean 'SECRETS'?",
        "did you mean 'STORE'?",
    ]


def test_without_any_secret_the_hint_names_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLORENTIN_WEBHOOK_SECRET", raising=False)
    found = build({})
    assert isinstance(found, tuple)
    assert found[0].number == "E003"
    assert "SECRETS" in found[0].hint
    assert "FLORENTIN_WEBHOOK_SECRET" in found[0].hint


def test_the_settings_are_a_dict() -> None:
    found = build([("SECRETS", SECRET)])
    assert isinstance(found, tuple)
    assert found[0][:2] == ("E001", "FLORENTIN_WEBHOOKS is list, not a dict")


def test_a_receiver_that_cannot_be_built_is_refused_where_it_is_used() -> None:
    with described({"SECRETS": "short"}), pytest.raises(ImproperlyConfigured, match="5 bytes"):
        conf.receiver()


def test_where_nothing_is_configured_the_use_says_so() -> None:
    with described({}):
        del settings.FLORENTIN_WEBHOOKS
        with pytest.raises(ImproperlyConfigured, match="FLORENTIN_WEBHOOKS is not set"):
            conf.receiver()


def test_the_receiver_is_built_once() -> None:
    with described({"SECRETS": SECRET}):
        from florentin_webhooks.django import hooks

        assert hooks is conf.receiver()


def test_jobs_and_threads_have_fresh_connections() -> None:
    with described({"SECRETS": SECRET}):
        assert conf.receiver().handler_context is fresh_connections


def test_settings_that_are_shown_show_no_password() -> None:
    given = {"SECRETS": SECRET, "STORE": REDIS}
    with described(given):
        hooks = conf.receiver()
        assert "pa55word" not in repr(settings.FLORENTIN_WEBHOOKS)
        assert settings.FLORENTIN_WEBHOOKS["STORE"] == REDIS
        assert isinstance(hooks.store, RedisStore)


@pytest.mark.parametrize(
    "secrets", [SECRET, SECRET.encode(), [SECRET], (SECRET,), {"new": SECRET, "old": [1]}]
)
def test_settings_that_are_shown_show_no_secret(secrets: object) -> None:
    with described({"SECRETS": secrets, "STORE": "memory"}):
        conf.problems()
        assert SECRET not in pformat(settings.FLORENTIN_WEBHOOKS)
        assert settings.FLORENTIN_WEBHOOKS["SECRETS"] == secrets


@pytest.mark.parametrize(
    "misspelt", [{"SECRET": "pa55word"}, {"STOER": REDIS}, {"DATABASE": REDIS}]
)
def test_misspelt_settings_show_no_secret_either(misspelt: dict[str, object]) -> None:
    with described({"SECRETS": SECRET, **misspelt}):
        with pytest.raises(ImproperlyConfigured) as refused:
            conf.receiver()
        assert "pa55word" not in f"{refused.value} {settings.FLORENTIN_WEBHOOKS}"


def test_all_problems_are_told_in_sentences() -> None:
    with described({"SECRET": SECRET, "STOER": "memory"}):
        with pytest.raises(ImproperlyConfigured) as refused:
            conf.receiver()
        assert str(refused.value) == (
            "FLORENTIN_WEBHOOKS has no key 'SECRET'; did you mean 'SECRETS'? "
            "FLORENTIN_WEBHOOKS has no key 'STOER'; did you mean 'STORE'? See: manage.py check"
        )


def test_a_misspelt_name_is_an_attribute_error_that_names_it() -> None:
    from florentin_webhooks import django

    with pytest.raises(AttributeError, match="no attribute 'hoks'"):
        django.hoks  # type: ignore[attr-defined]  # noqa: B018 - that is the test.
    assert {"DjangoStore", "hooks", "webhook_path", "webhook_view"} <= set(dir(django))


def alone(program: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What comes of *program* in a process of its own, in *folder*."""
    path = os.pathsep.join([str(Path(__file__).parents[3]), str(folder)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_receiver_of_ones_own_has_fresh_connections_in_workers(tmp_path: Path) -> None:
    (tmp_path / "shop_settings.py").write_text("INSTALLED_APPS = []\n")
    (tmp_path / "shop_hooks.py").write_text(
        f"from florentin_webhooks import Receiver\nhooks = Receiver({SECRET!r})\n"
    )
    program = (
        "from florentin_webhooks.core.loader import load_receiver\n"
        "print(load_receiver('shop_hooks:hooks').handler_context.__name__)"
    )
    done = alone(program, tmp_path, DJANGO_SETTINGS_MODULE="shop_settings")
    assert (done.stdout, done.stderr) == ("fresh_connections\n", "")


def test_without_django_the_way_to_install_it_is_told(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['django'] = None\n"
    done = alone(f"{hidden}from florentin_webhooks.django import hooks", tmp_path)
    assert (
        'Django is not installed. Install it: pip install "florentin-webhooks[django]"'
        in done.stderr
    )


def test_whoever_asks_for_the_receiver_has_django_set_up(tmp_path: Path) -> None:
    (tmp_path / "shop_settings.py").write_text(
        f"FLORENTIN_WEBHOOKS = {{'SECRETS': {SECRET!r}, 'STORE': 'memory'}}\n"
        "INSTALLED_APPS = ['florentin_webhooks.django', 'shop']\n"
    )
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "florentin_handlers.py").write_text(
        "from florentin_webhooks.django import hooks\n"
        "@hooks.on('user.login')\ndef greet(event): ...\n"
    )
    program = (
        "from florentin_webhooks.django import hooks\nfrom django.apps import apps\n"
        "print(apps.ready, 'user.login' in hooks.unhandled_events, hooks.late_handlers)"
    )
    done = alone(program, tmp_path, DJANGO_SETTINGS_MODULE="shop_settings")
    assert (done.stdout, done.stderr) == ("True False ()\n", "")
    (tmp_path / "shop" / "florentin_handlers.py").write_text("import nothing_of_that_name")
    done = alone(program, tmp_path, DJANGO_SETTINGS_MODULE="shop_settings")
    assert "No module named 'nothing_of_that_name'" in done.stderr


def test_wrong_settings_keep_no_command_from_starting_and_the_check_tells(tmp_path: Path) -> None:
    (tmp_path / "shop_settings.py").write_text(
        "FLORENTIN_WEBHOOKS = {'SECRETS': 'short', 'STORE': 'memory'}\n"
        "INSTALLED_APPS = ['florentin_webhooks.django', 'shop']\n"
    )
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "florentin_handlers.py").write_text(
        "from florentin_webhooks.django import hooks\n"
    )
    program = (
        "from django.core.management import ManagementUtility as M; M(['m', 'check']).execute()"
    )
    done = alone(program, tmp_path, DJANGO_SETTINGS_MODULE="shop_settings")
    assert done.returncode == 1
    assert "(florentin_webhooks.E003) SECRETS: secret-1 has 5 bytes, fewer than 16." in done.stderr
    assert "Traceback" not in done.stderr
