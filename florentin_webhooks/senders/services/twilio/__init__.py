"""Twilio and its SendGrid."""

__all__: list[str] = []
