// templates/*.yaml: the platform's templates, one a file, as rows of table platform_templates.
//
// What an agent's save checks is checked here as far as a text can be read without the Worker; tests/seed.rs puts every
// template through the save's own rules.

import { basename } from "node:path";
import { bytes, literal, STATEMENT_BYTES } from "../lib/sql.mjs";
import { hint } from "./document.mjs";

const DEFINITION = ["name", "type", "instructions", "model"];
const MORE_DEFINITION = ["description", "voice", "modality", "panels", "tools", "max_concurrency", "cache", "config"];
const REASONS = {
  slug: "each agent made from the template gets its own",
  handoff_targets: "they are agents of one account; whoever uses the template names theirs",
  access: "whoever uses the template opens their agent, and gives it the budget that needs",
  allowed_origins: "they are one account's pages",
  budget: "it is not part of a definition; whoever uses the template sets theirs",
  labels: "they are not part of a definition",
  status: "it is not part of a definition",
};
const MODALITIES = ["audio_only", "audio_camera", "audio_screenshare", "text"];
const PANELS = ["slide_presenter", "notepad", "coding_ide", "whiteboard", "document_viewer"];
const PARAMETERS = ["temperature", "top_p", "max_tokens", "seed", "reasoning_effort", "timeout"];
const BUILT_IN = ["agent_name", "account_name", "today"];
// As the Worker finds them; capitals and hyphens, which are only text to it, are a slip here.
const USED = /\{\{ *([A-Za-z][A-Za-z0-9_-]*) *\}\}/g;
const VARIABLE = /^[a-z][a-z0-9_]{0,63}$/;

/** The row of one file; `models` are those of the catalogue, as `provider:code`. */
export function readTemplate(file, models) {
  const found = file.fields(["slug", "name", "description", "definition"], ["deprecated"]);
  if (!found?.slug) return undefined;
  const slug = found.slug.matching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "a slug: a-z, 0-9 and -, at most 63");
  const stem = basename(file.source.file, ".yaml");
  if (slug !== undefined && slug !== stem) found.slug.fail(`slug is ${slug}, but the file is called ${stem}.yaml`);
  const row = {
    slug,
    name: found.name?.text(1, 255),
    description: found.description?.text(1, 2_000),
    definition: found.definition && JSON.stringify(readDefinition(found.definition, models)),
    is_deprecated: found.deprecated?.boolean() ? 1 : 0,
  };
  if (row.definition && bytes(literal(row.definition)) > STATEMENT_BYTES - 5_000) {
    found.definition.fail("definition is longer than a statement of D1 may be (100,000 bytes)");
  }
  return row;
}

function readDefinition(value, models) {
  const found = value.fields(DEFINITION, MORE_DEFINITION, REASONS) ?? {};
  found.name?.text(1, 255);
  found.type?.matching(/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/, "a type: a-z, 0-9 and -");
  found.description?.text(1, 2_000);
  found.voice?.matching(/^[a-z0-9-]+:[!-~]+$/, "provider:voice, such as cartesia:sonic");
  found.modality?.oneOf(MODALITIES);
  found.panels?.words((panel) => panel.oneOf(PANELS));
  found.tools?.words((tool) => tool.matching(/^[A-Za-z0-9_.:/-]{1,128}$/, "a tool's identifier, such as web_search"));
  found.max_concurrency?.integer(1, 10_000);
  found.cache?.fields(["ttl_s"])?.ttl_s?.integer(1, 86_400);
  if (found.model) checkLine(found.model, models);
  if (found.instructions) checkVariables(found.instructions, found.config);
  return value.plain();
}

/** Every entry of the line must be a model of the catalogue: the line's own grammar is the Worker's to check. */
function checkLine(value, models) {
  const line = value.text(1, 2_000);
  for (const entry of line?.split(",") ?? []) {
    const [name, query] = entry.trim().split(/\?(.*)/s);
    if (!name.includes(":")) {
      value.failAt(entry.trim(), `model names ${JSON.stringify(name)}; write provider:code (aliases are an account's own)`);
    } else if (!models.includes(name)) {
      value.failAt(name, `model names ${name}, which the catalogue lacks${hint(name, models)}`);
    }
    for (const pair of query?.split("&") ?? []) {
      const [parameter] = pair.split("=");
      if (!PARAMETERS.includes(parameter)) {
        value.failAt(entry.trim(), `model sets unknown parameter ${JSON.stringify(parameter)}${hint(parameter, PARAMETERS)}`);
      }
    }
  }
}

function checkVariables(instructions, config) {
  const text = instructions.text(1, 100_000);
  if (config?.entries().length === 0) config.fail("config is empty; leave it out");
  const [, variables] = config?.entries().find(([key]) => key === "variables") ?? [];
  const declared = new Map(variables?.entries());
  for (const [name, value] of declared) checkDeclared(name, value);
  const known = [...declared.keys(), ...BUILT_IN];
  const used = new Set();
  for (const [written, name] of text?.matchAll(USED) ?? []) {
    used.add(name);
    if (known.includes(name)) continue;
    instructions.failAt(written, `instructions use ${written}, which config.variables does not declare${hint(name, known)}`);
  }
  for (const [name, value] of declared) {
    if (text !== undefined && !used.has(name)) value.fail(`config.variables declares ${name}, which instructions do not use`);
  }
}

function checkDeclared(name, value) {
  const { value: given } = value.scalar();
  if (!VARIABLE.test(name)) value.fail(`${JSON.stringify(name)} is not a variable's name: a-z, 0-9 and _, a letter first`);
  if (BUILT_IN.includes(name)) value.fail(`${name} is built in; choose another name`);
  if (given !== null && typeof given !== "string") {
    value.fail(`${name} must be a text, the default, or null: the call must bring it`);
  }
}
