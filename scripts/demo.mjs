// Sets up the demo in a running Retinue through its own API: account `demo`, an admin key, the local model when there is
// one, three agents. Prints a curl line that calls one of them. Run again, it changes nothing that is already there.
// (What scripts/seed puts into D1 is the platform's own data; this is an account's.)
//
// Environment: DEMO_URL, DEMO_KEY_FILE, OPERATOR_KEY; DEMO_LINES, model lines of which the first is the one to use
// and the others are what an earlier run may have used; DEMO_LOCAL_URL when a local model runs.

import { readFile, writeFile } from "node:fs/promises";

const { DEMO_URL, DEMO_KEY_FILE, DEMO_LOCAL_URL, OPERATOR_KEY } = process.env;
const [LINE, ...OTHER_LINES] = process.env.DEMO_LINES.split(" ");

const ACCOUNT = { slug: "demo", name: "Demo", plan: "enterprise" };

const LOCAL = { provider: "local", code: "smollm2-135m-instruct" };

// What it costs to run is a little electricity; a nominal price lets a budget be seen at work.
const LOCAL_MODEL = {
  input_usd_per_mtok: "0.01",
  output_usd_per_mtok: "0.04",
  context_tokens: 4096,
  max_output_tokens: 1024,
  capabilities: ["streaming", "json_schema"],
};

const BUDGET = { limit_usd: "5.00", period: "month", action: "block" };

const AGENTS = [
  {
    slug: "triage-agent",
    name: "Triage Agent",
    instructions:
      "You sort incoming requests. Read the message and answer with four lines and nothing else.\n" +
      "Category: one of billing, bug, feature, account, security, other.\n" +
      "Urgency: one of now, today, this week, whenever; `now` only when people cannot work or data is at risk.\n" +
      "Summary: one sentence in your own words, with names and numbers as given.\n" +
      "Next: who should act and the first thing they should do.\n" +
      "Never answer the request itself and never promise anything. If it holds several requests, sort the most " +
      "urgent one and say in the summary that there are others.",
  },
  {
    slug: "coding-expert",
    name: "Coding Expert",
    instructions:
      "You are a senior software engineer. Give working code first, in one fenced block with the language named, " +
      "then at most five sentences on why it is right and where it could fail. Keep to the language, versions and " +
      "style of the code you are shown. Handle errors and edge cases that matter; add no dependency without saying " +
      "so. When the question leaves out something that changes the answer, state the assumption in one line and go " +
      "on. When you do not know an API for certain, say so rather than invent it.",
  },
  {
    slug: "assistant",
    name: "Assistant",
    instructions:
      "You are a friendly, careful assistant. Answer in the language of the question, plainly and briefly: the answer " +
      "first, then what is needed to trust it. Say when you do not know. Ask back only when you cannot help otherwise.",
  },
];

class Refused extends Error {
  constructor(method, path, status, body) {
    super(`${method} ${path} answered ${status}: ${body}`);
    this.status = status;
  }
}

// Answers the parsed body; `undefined` when the status is one of `absent`.
async function call(key, method, path, body, absent = []) {
  const response = await fetch(DEMO_URL + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (absent.includes(response.status)) return undefined;
  if (!response.ok) throw new Refused(method, path, response.status, text);
  return text ? JSON.parse(text) : {};
}

async function keyThatWorks() {
  const key = (await readFile(DEMO_KEY_FILE, "utf8").catch(() => "")).trim();
  return key && (await call(key, "GET", "/api/v1/agents?limit=1", undefined, [401])) ? key : undefined;
}

async function newKey() {
  await call(OPERATOR_KEY, "POST", "/api/v1/accounts", ACCOUNT, [409]);
  const path = `/api/v1/accounts/${ACCOUNT.slug}/keys`;
  const { key } = await call(OPERATOR_KEY, "POST", path, { name: "scripts/dev", role: "admin" });
  await writeFile(DEMO_KEY_FILE, `${key}\n`, { mode: 0o600 });
  return key;
}

// The port of the local model is another at each start.
async function putLocalProvider(admin) {
  const path = `/api/v1/providers/${LOCAL.provider}`;
  const there = await call(admin, "GET", path, undefined, [404]);
  if (there?.base_url !== DEMO_LOCAL_URL) await call(admin, "PUT", path, { wire: "openai", base_url: DEMO_LOCAL_URL });
}

async function hasLocalModel(admin) {
  for (let cursor = ""; cursor !== null; ) {
    const page = await call(admin, "GET", `/api/v1/models?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    if (page.data.some((model) => model.provider === LOCAL.provider && model.code === LOCAL.code)) return true;
    cursor = page.next_cursor ?? null;
  }
  return false;
}

async function putLocalModel(admin) {
  if (await hasLocalModel(admin)) return;
  await call(admin, "PUT", `/api/v1/models/${LOCAL.provider}/${LOCAL.code}`, LOCAL_MODEL);
}

// An agent that is there stays as it is, but for the model line when it is one that an earlier run chose.
async function putAgent(admin, agent) {
  const path = `/api/v1/agents/${agent.slug}`;
  const there = await call(admin, "GET", path, undefined, [404]);
  if (!there) {
    await call(admin, "POST", "/api/v1/agents", { ...agent, model: LINE, access: "key", budget: BUDGET });
  } else if (OTHER_LINES.includes(there.model)) {
    const { slug, name, instructions, access, max_concurrency, allowed_origins } = there;
    await call(admin, "PUT", path, { slug, name, instructions, model: LINE, access, max_concurrency, allowed_origins });
  }
}

async function demo() {
  const admin = (await keyThatWorks()) ?? (await newKey());
  await putLocalModel(admin);
  if (DEMO_LOCAL_URL) await putLocalProvider(admin);
  for (const agent of AGENTS) await putAgent(admin, agent);
  console.log(
    `curl -sS ${DEMO_URL}/accounts/${ACCOUNT.slug}/agents/assistant/chat -H 'authorization: Bearer ${admin}' ` +
      `-H 'content-type: application/json' -d '{"message":"Hello! Who are you?"}'`,
  );
}

await demo().catch((error) => {
  console.error(`error: setting up the demo: ${error.message}`);
  process.exitCode = 1;
});
