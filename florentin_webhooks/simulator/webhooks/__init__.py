"""The webhooks of a simulated domain: events, their deliveries, attempts and faults."""

__all__: list[str] = []
