"""The receivers of a page, and which of them a delivery belongs to."""

from __future__ import annotations

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.testing import Provider
from tests.support.inspected import post, site_of

SECRETS = {name: f"a-secret-of-the-receiver-{name}" for name in ("a", "b", "c")}


def greet(_: object) -> None: ...


def shared() -> dict[str, Receiver]:
    """Return receivers on one store, each of which has handled a delivery."""
    store = MemoryStore()
    made = {name: Receiver(secret, store=store, name=name) for name, secret in SECRETS.items()}
    Sources([*made.values()])  # From here on the store keeps what is done.
    for name, hooks in made.items():
        hooks.on("user.login")(greet)
        Provider(SECRETS[name]).deliver(hooks, "user.login")
    return made


def test_delivery_belongs_to_the_receiver_of_its_secret() -> None:
    receivers = shared()
    sources = Sources([*receivers.values()])
    (store,) = sources.stores
    owners = [sources.owner(record) for record in store.execute(ListRecords(10)).records]
    assert {hooks.identity.name for hooks in owners} == set(receivers)


def test_replay_runs_in_the_receiver_of_the_delivery() -> None:
    receivers = shared()
    site = site_of(*receivers.values())
    for record in receivers["a"].store.execute(ListRecords(10)).records:
        response = post(site, f"/deliveries/{record.fingerprint}/replay", what="all")
        assert "Replayed" in dict(response.headers)["Set-Cookie"]
