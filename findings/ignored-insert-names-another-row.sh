#!/usr/bin/env bash
# Deliveries are remembered in a table of SQLite whose delivery id is unique: insert, do nothing on
# conflict, and hand the new row's id to a job. A good engineer guesses that a repeated delivery gives
# no id: PostgreSQL's RETURNING has no row then, and SQLAlchemy shows None for a key it does not know.
#
# What really happens: SQLAlchemy's `inserted_primary_key`, peewee's `execute()` and the cursor of the
# standard library all give the id of the row that this connection inserted last, which is another
# delivery. It is sqlite3_last_insert_rowid(), which an ignored INSERT does not touch, and it may even
# come from another table. `rowcount` is 0, and RETURNING (since SQLite 3.35) gives no row, in all of
# them. sqlite-utils had the same fault and mended it (its issue 554); nothing was found about it in
# SQLAlchemy's issues and documentation.
#
# Why a webhook receiver cares: this is the insert which recognizes repetitions. A test that sends one
# delivery twice gets the right id, because that row is also the last one. In production the retry of
# delivery `a` starts the job of delivery `c` again, and no error and no status shows it. Ask RETURNING,
# or look at `rowcount` first.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  sqlalchemy==2.1.9 peewee==4.5.3

timeout 60 "$work/venv/bin/python" - <<'PY'
import sqlite3, sys
from importlib.metadata import version

import peewee
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

DELIVERIES = ["a", "a", "b", "c", "a"]  # A retry at once, and one after others.


def with_sqlalchemy():
    engine, metadata = sa.create_engine("sqlite://"), sa.MetaData()
    number = sa.Column("id", sa.Integer, primary_key=True)
    table = sa.Table("delivery", metadata, number, sa.Column("key", sa.Text, unique=True))
    metadata.create_all(engine)
    with engine.begin() as connection:
        for key in DELIVERIES:
            statement = insert(table).values(key=key).on_conflict_do_nothing()
            yield connection.execute(statement).inserted_primary_key[0]
        returned = connection.execute(statement.returning(table.c.id)).scalar()
        yield returned, connection.execute(statement).rowcount


def with_peewee():
    class Delivery(peewee.Model):
        key = peewee.TextField(unique=True)

        class Meta:
            database = peewee.SqliteDatabase(":memory:")

    Delivery.create_table()
    for key in DELIVERIES:
        query = Delivery.insert(key=key).on_conflict_ignore()
        yield query.execute()
    yield [*query.returning(Delivery.id).execute()] or None, query.as_rowcount().execute()


def with_sqlite3():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE delivery (id INTEGER PRIMARY KEY, key TEXT UNIQUE)")
    statement = "INSERT INTO delivery (key) VALUES (?) ON CONFLICT DO NOTHING"
    for key in DELIVERIES:
        cursor = connection.execute(statement, (key,))
        yield cursor.lastrowid
    yield connection.execute(f"{statement} RETURNING id", (key,)).fetchone(), cursor.rowcount


WAYS = {
    f"sqlalchemy {version('sqlalchemy')}": with_sqlalchemy,
    f"peewee {version('peewee')}": with_peewee,
    f"sqlite3 {sqlite3.sqlite_version}": with_sqlite3,
}
print(f"{'the id of delivery':20}{' '.join(DELIVERIES):12}RETURNING and rowcount of the last")
changed = False
for name, way in WAYS.items():
    *ids, others = way()
    print(f"{name:20}{' '.join(map(str, ids)):12}{others[0]}, {others[1]}")
    changed |= (ids, others) != ([1, 1, 2, 3, 3], (None, 0))
if changed:
    sys.exit("The behaviour has changed.")
PY
