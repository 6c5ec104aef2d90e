#!/usr/bin/env bash
# uvicorn's `--limit-concurrency N` answers 503 beyond the limit. A good engineer guesses that N
# counts the requests which are being worked on: a receiver with a limit of 100 that is idle has
# room for 100 deliveries.
#
# What really happens: uvicorn counts open connections, idle ones as well, and the request's own
# connection is among them when it compares with >=. So N allows N-1 connections, each used or
# not. Kept-alive connections with nothing on them fill the limit for the 5 seconds that uvicorn
# keeps them (longer with `--timeout-keep-alive`), and a limit of 1 refuses every request. The
# 503 has no Retry-After.
#
# Why a webhook receiver cares: proxies and busy senders keep pools of idle connections. A limit
# near the size of the pool refuses deliveries while nothing at all is running, each 503 counts
# as a failure at the sender, and no metric of the program shows it: the request never reaches it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  uvicorn==0.54.0 h11==0.16.0

timeout 60 "$work/venv/bin/python" - <<'PY'
import http.client, logging, socket, sys, threading, time
from importlib.metadata import version

import uvicorn


async def receiver(scope, receive, send):
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def start(limit):
    """Return the server and its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    options = {"lifespan": "off", "http": "h11", "timeout_keep_alive": 60}
    config = uvicorn.Config(receiver, limit_concurrency=limit, **options)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return server, listener.getsockname()[1]


def deliver(connection):
    """Return status and Retry-After of a delivery on *connection*, which stays open."""
    connection.request("POST", "/hooks", b"{}")
    response = connection.getresponse()
    response.read()
    return response.status, response.getheader("Retry-After")


def connections(port, count):
    return [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(count)]


def wait_for_hang_up(server, count):
    """Wait until the server has *count* connections; it sees a hang-up a moment later."""
    while len(server.server_state.connections) > count:
        time.sleep(0.01)


logging.disable()  # uvicorn logs each request.
server, port = start(limit=3)
first, second, third = connections(port, 3)
pool = [deliver(connection) for connection in (first, second, third)]
first.close()
wait_for_hang_up(server, 1)  # The 503 closed the third connection.
again = deliver(connections(port, 1)[0])
alone = deliver(connections(start(limit=1)[1], 1)[0])

print("uvicorn", version("uvicorn"), "(status, Retry-After); no two requests run at once")
print("limit 3, a delivery on each of three kept connections:", *pool)
print("limit 3, after one of them was closed:", again)
print("limit 1, the only delivery:", alone)
good, refused = (200, None), (503, None)
if (pool, again, alone) != ([good, good, refused], good, refused):
    sys.exit("The behaviour has changed.")
PY
