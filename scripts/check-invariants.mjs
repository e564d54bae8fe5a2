// The invariants of the design, checked on the sources. Each check carries breaches of itself, all of which it must find
// before its verdict on the real files counts: a check that cannot fail fails.
//
// Usage: check-invariants.mjs [ROOT]. Ends with `N passed, N failed`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SUITES, strayMarks, testsIn } from "./lib/transports.mjs";

const root = process.argv[2] ?? join(import.meta.dirname, "..");

// Rust source with comments and the insides of literals blanked, so that patterns meet code only; the literals apart.
// Offsets and lines stay.
function lex(text) {
  const token =
    /\/\/[^\n]*|\/\*|\b(?:b|c)?r(#*)"|(?:\b(?:b|c))?"|'(?:\\(?:u\{[^}]*\}|x[0-9a-fA-F]{2}|.)|[^\\'\n])'/g;
  const strings = [];
  let code = "";
  let at = 0;
  const blank = (from, to) => (code += text.slice(from, to).replace(/[^\n]/g, " "));
  for (let match; (match = token.exec(text)); at = token.lastIndex) {
    code += text.slice(at, match.index);
    const end = endOf(text, match, token.lastIndex);
    if (match[0].endsWith('"')) strings.push({ text: text.slice(token.lastIndex, end), at: match.index });
    blank(match.index, end);
    token.lastIndex = end;
  }
  return { code: code + text.slice(at), strings };
}

function endOf(text, match, bodyStart) {
  const [opening, hashes] = match;
  if (opening === "/*") return endOfBlockComment(text, bodyStart);
  if (!opening.endsWith('"')) return bodyStart;
  const closing = hashes === undefined ? /(?:[^"\\]|\\[\s\S])*"/y : new RegExp(`[\\s\\S]*?"${hashes}`, "y");
  closing.lastIndex = bodyStart;
  return closing.test(text) ? closing.lastIndex : text.length;
}

function endOfBlockComment(text, from) {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = from;
  for (let depth = 1, match; (match = edge.exec(text)); ) {
    depth += match[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return text.length;
}

const isTest = (path) => /(^|\/)(tests|testing|[a-z_]*_tests)(\.rs|\/)/.test(path);

// What ships: no test files, and files only up to their test module.
function shipped(path, text) {
  if (isTest(path)) return { code: "", strings: [] };
  const { code, strings } = lex(text);
  const end = /#\[cfg\(test\)\]\s*(pub(\([a-z]+\))?\s+)?mod \w+ \{/.exec(code)?.index ?? code.length;
  return { code: code.slice(0, end), strings: strings.filter((string) => string.at < end) };
}

const lineOf = (text, at) => text.slice(0, at).split("\n").length;

function* codeMatches(files, pattern, allowed) {
  for (const [path, text] of sources(files)) {
    if (allowed(path)) continue;
    for (const match of shipped(path, text).code.matchAll(pattern)) {
      yield `${path}:${lineOf(text, match.index)}: ${match[0].trim()}`;
    }
  }
}

const sources = (files) => [...files].filter(([path]) => /^src\/.*\.rs$/.test(path));
const under = (...folders) => (path) => folders.some((folder) => path.startsWith(`src/${folder}/`));
const crates = (names) => new RegExp(`(?<!\\w|\\w::)(?:${names})(?=::|\\s*;|\\s+as\\b)`, "g");

// Which layers a layer may name. `runtime` wires everything together and may name all.
const ARROWS = {
  domain: ["domain"],
  ports: ["ports", "domain"],
  wire: ["wire", "domain"],
  sql: ["sql"],
  object: ["object", "sql", "ports", "domain"],
  storage: ["storage", "sql", "ports", "domain"],
  service: ["service", "ports", "domain", "wire"],
  face: ["face", "http", "service", "ports", "domain", "wire"],
  http: ["http", "face", "service", "ports", "domain", "wire"],
};

// What faces and the control plane share: reading requests, and saying problems.
const KIT = ["access", "body", "credentials", "documented", "page", "path", "problem", "query", "streamed", "rate_limit"];
// Where the lists of both become one.
const MEETING = ["src/http/router.rs", "src/http/document.rs"];

// `crate::a::b` of `src/a/b.rs` or `src/a/b/mod.rs`.
const moduleOf = (path) =>
  ["crate", ...path.replace(/^src\//, "").replace(/(^|\/)(lib|mod)?\.rs$|\.rs$/, "").split("/")].filter(Boolean).join("::");

const isAncestor = (one, other) => other.startsWith(`${one}::`);

// What a `use` declaration names, one full path for each leaf: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
function leaves(tree, prefix = "") {
  const parts = [];
  let depth = 0;
  let part = "";
  for (const char of tree) {
    depth += (char === "{") - (char === "}");
    if (char === "," && depth === 0) [part] = ["", parts.push(part)];
    else part += char;
  }
  return [...parts, part].flatMap((text) => {
    const [, path, inner] = /^\s*([\w:]*)(?:\{([\s\S]*)\})?/.exec(text);
    return inner === undefined ? path ? [prefix + path] : [] : leaves(inner, prefix + path);
  });
}

// Which files name which others, as maps of modules. What a module only passes on (`pub use child::Name`) is asked of the one
// that has it.
function imports(files) {
  const named = new Map();
  const passedOn = new Map();
  const modules = new Map(sources(files).filter(([path]) => !isTest(path)).map(([path]) => [moduleOf(path), path]));
  const absolute = (module, path) => {
    const [first, ...rest] = path.split("::");
    if (first === "crate") return path;
    let at = module.split("::");
    if (first === "super") {
      at.pop();
      while (rest[0] === "super") [at] = [at.slice(0, -1), rest.shift()];
    } else if (first !== "self") rest.unshift(first);
    return [...at, ...rest].join("::");
  };
  for (const [module, path] of modules) {
    const { code } = shipped(path, files.get(path));
    const paths = [];
    const declaration = /(\bpub(?:\([a-z]+\))?\s+)?\buse\s+([^;]+);/g;
    for (const [, isPublic, tree] of code.matchAll(declaration)) {
      for (const leaf of leaves(tree)) {
        const full = absolute(module, leaf);
        paths.push(full);
        if (isPublic) passedOn.set(`${module}::${full.split("::").at(-1)}`, full);
      }
    }
    for (const [path] of code.replace(declaration, "").matchAll(/\b(?:crate|super)(?:::\w+)+/g)) paths.push(absolute(module, path));
    named.set(module, paths);
  }
  const owner = (path) => {
    for (let at = path.split("::"); at.length; at.pop()) {
      const prefix = at.join("::");
      if (passedOn.has(prefix) && passedOn.get(prefix) !== path) return owner(passedOn.get(prefix));
      if (modules.has(prefix)) return prefix;
    }
  };
  const edges = new Map();
  for (const [module, paths] of named) {
    const owners = new Set(paths.map(owner).filter((other) => other && other !== module));
    edges.set(module, [...owners].filter((other) => !isAncestor(module, other) && !isAncestor(other, module)));
  }
  return { edges, modules };
}

// Tarjan's strongly connected components of more than one module.
function circlesOf(edges) {
  const [index, low, stack, circles] = [new Map(), new Map(), [], []];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) !== index.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) circles.push(circle);
  };
  for (const node of edges.keys()) if (!index.has(node)) visit(node);
  return circles;
}

const SQL =
  /^\s*(?:--[^\n]*\n\s*)*(?:select\s[\s\S]*\sfrom\s|insert\s+(?:or\s+\w+\s+)?into\s|replace\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+(?:recursive\s+)?\w+(?:\s*\([^)]*\))?\s+as\s*\(|(?:create|drop|alter)\s+(?:unique\s+|temp\s+)?(?:table|index|trigger|view)\s|pragma\s+\w)/i;

const UNMARKED = "#[test]\nfn t() {}\n";

// Files that never change once they are released: a list in the tree has the checksum of each.
function released({ name, list, holds, example, gone, changed }) {
  const listed = (sum) => [list, `${sum}  ${example}\n`];
  return {
    name,
    breach: [example, "one thing\n"],
    more: [[listed("0".repeat(64))], [[example, "another\n"], listed("0".repeat(64))]],
    *find(files) {
      const sums = new Map([...(files.get(list) ?? "").matchAll(/^([0-9a-f]{64})  (\S+)$/gm)].map(([, sum, path]) => [path, sum]));
      for (const path of sums.keys()) {
        if (!files.has(path)) yield `${path}: released, and gone; ${gone} (git log -- ${path})`;
      }
      for (const [path, text] of files) {
        if (!holds(path)) continue;
        const sum = createHash("sha256").update(text).digest("hex");
        const line = `sha256sum ${path}, its line in ${list}`;
        if (!sums.has(path)) yield `${path}: not among the checksums; when it is done: ${line}`;
        else if (sums.get(path) !== sum) {
          yield `${path}: changed. ${changed} (git checkout -- ${path}) Only if it never left this branch, renew ${line}`;
        }
      }
    },
  };
}

const CHECKS = [
  {
    name: "the platform is named only in runtime and storage",
    breach: ["src/service/x.rs", "use worker::Env;\n"],
    *find(files) {
      const names = "worker|worker_sys|wasm_bindgen|wasm_bindgen_futures|serde_wasm_bindgen|js_sys|web_sys";
      yield* codeMatches(files, crates(names), under("runtime", "storage"));
    },
  },
  {
    name: "Env is named only in runtime",
    breach: ["src/storage/x.rs", "fn open(env: &Env) {}\n"],
    *find(files) {
      yield* codeMatches(files, /\bEnv\b/g, under("runtime"));
    },
  },
  {
    name: "axum is named only in faces, http and runtime",
    breach: ["src/service/x.rs", "fn f() -> axum::Json<()> {}\n"],
    *find(files) {
      yield* codeMatches(files, crates("axum|axum_core|axum_extra|utoipa_axum"), under("face", "http", "runtime"));
    },
  },
  {
    name: "SQL stands only in storage and in the objects' stores",
    breach: ["src/service/x.rs", 'const Q: &str = "select id\n from agents";\n'],
    *find(files) {
      for (const [path, text] of sources(files)) {
        if (under("storage", "object/store")(path)) continue;
        for (const { text: literal, at } of shipped(path, text).strings) {
          if (SQL.test(literal)) yield `${path}:${lineOf(text, at)}: ${literal.trim().slice(0, 60)}`;
        }
      }
    },
  },
  {
    name: "statements are declared by queries! and run by their names",
    breach: ["src/storage/x.rs", 'const Q: Query = Query::new("Q", "select 1");\n'],
    more: [
      [["src/object/store/x.rs", "fn f(sql: &impl Sql) { sql.exec(text, &[]); }\n"]],
      [["src/storage/x.rs", "queries! {\n    Q = \"select id from x\";\n}\n"]],
    ],
    *find(files) {
      const home = "src/sql.rs";
      yield* codeMatches(files, /\bQuery::new\b|\bQuery\s*\{\s*name\b/g, (path) => path === home);
      // Backups, and what writes a disk anew, name tables as SQLite does.
      const backups = ["dump", "restore", "scrub", "tables"].map((file) => `src/object/store/${file}.rs`);
      const platform = ["src/object/sql.rs", "src/object/store/steps.rs", "src/runtime/object_sql.rs", ...backups];
      yield* codeMatches(files, /\bsql\.exec\(/g, (path) => platform.includes(path));
      // What a file declares is in the list that the tests go through.
      for (const [path, text] of sources(files)) {
        if (!/\bqueries!\s*\{/.test(shipped(path, text).code)) continue;
        const module = moduleOf(path).split("::").at(-1);
        const lists = ["src/storage/mod.rs", "src/object/store/mod.rs", "src/object/store/account/mod.rs", "src/object/store/dispatch/mod.rs", "src/object/store/knowledge/mod.rs", "src/object/store/thread/mod.rs"];
        const listed = lists.some((list) => new RegExp(`\\b${module}::(?:QUERIES|all\\(\\))`).test(files.get(list) ?? ""));
        if (!listed) yield `${path}: its QUERIES are in no list`;
      }
    },
  },
  {
    name: "D1 is reached through one file",
    breach: ["src/storage/x.rs", "fn f(db: &D1Database) { db.prepare(Q); }\n"],
    *find(files) {
      yield* codeMatches(files, /\bD1(?:Database|PreparedStatement)\b|\.prepare\(/g, (path) => path === "src/storage/d1.rs");
    },
  },
  {
    name: "nothing leaves but through the upstream",
    breach: ["src/runtime/x.rs", "async fn f() { Fetch::Url(u).send().await; }\n"],
    more: [
      [["src/runtime/x.rs", "async fn f() { crossing::send(&head, None, 1, 1); }\n"]],
      [["src/runtime/upstream.rs", "#[wasm_bindgen(js_name = fetch)]\nfn f(url: &str);\n"]],
      [["src/runtime/x.js", "export const f = (url) => fetch(url);\n"]],
      [["src/runtime/crossing.js", "await fetch(a);\nawait fetch(b);\n"]],
    ],
    *find(files) {
      const outward = /\bFetch::|\bjs_name\s*=\s*"?fetch\b|\bfetch_with_(?:str|request)\b|\bWebSocket::connect|\bSocket::/g;
      yield* codeMatches(files, outward, () => false);
      yield* codeMatches(files, /\bcrossing::send\b/g, (path) => path === "src/runtime/upstream.rs");
      for (const [path, text] of files) {
        if (!/^src\/.*\.m?js$/.test(path)) continue;
        const found = [...text.matchAll(/(?<![\w.])(?:globalThis\.)?fetch\(/g)].slice(path === "src/runtime/crossing.js" ? 1 : 0);
        for (const { index } of found) yield `${path}:${lineOf(text, index)}: fetch`;
      }
    },
  },
  {
    name: "every outgoing URL is a CheckedUrl, which only the outbound rule builds",
    breach: ["src/service/x.rs", "fn f(url: Url) -> Destination { Destination::Url(CheckedUrl(url)) }\n"],
    more: [
      [["src/domain/x.rs", "impl From<Url> for CheckedUrl {\n}\n"]],
      [["src/domain/outbound.rs", "pub struct CheckedUrl(pub Url);\n"]],
      [["src/domain/outbound.rs", "#[derive(Clone, Deserialize)]\npub struct CheckedUrl(Url);\n"]],
      [["src/service/providers.rs", "fn f() { BaseUrl::of_operator(text); }\n"]],
      [["src/ports/upstream.rs", "pub enum Destination {\n    Url(String),\n}\n"]],
      [["src/ports/upstream.rs", "pub struct UpstreamRequest {\n    pub url: String,\n}\n"]],
      [["src/runtime/upstream.rs", "async fn fetch(url: &str) {}\n"]],
      [["src/runtime/upstream.rs", "fn f() { crossing::send(&format!(), None, 1, 1); }\n"]],
      [["src/runtime/head.rs", "pub fn outgoing(method: &str, url: &str) {}\n"]],
    ],
    *find(files) {
      const rule = "src/domain/outbound.rs";
      // A function's body after its return type is no construction.
      const built = /(?<!(?:->|\bfor|\bimpl|\bstruct)\s+)\bCheckedUrl\s*[({]|\bimpl\b[^{;]*\bfor\s+(?:\w+::)*CheckedUrl\b/g;
      yield* codeMatches(files, built, (path) => path === rule);
      const open = /\bstruct\s+CheckedUrl\s*\(\s*pub|#\[derive\([^)]*\b(?:Deserialize|Default|From)\b[^)]*\)\]\s*(?:#\[[^\]]*\]\s*)*pub\s+struct\s+CheckedUrl\b/g;
      yield* codeMatches(files, open, (path) => path !== rule);
      const operators = ["src/domain/provider/base_url.rs", "src/service/call/reach.rs", rule];
      yield* codeMatches(files, /\bof_operator\b/g, (path) => operators.includes(path));
      const door = ["src/ports/upstream.rs", "src/runtime/upstream.rs"];
      yield* codeMatches(files, /\burl\s*:(?!\s*&?CheckedUrl\b)[^,)\n]*|(?<!:)\bUrl\((?!CheckedUrl\))[^)]*\)/g, (path) => !door.includes(path));
      // What crosses is written from it, and from nothing else.
      yield* codeMatches(files, /\bcrossing::send\((?!&head,)[^)]*/g, () => false);
      yield* codeMatches(files, /\bfn\s+outgoing\b(?![^{]*\burl:\s*&CheckedUrl\b)/g, (path) => path !== "src/runtime/head.rs");
      yield* codeMatches(files, /\blet\s+head\s*=(?!\s*head::outgoing\()[^;]*/g, (path) => path !== "src/runtime/upstream.rs");
    },
  },
  {
    name: "credentials of runs are made only where runs are kept",
    breach: ["src/http/x.rs", "fn f() { RunCredential::of_kept_run(account, agent, 1, starter); }\n"],
    more: [[["src/service/call/caller.rs", "pub struct RunCredential {\n    pub account: AccountId,\n}\n"]]],
    *find(files) {
      const home = "src/service/call/caller.rs";
      yield* codeMatches(files, /\bof_kept_run\b/g, (path) => path === home || under("service/run")(path));
      yield* codeMatches(files, /\bstruct\s+RunCredential\s*\{[^}]*\bpub\b/g, (path) => path !== home);
    },
  },
  {
    name: "domain and wire are synchronous",
    breach: ["src/domain/x.rs", "async fn f() {}\n"],
    *find(files) {
      yield* codeMatches(files, /\basync\b|\.await\b/g, (path) => !under("domain", "wire")(path));
    },
  },
  {
    name: "domain, wire and objects have no clock, no chance and no way out",
    breach: ["src/object/x.rs", "fn f() { Instant::now(); }\n"],
    *find(files) {
      const impure =
        /\b(?:SystemTime|Instant)\b|\b(?:Utc|Local)::now\b|\bnow_v[0-9]\b|\bnew_v4\b|(?<!\w|\w::)(?:getrandom|rand|tokio)::|\bstd::(?:fs|env|thread|process)\b|\b(?:TcpStream|TcpListener|UdpSocket|ToSocketAddrs)\b|\bstatic\s+mut\b/g;
      yield* codeMatches(files, impure, (path) => !under("domain", "wire", "object")(path));
    },
  },
  {
    name: "layers name only the layers beneath them",
    breach: ["src/domain/x.rs", "use crate::service::chat;\n"],
    *find(files) {
      for (const [path, text] of sources(files)) {
        const allowed = ARROWS[/^src\/(\w+)/.exec(path)[1]];
        if (!allowed) continue;
        const { code } = shipped(path, text);
        for (const match of code.matchAll(/\bcrate::(\w+|\{[^;]*)/g)) {
          for (const layer of layersIn(match[1])) {
            if (!allowed.includes(layer)) yield `${path}:${lineOf(text, match.index)}: crate::${layer}`;
          }
        }
      }
    },
  },
  {
    name: "faces use of http what both share, and http names faces where their list becomes routes and the document",
    breach: ["src/face/x.rs", "use crate::http::agents;\n"],
    more: [
      [["src/face/x.rs", "use crate::http::{body, keys};\n"]],
      [["src/face/x.rs", "fn f() { crate::http::router::serve(); }\n"]],
      [["src/http/x.rs", "use crate::face::All;\n"]],
      [["src/http/problem/x.rs", "use crate::{face, ports};\n"]],
    ],
    *find(files) {
      for (const [path, text] of sources(files)) {
        const [, layer] = /^src\/(\w+)/.exec(path);
        const other = { face: "http", http: "face" }[layer];
        if (!other || MEETING.includes(path)) continue;
        const { code } = shipped(path, text);
        for (const { 1: tree, index } of code.matchAll(/\bcrate::(\{[^;]*|[\w:]+(?:\{[^;]*)?)/g)) {
          for (const leaf of leaves(tree)) {
            const [first, second] = leaf.split("::");
            const shared = layer === "face" && KIT.includes(second);
            if (first === other && !shared) yield `${path}:${lineOf(text, index)}: crate::${leaf}`;
          }
        }
      }
    },
  },
  {
    name: "texts that name paths of the API are made in http",
    breach: ["src/service/x.rs", 'fn f() -> &str { "see GET /api/v1/agents" }\n'],
    *find(files) {
      for (const [path, text] of sources(files)) {
        if (under("http")(path)) continue;
        for (const { text: literal, at } of shipped(path, text).strings) {
          if (/(?<![\w.])\/api\/v1\b/.test(literal)) yield `${path}:${lineOf(text, at)}: ${literal.trim().slice(0, 60)}`;
        }
      }
    },
  },
  {
    name: "no files import each other in a circle, but parent and child",
    more: [
      [
        ["src/domain/a.rs", "use super::b::B;\n"],
        ["src/domain/b.rs", "use crate::domain::{c::C, d};\n"],
        ["src/domain/c.rs", "fn f() { super::a::g(); }\n"],
      ],
      [
        ["src/domain/a/mod.rs", "mod b;\nmod c;\npub use b::B;\n"],
        ["src/domain/a/b.rs", "use super::c::C;\n"],
        ["src/domain/a/c.rs", "use super::B;\n"],
      ],
    ],
    *find(files) {
      const { edges, modules } = imports(files);
      for (const circle of circlesOf(edges)) yield circle.map((module) => modules.get(module)).join(", ");
    },
  },
  {
    name: "files stay within 400 lines, tests within 600",
    breach: ["src/domain/x.rs", "//! x\n".repeat(401)],
    *find(files) {
      for (const [path, text] of sources(files)) {
        const lines = text.split("\n").length - 1;
        if (lines > (isTest(path) ? 600 : 400)) yield `${path}: ${lines} lines`;
      }
    },
  },
  {
    name: "every module says what it is for",
    breach: ["src/domain/x.rs", "use std::fmt;\n"],
    *find(files) {
      for (const [path, text] of sources(files)) {
        if (!isTest(path) && !text.startsWith("//! ")) yield `${path}: does not begin with //!`;
      }
    },
  },
  {
    name: "secrets neither print nor serialize",
    breach: ["src/domain/x.rs", "impl fmt::Display for Secret {\n}\n"],
    *find(files) {
      const shown = /\bimpl\b[^{;]*\b(?:Display|Serialize|ToString|LowerHex)\b[^{;]*\bfor\s+Secret\b/g;
      const derived = /#\[derive\([^)]*\b(?:Debug|Display|Serialize)\b[^)]*\)\]\s*(?:#\[[^\]]*\]\s*)*pub(?:\([a-z]+\))?\s+struct\s+Secret\b/g;
      yield* codeMatches(files, shown, () => false);
      yield* codeMatches(files, derived, () => false);
    },
  },
  {
    name: "every dependency has a comment that says why",
    breach: ["Cargo.toml", '[dependencies]\n# Wire formats.\nserde = "1"\nserde_json = "1"\n'],
    *find(files) {
      let section = "";
      let before = "";
      for (const [index, line] of (files.get("Cargo.toml") ?? "").split("\n").entries()) {
        section = /^\[(.*)\]/.exec(line)?.[1] ?? section;
        const own = /^\[(?:.*[.-])?dependencies\.([\w-]+)\]/.exec(line);
        const dependency = own ?? (/(^|[.-])dependencies$/.test(section) && /^([\w-]+)\s*[.=]/.exec(line));
        if (dependency && !before.startsWith("#")) yield `Cargo.toml:${index + 1}: ${dependency[1]}`;
        before = line;
      }
    },
  },
  {
    name: "every migration has its way back",
    breach: ["migrations/9999_x.sql", "create table x (id text);\n"],
    *find(files) {
      for (const path of files.keys()) {
        const [, folder, name] = /^migrations\/(down\/)?([^/]+\.sql)$/.exec(path) ?? [];
        if (!name) continue;
        if (!/^\d{4}_/.test(name)) yield `${path}: not numbered`;
        const other = folder ? `migrations/${name}` : `migrations/down/${name}`;
        if (!files.has(other)) yield `${path}: no ${other}`;
      }
    },
  },
  {
    name: "every trigger is as D1's splitter of remote migrations wants it",
    breach: ["migrations/9999_x.sql", "CREATE TRIGGER x AFTER INSERT ON y\nBEGIN DELETE FROM z; END;\n"],
    *find(files) {
      for (const [path, text] of files) {
        if (!/^migrations\/[^/]+\.sql$/.test(path)) continue;
        for (const match of text.matchAll(/^\s*create\s+trigger\b.*$/gim)) {
          const fits = /^CREATE TRIGGER [^;]* BEGIN [^;]*; END;$/.test(match[0].trim()) && !/\bCASE\b/i.test(match[0]);
          if (!fits) yield `${path}:${lineOf(text, match.index)}: a trigger is one line, BEGIN and END in capitals, one statement`;
        }
      }
    },
  },
  released({
    name: "every migration is the one that was released",
    list: "migrations/checksums.txt",
    holds: (path) => /^migrations\/[^/]+\.sql$/.test(path),
    example: "migrations/9999_x.sql",
    gone: "databases have it applied: bring it back",
    changed: "Databases that have it applied will never see an edit: undo it and write the change as a new migration.",
  }),
  released({
    name: "every recorded state of an object is the one that was released",
    list: "tests/fixtures/objects/checksums.txt",
    holds: (path) => /^tests\/fixtures\/objects\/[\w-]+\/\w+\.sql$/.test(path),
    example: "tests/fixtures/objects/account-9/state.sql",
    gone: "objects of that release are still there: bring it back",
    changed: "It is what a release has left on disks, and says what newer code must open: undo it and record a newer state.",
  }),
  released({
    name: "every recorded command is the one that was released",
    list: "tests/fixtures/commands/checksums.txt",
    holds: (path) => /^tests\/fixtures\/commands\/v\d+\/\w+\.json$/.test(path),
    example: "tests/fixtures/commands/v9/commands.json",
    gone: "code of that version may still run: bring it back",
    changed:
      "Code of that version runs beside the new one for minutes, and will never see an edit: undo it, raise VERSION in " +
      "src/domain/admission/command.rs and record a new folder (see tests/object/commands.rs).",
  }),
  released({
    name: "every recorded message is the one that was released",
    list: "tests/fixtures/message/checksums.txt",
    holds: (path) => /^tests\/fixtures\/message\/v\d+\/\w+\.json$/.test(path),
    example: "tests/fixtures/message/v9/user.json",
    gone: "transcripts of that version are stored: bring it back",
    changed:
      "Transcripts written like it are stored for years: undo it, raise VERSION in src/domain/message/stored.rs, read both " +
      "and record a new folder (RECORD=1 cargo test --lib message::stored).",
  }),
  {
    name: "four in five tests of the API and of calls run over both transports, and the others say why not",
    breach: ["tests/api/x.rs", '#[tokio::test]\nasync fn f() {\n    native_only!("a good reason");\n}\n'],
    more: [
      [["tests/calls/x.rs", `${UNMARKED.repeat(9)}#[test]\nfn f() {\n    native_only!("");\n}\n`]],
      [["tests/calls/x.rs", `${UNMARKED.repeat(9)}#[test]\nfn f() {\n    g();\n    native_only!("a good reason");\n}\n`]],
    ],
    *find(files) {
      for (const suite of SUITES) {
        let [all, marked] = [0, 0];
        for (const [path, text] of files) {
          if (!path.startsWith(`tests/${suite}/`)) continue;
          const tests = testsIn(text);
          const native = tests.filter(({ why }) => why !== undefined);
          [all, marked] = [all + tests.length, marked + native.length];
          for (const { name, why } of native) if (!why) yield `${path}: ${name}: native_only! gives no reason`;
          if (strayMarks(text)) yield `${path}: native_only! is the first statement of a test`;
        }
        if (marked > all / 5) yield `tests/${suite}: only ${all - marked} of ${all} run over both transports`;
      }
    },
  },
  {
    name: "no path of one machine is written down",
    breach: ["README.md", "see /home/" + "alice/notes\n"],
    *find(files) {
      for (const [path, text] of files) {
        if (path.endsWith("-lock.json")) continue;
        for (const match of text.matchAll(/(?<![\w.])\/(?:root|home\/[a-z]\w*|Users\/[A-Za-z]\w*|work\/\w+)\//g)) {
          yield `${path}:${lineOf(text, match.index)}: ${match[0]}`;
        }
      }
    },
  },
  {
    name: "texts name operations by method and path",
    more: [
      [
        ["assets/openapi.json", '{"operationId": "set_status"}'],
        ["src/service/x.rs", 'fn f() -> &str { "is changed by set_status" }\n'],
      ],
    ],
    *find(files) {
      const ids = [...(files.get("assets/openapi.json") ?? "").matchAll(/"operationId": "(\w+_\w+)"/g)].map(([, id]) => id).filter((id) => id !== "default_model");
      const named = new RegExp(`(?<![\\w/:])(?:${ids.join("|")})(?![\\w/:])`);
      for (const [path, text] of sources(files)) {
        for (const { text: literal, at } of shipped(path, text).strings) {
          const found = literal.includes(" ") && named.exec(literal);
          if (found) yield `${path}:${lineOf(text, at)}: \`${found[0]}\` is no name that users know`;
        }
      }
    },
  },
];

// `service`, or the roots of `{domain::x, ports::{y, z}}`.
function layersIn(path) {
  if (!path.startsWith("{")) return [path];
  const roots = [];
  let depth = 0;
  for (const [, brace, word] of path.matchAll(/([{}])|(?<!::)\b(\w+)/g)) {
    if (brace) depth += brace === "{" ? 1 : -1;
    else if (depth === 1) roots.push(word);
    if (depth === 0) break;
  }
  return roots;
}

function readTree() {
  const git = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const paths = execFileSync("git", git, { encoding: "utf8" }).split("\0");
  const texts = paths.filter((path) => path && existsSync(join(root, path)) && !/\.(png|wasm|gguf)$/.test(path));
  return new Map(texts.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

const tree = readTree();
let failed = 0;
for (const { name, breach, more = [], find } of CHECKS) {
  const breaches = breach ? [[breach], ...more] : more;
  const blind = !breaches.length || breaches.some((files) => [...find(new Map(files))].length === 0);
  const found = blind ? ["does not find its own breach"] : [...find(tree)];
  failed += found.length > 0;
  console.log(`${found.length ? "FAILED" : "ok"} ${name}`);
  for (const line of found) console.log(`    ${line}`);
}
console.log(`${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
