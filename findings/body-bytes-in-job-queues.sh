#!/usr/bin/env bash
# A receiver keeps the raw body and hands it to a job, so that the worker can verify or store the
# very bytes. A good engineer guesses that a queue which writes JSON refuses bytes, as `json.dumps`
# does, and that any other queue brings bytes.
#
# What really happens, for one and the same argument of type bytes:
#   RQ with its JSON serializer, Dramatiq    TypeError when the job is enqueued
#   RQ with its default (pickle), Huey       bytes
#   Celery, though its default is JSON       bytes: kombu wraps them in an object with their type
#   django-tasks (Django 6's own tasks too)  str, without a word
#   taskiq                                   what the annotation of the parameter says: bytes for
#                                            `body: bytes`, str where there is none
#
# Why a webhook receiver cares: with the last two, code in the worker that hashes or stores bytes
# raises TypeError, after the sender has its 2xx. And a body that is not UTF-8 cannot be enqueued
# at all: a 500 for a genuine delivery.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  rq==3.0.0 redis==8.1.0 dramatiq==2.2.1 huey==3.5.4 celery==5.7.0 kombu==5.7.0 \
  django-tasks==0.12.0 django==5.2.19 taskiq==0.13.0

# django-tasks takes functions of modules only, so the program is a file, not standard input.
cat >"$work/program.py" <<'PY'
import asyncio, sys
from importlib.metadata import version

import django, dramatiq
from celery import Celery
from django.conf import settings
from dramatiq.brokers.stub import StubBroker
from huey import MemoryHuey
from redis import Redis
from rq.job import Job
from rq.serializers import DefaultSerializer, JSONSerializer
from taskiq import InMemoryBroker
from taskiq.exceptions import SendTaskError

settings.configure(
    TASKS={"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
)
django.setup()
import django_tasks  # noqa: E402 - it reads the settings.

BODY = b'{"type": "invoice.paid"}'
arrived = []


@django_tasks.task()
def django_handler(body):
    arrived.append(body)


def rq_argument(serializer):
    """Return the argument as a worker restores it; the client here is never connected."""
    written = Job.create(print, args=[BODY], serializer=serializer, connection=Redis())
    restored = Job("restored", serializer=serializer, connection=Redis())
    restored.restore(written.to_dict())
    return restored.args[0]


def dramatiq_argument():
    broker = StubBroker()

    @dramatiq.actor(broker=broker)
    def handler(body):
        """Do nothing; only the message counts."""

    return handler.send(BODY)


def huey_argument():
    huey = MemoryHuey()

    @huey.task()
    def handler(body):
        """Do nothing; only the message counts."""

    handler(BODY)
    return huey.dequeue().args[0]


def celery_argument():
    app = Celery(broker="memory://")
    app.send_task("handler", args=[BODY])
    with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        message = queue.get(timeout=10)
        assert message.content_type == "application/json"
        return message.payload[0][0]


def django_argument(body=BODY):
    django_handler.enqueue(body)
    return arrived.pop()


def taskiq_argument(annotation, body=BODY):
    def handler(body):
        arrived.append(body)

    handler.__annotations__ = annotation
    broker = InMemoryBroker(await_inplace=True)
    asyncio.run(broker.register_task(handler, task_name="handler").kiq(body))
    return arrived.pop()


LATIN_1 = b"name=Andr\xe9"  # A form, genuinely sent in Latin-1.
CASES = {  # Name: how the argument arrives, and what is expected.
    "rq, JSONSerializer": (lambda: rq_argument(JSONSerializer), "TypeError"),
    "rq, default": (lambda: rq_argument(DefaultSerializer), "bytes"),
    "dramatiq": (dramatiq_argument, "TypeError"),
    "huey": (huey_argument, "bytes"),
    "celery": (celery_argument, "bytes"),
    "django-tasks": (django_argument, "str"),
    "taskiq, body: bytes": (lambda: taskiq_argument({"body": bytes}), "bytes"),
    "taskiq, body": (lambda: taskiq_argument({}), "str"),
    "django-tasks, Latin-1": (lambda: django_argument(LATIN_1), "ValueError"),
    "taskiq, Latin-1": (lambda: taskiq_argument({"body": bytes}, LATIN_1), "SendTaskError"),
}
changed = False
for name, (argument, expected) in CASES.items():
    try:
        seen = type(argument()).__name__
    except (TypeError, ValueError, SendTaskError) as error:
        seen = type(error).__name__
    print(f"{name:24}{version(name.split(',')[0]):9}{seen}")
    changed |= seen != expected
if changed:
    sys.exit("The behaviour has changed.")
PY
cd "$work" && timeout 60 venv/bin/python -W ignore program.py
