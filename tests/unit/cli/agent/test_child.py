"""Commands in processes of their own, as the tools for agents run them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from florentin_webhooks.cli.agent import child
from florentin_webhooks.cli.agent.child import CommandFailed, find_problems, replay

KEY = "ab" * 16

Prints = Callable[[str], list[tuple[str, ...]]]


@pytest.fixture
def prints(monkeypatch: pytest.MonkeyPatch) -> Prints:
    """Replace commands by a program, and return the words of each command."""

    def use(program: str) -> list[tuple[str, ...]]:
        called: list[tuple[str, ...]] = []

        def command(*words: str) -> list[str]:
            called.append(words)
            return [sys.executable, "-c", f"import sys, time\n{program}"]

        monkeypatch.setattr(child, "self_command", command)
        return called

    return use


def test_result_is_found_among_other_output(prints: Prints) -> None:
    record = f'{{"fingerprint": "{KEY}", "outcome": "processed", "reason": null, "hint": null}}'
    called = prints(f"print('a handler'); print('[1]'); print('{record}')")
    result = replay("shop:hooks", KEY, all_handlers=False, though_late=False)
    assert (result.ok, result.outcome, result.reason) == (True, "processed", "")
    assert called == [("deliveries", "replay", "shop:hooks", KEY)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"all_handlers": True, "though_late": False}, ("--all-handlers", "--yes")),
        ({"all_handlers": False, "though_late": True}, ("--yes",)),
    ],
)
def test_options_become_those_of_the_command(
    prints: Prints, options: dict[str, bool], words: tuple[str, ...]
) -> None:
    called = prints("print()")
    with pytest.raises(CommandFailed, match="had no result"):
        replay("shop:hooks", KEY, **options)
    assert called[0][4:] == words


def test_findings_come_from_a_command_that_fails(prints: Prints) -> None:
    prints("""print('{"check": "redis", "state": "fail"}'); sys.exit(1)""")
    assert find_problems("shop:hooks") == [{"check": "redis", "state": "fail"}]


def test_error_of_a_command_is_its_message_and_hint(prints: Prints) -> None:
    prints("sys.stderr.write('log\\nerror: Redis is away.\\nhint: Start it.\\n'); sys.exit(4)")
    with pytest.raises(CommandFailed) as caught:
        find_problems("shop:hooks")
    assert (caught.value.message, caught.value.hint) == ("Redis is away.", "Start it.")


def test_command_that_takes_too_long_is_ended(
    prints: Prints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_SECONDS", 0.05)
    prints("time.sleep(60)")
    with pytest.raises(CommandFailed, match="took longer than"):
        find_problems("shop:hooks")
