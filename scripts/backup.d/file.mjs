// The file of a backup: SQL that makes the whole directory in an empty database, and by which one can tell that it is all
// there. Statements keep to what D1 takes, whatever the length of a value.

import { createHash } from "node:crypto";
import { bytes, groups, literal, STATEMENT_BYTES } from "../lib/sql.mjs";

const FIRST = "-- retinue backup 1";
const PIECES = "_retinue_pieces";
const name = (text) => `"${text.replaceAll('"', '""')}"`;

export function render({ tables, rest }, takenAt) {
  const pieces = [];
  const inserts = tables.flatMap((table) => [...insertsOf(table, pieces)]);
  const parts = [
    `${FIRST}\n-- The directory of a Retinue: schema and rows, taken ${takenAt}. scripts/restore reads it back.`,
    `-- migrations ${migrations(tables).join(" ")}`,
    "PRAGMA defer_foreign_keys = TRUE;",
    ...tables.map(({ sql }) => `${sql};`),
    ...(pieces.length ? [`CREATE TABLE ${PIECES} (cell INTEGER PRIMARY KEY, text TEXT NOT NULL);`] : []),
    ...pieces,
    ...inserts,
    ...(pieces.length ? [`DROP TABLE ${PIECES};`] : []),
    ...rest.map((sql) => `${sql};`),
    `-- rows ${JSON.stringify(counts(tables))}`,
  ];
  const text = parts.map((part) => `${part}\n`).join("");
  return `${text}-- sha256 ${digest(text)}\n`;
}

/** `{sql, migrations, rows}`; throws when it is no backup, or not all of one. */
export function read(text) {
  if (!text.startsWith(`${FIRST}\n`)) throw new Error("this is no backup of scripts/backup");
  const [, body, sum] = /^([\s\S]*)-- sha256 ([0-9a-f]{64})\n$/.exec(text) ?? [];
  if (!sum) throw new Error("the backup is cut off: its last line is missing");
  if (digest(body) !== sum) throw new Error("the backup was changed or damaged: its digest does not fit");
  return {
    sql: body,
    migrations: /^-- migrations (.*)$/m.exec(body)[1].split(" ").filter(Boolean),
    rows: JSON.parse(body.slice(body.lastIndexOf("-- rows ") + 8)),
  };
}

const digest = (text) => createHash("sha256").update(text).digest("hex");
const counts = (tables) => Object.fromEntries(tables.map((table) => [table.name, table.rows.length]));

function migrations(tables) {
  const table = tables.find((table) => table.name === "d1_migrations");
  const column = table?.columns.indexOf("name");
  return (table?.rows ?? []).map((row) => row[column].text);
}

function* insertsOf(table, pieces) {
  const head = `INSERT INTO ${name(table.name)} (${table.columns.map(name).join(", ")}) VALUES\n`;
  const rows = table.rows.map((row) => rowOf(row, pieces));
  for (const group of groups(rows, STATEMENT_BYTES)) yield `${head}${group.join(",\n")};`;
}

/** The row as SQL; its longest texts are put together apart until the rest fits into a statement. */
function rowOf(row, pieces) {
  const values = row.map((value) => value.sql ?? literal(value.text));
  while (bytes(values.join(", ")) > STATEMENT_BYTES) {
    const longest = values.reduce((best, value, i) => (value.length > values[best].length ? i : best), 0);
    if (row[longest].text === undefined) throw new Error("a value that is no text is longer than a statement of D1 may be");
    values[longest] = staged(row[longest].text, pieces);
  }
  return `(${values.join(", ")})`;
}

// One cell grows piece by piece, each in a statement of its own; no piece cuts a character.
function staged(text, pieces) {
  const cell = stagedSoFar(pieces) + 1;
  const parts = [...chunks(text, STATEMENT_BYTES / 6)];
  pieces.push(`INSERT INTO ${PIECES} (cell, text) VALUES (${cell}, ${literal(parts[0])});`);
  for (const part of parts.slice(1)) pieces.push(`UPDATE ${PIECES} SET text = text || ${literal(part)} WHERE cell = ${cell};`);
  return `(SELECT text FROM ${PIECES} WHERE cell = ${cell})`;
}

const stagedSoFar = (pieces) => pieces.filter((piece) => piece.startsWith("INSERT")).length;

/** Pieces of at most `size` UTF-16 units, which is at most three times as many bytes, and twice that when all quotes. */
function* chunks(text, size) {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + size, text.length);
    if (/[\uD800-\uDBFF]/.test(text[end - 1]) && end < text.length) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}
