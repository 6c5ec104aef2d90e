"""Every case of the vector files, against the scheme alone and against a whole receiver."""

from __future__ import annotations

import logging
from base64 import b64decode
from hashlib import sha256

import pytest

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.signatures import FlorentinSignature
from tests.support.receivers import Target, everything_in
from tests.support.vectors import SECRET, Attack, attacks, case_ids, cases, sign

SCHEME = {case["id"]: case for case in cases("sha256_hex_body.json")}
VALID = [name for name, case in SCHEME.items() if case["expected"] == "valid"]
ROTATION = {case["id"]: case for case in cases("rotation.json")}
ATTACKS = list(attacks())


def those(*outcomes: str) -> list[Attack]:
    """Return the attacks with *outcomes*, of which each has one."""
    found = [attack for attack in ATTACKS if attack.outcome in outcomes]
    assert {attack.outcome for attack in found} == set(outcomes)
    return found


def prepared(attack: Attack) -> Target:
    """A receiver at the time of the attack, after what the case says came before."""
    target = Target(now=attack.now)
    if attack.before is not None:
        target.send(attack.before)
    target.ran.clear()
    target.store.asked.clear()
    return target


@pytest.mark.parametrize("name", VALID)
def test_a_published_signature_is_accepted(name: str) -> None:
    case = SCHEME[name]
    scheme = FlorentinSignature({"published": case["secret"]})
    headers = {"X-Florentin-Signature": case["signature"]}
    assert scheme.verify(headers, b64decode(case["body_b64"])) == "published"


@pytest.mark.parametrize("name", sorted(SCHEME.keys() - VALID))
def test_a_published_invalid_or_doubled_signature_is_refused(name: str) -> None:
    case = SCHEME[name]
    headers = {"X-Florentin-Signature": case["signature"]}
    with pytest.raises(InvalidSignature):
        FlorentinSignature(case["secret"]).verify(headers, b64decode(case["body_b64"]))


@pytest.mark.parametrize("name", VALID)
def test_a_published_body_is_signed_as_published(name: str) -> None:
    case, now = SCHEME[name], ATTACKS[0].now
    scheme = FlorentinSignature(case["secret"])
    body = b64decode(case["body_b64"])
    signed = scheme.sign(body, event="x", delivery_id="y", timestamp=now)
    assert signed["X-Florentin-Signature"] == case["signature"]


@pytest.mark.parametrize(
    ("name", "matching"),
    [("octokit-current-valid", "secret-1"), ("octokit-fallback-valid", "secret-2")],
)
def test_with_several_secrets_the_one_that_matched_is_named(name: str, matching: str) -> None:
    case = ROTATION[name]
    headers = {"X-Florentin-Signature": case["signature"]}
    matched = FlorentinSignature(case["secrets"]).verify(headers, b64decode(case["body_b64"]))
    assert matched == matching


def test_signature_that_matches_none_of_several_secrets_is_refused() -> None:
    case = ROTATION["octokit-none-valid"]
    headers = {"X-Florentin-Signature": case["signature"]}
    with pytest.raises(InvalidSignature):
        FlorentinSignature(case["secrets"]).verify(headers, b64decode(case["body_b64"]))


def test_every_case_of_the_scheme_files_is_run() -> None:
    assert len(SCHEME) == 12
    assert sorted(ROTATION) == [
        "octokit-current-valid",
        "octokit-fallback-valid",
        "octokit-none-valid",
    ]


def test_every_attack_with_a_request_is_run() -> None:
    with_request = [case["id"] for case in cases("attack_cases.json") if "request" in case]
    assert len(with_request) == 84
    assert list(dict.fromkeys(attack.case for attack in ATTACKS)) == with_request
    assert len(case_ids("attack_cases.json")) == 200


@pytest.mark.answers(
    "every request",
    "sig-non-ascii",
    "body-not-utf8",
    "body-deep-json",
    "body-json-array",
    "body-nan",
    "body-lone-surrogate",
    "downgrade",
)
def test_every_attack_has_the_read_outcome_the_table() -> None:
    replies = {attack.name: prepared(attack).send(attack.request) for attack in ATTACKS}
    given = {name: (reply.outcome, reply.status) for name, reply in replies.items()}
    assert given == {each.name: (each.outcome, Outcome(each.outcome).status) for each in ATTACKS}


@pytest.mark.answers("every request")
def test_every_attack_runs_a_handler_once_or_never() -> None:
    runs: dict[str, int] = {}
    for attack in ATTACKS:
        target = prepared(attack)
        target.send(attack.request)
        runs[attack.name] = len(target.ran)
    assert runs == {attack.name: attack.outcome == "processed" for attack in ATTACKS}


def test_attack_leaves_no_secret_or_body_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for attack in ATTACKS:
        caplog.clear()
        prepared(attack).send(attack.request)
        written = everything_in(caplog)
        right = sign(attack.request.body)
        claimed = [v.decode("latin-1") for k, v in attack.request.headers if b"Signature" in k]
        for word in (SECRET, right[7:], "inv_1", "F-0001", *(c.strip() for c in claimed)):
            assert word not in written, attack.name


def test_attack_logs_at_most_one_bounded_line(caplog: pytest.LogCaptureFixture) -> None:
    for attack in ATTACKS:
        target = prepared(attack)
        caplog.clear()
        target.send(attack.request)
        assert all(len(each.getMessage()) < 1024 for each in caplog.records), attack.name
        lines = [each for each in caplog.records if hasattr(each, "outcome")]
        assert len(lines) <= 1, attack.name


def test_attack_is_never_quoted_in_the_reply() -> None:
    for attack in ATTACKS:
        reply = prepared(attack).send(attack.request)
        rest = reply.body.replace(sha256(attack.request.body).hexdigest()[:32].encode(), b"")
        for _, value in attack.request.headers:
            assert len(value) < 8 or value not in rest, attack.name


def test_unverified_request_never_reaches_the_store() -> None:
    for attack in those("invalid-signature", "method-not-allowed", "malformed"):
        target = prepared(attack)
        target.send(attack.request)
        assert not target.store.asked, attack.name


def test_refused_delivery_is_not_marked_as_done() -> None:
    for attack in those("stale", "invalid-event", "malformed", "invalid-signature"):
        target = prepared(attack)
        first = target.send(attack.request)
        again = target.send(attack.request)
        assert again.outcome is first.outcome, attack.name


def test_forgery_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    for attack in those("invalid-signature"):
        caplog.clear()
        prepared(attack).send(attack.request)
        assert [each.levelname for each in caplog.records] == ["WARNING"], attack.name


def test_malformed_delivery_is_an_error_with_its_fingerprint(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for attack in those("malformed"):
        caplog.clear()
        prepared(attack).send(attack.request)
        (line,) = caplog.records
        assert line.levelname == "ERROR", attack.name
        assert sha256(attack.request.body).hexdigest()[:32] in line.getMessage(), attack.name


def test_age_of_a_stale_delivery_is_only_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for attack in those("stale"):
        caplog.clear()
        reply = prepared(attack).send(attack.request)
        assert " s old" in caplog.text or " s in the future" in caplog.text, attack.name
        assert reply.body == (
            b'{"error":{"code":"stale","message":"the event is outside the accepted window"}}'
        )


@pytest.mark.answers("HTTP-18")
def test_all_forgeries_are_answered_alike_to_the_byte() -> None:
    forgeries = [attack for attack in ATTACKS if attack.outcome == "invalid-signature"]
    replies = {(r.status, r.headers, r.body) for a in forgeries for r in [Target().send(a.request)]}
    assert len(forgeries) > 30
    assert len(replies) == 1
