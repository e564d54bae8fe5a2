// D1's dump, read: which tables it makes, in which order they can be filled, and every row's values.
//
// The dump writes a text that has line breaks as replace('…','\n',char(10)), which also turns a backslash and an n that
// were in the text into a line break. Such texts are marked here (`unsure`), and whoever writes a backup asks the
// database for them.

const TRIGGER = /^\s*CREATE TRIGGER\b/i;

/** Cuts SQL into statements at the semicolons outside of quotes and comments; a trigger ends at the one after its END. */
export function* statements(sql) {
  const token = /;|--[^\n]*|\/\*[\s\S]*?\*\/|'[^']*(?:''[^']*)*'|"[^"]*"|`[^`]*`|\[[^\]]*\]/g;
  let start = 0;
  for (const { 0: found, index } of sql.matchAll(token)) {
    if (found !== ";") continue;
    const statement = sql.slice(start, index).trim();
    if (TRIGGER.test(statement) && !/\bEND$/i.test(statement)) continue;
    yield statement;
    start = index + 1;
  }
  if (sql.slice(start).trim()) throw new Error("the dump ends in the middle of a statement");
}

const NAME = String.raw`(?:"((?:[^"]|"")*)"|(\w+))`;
const CREATE_TABLE = new RegExp(String.raw`^CREATE TABLE (?:IF NOT EXISTS )?${NAME}`, "i");
const INSERT = new RegExp(String.raw`^INSERT INTO ${NAME}(?: \(([^)]*)\))? VALUES\s*\(`, "i");
const OTHER = /^(?:CREATE (?:UNIQUE )?INDEX|CREATE TRIGGER|CREATE VIEW)\b/i;
const IGNORED = /^(?:PRAGMA|DELETE FROM sqlite_sequence|ANALYZE)\b/i;

/** `{tables: [{name, sql, columns, rows}], rest}`: tables with those that they refer to before them. No columns: all. */
export function readDump(sql) {
  const tables = new Map();
  const rest = [];
  for (const statement of statements(sql)) {
    const create = CREATE_TABLE.exec(statement);
    const insert = create ? null : INSERT.exec(statement);
    const name = nameOf(create ?? insert);
    // SQLite keeps this one itself.
    if (name === "sqlite_sequence" || IGNORED.test(statement)) continue;
    if (create) tables.set(name, { name, sql: statement, columns: [], rows: [] });
    else if (insert) addRow(tables.get(name), insert, statement);
    else if (OTHER.test(statement)) rest.push(statement);
    else throw new Error(`the dump has a statement that is not known here: ${statement.slice(0, 80)}`);
  }
  return { tables: ordered([...tables.values()]), rest };
}

const nameOf = (match) => match && (match[1]?.replaceAll('""', '"') ?? match[2]);

function addRow(table, insert, statement) {
  if (insert[3]) table.columns = insert[3].split(",").map((column) => column.trim().replace(/^"|"$/g, ""));
  table.rows.push([...readValues(statement.slice(insert[0].length))]);
}

const VALUE =
  /\s*(?:(replace\()*'([^']*(?:''[^']*)*)'((?:,'\\[nr]',char\(1[03]\)\))*)|(NULL|-?[0-9][0-9.eE+-]*|X'[0-9a-fA-F]*'))\s*([,)])/y;

/** `{text}` of a text, with how it was written as `unsure` if it is; `{sql}` of anything else. */
function* readValues(sql) {
  VALUE.lastIndex = 0;
  for (let more = true; more; ) {
    const match = VALUE.exec(sql);
    if (!match) throw new Error(`the dump has a value that is not known here: ${sql.slice(0, 80)}`);
    const [whole, , quoted, wraps, other, end] = match;
    if (other !== undefined) yield { sql: other };
    else if (wraps) yield { text: unwrapped(quoted, wraps), unsure: whole.slice(0, -1).trim() };
    else yield { text: quoted.replaceAll("''", "'") };
    more = end === ",";
  }
}

function unwrapped(quoted, wraps) {
  let text = quoted.replaceAll("''", "'");
  if (wraps.includes("char(13)")) text = text.replaceAll("\\r", "\r");
  return wraps.includes("char(10)") ? text.replaceAll("\\n", "\n") : text;
}

/** A text as the dump writes it. */
export function written(text) {
  let sql = `'${text.replaceAll("'", "''").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}'`;
  if (text.includes("\r")) sql = `replace(${sql},'\\r',char(13))`;
  return text.includes("\n") ? `replace(${sql},'\\n',char(10))` : sql;
}

/** Tables with those that they refer to before them, by the REFERENCES of their `sql`. */
export function ordered(tables) {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const done = new Set();
  const visit = (table) => {
    if (!table || done.has(table)) return;
    done.add(table);
    const code = table.sql.replace(/--[^\n]*/g, "");
    for (const match of code.matchAll(new RegExp(String.raw`\bREFERENCES ${NAME}`, "gi"))) visit(byName.get(nameOf(match)));
    sorted.push(table);
  };
  const sorted = [];
  tables.forEach(visit);
  return sorted;
}
