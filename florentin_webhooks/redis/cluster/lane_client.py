"""A client of one lane, as RQ's classes need one: it follows the lane's slot from node to node.

RQ names its keys once for a process. A client of a lane adds the lane's hash tag to them on their
way to the server, so that one process can serve all lanes, and RQ's own tools see the same keys
with ``RQ_KEY_PREFIX={fl:03}rq``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.clients import new_client
from florentin_webhooks.redis.cluster.address import Node
from florentin_webhooks.redis.executors.resp import encode_command
from florentin_webhooks.redis.full_memory import ForcingClient
from florentin_webhooks.redis.schema import RQ_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.redis.cluster.address import ClusterAddress
    from florentin_webhooks.redis.cluster.follower import Follower
    from florentin_webhooks.redis.cluster.lanes import Lane

__all__ = ["LaneClient", "SlotFinder", "TagPacker", "create_lane_client"]


class SlotFinder:
    """The way to the node that owns the slot of *lane*, in the cluster at *address*."""

    def __init__(self, address: ClusterAddress, lane: Lane, follower: Follower) -> None:
        self.lane = lane.number
        self.tag = lane.tag
        self.display = str(address)
        self._slot, self._follower = lane.slot, follower

    def find(self) -> Node:
        """Return the node; raises redis-py's ConnectionError where none answers."""
        try:
            return run_sync(self._follower.find_owner(self._slot))
        except Unavailable as error:
            raise RedisConnectionError(error.message) from None

    def move(self, node: Node) -> None:
        """Remember that *node* owns the slot now."""
        self._follower.topology.move(self._slot, node)

    def search(self, failed: Node) -> None:
        """Ask other nodes than the *failed* one for the owner."""
        try:
            run_sync(self._follower.refresh(failed))
        except Unavailable:
            return  # None answers: the next attempt asks again.


class TagPacker:
    """A packer of commands for redis-py, which begins RQ's keys with *tag*.

    RQ passes no value that begins as its keys do, but keys: members of its sets among them.
    """

    def __init__(self, tag: str, prefix: str) -> None:
        self._tag, self._prefix = tag, prefix
        self._raw_tag, self._raw_prefix = tag.encode(), prefix.encode()

    def pack(self, *words: Any) -> list[bytes]:
        """Return the command in RESP."""
        name, *arguments = words
        first = str(name).split() if isinstance(name, str) else [name]
        count = self._count_keys(name, arguments)
        tagged = [self.begin(each) for each in arguments[:count]]
        return [encode_command([*first, *map(_to_word, [*tagged, *arguments[count:]])])]

    @staticmethod
    def _count_keys(name: object, arguments: Sequence[Any]) -> int:
        """Return how many arguments may be keys: of a script, those that it declares."""
        if str(name).upper() in ("EVAL", "EVALSHA"):
            return 2 + int(arguments[1])
        return len(arguments)

    def begin(self, word: Any) -> Any:
        """Return *word*, with the tag before it if it is a key of RQ's."""
        if isinstance(word, str):
            return self._tag + word if word.startswith(self._prefix) else word
        if isinstance(word, bytes):
            return self._raw_tag + word if word.startswith(self._raw_prefix) else word
        return word


def _to_word(word: Any) -> bytes | int:
    if isinstance(word, str):
        return word.encode()  # Of RQ's enumerations, the value.
    if isinstance(word, bytes | int):
        return word
    return repr(word).encode()


_ONCE = Retry(NoBackoff(), 0)


def _ignore(_: object) -> None:
    """Do nothing about an error that is tried again."""


class _Following:
    """Mixin of a connection that looks the owner of its slot up when it connects."""

    retry: Any

    def __init__(self, *, finder: SlotFinder, **options: Any) -> None:
        self._finder = finder
        super().__init__(**options)

    def connect_check_health(self, *arguments: Any, **options: Any) -> None:
        """Connect to the owner of the slot, which may be another one in the next attempt.

        redis-py calls it wherever it connects: also before it repeats a command.
        """
        connect = partial(self._connect_once, *arguments, **options)
        self.retry.call_with_retry(connect, _ignore)

    def _connect_once(self, *arguments: Any, **options: Any) -> None:
        node = self._finder.find()
        untyped: Any = self  # Any: redis-py leaves its types open, also below.
        untyped.host, untyped.port = node
        retry, self.retry = self.retry, _ONCE
        try:
            cast("Any", super()).connect_check_health(*arguments, **options)
        except (RedisConnectionError, RedisTimeoutError):
            self._finder.search(node)
            raise
        finally:
            self.retry = retry

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Return the next answer; closes the connection where the slot has moved."""
        try:
            return cast("Any", super()).read_response(*arguments, **options)
        except MovedError as error:
            moved, untyped = cast("Any", error), cast("Any", self)
            self._finder.move(Node(moved.host or untyped.host, int(moved.port)))
            untyped.disconnect()
            raise RedisConnectionError("The slot has moved to another node.") from None


class LaneConnection(_Following, redis.Connection):
    """A connection to the owner of a lane's slot."""


class LaneSSLConnection(_Following, redis.SSLConnection):
    """A connection with TLS to the owner of a lane's slot."""


class LaneClient(ForcingClient):
    """A client of one lane, which also works while its node's memory is full."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        cast("Any", super()).__init__(*arguments, **options)
        untyped: Any = self  # Any: redis-py leaves its types open.
        untyped.set_response_callback("SMEMBERS", self._drop_tags)

    @property
    def finder(self) -> SlotFinder:
        """The way to its node."""
        return cast("SlotFinder", cast("Any", self.connection_pool).connection_kwargs["finder"])

    @property
    def lane(self) -> int:
        """The number of its lane."""
        return self.finder.lane

    def spell(self, words: tuple[Any, ...]) -> Sequence[Any]:
        """Return a command with the tag before its keys: those in a script have none yet."""
        packer = cast("Any", self.connection_pool).connection_kwargs["command_packer"]
        return [words[0], *map(packer.begin, words[1:])]

    def _drop_tags(self, members: Any, **_: Any) -> set[bytes]:
        """Return *members*, the keys among them as RQ names them."""
        tag = self.finder.tag.encode()
        return {member.removeprefix(tag) for member in members or ()}


def create_lane_client(
    address: ClusterAddress, lane: Lane, follower: Follower, longest: float | None = None
) -> LaneClient:
    """Return a client of *lane*, which waits at most *longest* seconds for an answer."""
    pool: Any = new_client(address.url(address.nodes[0]), longest).connection_pool
    is_secure = issubclass(pool.connection_class, redis.SSLConnection)
    options: dict[str, Any] = {
        **pool.connection_kwargs,
        "finder": SlotFinder(address, lane, follower),
        "command_packer": TagPacker(lane.tag, RQ_PREFIX),
        "retry": Retry(NoBackoff(), 1),
    }
    kind = LaneSSLConnection if is_secure else LaneConnection
    pool = cast("Any", redis.ConnectionPool)(connection_class=kind, **options)
    return cast("LaneClient", LaneClient.from_pool(pool))
