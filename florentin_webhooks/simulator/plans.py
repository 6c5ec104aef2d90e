"""The products of the simulated domain and their plans, the smallest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PLANS", "PRODUCTS", "compare_plans"]

_AMOUNTS = {"starter": 900, "team": 4900, "business": 19900}

PRODUCTS: Sequence[Mapping[str, object]] = ({"id": "workspace", "name": "Workspace"},)

PLANS: Mapping[str, Mapping[str, object]] = {
    name: {
        "id": name,
        "product_id": "workspace",
        "name": name.capitalize(),
        "amount": amount,
        "currency": "eur",
    }
    for name, amount in _AMOUNTS.items()
}
"""Each plan by its id; *amount* is the price of a month in minor units."""


def compare_plans(plan: str, other: str) -> int:
    """Return a positive number where *plan* is above *other*, a negative one where it is below."""
    return _AMOUNTS[plan] - _AMOUNTS[other]
