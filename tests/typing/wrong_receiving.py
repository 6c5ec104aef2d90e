"""What receivers, stores, the scheme and the provider do not take."""

from datetime import timedelta

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.signatures import FlorentinSignature
from florentin_webhooks.testing import Provider

hooks = Receiver("a-secret-of-some-length")
scheme = FlorentinSignature("a-secret-of-some-length")


class NoStore:
    retention = timedelta(hours=24)
    lease = timedelta(seconds=60)

    def execute(self, operation: str) -> str:
        return operation


Receiver()  # error
Receiver(None)  # error
Receiver(["a-secret-of-some-length", None])  # error
Receiver("a-secret-of-some-length", MemoryStore())  # error
Receiver("a-secret-of-some-length", store=NoStore())  # error
Receiver("a-secret-of-some-length", store=42)  # error
Receiver("a-secret-of-some-length", tolerance=[900])  # error
Receiver("a-secret-of-some-length", timeout=None)  # error
Receiver("a-secret-of-some-length", max_body="1 MiB")  # error
Receiver("a-secret-of-some-length", tolerence=timedelta(hours=1))  # error
Receiver("a-secret-of-some-length", clock=timedelta)  # error
MemoryStore(10)  # error
MemoryStore(lease=[60])  # error


def receive(headers: dict[str, str]) -> None:
    hooks.receive(headers, "body")  # error
    hooks.receive(headers)  # error
    hooks.receive("headers", b"")  # error
    hooks.receive(["name", "value"], b"")  # error
    hooks.receive({"name": 1}, b"")  # error
    scheme.verify(headers, "body")  # error
    scheme.sign(b"", event="invoice.created")  # error
    print(hooks.receive(headers, b"").statuscode)  # error


async def areceive(headers: dict[str, str]) -> int:
    reply = hooks.areceive(headers, b"")
    (await reply).status = 500  # error
    return hooks.areceive(headers, b"").status  # error


def pretend() -> None:
    provider = Provider("a-secret-of-some-length")
    provider.make(event="invoice.created")  # error
    provider.deliver(scheme, "invoice.created")  # error
    provider.send("http://localhost/", b"{}")  # error
