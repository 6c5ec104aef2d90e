"""What identifies a key: a public key has several spellings, and its private key is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.senders.base import Sender

__all__ = ["HasKeyMaterial", "key_materials"]


@runtime_checkable
class HasKeyMaterial(Protocol):
    """A sender whose secrets may be public keys; optional."""

    def key_material(self, name: str, secret: bytes, /) -> bytes:
        """Return what identifies the key that *secret* spells: the bytes of the public key.

        The secret itself, where it is shared. Raises :class:`ConfigurationError`.
        """
        ...


def key_materials(sender: Sender, secrets: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return what identifies each key of *secrets*; raises :class:`ConfigurationError`."""
    if not isinstance(sender, HasKeyMaterial):
        return secrets
    return {name: sender.key_material(name, secret) for name, secret in secrets.items()}
