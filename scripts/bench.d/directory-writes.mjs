// One of each way to write to an account's directory, made to be written again and again: each with another value, so that
// nothing is left out as unchanged.

import { BUDGET, INSTRUCTIONS, MODEL, PROVIDER_KEY } from "./fixture.mjs";

const AGENT = { name: "Written", instructions: INSTRUCTIONS, model: "bench, bench:fixed" };
const PROVIDER = { wire: "openai", base_url: "https://llm.example.com/v1" };
const slug = (n) => `written-${n}`;
const money = (n) => `${n + 1}.000000`;

/**
 * `[name, request]`: what the n-th time is asked, as method, path and body; `made` has the answers to the writes before, by
 * their names. In this order: what is deleted was made.
 */
export const WRITES = [
  ["POST /agents", (n) => ["POST", "/agents", { ...AGENT, slug: slug(n), labels: ["team-000"], budget: BUDGET }]],
  ["POST /agents, of a template", (n) => ["POST", "/agents", { template: "bench", slug: `of-template-${n}` }]],
  ["POST /agents/validate", (n) => ["POST", "/agents/validate", { ...AGENT, slug: `not-${n}` }]],
  ["POST /agents/import, of one", (n) => ["POST", "/agents/import", { agents: [{ ...AGENT, slug: `one-${n}` }] }]],
  ["PATCH /agents/{agent}", (n) => ["PATCH", "/agents/agent-0", { description: `Patched ${n}` }]],
  ["PATCH /agents/{agent}, its hand-offs", (n) => ["PATCH", "/agents/agent-0", { handoff_targets: [slug(n)] }]],
  ["PATCH /agents/{agent}, without", () => ["PATCH", "/agents/agent-0", { handoff_targets: [] }], { isOnce: true }],
  ["PUT /agents/{agent}", (n) => ["PUT", "/agents/agent-0", { description: `Put ${n}` }]],
  ["PUT /agents/{agent}/budget", (n) => ["PUT", "/agents/agent-0/budget", { ...BUDGET, limit_usd: money(n) }]],
  ["POST /agents/{agent}/rollback", (n) => ["POST", "/agents/agent-0/rollback", { version: n + 1 }]],
  ["POST /agents/{agent}/duplicate", () => ["POST", "/agents/agent-0/duplicate"]],
  ["POST /agents/{agent}/status", (n) => ["POST", "/agents/agent-0/status", { status: ["inactive", "active"][n % 2] }]],
  ["DELETE /agents/{agent}", (n) => ["DELETE", `/agents/${slug(n)}`]],
  ["POST /agents/{agent}/restore", (n) => ["POST", `/agents/${slug(n)}/restore`]],
  ["PUT /aliases/{name}", (n) => ["PUT", "/aliases/bench", { model: `bench:fixed?max_tokens=${n + 1}` }]],
  ["DELETE /aliases/{name}", (n) => ["DELETE", `/aliases/bench-${n + 1}`]],
  ["PUT /aliases/{name}, a new one", (n) => ["PUT", `/aliases/bench-${n + 1}`, { model: "bench:fixed" }]],
  ["PUT /providers/{name}", (n) => ["PUT", "/providers/bench", { ...PROVIDER, api_key: `${PROVIDER_KEY}${n}` }]],
  ["DELETE /providers/{name}", (n) => ["DELETE", `/providers/bench-${n + 1}`]],
  ["PUT /providers/{name}, a new one", (n) => ["PUT", `/providers/bench-${n + 1}`, PROVIDER]],
  ["PUT /models/{provider}/{code}", (n) => ["PUT", "/models/bench/fixed", { ...MODEL, context_tokens: 128_000 + n }]],
  ["DELETE /models/{provider}/{code}", (n) => ["DELETE", `/models/bench/bench-${n + 1}`]],
  ["PUT /templates/{template}", (n) => ["PUT", "/templates/bench", { name: `${n}`, definition: { name: "T" } }]],
  ["DELETE /templates/{template}", (n) => ["DELETE", `/templates/bench-${n + 1}`]],
  ["POST /members", (n) => ["POST", "/members", { name: "W", email: `written-${n}@bench.example`, role: "member" }]],
  ["PATCH /members/{member}", (n, made) => ["PATCH", `/members/${made["POST /members"][0].id}`, { name: `W ${n}` }]],
  ["DELETE /members/{member}", (n, made) => ["DELETE", `/members/${made["POST /members"][n].id}`]],
  ["PUT /profile", (n) => ["PUT", "/profile", { settings: { agent_prompts: { "agent-0": `Text ${n}` } } }]],
  ["POST /keys", (n, _, account) => ["POST", `/accounts/${account}/keys`, { name: `W ${n}`, role: "caller" }]],
  ["DELETE /keys/{key}", (n, made, account) => ["DELETE", `/accounts/${account}/keys/${made["POST /keys"][n].id}`]],
  ["PATCH /account", (n) => ["PATCH", "/account", { settings: { n } }]],
];
