// Reads the platform's data and prints the SQL that makes D1 say the same: what scripts/seed runs.
//
//   main.mjs [--check] [FOLDER]
//
// Nothing is printed unless everything in FOLDER (default: migrations/seed) is right; every fault is, on standard error, as
// `file:line:column: what`. With --check the SQL is not printed.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Faults, Value } from "./document.mjs";
import { readModels } from "./models.mjs";
import { readPlans } from "./plans.mjs";
import { statements } from "./sql.mjs";
import { readTemplate } from "./templates.mjs";

const FILES = ["models.yaml", "plans.yaml"];

function readSeed(folder, faults) {
  const open = (...path) => Value.open(faults, shown(folder, ...path), readFileSync(join(folder, ...path), "utf8"));
  const [modelsFile, plansFile] = FILES.map((name) => open(name));
  const models = modelsFile ? readModels(modelsFile) : [];
  const plans = plansFile ? readPlans(plansFile) : [];
  const codes = models.map((model) => `${model.provider}:${model.code}`);
  const names = readdirSync(join(folder, "templates")).sort();
  const templates = names.map((name) => {
    if (!name.endsWith(".yaml")) faults.add(shown(folder, "templates", name), { line: 1, col: 1 }, "a template's file ends with .yaml");
    const file = name.endsWith(".yaml") && open("templates", name);
    return file && readTemplate(file, codes);
  });
  for (const name of readdirSync(folder)) {
    if (![...FILES, "templates"].includes(name)) faults.add(shown(folder, name), { line: 1, col: 1 }, "nothing reads this file");
  }
  if (names.length === 0) faults.add(shown(folder, "templates"), { line: 1, col: 1 }, "there are no templates, which is never meant");
  return { models, plans, templates };
}

// As the reader would open it from where they are.
const shown = (...path) => relative(process.cwd(), join(...path));

function main() {
  const words = process.argv.slice(2);
  const check = words[0] === "--check";
  const folder = words[check ? 1 : 0] ?? join(import.meta.dirname, "..", "..", "migrations", "seed");
  const faults = new Faults();
  const seed = readSeed(folder, faults);
  if (faults.list.length) {
    process.stderr.write(`${faults}`);
    process.exitCode = 1;
    return;
  }
  if (!check) for (const statement of statements(seed)) console.log(statement);
  else console.error(`${seed.models.length} models, ${seed.plans.length} plans and ${seed.templates.length} templates are right`);
}

try {
  main();
} catch (error) {
  console.error(`error: seeding: ${error.message}`);
  process.exitCode = 1;
}
