"""Customers and their data, all from events, which arrive in any order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.urls import reverse

# Digits after the point, for currencies that do not have two (ISO 4217).
_DIGITS = {
    **dict.fromkeys(["bif", "clp", "djf", "gnf", "isk", "jpy", "kmf", "krw", "pyg", "rwf"], 0),
    **dict.fromkeys(["ugx", "uyi", "vnd", "vuv", "xaf", "xof", "xpf"], 0),
    **dict.fromkeys(["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"], 3),
}


class Learning(models.QuerySet):
    """Rows that hold the facts of their newest event, in any order of arrival."""

    def learn(
        self,
        at: datetime,
        facts: dict[str, object],
        *,
        wins_ties: bool = False,
        **key: object,
    ) -> Any:  # Any: a row of the model.
        """Return the row with this *key*, updated with *facts* unless it has newer ones."""
        row, created = self.get_or_create(**key, defaults={**facts, "as_of": at})
        if not created:
            older = "as_of__lte" if wins_ties else "as_of__lt"
            # One statement compares and writes: of two concurrent handlers, the newer event wins.
            self.filter(pk=row.pk, **{older: at}).update(**facts, as_of=at)
        return row


class Learned(models.Model):
    """A row with the time of its newest event."""

    as_of = models.DateTimeField(editable=False)

    objects = Learning.as_manager()

    class Meta:
        abstract = True


class Customer(Learned):
    florentin_id = models.CharField(max_length=255, unique=True)
    name = models.TextField(blank=True)
    email = models.TextField(blank=True)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name or self.florentin_id

    def get_absolute_url(self) -> str:
        return reverse("customer", args=[self.pk])

    @property
    def has_access(self) -> bool:
        return any(each.active for each in self.subscriptions.all())


class Subscription(Learned):
    florentin_id = models.CharField(max_length=255, unique=True)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="subscriptions")
    plan = models.TextField(blank=True)
    active = models.BooleanField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.florentin_id


class Invoice(Learned):
    number = models.CharField(max_length=255, unique=True)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="invoices", null=True)
    status = models.TextField()
    amount_due = models.BigIntegerField(help_text="In minor units: 4900 with eur is 49 euros.")
    currency = models.TextField()

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.number

    @property
    def amount(self) -> str:
        digits = _DIGITS.get(self.currency.lower(), 2)
        return f"{Decimal(self.amount_due).scaleb(-digits):,} {self.currency.upper()}"


# Logins and usage are counted by rows, not by counters. The key of a row is the delivery's
# fingerprint, which is the same in all attempts: a delivery handled twice still counts once.


class Login(models.Model):
    fingerprint = models.CharField(max_length=32, unique=True)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="logins")
    user = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.user or 'unknown user'} at {self.at:%Y-%m-%d %H:%M}"


class Usage(models.Model):
    fingerprint = models.CharField(max_length=32)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="usage")
    metric = models.CharField(max_length=255)
    amount = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at",)
        verbose_name_plural = "usage"
        constraints = (
            models.UniqueConstraint(fields=("fingerprint", "metric"), name="usage_counted_once"),
        )

    def __str__(self) -> str:
        return f"{self.metric}: {self.amount:g}"
