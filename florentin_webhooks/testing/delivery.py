"""A signed delivery: a pair of headers and body, with what the test kit knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.senders.florentin.signature import DELIVERY_ID_HEADER, EVENT_HEADER

if TYPE_CHECKING:
    from typing import Self

__all__ = ["SignedDelivery"]


class _Wire(NamedTuple):
    """What goes over the wire."""

    headers: dict[str, str]
    body: bytes


class SignedDelivery(_Wire):
    """A delivery as it goes over the wire.

    *event* is what a header of the sender names, *delivery_id* the id of the delivery.
    """

    event: str
    delivery_id: str

    def __new__(cls, headers: dict[str, str], body: bytes) -> Self:
        """Create a delivery, whose event and id are those of Florentin's headers."""
        return cls.of(
            headers, body, headers.get(EVENT_HEADER, ""), headers.get(DELIVERY_ID_HEADER, "")
        )

    @classmethod
    def of(cls, headers: dict[str, str], body: bytes, event: str, delivery_id: str) -> Self:
        """Create a delivery of any sender."""
        made = _Wire.__new__(cls, headers, body)
        made.event, made.delivery_id = event, delivery_id
        return made

    def with_body(self, body: bytes) -> Self:
        """Return the delivery with another body."""
        return self.of(self.headers, body, self.event, self.delivery_id)

    def with_id(self, delivery_id: str) -> Self:
        """Return the delivery with another id in the header that has it."""
        headers = {
            name: delivery_id if value == self.delivery_id else value
            for name, value in self.headers.items()
        }
        return self.of(headers, self.body, self.event, delivery_id)
