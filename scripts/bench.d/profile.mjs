// Where a call's time goes, by function. V8's sampling profiler sees what runs in the isolate; the platform's own objects
// appear by their methods' names, the rest that is native (HTTP, sockets) as `(program)` or not at all. perf sees it all.
// Names of Rust functions come from the wasm's name section, where the build has kept it.

import { execFileSync, spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";

const SAMPLE_US = 200;
const ROWS = 60;

/** A session with the inspector of an isolate. */
class Inspector {
  static async connect(port) {
    const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
    const target = targets.find(({ id }) => id === "main");
    if (!target) throw new Error(`no isolate "main" among ${targets.map(({ id }) => id)}`);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${target.id}`);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("the inspector refused"));
    });
    return new Inspector(socket);
  }

  constructor(socket) {
    this.socket = socket;
    this.waiting = new Map();
    this.last = 0;
    socket.onmessage = ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      const waiter = this.waiting.get(id);
      if (!waiter) return;
      this.waiting.delete(id);
      if (error) waiter.reject(new Error(error.message));
      else waiter.resolve(result);
    };
  }

  send(method, params = {}) {
    const id = ++this.last;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  close() {
    this.socket.close();
  }
}

/** Profiles `work`; answers V8's profile. */
async function record(port, work) {
  const inspector = await Inspector.connect(port);
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: SAMPLE_US });
  await inspector.send("Profiler.start");
  const seen = await work();
  const { profile } = await inspector.send("Profiler.stop");
  inspector.close();
  return { profile, seen };
}

/** Self time by function, and time with what it called. */
function aggregate(profile) {
  const nodes = new Map(profile.nodes.map((node) => [node.id, { ...node, self: 0 }]));
  profile.samples.forEach((id, n) => (nodes.get(id).self += profile.timeDeltas[n]));
  const self = new Map();
  const total = new Map();
  const walk = (node, above) => {
    const name = nameOf(node.callFrame);
    if (name === "(idle)") return 0;
    add(self, name, node.self);
    const below = new Set(above).add(name);
    const sum = (node.children ?? []).reduce((time, id) => time + walk(nodes.get(id), below), node.self);
    // A function that is further up as well has this time there.
    if (!above.has(name)) add(total, name, sum);
    return sum;
  };
  walk(nodes.get(profile.nodes[0].id), new Set());
  return { self, total };
}

const nameOf = ({ functionName, url, lineNumber, columnNumber }) => {
  const name = (functionName || "(anonymous)").replace(/::h[0-9a-f]{16}$/, "");
  if (url.startsWith("wasm:")) return name;
  return url ? `${name} ${url.split("/").pop()}:${lineNumber + 1}:${columnNumber + 1}` : name;
};

/** Profiles a scenario by V8 and prints what takes the most time. */
export async function profile(lab, scenario, { seconds, connections, file }) {
  const instance = await lab.instance(scenario, { inspector: true });
  const { profile: recorded, seen } = await record(instance.ports.inspector, () =>
    lab.measure(scenario, { connections, seconds }),
  );
  await writeFile(`${file}.cpuprofile`, JSON.stringify(recorded));
  const { self, total } = aggregate(recorded);
  print(seen, "the part of it that V8 sees", { self, "with what it called": total });
  console.log(`\nfor a browser: ${file}.cpuprofile`);
}

/** The same by `perf`: all threads, what is native and the kernel. */
export async function nativeProfile(lab, scenario, { seconds, connections, file }) {
  // V8 names its code for perf in a file of its own.
  const instance = await lab.instance(scenario, { v8Flags: ["--perf-basic-prof"] });
  const data = `${file}.perf`;
  const options = ["--event", "cpu-clock", "--freq", "2000", "--call-graph", "fp", "--output", data];
  const perf = spawn("perf", ["record", "--quiet", ...options, "--pid", String(instance.pid)], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve, reject) => perf.once("exit", resolve).once("error", reject));
  const seen = await lab.measure(scenario, { connections, seconds });
  perf.kill("SIGINT");
  await ended;
  const { self, total, kinds } = stacks(perfScript(data));
  await rm(`/tmp/perf-${instance.pid}.map`, { force: true });
  print(seen, "all of it", { "by kind": kinds, self, "with what it called": total });
}

const perfScript = (data) =>
  execFileSync("perf", ["script", "--input", data, "--fields", "ip,sym"], {
    encoding: "utf8",
    maxBuffer: 2 ** 31 - 1,
    stdio: ["ignore", "pipe", "ignore"],
  });

/** Samples are blocks of lines, innermost function first. */
function stacks(text) {
  const [self, total, kinds] = [new Map(), new Map(), new Map()];
  const short = new Map();
  const shorten = (name) => short.get(name) ?? short.set(name, nativeName(name)).get(name);
  for (const block of text.split("\n\n")) {
    const frames = block.split("\n").flatMap((line) => /^\s*[0-9a-f]+ (.+)$/.exec(line)?.slice(1) ?? []);
    if (frames.length === 0) continue;
    add(kinds, kindOf(frames), 1);
    const names = frames.map(shorten);
    add(self, names[0], 1);
    for (const name of new Set(names)) add(total, name, 1);
  }
  return { self, total, kinds };
}

// What a sample belongs to, by the first that fits.
const KINDS = [
  ["garbage collection", /Heap::CollectGarbage|Scaveng|MinorGC|Mark|Sweep|Evacuat/],
  ["compiling", /BackgroundCompileJob|ExecuteCompilationUnits|OptimizingCompile|Compiler::|BatchBaseline/],
  ["SQLite", /sqlite3|SqliteDatabase/],
];
const OUTER_KINDS = [
  ["promises and the script around the wasm", /RunMicrotasks/],
  ["a request's or fetch's way in and out", /WorkerEntrypoint|IoContext::run/],
  ["HTTP", /[hH]ttp/],
  ["kernel", /syscall/],
];

function kindOf(frames) {
  const text = frames.join("\n");
  const fitting = (kinds) => kinds.find(([, pattern]) => pattern.test(text))?.[0];
  return fitting(KINDS) ?? wasmKind(frames) ?? fitting(OUTER_KINDS) ?? "the rest";
}

// What wasm calls of the platform, by the import; what it does itself.
function wasmKind(frames) {
  for (const [depth, frame] of frames.entries()) {
    const called = /^JS:.*?__wbg_(\w+?)_[0-9a-f]{16}/.exec(frame);
    if (called) return `called from wasm: ${called[1]}`;
    if (/^JS:.*-(turbofan|liftoff)$/.test(frame)) return depth === 0 ? "wasm itself" : "crossing into wasm and out";
  }
  return undefined;
}

// Templates of workerd go on for kilobytes.
function nativeName(name) {
  let short = name;
  for (let before; before !== short; ) [before, short] = [short, short.replace(/<[^<>]+>/g, "<>")];
  return short.replace(/::h[0-9a-f]{16}/, "").slice(0, 120);
}

const add = (map, key, value) => map.set(key, (map.get(key) ?? 0) + value);

/** Shares of the samples, as µs of the CPU that a call was measured to take. */
function print(seen, what, lists) {
  const all = [...lists.self.values()].reduce((sum, value) => sum + value, 0);
  console.log(`${seen.calls} calls, ${seen.cpuUs.toFixed(0)} µs of CPU each; ${what}, in µs a call:`);
  for (const [title, map] of Object.entries(lists)) {
    console.log(`\n${title}`);
    for (const [name, value] of [...map].sort((a, b) => b[1] - a[1]).slice(0, ROWS)) {
      console.log(`${((value / all) * seen.cpuUs).toFixed(1).padStart(8)}  ${name}`);
    }
  }
}
