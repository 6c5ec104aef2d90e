"""What the test kit returns: a delivery that was sent, and the response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.transport import Response

__all__ = ["DeliveryResult"]


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """One attempt of the sender: the *delivery* that was sent, and the *response*."""

    delivery: SignedDelivery
    response: Response

    @property
    def status(self) -> int:
        """The HTTP status of the response."""
        return self.response.status

    @property
    def outcome(self) -> str:
        """The outcome of the delivery, such as ``processed``; empty if the body has none."""
        return self.response.outcome

    @property
    def ok(self) -> bool:
        """Whether the sender takes the response for success."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers.

    def __str__(self) -> str:
        return f"{self.status} {self.outcome or ascii(self.response.body[:200])}"
