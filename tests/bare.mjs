// The built Worker on workerd alone, for what `wrangler dev` hides: its middleware reads unread bodies to their end before it
// passes the answer on, and its proxy answers 500 itself when a body breaks off.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";

import { OPERATOR_KEY, VARS, call, migrate } from "../scripts/bench.d/fixture.mjs";
import { residentMib } from "../scripts/bench.d/process.mjs";
import { Instance, retinue } from "../scripts/bench.d/workerd.mjs";

const MAX_BODY = 4 * 1024 * 1024;
const DEADLINE_MS = 30_000;

const folder = await mkdtemp(join(tmpdir(), "retinue-bare-"));
const worker = await Instance.start(retinue(dirname(process.env.RETINUE_WORKER), VARS), folder);
after(async () => {
  await worker.stop();
  await rm(folder, { recursive: true });
});
await migrate(worker);
const account = await call(worker, OPERATOR_KEY, "POST", "/api/v1/accounts", { slug: "acme", name: "Acme", plan: "enterprise" });
const key = async (role) =>
  (await call(worker, OPERATOR_KEY, "POST", `/api/v1/accounts/${account.slug}/keys`, { name: role, role })).key;
const [admin, caller] = [await key("admin"), await key("caller")];
const agent = { slug: "poet", name: "Poet", instructions: "Rhyme.", model: "openai:gpt-4.1-mini" };
await call(worker, admin, "POST", "/api/v1/agents", agent);
const chat = "/accounts/acme/agents/poet/chat";
const wide = "/accounts/acme/v1/chat/completions";

/** The status of the answer to this head, and whatever `send` writes after it. */
async function status(method, path, key, length, send = () => {}) {
  const socket = connect({ port: worker.ports.http, host: "127.0.0.1", allowHalfOpen: true });
  socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error(`no answer to ${method} ${path}`)));
  const lines = [`${method} ${path} HTTP/1.1`, "host: x", `authorization: Bearer ${key}`, "content-type: application/json", length];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  send(socket);
  const [line] = await once(socket, "data");
  socket.on("error", () => {}).destroy();
  return Number(line.toString("latin1").slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
}

const half = (socket) => socket.write(Buffer.alloc(MAX_BODY / 2, "a"));

test("what the head decides is answered though the body never ends", async () => {
  const asked = [
    ["POST", "/nowhere", "", MAX_BODY, 404],
    ["DELETE", "/nowhere", "", MAX_BODY, 404],
    ["PUT", "/health", "", MAX_BODY, 405],
    ["POST", "/api/v1/agents", "nonsense", MAX_BODY, 401],
    ["POST", "/api/v1/agents", caller, MAX_BODY, 403],
    ["POST", "/api/v1/accounts/other/keys", admin, MAX_BODY, 404],
    ["POST", "/api/v1/agents", admin, MAX_BODY + 1, 413],
    ["GET", "/api/v1/agents", admin, 1_000, 200],
    ["POST", chat, "nonsense", MAX_BODY, 401],
    ["POST", "/accounts/acme/agents/nobody/chat", caller, MAX_BODY, 404],
    ["POST", chat, caller, MAX_BODY + 1, 413],
    ["POST", wide, "nonsense", MAX_BODY, 401],
    ["POST", wide, caller, MAX_BODY + 1, 413],
  ];
  // Side by side, because a refusal waits a second for the end of the body.
  const answers = asked.flatMap(([method, path, key, length, expected]) => {
    const ways = [[`content-length: ${length}`], ["transfer-encoding: chunked"]];
    if (length >= MAX_BODY) ways.push([`content-length: ${length}`, half]);
    const declared = ways.filter(([how]) => expected !== 413 || how !== "transfer-encoding: chunked");
    return declared.map(async (way) => assert.equal(await status(method, path, key, ...way), expected, `${method} ${path}, ${way[0]}`));
  });
  await Promise.all(answers);
});

test("bodies that nobody reads are not held", async () => {
  const before = residentMib(worker.pid);
  const most = (socket) => socket.write(Buffer.alloc(MAX_BODY - 1, "a"));
  const ask = () => status("POST", "/nowhere", "", `content-length: ${MAX_BODY}`, most);
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, ask)), Array(50).fill(404));
  const grown = residentMib(worker.pid) - before;
  assert.ok(grown < 64, `50 bodies of 4 MiB took ${Math.round(grown)} MiB`);
});

test("a client that sends all of a long body reads why it was refused", async () => {
  for (const length of [100_000, MAX_BODY, MAX_BODY + 1, 5 * MAX_BODY]) {
    const body = Buffer.alloc(length, "a");
    const refused = await fetch(`${worker.url()}/api/v1/agents`, { method: "POST", body });
    assert.equal(refused.status, 401, `${length} bytes`);
    await refused.arrayBuffer();
  }
});

test("a body that says no length is read to the limit, and its end is not waited for", async () => {
  const chunk = `${(MAX_BODY + 1).toString(16)}\r\n${"a".repeat(MAX_BODY + 1)}\r\n`;
  for (const [path, key] of [[chat, caller], ["/api/v1/agents", admin]]) {
    assert.equal(await status("POST", path, key, "transfer-encoding: chunked", (socket) => socket.write(chunk)), 413, path);
  }
});

test("a body that breaks off is the client's fault", async () => {
  const begun = '{"message":';
  for (const [path, key] of [[chat, caller], ["/api/v1/agents", admin]]) {
    for (const [length, sent] of [
      ["content-length: 100", begun],
      ["transfer-encoding: chunked", `${begun.length.toString(16)}\r\n${begun}\r\n`],
    ]) {
      assert.equal(await status("POST", path, key, length, (socket) => socket.end(sent)), 400, `${path}, ${length}`);
      // The same from a client that does not wait for the answer.
      const gone = connect(worker.ports.http, "127.0.0.1").on("error", () => {});
      const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${key}`;
      gone.write(`${head}\r\n${length}\r\n\r\n${sent}`, () => gone.destroy());
    }
  }
  assert.equal(await status("GET", "/health", "", "x: y"), 200);
});

// A client that writes the whole of its body before it reads, as Python's and Go's do.
test("a client that writes before it reads can read why its body is too long", async () => {
  const socket = connect({ port: worker.ports.http, host: "127.0.0.1" });
  socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error("no answer")));
  const received = [];
  socket.on("data", (data) => received.push(data));
  const lines = ["POST /api/v1/agents HTTP/1.1", "host: x", `authorization: Bearer ${admin}`, "content-type: application/json", "transfer-encoding: chunked"];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const piece = Buffer.alloc(1024 * 1024, "a");
  for (let n = 0; n < 20; n++) {
    socket.write("100000\r\n");
    socket.write(piece);
    if (!socket.write("\r\n")) await once(socket, "drain");
  }
  socket.write("0\r\n\r\n");
  while (received.length === 0) await once(socket, "data");
  assert.match(Buffer.concat(received).toString("latin1"), /^HTTP\/1\.1 413 /);
  socket.destroy();
});
