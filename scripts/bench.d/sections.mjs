// What is measured besides calls under load: what a call asks of the platform, the first call of an agent, and the wasm's
// size and start.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { VARS, spread } from "./fixture.mjs";
import { cpuUs } from "./process.mjs";
import { median } from "./summary.mjs";
import { Instance, floor, retinue } from "./workerd.mjs";

const COLD_CALLS = 1_000;
const COLD_CONNECTIONS = 16;
const STARTS = 7;
const DELAY_MS = 50;

/** Calls of agents that this isolate has not seen: each reads the directory. */
export async function cold(lab, scenario, rounds) {
  await lab.instance(scenario);
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const numbers = spread(scenario.agents, COLD_CALLS, round + 1);
    runs.push(await lab.measure(scenario, { connections: COLD_CONNECTIONS, calls: COLD_CALLS, numbers }));
  }
  return { connections: COLD_CONNECTIONS, runs };
}

/** What a call asks of objects, of their storage and of D1: warm, one at a time and 16 at once, cold, and on a thread. */
export async function counts(lab, agents) {
  const scenario = { agents, counted: true };
  const instance = await lab.instance(scenario);
  const run = async (limits, numbers, turn) => {
    await settled();
    await readCounts(instance);
    const seen = await lab.drive(instance, { ...limits, requests: lab.requests({ ...scenario, turn }, numbers) });
    await (turn ? rested() : settled());
    return perCall(await readCounts(instance), seen.calls);
  };
  const warm = await run({ connections: 1, calls: 200 });
  warm.blockingHops = await blockingHops(lab, instance, lab.requests(scenario));
  const warmAt16 = await run({ connections: 16, calls: 1_600 });
  const first = await run({ connections: 1, calls: 100 }, spread(agents, 100, 1));
  // Each on a thread of its own, which it makes; then each once more.
  const firstTurn = await run({ connections: 1, calls: 200 }, undefined, true);
  const turn = await run({ connections: 1, calls: 200 }, undefined, true);
  return { warm, warmAt16, first, firstTurn, turn };
}

// Longer than the object lets anything gather.
// A thread's alarm of a turn rings 25 s after it.
const rested = () => new Promise((resolve) => setTimeout(resolve, 30_000));
const settled = () => new Promise((resolve) => setTimeout(resolve, 2_500));

async function readCounts(instance) {
  const object = await (await fetch(`${instance.url()}/__bench`)).json();
  const d1 = await (await fetch(instance.url("meter"))).json();
  return { ...object, d1Requests: d1.requests, d1Statements: d1.statements, d1RowsRead: d1.rowsRead, d1RowsWritten: d1.rowsWritten };
}

const perCall = (counted, calls) =>
  Object.fromEntries(Object.entries(counted).map(([name, count]) => [name, count / calls]));

// Every hop is made slower by the same time: a call is slower by as many of them as it waits for.
async function blockingHops(lab, instance, requests) {
  const latency = async () => (await lab.drive(instance, { connections: 1, calls: 20, requests })).latency.p50;
  const before = await latency();
  await fetch(`${instance.url()}/__bench?delay=${DELAY_MS}`);
  const delayed = await latency();
  await settled();
  await fetch(`${instance.url()}/__bench`);
  return Math.round((delayed - before) / DELAY_MS);
}

/** The sizes of what is uploaded, in bytes, and what it would be without the names of the functions. */
export async function sizes(build) {
  const wasm = await readFile(join(build, "index_bg.wasm"));
  const script = await readFile(join(build, "index.js"));
  const nameless = withoutSection(wasm, "name");
  // As scripts/build says it; node's own is one per cent worse.
  const gzipped = (input) => execFileSync("gzip", ["-9"], { input, maxBuffer: 2 ** 30 }).length;
  return {
    wasm: wasm.length,
    wasmGzipped: gzipped(wasm),
    namelessWasm: nameless.length,
    namelessWasmGzipped: gzipped(nameless),
    script: script.length,
    scriptGzipped: gzipped(script),
  };
}

// https://webassembly.github.io/spec/core/binary/modules.html#custom-section
function withoutSection(wasm, unwanted) {
  let at = 8;
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const kept = [wasm.subarray(0, at)];
  while (at < wasm.length) {
    const start = at;
    const kind = wasm[at++];
    const length = number();
    const end = at + length;
    const nameLength = kind === 0 ? number() : 0;
    if (kind !== 0 || wasm.toString("utf8", at, at + nameLength) !== unwanted) kept.push(wasm.subarray(start, end));
    at = end;
  }
  return Buffer.concat(kept);
}

/** From the start of workerd to the first answer, the Worker and the bare one in turn. */
export async function starts(lab) {
  const seen = { worker: [], bare: [] };
  // The first start of each is left out: it fills the disk's cache.
  for (let n = 0; n <= STARTS; n++) {
    for (const [name, worker] of [["bare", floor({ UPSTREAM: lab.upstreamUrl })], ["worker", retinue(lab.build, VARS)]]) {
      const run = await firstAnswer(worker, join(lab.folder, `start-${name}`));
      if (n > 0) seen[name].push(run);
    }
  }
  const middle = (runs) => ({ ms: median(runs.map(({ ms }) => ms)), cpuMs: median(runs.map(({ cpuMs }) => cpuMs)) });
  return { worker: middle(seen.worker), bare: middle(seen.bare), runs: seen };
}

async function firstAnswer(worker, folder) {
  const started = performance.now();
  const instance = await Instance.start(worker, folder);
  const response = await fetch(`${instance.url()}/health`);
  await response.text();
  const run = { ms: performance.now() - started, cpuMs: cpuUs(instance.pid) / 1000 };
  await instance.stop();
  if (!response.ok) throw new Error(`/health answered ${response.status}`);
  return run;
}
