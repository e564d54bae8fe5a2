// What each protocol costs beside our own: the same question through each face of an agent, whole and as a stream.

import { cpuUs, idle } from "./process.mjs";
import { median } from "./summary.mjs";

// A scenario of its own: it has a folder of state.
const SCENARIO = { agents: 14 };
const ROUNDS = 7;
const CALLS = 150;
const WARM = 100;
const TEXT =
  "Hello, since this morning our warehouse scanners lose the connection every few minutes. Can somebody look at this before noon?";

const says = [{ role: "user", content: TEXT }];
/** Path and body by face; ours first. Nothing of any is kept, and each is a call without a run. */
const FACES = {
  native: (stream) => [stream ? "/stream" : "/chat", { message: TEXT }],
  "chat completions": (stream) => ["/v1/chat/completions", { model: "agent-0", messages: says, stream }],
  responses: (stream) => ["/v1/responses", { model: "agent-0", input: TEXT, store: false, stream }],
  messages: (stream) => ["/v1/messages", { model: "agent-0", max_tokens: 256, messages: says, stream }],
};

/** By face and manner: the CPU of a call in µs, when its first piece comes in ms, and both in proportion to ours. */
export async function faces(lab, say) {
  const instance = await lab.start(SCENARIO);
  const { caller } = lab.keyOf(SCENARIO);
  const ask = async (name, stream) => {
    const [path, body] = FACES[name](stream);
    const started = performance.now();
    const response = await fetch(`${instance.url()}/accounts/bench/agents/agent-0${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${caller}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    const reader = response.body.getReader();
    await reader.read();
    const first = performance.now() - started;
    while (!(await reader.read()).done);
    return first;
  };
  const seen = {};
  for (const stream of [false, true]) {
    for (const name of Object.keys(FACES)) for (let n = 0; n < WARM; n++) await ask(name, stream);
    for (let round = 0; round < ROUNDS; round++) {
      say(`faces, ${stream ? "streams" : "whole"}, round ${round + 1}`);
      for (const name of Object.keys(FACES)) {
        await idle(instance.pid);
        const before = cpuUs(instance.pid);
        const firsts = [];
        for (let n = 0; n < CALLS; n++) firsts.push(await ask(name, stream));
        await idle(instance.pid);
        const of = (seen[`${name}${stream ? ", stream" : ""}`] ??= { cpu: [], first: [] });
        of.cpu.push((cpuUs(instance.pid) - before) / CALLS);
        of.first.push(median(firsts));
      }
    }
  }
  await instance.stop();
  return Object.entries(seen).map(([name, { cpu, first }]) => {
    const ours = seen[name.endsWith("stream") ? "native, stream" : "native"];
    const ratio = (values, of) => median(values.map((value, round) => value / of[round]));
    return { name, cpuUs: median(cpu), firstMs: median(first), cpu: ratio(cpu, ours.cpu), first: ratio(first, ours.first) };
  });
}
