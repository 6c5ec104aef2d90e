"""Keys that check a signature over several parts, and those that can also make one.

Secrets are kept only inside keyed contexts, so that no repr, pickle or traceback can show them.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ALGORITHMS", "Ed25519Key", "Ed25519Signer", "HMACKey", "Key", "PublicKey"]

ALGORITHMS: dict[str, type[hashes.SHA1 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "sha1": hashes.SHA1,  # Not broken inside an HMAC.
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
"""The hashes of an HMAC by name."""


class Key(Protocol):
    """A key that checks signatures of *size* bytes; 0 where their size varies."""

    @property
    def size(self) -> int:
        """The number of bytes of a signature."""
        ...

    def verify(self, parts: Iterable[bytes], signature: bytes) -> bool:
        """Return whether *signature* signs *parts*, in constant time."""
        ...

    def sign(self, parts: Iterable[bytes], /) -> bytes:
        """Return the signature of *parts*; raises TypeError for a public key."""
        ...


@runtime_checkable
class PublicKey(Protocol):
    """A key whose *public* bytes may be shown."""

    @property
    def public(self) -> bytes:
        """The public key in its one canonical form."""
        ...


class HMACKey:
    """A secret of an HMAC."""

    __slots__ = ("copy", "size")

    copy: Callable[[], hmac.HMAC]
    """Returns a new context of the secret, to be updated with what is signed."""

    def __init__(self, secret: bytes, algorithm: str = "sha256") -> None:
        chosen = ALGORITHMS[algorithm]()
        # Keying a context costs as much as hashing a small body, so it is done once.
        self.copy = hmac.HMAC(secret, chosen).copy
        self.size: int = chosen.digest_size

    def verify(self, parts: Iterable[bytes], signature: bytes) -> bool:
        """Return whether *signature* signs *parts*, in constant time."""
        context = self.copy()
        for part in parts:
            context.update(part)
        return compare_digest(context.finalize(), signature)

    def sign(self, parts: Iterable[bytes]) -> bytes:
        """Return the signature of *parts*."""
        context = self.copy()
        for part in parts:
            context.update(part)
        return context.finalize()


class Ed25519Key:
    """A public key of Ed25519, of 32 bytes; raises ValueError for others."""

    __slots__ = ("_key", "public")
    size = 64

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(raw)
        self.public = raw

    def verify(self, parts: Iterable[bytes], signature: bytes) -> bool:
        """Return whether *signature* signs *parts*."""
        try:
            self._key.verify(signature, b"".join(parts))
        except InvalidSignature:
            return False
        return True

    def sign(self, _parts: Iterable[bytes]) -> bytes:
        """Raise TypeError: a public key cannot sign."""
        raise TypeError("A public key cannot sign.")


class Ed25519Signer(Ed25519Key):
    """A private key of Ed25519, of 32 bytes, for tests and tools."""

    __slots__ = ("_private",)

    def __init__(self, raw: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(raw)
        super().__init__(self._private.public_key().public_bytes_raw())

    def sign(self, _parts: Iterable[bytes]) -> bytes:
        """Return the signature."""
        return self._private.sign(b"".join(_parts))
