// The file of a backup: SQL that makes the whole directory in an empty database, and by which one can tell that it is all
// there. Statements keep to what D1 takes, whatever the length of a value.

import { createHash } from "node:crypto";
import { bytes, groups, literal, STATEMENT_BYTES } from "../lib/sql.mjs";

const FIRST = "-- retinue backup 1";
const PIECES = "_retinue_pieces";
const name = (text) => `"${text.replaceAll('"', '""')}"`;

/** The file, part by part. */
export function* render(dump, takenAt) {
  const sum = createHash("sha256");
  for (const part of body(dump, takenAt)) {
    sum.update(`${part}\n`);
    yield `${part}\n`;
  }
  yield `-- sha256 ${sum.digest("hex")}\n`;
}

function* body({ tables, rest }, takenAt) {
  yield `${FIRST}\n-- The directory of a Retinue: schema and rows, taken ${takenAt}. scripts/restore reads it back.`;
  yield `-- migrations ${migrations(tables).join(" ")}`;
  yield "PRAGMA defer_foreign_keys = TRUE;";
  for (const { sql } of tables) yield `${sql};`;
  yield `CREATE TABLE ${PIECES} (cell INTEGER PRIMARY KEY, text TEXT NOT NULL);`;
  const cells = { last: 0 };
  for (const table of tables) yield* insertsOf(table, cells);
  yield `DROP TABLE ${PIECES};`;
  for (const sql of rest) yield `${sql};`;
  yield `-- rows ${JSON.stringify(counts(tables))}`;
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

function* insertsOf(table, cells) {
  const head = `INSERT INTO ${name(table.name)} (${table.columns.map(name).join(", ")}) VALUES\n`;
  for (const group of groups(rowsOf(table, cells), STATEMENT_BYTES)) {
    yield* group.flatMap((row) => row.pieces);
    yield `${head}${group.map((row) => row.text).join(",\n")};`;
  }
}

/** Each row as SQL; its longest texts are put together apart, by `pieces`, until the rest fits into a statement. */
function* rowsOf({ rows }, cells) {
  for (const row of rows) {
    const values = row.map((value) => value.sql ?? literal(value.text));
    const pieces = [];
    while (bytes(values.join(", ")) > STATEMENT_BYTES) {
      const longest = values.reduce((best, value, at) => (value.length > values[best].length ? at : best), 0);
      if (row[longest].text === undefined) throw new Error("a value that is no text is longer than a statement of D1 may be");
      cells.last += 1;
      pieces.push(...staged(row[longest].text, cells.last));
      values[longest] = `(SELECT text FROM ${PIECES} WHERE cell = ${cells.last})`;
    }
    yield { text: `(${values.join(", ")})`, pieces };
  }
}

// One cell grows piece by piece, each in a statement of its own; no piece cuts a character.
function* staged(text, cell) {
  const [first, ...more] = chunks(text, STATEMENT_BYTES / 6);
  yield `INSERT INTO ${PIECES} (cell, text) VALUES (${cell}, ${literal(first)});`;
  for (const part of more) yield `UPDATE ${PIECES} SET text = text || ${literal(part)} WHERE cell = ${cell};`;
}

/** Pieces of at most `size` UTF-16 units, which is at most three times as many bytes, and twice that when all quotes. */
function* chunks(text, size) {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + size, text.length);
    if (/[\uD800-\uDBFF]/.test(text[end - 1]) && end < text.length) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}
