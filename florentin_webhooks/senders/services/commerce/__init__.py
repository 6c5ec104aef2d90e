"""Shops and payments: Paddle, Shopify, Square, Stripe."""

__all__: list[str] = []
