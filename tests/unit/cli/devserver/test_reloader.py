"""A changed Python file restarts the child."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import watchfiles

from florentin_webhooks.cli.devserver.reloader import run_with_reload
from tests.support.waiting import eventually

STARTS = "import sys; open({!r}, 'a').write('x'); sys.stdin.read()"


def test_each_change_restarts_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = tmp_path / "starts"
    announced: list[Sequence[str]] = []

    def has_started(times: int) -> bool:
        return starts.exists() and starts.read_text() == "x" * times

    def watch(*_: object, **__: object) -> Iterator[set[tuple[watchfiles.Change, str]]]:
        for count in (1, 2):
            eventually(partial(has_started, count))
            yield {(watchfiles.Change.modified, str(tmp_path / "shop" / "hooks.py"))}
        eventually(partial(has_started, 3))
        raise KeyboardInterrupt

    monkeypatch.setattr(watchfiles, "watch", watch)
    command = [sys.executable, "-c", STARTS.format(str(starts))]
    with pytest.raises(KeyboardInterrupt):
        run_with_reload(command, tmp_path, announced.append)
    assert announced == [["shop/hooks.py"]] * 2


def test_only_python_files_are_watched(tmp_path: Path) -> None:
    announced: list[Sequence[str]] = []
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]

    class Enough(Exception):
        """The first change was announced."""

    def announce(names: Sequence[str]) -> None:
        announced.append(names)
        raise Enough

    def change() -> None:
        (tmp_path / "notes.txt").touch()
        while not stop.is_set():
            (tmp_path / "hooks.py").touch()
            stop.wait(0.2)  # Longer than the pause after which changes are announced.

    stop = threading.Event()
    changing = threading.Thread(target=change, daemon=True)
    changing.start()
    try:
        with pytest.raises(Enough):
            run_with_reload(command, tmp_path, announce)
    finally:
        stop.set()
        changing.join()
    assert announced == [["hooks.py"]]
