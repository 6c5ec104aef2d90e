"""Handlers that write into the program's database, found by their module's name."""

from __future__ import annotations

import threading

from asgiref.sync import sync_to_async
from django.db import connection

from florentin_webhooks import Delivery
from florentin_webhooks.django import hooks
from florentin_webhooks.events import InvoiceCreated, UserLogin


@hooks.on("invoice.created")
def bill(_: InvoiceCreated, delivery: Delivery) -> None:
    note(f"bill {delivery.delivery_id} atomic={connection.in_atomic_block}")


@hooks.on("user.login")
async def greet(_: UserLogin, delivery: Delivery) -> None:
    main = threading.current_thread() is threading.main_thread()
    await sync_to_async(note)(f"greet {delivery.delivery_id} main={main}")


def note(text: str) -> None:
    from tests.support.django_site.models import Effect

    Effect.objects.create(text=text)
