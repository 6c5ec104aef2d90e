"""The private directory of a development session, and the secret in it."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex

from florentin_webhooks.cli.errors import CLIError

__all__ = ["create_directory", "development_secret"]

_BYTES = 32


def create_directory(path: Path) -> Path:
    """Create the directory at *path*, private and ignored by git, and return it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        message = f"Cannot use {path} for data: {error.strerror}."
        raise CLIError(message, "Name a directory of your own: --data-dir DIRECTORY") from None
    return path


def development_secret(directory: Path) -> str:
    """Return the secret in *directory*; it is created at the first use and stays the same."""
    path = directory / "secret"
    hint = f"For a new secret, run: rm {path}"
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(token_hex(_BYTES))
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CLIError(f"Cannot use {path}: {error}.", hint) from None
    if not secret:
        raise CLIError(f"{path} is empty.", hint)
    return secret
