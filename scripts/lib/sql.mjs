// Values and statements as SQL text that D1 takes and wrangler leaves as it is.

/** D1 refuses a statement of more than 100,000 bytes; the rest is for what stands around the values. */
export const STATEMENT_BYTES = 90_000;

export const bytes = (text) => Buffer.byteLength(text);

/**
 * A value as an SQL expression. wrangler strikes out the words that begin a transaction wherever a file has them, inside
 * texts too, so in a text their blank is put in by the database; and SQL text ends at a NUL, so a text with one is written
 * in hexadecimal.
 */
export function literal(value) {
  if (value === null) return "NULL";
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "string") throw new Error(`not a value for SQL: ${JSON.stringify(value)}`);
  if (value.includes("\0")) return `CAST(X'${Buffer.from(value).toString("hex")}' AS TEXT)`;
  const quoted = `'${value.replaceAll("'", "''")}'`;
  if (!value.includes("BEGIN TRANSACTION")) return quoted;
  const blank = absentFrom(value);
  return `replace(${quoted.replaceAll("BEGIN TRANSACTION", `BEGIN${blank}TRANSACTION`)}, '${blank}', ' ')`;
}

/** A character of Unicode's private use that the text has not. */
function absentFrom(text) {
  for (let code = 0xe000; ; code++) if (!text.includes(String.fromCharCode(code))) return String.fromCharCode(code);
}

export const tuple = (values) => `(${values.map(literal).join(", ")})`;

/** Gathers rows, each with its `text`, into groups whose texts have at most `limit` bytes, each row whole. */
export function* groups(rows, limit) {
  let group = [];
  let size = 0;
  for (const row of rows) {
    const more = bytes(row.text) + 2;
    if (group.length && size + more > limit) {
      yield group;
      [group, size] = [[], 0];
    }
    group.push(row);
    size += more;
  }
  if (group.length) yield group;
}
