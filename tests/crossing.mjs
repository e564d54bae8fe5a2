// What crossing.js makes of heads and of requests that leave, in the node that runs wrangler: its Headers, Request and Response are the platform's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { declare, head, reply, send } from "../src/runtime/crossing.js";

const fields = (...pairs) => pairs.map(([name, value]) => `${name}\0${value}`).join("\n");

test("headers of one name are appended, so that two cookies stay two", () => {
  const cookies = [["set-cookie", "a=1; Expires=Thu, 26 Nov 2026 00:00:00 GMT"], ["set-cookie", "b=2"]];
  const lines = fields(["vary", "origin"], cookies[0], ["x-call-id", "1"], cookies[1], ["vary", "accept"]);
  const { headers } = reply(200, lines, null);
  assert.deepEqual(headers.getSetCookie(), cookies.map(([, value]) => value));
  assert.equal(headers.get("vary"), "origin, accept");
  assert.equal(headers.get("x-call-id"), "1");
});

test("a reply without headers has none", () => {
  assert.deepEqual([...reply(204, "", null).headers], []);
});

const headers = { authorization: "Bearer k", "x-empty": "", "if-match": '"1"', accept: "*/*" };
const at = (path, method = "POST") => head(new Request(`https://agents.example.com${path}`, { method, headers })).split("\n");

test("of a declared path the declared headers cross, of any other all", () => {
  declare("/accounts/{account}/agents/{agent}/chat\n/agents/{agent}/v1/models", "authorization\naccept\norigin");
  const some = [fields(["authorization", "Bearer k"]), fields(["accept", "*/*"])];
  for (const path of ["/accounts/a/agents/b/chat", "/accounts/a/agents/b/chat?x=1", "/agents/b%20c/v1/models", "/agents/b/v1/models/", "/agents/b/v1/models/?x"]) {
    assert.deepEqual(at(path), ["POST", `https://agents.example.com${path}`, ...some], path);
  }
  for (const path of [
    "/",
    "/accounts/a/agents/b",
    "/accounts/a/agents/b/chat//",
    "/accounts/a/agents/b/chats",
    "/accounts/a/agents/b?x/chat",
    "/accounts/a/agents/b/c/chat",
    "/accounts/a/agents/b/ch%61t",
    "/x/accounts/a/agents/b/chat",
    "/x?/accounts/a/agents/b/chat",
    "/agents/b/v1/models2",
  ]) {
    const [method, url, ...lines] = at(path, "PATCH");
    assert.deepEqual([method, url], ["PATCH", `https://agents.example.com${path}`]);
    assert.deepEqual(lines.sort(), Object.entries(headers).map(([...pair]) => fields(pair)).sort(), path);
  }
});

// Sends to this reply; what `fetch` was given.
async function sent(reply, ...request) {
  const platforms = globalThis.fetch;
  let given;
  globalThis.fetch = async (url, init) => {
    given = { url, ...init };
    return reply;
  };
  try {
    const answered = await send(...request);
    return { given, answered };
  } finally {
    globalThis.fetch = platforms;
  }
}

const short = () => new Response("short", { status: 201, headers: { "content-length": "5" } });

test("a request leaves as its head says, and follows no redirect", async () => {
  const bytes = new TextEncoder().encode("{}");
  const { given } = await sent(short(), `POST\nhttps://a.example.com/v1?b=c\n${fields(["x-key", "k"], ["accept", "*/*"])}`, bytes, 1000, 0);
  const { url, method, redirect, headers, body, signal } = given;
  assert.deepEqual([url, method, redirect], ["https://a.example.com/v1?b=c", "POST", "manual"]);
  assert.deepEqual({ ...headers }, { "x-key": "k", accept: "*/*" });
  assert.deepEqual(body, bytes);
  assert.notEqual(body.buffer, bytes.buffer, "the memory of the wasm may move");
  assert.ok(signal instanceof AbortSignal);
});

test("a request may have neither headers nor a body", async () => {
  const { given } = await sent(short(), "GET\nhttps://a.example.com/", undefined, 1000, 0);
  assert.deepEqual([given.method, given.url, { ...given.headers }, given.body], ["GET", "https://a.example.com/", {}, undefined]);
});

test("of a reply only what says that it is short is read at once", async () => {
  const ask = async (reply, most) => (await sent(reply, "GET\nhttps://a.example.com/", undefined, 1000, most)).answered;
  const read = await ask(short(), 5);
  assert.deepEqual([read.status, new TextDecoder().decode(read.whole)], [201, "short"]);
  assert.equal((await ask(short(), 4)).whole, undefined);
  assert.equal((await ask(new Response("unsaid"), 100)).whole, undefined);
  const packed = { "content-length": "5", "content-encoding": "gzip" };
  assert.equal((await ask(new Response("short", { headers: packed }), 100)).whole, undefined);
});
