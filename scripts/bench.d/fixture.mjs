// What the measured calls need: an account with a key, a provider that is the local upstream, a priced model and agents
// with budgets. Made through the API, as any client would; more agents than a client would make are copied from one of
// these, row by row, in SQL.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

export const OPERATOR_KEY = "bench-operator-key-0123456789abcdef";
const HOT_AGENTS = 10;
const THREADS = 100;
const ROWS_PER_STATEMENT = 10_000;

/** The Worker's variables. */
export const VARS = {
  OPERATOR_KEY,
  MASTER_KEY: Buffer.alloc(32, 7).toString("base64"),
  ALLOW_LOOPBACK: "1",
  DEFAULT_ACCOUNT: "bench",
};

/** What the floor is sent as authorization, and what the upstream gets from both. */
export const PROVIDER_KEY = "sk-bench-0123456789abcdefghijklmnopqrstuvwxyz0123456789";

export const INSTRUCTIONS =
  "You sort incoming requests. Read the message and answer with four lines and nothing else: category, urgency, a " +
  "summary in your own words, and who should act. Never answer the request itself and never promise anything.";

export const MODEL = {
  input_usd_per_mtok: "0.15",
  output_usd_per_mtok: "0.60",
  context_tokens: 128_000,
  max_output_tokens: 4096,
  capabilities: ["streaming", "tools", "json_schema"],
};

// Enough that no call of a run is refused, and every call still passes the check.
export const BUDGET = { limit_usd: "1000000.00", period: "month", action: "block" };

/** A call of the API that must succeed. */
export async function call(instance, key, method, path, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(instance.url() + path, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Applies the migrations, in their order. */
export async function migrate(instance) {
  const folder = join(process.env.RETINUE_ROOT, "migrations");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  for (const file of files) await instance.sql(await readFile(join(folder, file), "utf8"));
}

/** Fills an instance until it has `agents` agents; answers the keys that call them and that read them. */
export async function fill(instance, upstream, agents) {
  await call(instance, OPERATOR_KEY, "POST", "/api/v1/accounts", { slug: "bench", name: "Bench", plan: "enterprise" });
  const issue = (name, role) => call(instance, OPERATOR_KEY, "POST", "/api/v1/accounts/bench/keys", { name, role });
  const admin = (await issue("admin", "admin")).key;
  const provider = { wire: "openai", base_url: `${upstream}/v1`, api_key: PROVIDER_KEY };
  await call(instance, admin, "PUT", "/api/v1/providers/bench", provider);
  await call(instance, admin, "PUT", "/api/v1/models/bench/fixed", MODEL);
  for (let n = 0; n < HOT_AGENTS; n++) {
    const agent = { slug: slug(n), name: `Agent ${n}`, instructions: INSTRUCTIONS, model: "bench:fixed", access: "key" };
    await call(instance, admin, "POST", "/api/v1/agents", { ...agent, budget: BUDGET });
  }
  await multiply(instance, agents);
  return { caller: (await issue("caller", "caller")).key, reader: (await issue("reader", "member")).key };
}

const slug = (n) => `agent-${n}`;

/** Copies the newest agent and its version until there are `agents`. */
async function multiply(instance, agents) {
  const [{ rows }] = await instance.sql("SELECT id FROM agents ORDER BY id DESC LIMIT 1");
  const source = `'${rows[0].id}'`;
  const id = `substr(${source}, 1, 24) || printf('%012x', n)`;
  for (let from = HOT_AGENTS; from < agents; from += ROWS_PER_STATEMENT) {
    const numbers = `WITH RECURSIVE numbers (n) AS
      (SELECT ${from} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${Math.min(from + ROWS_PER_STATEMENT, agents)})`;
    await instance.sql(
      await copy(instance, numbers, "agents", `id = ${source}`, { id, slug: "'agent-' || n", name: "'Agent ' || n" }),
      await copy(instance, numbers, "agent_versions", `agent_id = ${source}`, { agent_id: id }),
    );
  }
}

/** The statement that copies a table's row once for each of the numbers, with these columns changed. */
export async function copy(instance, numbers, table, condition, changed) {
  const [{ rows }] = await instance.sql(`SELECT name FROM pragma_table_info('${table}')`);
  const columns = rows.map(({ name }) => name);
  const values = columns.map((column) => changed[column] ?? column);
  return `INSERT INTO ${table} (${columns.join(", ")}) ${numbers}
    SELECT ${values.join(", ")} FROM numbers, ${table} WHERE ${condition}`;
}

const QUESTION =
  "Hello, since this morning our warehouse scanners lose the connection every few minutes and the shipments for today " +
  "are not going out. We restarted the gateway twice. Can somebody look at this before noon? Order 48213 is affected.";

function request(path, key, stream, thread) {
  const body = JSON.stringify({
    model: "fixed",
    messages: [{ role: "user", content: QUESTION }],
    temperature: 0.2,
    max_tokens: 256,
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  });
  const headers = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    `authorization: Bearer ${key}`,
    "content-type: application/json",
    "accept: */*",
    "user-agent: bench",
    ...(thread ? [`x-thread: ${thread}`] : []),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${headers.join("\r\n")}\r\n\r\n${body}`).toString("base64");
}

/** The call that passes through the floor. */
export const bareRequests = (stream) => [request("/v1/chat/completions", PROVIDER_KEY, stream)];

/** A call through each of these agents. */
export const agentRequests = (key, numbers, stream) =>
  numbers.map((n) => request(`/accounts/bench/agents/${slug(n)}/v1/chat/completions`, key, stream));

/** Calls on threads, `THREADS` of each agent in turn: the same question each time, so that a thread grows by a turn. */
export const turnRequests = (key, numbers, stream) =>
  Array.from({ length: THREADS }, (_, thread) => thread).flatMap((thread) =>
    numbers.map((n) => request(`/accounts/bench/agents/${slug(n)}/v1/chat/completions`, key, stream, `bench-${n}-${thread}`)),
  );

/** What a member reads of these agents: each, and a page of all. */
export const readRequests = (key, numbers) =>
  [...numbers.map((n) => `/${slug(n)}`), "?limit=20"].map((rest) => {
    const headers = [`GET /api/v1/agents${rest} HTTP/1.1`, "host: 127.0.0.1", `authorization: Bearer ${key}`, "accept: */*", "user-agent: bench"];
    return Buffer.from(`${headers.join("\r\n")}\r\n\r\n`).toString("base64");
  });

/** As many agents as are called again and again, spread over a directory of `agents`. */
export const hot = (agents) => spread(agents, HOT_AGENTS, 0);

/** `count` agents, spread over a directory of `agents`; another `offset`, other agents. */
export const spread = (agents, count, offset) =>
  Array.from({ length: count }, (_, n) => Math.floor((n * agents) / count) + offset);
