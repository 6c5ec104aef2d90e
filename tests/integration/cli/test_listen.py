"""The command ``listen`` prints what a tunnel needs, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import SECRET, type_in


def test_address_tunnels_and_place_of_the_secret_are_printed() -> None:
    result = type_in("listen", "--port", "9000", "--path", "hooks", "--json")
    printed = json.loads(result.stdout)
    assert printed["url"] == "http://127.0.0.1:9000/hooks"
    assert printed["secret"] == "FLORENTIN_WEBHOOK_SECRET"
    assert SECRET not in result.stdout
    shown = type_in("listen", "--port", "9000").stdout
    assert "https://ADDRESS-OF-THE-TUNNEL/webhooks/florentin" in shown


def test_installed_tunnels_are_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    none = json.loads(type_in("listen", "--json").stdout)["tunnels"]
    assert len(none) > 3
    (tmp_path / "ngrok").touch(mode=0o700)
    assert json.loads(type_in("listen", "--json").stdout)["tunnels"] == ["ngrok http 8000"]


def test_missing_secret_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    missing = type_in("listen", environ={"FLORENTIN_WEBHOOK_SECRET": None}).stdout
    assert "set FLORENTIN_WEBHOOK_SECRET to that of the sender" in missing
    (tmp_path / ".florentin").mkdir()
    (tmp_path / ".florentin" / "secret").write_text(SECRET)
    found = type_in("listen", environ={"FLORENTIN_WEBHOOK_SECRET": None}).stdout
    assert ".florentin/secret" in found
    assert SECRET not in found
