"""Two tables: deliveries and guards.

A retry with a new timestamp has a row of its own that refers to the *original*. Both share one
primary key, so that no delivery is an original and a retry at once. Leases and expiry (*until*,
*expires*) are in milliseconds of the database's clock, which neither time zones nor ``USE_TZ``
affect.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models

__all__ = ["Delivery", "Guard"]


class Delivery(models.Model):
    """The record of one delivery; *body* is NULL once it was deleted.

    *token* and *until* are the lease of the attempt that runs handlers. *sent_under* and
    *content*, the second key, identify a retry with a new timestamp. *key_id* is that of the secret
    that signed, empty in records of versions before 0.2. *handlers* maps each ended
    handler to its outcome, after a colon its note. *next_attempt* is when the sender was asked to
    come back, in milliseconds; 0 where it was not.
    """

    key: models.UUIDField[UUID, UUID] = models.UUIDField(primary_key=True, editable=False)
    original: models.ForeignKey[Delivery | None, Delivery | None] = models.ForeignKey(
        "self", models.CASCADE, null=True, db_index=False, related_name="retries"
    )
    original_id: UUID | None
    state: models.CharField[str, str] = models.CharField(max_length=8)
    attempt: models.PositiveIntegerField[int, int] = models.PositiveIntegerField(default=0)
    token: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=16, default=b"")
    until: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    expires: models.BigIntegerField[int, int] = models.BigIntegerField()
    event: models.CharField[str, str] = models.CharField(max_length=200, default="")
    delivery_id: models.CharField[str, str] = models.CharField(max_length=200, default="")
    received_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True
    )
    finished_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True
    )
    secret: models.TextField[str, str] = models.TextField(default="")
    key_id: models.CharField[str, str] = models.CharField(
        max_length=16, default="", db_default="", editable=False
    )
    next_attempt: models.BigIntegerField[int, int] = models.BigIntegerField(
        default=0, db_default=0, editable=False
    )
    handlers: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict)
    reason: models.TextField[str, str] = models.TextField(default="")
    sent_under: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(null=True)
    content: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(null=True)
    body: models.BinaryField[bytes | None, bytes | None] = models.BinaryField(null=True)

    class Meta:
        app_label = "florentin_webhooks"
        verbose_name_plural = "deliveries"
        default_permissions = ("view",)
        permissions = (("replay_delivery", "Can replay deliveries"),)
        constraints: ClassVar[Any] = [  # Any: the stubs accept only lists.
            models.UniqueConstraint(fields=["sent_under", "content"], name="florentin_second_key"),
        ]
        # Lists show deliveries that have a body; the others are only remembered as duplicates.
        indexes: ClassVar[Any] = [
            models.Index(
                fields=["expires"],
                name="florentin_expires",
                condition=models.Q(original__isnull=True),
            ),
            models.Index(
                fields=["original"],
                name="florentin_retries",
                condition=models.Q(original__isnull=False),
            ),
            models.Index(
                fields=["received_at"],
                name="florentin_listed",
                condition=models.Q(body__isnull=False),
            ),
            models.Index(
                fields=["state", "received_at"],
                name="florentin_by_state",
                condition=models.Q(body__isnull=False),
            ),
            models.Index(
                fields=["event", "received_at"],
                name="florentin_by_event",
                condition=models.Q(body__isnull=False),
            ),
            models.Index(
                fields=["finished_at"],
                name="florentin_finished",
                condition=models.Q(body__isnull=False, state="done"),
            ),
        ]

    def __str__(self) -> str:
        return self.fingerprint

    @property
    def fingerprint(self) -> str:
        """The fingerprint in hex, as in logs and replies."""
        return self.key.hex


class Guard(models.Model):
    """An idempotency guard of a *delivery*, or the high-water mark of an entity.

    *token* and *until* are its lease. A guard is deleted with its delivery; a high-water mark
    *expires*.
    """

    key: models.UUIDField[UUID, UUID] = models.UUIDField(primary_key=True, editable=False)
    delivery: models.ForeignKey[Delivery | None, Delivery | None] = models.ForeignKey(
        Delivery, models.CASCADE, null=True, related_name="guards"
    )
    delivery_id: UUID | None
    token: models.BinaryField[bytes, bytes] = models.BinaryField(max_length=16, default=b"")
    until: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    watermark: models.BigIntegerField[int, int] = models.BigIntegerField(default=-1)
    done: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    expires: models.BigIntegerField[int | None, int | None] = models.BigIntegerField(
        null=True, db_index=True
    )

    class Meta:
        app_label = "florentin_webhooks"
        default_permissions = ()

    def __str__(self) -> str:
        return self.key.hex
