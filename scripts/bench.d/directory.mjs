// What an account's configuration is read and written by, with few agents and with many: how long it takes one client, one
// request after the other; what all of them take at once, out and in; and which rows D1 reads for what is answered or written.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { FILTERS, seed, stock } from "./directory-fixture.mjs";
import { WRITES } from "./directory-writes.mjs";
import { INSTRUCTIONS, VARS, call, migrate, spread } from "./fixture.mjs";
import { peakMib, resetPeak, residentMib } from "./process.mjs";
import { median } from "./summary.mjs";
import { Instance, counted, retinue } from "./workerd.mjs";

const FEW = 10;
const MANY = 10_000;
/** What the accounts have: agents, and of each other thing so many, or as many as it may have. */
const ACCOUNTS = {
  few: { agents: FEW, others: FEW },
  many: { agents: MANY, others: FEW },
  rich: { agents: FEW, others: 500 },
};
const IMPORTED = 1_000;
const PAGE = 50;
const ROUNDS = 3;
const CALLS = 30;
const COUNTED_CALLS = 2;
/** Stands once in each agent of an export. */
const MARK = '"slug":';
/** Where the rows of an answer stand. */
const LISTS = ["data", "agents"];
/**
 * The most rows that one more row of an answer may take. An agent is found by its label, its words and its row, and each
 * compared with what was asked for; elements of a JSON array count as rows too.
 */
const ROWS_PER_ROW = 10;

/** All of it; what is counted is counted first, on an instance of its own, since the meter takes time. */
export async function directory(lab) {
  const folder = join(lab.folder, "directory");
  const accounts = await furnish(lab, folder);
  const metered = await Instance.start(counted(lab.build, VARS), folder);
  const read = await readsOf(metered, accounts);
  // Into another account than the one that is timed, which must not have these agents before.
  const d1 = await metering(metered, () => takeIn(metered, accounts.rich));
  await metered.stop();
  const plain = await Instance.start(retinue(lab.build, VARS), folder);
  const latency = await latencies(lab, plain, accounts);
  const exported = await withMemory(plain, () => giveOut(plain, accounts.many));
  const exportedAgain = await withMemory(plain, () => giveOut(plain, accounts.many));
  const imported = { ...(await withMemory(plain, () => takeIn(plain, accounts.many))), d1 };
  await plain.stop();
  // Last, because the accounts are other ones after it.
  const meteredAgain = await Instance.start(counted(lab.build, VARS), folder);
  const reads = [...read, ...(await writesOf(meteredAgain, accounts))];
  await meteredAgain.stop();
  return { accounts: ACCOUNTS, latency, exported, exportedAgain, imported, reads, growing: growing(reads) };
}

/** Fills the state by a process of its own, so that what is measured has only served. */
async function furnish(lab, folder) {
  const instance = await Instance.start(retinue(lab.build, VARS), folder);
  await migrate(instance);
  await seed(instance);
  const accounts = {};
  for (const [name, counts] of Object.entries(ACCOUNTS)) {
    accounts[name] = await stock(instance, lab.upstreamUrl, name, counts);
  }
  await instance.stop();
  return accounts;
}

const page = (rest = "") => `/api/v1/agents?limit=${PAGE}${rest && `&${rest}`}`;

/** The paths of each kind of request, as many as are to be asked for in turn. */
function requests({ agents, named }) {
  const slugs = spread(agents, FEW, 0).map((n) => `/api/v1/agents/agent-${n}`);
  const filtered = Object.fromEntries(Object.entries(FILTERS).map(([name, query]) => [`list, ${name}`, [page(query)]]));
  return {
    [`list, a page of ${PAGE}`]: [page()],
    [`list, a page of ${FEW}`]: [`/api/v1/agents?limit=${FEW}`],
    ...filtered,
    "get an agent": slugs,
    versions: [`/api/v1/agents/${named.agent}/versions?limit=${PAGE}`],
    changes: [`/api/v1/changes?limit=${PAGE}`],
  };
}

function raw(key, path) {
  const headers = [`GET ${path} HTTP/1.1`, "host: 127.0.0.1", `authorization: Bearer ${key}`, "accept: */*"];
  return Buffer.from(`${headers.join("\r\n")}\r\n\r\n`).toString("base64");
}

/** The median of each kind of request with few agents and with many, in turn. */
async function latencies(lab, instance, { few, many }) {
  const names = Object.keys(requests(few));
  const p50 = async (account, name) => {
    const job = { connections: 1, calls: CALLS, requests: requests(account)[name].map((path) => raw(account.key, path)) };
    return (await lab.drive(instance, job)).latency.p50;
  };
  const rows = names.map((name) => ({ name, few: [], many: [] }));
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const row of rows) {
      const [atFew, atMany] = [await p50(few, row.name), await p50(many, row.name)];
      if (round === 0) continue;
      row.few.push(atFew);
      row.many.push(atMany);
    }
  }
  return rows.map(({ name, few: a, many: b }) => {
    return { name, few: median(a), many: median(b), ratio: median(b.map((ms, round) => ms / a[round])) };
  });
}

/** What `act` answers, with how long it took and what memory the Worker's process took meanwhile. */
async function withMemory(instance, act) {
  resetPeak(instance.pid);
  const before = residentMib(instance.pid);
  const started = performance.now();
  const answer = await act();
  const ms = performance.now() - started;
  return { ...answer, ms, mib: { before, peak: peakMib(instance.pid), after: residentMib(instance.pid) } };
}

/** All agents of an account as one file, of which nothing is kept here but the number of those in it. */
async function giveOut(instance, { key, agents }) {
  const started = performance.now();
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${instance.url()}/api/v1/agents/export`, { headers });
  let [bytes, found, firstByteMs, rest] = [0, 0, undefined, ""];
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    firstByteMs ??= performance.now() - started;
    bytes += Buffer.byteLength(chunk);
    const pieces = (rest + chunk).split(MARK);
    found += pieces.length - 1;
    rest = pieces.at(-1).slice(-MARK.length);
  }
  if (!response.ok || found !== agents) throw new Error(`an export answered ${response.status} with ${found} agents of ${agents}`);
  return { agents: found, bytes, firstByteMs };
}

/** Many agents in one request, each of which hands off to the next. */
async function takeIn(instance, { key }) {
  const slug = (n) => `imported-${n % IMPORTED}`;
  const agents = Array.from({ length: IMPORTED }, (_, n) => ({
    slug: slug(n),
    name: `Imported ${n}`,
    instructions: INSTRUCTIONS,
    model: "bench:fixed",
    labels: ["imported"],
    handoff_targets: [slug(n + 1)],
  }));
  const body = { agents };
  const { created } = await call(instance, key, "POST", "/api/v1/agents/import", body);
  if (created !== IMPORTED) throw new Error(`an import created ${created} agents of ${IMPORTED}`);
  return { agents: created, bytes: Buffer.byteLength(JSON.stringify(body)) };
}

/** What D1 says that it did meanwhile. */
async function metering(instance, act) {
  const read = async () => (await fetch(instance.url("meter"))).json();
  await read();
  await act();
  return read();
}

/** The rows that D1 reads for each operation of the control plane that only reads, of the OpenAPI document's. */
async function readsOf(instance, accounts) {
  const { paths } = JSON.parse(await readFile(join(process.env.RETINUE_ROOT, "assets/openapi.json"), "utf8"));
  const operations = Object.entries(paths).filter(([path, { get }]) => get && path.startsWith("/api/v1/"));
  const rows = [];
  for (const name of operations.flatMap(([path, { get }]) => variants(path, get))) {
    const row = { name };
    for (const [account, its] of Object.entries(accounts)) row[account] = await readsOfOne(instance, its, name);
    rows.push({ ...row, perRow: Math.max(perRow(row.few, row.many), perRow(row.few, row.rich)) });
  }
  return rows;
}

/** The rows that D1 reads for each way to write, in each account. */
async function writesOf(instance, accounts) {
  const rows = WRITES.map(([name]) => ({ name }));
  for (const [account, its] of Object.entries(accounts)) {
    const made = {};
    for (const [at, [name, request, { isOnce = false } = {}]] of WRITES.entries()) {
      const write = async (n) => {
        const [method, path, body] = request(n, made, its.account);
        made[name] = [...(made[name] ?? []), await call(instance, its.key, method, `/api/v1${path}`, body)];
      };
      // What the first does, as finding out that the schema is there, the others need not.
      if (!isOnce) await write(0);
      const [from, to] = isOnce ? [0, 1] : [1, 1 + COUNTED_CALLS];
      const counts = await metering(instance, async () => {
        for (let n = from; n < to; n++) await write(n);
      });
      const [queries, rowsRead] = [counts.statements, counts.rowsRead].map((count) => count / (to - from));
      rows[at][account] = { answered: 1, queries, rowsRead };
    }
  }
  return rows.map((row) => ({ ...row, perRow: Math.max(perRow(row.few, row.many), perRow(row.few, row.rich)) }));
}

/** How many rows more are read where there is more, for each row more that is answered; where no more is, for one. */
const perRow = (few, more) => (more.rowsRead - few.rowsRead) / Math.max(more.answered - few.answered, 1);

/** The reads that take more rows where there is more, though their answer does not grow. */
const growing = (reads) => reads.filter((read) => read.perRow > ROWS_PER_ROW).map(({ name }) => name);

/** The ways to ask for one: what has pages, for a page; agents by each filter; versions also as two compared. */
function variants(path, { parameters = [] }) {
  const isPaged = parameters.some(({ name }) => name === "limit");
  if (path === "/api/v1/agents") return [page(), ...Object.values(FILTERS).map(page)];
  if (path.endsWith("/{version}")) return [path, path.replace("{version}", `1..{version}`)];
  if (path.endsWith("/changes")) return [`${path}?limit=${PAGE}`, `${path}?subject=agent&limit=${PAGE}`];
  if (path.endsWith("/models")) return ["", "capability=tools&", "capability=images&"].map((query) => `${path}?${query}limit=${PAGE}`);
  return [isPaged ? `${path}?limit=${PAGE}` : path];
}

/** What D1 does for a request that has been made before: its queries, the rows it reads, and those answered. */
async function readsOfOne(instance, { key, named }, name) {
  const path = name.replace(/{(\w+)}/g, (_, parameter) => {
    if (named[parameter] === undefined) throw new Error(`${name}: the fixture has no {${parameter}}`);
    return named[parameter];
  });
  const body = await call(instance, key, "GET", path);
  const counts = await metering(instance, async () => {
    for (let n = 0; n < COUNTED_CALLS; n++) await call(instance, key, "GET", path);
  });
  const list = LISTS.map((field) => body[field]).find(Array.isArray);
  const [queries, rowsRead] = [counts.statements, counts.rowsRead].map((count) => count / COUNTED_CALLS);
  return { answered: list?.length ?? 1, queries, rowsRead };
}
