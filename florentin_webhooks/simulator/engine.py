"""The state of a simulated domain, and what can be done with it: changes, events, replays."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.simulator.api.endpoint import Endpoint
from florentin_webhooks.simulator.changes import Domain
from florentin_webhooks.simulator.database import Database
from florentin_webhooks.simulator.documents import Documents
from florentin_webhooks.simulator.plans import PLANS, PRODUCTS
from florentin_webhooks.simulator.tokens import Scope, Tokens
from florentin_webhooks.simulator.traffic import Load, Traffic
from florentin_webhooks.simulator.webhooks.dispatcher import Dispatcher
from florentin_webhooks.simulator.webhooks.faults import Faults
from florentin_webhooks.simulator.webhooks.log import DeliveryLog
from florentin_webhooks.simulator.webhooks.outbox import Outbox
from florentin_webhooks.simulator.webhooks.publisher import Publisher
from florentin_webhooks.testing.transport import connect

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import Self

    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.simulator.changes import Change
    from florentin_webhooks.simulator.webhooks.entries import Delivery
    from florentin_webhooks.simulator.webhooks.faults import Fault
    from florentin_webhooks.simulator.webhooks.outbox import Target

__all__ = ["Engine"]


class Engine:
    """A provider domain on this machine.

    *database* is the file of its state, None for memory. *sender* is whose signatures and schedule
    it plays; *speed* divides the waits between attempts, which have *timeout* seconds each.
    *faults* go wrong. *clock* returns an aware datetime. As a context manager it sends deliveries.

    Raises :class:`ConfigurationError` for a file that cannot be used, for a sender that cannot be
    simulated, and for a *speed* of 0 or less.
    """

    def __init__(
        self,
        database: Path | None = None,
        *,
        sender: Sender = DEFAULT_SENDER,
        speed: float = 1.0,
        timeout: float = 10.0,
        faults: Faults | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if speed <= 0:
            raise ConfigurationError(f"speed is {speed}.", "Set it to a number above 0.")
        self.sender = sender
        self._clock = clock
        self._publisher = Publisher(sender, clock, speed)
        self._database = Database(database)
        self._dispatcher = Dispatcher(self._database, sender, clock, speed=speed, timeout=timeout)
        self.faults = faults or Faults()
        self._load: Load | None = None
        self._seed()
        self.endpoint = Endpoint(self._database, self._publish, clock)

    def __enter__(self) -> Self:
        self._dispatcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def faults(self) -> Faults:
        """What goes wrong with new deliveries and attempts."""
        return self._dispatcher.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._dispatcher.faults = faults

    @property
    def waits(self) -> Sequence[float]:
        """The seconds between the attempts of a delivery."""
        return self._dispatcher.waits

    def add_token(
        self, text: str | None = None, scopes: Iterable[Scope | str] = tuple(Scope)
    ) -> str:
        """Add a bearer token and return it; a text of the form ``42|secret``, or a random one.

        Raises :class:`ConfigurationError` for a text of another form.
        """
        chosen = [Scope(each) for each in scopes]
        with self._database.transaction() as connection:
            if text is None:
                return Tokens(connection).issue("simulate", chosen)[1]
            Tokens(connection).put(text, "simulate", chosen)
            return text

    def add_endpoint(self, url: str, secret: str) -> int:
        """Send deliveries to *url*, signed with *secret*, and return the endpoint's number.

        Raises :class:`ConfigurationError` for an invalid URL, and for a secret that the sender
        cannot have.
        """
        connect(url, 1)  # Checks the URL; opens nothing.
        self._dispatcher.signer(url, secret)
        with self._outbox() as outbox:
            return outbox.register(url, secret)

    def endpoints(self) -> Sequence[Target]:
        """Return the endpoints that get deliveries."""
        with self._outbox() as outbox:
            return outbox.endpoints()

    def remove_endpoint(self, number: int) -> None:
        """Send nothing more to an endpoint."""
        with self._outbox() as outbox:
            outbox.remove(number)

    def change(self, make: Callable[[Domain], Change]) -> Change:
        """Make a change of the domain without the API, fire its event, and return it."""
        with self._database.transaction() as connection:
            change = make(Domain(Documents(connection), f"{self._clock():%Y-%m}"))
            self._publish(connection, change.event, change.data)
        return change

    def fire(
        self, event: str, data: Mapping[str, object] | None = None, fault: Fault | None = None
    ) -> list[str]:
        """Send *event* without a change, and return the ids of its deliveries.

        Without *data*, it has that of a sample. The first attempt has the *fault*. Raises
        :class:`ConfigurationError` for an event that the sender cannot write.
        """
        is_sampled = data is None and self.sender is DEFAULT_SENDER
        chosen = SAMPLES.get(event, {}) if is_sampled else data or {}
        try:
            with self._database.transaction() as connection:
                return self._publish(connection, event, chosen, fault or "")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(
                f"{self.sender.name} cannot send {event!r}.", "Choose an event of its catalogue."
            ) from error

    def generate(self, rate: float, limit: int | None = None) -> Load:
        """Make *rate* changes a second at random, at most *limit*, which the seed decides."""
        if self._load is not None:
            self._load.close()
        self._load = Load(partial(self.change, Traffic(self.faults.seed).change), rate, limit)
        return self._load

    def replay(self, key: str, fault: Fault | None = None) -> bool:
        """Send the delivery with an id again, and return whether that was possible.

        It is not for one that is under way, and for one whose endpoint was removed.
        """
        with self._outbox() as outbox:
            replayed = outbox.replay(key, fault or "", self._clock().timestamp())
        self._dispatcher.wake()
        return replayed

    def deliveries(self) -> list[Delivery]:
        """Return the whole delivery log, the newest first."""
        with self.log() as log:
            return log.page(-1)

    @contextmanager
    def log(self) -> Generator[DeliveryLog]:
        """Yield the delivery log as it is now."""
        with self._database.transaction() as connection:
            yield DeliveryLog(connection)

    def close(self) -> None:
        """Finish the requests that are under way, and close the database."""
        if self._load is not None:
            self._load.close()
        self._dispatcher.close()
        self._database.close()

    @contextmanager
    def _outbox(self) -> Generator[Outbox]:
        with self._database.transaction() as connection:
            yield Outbox(connection)

    def _publish(
        self,
        connection: sqlite3.Connection,
        event: str,
        data: Mapping[str, object],
        fault: str = "",
    ) -> list[str]:
        ids = self._publisher.publish(connection, event, data, self.faults, fault)
        self._dispatcher.wake()
        return ids

    def _seed(self) -> None:
        with self._database.transaction() as connection:
            documents = Documents(connection)
            if documents.find("product", str(PRODUCTS[0]["id"])) is None:
                for product in PRODUCTS:
                    documents.add("product", product)
                for plan in PLANS.values():
                    documents.add("plan", plan)
