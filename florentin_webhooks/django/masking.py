"""Have secrets and passwords in the settings be used, and not be shown.

Django shows settings on its error page, in mails to ``ADMINS`` and by ``diffsettings``, and it
shows what a view keeps in variables. It hides only what stands there under a telling name.
"""

from __future__ import annotations

from typing import cast

__all__ = ["mask_secrets"]


class _Address(str):
    """Be a URL that shows no password."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(f"{self.partition('://')[0]}://…")


class _Secret(str):
    """Be a secret, which shows nothing of itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr("…")


class _SecretBytes(bytes):
    """Be a secret of bytes."""

    def __repr__(self) -> str:
        return repr("…")


def mask_secrets(given: object) -> None:
    """Replace secrets and URLs in *given*, by equal ones and in place: the settings hold it."""
    if isinstance(given, dict):
        options = cast("dict[object, object]", given)
        for key, value in options.items():
            is_secret = isinstance(key, str) and "SECRET" in key.upper()
            options[key] = _secret(value) if is_secret else _address(value)


def _secret(value: object) -> object:
    if isinstance(value, dict):
        return {name: _secret(each) for name, each in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        shown = [_secret(each) for each in cast("list[object]", value)]
        return shown if isinstance(value, list) else tuple(shown)
    if isinstance(value, bytes):
        return _SecretBytes(value)
    return _Secret(value) if isinstance(value, str) else value


def _address(value: object) -> object:
    return _Address(value) if isinstance(value, str) and "://" in value else value
