// Measures, prints and writes; see USAGE. Started by scripts/bench, which says where things are.

import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { directory } from "./directory.mjs";
import { Lab } from "./lab.mjs";
import { compaction } from "./compaction.mjs";
import { faces } from "./faces.mjs";
import { memory } from "./memory.mjs";
import { nativeProfile, profile } from "./profile.mjs";
import * as report from "./report.mjs";
import * as sections from "./sections.mjs";
import { Runs, against, summarize, targets } from "./summary.mjs";
import { threads } from "./threads.mjs";
import { VERSION } from "./workerd.mjs";

const root = process.env.RETINUE_ROOT;

const USAGE = `Measures the Worker against a bare one, on this machine, in one go, and prints tables.

  ./scripts/bench [--only NAME,…] [--seconds N] [--rounds N] [--connections N,…] [--agents N] [--json FILE]
                  [--against FOLDER]
  ./scripts/bench --profile NAME | --native-profile NAME [--seconds N]

  --only            of: floor, floor-hops, governed, governed-many, floor-stream, governed-stream, turn, turn-stream, read, cold, counts, wasm,
                    starts, directory, threads, memory, compaction, faces
  --seconds         how long each measurement takes (2)
  --rounds          how often all of them are repeated, in turn (3)
  --connections     clients at once (16,1,64)
  --agents          how many are many (100000)
  --against         the build folder of another version: what is not bare is measured with it too, in turn, and compared
  --json            where the figures go (.wrangler/bench.json)
  --state           where the Workers keep their state meanwhile (.wrangler/bench); a memory disk leaves out the disk
  --profile         where one scenario's time goes, by V8's sampling profiler
  --native-profile  the same by Linux' perf, which must be installed: what is native too, and the kernel
                    (both build the Worker once more, so that its functions have names)

floor is a bare JavaScript Worker that passes the call to the same upstream, floor-hops one that also asks an object that
does nothing before, and tells it after; governed is a call through an agent with a budget, of ten agents; governed-many,
of many; -stream, the same as a stream; turn, the same call on one of 1,000 threads in turn; read, a member's reads of these ten agents; cold, the first calls of 1,000 agents; directory, what configures an account, with
10 agents and with 10,000: reads one after the other, an export, an import, and the rows that D1 reads for each way to read and to write;
threads, threads of 1 MiB and 1 GiB after a restart, the rest of a run for a watcher that comes back, and a minute of streaming;
memory, a search among 10,000 memories of a person, and a turn that is given some; compaction, a turn on a thread that sums up its
oldest runs; faces, the same question through each protocol, beside ours.
A ratio is the median of the rounds' ratios; against another build, their geometric mean with its 95 % interval. "others" is the share of the machine that went to programs that are not the
bench's: above a few per cent, calls/s and latency say little; CPU per call still holds.`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "16,1,64" },
    agents: { type: "string", default: "100000" },
    json: { type: "string", default: join(root, ".wrangler/bench.json") },
    state: { type: "string", default: join(root, ".wrangler/bench") },
    against: { type: "string" },
    profile: { type: "string" },
    "native-profile": { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});

/** Calls under load, by name. */
const SCENARIOS = {
  floor: { bare: true },
  "floor-hops": { bare: true, hops: true },
  governed: { agents: 10 },
  "governed-many": { agents: number("agents") },
  "floor-stream": { bare: true, stream: true },
  "governed-stream": { agents: 10, stream: true },
  turn: { agents: 10, turn: true },
  "turn-stream": { agents: 10, turn: true, stream: true },
  read: { agents: 10, read: true },
};
// Each scenario that is not bare, with the other build.
if (options.against) {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (!scenario.bare) SCENARIOS[`${name}-before`] = { ...scenario, build: resolve(options.against) };
  }
}
const SECTIONS = ["cold", "counts", "wasm", "starts", "directory", "threads", "memory", "compaction", "faces"];

const say = (text) => process.stderr.write(`${text}\n`);

function fail(message) {
  say(`error: ${message}`);
  process.exit(2);
}

function chosen() {
  const all = [...Object.keys(SCENARIOS), ...SECTIONS];
  const names = options.only?.split(",") ?? all;
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) fail(`--only: '${unknown}' is none of ${all.join(", ")}`);
  const twins = (name) => [name, `${name}-before`].filter((twin) => twin in SCENARIOS);
  return { scenarios: [...new Set(names.flatMap(twins))], has: (section) => names.includes(section) };
}

function number(name, text = options[name]) {
  const value = Number(text);
  if (!(value > 0)) fail(`--${name}: '${text}' is not a positive number`);
  return value;
}

function scenario(name) {
  return SCENARIOS[name] ?? fail(`'${name}' is none of ${Object.keys(SCENARIOS).join(", ")}`);
}

/** All scenarios at all numbers of connections, in turn, as often as there are rounds; every other round backwards. */
async function load(lab, names) {
  const runs = new Runs();
  for (const name of names) {
    say(`warming up ${name}`);
    await lab.instance(SCENARIOS[name]);
  }
  for (let round = 0; round < number("rounds"); round++) {
    for (const connections of options.connections.split(",").map((text) => number("connections", text))) {
      for (const name of round % 2 ? names.toReversed() : names) {
        const run = await lab.measure(SCENARIOS[name], { connections, seconds: number("seconds") });
        runs.add(name, connections, round, run);
        say(`round ${round + 1}: ${name}, ${connections} connections: ${run.cpuUs.toFixed(0)} µs of CPU a call, ${run.perSecond.toFixed(0)} calls/s`);
      }
    }
  }
  return runs;
}

async function measure(lab) {
  const { scenarios, has } = chosen();
  const result = { machine: machine(), options: { ...options } };
  if (has("wasm")) result.sizes = await sections.sizes(lab.build);
  if (has("starts")) {
    say("starting the Workers again and again");
    result.starts = await sections.starts(lab);
  }
  if (has("counts")) {
    say("counting");
    result.counts = await sections.counts(lab, number("agents"));
  }
  if (has("directory")) {
    say("reading and writing directories");
    result.directory = await directory(lab);
  }
  if (has("threads")) result.threads = await threads(lab, say);
  if (has("memory")) result.memory = await memory(lab, say);
  if (has("compaction")) result.compaction = await compaction(lab, say);
  if (has("faces")) result.faces = await faces(lab, say);
  const runs = await load(lab, scenarios);
  result.rows = runs.rows();
  result.runs = runs.all;
  if (has("cold")) {
    say("calling agents for the first time");
    const cold = await sections.cold(lab, SCENARIOS["governed-many"], number("rounds"));
    result.rows.push({ scenario: "cold", connections: cold.connections, ...summarize(cold.runs) });
    result.runs.push(...cold.runs.map((run, round) => ({ scenario: "cold", connections: cold.connections, round, ...run })));
  }
  result.targets = targets(runs, result);
  if (options.against) result.against = against(runs);
  return result;
}

function machine() {
  const git = (...args) => execFileSync("git", ["-C", root, ...args], { encoding: "utf8" }).trim();
  const commit = git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain") ? "+" : "");
  return { at: new Date().toISOString(), commit, workerd: VERSION, node: process.version, cores: cpus().length, cpu: cpus()[0]?.model, load: loadavg()[0] };
}

function print({ machine: m, rows, ...result }) {
  console.log(`\n${m.commit}, workerd ${m.workerd}, ${m.cores} × ${m.cpu}`);
  for (const name of ["counts", "sizes", "starts", "directory", "threads", "memory", "compaction", "faces"]) {
    if (result[name]) console.log(`\n${report[name](result[name])}`);
  }
  if (rows.length) console.log(`\n${report.calls(rows)}`);
  if (result.against) console.log(`\n${report.against(result.against)}`);
  if (result.targets.length) console.log(`\n${report.targets(result.targets)}`);
}

async function main() {
  if (options.help) return console.log(USAGE);
  const lab = new Lab({ build: dirname(process.env.RETINUE_WORKER), folder: options.state });
  process.on("exit", () => lab.abandon());
  for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.on(signal, () => process.exit(status));
  }
  const profiled = options.profile ?? options["native-profile"];
  const subject = profiled && scenario(profiled);
  await lab.open();
  if (subject) {
    const file = join(root, ".wrangler", `bench-${profiled}`);
    await (options.profile ? profile : nativeProfile)(lab, subject, { connections: 16, seconds: number("seconds"), file });
  } else {
    const result = await measure(lab);
    await mkdir(dirname(options.json), { recursive: true });
    await writeFile(options.json, `${JSON.stringify(result, null, 1)}\n`);
    print(result);
    say(`\nfigures: ${options.json}`);
  }
  await lab.close();
}

await main().catch((error) => {
  say(`error: ${error.message}`);
  process.exit(1);
});
