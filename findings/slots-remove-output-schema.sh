#!/usr/bin/env bash
# A tool of the Model Context Protocol that returns a dataclass declares the schema of its answer,
# and sends structured content beside the text. A good engineer guesses that `slots=True` is an
# optimisation, as it is for pydantic itself, which validates and describes both dataclasses alike.
#
# What really happens, with the official SDK: of the dataclass with slots the tool declares no
# schema and sends text only, without an error or a log line. The SDK reads the default of each
# field by getattr() from the class, finds the descriptor of the slot there, and cannot describe
# it. Only `structured_output=True` turns this into an error: "is not serializable".
#
# Why a webhook receiver cares: frozen values with slots are its usual types. A tool that lists
# deliveries then gives agents a text to parse, and the contract of its answers disappears from
# `tools/list` by one word in another file.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check \
  mcp==2.3.0 mcp-types==2.3.0 pydantic==2.14.4

cat >"$work/program.py" <<'PY'
import asyncio, logging, sys
from dataclasses import dataclass
from importlib.metadata import version

from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import InvalidSignature
from pydantic import TypeAdapter

records = []
logging.getLogger().addHandler(handler := logging.Handler())
handler.emit = records.append


@dataclass(frozen=True)
class Plain:
    fingerprint: str
    state: str


@dataclass(frozen=True, slots=True)
class Slotted:
    fingerprint: str
    state: str


def plain() -> Plain:
    return Plain("3fe77f", "done")


def slotted() -> Slotted:
    return Slotted("3fe77f", "done")


async def call(*tools):
    server = MCPServer("receiver", log_level="WARNING")
    for tool in tools:
        server.add_tool(tool)
    async with Client(server) as client:
        listed = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        for tool in tools:
            answer = await client.call_tool(tool.__name__, {})
            yield tool.__name__, listed[tool.__name__], answer.structured_content


async def main():
    return [each async for each in call(plain, slotted)]


print("mcp", version("mcp"), "pydantic", version("pydantic"))
for kind in (Plain, Slotted):
    print(f"pydantic, {kind.__name__}:", sorted(TypeAdapter(kind).json_schema()["properties"]))
seen = {}
for name, schema, content in asyncio.run(main()):
    seen[name] = (sorted((schema or {}).get("properties", ())), content)
    print(f"tool, {name}: schema of {seen[name][0]}, structured content {content}")
try:
    MCPServer("receiver").add_tool(slotted, structured_output=True)
    refused = False
except InvalidSignature as error:
    refused = "is not serializable" in str(error)
print("with structured_output=True it is refused:", refused)
warned = [each for each in records if each.levelno >= logging.WARNING]
print("log lines about it:", len(warned))
fields = ["fingerprint", "state"]
expected = {
    "plain": (fields, {"fingerprint": "3fe77f", "state": "done"}),
    "slotted": ([], None),
}
if seen != expected or not refused or warned:
    sys.exit("The behaviour has changed.")
PY
cd "$work" && timeout 60 venv/bin/python -W ignore program.py
