// The built Worker on a local state folder, in maintenance: its objects answer for backups, and nothing else happens to them.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Operator } from "./operator.mjs";

const WRANGLER = join(import.meta.dirname, "..", "wrangler");
const DEADLINE_MS = 90_000;

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Does something with the operator of a Worker on this folder, which ends with it. */
export async function withWorker(state, work) {
  const folder = mkdtempSync(join(tmpdir(), "retinue-"));
  const key = randomBytes(32).toString("hex");
  writeFileSync(join(folder, "env"), `OPERATOR_KEY=${key}\nMAINTENANCE=1\n`, { mode: 0o600 });
  const port = await freePort();
  const words = ["dev", "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0", "--persist-to", resolve(state)];
  words.push("--env-file", join(folder, "env"), "--show-interactive-dev-session=false");
  const env = { ...process.env, RETINUE_BUILT: "1", WRANGLER_WRITE_LOGS: "false", WRANGLER_REGISTRY_PATH: join(folder, "registry") };
  // Its own process group, so that all of it ends.
  const child = spawn(WRANGLER, words, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said = (said + data).slice(-4_000)));
  let hasEnded = false;
  const ended = new Promise((done) => child.once("close", () => done((hasEnded = true))));
  const end = () => {
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // It is gone.
    }
  };
  process.once("exit", end);
  try {
    const operator = new Operator(`http://127.0.0.1:${port}`, key);
    await serving(operator.url, () => hasEnded, () => said);
    return await work(operator);
  } finally {
    end();
    await Promise.race([ended, sleep(15_000)]);
    process.removeListener("exit", end);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function serving(url, hasEnded, said) {
  for (const deadline = Date.now() + DEADLINE_MS; ; ) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok) return;
    if (hasEnded()) throw new Error(`the Worker did not start:\n${said()}`);
    if (Date.now() > deadline) throw new Error(`the Worker does not answer at ${url}:\n${said()}`);
    await sleep(100);
  }
}
