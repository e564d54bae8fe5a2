// Everything a measurement runs in: the upstream, the load, and the Workers, each in a process of its own, started when
// first needed and ended together.

import { fork } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { VARS, agentRequests, bareRequests, fill, hot, migrate, readRequests, turnRequests } from "./fixture.mjs";
import { cpuUs, idle, machine, peakMib, resetPeak } from "./process.mjs";
import { Instance, counted, floor, killAll, retinue } from "./workerd.mjs";

/** What the first token looks like in a stream; the upstream says it once. */
const MARKER = '"content":"token"';

// V8 compiles a wasm function well only after many calls.
const WARM_UP = { connections: 16, calls: 40_000, seconds: 40 };

export class Lab {
  constructor({ build, folder }) {
    this.build = build;
    this.folder = folder;
    this.instances = new Map();
    this.keys = new Map();
    this.children = [];
  }

  async open() {
    await rm(this.folder, { recursive: true, force: true });
    await mkdir(this.folder, { recursive: true });
    this.upstream = this.helper("upstream.mjs");
    const { port } = await message(this.upstream);
    this.upstreamUrl = `http://127.0.0.1:${port}`;
    this.load = this.helper("load.mjs");
  }

  helper(file) {
    const child = fork(join(import.meta.dirname, file), { stdio: "inherit" });
    this.children.push(child);
    return child;
  }

  async close() {
    await Promise.all([...this.instances.values()].map((instance) => instance.stop()));
    for (const child of this.children) child.disconnect();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The last resort: leaves nothing running. */
  abandon() {
    killAll();
    for (const child of this.children) child.kill("SIGKILL");
  }

  /**
   * The Worker of a scenario, `{ bare }` or `{ agents }`, warm; of another `build` where it names one. Scenarios with the
   * same directory and build share it.
   */
  async instance(scenario, options) {
    const name = nameOf(scenario);
    if (!this.instances.has(name)) {
      this.instances.set(name, await this.start(scenario, options));
      await this.drive(this.instances.get(name), { ...WARM_UP, requests: this.requests(scenario) });
    }
    return this.instances.get(name);
  }

  /** A Worker that has not served yet, with its directory filled. */
  async start(scenario, options) {
    const folder = join(this.folder, nameOf(scenario));
    if (scenario.bare) return Instance.start(floor({ UPSTREAM: this.upstreamUrl, HOPS: scenario.hops ? "1" : "" }), folder, options);
    if (!this.keys.has(nameOf(scenario))) await this.furnish(scenario, folder);
    return Instance.start((scenario.counted ? counted : retinue)(scenario.build ?? this.build, VARS), folder, options);
  }

  /** Fills the state by a process of its own, so that what is measured has only served. */
  async furnish(scenario, folder) {
    const instance = await Instance.start(retinue(scenario.build ?? this.build, VARS), folder);
    await migrate(instance);
    this.keys.set(nameOf(scenario), await fill(instance, this.upstreamUrl, scenario.agents));
    await instance.stop();
  }

  /** The keys of a scenario's account. */
  keyOf(scenario) {
    return this.keys.get(nameOf(scenario));
  }

  /** Does something while Workers are furnished with another upstream. */
  async at(url, work) {
    const before = this.upstreamUrl;
    this.upstreamUrl = url;
    const done = await work();
    this.upstreamUrl = before;
    return done;
  }

  /** A scenario's calls, in turn: of the hot agents, or of those `numbers`. */
  requests(scenario, numbers) {
    if (scenario.bare) return bareRequests(scenario.stream);
    const { caller, reader } = this.keys.get(nameOf(scenario));
    const chosen = numbers ?? hot(scenario.agents);
    if (scenario.turn) return turnRequests(caller, chosen, scenario.stream);
    return scenario.read ? readRequests(reader, chosen) : agentRequests(caller, chosen, scenario.stream);
  }

  /** Lets the load make calls; answers what the clients saw. */
  async drive(instance, job) {
    this.load.send({ port: instance.ports.http, ...job });
    const seen = await message(this.load);
    if (seen.errors > 0) throw new Error(`${seen.errors} calls failed; the first: ${seen.firstErrors.join("; ")}`);
    return seen;
  }

  /** One measurement: what the clients saw, and what it cost until the Worker was at rest again. */
  async measure(scenario, { numbers, ...limits }) {
    const instance = await this.instance(scenario);
    const requests = this.requests(scenario, numbers);
    await idle(instance.pid);
    resetPeak(instance.pid);
    const before = this.clocks(instance);
    const seen = await this.drive(instance, { ...limits, requests, marker: scenario.stream && MARKER });
    const loaded = this.clocks(instance);
    await idle(instance.pid);
    const after = this.clocks(instance);
    return {
      ...seen,
      cpuUs: (after.worker - before.worker) / seen.calls,
      upstreamCpuUs: (after.upstream - before.upstream) / seen.calls,
      peakMib: peakMib(instance.pid),
      strangers: strangers(before, loaded),
    };
  }

  clocks(instance) {
    const [worker, upstream, load] = [instance.pid, this.upstream.pid, this.load.pid].map(cpuUs);
    return { worker, upstream, load, ours: worker + upstream + load + process.cpuUsage().user, machine: machine() };
  }
}

/** What a helper says next; an error when it ends instead. */
function message(child) {
  return new Promise((resolve, reject) => {
    const ended = (status) => reject(new Error(`a helper of the bench ended with ${status}`));
    child.once("exit", ended);
    child.once("message", (said) => {
      child.off("exit", ended);
      resolve(said);
    });
  });
}

const nameOf = ({ bare, hops, counted: isCounted, agents, build }) =>
  bare ? `floor${hops ? "-hops" : ""}` : `${isCounted ? "counted" : "agents"}-${agents}${build ? "-before" : ""}`;

// The share of the machine that went to programs that are not the bench's.
function strangers(before, after) {
  const busy = after.machine.busyUs - before.machine.busyUs - (after.ours - before.ours);
  return Math.max(0, busy) / (after.machine.totalUs - before.machine.totalUs);
}
