// Accounts whose directory is measured: made through the API with one of everything, which is then copied in SQL. The platform's
// own rows are those that a deployment is seeded with.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { BUDGET, INSTRUCTIONS, MODEL, OPERATOR_KEY, PROVIDER_KEY, call, copy } from "./fixture.mjs";

/** Versions of the agent that the others are copied from. */
const VERSIONS = 100;

const ROWS_PER_STATEMENT = 10_000;
// The most of these that the Worker lets an account have.
const MAX_PROVIDERS = 100;
const MAX_ALIASES = 100;

/** The one of each thing that is read by name. */
export const NAMED = { agent: "agent-0", version: String(VERSIONS / 2), name: "bench", template: "bench" };

/** Ways to ask for some of the agents. */
export const FILTERS = {
  "status=inactive": "status=inactive",
  "type=router": "type=router",
  "label=team-007": "label=team-007",
  "q, a word of few": "q=ward007",
  "q, a word of all": "q=agent",
  "q, of all and of few": "q=agent%20ward007",
};

// Of every 200 copies, the same in each account.
const CHANGED = {
  status: "iif(n % 10 = 7, 'inactive', 'active')",
  type: "iif(n % 8 = 7, 'router', 'simple-chat')",
  label: "printf('team-%03d', n % 200)",
  ward: "printf('ward%03d', n % 200)",
};

/** Fills the platform's own tables. */
export async function seed(instance) {
  const script = join(process.env.RETINUE_ROOT, "scripts/seed.d/main.mjs");
  await instance.sql(execFileSync(process.execPath, [script, "sql"], { encoding: "utf8", maxBuffer: 2 ** 26 }));
}

/** Makes an account of that many agents, and of that many of each other thing; answers what it takes to read it. */
export async function stock(instance, upstream, account, { agents, others }) {
  await call(instance, OPERATOR_KEY, "POST", "/api/v1/accounts", { slug: account, name: account, plan: "enterprise" });
  const issue = (body) => call(instance, OPERATOR_KEY, "POST", `/api/v1/accounts/${account}/keys`, { role: "admin", ...body });
  const first = await issue({ name: "first" });
  const make = (method, path, body) => call(instance, first.key, method, `/api/v1${path}`, body);
  const member = await make("POST", "/members", { name: "Member", email: "member-0@bench.example", role: "admin" });
  await make("PUT", "/providers/bench", { wire: "openai", base_url: `${upstream}/v1`, api_key: PROVIDER_KEY });
  await make("PUT", "/models/bench/fixed", MODEL);
  await make("PUT", "/aliases/bench", { model: "bench:fixed" });
  const agent = { slug: NAMED.agent, name: "Agent 0 ward000", instructions: INSTRUCTIONS, model: "bench:fixed" };
  const source = await make("POST", "/agents", { ...agent, labels: ["team-000"], budget: BUDGET });
  await make("PUT", "/templates/bench", { agent: NAMED.agent });
  await multiply(instance, source.id, agents);
  await age(instance, source.id);
  await multiplyOthers(instance, { account, first, member }, others);
  const { key } = await issue({ name: "reader", member: member.id });
  return { account, key, agents, named: { ...NAMED, account, member: member.id } };
}

const numbered = (from, end) =>
  `WITH RECURSIVE numbers (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${end})`;

const lookalike = (id) => `substr('${id}', 1, 24) || printf('%012x', n)`;

/** Copies the agent with all that leads to it, and the change that tells of it, until there are `agents`. */
async function multiply(instance, source, agents) {
  const id = lookalike(source);
  const name = `'Agent ' || n || ' ' || ${CHANGED.ward}`;
  const created_at = "created_at - 1000000 + n";
  const definition = `json_set(definition, '$.name', ${name}, '$.type', ${CHANGED.type})`;
  const { status, type } = CHANGED;
  const agent = { id, slug: "'agent-' || n", name, status, type, labels: `json_array(${CHANGED.label})`, created_at, definition };
  const [{ rows }] = await instance.sql(`SELECT id FROM changes WHERE subject_id = '${source}'`);
  for (let from = 1; from < agents; from += ROWS_PER_STATEMENT) {
    const numbers = numbered(from, Math.min(from + ROWS_PER_STATEMENT, agents));
    const of = (table, condition, changed) => copy(instance, numbers, table, condition, changed);
    const word = (text) => of("agent_words", `agent_id = '${source}' AND word = 'agent'`, { word: text, agent_id: id });
    await instance.sql(
      await of("agents", `id = '${source}'`, agent),
      await of("agent_versions", `agent_id = '${source}'`, { agent_id: id, definition, created_at }),
      await of("agent_labels", `agent_id = '${source}'`, { label: CHANGED.label, created_at, agent_id: id }),
      await word("word"),
      await word("CAST(n AS TEXT)"),
      await word(CHANGED.ward),
      await of("changes", `id = '${rows[0].id}'`, { id: lookalike(rows[0].id), subject_id: id }),
    );
  }
}

/** Gives an agent a history: its one version again and again. */
async function age(instance, agent) {
  const definition = "json_set(definition, '$.description', 'As of version ' || n)";
  await instance.sql(
    await copy(instance, numbered(2, VERSIONS + 1), "agent_versions", `agent_id = '${agent}'`, { version: "n", definition }),
    `UPDATE agents SET version = ${VERSIONS}, definition = newest.definition FROM agent_versions AS newest
      WHERE agents.id = '${agent}' AND newest.account_id = agents.account_id AND newest.agent_id = agents.id
        AND newest.version = ${VERSIONS}`,
  );
}

/** Copies the one of each other thing. */
async function multiplyOthers(instance, { account, first, member }, count) {
  const [{ rows }] = await instance.sql(`SELECT id FROM accounts WHERE slug = '${account}'`);
  const ours = `account_id = '${rows[0].id}'`;
  const of = (table, changed, { most = Infinity, also = "1" } = {}) =>
    copy(instance, numbered(1, Math.min(count, most)), table, `${ours} AND ${also}`, changed);
  const name = "'bench-' || n";
  await instance.sql(
    await of("members", { id: lookalike(member.id), email: "'member-' || n || '@bench.example'" }),
    await of("keys", { id: lookalike(first.id), digest: "lower(hex(randomblob(32)))" }),
    await of("providers", { name }, { most: MAX_PROVIDERS }),
    await of("models", { code: name }),
    await of("aliases", { name }, { most: MAX_ALIASES }),
    await of("templates", { slug: name }),
  );
}
