"""The answer to a request that the API refuses."""

from __future__ import annotations

__all__ = ["Refusal"]


class Refusal(Exception):
    """A request is refused with *status*; *message* is for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @classmethod
    def missing(cls, what: str) -> Refusal:
        """Return the refusal of a request for something that does not exist."""
        return cls(404, f"{what} not found")

    @classmethod
    def full(cls, what: str) -> Refusal:
        """Return the refusal of one more object: *what* says how many there are."""
        return cls(409, f"the simulated {what}, and takes no more: begin with an empty one")
