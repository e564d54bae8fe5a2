// What scripts/restore runs: restore.mjs local|remote STATE FILE [--force].

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { D1 } from "../lib/d1.mjs";
import { ordered } from "./dump.mjs";
import { read } from "./file.mjs";

const [where, state, file, force] = process.argv.slice(2);
const migrationsFolder = join(import.meta.dirname, "..", "..", "migrations");

/** The database's own tables, without those that D1 and SQLite keep for themselves. */
function tablesOf(d1) {
  const [tables] = d1.query("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name");
  return tables.filter(({ name }) => !name.startsWith("_cf_") && !name.startsWith("sqlite_"));
}

function refuseToOverwrite(d1, tables) {
  if (force || !tables.some((table) => table.name === "accounts")) return;
  const [[{ accounts }]] = d1.query("SELECT count(*) AS accounts FROM accounts");
  if (accounts) throw new Error(`that directory has ${accounts} accounts; --force throws them away`);
}

/**
 * Leaves nothing of what was there, those that refer to others first, so that no row is without what it refers to. D1 may
 * not run a file again that it has run; the time makes each another.
 */
function prelude(tables) {
  const drops = ordered(tables).reverse().map(({ name }) => `DROP TABLE "${name.replaceAll('"', '""')}";\n`);
  return `-- restored ${new Date().toISOString()}\nPRAGMA defer_foreign_keys = TRUE;\n${drops.join("")}`;
}

function execute(d1, sql) {
  const folder = mkdtempSync(join(tmpdir(), "retinue-"));
  try {
    writeFileSync(join(folder, "restore.sql"), sql, { mode: 0o600 });
    d1.execute(join(folder, "restore.sql"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function verify(d1, rows) {
  const names = Object.keys(rows);
  const counts = names.map((name) => `SELECT count(*) AS n FROM "${name.replaceAll('"', '""')}"`).join("; ");
  d1.query(counts).forEach(([{ n }], index) => {
    if (n !== rows[names[index]]) throw new Error(`table ${names[index]} has ${n} rows, the backup ${rows[names[index]]}`);
  });
}

/** What to do next, when the backup's schema is not this clone's. */
function advice(applied) {
  const own = readdirSync(migrationsFolder).filter((name) => name.endsWith(".sql"));
  const missing = own.filter((name) => !applied.includes(name));
  const newer = applied.filter((name) => !own.includes(name));
  const target = where === "remote" ? "--remote" : `--local --persist-to ${state}`;
  if (newer.length) return `its schema is newer than this clone's: it has ${newer.join(", ")}`;
  return missing.length ? `its schema lacks ${missing.join(", ")}; next: scripts/wrangler d1 migrations apply DB ${target}` : "";
}

try {
  const backup = read(readFileSync(file, "utf8"));
  const d1 = new D1(where, state);
  const tables = tablesOf(d1);
  refuseToOverwrite(d1, tables);
  execute(d1, prelude(tables) + backup.sql);
  verify(d1, backup.rows);
  const rows = Object.values(backup.rows).reduce((sum, count) => sum + count, 0);
  console.error(`${Object.keys(backup.rows).length} tables with ${rows} rows are restored`);
  const words = advice(backup.migrations);
  if (words) console.error(words);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
