"""The tables of a simulated domain."""

__all__ = ["SCHEMA"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, digest BLOB NOT NULL,
    scopes TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL,
    owner TEXT NOT NULL, content TEXT NOT NULL, UNIQUE (kind, id));
CREATE INDEX IF NOT EXISTS documents_of_owner ON documents (kind, owner, sequence);
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, digest BLOB NOT NULL, status INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS endpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL UNIQUE, secret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    endpoint INTEGER NOT NULL, url TEXT NOT NULL, event TEXT NOT NULL, header TEXT NOT NULL,
    body BLOB NOT NULL, created_at REAL NOT NULL, state TEXT NOT NULL, number INTEGER NOT NULL,
    due_at REAL, kind TEXT NOT NULL, fault TEXT NOT NULL, is_held INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS due_deliveries ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS held_deliveries ON deliveries (endpoint) WHERE is_held;
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, sequence);
CREATE TABLE IF NOT EXISTS attempts (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, delivery TEXT NOT NULL, number INTEGER NOT NULL,
    kind TEXT NOT NULL, fault TEXT NOT NULL, began_at REAL NOT NULL, seconds REAL NOT NULL,
    status INTEGER, outcome TEXT NOT NULL, problem TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_of_delivery ON attempts (delivery, sequence);
"""
