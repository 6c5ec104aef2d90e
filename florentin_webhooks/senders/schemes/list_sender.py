"""The base of senders whose body is a list of events, or has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.senders.base import Sample
from florentin_webhooks.senders.items import BATCH, Item
from florentin_webhooks.senders.schemes.payload import (
    MAX_ITEMS,
    check_name,
    field_at,
    read_list,
    require_objects,
)
from florentin_webhooks.senders.schemes.samples import encode, place
from florentin_webhooks.senders.schemes.sender import TemplateSender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from florentin_webhooks.senders.base import Message, Metadata

__all__ = ["BODY", "ListSender"]

BODY = "."
"""The place of a list that is the whole body."""


class ListSender(TemplateSender):
    """A sender whose deliveries are lists, at *items_field* of the body; see the module.

    The delivery is named ``batch``. Each item has its name at *event_field* and its time at
    *time_field*. Without an *items_field* each delivery is one event.
    """

    items_field = BODY

    def read_payload(self, body: bytes) -> Mapping[str, object]:
        """Return the object in *body*, or its list as ``data``; raises MalformedDelivery."""
        return {"data": read_list(body)} if self.items_field == BODY else super().read_payload(body)

    def parse(self, body: bytes, metadata: Metadata) -> Message:
        """Return what a genuine *body* means; raises :class:`MalformedDelivery`."""
        message = super().parse(body, metadata)
        if not self.items_field:
            return message
        place = "data" if self.items_field == BODY else self.items_field
        items = require_objects(field_at(message.envelope, place))
        if len(items) > MAX_ITEMS:
            raise MalformedDelivery(f"more than {MAX_ITEMS} events in one delivery")
        for item in items:
            self._item_name(item)
        return message._replace(envelope={**message.envelope, "data": items})

    def items(self, envelope: Mapping[str, object], /) -> Sequence[Item] | None:
        """Return the events of the list, None where the delivery is one event."""
        if not self.items_field:
            return None
        return [self._item(each, envelope["timestamp"]) for each in _objects(envelope["data"])]

    def event_name(self, payload: Mapping[str, object], metadata: Metadata) -> str:
        """Return ``batch``, or the name of the one event."""
        return BATCH if self.items_field else super().event_name(payload, metadata)

    def event_time(self, payload: Mapping[str, object]) -> datetime | None:
        """Return None for a list: its items have times of their own."""
        return None if self.items_field else super().event_time(payload)

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return a JSON body with one item, *event*."""
        made = super().sample(event, data, delivery_id, time)
        if not self.items_field:
            return made
        item = self.sample_item(event, data, delivery_id, time)
        if self.items_field == BODY:
            return Sample(encode([item]), event)
        payload: dict[str, object] = {}
        place(payload, self.items_field, [item])
        if self.id_field:
            place(payload, self.id_field, delivery_id)
        return Sample(encode(payload), event)

    # --- what a sender may override ---

    def item_data(self, item: Mapping[str, object]) -> object:
        """Return the data of an item: what the sender calls so, or else the whole item."""
        return item.get("data", item)

    def sample_item(
        self, event: str, data: Mapping[str, object], _delivery_id: str, time: datetime
    ) -> Mapping[str, object]:
        """Return an item that is *event* with *data*."""
        item: dict[str, object] = dict(data)
        place(item, self.event_field, event)
        if self.time_field and field_at(item, self.time_field) is None:
            place(item, self.time_field, time.isoformat())
        return item

    # --- one item ---

    def _item(self, item: Mapping[str, object], time: object) -> Item:
        name, own = self._item_name(item), super().event_time(item)
        data = self.item_data(item)
        return Item(name, {**item, "event": name, "timestamp": own or time, "data": data})

    def _item_name(self, item: Mapping[str, object]) -> str:
        return check_name(field_at(item, self.event_field), self.event_field)


def _objects(items: object) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", items)
