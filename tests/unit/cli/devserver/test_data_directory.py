"""The directory of a development session is private, and its secret stays the same."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from florentin_webhooks.cli.devserver.data_directory import create_directory, development_secret
from florentin_webhooks.cli.errors import CLIError


def test_directory_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    path = create_directory(tmp_path / "deep" / "data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert (path / ".gitignore").read_text() == "*\n"


def test_existing_directory_keeps_its_gitignore(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert create_directory(tmp_path) == tmp_path
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_unusable_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CLIError, match="--data-dir DIRECTORY"):
        create_directory(tmp_path / "file" / "data")


def test_secret_is_created_once_and_private(tmp_path: Path) -> None:
    secret = development_secret(tmp_path)
    assert development_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert len(secret) == 64


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff"])
def test_unusable_secret_is_refused_with_a_way_out(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(CLIError, match=f"run: rm {tmp_path}/secret"):
        development_secret(tmp_path)
