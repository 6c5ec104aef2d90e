"""A delivery that waits in a spool, with all that it takes to accept it later."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.protocol.fingerprint import Identity

if TYPE_CHECKING:
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["SpooledDelivery", "restore_identity", "spool_entry"]

_NO_PATH = "-"


class SpooledDelivery(NamedTuple):
    """A genuine delivery that waits.

    *owner* has the key ids of the receiver that it arrived at, *key_ids* those of its tenant or,
    without one, the same. No field is a secret, and none depends on a later configuration.
    """

    fingerprint: str
    owner: str
    event: str
    delivery_id: str | None
    secret: str
    key_id: str
    key_ids: tuple[str, ...]
    received_at: datetime
    body: bytes


def spool_entry(delivery: Delivery, identity: Identity, own: Identity) -> SpooledDelivery:
    """Return *delivery* as it waits; *identity* is its tenant's, *own* the receiver's."""
    return SpooledDelivery(
        delivery.fingerprint,
        " ".join((_NO_PATH, *own.all_key_ids)),
        delivery.event,
        delivery.delivery_id,
        delivery.secret,
        delivery.key_id,
        identity.all_key_ids,
        delivery.received_at,
        delivery.body,
    )


def restore_identity(waiting: SpooledDelivery, own: Identity) -> Identity:
    """Return the identity under which *waiting* is accepted: with the present key ids, too.

    A secret that was added meanwhile may have signed the same delivery again.
    """
    every = dict.fromkeys((*waiting.key_ids, *own.all_key_ids))
    return Identity({key_id: key_id for key_id in every}, own.name)
