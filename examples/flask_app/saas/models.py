"""What the program knows of its customers, all of it learned from events."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """Be a time in UTC; SQLite keeps no time zone, so what it gives back is marked as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Be the base that Flask-SQLAlchemy derives db.Model from."""


db = SQLAlchemy(model_class=Base)


class Customer(db.Model):
    __tablename__ = "customers"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    email: Mapped[str | None]
    subscriptions: Mapped[list[Subscription]] = relationship(order_by="Subscription.id")
    invoices: Mapped[list[Invoice]] = relationship(order_by="Invoice.number.desc()")

    @property
    def has_access(self) -> bool:
        return any(subscription.active for subscription in self.subscriptions)


class Subscription(db.Model):
    """A subscription as the newest event that we know describes it."""

    __tablename__ = "subscriptions"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    plan: Mapped[str | None]
    active: Mapped[bool]
    as_of: Mapped[datetime] = mapped_column(Moment)

    # An UPDATE names the as_of that was read. Where two workers change a row at once, the second
    # finds none, its handler fails, and the retry sees what the first has written. On any database.
    __mapper_args__ = {"version_id_col": as_of, "version_id_generator": False}  # noqa: RUF012


class Invoice(db.Model):
    """A mirrored invoice; amounts are integers in minor units: 4900 with eur is 49 euros."""

    __tablename__ = "invoices"

    number: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id"), index=True)
    status: Mapped[str]
    amount_due: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    as_of: Mapped[datetime] = mapped_column(Moment)

    __mapper_args__ = {"version_id_col": as_of, "version_id_generator": False}  # noqa: RUF012


# Logins and usage are counted by rows, not by counters: a delivery's fingerprint is the key of its
# row, so what is handled twice is still there once.


class Login(db.Model):
    __tablename__ = "logins"

    fingerprint: Mapped[str] = mapped_column(String(32), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)


class Usage(db.Model):
    __tablename__ = "usage"

    fingerprint: Mapped[str] = mapped_column(String(32), primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    amount: Mapped[float]
    at: Mapped[datetime] = mapped_column(Moment)
