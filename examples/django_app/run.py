"""Run the example: python run.py [gunicorn|uvicorn]

To try it on this machine: generates the secrets, creates the database and a user, prints the next
commands, and becomes the server. In production, your deployment does that.
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
GENERATED = {
    "DJANGO_SECRET_KEY": token_urlsafe(48),
    "FLORENTIN_WEBHOOK_SECRET": f"whsec_{token_urlsafe(24)}",
}
NEXT = """
http://127.0.0.1:{port}/ is served by {server}; log in as demo with the password {password}
Ctrl-C stops it. Send it events from another terminal:

  cd {here}
{secret}
  {bin}/florentin-webhooks trigger subscription.purchased --to {url}
  {bin}/florentin-webhooks trigger user.login --duplicate --to {url}
  {bin}/florentin-webhooks trigger invoice.created --set data.account.id=acc_5f1d --to {url}
"""
WORKER = """
They are queued in Redis. Start a worker in a third terminal:

  cd {here}
{secrets}
  {bin}/python manage.py florentin_webhooks worker
"""


def main(server: str = "gunicorn") -> None:
    if server not in SERVERS:
        sys.exit(f"Unknown server {server!r}. Try: {' or '.join(SERVERS)}")
    check_port()
    os.chdir(HERE)
    environment = {**GENERATED, "DJANGO_PLAIN_HTTP": "1", **os.environ}
    os.environ |= {**environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
    password = token_urlsafe(9)
    prepare(password)
    print_commands(server, password)
    os.execv(BIN / server, [server, *SERVERS[server]])  # noqa: S606 - fixed arguments, no shell.


def check_port() -> None:
    """Exit if the port is taken, before the password of a running program is changed."""
    try:
        socket.create_server(("127.0.0.1", int(PORT))).close()
    except (OSError, OverflowError, ValueError):
        sys.exit(f"Port {PORT} is invalid or taken. Try: PORT=8001 make run")


def prepare(password: str) -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User  # noqa: PLC0415 - models need Django set up.

    user, _ = User.objects.get_or_create(username="demo", is_staff=True, is_superuser=True)
    user.set_password(password)
    user.save()


def print_commands(server: str, password: str) -> None:
    facts = {
        "server": server,
        "password": password,
        "port": PORT,
        "here": HERE,
        "bin": BIN.relative_to(HERE) if BIN.is_relative_to(HERE) else BIN,
        "url": f"http://127.0.0.1:{PORT}/webhooks/florentin",
        "secret": exported("FLORENTIN_WEBHOOK_SECRET"),
        "secrets": exported("REDIS_URL", *GENERATED),
    }
    text = NEXT + WORKER if os.environ.get("REDIS_URL") else NEXT
    print(text.format_map(facts), flush=True)


def exported(*names: str) -> str:
    """Return the exports for another terminal; variables that you have set are not printed."""
    return "\n".join(
        f"  export {name}={GENERATED[name]}"
        if os.environ[name] == GENERATED.get(name)
        else f"  # and {name}, as in this terminal"
        for name in names
        if name in os.environ
    )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:  # Before the server runs, which handles it itself.
        sys.exit(130)
