#!/usr/bin/env bash
# Django serves `async def` views under WSGI, and its ORM has methods for them (`acount`). gunicorn's
# gevent worker turns threads into greenlets. A good engineer guesses that an async view works there
# as under the threaded worker, only without its speed, and that other views do not notice it.
#
# What really happens: asyncio knows one running loop per thread of the system, and all greenlets
# share that thread. The thread in which Django runs a query of an async view is a greenlet, sees
# the view's loop, and Django refuses the query: each query of an async view fails. And while an
# async view waits for something else, the queries of all plain `def` views in that process fail,
# too. Without async views, nothing fails.
#
# Why a webhook receiver cares: one async view anywhere in the program, such as a proxy of another
# service, makes the database unusable for the deliveries that arrive while it runs, which then
# look like an outage that comes and goes with the traffic of another page.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  Django==5.2.19 asgiref==3.13.0 gevent==26.9.0 gunicorn==27.0.1 packaging==26.4

cat >"$work/shop.py" <<'PY'
import asyncio

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite3"}},
    INSTALLED_APPS=["django.contrib.contenttypes"],
    ROOT_URLCONF="shop",
    SECRET_KEY="made up",
)
django.setup()

from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.core.exceptions import SynchronousOnlyOperation  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

call_command("migrate", verbosity=0)


def plain(request):
    try:
        return HttpResponse(f"{ContentType.objects.count()} row")
    except SynchronousOnlyOperation:
        return HttpResponse("refused")


async def asynchronous(request):
    try:
        return HttpResponse(f"{await ContentType.objects.acount()} row")
    except SynchronousOnlyOperation:
        return HttpResponse("refused")


async def waiting(request):
    await asyncio.sleep(3)
    return HttpResponse("waited")


urlpatterns = [path("plain", plain), path("async", asynchronous), path("waiting", waiting)]
app = get_wsgi_application()
PY

cat >"$work/observe.py" <<'PY'
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

BIN = Path(sys.executable).parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def observe(kind):
    """Return what the views answer under the worker class *kind*."""
    port = free_port()

    def get(view):
        with urlopen(f"http://127.0.0.1:{port}/{view}", timeout=20) as answer:
            return answer.read().decode()

    options = ["--threads", "4"] if kind == "gthread" else []
    words = [BIN / "gunicorn", "-k", kind, *options, "-b", f"127.0.0.1:{port}", "shop:app"]
    server = subprocess.Popen([*words, "--no-control-socket"], stderr=Path("log").open("w"))
    try:
        wait_for(port)
        alone = get("plain")
        of_async = get("async")
        other = Thread(target=get, args=("waiting",))
        other.start()
        time.sleep(1)
        beside = get("plain")
        other.join()
        return alone, of_async, beside, get("plain")
    finally:
        server.terminate()
        server.wait(20)


def wait_for(port):
    end = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                sys.exit("The server did not start in 30 s.")
            time.sleep(0.1)


print(*(f"{name} {version(name)}" for name in ("django", "asgiref", "gevent", "gunicorn")))
found = {kind: observe(kind) for kind in ("gthread", "gevent")}
for kind, (alone, of_async, beside, after) in found.items():
    print(f"{kind}: a query of a def view: {alone}; of an async view: {of_async};")
    print(f"  of a def view while an async view waits: {beside}; afterwards: {after}")
rows = "1 row"
expected = {"gthread": (rows,) * 4, "gevent": (rows, "refused", "refused", rows)}
if found != expected:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 120 "$work/venv/bin/python" observe.py
