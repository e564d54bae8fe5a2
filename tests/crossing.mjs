// What crossing.js makes of heads, in the node that runs wrangler: its Headers, Request and Response are the platform's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { declare, head, reply } from "../src/runtime/crossing.js";

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
const at = (path, method = "POST") => head(new Request(`https://agents.example${path}`, { method, headers })).split("\n");

test("of a declared path the declared headers cross, of any other all", () => {
  declare("/accounts/{account}/agents/{agent}/chat\n/agents/{agent}/v1/models", "authorization\naccept\norigin");
  const some = [fields(["authorization", "Bearer k"]), fields(["accept", "*/*"])];
  for (const path of ["/accounts/a/agents/b/chat", "/accounts/a/agents/b/chat?x=1", "/agents/b%20c/v1/models"]) {
    assert.deepEqual(at(path), ["POST", `https://agents.example${path}`, ...some], path);
  }
  for (const path of [
    "/",
    "/accounts/a/agents/b",
    "/accounts/a/agents/b/chat/",
    "/accounts/a/agents/b/chats",
    "/accounts/a/agents/b?x/chat",
    "/accounts/a/agents/b/c/chat",
    "/accounts/a/agents/b/ch%61t",
    "/x/accounts/a/agents/b/chat",
    "/x?/accounts/a/agents/b/chat",
    "/agents/b/v1/models2",
  ]) {
    const [method, url, ...lines] = at(path, "PATCH");
    assert.deepEqual([method, url], ["PATCH", `https://agents.example${path}`]);
    assert.deepEqual(lines.sort(), Object.entries(headers).map(([...pair]) => fields(pair)).sort(), path);
  }
});
