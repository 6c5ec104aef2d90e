"""A worker imports the receiver alone: handlers of other modules are missing there."""

from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks.cli.doctor.worker_imports import check_worker_handlers, import_handlers

HOOKS = """
print("loaded", end="")
from florentin_webhooks import Receiver
hooks = Receiver("a-secret-of-the-doctor")
@hooks.on("user.login")
def greet(event): ...
"""


def test_new_process_has_the_handlers_of_the_module_alone(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "imported_alone.py").write_text(HOOKS)
    monkeypatch.syspath_prepend(directory)
    there = import_handlers("imported_alone:hooks")
    assert there == ["imported_alone:greet"]
    check = check_worker_handlers("imported_alone:hooks", [*there, "shop.web:late"], there)
    assert (check.name, check.state) == ("worker-imports", "fail")
    assert "does not register shop.web:late" in check.message


def test_receiver_that_a_new_process_cannot_import_fails() -> None:
    check = check_worker_handlers("shop:hooks", [], None)
    assert check.state == "fail"
    assert check.hint == "Run: python -c 'import shop'"


def test_same_handlers_are_right() -> None:
    check = check_worker_handlers("shop:hooks", ["shop:a", "shop:a"], ["shop:a"])
    assert check.message == "Workers import shop:hooks, with every handler of this process."
