"""The import path of a receiver: the modules of its handlers are searched first."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.core.routing.import_path import find_import_path, modules_of
from florentin_webhooks.events import UserLogin


class Watched(ModuleType):
    """Records that its globals were read."""

    was_read = False

    def __getattribute__(self, name: str) -> object:
        if name == "__dict__":
            type(self).was_read = True
        return super().__getattribute__(name)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> object:
    hooks = object()
    for name in ("shop_a", "shop_b"):
        module = ModuleType(name)
        module.hooks = hooks  # type: ignore[attr-defined]  # a module is open.
        monkeypatch.setitem(sys.modules, name, module)
    return hooks


def test_module_of_the_handlers_comes_first(hooks: object) -> None:
    assert find_import_path(hooks, frozenset({"shop_b", "missing"})) == "shop_b:hooks"
    assert find_import_path(hooks, frozenset({"sys"})) == "shop_a:hooks"


def test_other_modules_are_not_searched_without_need(
    hooks: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shop_0", Watched("shop_0"))
    find_import_path(hooks, frozenset({"shop_b"}))
    assert not Watched.was_read
    find_import_path(hooks, frozenset())
    assert Watched.was_read


def test_modules_of_handlers_are_theirs() -> None:
    hooks = Receiver("a-long-enough-secret")

    @hooks.on("user.login")
    def bill(_: UserLogin) -> None: ...

    assert modules_of(hooks.router.handlers) == {__name__}
