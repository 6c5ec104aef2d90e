"""Run the example: python run.py [gunicorn|uvicorn]

For a try on this machine: it draws what is secret, makes the database and somebody who may log in,
says what to type next, and becomes the server. In production, your deployment does all that.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from secrets import token_urlsafe

import django
from django.core.management import call_command

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
PORT = os.environ.get("PORT", "8000")
SERVERS = {
    "gunicorn": ["--bind", f"127.0.0.1:{PORT}"],
    "uvicorn": ["config.asgi:application", "--port", PORT],
}
DRAWN = {
    "DJANGO_SECRET_KEY": token_urlsafe(48),
    "FLORENTIN_WEBHOOK_SECRET": f"whsec_{token_urlsafe(24)}",
}
NEXT = """
http://127.0.0.1:{port}/ is served by {server}; log in as demo with the password {password}
Ctrl-C ends it. Send it events from another terminal:

  cd {here}
{secret}
  {bin}/florentin-webhooks trigger subscription.purchased --to {url}
  {bin}/florentin-webhooks trigger user.login --duplicate --to {url}
  {bin}/florentin-webhooks trigger invoice.created --set data.account.id=acc_5f1d --to {url}
"""
WORKER = """
They are queued in Redis. Handle them in a third terminal:

  cd {here}
{secrets}
  {bin}/python manage.py florentin_webhooks worker
"""


def main(server: str = "gunicorn") -> None:
    if server not in SERVERS:
        sys.exit(f"there is no server {server!r}; try: {' or '.join(SERVERS)}")
    refuse_taken_port()
    os.chdir(HERE)
    given = {**DRAWN, "DJANGO_PLAIN_HTTP": "1", **os.environ}
    os.environ |= {**given, "DJANGO_SETTINGS_MODULE": "config.settings"}
    password = token_urlsafe(9)
    prepare(password)
    tell(server, password)
    os.execv(BIN / server, [server, *SERVERS[server]])  # noqa: S606 - our own words, and no shell.


def refuse_taken_port() -> None:
    """Say so before anything is changed: who runs the program there has logged in."""
    try:
        socket.create_server(("127.0.0.1", int(PORT))).close()
    except (OSError, OverflowError, ValueError):
        sys.exit(f"port {PORT} cannot be used, or another program has it; try: PORT=8001 make run")


def prepare(password: str) -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User  # noqa: PLC0415 - models need Django set up.

    user, _ = User.objects.get_or_create(username="demo", is_staff=True, is_superuser=True)
    user.set_password(password)
    user.save()


def tell(server: str, password: str) -> None:
    facts = {
        "server": server,
        "password": password,
        "port": PORT,
        "here": HERE,
        "bin": BIN.relative_to(HERE) if BIN.is_relative_to(HERE) else BIN,
        "url": f"http://127.0.0.1:{PORT}/webhooks/florentin",
        "secret": exported("FLORENTIN_WEBHOOK_SECRET"),
        "secrets": exported("REDIS_URL", *DRAWN),
    }
    text = NEXT + WORKER if os.environ.get("REDIS_URL") else NEXT
    print(text.format_map(facts), flush=True)


def exported(*names: str) -> str:
    """Say how the other terminal gets what this one has; what you brought along is not printed."""
    return "\n".join(
        f"  export {name}={DRAWN[name]}"
        if os.environ[name] == DRAWN.get(name)
        else f"  # and {name}, as in this terminal"
        for name in names
        if name in os.environ
    )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:  # Before the server has begun, which ends by itself.
        sys.exit(130)
