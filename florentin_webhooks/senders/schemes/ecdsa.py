"""Keys of ECDSA over the curve P-256, with SHA-256 and signatures in DER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ECDSAKey", "ECDSASigner", "load_ecdsa_key"]

_ALGORITHM = ec.ECDSA(SHA256())


class ECDSAKey:
    """A public key of P-256; raises ValueError for another curve."""

    __slots__ = ("_key", "public")
    size = 0  # DER leaves out leading zeros.

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        if not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("not the curve P-256")  # noqa: TRY004 - the class is right.
        self._key = key
        self.public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, parts: Iterable[bytes], signature: bytes) -> bool:
        """Return whether *signature* signs *parts*."""
        try:
            self._key.verify(signature, b"".join(parts), _ALGORITHM)
        except InvalidSignature:
            return False
        return True

    def sign(self, _parts: Iterable[bytes]) -> bytes:
        """Raise TypeError: a public key cannot sign."""
        raise TypeError("A public key cannot sign.")


class ECDSASigner(ECDSAKey):
    """A private key of P-256, for tests and tools."""

    __slots__ = ("_private",)

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        super().__init__(key.public_key())
        self._private = key

    def sign(self, _parts: Iterable[bytes]) -> bytes:
        """Return the signature."""
        return self._private.sign(b"".join(_parts), _ALGORITHM)


def load_ecdsa_key(der: bytes) -> ECDSAKey:
    """Return the public or private key in *der*; raises ValueError for anything else."""
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return _load_signer(der)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not a key of ECDSA")  # noqa: TRY004 - bytes are the right type.
    return ECDSAKey(key)


def _load_signer(der: bytes) -> ECDSASigner:
    try:
        key = load_der_private_key(der, password=None)
    except (TypeError, UnsupportedAlgorithm):
        key = None  # Encrypted, or of an unknown kind.
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key of ECDSA")  # noqa: TRY004 - the same.
    return ECDSASigner(key)
