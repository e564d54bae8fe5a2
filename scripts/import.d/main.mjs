// Sends files of agents to /api/v1/agents/import, one a request, and shows what became of them: what scripts/import runs.

import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";

const KINDS = {
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
  ".json": "application/json",
  ".af": "application/json",
  ".md": "text/markdown",
  ".mdc": "text/markdown",
};
const SKIPPED = ["node_modules", ".git", ".github/workflows", "target", ".venv"];
// Files that every folder may have, and that are agents of no system.
const NO_AGENTS = /^(readme|license|changelog|contributing|agents|claude)\.md$|^(package(-lock)?|tsconfig)\.json$|^docker-compose\.ya?ml$/i;
const UNNAMED = ["agent", "agents", "config", "root_agent", "index", "SKILL"];
const MAX_BYTES = 4 * 1024 * 1024;
// What an address has room for.
const MAX_TAKEN = 6000;

const { values: options, positionals: places } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: "boolean", default: false },
    url: { type: "string", default: process.env.RETINUE_URL ?? "http://localhost:8787" },
    mode: { type: "string", default: "skip" },
    model: { type: "string" },
    format: { type: "string" },
    strict: { type: "boolean", default: false },
    fields: { type: "boolean", default: false },
  },
});
const key = process.env.RETINUE_KEY;

/** The files under a place, in the order of their paths. */
function filesOf(place) {
  if (statSync(place).isFile()) return [place];
  const inside = readdirSync(place, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return inside.flatMap((entry) => {
    const path = join(place, entry.name);
    if (SKIPPED.some((skipped) => path.endsWith(`/${skipped}`) || path === skipped)) return [];
    if (entry.isDirectory()) return filesOf(path);
    return entry.isFile() && extname(entry.name) in KINDS && !NO_AGENTS.test(entry.name) ? [path] : [];
  });
}

/** Each file by the first of the paths that lead to it. */
function onlyOnce(files) {
  const first = new Map();
  for (const file of files) {
    const path = realpathSync(file);
    if (!first.has(path)) first.set(path, file);
  }
  return [...first.values()];
}

const named = new Map();
// The files of this run, by their full paths.
const moved = new Map();

/** What an agent of this file is called if it does not say: the file's name, with as many folders as make it the only one. */
function nameOf(file) {
  const known = [...named].find(([, of]) => of === file);
  if (known) return known[0];
  const stem = basename(file, extname(file)).replace(/\.(agent|chatmode|prompt)$/, "");
  let folder = dirname(resolve(file));
  let name = stem;
  if (UNNAMED.includes(stem)) [name, folder] = [basename(folder), dirname(folder)];
  while (named.has(name) && dirname(folder) !== folder) {
    name = `${basename(folder)}-${name}`;
    folder = dirname(folder);
  }
  named.set(name, file);
  return name;
}

// The agents of this run: whose file has a slug, and which slugs a name has. Two files are never one agent.
const claimed = new Map();
const called = new Map();

const isOwn = (row) => row.slug && ["created", "updated", "skipped"].includes(row.result);

/** Slugs that other files of this run have already and that this file's agents would get: those of their names, too. */
function clashes(file, rows = []) {
  const clash = rows.filter((row) => isOwn(row) && claimed.has(row.slug) && claimed.get(row.slug) !== file);
  return new Set(clash.flatMap((row) => [row.slug, ...(called.get(row.name) ?? [])]));
}

function claim(file, rows = []) {
  if (rows.some((row) => row.result === "invalid")) return;
  for (const row of rows.filter(isOwn)) {
    claimed.set(row.slug, file);
    called.set(row.name, [...(called.get(row.name) ?? []), row.slug]);
  }
}

/** The texts that a file's fields only name, as `file://prompt.md`, put in their places: of files beside it or below. */
function withTexts(file, body) {
  if (!KINDS[extname(file)].endsWith("json") || !body.includes("file://")) return body;
  let document;
  try {
    document = JSON.parse(body);
  } catch {
    return body;
  }
  const folder = realpathSync(dirname(resolve(file)));
  for (const field of ["prompt", "instructions", "system_prompt"]) {
    const place = typeof document[field] === "string" && document[field].match(/^\s*file:\/\/(\S+)\s*$/)?.[1];
    if (!place) continue;
    try {
      const path = realpathSync(resolve(folder, place));
      if (path.startsWith(`${folder}${sep}`) && statSync(path).size <= MAX_BYTES) document[field] = readFileSync(path, "utf8");
    } catch {
      // It is not there: the platform says that the text itself is missing.
    }
  }
  return JSON.stringify(document);
}

// `- config_path: helper.yaml`, by which Google's ADK names a sub-agent: the file, and not its agent.
const MEMBER_PATH = /([-{]\s*)config_path:\s*("[^"\n]*"|'[^'\n]*'|[^\s,}#]+)/g;

/** The files of this run that a file names as its members' own, by the paths that it says. */
function membersOf(file, body) {
  if (!KINDS[extname(file)].endsWith("yaml") || !body.includes("config_path")) return new Map();
  const paths = [...body.toString().matchAll(MEMBER_PATH)].map(([, , path]) => path.replace(/^["']|["']$/g, ""));
  const there = paths.map((path) => [path, moved.get(resolve(dirname(resolve(file)), path))]);
  return new Map(there.filter(([, member]) => member));
}

/** What the agent of a file is called: by its slug once it has one, else by the name in the file. */
function calledIn(file, outcomes) {
  const rows = outcomes?.get(file)?.rows?.filter(isOwn) ?? [];
  if (rows.length) return rows[0].slug;
  if (statSync(file).size > MAX_BYTES) return undefined;
  const name = readFileSync(file, "utf8").match(/^name:[ \t]*("[^"\n]*"|'[^'\n]*'|[^\n#]+)/m)?.[1];
  return name?.trim().replace(/^["']|["']$/g, "");
}

/** The names of agents in the places of the paths of their files. */
function withMembers(file, body, outcomes) {
  const members = membersOf(file, body);
  if (members.size === 0) return body;
  return body.toString().replace(MEMBER_PATH, (whole, before, written) => {
    const member = members.get(written.replace(/^["']|["']$/g, ""));
    const name = member && calledIn(member, outcomes);
    return name ? `${before}config_path: ${JSON.stringify(name)}` : whole;
  });
}

// How many agents a dry run would have made so far.
let planned = 0;

async function send(file, { write, mode, taken = new Set(), outcomes }) {
  const query = new URLSearchParams({ name: nameOf(file), mode, dry_run: String(!write) });
  if (taken.size) query.set("taken", [...taken].join(","));
  if (!options.write && planned) query.set("planned", String(planned));
  for (const name of ["model", "format"]) if (options[name]) query.set(name, options[name]);
  if (options.strict) query.set("strict", "true");
  if (basename(file) === "SKILL.md" && !options.format) query.set("format", "skill");
  const read = readFileSync(file);
  if (read.length > MAX_BYTES) return { refused: `it has ${read.length} bytes; at most ${MAX_BYTES} are taken` };
  const body = withMembers(file, withTexts(file, read), outcomes);
  const headers = { authorization: `Bearer ${key}`, "content-type": KINDS[extname(file)] };
  const reply = await fetch(new URL(`/api/v1/agents/import?${query}`, options.url), { method: "POST", headers, body });
  const text = await reply.text();
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Error(`${options.url} answers ${reply.status} and no JSON: is it this platform?`);
  }
  const isFatal = reply.status === 401 || (reply.status === 403 && document.type !== "plan_limit_exceeded");
  if (isFatal) throw new Error(document.detail ?? `the platform answers ${reply.status}`);
  const rows = document.results ?? [];
  const why = document.detail ?? (reply.ok ? "there is no agent in it" : `the platform answers ${reply.status}`);
  return rows.length ? { rows } : { refused: why };
}

/** One line for each agent of a file. */
function lines(file, { rows, refused }) {
  const shown = relative(process.cwd(), file) || file;
  if (refused) return [[shown, "", "", "refused", refused]];
  return rows.map((row) => {
    const count = (became) => (row.report ?? []).filter((line) => line.became === became).length;
    const notes = [
      row.result === "valid" ? "not written: another agent of the file is refused" : "",
      ...(row.errors ?? []).map((error) => `${error.field}: ${error.message}`),
      count("kept") ? `${count("kept")} field${count("kept") === 1 ? "" : "s"} kept` : "",
      count("dropped") ? `${count("dropped")} dropped` : "",
      row.needs?.length ? `needs ${row.needs.map((need) => `${need.kind} ${need.name}`).join(", ")}` : "",
    ];
    const result = row.result === "invalid" ? "refused" : row.result;
    return [shown, row.format ?? "retinue", row.slug ?? row.name ?? "", result, notes.filter(Boolean).join("; ")];
  });
}

function print(table) {
  const head = ["file", "format", "agent", options.write ? "result" : "would be", "notes"];
  const width = head.map((_, i) => Math.max(...[head, ...table].map((row) => row[i].length)));
  for (const row of [head, ...table]) {
    console.log(row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(width[i]))).join("  ").trimEnd());
  }
}

function printFields(outcomes) {
  for (const [file, { rows = [] }] of outcomes) {
    for (const row of rows.filter(({ report }) => report)) {
      console.log(`\n${relative(process.cwd(), file)}: ${row.slug ?? row.name}`);
      for (const { field, became, note } of row.report) console.log(`  ${field}: ${became}${note ? ` (${note})` : ""}`);
      if (row.more) console.log(`  and ${row.more} more`);
    }
  }
}

/** The slugs that other files' agents of the same names have. */
function othersOf(file, rows) {
  const alike = rows.flatMap((row) => called.get(row.name) ?? []);
  return new Set(alike.filter((slug) => claimed.get(slug) !== file));
}

/** Agents may hand off to agents of files that come after theirs: those files are sent once more when all are there. */
async function linkAcrossFiles(outcomes) {
  const made = new Set([...outcomes.values()].flatMap(({ rows = [] }) => rows.filter(isOwn).map((row) => row.slug)));
  const isMade = (need) => need.kind === "agent" && made.has(need.name);
  for (const [file, { rows = [] }] of outcomes) {
    const isNew = rows.length > 0 && rows.every((row) => ["created", "updated"].includes(row.result));
    // A member's name may be that of an agent of another file, too.
    const isNumbered = (member) => outcomes.get(member)?.rows?.some((row) => isOwn(row) && /-\d+$/.test(row.slug));
    const hasNumbered = isNew && [...membersOf(file, readFileSync(file)).values()].some(isNumbered);
    if (!isNew || !(hasNumbered || rows.some((row) => row.needs?.some(isMade)))) continue;
    if (!options.write) {
      for (const row of rows) row.needs = row.needs?.filter((need) => !isMade(need));
      continue;
    }
    const again = await send(file, { write: true, mode: "update", taken: othersOf(file, rows), outcomes });
    if (again.rows?.every((row) => row.result !== "invalid")) {
      outcomes.set(file, { rows: again.rows.map((row, i) => ({ ...row, result: rows[i]?.result ?? row.result })) });
    }
  }
}

/** What becomes of a file. Before it is written it is tried, so that it gets slugs of its own. */
async function move(file) {
  const taken = new Set();
  let tried = await send(file, { write: false, mode: options.mode });
  for (let clash = clashes(file, tried.rows); clash.size; clash = clashes(file, tried.rows)) {
    clash.forEach((slug) => taken.add(slug));
    if ([...taken].join().length > MAX_TAKEN) return { refused: "too many files have agents of these names: name them apart" };
    tried = await send(file, { write: false, mode: options.mode, taken });
  }
  claim(file, tried.rows);
  planned += (tried.rows ?? []).filter((row) => row.result === "created").length;
  return options.write ? send(file, { write: true, mode: options.mode, taken }) : tried;
}

async function main() {
  if (!key) throw new Error("set RETINUE_KEY to the key of an admin of the account");
  if (places.length === 0) throw new Error("name a folder or a file: see --help");
  const outcomes = new Map();
  let broken;
  const files = onlyOnce(places.flatMap(filesOf));
  files.forEach((file) => moved.set(resolve(file), file));
  for (const file of files) {
    try {
      outcomes.set(file, await move(file));
    } catch (error) {
      if (outcomes.size === 0) throw error;
      broken = error;
      break;
    }
  }
  if (!broken && options.mode !== "rename") await linkAcrossFiles(outcomes);
  const table = [...outcomes].flatMap(([file, outcome]) => lines(file, outcome));
  if (table.length === 0) throw new Error("there is no file that could be an agent's");
  print(table);
  if (options.fields) printFields(outcomes);
  const count = (result) => table.filter((row) => row[3] === result).length;
  const sum = ["created", "updated", "skipped", "refused"].map((word) => `${count(word)} ${word}`).join(", ");
  console.error(`${outcomes.size} files: ${sum}${options.write ? "" : "; nothing was written: --write does it"}`);
  process.exitCode = count("refused") ? 1 : 0;
  // What was done until then is shown all the same.
  if (broken) throw broken;
}

try {
  await main();
} catch (error) {
  console.error(`error: ${error.cause?.message ?? error.message}`);
  process.exitCode = 2;
}
