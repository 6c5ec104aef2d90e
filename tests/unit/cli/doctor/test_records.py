"""The newest deliveries show another program with the same secret, and handlers that are gone."""

from __future__ import annotations

from florentin_webhooks.cli.doctor.check import Check
from florentin_webhooks.cli.doctor.records import check_records
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record

KEY = "0123456789abcdef"
PATH = "shop.hooks:hooks"
QUEUED = Record("ab", State.QUEUED, key_id=KEY, waiting={"bills": ("shop:bill", "shop:mail")})


def found(*records: Record) -> list[Check]:
    return list(check_records(records, PATH, {"shop:bill", "shop:mail"}, [KEY]))


def test_own_deliveries_are_no_finding() -> None:
    own = Record("ab", State.DONE, key_id=KEY, owner=f"{PATH} {KEY}")
    assert found(own, QUEUED, Record("cd", State.DONE, key_id=KEY)) == []


def test_program_with_the_same_secret_and_store_is_named() -> None:
    other = Record("ab", State.DONE, key_id=KEY, owner=f"crm.hooks:hooks {KEY}")
    (check,) = found(other, other)
    assert check.name == "receivers-meet"
    assert "crm.hooks:hooks" in check.message
    assert "2 deliveries" in check.message
    assert "name=" in check.hint


def test_handler_that_is_gone_is_named() -> None:
    gone = Record("ab", State.QUEUED, key_id=KEY, waiting={"bills": ("shop:bill", "shop:fax")})
    (check,) = found(gone, QUEUED)
    assert check.name == "handler-missing"
    assert check.message.startswith("shop:fax is not registered any more")


def test_items_of_a_list_wait_for_their_handler() -> None:
    names = "shop:bill[0]", "shop:bill[1]", "shop:fax[0]", "shop:fax[1]"
    (check,) = found(Record("ab", State.QUEUED, key_id=KEY, waiting={"bills": names}))
    assert check.message.startswith("shop:fax is not registered any more, but is waited for: 1 ")


def test_finished_handlers_and_deliveries_of_others_need_none() -> None:
    done = Record(
        "ab",
        State.QUEUED,
        key_id=KEY,
        waiting={"bills": ("shop:bill", "shop:fax")},
        handlers={"shop:fax": "done"},
    )
    foreign = Record("cd", State.QUEUED, key_id="of another", waiting={"": ("crm:note",)})
    assert found(done, foreign) == []
