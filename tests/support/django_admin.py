"""A program with an admin: its deliveries, its users and its pages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.test import Client
from django.urls import path

from florentin_webhooks import Receiver
from florentin_webhooks.django import webhook_path
from florentin_webhooks.events import Event
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.django_settings import SQLITE, configure, described, migrated
from tests.support.django_stores import empty
from tests.support.identity import recorded_key

if TYPE_CHECKING:
    from django.contrib.auth.models import User


SECRET = "a secret of the admin's tests"
PLACE = "/admin/florentin_webhooks/delivery/"
HOSTILE = "<script>alert(%s)</script>{0.__class__}"


class Shop:
    """A program with an admin, whose handlers fail as a test wants."""

    def __init__(self, hooks: Receiver) -> None:
        self.hooks = hooks
        self.florentin = Provider(SECRET, check_names=False)
        self.ran: list[str] = []
        self.others: list[object] = []
        self.broken: dict[str, Exception] = {}

        def bill(_: Event) -> None:
            self._run("bill")

        async def notify(_: Event) -> None:
            await sync_to_async(self._run)("notify")

        for handler in (bill, notify):
            handler.__module__, handler.__qualname__ = "shop", handler.__name__
            hooks.on("invoice.created")(handler)
        hooks.on_unknown(self.others.append)

    def _run(self, name: str) -> None:
        assert connections[SQLITE].in_atomic_block is False
        self.ran.append(name)
        if name in self.broken:
            raise self.broken[name]

    def take(self, event: str = "invoice.created", *, age: float = 0, **data: Any) -> str:
        """Receive a delivery whose event is *age* hours old, and return its fingerprint."""
        florentin = Provider(
            SECRET, check_names=False, clock=lambda: datetime.now(UTC) - timedelta(hours=age)
        )
        return self.took(florentin.make(event, **data))

    def took(self, made: SignedDelivery) -> str:
        """Receive *made* and return its fingerprint."""
        self.hooks.receive(made.headers, made.body)
        return recorded_key(made.body, SECRET).hex()

    def failed(self, **data: Any) -> str:
        """Return the fingerprint of a delivery whose ``notify`` failed."""
        with self.breaking("notify", KeyError("never shown")):
            return self.take(**data)

    @contextmanager
    def breaking(self, name: str, error: Exception) -> Iterator[None]:
        self.broken[name] = error
        yield
        del self.broken[name]

    def row(self, fingerprint: str) -> Any:  # Any: Django's models come with its settings.
        from florentin_webhooks.django.models import Delivery

        return Delivery.objects.get(key=fingerprint)


@contextmanager
def programmed(given: object = None, **more: Any) -> Iterator[None]:
    """Override settings and URLs, with FLORENTIN_WEBHOOKS as *given*."""
    migrated(SQLITE)
    from django.contrib import admin

    urls = more.pop("ROOT_URLCONF", (path("admin/", admin.site.urls), webhook_path()))
    with described(given or {"SECRETS": SECRET}, ROOT_URLCONF=urls, **more):
        yield


def user_with(*permissions: str, superuser: bool = False) -> User:
    """Return a member of the staff with these permissions."""
    migrated(SQLITE)
    from django.contrib.auth.models import Permission, User

    name = "-".join(["root" if superuser else "staff", *permissions])
    user, _ = User.objects.get_or_create(
        username=name, defaults={"is_staff": True, "is_superuser": superuser}
    )
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def logged_in(*permissions: str, superuser: bool = False, **how: Any) -> Client:
    client = Client(**how)
    client.force_login(user_with(*permissions, superuser=superuser))
    return client


def page(client: Client, place: str = PLACE) -> str:
    answer = client.get(place)
    assert answer.status_code == 200, (answer, answer.headers)
    return answer.content.decode()


def plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def of(fingerprint: str) -> str:
    return f"{PLACE}{fingerprint}/change/"


def rows(text: str) -> list[str]:
    """Return the rows of the list as a person reads them."""
    table = text.partition('id="result_list"')[2].partition("</table>")[0]
    return [plain(row) for row in table.partition("<tbody>")[2].split("<tr")[1:]]


def replayed(client: Client, *fingerprints: str, **more: str) -> str:
    """Select these in the list, replay them, and return the page."""
    form = {"action": "replay", "index": "0", "_selected_action": fingerprints, **more}
    answer = client.post(PLACE, form, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def messages(text: str) -> list[str]:
    """Return the messages of a page."""
    found = re.search(r'<ul class="messagelist">(.*?)</ul>', text, re.DOTALL)
    return [plain(each) for each in found[1].split("</li>")[:-1]] if found else []


def asked(client: Client, place: str, **form: str) -> str:
    """Post *form* to *place* and return the page it leads to."""
    answer = client.post(place, form, follow=True)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def restamped(shop: Shop, **data: Any) -> tuple[str, str]:
    """Receive a delivery and a retry with a new timestamp; return both fingerprints."""
    headers, body = shop.florentin.make("invoice.created", **data)
    envelope = json.loads(body)
    first = shop.took(SignedDelivery(headers, body))
    envelope["timestamp"] = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    sent_as = envelope["data"]["request"]
    again = shop.florentin.sign(
        "invoice.created", json.dumps(envelope).encode(), delivery_id=sent_as
    )
    return first, shop.took(again)


def found(client: Client, term: str) -> list[str]:
    """Return the short fingerprints that a search for *term* lists."""
    return [row.split()[1] for row in rows(page(client, f"{PLACE}?{urlencode({'q': term})}"))]


@contextmanager
def mounting(*receivers: Receiver) -> Iterator[Client]:
    """Yield a superuser of a program whose receivers are only in its URLs."""
    configure()
    from django.contrib import admin

    mounts = [webhook_path(f"at/{number}", each) for number, each in enumerate(receivers)]
    with programmed(ROOT_URLCONF=(path("admin/", admin.site.urls), *mounts)):
        del settings.FLORENTIN_WEBHOOKS
        empty(SQLITE)
        yield logged_in(superuser=True)


def receiver(using: str = SQLITE) -> Receiver:
    configure()
    from florentin_webhooks.django import DjangoStore

    return Receiver(SECRET, store=DjangoStore(using))
