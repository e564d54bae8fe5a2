import { parseArgs } from "node:util";
import { join } from "node:path";
import { Lab, SCENARIOS } from "./lab.mjs";

const root = process.env.RETINUE_ROOT;
const { values: o } = parseArgs({ options: { only: { type: "string" }, seconds: { type: "string", default: "3" }, rounds: { type: "string", default: "3" }, connections: { type: "string", default: "16,1,64" }, agents: { type: "string", default: "100000" }, build: {type:"string", default: join(root, "build")} } });
const lab = new Lab({ build: o.build, folder: join(root, ".wrangler/bench"), manyAgents: Number(o.agents) });
process.on("exit", () => lab.abandon());
for (const s of ["SIGINT", "SIGTERM"]) process.on(s, () => process.exit(130));
await lab.open();
const names = o.only?.split(",") ?? Object.keys(SCENARIOS);
for (const n of names) { const t = Date.now(); console.log(n, await lab.measure(SCENARIOS[n], { connections: 16, seconds: 2 }), Date.now() - t); }
for (let r = 0; r < Number(o.rounds); r++) for (const c of o.connections.split(",").map(Number)) for (const n of r % 2 ? names.toReversed() : names) {
  const m = await lab.measure(SCENARIOS[n], { connections: c, seconds: Number(o.seconds) });
  console.log(r, c, n.padEnd(16), `${m.perSecond.toFixed(0)}/s cpu ${m.cpuUs.toFixed(0)} p50 ${m.latency.p50.toFixed(2)} p99 ${m.latency.p99.toFixed(2)} rss ${m.peakMib.toFixed(0)} up ${m.upstreamCpuUs.toFixed(0)} load ${m.loadCpuUs.toFixed(0)} strangers ${(100*m.strangers).toFixed(0)}% err ${m.errors}`, m.firstErrors, m.firstToken ?? "");
}
await lab.close();
