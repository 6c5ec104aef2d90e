"""The receiver under test: of a Flask program, at a path, or in what a fixture returns."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.kit.discovery import find_receiver, to_receiver

HERE = Path(__file__).parent
hooks = Receiver("a-secret-of-the-test-kit-s-tests")
PROGRAM = SimpleNamespace(extensions={"florentin_webhooks": hooks})


def test_program_comes_before_the_setting() -> None:
    assert find_receiver(PROGRAM, "nowhere:hooks", Path()) is hooks


def test_path_is_found_below_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "found_shop.py").write_text(
        "from florentin_webhooks import Receiver\nhooks = Receiver('a-secret-of-the-shop-s-tests')"
    )
    assert isinstance(find_receiver(None, "found_shop:hooks", tmp_path), Receiver)


def test_missing_receiver_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    with pytest.raises(ConfigurationError, match="Set webhooks_app"):
        find_receiver(object(), "", Path())


def test_fixture_may_return_a_receiver_a_program_or_a_path() -> None:
    for value in (hooks, PROGRAM, f"{__name__}:hooks"):
        assert to_receiver(value, HERE) is hooks
    with pytest.raises(ConfigurationError, match="of type int, without a receiver"):
        to_receiver(1, HERE)
