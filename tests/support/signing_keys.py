"""Keys of invented senders: a private one, its public one, and another public one."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PKCS8 = serialization.PrivateFormat.PKCS8


class KeyPair(NamedTuple):
    private: str
    public: str
    other: str


def p256(seed: int) -> tuple[str, str]:
    """Return a private key of P-256 and its public key, as base64 of DER."""
    key = ec.derive_private_key(seed, ec.SECP256R1())
    der = serialization.Encoding.DER
    private = key.private_bytes(der, PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(der, SPKI)
    return b64encode(private).decode(), b64encode(public).decode()


def ed25519_pem(seed: bytes) -> tuple[str, str]:
    """Return a private key of Ed25519 and its public key, in PEM."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, PKCS8, serialization.NoEncryption())
    return private.decode(), key.public_key().public_bytes(pem, SPKI).decode()


P256 = KeyPair(*p256(3**100), p256(5**70)[1])
ED25519 = KeyPair(*ed25519_pem(b"A" * 32), ed25519_pem(b"B" * 32)[1])
