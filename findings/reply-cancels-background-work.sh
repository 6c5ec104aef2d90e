#!/usr/bin/env bash
# A receiver answers at once and works afterwards, in a BackgroundTask of Starlette or FastAPI. gunicorn
# has an ASGI worker of its own (`-k asgi`), with a grace period for senders that hang up. A good
# engineer guesses that this is for requests which wait for their answer, and that work after a
# complete 200 runs to its end, as it does under the other servers.
#
# What really happens: the request is the whole call of the program, background work included. When the
# sender closes its connection, because it has its answer, the grace period begins: 3 seconds later the
# work is cancelled in the middle, and nothing is logged. While the sender keeps its connection open, the
# same work finishes.
#   sender                   gunicorn -k asgi    uvicorn, hypercorn, daphne, granian
#   closes after the 200     cancelled           finished
#   keeps the connection     finished            finished
#
# Why a webhook receiver cares: the sender has its 2xx and never sends again. Whether the work is done
# depends on the sender's pool of connections, so a test with a client that is kept open is green, and
# curl loses what takes longer than the grace period. `--asgi-disconnect-grace-period` moves the limit;
# a queue removes it. (The setting is documented; that it holds after the answer is not.)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  gunicorn==27.0.1 uvicorn==0.54.0 hypercorn==0.18.0 daphne==4.2.3 granian==2.8.9 starlette==1.10.0

cat >"$work/receiver.py" <<'PY'
import asyncio

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.routing import Route

ends = {}


async def book(sender):
    try:
        await asyncio.sleep(5)
    except BaseException as error:
        ends[sender] = type(error).__name__
        raise
    ends[sender] = "finished"


async def deliver(request):
    return Response("ok", background=BackgroundTask(book, request.path_params["sender"]))


async def show(request):
    """Answer how the work of a sender ended."""
    return Response(ends.get(request.path_params["sender"], "works"))


app = Starlette(
    routes=[
        Route("/hooks/{sender}", deliver, methods=["POST"]),
        Route("/hooks/{sender}", show),
    ]
)
PY

cat >"$work/observe.py" <<'PY'
import http.client
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

BIN = Path(sys.executable).parent
SERVERS = {
    "gunicorn": "-k asgi --no-control-socket -b 127.0.0.1:{port} receiver:app",
    "uvicorn": "--log-level error --port {port} receiver:app",
    "hypercorn": "-b 127.0.0.1:{port} receiver:app",
    "daphne": "-p {port} receiver:app",
    "granian": "--interface asgi --port {port} receiver:app",
}
EXPECTED = {name: ("finished", "finished") for name in SERVERS}
EXPECTED["gunicorn"] = ("CancelledError", "finished")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                sys.exit("The server did not start in 60 s.")
            time.sleep(0.1)


def exchange(port, method, sender):
    """Return the connection, still open, and the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, f"/hooks/{sender}")
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    return connection, answer.read().decode()


def end_of_work(port, sender):
    end = time.monotonic() + 30
    while (seen := exchange(port, "GET", sender)[1]) == "works":
        if time.monotonic() > end:
            sys.exit("The work did not end in 30 s.")
        time.sleep(0.2)
    return seen


def observe(port):
    """Return how the work ends of a sender that hangs up, and of one that does not."""
    wait_for(port)
    hasty, answer = exchange(port, "POST", "closes")
    hasty.close()
    _patient, also = exchange(port, "POST", "keeps")
    assert (answer, also) == ("ok", "ok")
    return end_of_work(port, "closes"), end_of_work(port, "keeps")


def run(name):
    port = free_port()
    command = [BIN / name, *SERVERS[name].format(port=port).split()]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        return observe(port)
    finally:
        server.terminate()
        server.wait(30)


print("starlette", version("starlette"), "- how 5 s of work after the 200 end,")
print(f"{'':20}{'sender closes':18}sender keeps its connection")
with Path("log").open("w") as log:
    seen = {name: run(name) for name in SERVERS}
for name, (closes, keeps) in seen.items():
    print(f"{name + ' ' + version(name):20}{closes:18}{keeps}")
if seen != EXPECTED:
    sys.exit("The behaviour has changed.")
PY

cd "$work"
timeout 240 "$work/venv/bin/python" observe.py
