// The rows of the files as SQL that makes the tables say what the files say, and changes nothing when they do.

import { bytes, groups, literal, STATEMENT_BYTES, tuple } from "../lib/sql.mjs";

/** The database's clock, in milliseconds since the epoch. */
const NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

const TABLES = [
  { table: "catalogue", key: ["provider", "code"], rows: "models", retires: true },
  { table: "plans", key: ["plan"], rows: "plans" },
  { table: "platform_templates", key: ["slug"], rows: "templates", stamped: true },
];

/**
 * Statements, one an element. Rows that no file has any longer go last: at no moment is a row missing that was there
 * before and is there after.
 */
export function* statements(seed) {
  for (const { table, key, rows, stamped, retires } of TABLES) {
    yield* upserts(table, key, seed[rows], stamped);
    yield removal(table, key, seed[rows], retires);
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

// Lines may name a model: it stays with its last price, marked by a word among its capabilities.
function removal(table, key, rows, retires) {
  const there = rows.map((row) => tuple(key.map((column) => row[column]))).join(",\n");
  const gone = `(${key.join(", ")}) NOT IN (VALUES\n${there})`;
  const statement = retires
    ? `UPDATE ${table} SET capabilities = json_insert(capabilities, '$[#]', 'retired')
WHERE NOT EXISTS (SELECT 1 FROM json_each(capabilities) WHERE value = 'retired') AND ${gone};`
    : `DELETE FROM ${table} WHERE ${gone};`;
  return fitting(table, statement);
}

function fitting(table, statement) {
  const size = bytes(statement);
  if (size > STATEMENT_BYTES) throw new Error(`table ${table}: a statement of ${size} bytes, more than D1 takes`);
  return statement;
}
