"""Attacks on the signature that need more than one request, or a look at how it is checked."""

from __future__ import annotations

import ast
import hmac
import inspect
import pickle
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import pytest

import florentin_webhooks
from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core.config.environment import ENVIRONMENT
from florentin_webhooks.errors import ConfigurationError, InvalidSignature
from florentin_webhooks.signatures import FlorentinSignature
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, SECRET, Request, delivery, sign

PACKAGE = Path(florentin_webhooks.__file__).parent
FORGED = delivery(signature="sha256=" + "0" * 64)
DIGEST_WORDS = ("digest", "claimed", "finalize", "hexdigest", "signature", "hmac")


@pytest.mark.answers("SIG-22", "empty-secret")
@pytest.mark.parametrize(
    "secrets", [None, "", b"", [], [""], ["   "], [None], {}, {"a": ""}, 7, "\udcff" * 20]
)
@pytest.mark.parametrize("kind", [FlorentinSignature, Receiver])
def test_unusable_secret_is_refused_at_construction(
    kind: Callable[[object], object], secrets: object
) -> None:
    with pytest.raises(ConfigurationError):
        kind(secrets)


@pytest.mark.answers("SIG-24")
@pytest.mark.parametrize("secret", ["a" * 15, SECRET + "\n", " " + SECRET, b"\t" + SECRET.encode()])
def test_weak_or_damaged_secret_is_refused(secret: str | bytes) -> None:
    with pytest.raises(ConfigurationError):
        Receiver(secret)


@pytest.mark.answers("LOG-03")
@pytest.mark.parametrize("secret", ["fifteen bytes!!", SECRET + "\n"])
def test_error_about_a_secret_does_not_quote_it(secret: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Receiver(secret)
    assert secret.strip() not in repr(refused.value)


@pytest.mark.answers("SIG-24")
def test_signature_scheme_alone_accepts_a_short_secret() -> None:
    assert FlorentinSignature("abc").verify({"X-Florentin-Signature": sign(b"x", "abc")}, b"x") == (
        "secret-1"
    )


def compared(
    monkeypatch: pytest.MonkeyPatch, secrets: list[str], request: Request
) -> list[tuple[bytes, bytes]]:
    """What the standard library is asked to compare while *request* is verified."""
    seen: list[tuple[bytes, bytes]] = []

    def spied(one: bytes, other: bytes) -> bool:
        seen.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr("florentin_webhooks.senders.florentin.signature.compare_digest", spied)
    with suppress(InvalidSignature):
        FlorentinSignature(secrets).verify(request.headers, request.body)
    return seen


@pytest.mark.answers("SIG-26")
@pytest.mark.parametrize("position", [0, 1, 2, None])
def test_digests_are_compared_once_for_each_secret(
    monkeypatch: pytest.MonkeyPatch, position: int | None
) -> None:
    secrets = ["another secret 1", "another secret 2", "another secret 3"]
    if position is not None:
        secrets[position] = SECRET
    seen = compared(monkeypatch, secrets, delivery())
    assert [(len(one), len(other)) for one, other in seen] == [(32, 32)] * 3


@pytest.mark.parametrize(
    "signature",
    ["sha256=abc", "sha256=" + "00 " * 20 + "0000", "sha256=" + "g" * 64],
)
def test_malformed_signature_is_not_compared(
    monkeypatch: pytest.MonkeyPatch, signature: str
) -> None:
    assert compared(monkeypatch, [SECRET], delivery(signature=signature)) == []


def names_a_digest(node: ast.expr) -> bool:
    inner = node.func if isinstance(node, ast.Call) else node
    name = {ast.Name: "id", ast.Attribute: "attr"}.get(type(inner))
    word = str(getattr(inner, name)).lower() if name else ""
    return any(each in word for each in DIGEST_WORDS)


@pytest.mark.answers("SIG-26")
def test_no_module_compares_digests_with_an_operator() -> None:
    wrong = [
        f"{path.name}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        and any(map(names_a_digest, [node.left, *node.comparators]))
    ]
    assert wrong == []


def test_scan_for_operators_finds_one() -> None:
    tree = ast.parse("context.finalize() == claimed", mode="eval").body
    assert isinstance(tree, ast.Compare)
    assert names_a_digest(tree.left)
    assert names_a_digest(tree.comparators[0])


def modules_entered(work: Callable[[], object]) -> set[str]:
    """The files of this package whose functions are called during *work*."""
    entered: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            entered.add(Path(frame.f_code.co_filename).name)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return entered


@pytest.mark.answers("SIG-27")
def test_forged_body_is_not_parsed() -> None:
    target, forged = Target(), delivery(b"[" * 100_000, signature="sha256=" + "0" * 64)
    assert "strict_json.py" not in modules_entered(lambda: target.send(forged))


def test_genuine_body_is_parsed() -> None:
    target = Target()
    assert "strict_json.py" in modules_entered(lambda: target.send(delivery()))


@pytest.mark.answers("SIG-29")
def test_verify_refuses_a_forgery() -> None:
    with pytest.raises(InvalidSignature):
        Target().receiver.verify(FORGED.headers, FORGED.body)


@pytest.mark.answers("SIG-30")
@pytest.mark.parametrize(
    "entry",
    [
        Receiver.__init__,
        Receiver.verify,
        Receiver.receive,
        Receiver.areceive,
        FlorentinSignature.__init__,
        FlorentinSignature.verify,
        WebhookApp.__init__,
        WebhookMiddleware.__init__,
    ],
)
def test_no_parameter_disables_verification(entry: Callable[..., object]) -> None:
    for name, parameter in inspect.signature(entry).parameters.items():
        assert not isinstance(parameter.default, bool)
        assert not re.search("verif|check|skip|secure|safe|disable|debug|test|allow", name)


@pytest.mark.answers("SIG-30")
@pytest.mark.parametrize("value", ["", "0", "1", "false", "true", "off", "none", "*", "memory"])
def test_no_environment_variable_disables_verification(value: str) -> None:
    secret = {"FLORENTIN_WEBHOOK_SECRET": SECRET}
    for name in sorted(set(ENVIRONMENT.fields) - set(secret)):
        try:
            receiver = Receiver.from_env({**secret, name: value})
        except ConfigurationError:
            continue
        assert receiver.receive(*FORGED[:2]).status in (401, 413), name


def test_unset_secret_in_the_environment_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Receiver.from_env({})


@pytest.mark.answers("SIG-31")
def test_signature_for_another_receiver_is_refused() -> None:
    other = Target(secret="the secret of another tenant")
    assert other.send(delivery()).outcome == "invalid-signature"


def test_removed_secret_is_refused() -> None:
    request = delivery(signature=sign(CANONICAL, "whsec_old__0123456789abcdef0123456789abcdef"))
    assert Target().send(request).outcome == "invalid-signature"


def test_signature_with_an_empty_key_is_refused() -> None:
    digest = hmac.new(b"", CANONICAL, "sha256").hexdigest()
    assert Target().send(delivery(signature=f"sha256={digest}")).outcome == "invalid-signature"


@pytest.mark.parametrize("copies", [2, 100])
def test_repeated_valid_signature_is_refused(copies: int) -> None:
    request = delivery()
    repeated = request._replace(headers=request.headers + request.headers[-1:] * (copies - 1))
    assert Target().send(repeated).outcome == "invalid-signature"


@pytest.mark.answers("LOG-03")
@pytest.mark.parametrize("thing", [Target().receiver, FlorentinSignature(SECRET)])
def test_objects_with_a_secret_cannot_be_pickled(thing: object) -> None:
    with pytest.raises((TypeError, pickle.PicklingError, AttributeError)) as refused:
        pickle.dumps(thing)
    assert SECRET not in str(refused.value)
