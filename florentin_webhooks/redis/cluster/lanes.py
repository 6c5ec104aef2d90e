"""Lanes: a store is spread over a cluster as several stores, each with all of its keys in one slot.

A lane is what one Redis is without a cluster: a script finds all keys of a delivery in it, and the
queue has a list in each lane. The hash tag of a lane, such as ``{fl:03}``, begins all of its keys,
and those of RQ. The tags are numbers whose slots divide the cluster's evenly, so that nodes with
slots of equal number have lanes of equal number.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from florentin_webhooks.redis.schema import KeySchema

__all__ = [
    "DEFAULT_LANES",
    "MAX_LANES",
    "Lane",
    "choose_lane",
    "create_lanes",
    "create_marker",
    "validate_lanes",
]

DEFAULT_LANES = 16
MAX_LANES = 256


class Lane(NamedTuple):
    """A lane: its *number*, its hash tag, and the slot and the names of its keys."""

    number: int
    tag: str
    slot: int
    schema: KeySchema


def create_lanes(schema: KeySchema, lanes: int) -> tuple[Lane, ...]:
    """Return *lanes* lanes whose keys begin as those of *schema*, each with a tag."""
    prefix = schema.prefix.decode()
    # Each keeps its share of the newest deliveries in full.
    schema = replace(schema, history=-(-schema.history // lanes))
    return tuple(
        _create_lane(schema, number, _find_tag(prefix, number, lanes)) for number in range(lanes)
    )


def create_marker(schema: KeySchema) -> Lane:
    """Return a lane for one key, its tag: the number of lanes with which the store was created."""
    tag = f"{{{schema.prefix.decode()}lanes}}"
    return Lane(-1, tag, key_slot(tag.encode()), schema)


def choose_lane(lanes: tuple[Lane, ...], digest: bytes) -> Lane:
    """Return the lane of what *digest* identifies, evenly among *lanes*."""
    return lanes[int.from_bytes(digest[:4], "big") * len(lanes) >> 32]


def validate_lanes(lanes: int, prefix: str) -> None:
    """Raise :class:`ConfigurationError` for a number of lanes or a prefix that cannot be."""
    if type(lanes) is not int or not 1 <= lanes <= MAX_LANES:
        raise ConfigurationError(
            f"lanes is {lanes!r}.", f"Pass a whole number from 1 to {MAX_LANES}."
        )
    if set("{}") & set(prefix):
        raise ConfigurationError(
            f"prefix is {prefix!r}: in a Redis Cluster it cannot have braces.", "Drop the braces."
        )


def _create_lane(schema: KeySchema, number: int, tag: str) -> Lane:
    own = replace(schema, prefix=f"{tag}:".encode(), tag=tag)
    return Lane(number, tag, key_slot(tag.encode()), own)


def _find_tag(prefix: str, number: int, lanes: int) -> str:
    """Return the first tag whose slot is in the part of the slots that has *number* of *lanes*."""
    tags = (f"{{{prefix}{suffix:02}}}" for suffix in count())
    return next(
        tag for tag in tags if key_slot(tag.encode()) * lanes // REDIS_CLUSTER_HASH_SLOTS == number
    )
