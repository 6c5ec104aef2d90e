"""Confirmations are asked for on terminals and given by --yes elsewhere."""

from __future__ import annotations

import sys

import pytest

from florentin_webhooks.cli import prompts
from florentin_webhooks.cli.errors import CLIError, UsageError
from florentin_webhooks.cli.output import Output
from florentin_webhooks.cli.prompts import confirm, shows_progress, with_progress

OUT = Output(json=False, color="never")


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "is_interactive", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_yes_confirms_without_a_question() -> None:
    confirm("Replay 3 deliveries?", yes=True)


def test_without_a_terminal_yes_is_required() -> None:
    with pytest.raises(UsageError, match=r"Replay 3 deliveries\? Add --yes"):
        confirm("Replay 3 deliveries?", yes=False)


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize(("answer", "confirmed"), [("y", True), ("n", False)])
def test_answer_decides(answer: str, confirmed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)
    if confirmed:
        confirm("Replay?", yes=False)
        return
    with pytest.raises(CLIError, match="Nothing was changed"):
        confirm("Replay?", yes=False)


@pytest.mark.usefixtures("_terminal")
def test_progress_is_shown_on_a_terminal_for_several_items() -> None:
    assert shows_progress(OUT, [1, 2])
    assert not shows_progress(OUT, [1])
    assert not shows_progress(Output(json=True, color="never"), [1, 2])


def test_progress_is_not_shown_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(with_progress(OUT, [1, 2], "Replaying")) == [1, 2]
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("_terminal")
def test_progress_counts_all_items(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert list(with_progress(OUT, "abc", "Replaying")) == ["a", "b", "c"]
    assert "\x1b[3" not in capsys.readouterr().err
