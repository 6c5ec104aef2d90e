"""Import paths: of a receiver, of its program, or of the function that creates it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from florentin_webhooks import Receiver, Router
from florentin_webhooks.core.loader import (
    EXTENSION,
    FACTORY_VARIABLE,
    ReceiverNotFound,
    load_receiver,
    remember_program,
)
from florentin_webhooks.django.bootstrap import set_up_django
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.rq import process
from tests.support.command_line import python
from tests.support.django_settings import configure

HOOKS = Receiver("a-secret-of-sixteen-and-more")

Put = Callable[[Any], str]  # Any: an attribute of a module.


@pytest.fixture
def put() -> Iterator[Put]:
    """What gives the path of something in a module of its own."""
    module = ModuleType(f"program_{uuid4().hex}")
    sys.modules[module.__name__] = module

    def put(value: object) -> str:
        module.value = value  # type: ignore[attr-defined]  # a module is open.
        return f"{module.__name__}:value"

    yield put
    del sys.modules[module.__name__]


def program(held: object = HOOKS) -> SimpleNamespace:
    """What holds a receiver the way a Flask app does."""
    return SimpleNamespace(extensions={EXTENSION: held})


def test_receiver_of_a_program_is_loaded(put: Put) -> None:
    assert load_receiver(put(program())) is HOOKS


def test_receiver_of_a_factorys_program_is_loaded(put: Put) -> None:
    assert load_receiver(put(lambda: program())) is HOOKS  # noqa: PLW0108 - a factory is a function.


def test_factory_may_return_the_receiver_itself(put: Put) -> None:
    assert load_receiver(put(lambda: HOOKS)) is HOOKS


def test_factory_may_be_a_method(put: Put) -> None:
    class Shop:
        @classmethod
        def create_app(cls) -> SimpleNamespace:
            return program()

    assert load_receiver(f"{put(Shop)}.create_app") is HOOKS


def test_factory_is_called_once_per_process(put: Put) -> None:
    made: list[Receiver] = []

    def create() -> Receiver:
        made.append(Receiver("a-secret-of-sixteen-and-more"))
        return made[-1]

    path = put(create)
    assert load_receiver(path) is load_receiver(path) is load_receiver(path, trusted=False)
    assert len(made) == 1


def test_failed_factory_is_called_again(put: Put) -> None:
    results = [program(), None]

    def create() -> object:
        result = results.pop()
        if result is None:
            raise OSError
        return result

    path = put(create)
    with pytest.raises(OSError, match=r"^$"):
        load_receiver(path)
    assert load_receiver(path) is HOOKS


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (lambda config: config, "cannot be called without arguments"),
        (lambda: 3, "returned neither a Receiver nor its program, but int"),
        (lambda: SimpleNamespace(extensions={}), "of type SimpleNamespace without a receiver"),
        (program("no receiver"), "of type SimpleNamespace without a receiver"),
        (SimpleNamespace(extensions=3), "is not a Receiver but of type SimpleNamespace"),
        (Router(), "is of type Router, which has handlers .* Name the receiver, the app"),
        (Receiver, "is not a Receiver but of type type"),
        (len, "is not a Receiver but of type builtin_function_or_method"),
        (None, "has no 'value'"),
    ],
)
def test_path_without_a_receiver_is_explained(value: object, result: str, put: Put) -> None:
    with pytest.raises(ReceiverNotFound, match=result):
        load_receiver(put(value))


def test_remembered_program_replaces_the_factorys_call(put: Put) -> None:
    path = put(lambda: pytest.fail("it was made again"))
    remember_program(path, program())
    assert load_receiver(path) is load_receiver(path, trusted=False) is HOOKS


def test_remembered_program_without_a_factory_changes_nothing(put: Put) -> None:
    path = put(HOOKS)
    remember_program(path, program(Receiver("another-secret-of-sixteen-and-more")))
    assert load_receiver(path) is HOOKS


@pytest.mark.parametrize("named", [None, "another:create_app"])
def test_job_calls_no_function_that_the_operator_did_not_name(
    put: Put, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    if named:
        monkeypatch.setenv(FACTORY_VARIABLE, named)
    path = put(lambda: pytest.fail("a job has called a function"))
    with pytest.raises(
        ReceiverNotFound, match=f"Start it as worker {path}, or set {FACTORY_VARIABLE}="
    ):
        process(path, "0" * 32, "florentin")


def test_job_calls_the_factory_named_in_the_environment(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(lambda: HOOKS)
    monkeypatch.setenv(FACTORY_VARIABLE, path)
    assert load_receiver(path, trusted=False) is HOOKS


def test_job_loads_a_receiver_or_a_program_without_permission(put: Put) -> None:
    for value in (HOOKS, program()):
        assert load_receiver(put(value), trusted=False) is HOOKS
    with pytest.raises(ConfigurationError, match="outside an RQ job"):
        process(put(HOOKS), "0" * 32, "florentin")


def test_missing_import_inside_the_module_propagates(tmp_path: Path) -> None:
    (tmp_path / "shop_hooks.py").write_text("import shop")
    code = "from florentin_webhooks.core import loader\nloader.load_receiver('shop_hooks:hooks')"
    assert "\nModuleNotFoundError: No module named 'shop'" in python("-c", code, cwd=tmp_path).talk


def test_django_is_not_set_up_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    configure()
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "settings")
    monkeypatch.setattr("django.setup", lambda: pytest.fail("it was set up again"))
    assert set_up_django()


def test_django_is_set_up_before_the_module_is_imported(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("INSTALLED_APPS = ['django.contrib.contenttypes']")
    (tmp_path / "shop.py").write_text(
        "from django.contrib.contenttypes.models import ContentType\n"
        "from florentin_webhooks import Receiver\n"
        "hooks = Receiver('a-secret-of-sixteen-and-more')\n"
    )
    code = "from florentin_webhooks.core import loader\nprint(loader.load_receiver('shop:hooks'))"
    result = python("-c", code, cwd=tmp_path, environ={"DJANGO_SETTINGS_MODULE": "settings"})
    assert "Receiver" in result.data, result.talk
