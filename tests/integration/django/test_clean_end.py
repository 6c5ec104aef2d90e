"""The end of a test run on PostgreSQL: the test database can be dropped."""

from __future__ import annotations

from tests.support.command_line import python
from tests.support.postgres import shared_server

PROGRAM = """
import asyncio, sys
from django.conf import settings
database = {"ENGINE": "django.db.backends.postgresql", "USER": "postgres",
            "HOST": sys.argv[1], "NAME": "postgres", "TEST": {"NAME": "clean_end"}}
settings.configure(DATABASES={"default": database},
                   INSTALLED_APPS=["florentin_webhooks.django"], USE_TZ=True)
import django
django.setup()
from asgiref.sync import sync_to_async
from django.test.runner import DiscoverRunner
from florentin_webhooks import Receiver
from florentin_webhooks.django import DjangoStore, webhook_view
from florentin_webhooks.django.models import Delivery
from florentin_webhooks.testing import Provider

runner = DiscoverRunner(verbosity=0)
databases = runner.setup_databases()
secret = "a secret of the test run"
hooks = Receiver(secret, store=DjangoStore())
webhook_view(hooks)

@hooks.on("invoice.created")
async def bill(_):
    assert await Delivery.objects.acount()

@hooks.on("user.login")
def greet(_):
    assert Delivery.objects.count()

for event in ("invoice.created", "user.login"):
    made = [Provider(secret).make(event) for _ in range(2)]
    print(hooks.receive(made[0].headers, made[0].body).outcome)
    print(asyncio.run(hooks.areceive(made[1].headers, made[1].body)).outcome)
runner.teardown_databases(databases)
"""


def test_handlers_leave_no_session_that_keeps_the_test_database() -> None:
    program = python("-W", "error", "-c", PROGRAM, str(shared_server().directory))
    assert program.wait() == 0, program.talk
    assert program.data.split() == ["processed"] * 4, program.talk
