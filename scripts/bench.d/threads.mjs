// What a long thread costs: its wake by size, how soon a watcher that comes back has the rest, and what a minute of streaming
// writes.

import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { call } from "./fixture.mjs";
import { median } from "./summary.mjs";

// Scenarios of their own: each has a folder of state.
const LONG = { agents: 11 };
const COUNTED = { agents: 12, counted: true };
const MIB = 2 ** 20;
const SIZES = { small: MIB, large: 1_024 * MIB };
const ITEM = "x".repeat(4_000);
const ITEMS_A_REQUEST = 800;
const WAKES = 7;
const RESUMES = 50;
// Tokens of a model that says twenty in a second.
const MINUTE = { WORDS: "1200", CHUNK_MS: "50" };

const THREADS = "/accounts/bench/agents/agent-0/threads";

/** The middle of what each takes, in ms, and the object rows that a minute of one stream writes. */
export async function threads(lab, say) {
  const instance = await lab.start(LONG);
  const { caller } = lab.keyOf(LONG);
  await call(instance, caller, "POST", `${THREADS}/warm/runs`, { message: "Hello" });
  for (const [name, bytes] of Object.entries(SIZES)) {
    say(`filling a thread of ${bytes / MIB} MiB`);
    await grow(instance, caller, name, bytes);
  }
  await instance.stop();
  const seen = { small: { read: [], turn: [] }, large: { read: [], turn: [] } };
  for (let round = 0; round < WAKES; round++) {
    say(`waking, ${round + 1} of ${WAKES}`);
    await wake(lab, caller, seen, round);
  }
  const middle = ({ read, turn }) => ({ readMs: median(read), turnMs: median(turn) });
  return { small: middle(seen.small), large: middle(seen.large), resumeMs: await resume(lab, caller), minute: await minute(lab) };
}

async function grow(instance, key, name, bytes) {
  const items = Array.from({ length: ITEMS_A_REQUEST }, () => ({ role: "user", content: ITEM }));
  await call(instance, key, "POST", THREADS, { id: name });
  for (let left = bytes; left > 0; left -= ITEMS_A_REQUEST * ITEM.length) {
    const fitting = items.slice(0, Math.min(ITEMS_A_REQUEST, Math.ceil(left / ITEM.length)));
    await call(instance, key, "POST", `${THREADS}/${name}/items`, { items: fitting });
  }
}

// A new process has no object in memory. What it does first of all is not the threads': another one does it before.
async function wake(lab, key, seen, round) {
  const instance = await lab.start(LONG);
  await call(instance, key, "GET", `${THREADS}/warm`);
  await call(instance, key, "POST", `${THREADS}/warm/runs`, { message: "Hello" });
  for (const name of round % 2 ? ["large", "small"] : ["small", "large"]) {
    seen[name].read.push(await timed(() => call(instance, key, "GET", `${THREADS}/${name}`)));
    seen[name].turn.push(await timed(() => call(instance, key, "POST", `${THREADS}/${name}/runs`, { message: "Hello" })));
  }
  await instance.stop();
}

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** From the question to the last event, of a watcher that has seen the first half of a run that is over. */
async function resume(lab, key) {
  const instance = await lab.start(LONG);
  const run = await call(instance, key, "POST", `${THREADS}/warm/runs`, { message: "Hello" });
  const url = `${instance.url()}/accounts/bench/agents/agent-0/runs/${run.id}/events`;
  const read = async (after) => {
    const headers = { authorization: `Bearer ${key}`, accept: "text/event-stream", ...(after && { "last-event-id": after }) };
    const response = await fetch(url, { headers });
    const text = await response.text();
    if (!response.ok || !text.includes("run.completed")) throw new Error(`events answered ${response.status}: ${text}`);
    return text;
  };
  const numbers = [...(await read()).matchAll(/^id: ?(\d+)$/gm)].map(([, number]) => number);
  const after = numbers[numbers.length >> 1];
  const times = [];
  for (let n = 0; n < RESUMES; n++) times.push(await timed(() => read(after)));
  await instance.stop();
  return median(times);
}

/** Rows that objects write while one run streams for a minute, all objects together. */
async function minute(lab) {
  const upstream = fork(join(import.meta.dirname, "upstream.mjs"), { stdio: "inherit", env: { ...process.env, ...MINUTE } });
  lab.children.push(upstream);
  const [{ port }] = await once(upstream, "message");
  const instance = await lab.at(`http://127.0.0.1:${port}`, () => lab.start(COUNTED));
  const { caller } = lab.keyOf(COUNTED);
  const counts = async () => (await fetch(`${instance.url()}/__bench`)).json();
  await counts();
  await call(instance, caller, "POST", `${THREADS}/minute/runs`, { message: "Hello" });
  // Longer than the account's object lets anything gather.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  const { rowsWritten } = await counts();
  await instance.stop();
  return { rowsWritten };
}
