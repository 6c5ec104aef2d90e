"""Customers, subscriptions, invoices and usage, all of them from events."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, String, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class UTCDateTime(TypeDecorator[datetime]):
    """A timestamp in UTC. SQLite stores no time zone, so UTC is set when a value is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Base class of db.Model."""


db = SQLAlchemy(model_class=Base)


def forget_connections_in_forks(app: Flask) -> None:
    """Drop the pooled connections of *app* in each forked process, which opens its own.

    A worker forks for each job. A connection that is open by then, even one opened by an import,
    would be shared: a killed job would leave its transaction to the next one.
    """
    with app.app_context():
        engines = [*db.engines.values()]

    def forget() -> None:
        for engine in engines:
            engine.dispose(close=False)  # Closing would end the parent's session.

    os.register_at_fork(after_in_child=forget)


def discard_read_only_connections(app: Flask) -> None:
    """Drop the pooled connections of *app* when one of them has become read-only.

    A primary that becomes a replica may keep its connections open. SQLAlchemy would lend them again
    for ever; a new one leads to the new primary.
    """
    with app.app_context():
        for engine in db.engines.values():
            event.listen(engine, "handle_error", _mark_read_only)


def _mark_read_only(context: ExceptionContext) -> None:
    error = context.original_exception
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    if code in ("25006", "SQLITE_READONLY"):  # PostgreSQL's code, and SQLite's.
        context.is_disconnect = True


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
    """A subscription, as described by its newest event."""

    __tablename__ = "subscriptions"

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    plan: Mapped[str | None]
    active: Mapped[bool]
    as_of: Mapped[datetime] = mapped_column(UTCDateTime)

    # An UPDATE matches the as_of that was read. If two workers change a row at the same time, the
    # second one matches no row, its handler fails, and the retry sees the first change. This works
    # on every database.
    __mapper_args__ = {"version_id_col": as_of, "version_id_generator": False}  # noqa: RUF012


class Invoice(db.Model):
    """A copy of an invoice; amounts are in minor units (4900 with eur is 49 euros)."""

    __tablename__ = "invoices"

    number: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id"), index=True)
    status: Mapped[str]
    amount_due: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    as_of: Mapped[datetime] = mapped_column(UTCDateTime)

    __mapper_args__ = {"version_id_col": as_of, "version_id_generator": False}  # noqa: RUF012


# Logins and usage are rows, not counters. The fingerprint of the delivery is the key of the row, so
# a handler that runs twice does not count twice.


class Login(db.Model):
    __tablename__ = "logins"

    fingerprint: Mapped[str] = mapped_column(String(32), primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Usage(db.Model):
    __tablename__ = "usage"

    fingerprint: Mapped[str] = mapped_column(String(32), primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"), index=True)
    amount: Mapped[float]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
