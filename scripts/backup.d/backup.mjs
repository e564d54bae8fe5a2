// What scripts/backup runs: backup.mjs local|remote STATE FILE.

import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { D1 } from "../lib/d1.mjs";
import { readDump, written } from "./dump.mjs";
import { render } from "./file.mjs";

const [where, state, file] = process.argv.slice(2);

function dumped(d1) {
  const folder = mkdtempSync(join(tmpdir(), "retinue-"));
  try {
    d1.export(join(folder, "dump.sql"));
    return readDump(readFileSync(join(folder, "dump.sql"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Names the columns where the dump does not. */
function nameColumns(d1, tables) {
  const nameless = tables.filter(({ columns, rows }) => rows.length && columns.length === 0);
  if (nameless.length === 0) return;
  const queries = nameless.map((table) => `SELECT name FROM pragma_table_info(${text(table.name)}) ORDER BY cid`);
  d1.query(queries.join("; ")).forEach((rows, at) => (nameless[at].columns = rows.map((row) => row.name)));
}

function checkWidths(tables) {
  for (const { name, columns, rows } of tables) {
    const odd = rows.find((row) => row.length !== columns.length);
    if (odd) throw new Error(`a row of table ${name} has ${odd.length} values for ${columns.length} columns`);
  }
}

const name = (text) => `"${text.replaceAll('"', '""')}"`;
const text = (value) => `'${value.replaceAll("'", "''")}'`;

/** Puts right the texts that the dump may have told wrong, by asking for those that have both a break and its escape. */
function mend(d1, tables) {
  const unsure = tables.flatMap((table) =>
    table.columns.filter((_, at) => table.rows.some((row) => row[at].unsure)).map((column) => ({ table, column })),
  );
  if (unsure.length === 0) return;
  const keys = d1.query(unsure.map(({ table }) => keyQuery(table)).join("; ")).map((rows) => rows.map((row) => row.name));
  const found = d1.query(unsure.map(({ table, column }, at) => textsQuery(table, column, keys[at])).join("; "));
  unsure.forEach(({ table, column }, at) => mendColumn(table, column, keys[at], found[at]));
}

const keyQuery = (table) => `SELECT name FROM pragma_table_info(${text(table.name)}) WHERE pk ORDER BY pk`;

function textsQuery(table, column, key) {
  const both = (escape, code) => `(instr(${name(column)}, '${escape}') AND instr(${name(column)}, char(${code})))`;
  const parts = key.map((part) => `quote(${name(part)})`).join(" || ' ' || ");
  const where = `${both("\\n", 10)} OR ${both("\\r", 13)}`;
  return `SELECT ${parts} AS key, ${name(column)} AS text FROM ${name(table.name)} WHERE ${where}`;
}

function mendColumn(table, column, key, found) {
  const texts = new Map(found.map((row) => [row.key, row.text]));
  const at = table.columns.indexOf(column);
  const parts = key.map((part) => table.columns.indexOf(part));
  for (const row of table.rows) {
    const id = parts.map((part) => row[part].sql ?? text(row[part].text)).join(" ");
    if (!texts.has(id)) continue;
    if (written(texts.get(id)) !== row[at].unsure) throw changed();
    row[at] = { text: texts.get(id) };
    texts.delete(id);
  }
  if (texts.size) throw changed();
}

/** Whole under its name, or not there. */
function write(parts) {
  const handle = openSync(`${file}.new`, "w", 0o600);
  for (const part of parts) writeSync(handle, part);
  closeSync(handle);
  renameSync(`${file}.new`, file);
}

const changed = () => new Error("the directory was changed while it was read; try again");

try {
  const d1 = new D1(where, state);
  const dump = dumped(d1);
  if (!dump.tables.some((table) => table.name === "accounts")) throw new Error("there is no directory in that database");
  nameColumns(d1, dump.tables);
  checkWidths(dump.tables);
  mend(d1, dump.tables);
  write(render(dump, new Date().toISOString()));
  const rows = dump.tables.reduce((sum, table) => sum + table.rows.length, 0);
  console.error(`${dump.tables.length} tables with ${rows} rows are in ${file}`);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
