"""The identity of a receiver: the ids of its keys, under which its deliveries are recorded.

Each endpoint has a secret of its own, so receivers that share a store never meet. While a secret is
rotated, a delivery is also looked up under the ids of the other keys, and as versions before 0.2
recorded it: under no key id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.protocol.fingerprint import RetryKey, compute_key_id, under_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

__all__ = ["NO_IDENTITY", "Identity", "RecordKey", "scope_retry_key"]


class RecordKey(NamedTuple):
    """A fingerprint and a retry key under one key id."""

    key: bytes
    trace: RetryKey | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The key ids of a receiver by the names of its secrets."""

    key_ids: Mapping[str, str]

    @classmethod
    def of(cls, secrets: Mapping[str, bytes], name: str = "") -> Self:
        """Return the identity of the receiver *name* with *secrets*."""
        return cls({secret: compute_key_id(value, name) for secret, value in secrets.items()})

    def key_id(self, secret: str) -> str:
        """Return the key id of the secret that is named *secret*.

        A sender with names of its own has one key, the first.
        """
        return self.key_ids.get(secret) or next(iter(self.key_ids.values()), "")

    @property
    def all_key_ids(self) -> tuple[str, ...]:
        """The key ids of all secrets."""
        return tuple(dict.fromkeys(self.key_ids.values()))

    def owns(self, owner: str, path: str) -> bool:
        """Return whether the receiver at *path* may run the jobs of *owner*.

        They share a key id. Versions before 0.2 recorded no owner.
        """
        recorded, *key_ids = owner.split(" ")
        if not key_ids:
            return recorded in ("", path)
        return not set(key_ids).isdisjoint(self.all_key_ids)

    def other_key_ids(self, key_id: str) -> tuple[str, ...]:
        """Return the key ids beside *key_id*, and the empty one of older versions."""
        return tuple(dict.fromkeys(each for each in (*self.key_ids.values(), "") if each != key_id))

    def aliases(
        self, key_id: str, digest: bytes, retry_key: RetryKey | None
    ) -> tuple[RecordKey, ...]:
        """Return the keys of what was signed, *digest*, beside those under *key_id*."""
        return tuple(
            RecordKey(under_key(each, digest), scope_retry_key(each, retry_key))
            for each in self.other_key_ids(key_id)
        )


def scope_retry_key(key_id: str, retry_key: RetryKey | None) -> RetryKey | None:
    """Return *retry_key* under *key_id*."""
    if retry_key is None or not key_id:
        return retry_key
    return RetryKey(under_key(key_id, retry_key.delivery_id), retry_key.content)


NO_IDENTITY = Identity({})
"""The identity of deliveries that were recorded without a key id."""
