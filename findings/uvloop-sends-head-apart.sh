#!/usr/bin/env bash
# uvicorn sends an answer's head and its body by two calls of `transport.write`. A good engineer
# guesses that the event loop is no part of what goes over the wire, and if anything that uvloop,
# chosen for speed, keeps what it gained: its transport collected the writes of one turn of the loop
# and sent them together, where asyncio sends each at once.
#
# What really happens: uvloop 0.23 sends each write at once as well. So by an update of the loop
# alone, each answer with a body takes two packets and two calls of the system where it took one. An
# answer without a body stays one packet under each of them.
#
# Why a webhook receiver cares: its answers are short, so the second packet is a large part of what
# an answer costs (about a tenth of the CPU of an endpoint that only verifies a signature), and a
# benchmark whose comparison answers with an empty body blames that on the framework. It is also why
# a sender or proxy that reads the socket once, which saw the whole answer for years, now sees a head
# that announces a body.
#
# Needs Linux, whose TCP_INFO counts the packets.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for release in 0.22.1 0.23.0; do
  python3 -m venv "$work/$release"
  "$work/$release/bin/pip" install -qq --no-compile --disable-pip-version-check \
    uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0 click==8.3.1 "uvloop==$release"
done

cat >"$work/answers.py" <<'PY'
import socket
import struct
import sys
import threading
import time

import uvicorn

DATA_SEGMENTS_IN = 152  # The place of tcpi_data_segs_in in Linux' struct tcp_info.


async def program(scope, receive, send):
    await receive()
    body = b'{"data":{"outcome":"accepted"}}' if scope["path"] == "/body" else b""
    length = str(len(body)).encode()
    start = {"type": "http.response.start", "status": 202}
    await send({**start, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


def count(port, path):
    """Return how many packets with data the answer to one request takes."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        answer = b""
        while not (answer.endswith(b"\r\n\r\n") and path == "/" or answer.endswith(b"}}")):
            answer += client.recv(65536)
        facts = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return struct.unpack_from("I", facts, DATA_SEGMENTS_IN)[0]


def main(loop, http):
    config = uvicorn.Config(program, loop=loop, http=http, log_level="error", lifespan="off", port=0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    packets = {path: {count(port, path) for _ in range(20)} for path in ("/body", "/")}
    server.should_exit = True
    thread.join()
    print(*(next(iter(seen)) if len(seen) == 1 else sorted(seen) for seen in packets.values()))


main(*sys.argv[1:])
PY

status=0
show() { # what, expected "packets with body, packets without", release, loop, http
  seen=$("$work/$3/bin/python" "$work/answers.py" "$4" "$5")
  echo "$1: packets of an answer with a body, and without one: $seen"
  [[ "$seen" == "$2" ]] || status=1
}

"$work/0.23.0/bin/python" -c 'import platform, uvicorn; print("Python", platform.python_version(), "uvicorn", uvicorn.__version__)'
for http in httptools h11; do
  show "asyncio, $http" "2 1" 0.23.0 asyncio "$http"
  show "uvloop 0.22.1, $http" "1 1" 0.22.1 uvloop "$http"
  show "uvloop 0.23.0, $http" "2 1" 0.23.0 uvloop "$http"
done
exit "$status"
