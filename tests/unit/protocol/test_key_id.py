"""The key id: the same for one secret and receiver, and no way back to the secret."""

from __future__ import annotations

from florentin_webhooks.protocol.fingerprint import compute_key_id, fingerprint, under_key

SECRET = b"a-secret-of-the-key-id-tests"


def test_key_id_is_the_same_in_every_version() -> None:
    assert compute_key_id(SECRET) == "ab39b4495030b0ba"
    assert (
        under_key(compute_key_id(SECRET), fingerprint(b"{}")).hex()
        == "c3eb1c924aaecf863a5e970da9d75450"
    )


def test_key_id_differs_by_secret_and_receiver() -> None:
    made = {compute_key_id(SECRET), compute_key_id(SECRET + b"2"), compute_key_id(SECRET, "crm")}
    assert len(made) == 3
    assert all(len(each) == 16 for each in made)


def test_key_without_a_key_id_is_that_of_earlier_versions() -> None:
    assert under_key("", fingerprint(b"{}")) == fingerprint(b"{}")
