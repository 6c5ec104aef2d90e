"""Faults: drawn in the shares that were asked for, the same ones for a seed."""

from __future__ import annotations

from collections import Counter

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.simulator.webhooks.faults import Fault, Faults, parse_faults


def test_share_of_each_fault_is_as_asked_for() -> None:
    faults = parse_faults(("all=0.1",), seed=7)
    drawn = Counter(faults.choose(number, 1) for number in range(5000))
    late = {fault for fault in Fault if not fault.is_early}
    assert {*drawn} == {None, *late}
    assert all(400 < drawn[fault] < 600 for fault in late)
    early = Counter(faults.choose(number, 0) for number in range(5000))
    assert {*early} == {None, Fault.REORDER, Fault.DELAY}


def test_draws_depend_on_the_seed_alone() -> None:
    def draws(seed: int) -> list[Fault | None]:
        return [parse_faults(("all=0.1",), seed).choose(number, 1) for number in range(50)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)


def test_later_text_replaces_a_share() -> None:
    faults = parse_faults(("all=0.01", "tamper=0.5"))
    assert (faults.rates[Fault.TAMPER], faults.rates[Fault.DELAY]) == (0.5, 0.01)
    assert Faults().choose(1, 1) is None


@pytest.mark.parametrize("text", ["temper=0.1", "tamper", "tamper=2", "tamper=-1", "tamper=nan"])
def test_text_that_is_not_a_share_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a fault with its share"):
        parse_faults((text,))


def test_shares_of_more_than_all_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"total share of 1\.6"):
        parse_faults(("all=0.2",))
