"""Follow a slot to the node that owns it: one flow for synchronous and asyncio programs.

A node that does not answer costs its own lanes a moment, and no other lane: the owners are asked
for once, and unless another node has taken over, the call fails. The sender retries it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.addresses import unavailable_at
from florentin_webhooks.redis.cluster.redirects import RedirectKind, find_redirect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from florentin_webhooks.redis.cluster.address import Node
    from florentin_webhooks.redis.cluster.topology import Topology
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["Follower", "Transport"]

_LONGEST = 1.2
"""Seconds after which nothing is tried again: an attempt takes at most 0.8 more."""
_PAUSE = 0.05
_REST = 0.25
"""Seconds in which a node that did not answer is not asked again."""
_MOST_MOVES = 3
"""How many redirections are followed without a pause."""
_MOST_ASKED = 3
"""How many nodes are asked for the owners."""
_LONGEST_ASKED = 0.3
"""Seconds after which no other one is: one that hangs takes 0.8, as the call before."""


class Transport(Protocol):
    """The connections to nodes."""

    def send(self, node: Node, call: ScriptCall, /) -> Awaitable[object]:
        """Return the decoded answer of *node*; raises RedisError or OSError."""
        ...

    def send_asking(self, node: Node, call: ScriptCall, /) -> Awaitable[object]:
        """Return the decoded answer of a *node* that is taking a slot over."""
        ...

    def ask_owners(self, node: Node, /) -> Awaitable[Any]:
        """Return the answer of *node* to CLUSTER SLOTS; raises RedisError or OSError."""
        ...

    def pause(self, seconds: float, /) -> Awaitable[None]:
        """Wait."""
        ...


@dataclass(slots=True)
class _Trial:
    """The attempts of one call so far."""

    until: float = field(default_factory=lambda: monotonic() + _LONGEST)
    moves: int = 0
    has_asked: bool = False


class Follower:
    """A sender of calls over *transport* to the owners in *topology*."""

    def __init__(self, topology: Topology, transport: Transport) -> None:
        self.topology = topology
        self._transport = transport
        self._resting: dict[Node, float] = {}

    async def run(self, slot: int, call: ScriptCall) -> object:
        """Return the decoded answer of the owner of *slot*; raises :class:`Unavailable`."""
        trial = _Trial()
        while True:
            node = self.topology.owner(slot) or await self.find_owner(slot)
            self._ensure_rested(node)
            try:
                return await self._transport.send(node, call)
            except (RedisError, OSError) as error:
                asked = await self._follow(slot, node, call, error, trial)
            if asked is not None:
                return asked[0]

    async def find_owner(self, slot: int) -> Node:
        """Return the node that owns *slot*; raises :class:`Unavailable`."""
        node = self.topology.owner(slot)
        if node is None:
            await self.refresh()
            node = self.topology.owner(slot)
        if node is None:
            raise Unavailable(
                f"No node of the Redis Cluster owns slot {slot}.", "Assign all slots to nodes."
            )
        return node

    async def find_owners(self, slots: Iterable[int]) -> list[Node]:
        """Return the nodes that own *slots*; raises :class:`Unavailable`."""
        return [await self.find_owner(slot) for slot in slots]

    def is_resting(self, node: Node) -> bool:
        """Return whether *node* did not answer a moment ago."""
        since = self._resting.get(node)
        return since is not None and monotonic() - since < _REST

    async def refresh(self, avoided: Node | None = None) -> None:
        """Ask for the owners of all slots, any node but *avoided* first.

        Those that failed last come last, and after one that hangs no other one is asked.
        """
        last: Unavailable | None = None
        end = monotonic() + _LONGEST_ASKED
        for node in self._candidates(avoided)[:_MOST_ASKED]:
            try:
                answer = await self._transport.ask_owners(node)
            except (RedisError, OSError) as error:
                self._remember_failure(node, error)
                last = unavailable_at(str(node), error)
            else:
                self.topology.load(answer, node)
                return
            if monotonic() > end:
                break
        if last is not None:
            raise last

    def _candidates(self, avoided: Node | None) -> list[Node]:
        """Return the nodes to ask for the owners: while some are known, none that rests."""
        known = self.topology.candidates(avoided)
        if self.topology.owners():
            known = tuple(node for node in known if not self.is_resting(node))
        return sorted(known, key=lambda node: (node == avoided, self._resting.get(node, 0.0)))

    async def _follow(
        self, slot: int, node: Node, call: ScriptCall, error: Exception, trial: _Trial
    ) -> tuple[object] | None:
        """Return the answer of another node, or None where the call can be tried again."""
        redirect = find_redirect(error, node)
        if redirect is None or redirect.kind is RedirectKind.DOWN:
            self._remember_failure(node, error)
            await self._ensure_other_owner(slot, node, error, trial)
            return None
        if monotonic() > trial.until:
            raise unavailable_at(str(node), error) from None
        target = redirect.node or node
        if redirect.kind is RedirectKind.ASK and (asked := await self._ask(target, call)):
            return asked
        if redirect.kind is RedirectKind.MOVED:
            self.topology.move(slot, target)
            trial.moves += 1
        if redirect.kind is not RedirectKind.MOVED or trial.moves > _MOST_MOVES:
            await self._transport.pause(_PAUSE)
        return None

    async def _ensure_other_owner(
        self, slot: int, node: Node, error: Exception, trial: _Trial
    ) -> None:
        """Raise :class:`Unavailable` unless another node has the slot by now."""
        if not trial.has_asked:
            trial.has_asked = True
            await self.refresh(node)
            if self.topology.owner(slot) not in (node, None):
                return
        raise unavailable_at(str(node), error) from None

    async def _ask(self, node: Node, call: ScriptCall) -> tuple[object] | None:
        """Return the answer of a node that takes the slot over, None where it has none yet."""
        try:
            return (await self._transport.send_asking(node, call),)
        except (RedisError, OSError) as error:
            if find_redirect(error, node) is None:
                error.__context__ = None  # The answer that led here is not its cause.
                raise unavailable_at(str(node), error) from None
            return None

    def _ensure_rested(self, node: Node) -> None:
        if self.is_resting(node):
            message = f"Redis at {node} did not answer a moment ago."
            raise Unavailable(message, may_pass=True)

    async def note_failure(self, node: Node, answer: object) -> None:
        """Learn that *node* gave no answer, and who owns its slots now, where *answer* says so."""
        if self._remember_failure(node, answer):
            with suppress(Unavailable):
                await self.refresh(node)

    def _remember_failure(self, node: Node, answer: object) -> bool:
        if not isinstance(answer, OSError | RedisConnectionError | RedisTimeoutError):
            return False
        self._resting[node] = monotonic()
        return True
