// workerd as the bench runs it: the pinned binary, a configuration of our own, nothing in front of the Worker and nothing
// behind it. `wrangler dev` has a proxy process in front, and both it and miniflare put a JavaScript Worker on the way of
// every outgoing fetch; that would be measured at the floor too and make everything else look cheap. D1 is what wrangler
// runs locally: the platform's own binding over miniflare's database object.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";

const root = process.env.RETINUE_ROOT;
const require = createRequire(join(root, "package.json"));
const WORKERD = require("workerd").default;
const MINIFLARE_WORKERS = join(dirname(require.resolve("miniflare")), "workers");
const PLATFORM_DATE = /^compatibility_date = "(.+)"$/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"))[1];
const own = (name) => ({ name, file: join(import.meta.dirname, name) });

export const VERSION = require("workerd/package.json").version;

const BINDINGS = {
  ACCOUNTS: "AccountObject", THREADS: "ThreadObject", DISPATCH: "DispatchObject", KNOWLEDGE: "KnowledgeObject",
};

/** The Worker as it is deployed. `build` is the folder that scripts/build writes. */
export function retinue(build, vars) {
  const modules = ["index.js", "index_bg.wasm"].map((name) => ({ name, file: join(build, name) }));
  // An older build to compare with may have fewer.
  const script = readFileSync(join(build, "index.js"), "utf8");
  const objects = Object.values(BINDINGS).filter((object) => script.includes(object));
  return { modules, vars, objects, d1: "d1", sockets: { sql: "sql" } };
}

/** The same, with what it asks of the platform counted. */
export function counted(build, vars) {
  const worker = retinue(build, vars);
  const sockets = { ...worker.sockets, meter: "d1-meter" };
  return { ...worker, modules: [own("counted.js"), ...worker.modules], d1: "d1-meter", sockets };
}

/** The bare JavaScript Worker. */
export function floor(vars) {
  return { modules: [own("floor.js")], vars, objects: ["AccountObject"], d1: "d1", sockets: {} };
}

const running = new Set();

/** Ends what is still running, at once. */
export function killAll() {
  for (const child of running) child.kill("SIGKILL");
}

/** A running workerd, in a process of its own. */
export class Instance {
  /** Starts `worker` with its state in `folder`. */
  static async start(worker, folder, { inspector = false, v8Flags = [] } = {}) {
    await mkdir(join(folder, "d1"), { recursive: true });
    await mkdir(join(folder, "objects"), { recursive: true });
    const config = join(folder, "config.capnp");
    await writeFile(config, configuration(worker, folder, v8Flags));
    const options = ["--experimental", "--control-fd=3", ...(inspector ? ["--inspector-addr=127.0.0.1:0"] : [])];
    const child = spawn(WORKERD, ["serve", ...options, config], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit", "pipe"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    const names = ["http", ...Object.keys(worker.sockets), ...(inspector ? ["inspector"] : [])];
    return new Instance(child, await listening(child, names));
  }

  constructor(child, ports) {
    this.child = child;
    this.pid = child.pid;
    this.ports = ports;
  }

  url(socket = "http") {
    return `http://127.0.0.1:${this.ports[socket]}`;
  }

  /** Runs SQL in its D1, all statements or none. */
  async sql(...statements) {
    const response = await fetch(this.url("sql"), { method: "POST", body: JSON.stringify(statements) });
    if (!response.ok) throw new Error(`SQL: ${await response.text()}`);
    return response.json();
  }

  async stop() {
    if (!running.has(this.child)) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    const forced = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(forced);
  }
}

// workerd says on its control pipe which port each socket got.
function listening(child, names) {
  return new Promise((resolve, reject) => {
    const ports = {};
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`workerd ended with ${code ?? signal}`)));
    createInterface({ input: child.stdio[3] }).on("line", (line) => {
      const { event, socket, port } = JSON.parse(line);
      if (event.startsWith("listen")) ports[socket ?? "inspector"] = port;
      if (names.every((name) => name in ports)) resolve(ports);
    });
  });
}

const quote = (text) => JSON.stringify(text);
const list = (items) => `[${items.join(", ")}]`;

// https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
function configuration(worker, folder, v8Flags) {
  const embed = (file) => `embed ${quote(relative(folder, file))}`;
  const module = ({ name, file }) => `(name = ${quote(name)}, ${name.endsWith(".wasm") ? "wasm" : "esModule"} = ${embed(file)})`;
  const modules = (...files) => list(files.map(module));
  const miniflare = (name, file) => ({ name, file: join(MINIFLARE_WORKERS, file) });
  const d1 = (service) =>
    `(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = ${quote(service)})]))`;
  const bindings = Object.entries(worker.vars).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`);
  if (worker.d1) bindings.push(d1(worker.d1));
  for (const [name, object] of Object.entries(BINDINGS)) {
    const isThere = worker.d1 && worker.objects.includes(object);
    if (isThere) bindings.push(`(name = ${quote(name)}, durableObjectNamespace = ${quote(object)})`);
  }
  const objects = worker.objects.map((name) => `(className = ${quote(name)}, uniqueKey = ${quote(name)}, enableSql = true)`);
  const sockets = Object.entries({ http: "main", ...worker.sockets }).map(
    ([name, service]) => `(name = ${quote(name)}, address = "127.0.0.1:0", http = (), service = ${quote(service)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      compatibilityDate = ${quote(PLATFORM_DATE)},
      modules = ${modules(...worker.modules)},
      bindings = ${list(bindings)},
      durableObjectNamespaces = ${list(objects)},
      durableObjectStorage = (localDisk = "objects"),
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["public", "private"])),
    (name = "objects", disk = (path = "objects", writable = true)),
    (name = "sql", worker = (
      compatibilityDate = ${quote(PLATFORM_DATE)},
      modules = ${modules(own("sql.js"))},
      bindings = [${d1("d1")}],
    )),
    (name = "d1-meter", worker = (
      compatibilityDate = ${quote(PLATFORM_DATE)},
      modules = ${modules(own("d1-meter.js"))},
      bindings = [(name = "D1", service = "d1")],
    )),
    (name = "d1", worker = (
      compatibilityDate = "2023-07-24",
      compatibilityFlags = ["enhanced_error_serialization"],
      modules = ${modules(miniflare("entry.js", "d1/entry.worker.js"))},
      bindings = [
        (name = "MINIFLARE_NAMESPACE", text = "retinue"),
        (name = "MINIFLARE_OBJECT", durableObjectNamespace = (className = "D1DatabaseObject", serviceName = "d1-object")),
      ],
    )),
    (name = "d1-object", worker = (
      compatibilityDate = "2023-07-24",
      compatibilityFlags = ["nodejs_compat", "experimental"],
      modules = ${modules(miniflare("database.js", "d1/database.worker.js"))},
      durableObjectNamespaces = [(className = "D1DatabaseObject", uniqueKey = "D1DatabaseObject", enableSql = true)],
      durableObjectStorage = (localDisk = "d1-disk"),
      bindings = [(name = "MINIFLARE_BLOBS", service = "d1-disk")],
    )),
    (name = "d1-disk", disk = (path = "d1", writable = true)),
  ],
  sockets = ${list(sockets)},
  extensions = [(modules = ${modules(miniflare("miniflare:shared", "shared/index.worker.js"), miniflare("miniflare:zod", "shared/zod.worker.js"))})],
  v8Flags = ${list(v8Flags.map(quote))},
);
`;
}
