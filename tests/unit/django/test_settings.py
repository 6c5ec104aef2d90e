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
from django.views.debug import SafeExceptionReporterFilter
from pydantic import SecretStr

from florentin_webhooks import MemoryStore, RedisStore, RQQueue
from florentin_webhooks.django import conf
from florentin_webhooks.django.connections import fresh_connections
from florentin_webhooks.django.settings import SettingsReceiver, build, check_number
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
    (problem,) = found
    return check_number(problem.field), f"{problem.message} {problem.hint}"


def test_default_store_is_the_database() -> None:
    hooks = built()
    assert type(hooks.store).__name__ == "DjangoStore"
    assert (hooks.queue, hooks.max_body) == (None, 1_048_576)


@pytest.mark.parametrize(
    ("named", "kind"),
    [("memory", "MemoryStore"), (REDIS, "RedisStore"), ("database", "DjangoStore")],
)
def test_store_is_built_by_name(named: str, kind: str) -> None:
    hooks = built(STORE=named, RETENTION=timedelta(hours=2), LEASE=timedelta(minutes=2))
    assert type(hooks.store).__name__ == kind
    assert (hooks.store.retention, hooks.store.lease) == (
        timedelta(hours=2),
        timedelta(minutes=2),
    )


def test_store_object_is_used_as_it_is() -> None:
    store = MemoryStore()
    assert built(STORE=store).store is store


@pytest.mark.parametrize("secrets", [SECRET, SECRET.encode(), [SECRET], {"2026-11": SECRET}])
def test_secrets_have_any_form(secrets: object) -> None:
    assert isinstance(build({"SECRETS": secrets}), SettingsReceiver)


def test_secret_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", SECRET)
    assert isinstance(build({"SECRETS": None}), SettingsReceiver)


def test_a_queue_is_named_or_described() -> None:
    named = built(STORE=REDIS, QUEUE="mail").queue
    assert isinstance(named, RQQueue)
    assert (named.name, named.receiver) == ("mail", "florentin_webhooks.django:hooks")
    options = {"NAME": "mail", "RETRIES": [1], "TIMEOUT": 9, "ERROR_TEXT": True}
    keys = {"QUEUE": "mail", "QUEUE_RETRIES": [1], "QUEUE_TIMEOUT": 9, "QUEUE_ERROR_TEXT": True}
    for queue in (built(STORE=REDIS, QUEUE=options).queue, built(STORE=REDIS, **keys).queue):
        assert isinstance(queue, RQQueue)
        assert (queue.retries, queue.timeout, queue.error_text) == ((1,), 9, True)
    unnamed = built(STORE=REDIS, QUEUE={"TIMEOUT": 9}).queue
    assert isinstance(unnamed, RQQueue)
    assert unnamed.name == "florentin"


def test_an_old_key_works_and_warns() -> None:
    with pytest.warns(DeprecationWarning, match="'KEEP'] was renamed to FLORENTIN_WEBHOOKS"):
        store = built(STORE=REDIS, KEEP=timedelta(days=60)).store
    assert isinstance(store, RedisStore)
    assert store.unfinished_retention == timedelta(days=60)


@pytest.mark.parametrize("span", [timedelta(minutes=2), 120, 120.0, "120", "2m"])
def test_a_duration_may_be_seconds_or_a_text(span: object) -> None:
    assert built(STORE="memory", LEASE=span).store.lease == timedelta(minutes=2)


def test_limits_reach_the_receiver() -> None:
    assert built(MAX_BODY=9, TOLERANCE=timedelta(minutes=1)).max_body == 9


def test_none_means_the_default() -> None:
    assert isinstance(built(STORE=None, QUEUE=None, TIMEOUT=None), SettingsReceiver)


@pytest.mark.parametrize(
    ("given", "number", "text"),
    [
        ({"SECRETZ": 1}, "E002", "FLORENTIN_WEBHOOKS has no key 'SECRETZ'. Did you mean SECRETS?"),
        ({"secrets": 1}, "E002", "Did you mean SECRETS?"),
        ({"COLOUR": 1}, "E002", "Use one of: SENDER, SECRETS, STORE"),
        (
            {"QUEUE": {"NAMES": "x"}, "STORE": REDIS},
            "E002",
            "FLORENTIN_WEBHOOKS['QUEUE'] has no key 'NAMES'. Did you mean NAME?",
        ),
        ({"LEASE": "soon"}, "E001", "FLORENTIN_WEBHOOKS['LEASE'] is 'soon'. Set"),
        ({"MAX_BODY": "1 MiB"}, "E001", "['MAX_BODY'] is '1 MiB'."),
        ({"MAX_BODY": 0}, "E001", "['MAX_BODY'] is 0. Set FLORENTIN_WEBHOOKS['MAX_BODY'] to a"),
        ({"MAX_BODY": True}, "E001", "['MAX_BODY'] is True."),
        ({"HISTORY": 10**400}, "E001", "['HISTORY'] is of type int, which is not valid."),
        ({"HISTORY": 10**5000}, "E001", "['HISTORY'] is of type int, which is not valid."),
        ({"HISTORY": -1}, "E001", "['HISTORY'] is -1. "),
        ({"TOLERANCE": -1}, "E001", "['TOLERANCE'] is -1. "),
        ({"TOLERANCE": timedelta(0)}, "E001", "['TOLERANCE'] is 0:00:00. "),
        ({"LEEWAY": timedelta(seconds=-1)}, "E001", "to a duration of 0 or more: seconds, a text"),
        ({"TIMEOUT": float("nan")}, "E001", "['TIMEOUT'] is nan. "),
        ({"LEASE": float("inf")}, "E001", "['LEASE'] is inf. "),
        ({"UNFINISHED_RETENTION": timedelta.max}, "E001", "['UNFINISHED_RETENTION'] is 9999999"),
        ({"RETENTION": 10**400}, "E001", "['RETENTION'] is of type int"),
        ({"SECRETS": 42}, "E003", "['SECRETS']: secret-1 is int, not str or bytes."),
        ({"SECRETS": {"SECRET"}}, "E003", "['SECRETS']: secret-1 is set"),
        ({"SECRETS": "short"}, "E003", "FLORENTIN_WEBHOOKS['SECRETS']: secret-1 has 5 bytes"),
        ({"SECRETS": {"a": 1}}, "E003", "['SECRETS']: a is int, not str or bytes."),
        ({"SECRETS": "\ud800" * 20}, "E003", "is not valid UTF-8."),
        ({"SECRETS": f"{SECRET}\n"}, "E003", "ends with a newline"),
        ({"SECRETS": []}, "E003", "No secret is configured."),
        ({"STORE": "databse"}, "E004", "['STORE'] is 'databse'. "),
        ({"STORE": ""}, "E004", "['STORE'] is ''. "),
        ({"STORE": "postgres://a:pa55word@b/"}, "E004", "['STORE'] is not a valid text."),
        ({"STORE": f"{REDIS}?pa55word=1"}, "E004", "The Redis URL is invalid"),
        ({"STORE": 42}, "E004", "['STORE'] is 42. "),
        ({"STORE": MemoryStore}, "E004", "['STORE'] is of type type, which is not valid."),
        ({"STORE": HalfAStore()}, "E004", "['STORE'] is of type HalfAStore, which is not valid."),
        ({"STORE": MemoryStore(), "LEASE": timedelta(1)}, "E004", "Pass it to MemoryStore(...)"),
        ({"STORE": "memory", "DATABASE": "default"}, "E004", "['DATABASE'] does not apply to this"),
        ({"STORE": "memory", "HISTORY": 1}, "E004", "['HISTORY'] does not apply to this store."),
        ({"DATABASE": "defualt"}, "E004", "no 'defualt'"),
        ({"DATABASE": 7}, "E004", "['DATABASE'] is 7. "),
        ({"QUEUE": "florentin"}, "E005", "DjangoStore cannot push jobs in the step that"),
        ({"QUEUE": "white space", "STORE": REDIS}, "E005", "letters, digits, _ and -"),
        ({"QUEUE": {"RETRIES": 5}, "STORE": REDIS}, "E005", "['QUEUE']['RETRIES'] is 5. "),
        ({"QUEUE": {"RETRIES": [0]}, "STORE": REDIS}, "E005", "to whole seconds of 1 or more"),
        ({"QUEUE": {"TIMEOUT": 0}, "STORE": REDIS}, "E005", "['QUEUE']['TIMEOUT'] is 0. "),
        ({"QUEUE": {"ERROR_TEXT": 1}, "STORE": REDIS}, "E005", "['ERROR_TEXT'] to true or false."),
        ({"RETENTION": timedelta(seconds=1)}, "E006", "Raise retention"),
        ({"TIMEOUT": timedelta(hours=1)}, "E006", "Raise lease, or lower timeout."),
    ],
)
def test_an_invalid_value_is_a_problem_with_a_hint(
    given: dict[str, Any], number: str, text: str
) -> None:
    found = refused(**given)
    assert found[0] == number
    assert text in found[1]
    assert "pa55word" not in found[1]


@pytest.mark.parametrize("key", [1, None, (), b"SECRETS"])
def test_key_that_is_not_text_is_reported_by_type(key: object) -> None:
    found = build({"SECRETS": SECRET, key: 1})
    assert isinstance(found, tuple)
    message = f"FLORENTIN_WEBHOOKS has a key of type {type(key).__name__}."
    assert found[0][:2] == ("", message)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "FLORENTIN_WEBHOOK_SECRET",
            f"{SECRET}\n",
            "FLORENTIN_WEBHOOK_SECRET ends with a newline.",
        ),
        (
            "FLORENTIN_WEBHOOK_SECRETS",
            '{"new": "short"}',
            "FLORENTIN_WEBHOOK_SECRETS: new has 5 bytes, fewer than 16.",
        ),
        (
            "FLORENTIN_WEBHOOK_SECRETS",
            SECRET,
            "FLORENTIN_WEBHOOK_SECRETS is not JSON of several secrets.",
        ),
    ],
)
def test_weak_secret_in_the_environment_is_reported_by_variable(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    found = build({})
    assert isinstance(found, tuple)
    assert [(each.field, each.message) for each in found] == [("secrets", message)]


def test_secrets_in_the_settings_replace_those_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", "short")
    assert isinstance(build({"SECRETS": SECRET}), SettingsReceiver)


def test_other_variables_of_the_environment_have_no_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLORENTIN_REDIS_URL", REDIS)
    monkeypatch.setenv("FLORENTIN_TOLERENCE", "1h")
    assert type(built().store).__name__ == "DjangoStore"


def test_all_misspelt_keys_are_reported_at_once() -> None:
    found = build({"SECRET": SECRET, "STOER": "memory"})
    assert isinstance(found, tuple)
    assert [each.hint for each in found] == ["Did you mean SECRETS?", "Did you mean STORE?"]


def test_without_any_secret_the_hint_names_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLORENTIN_WEBHOOK_SECRET", raising=False)
    found = build({})
    assert isinstance(found, tuple)
    assert found[0].field == "secrets"
    assert "SECRETS in FLORENTIN_WEBHOOKS" in found[0].hint
    assert "FLORENTIN_WEBHOOK_SECRET in the environment" in found[0].hint


def test_the_settings_are_a_dict() -> None:
    found = build([("SECRETS", SECRET)])
    assert isinstance(found, tuple)
    assert found[0].message == "FLORENTIN_WEBHOOKS is of type list, not a dict."


def test_using_a_receiver_with_invalid_settings_raises() -> None:
    with described({"SECRETS": "short"}), pytest.raises(ImproperlyConfigured, match="5 bytes"):
        conf.receiver()


def test_using_a_receiver_without_settings_raises() -> None:
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


@pytest.mark.parametrize("secrets", [SECRET, SECRET.encode(), [SECRET], {"new": SECRET}])
@pytest.mark.parametrize("key", ["SECRETS", "SECRET"])
def test_settings_that_django_shows_show_no_secret(key: str, secrets: object) -> None:
    given = {key: secrets, "STORE": SecretStr(REDIS)}
    with described(given):
        shown = pformat(SafeExceptionReporterFilter().get_safe_settings())
    assert "FLORENTIN_WEBHOOKS" in shown
    assert SECRET not in shown
    assert "pa55word" not in shown


def test_a_wrapped_url_is_a_store() -> None:
    assert isinstance(built(STORE=SecretStr(REDIS)).store, RedisStore)


@pytest.mark.parametrize(
    "misspelt",
    [{"SECRET": "pa55word"}, {"STOER": REDIS}, {"DATABASE": REDIS}, {"STORE": "x://pa55word"}],
)
def test_an_error_about_the_settings_shows_no_secret(misspelt: dict[str, object]) -> None:
    with described({"SECRETS": SECRET, **misspelt}):
        with pytest.raises(ImproperlyConfigured) as refused:
            conf.receiver()
        assert "pa55word" not in str(refused.value)


def test_all_problems_are_reported_in_sentences() -> None:
    with described({"SECRET": SECRET, "STOER": "memory"}):
        with pytest.raises(ImproperlyConfigured) as refused:
            conf.receiver()
        assert str(refused.value) == (
            "FLORENTIN_WEBHOOKS has no key 'SECRET'. Did you mean SECRETS? "
            "FLORENTIN_WEBHOOKS has no key 'STOER'. Did you mean STORE? "
            "For details, run: manage.py check."
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


def test_own_receiver_has_fresh_connections_in_workers(tmp_path: Path) -> None:
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


def test_missing_django_is_reported_with_how_to_install_it(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['django'] = None\n"
    done = alone(f"{hidden}from florentin_webhooks.django import hooks", tmp_path)
    assert (
        'Django is not installed. Install it: pip install "florentin-webhooks[django]"'
        in done.stderr
    )


def test_using_the_receiver_sets_up_django(tmp_path: Path) -> None:
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


def test_invalid_settings_are_reported_by_manage_py_check(tmp_path: Path) -> None:
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
    assert (
        "(florentin_webhooks.E003) FLORENTIN_WEBHOOKS['SECRETS']: secret-1 has 5 bytes"
        in done.stderr
    )
    assert "Traceback" not in done.stderr
