// What it costs to sum up the oldest runs of a thread: a turn that does so, against one that does not.

import { BUDGET, INSTRUCTIONS, MODEL, OPERATOR_KEY, call } from "./fixture.mjs";
import { median } from "./summary.mjs";

// A scenario of its own: it has a folder of state.
const SCENARIO = { agents: 14 };
const THREADS = 20;
const TURNS = 10;
// The upstream says of each call that it has used 112 tokens.
const SMALL_CONTEXT = 140;

/** The middle of what a turn takes, in ms: on threads that are never compacted, and on those that are in each turn. */
export async function compaction(lab, say) {
  const instance = await lab.start(SCENARIO);
  const { caller, reader } = lab.keyOf(SCENARIO);
  const admin = (await call(instance, OPERATOR_KEY, "POST", "/api/v1/accounts/bench/keys", { name: "compaction", role: "admin" })).key;
  await call(instance, admin, "PUT", "/api/v1/models/bench/small", { ...MODEL, context_tokens: SMALL_CONTEXT, max_output_tokens: 20 });
  const agent = { slug: "compacting", name: "Compacting", instructions: INSTRUCTIONS, model: "bench:small", access: "key" };
  await call(instance, admin, "POST", "/api/v1/agents", { ...agent, budget: BUDGET });
  const message = "Since this morning our scanners lose the connection to the gateway. Who looks at it before noon?";
  const turn = async (slug, n) => {
    const started = performance.now();
    const run = await call(instance, caller, "POST", `/accounts/bench/agents/${slug}/threads/${slug}-${n}/runs`, { message });
    return { ms: performance.now() - started, run };
  };
  say("taking turns on threads that are compacted");
  const seen = { without: [], compacting: [] };
  let summaries = 0;
  for (let nth = 0; nth < TURNS; nth++) {
    for (let n = 0; n < THREADS; n++) {
      const plain = await turn("agent-0", n);
      const compacted = await turn("compacting", n);
      // The first turns of a thread have nothing to sum up.
      if (nth < 3) continue;
      seen.without.push(plain.ms);
      const { steps } = await call(instance, reader, "GET", `/accounts/bench/runs/${compacted.run.id}/steps`);
      if (!steps.some((step) => step.compaction)) continue;
      summaries++;
      seen.compacting.push(compacted.ms);
    }
  }
  await instance.stop();
  const [without, compacting] = [median(seen.without), median(seen.compacting)];
  return { without, compacting, summaries, ratio: compacting / without };
}
