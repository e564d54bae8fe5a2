// Reads the platform's data and makes D1 say the same: what scripts/seed runs.
//
//   main.mjs check|sql|remote|local [STATE] [FOLDER]
//
// Nothing is done unless everything in FOLDER (default: migrations/seed) is right; every fault is told on standard error, as
// `file:line:column: what`. `sql` prints what `local` and `remote` run.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { D1 } from "../lib/d1.mjs";
import { groups, STATEMENT_BYTES } from "../lib/sql.mjs";
import { Faults, Value } from "./document.mjs";
import { readModels } from "./models.mjs";
import { readPlans } from "./plans.mjs";
import { statements } from "./sql.mjs";
import { readSystemAgents } from "./system_agents.mjs";
import { readTemplate } from "./templates.mjs";

const FILES = ["models.yaml", "plans.yaml"];
// Agents of a file of one's own, beside the templates.
const SYSTEM_AGENTS = "system_agents.yaml";

function readSeed(folder, faults) {
  const open = (...path) => Value.open(faults, shown(folder, ...path), readFileSync(join(folder, ...path), "utf8"));
  const blame = (message, ...path) => faults.add(shown(folder, ...path), { line: 1, col: 1 }, message);
  const [modelsFile, plansFile] = FILES.map((name) => open(name));
  const models = modelsFile ? readModels(modelsFile) : [];
  const plans = plansFile ? readPlans(plansFile) : [];
  const codes = models.map((model) => `${model.provider}:${model.code}`);
  const names = readdirSync(join(folder, "templates")).sort();
  const templates = names.map((name) => {
    if (!name.endsWith(".yaml")) return blame("a template's file ends with .yaml", "templates", name);
    const file = open("templates", name);
    return file && readTemplate(file, codes);
  });
  const inside = readdirSync(folder);
  if (inside.includes(SYSTEM_AGENTS)) {
    const file = open(SYSTEM_AGENTS);
    const own = file ? readSystemAgents(file, codes) : [];
    const isOwn = (template) => own.some(({ slug }) => slug === template?.slug);
    const replaced = templates.filter(isOwn).map(({ slug }) => slug);
    if (replaced.length) console.error(`${shown(folder, SYSTEM_AGENTS)} takes the place of the templates ${replaced.join(", ")}`);
    templates.splice(0, templates.length, ...templates.filter((template) => !isOwn(template)), ...own);
  }
  for (const name of inside) {
    if (![...FILES, SYSTEM_AGENTS, "templates"].includes(name)) blame("nothing reads this file", name);
  }
  if (names.length === 0) blame("there are no templates, which is never meant", "templates");
  return { models, plans, templates };
}

// As the reader would open it from where they are.
const shown = (...path) => relative(process.cwd(), join(...path));

/** A local D1 takes all of it or nothing. */
function runLocally(sql, state) {
  const folder = mkdtempSync(join(tmpdir(), "retinue-"));
  try {
    writeFileSync(join(folder, "seed.sql"), sql.join("\n"));
    new D1("local", state).execute(join(folder, "seed.sql"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A remote one is closed to queries while it takes a file; as queries, in a few requests, the statements hold up no call.
 * If one fails, those before it stand, which does no harm: run again, they change nothing.
 */
function runRemotely(sql) {
  const d1 = new D1("remote");
  for (const group of groups(sql.map((text) => ({ text })), STATEMENT_BYTES)) {
    d1.query(group.map(({ text }) => text).join("\n"));
  }
}

const [mode = "check", ...words] = process.argv.slice(2);
const state = mode === "local" ? words.shift() : undefined;
const folder = words[0] ?? join(import.meta.dirname, "..", "..", "migrations", "seed");

function main() {
  const faults = new Faults();
  const seed = readSeed(folder, faults);
  if (faults.list.length) {
    process.stderr.write(`${faults}`);
    process.exitCode = 1;
    return;
  }
  const sql = [...statements(seed)];
  const what = `${seed.models.length} models, ${seed.plans.length} plans and ${seed.templates.length} templates`;
  if (mode === "check") return console.error(`${what} are right`);
  if (mode === "sql") return console.log(sql.join("\n"));
  if (mode === "local") runLocally(sql, state);
  else runRemotely(sql);
  console.error(`${what} are in the ${mode} D1`);
}

try {
  main();
} catch (error) {
  const target = mode === "remote" ? "--remote" : `--local --persist-to ${state}`;
  const hint = `\nThe database is not migrated: scripts/wrangler d1 migrations apply DB ${target}`;
  console.error(`error: seeding: ${error.message.trim()}${error.message.includes("no such table") ? hint : ""}`);
  process.exitCode = 1;
}
