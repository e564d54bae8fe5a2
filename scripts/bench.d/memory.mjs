// What memories cost: how soon one is found among ten thousand, and what a turn takes that is given some.

import { OPERATOR_KEY, call } from "./fixture.mjs";
import { median } from "./summary.mjs";

// A scenario of its own: it has a folder of state.
const SCENARIO = { agents: 13 };
const MEMORIES = 10_000;
const AT_ONCE = 32;
const SEARCHES = 200;
const TURNS = 200;
const WORDS = ["scanner", "gateway", "warehouse", "invoice", "shipment", "noon", "order", "parcel", "label", "printer", "dock", "pallet"];
const USER = "ada";

const word = (n) => WORDS[n % WORDS.length];
const text = (n) =>
  `The customer reported that the ${word(n)} of site ${n} lost the ${word(n * 7 + 3)} after the ${word(n * 5 + 1)} was moved; ticket t${n}x.`;

/** The middle of what each takes, in ms: a search, one with rare words alone, and a turn without memories and with some. */
export async function memory(lab, say) {
  const instance = await lab.start(SCENARIO);
  const { caller, reader } = lab.keyOf(SCENARIO);
  say(`writing ${MEMORIES} memories`);
  const write = (n) => call(instance, reader, "POST", "/api/v1/memories", { user: USER, text: text(n) });
  for (let n = 0; n < MEMORIES; n += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, MEMORIES - n) }, (_, more) => write(n + more)));
  }
  const find = (query) => timed(() => call(instance, reader, "GET", `/api/v1/memories?user=${USER}&limit=10&status=active&q=${encodeURIComponent(query)}`));
  const none = () => timed(() => call(instance, reader, "GET", "/api/v1/memories?user=nobody&q=nothing"));
  const admin = (await call(instance, OPERATOR_KEY, "POST", "/api/v1/accounts/bench/keys", { name: "memory", role: "admin" })).key;
  await call(instance, admin, "PATCH", "/api/v1/agents/agent-1", { memory: { read: ["user"] } });
  const turn = (n) => timed(() => call(instance, caller, "POST", `/accounts/bench/agents/agent-${n}/threads/m${n}/runs`, { message: question(n), user: USER }));
  for (let n = 0; n < 20; n++) await Promise.all([find("scanner"), none()]);
  for (let n = 0; n < 20; n++) await turn(n % 2);
  const seen = { common: [], rare: [], none: [], without: [], withMemory: [] };
  say("looking for memories, and taking turns");
  for (let n = 0; n < SEARCHES; n++) {
    seen.common.push(await find(`What happened to the ${word(n)} of the customer when the ${word(n + 4)} was lost, ticket t${n * 37}x?`));
    seen.rare.push(await find(`t${n * 37}x`));
    seen.none.push(await none());
  }
  for (let n = 0; n < TURNS; n++) {
    seen.without.push(await turn(0));
    seen.withMemory.push(await turn(1));
  }
  await instance.stop();
  const middle = Object.fromEntries(Object.entries(seen).map(([name, times]) => [name, median(times)]));
  // What the same request takes that finds no object is not the search's.
  return { ...middle, searchMs: middle.common - middle.none, ratio: middle.withMemory / middle.without };
}

const question = (n) => `Since this morning our scanners lose the connection to the gateway. Who looks at site ${n} before noon?`;

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
