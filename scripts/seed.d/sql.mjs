// The rows of the files as SQL that makes the tables say what the files say, and changes nothing when they do.

import { bytes, groups, literal, STATEMENT_BYTES, tuple } from "../lib/sql.mjs";

/** The database's clock, in milliseconds since the epoch. */
const NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

const TABLES = [
  { table: "catalogue", key: ["provider", "code"], rows: "models" },
  { table: "plans", key: ["plan"], rows: "plans" },
  { table: "platform_templates", key: ["slug"], rows: "templates", stamped: true },
];

/**
 * Statements, one an element. Rows that no file has any longer go last: at no moment is a row missing that was there
 * before and is there after.
 */
export function* statements(seed) {
  for (const { table, key, rows, stamped } of TABLES) {
    yield* upserts(table, key, seed[rows], stamped);
    yield removal(table, key, seed[rows]);
  }
}

function* upserts(table, key, rows, stamped) {
  const columns = Object.keys(rows[0]);
  const figures = columns.filter((column) => !key.includes(column));
  const given = figures.map((column) => `excluded.${column}`).join(", ");
  const own = figures.map((column) => `${table}.${column}`).join(", ");
  const set = stamped ? [[...figures, "updated_at"].join(", "), `${given}, excluded.updated_at`] : [figures.join(", "), given];
  const head = `INSERT INTO ${table} (${[...columns, ...(stamped ? ["updated_at"] : [])].join(", ")}) VALUES\n`;
  const tail = `\nON CONFLICT (${key.join(", ")}) DO UPDATE SET (${set[0]}) = (${set[1]})\nWHERE (${own}) IS NOT (${given});`;
  const values = rows.map((row) => ({ text: valuesOf(columns.map((column) => row[column]), stamped) }));
  for (const group of groups(values, STATEMENT_BYTES / 2)) {
    yield fitting(table, head + group.map(({ text }) => text).join(",\n") + tail);
  }
}

// A row's time is that of the writing.
function valuesOf(values, stamped) {
  const texts = values.map(literal);
  return `(${(stamped ? [...texts, NOW] : texts).join(", ")})`;
}

function removal(table, key, rows) {
  const there = rows.map((row) => tuple(key.map((column) => row[column]))).join(",\n");
  return fitting(table, `DELETE FROM ${table} WHERE (${key.join(", ")}) NOT IN (VALUES\n${there});`);
}

function fitting(table, statement) {
  const size = bytes(statement);
  if (size > STATEMENT_BYTES) throw new Error(`table ${table}: a statement of ${size} bytes, more than D1 takes`);
  return statement;
}
