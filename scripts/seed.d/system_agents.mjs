// system_agents.yaml, where there is one: agents that every account may start from, as `agents: [{agent_type, llm_model_code,
// status, config}]`. Each is a row of table platform_templates, beside those of templates/; one of their slugs takes the
// place of theirs.

import { bytes, literal, STATEMENT_BYTES } from "../lib/sql.mjs";
import { hint } from "./document.mjs";

const STATUSES = ["draft", "published", "active", "inactive", "deprecated", "archived"];
// As imports read it.
const OTHER_STATUSES = { deployed: "active" };
const TEXTS = ["system_prompt", "instructions", "prompt"];

/** The rows of the file; `models` are those of the catalogue, as `provider:code`. */
export function readSystemAgents(file, models) {
  const { agents } = file.fields(["agents"]) ?? {};
  const rows = (agents?.items() ?? []).map((item) => readAgent(item, models)).filter(Boolean);
  for (const [index, { row, at }] of rows.entries()) {
    const isTwice = rows.findIndex((other) => other.row.slug === row.slug) < index;
    if (isTwice) at.fail(`agent_type gives the slug ${row.slug}, which stands here already`);
  }
  return rows.map(({ row }) => row);
}

function readAgent(item, models) {
  const found = item.fields(["agent_type", "llm_model_code", "status", "config"], ["name", "description"]);
  if (!found?.agent_type || !found.config) return undefined;
  const type = found.agent_type.text(1, 63);
  const slug = type?.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  if (slug === "") return found.agent_type.fail("agent_type has no letter or digit that a slug is made of");
  const { name, description, ...config } = found.config.plain() ?? {};
  const text = TEXTS.find((field) => typeof config[field] === "string" && config[field]);
  if (!text) found.config.fail(`config lacks the instructions: ${TEXTS.join(", ")}`);
  const { [text]: instructions, tools, ...rest } = config;
  const shown = found.name?.text(1, 255) ?? name ?? type;
  const definition = {
    name: shown,
    type: slug,
    model: readModel(found.llm_model_code, models),
    instructions,
    ...(Array.isArray(tools) ? { tools } : {}),
    ...(Object.keys(rest).length ? { config: rest } : {}),
  };
  const row = {
    slug,
    name: shown,
    description: found.description?.text(1, 2_000) ?? description ?? `The system agent ${shown}.`,
    definition: JSON.stringify(definition),
    is_deprecated: readStatus(found.status) ? 0 : 1,
  };
  if (bytes(literal(row.definition)) > STATEMENT_BYTES - 5_000) {
    found.config.fail("config is longer than a statement of D1 may be (100,000 bytes)");
  }
  return { row, at: found.agent_type };
}

/** The line of the one model with this code, or that is written as the line has it. */
function readModel(value, models) {
  const code = value?.text(1, 200);
  if (code === undefined) return undefined;
  const wanted = models.includes(code.replace("/", ":")) ? code.replace("/", ":") : code;
  const found = models.filter((model) => model === wanted || model.slice(model.indexOf(":") + 1) === wanted);
  if (found.length === 1) return found[0];
  const codes = models.map((model) => model.slice(model.indexOf(":") + 1));
  const what = found.length ? `is a model of several providers: ${found.join(", ")}` : `is not in the catalogue${hint(code, codes)}`;
  return value.failAt(code, `llm_model_code ${code} ${what}`);
}

/** Whether it is offered to start from. */
function readStatus(value) {
  const word = value?.text(1, 64)?.trim().toLowerCase();
  const status = OTHER_STATUSES[word] ?? word;
  if (status !== undefined && !STATUSES.includes(status)) value.fail(`status is one of ${STATUSES.join(", ")}${hint(status, STATUSES)}`);
  return ["published", "active"].includes(status);
}
