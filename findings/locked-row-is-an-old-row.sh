#!/usr/bin/env bash
# A worker has read a delivery, locks its row, and looks again whether another one has handled it meanwhile:
# session.scalars(select(Delivery).where(...).with_for_update()).one().status. Or it counts the attempts by an
# upsert with RETURNING. A good engineer guesses that the lock is taken in order to read, so the object
# has what the row has once it is locked, and that RETURNING returns the row as it was written.
#
# What really happens in SQLAlchemy: the database sends the new row, and the session throws its values away,
# because it has an object of that key already, which is returned as it was first read.
#                                                    the row     the object
#   select(...)                                      done        pending
#   select(...).with_for_update()                    done        pending
#   session.get(..., with_for_update=True)           done        pending
#   upsert with .returning(Delivery)                 2           1
#   select(...).with_for_update() with
#     execution_options(populate_existing=True)      done        done
#   select(Delivery.status).with_for_update()        done        done
# Without the first read, or after a commit, all is right; peewee makes a new object in each query. (A note
# at the older Query.with_for_update() and the guide's section about upserts name the remedy; the pages of
# select().with_for_update() and Session.get() do not. Issue 4774 was closed as a question.)
#
# Why a webhook receiver cares: the lock works, the second worker waits for the first, then sees its own old
# "pending" and handles the delivery again. The first read is often not one's own: a dependency or a
# middleware has loaded the row. SQLite ignores FOR UPDATE, which makes no difference to the session.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  SQLAlchemy==2.1.9 peewee==4.5.3

cat >"$work/observe.py" <<'PY'
import sqlite3
import sys
from importlib.metadata import version

import peewee
from sqlalchemy import create_engine, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

FILE = "deliveries.sqlite3"


class Base(DeclarativeBase):
    pass


class Delivery(Base):
    __tablename__ = "delivery"
    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    attempts: Mapped[int]


class PeeweeDelivery(peewee.Model):
    id = peewee.CharField(primary_key=True)
    status = peewee.CharField()
    attempts = peewee.IntegerField()

    class Meta:
        database = peewee.SqliteDatabase(FILE)
        table_name = "delivery"


def run_elsewhere(statement):
    """Run a statement as another process does, on a connection of its own."""
    connection = sqlite3.connect(FILE)
    connection.execute(statement)
    connection.commit()
    connection.close()


ONE = select(Delivery).where(Delivery.id == "a").with_for_update()
COLUMN = select(Delivery.status).where(Delivery.id == "a").with_for_update()
UPSERT = (
    insert(Delivery)
    .values(id="a", status="pending", attempts=1)
    .on_conflict_do_update(index_elements=["id"], set_={"attempts": Delivery.attempts + 1})
    .returning(Delivery)
)
FRESH = {"populate_existing": True}
CASES = {  # The case, and what it has once the row has "done" or a second attempt.
    "select(...)": (lambda s: s.scalars(select(Delivery)).one().status, "pending"),
    "select(...).with_for_update()": (lambda s: s.scalars(ONE).one().status, "pending"),
    "get(..., with_for_update=True)": (
        lambda s: s.get(Delivery, "a", with_for_update=True).status,
        "pending",
    ),
    "with_for_update, populate_existing": (
        lambda s: s.scalars(ONE, execution_options=FRESH).one().status,
        "done",
    ),
    "with_for_update of the column": (lambda s: s.scalars(COLUMN).one(), "done"),
    "upsert returning": (lambda s: s.scalars(UPSERT).one().attempts, 1),
    "upsert returning, populate_existing": (
        lambda s: s.scalars(UPSERT, execution_options=FRESH).one().attempts,
        2,
    ),
}


def observe(read, is_loaded):
    """Return what *read* has of a row that another process changes after the first look."""
    run_elsewhere("INSERT OR REPLACE INTO delivery VALUES ('a', 'pending', 1)")
    with Session(engine) as session:
        before = session.get(Delivery, "a") if is_loaded else None
        run_elsewhere("UPDATE delivery SET status = 'done'")
        value = read(session)
        row = session.execute(text("SELECT status, attempts FROM delivery")).one()
        assert before is None or before.id == "a"
        return value, row


engine = create_engine(f"sqlite:///{FILE}")
Base.metadata.create_all(engine)
print(f"SQLAlchemy {version('SQLAlchemy')}, peewee {version('peewee')}, ", end="")
print(f"SQLite {sqlite3.sqlite_version}, Python {sys.version.split()[0]}")
changed = False
for name, (read, expected) in CASES.items():
    value, row = observe(read, is_loaded=True)
    alone, _ = observe(read, is_loaded=False)
    fresh = row.attempts if name.startswith("upsert") else row.status
    print(f"  {name:38}the row: {fresh!s:9}read before: {value!s:11}not read before: {alone}")
    changed |= value != expected or alone != fresh or fresh not in ("done", 2)
run_elsewhere("INSERT OR REPLACE INTO delivery VALUES ('a', 'pending', 1)")
before = PeeweeDelivery.get_by_id("a")
run_elsewhere("UPDATE delivery SET status = 'done'")
after = PeeweeDelivery.get_by_id("a")
print(f"  {'peewee, get_by_id':38}the row: done     read before: {after.status}")
if changed or (before.status, after.status) != ("pending", "done"):
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 60 "$work/venv/bin/python" observe.py
