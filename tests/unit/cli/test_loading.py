"""The user's receiver is imported, or it is said what is wrong and where."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.cli.failures import Failure, Misuse
from florentin_webhooks.cli.loading import load

HOOKS = """
from florentin_webhooks import Receiver
hooks = Receiver("a-secret-of-sixteen-and-more")
class shop:
    inner = hooks
app = object()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory whose modules nobody has imported before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def module(place: Path, code: str) -> str:
    """The name of a new module with *code*."""
    name = f"hooks_{uuid.uuid4().hex}"
    (place / f"{name}.py").write_text(code)
    return name


def refusal(app: str) -> tuple[str, str]:
    with pytest.raises(Failure) as raised:
        load(app)
    return raised.value.message, raised.value.next_step


def test_a_receiver_is_found_by_its_name(place: Path) -> None:
    name = module(place, HOOKS)
    assert isinstance(load(f"{name}:hooks"), Receiver)
    assert load(f"{name}:shop.inner") is load(f"{name}:hooks")


@pytest.mark.parametrize("app", ["hooks", "shop/hooks.py:hooks", ":hooks", "shop:", "a..b:c", ""])
def test_what_is_not_module_and_name_is_refused(app: str) -> None:
    with pytest.raises(Misuse, match="as module:name"):
        load(app)


def test_a_module_that_is_not_there_is_named(place: Path) -> None:
    assert "no module 'not_there_at_all'" in refusal("not_there_at_all:hooks")[0]
    name = module(place, HOOKS)
    assert f"no module '{name}.deeper'" in refusal(f"{name}.deeper:hooks")[0]


@pytest.mark.parametrize(
    ("asked", "told"), [("hook", "has no 'hook'"), ("app", "no Receiver but of type object")]
)
def test_the_receiver_that_was_meant_is_offered(asked: str, told: str, place: Path) -> None:
    name = module(place, HOOKS)
    message, next_step = refusal(f"{name}:{asked}")
    assert told in message
    assert next_step.endswith(f"dev {name}:hooks")


def test_a_module_without_a_receiver_is_told_what_it_lacks(place: Path) -> None:
    assert "Receiver(...)" in refusal(f"{module(place, 'x = 1')}:hooks")[1]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1\nraise RuntimeError('no luck\\nat all')", "2): RuntimeError: no luck"),
        ("\nraise SystemExit('bye')", "2): SystemExit: bye"),
        ("import a_package_that_is_missing", "1): No module named 'a_package_that_is_missing'"),
        ("\n\ndef (", "3): SyntaxError"),
        ("import json\njson.loads('{')", "JSONDecodeError"),
        (
            HOOKS + "\n@hooks.on('invoice.create')\ndef f(event): ...",
            "8): there is no event 'invoice.create'; did you mean 'invoice.created'?",
        ),
    ],
)
def test_what_goes_wrong_in_the_module_is_told_with_its_place(
    code: str, told: str, place: Path
) -> None:
    name = module(place, code)
    message, _ = refusal(f"{name}:hooks")
    assert told in message
    assert f"{name}.py:" in message or "JSON" in told
