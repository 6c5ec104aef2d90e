"""A pretend Florentin for your tests."""

from florentin_webhooks.testing.provider import Made, Provider

__all__ = ["Made", "Provider"]
