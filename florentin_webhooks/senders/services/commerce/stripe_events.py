"""What the names of Stripe's events begin with, before their first dot.

Source: https://docs.stripe.com/api/events/types, and https://docs.stripe.com/event-destinations for
thin events, which begin with a version.
"""

from __future__ import annotations

__all__ = ["EVENTS"]

EVENTS = frozenset(
    [
        "account",
        "application_fee",
        "apps",
        "balance",
        "balance_settings",
        "billing",
        "billing_portal",
        "capability",
        "cash_balance",
        "charge",
        "checkout",
        "climate",
        "coupon",
        "credit_note",
        "customer",
        "customer_cash_balance_transaction",
        "entitlements",
        "file",
        "financial_connections",
        "identity",
        "invoice",
        "invoice_payment",
        "invoiceitem",
        "issuing_authorization",
        "issuing_card",
        "issuing_cardholder",
        "issuing_dispute",
        "issuing_personalization_design",
        "issuing_token",
        "issuing_transaction",
        "mandate",
        "payment_intent",
        "payment_link",
        "payment_method",
        "payout",
        "person",
        "plan",
        "price",
        "product",
        "promotion_code",
        "quote",
        "radar",
        "refund",
        "reporting",
        "reserve",
        "review",
        "setup_intent",
        "sigma",
        "source",
        "subscription_schedule",
        "tax",
        "tax_rate",
        "terminal",
        "test_helpers",
        "three_d_secure",
        "topup",
        "transfer",
        "treasury",
        "v1",
        "v2",
    ]
)
