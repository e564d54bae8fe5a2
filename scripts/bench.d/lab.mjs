// Everything a measurement runs in: the upstream, the load, and the Workers, each in a process of its own, started when
// first needed and ended together.

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { VARS, agentRequests, bareRequests, fill, hot, migrate } from "./fixture.mjs";
import { counted, floor, killAll, retinue, start } from "./workerd.mjs";
import { cpuUs, idle, machine, peakMib, resetPeak } from "./process.mjs";

/** What the first token looks like in a stream; the upstream says it once. */
const MARKER = '"content":"token"';

/** What is measured: by which Worker, with how many agents in its directory, streamed or not. */
export const SCENARIOS = {
  floor: { bare: true },
  governed: { agents: 10 },
  "floor-stream": { bare: true, stream: true },
  "governed-stream": { agents: 10, stream: true },
  "governed-many": { agents: "many" },
};

export class Lab {
  constructor({ build, folder, manyAgents }) {
    this.build = build;
    this.folder = folder;
    this.manyAgents = manyAgents;
    this.instances = new Map();
    this.keys = new Map();
    this.children = [];
  }

  async open() {
    await rm(this.folder, { recursive: true, force: true });
    await mkdir(this.folder, { recursive: true });
    this.upstreamProcess = this.helper("upstream.mjs");
    const [{ port }] = await once(this.upstreamProcess, "message");
    this.upstream = `http://127.0.0.1:${port}`;
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
  }

  /** The last resort: leaves nothing behind. */
  abandon() {
    killAll();
    for (const child of this.children) child.kill("SIGKILL");
  }

  agents({ agents }) {
    return agents === "many" ? this.manyAgents : agents;
  }

  /** The Worker of a scenario; scenarios with the same directory share it. */
  async instance(scenario) {
    const name = scenario.bare ? "floor" : `agents-${this.agents(scenario)}`;
    if (!this.instances.has(name)) this.instances.set(name, await this.begin(name, scenario));
    return this.instances.get(name);
  }

  async begin(name, scenario, options) {
    const folder = join(this.folder, name);
    if (scenario.bare) return start(floor({ UPSTREAM: this.upstream }), folder, options);
    await this.furnish(name, folder, this.agents(scenario));
    const worker = scenario.counted ? counted(this.build, VARS) : retinue(this.build, VARS);
    return start(worker, folder, options);
  }

  /** Fills the state by a process of its own, so that what is measured has only served. */
  async furnish(name, folder, agents) {
    const instance = await start(retinue(this.build, VARS), folder);
    await migrate(instance);
    this.keys.set(name, await fill(instance, this.upstream, agents));
    await instance.stop();
  }

  /** The calls of a scenario, in turn. */
  requests(scenario, numbers) {
    if (scenario.bare) return bareRequests(scenario.stream);
    const agents = this.agents(scenario);
    return agentRequests(this.keys.get(`agents-${agents}`), numbers ?? hot(agents), scenario.stream);
  }

  /** Lets the load make calls; answers what the clients saw. */
  async drive(instance, job) {
    this.load.send({ port: instance.port, ...job });
    const [seen] = await once(this.load, "message");
    return seen;
  }

  /** One measurement: what the clients saw, and what it cost until the Worker was at rest again. */
  async measure(scenario, { numbers, ...job }) {
    const instance = await this.instance(scenario);
    const { pid } = instance;
    await idle(pid);
    resetPeak(pid);
    const before = this.clocks(pid);
    const requests = this.requests(scenario, numbers);
    const seen = await this.drive(instance, { ...job, requests, marker: scenario.stream && MARKER });
    const loaded = machine();
    const others = cpuUs(pid) + cpuUs(this.upstreamProcess.pid) + cpuUs(this.load.pid) - before.worker - before.upstream - before.load;
    await idle(pid);
    const after = this.clocks(pid);
    return {
      ...seen,
      cpuUs: (after.worker - before.worker) / Math.max(seen.calls, 1),
      upstreamCpuUs: (after.upstream - before.upstream) / Math.max(seen.calls, 1),
      peakMib: peakMib(pid),
      // The share of the machine that went to programs that are not ours.
      strangers: Math.max(0, loaded.busyUs - before.machine.busyUs - others) / (loaded.totalUs - before.machine.totalUs),
    };
  }

  clocks(pid) {
    const [upstream, load] = [this.upstreamProcess.pid, this.load.pid].map(cpuUs);
    return { worker: cpuUs(pid), upstream, load, machine: machine() };
  }
}
