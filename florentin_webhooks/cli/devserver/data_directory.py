"""The directory of a development session, and the secret in it: private, and never committed."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex

from florentin_webhooks.cli.errors import CLIError

__all__ = ["development_secret", "private_directory"]

_BYTES = 32


def private_directory(path: Path) -> Path:
    """Make the directory at *path*, which tells git to leave it alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        message = f"cannot use {path} for data: {error.strerror}"
        raise CLIError(message, "--data DIRECTORY, one of your own") from None
    return path


def development_secret(directory: Path) -> str:
    """Give the secret in *directory*, made when it is first wanted, the same ever after."""
    path = directory / "secret"
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(token_hex(_BYTES))
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CLIError(f"cannot use {path}: {error}", f"rm {path}, for a new one") from None
    if not secret:
        raise CLIError(f"{path} is empty", f"rm {path}, for a new one")
    return secret
