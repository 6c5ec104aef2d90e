"""Encrypt what is written to a spool, with keys of the program (Fernet: AES-128 and HMAC)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Seal", "UnreadableContent"]

_HINT = (
    'Create one with: python -c "from cryptography.fernet import Fernet; '
    'print(Fernet.generate_key().decode())"'
)


class UnreadableContent(Exception):
    """Content that none of the keys opens."""


class Seal:
    """Encrypts with the first of *keys*, and decrypts with any of them; without keys neither."""

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        try:
            ciphers = [Fernet(key) for key in keys]
        except (ValueError, TypeError):
            # Not the text of the error: it is about keys.
            message = "A key of the spool is not 32 bytes in URL-safe base64."
            raise ConfigurationError(message, _HINT) from None
        self._cipher = MultiFernet(ciphers) if ciphers else None

    @property
    def has_keys(self) -> bool:
        """Whether it encrypts."""
        return self._cipher is not None

    def close(self, content: bytes) -> bytes:
        """Return *content*, encrypted where there are keys."""
        return content if self._cipher is None else self._cipher.encrypt(content)

    def open(self, content: bytes) -> bytes:
        """Return *content*, decrypted. Raises :class:`UnreadableContent`."""
        if self._cipher is None:
            raise UnreadableContent("it is encrypted, and the spool has no keys")
        try:
            return self._cipher.decrypt(content)
        except InvalidToken:
            raise UnreadableContent("none of the keys opens it, or it was changed") from None
