// workerd as the bench runs it: the pinned binary, a configuration of our own, nothing in front of the Worker and nothing
// behind it. `wrangler dev` has a proxy process in front, and both it and miniflare put a JavaScript Worker on the way of
// every outgoing fetch; that would be measured at the floor too and make everything else look cheap. D1 is what wrangler
// runs locally: the platform's own binding over miniflare's database object.

import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";

const root = process.env.RETINUE_ROOT;
const here = import.meta.dirname;
const require = createRequire(join(root, "package.json"));
const WORKERD = require("workerd").default;
const MINIFLARE_WORKERS = join(dirname(require.resolve("miniflare")), "workers");
const PLATFORM_DATE = /^compatibility_date = "(.+)"$/m.exec(await readFile(join(root, "wrangler.toml"), "utf8"))[1];

const running = new Set();

/** A running workerd. */
export class Instance {
  constructor(child, ports) {
    this.child = child;
    this.pid = child.pid;
    this.port = ports.http;
    this.url = `http://127.0.0.1:${ports.http}`;
    this.sqlUrl = `http://127.0.0.1:${ports.sql}`;
  }

  /** Runs SQL in its D1, all statements or none. */
  async sql(...statements) {
    const response = await fetch(this.sqlUrl, { method: "POST", body: JSON.stringify(statements) });
    if (!response.ok) throw new Error(`SQL: ${await response.text()}`);
    return response.json();
  }

  async stop() {
    running.delete(this.child);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    const forced = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(forced);
  }
}

/** Ends what is still running, at once. */
export function killAll() {
  for (const child of running) child.kill("SIGKILL");
}

/** The Worker as it is deployed. `build` is the folder that scripts/build writes. */
export function retinue(build, vars) {
  return {
    modules: [module("index.js", join(build, "index.js")), module("index_bg.wasm", join(build, "index_bg.wasm"))],
    bindings: [
      ...texts(vars),
      `(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")]))`,
      `(name = "ACCOUNTS", durableObjectNamespace = "AccountObject")`,
    ],
    objects: ["AccountObject"],
  };
}

/** The same, with what it asks of the platform counted. */
export function counted(build, vars) {
  const worker = retinue(build, vars);
  return { ...worker, modules: [module("counted.js", join(here, "counted.js")), ...worker.modules] };
}

/** The bare JavaScript Worker. */
export function floor(vars) {
  return { modules: [module("floor.js", join(here, "floor.js"))], bindings: texts(vars), objects: [] };
}

const module = (name, file) => ({ name, file });
const texts = (vars) => Object.entries(vars).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`);
const quote = (text) => JSON.stringify(text);

/** Starts `worker` with its state in `dir`. */
export async function start(worker, dir, { inspector = false } = {}) {
  await mkdir(join(dir, "d1", "miniflare-D1DatabaseObject"), { recursive: true });
  await mkdir(join(dir, "objects"), { recursive: true });
  const config = join(dir, "config.capnp");
  await writeFile(config, configuration(worker, dir));
  const options = ["serve", "--experimental", "--control-fd=3", ...(inspector ? ["--inspector-addr=127.0.0.1:0"] : [])];
  const child = spawn(WORKERD, [...options, config], { cwd: dir, stdio: ["ignore", "inherit", "inherit", "pipe"] });
  running.add(child);
  const instance = new Instance(child, {});
  await listening(child, instance);
  return instance;
}

function listening(child, instance) {
  return new Promise((resolve, reject) => {
    const ports = {};
    child.once("exit", (code, signal) => reject(new Error(`workerd ended with ${code ?? signal}`)));
    createInterface({ input: child.stdio[3] }).on("line", (line) => {
      const { event, socket, port } = JSON.parse(line);
      if (event === "listen-inspector") instance.inspectorPort = port;
      if (event !== "listen") return;
      ports[socket] = port;
      if (ports.http === undefined || ports.sql === undefined) return;
      Object.assign(instance, new Instance(child, ports), { inspectorPort: instance.inspectorPort });
      resolve();
    });
  });
}

function configuration(worker, dir) {
  const embed = (file) => `embed ${quote(relative(dir, file))}`;
  const source = ({ name, file }) => `(name = ${quote(name)}, ${name.endsWith(".wasm") ? "wasm" : "esModule"} = ${embed(file)})`;
  const objects = worker.objects.map(
    (name) => `(className = ${quote(name)}, uniqueKey = ${quote(`bench-${name}`)}, enableSql = true)`,
  );
  const shared = (name, file) => `(name = ${quote(name)}, esModule = ${embed(join(MINIFLARE_WORKERS, file))})`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      compatibilityDate = ${quote(PLATFORM_DATE)},
      modules = [${worker.modules.map(source).join(", ")}],
      bindings = [${worker.bindings.join(", ")}],
      durableObjectNamespaces = [${objects.join(", ")}],
      durableObjectStorage = (localDisk = "objects"),
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["public", "private"])),
    (name = "objects", disk = (path = "objects", writable = true)),
    (name = "sql", worker = (
      compatibilityDate = ${quote(PLATFORM_DATE)},
      modules = [${source(module("sql.js", join(here, "sql.js")))}],
      bindings = [(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")]))],
    )),
    (name = "d1", worker = (
      compatibilityDate = "2023-07-24",
      compatibilityFlags = ["enhanced_error_serialization"],
      modules = [${source(module("entry.worker.js", join(MINIFLARE_WORKERS, "d1/entry.worker.js")))}],
      bindings = [
        (name = "MINIFLARE_NAMESPACE", text = "bench"),
        (name = "MINIFLARE_OBJECT", durableObjectNamespace = (className = "D1DatabaseObject", serviceName = "d1-object")),
      ],
    )),
    (name = "d1-object", worker = (
      compatibilityDate = "2023-07-24",
      compatibilityFlags = ["nodejs_compat", "experimental"],
      modules = [${source(module("database.worker.js", join(MINIFLARE_WORKERS, "d1/database.worker.js")))}],
      durableObjectNamespaces = [(className = "D1DatabaseObject", uniqueKey = "miniflare-D1DatabaseObject", enableSql = true)],
      durableObjectStorage = (localDisk = "d1-storage"),
      bindings = [(name = "MINIFLARE_BLOBS", service = "d1-storage")],
    )),
    (name = "d1-storage", disk = (path = "d1", writable = true)),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:0", http = (), service = "main"),
    (name = "sql", address = "127.0.0.1:0", http = (), service = "sql"),
  ],
  extensions = [(modules = [${shared("miniflare:shared", "shared/index.worker.js")}, ${shared("miniflare:zod", "shared/zod.worker.js")}])],
);
`;
}
