// From measurements to figures: medians over the rounds, ratios within a round (what disturbs the machine disturbs both),
// and the targets that the figures are held to.

const WASM_TARGET_BYTES = 900_000;
// What D1 lets one invocation of a Worker ask: https://developers.cloudflare.com/d1/platform/limits/
const D1_QUERIES = 1_000;

export function median(values) {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const FIGURES = {
  perSecond: (run) => run.perSecond,
  p50: (run) => run.latency.p50,
  p99: (run) => run.latency.p99,
  firstTokenP50: (run) => run.firstToken?.p50,
  firstTokenP99: (run) => run.firstToken?.p99,
  cpuUs: (run) => run.cpuUs,
  peakMib: (run) => run.peakMib,
  strangers: (run) => run.strangers,
  upstreamCpuUs: (run) => run.upstreamCpuUs,
  loadCpuUs: (run) => run.loadCpuUs,
};

/** One row of the table, of the runs of one scenario at one number of connections. */
export function summarize(runs) {
  const figures = Object.entries(FIGURES).map(([name, figure]) => [name, median(runs.map(figure))]);
  return { calls: runs.reduce((sum, run) => sum + run.calls, 0), ...Object.fromEntries(figures) };
}

/** Runs, by scenario, connections and round. */
export class Runs {
  constructor() {
    this.all = [];
  }

  add(scenario, connections, round, run) {
    this.all.push({ scenario, connections, round, ...run });
  }

  of(scenario, connections) {
    return this.all.filter((run) => run.scenario === scenario && run.connections === connections);
  }

  rows() {
    const keys = new Map(this.all.map(({ scenario, connections }) => [`${scenario} ${connections}`, { scenario, connections }]));
    const rows = [...keys.values()].map((key) => ({ ...key, ...summarize(this.of(key.scenario, key.connections)) }));
    const order = [...new Set(this.all.map(({ scenario }) => scenario))];
    return rows.sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario) || a.connections - b.connections);
  }

  /** The runs of `a` and `b` of the same round, at these connections; at any where none are named. */
  pairs(a, b, connections) {
    const isSame = (run, other) => run.round === other.round && run.connections === other.connections;
    return this.all
      .filter((run) => run.scenario === a && (connections === undefined || run.connections === connections))
      .map((run) => [run, this.all.find((other) => other.scenario === b && isSame(run, other))])
      .filter(([, other]) => other !== undefined);
  }

  /** The median of `compare(a's figure, b's figure)` over rounds, and connections when none are named; if measured. */
  compare(a, b, connections, figure, compare) {
    const pairs = this.pairs(a, b, connections);
    if (pairs.length === 0) return undefined;
    return median(pairs.map((pair) => compare(...pair.map(FIGURES[figure]))));
  }
}

const ratio = (a, b) => a / b;
const difference = (a, b) => a - b;

/** What was measured of the targets, each with its limit. */
export function targets(runs, { counts, sizes, directory, threads, memory, faces }) {
  const at = (a, b, connections, figure, compare) => runs.compare(a, b, connections, figure, compare);
  const stream = ["governed-stream", "floor-stream"];
  const plain = ["governed", "floor"];
  const many = ["governed-many", "governed"];
  const hops = ["floor-hops", "floor"];
  const list = [
    most("CPU of a governed call / floor, 16 connections", at(...plain, 16, "cpuUs", ratio), 1.8),
    most("CPU of a governed stream / floor, 16 connections", at(...stream, 16, "cpuUs", ratio), 1.8),
    least("calls/s governed / floor, 16 connections", at(...plain, 16, "perSecond", ratio), 0.5),
    least("streams/s governed / floor, 16 connections", at(...stream, 16, "perSecond", ratio), 0.5),
    most("p50 that governing adds, 1 connection, ms", at(...plain, 1, "p50", difference), 3),
    most("first token that governing adds, 1 connection, ms", at(...stream, 1, "firstTokenP50", difference), 3),
    most("CPU with many agents / with ten, all connections", at(...many, undefined, "cpuUs", ratio), 1.1),
    most("p50 with many agents / with ten, all connections", at(...many, undefined, "p50", ratio), 1.1),
    // A run asks the model for a stream, whatever the client asks for.
    most("CPU of a turn on a thread / governed stream, 16 connections", at("turn", "governed-stream", 16, "cpuUs", ratio), 2),
    most("p50 that a thread adds to a governed stream, 1 connection, ms", at("turn", "governed-stream", 1, "p50", difference), 5),
    most("first token that a thread adds, 1 connection, ms", at("turn-stream", "governed-stream", 1, "firstTokenP50", difference), 5),
    most("first look at a thread of 1 GiB over one of 1 MiB, ms", threads && threads.large.readMs - threads.small.readMs, 50),
    most("object rows written by a streamed minute", threads?.minute.rowsWritten, 260),
    most("a search among 10,000 memories, ms", memory?.searchMs, 10),
    most("a turn with memory / one without", memory?.ratio, 1.3),
    most("CPU of a call through the dearest face / ours", faces && Math.max(...faces.map(({ cpu }) => cpu)), 1.25),
    most("first piece through the slowest face / ours", faces && Math.max(...faces.map(({ first }) => first)), 1.25),
    most("D1 queries of a warm call", counts?.warm.d1Statements, 0),
    most("hops that a warm call waits for", counts?.warm.blockingHops, 1),
    most("wasm, gzipped, KB", sizes && sizes.wasmGzipped / 1000, WASM_TARGET_BYTES / 1000),
    ...(directory ? ofDirectory(directory) : []),
    { name: "(for comparison: CPU of the floor with two empty hops / floor)", reached: at(...hops, 16, "cpuUs", ratio) },
  ];
  return list.filter(({ reached }) => reached !== undefined);
}

// Student's t, two-sided 95 %, by degrees of freedom.
const T95 = [NaN, 12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];

/** The geometric mean of ratios, and the interval in which it lies at 95 %. */
function interval(ratios) {
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  const reach = (T95[logs.length - 1] ?? 2) * Math.sqrt(variance / logs.length);
  return { ratio: Math.exp(mean), low: Math.exp(mean - reach), high: Math.exp(mean + reach) };
}

/** This build over the other one, for each row: what a call costs and how long it takes. Above one is slower. */
export function against(runs) {
  const slower = { cpuUs: ratio, p50: ratio, firstTokenP50: ratio, perSecond: (a, b) => b / a };
  return runs.rows().flatMap(({ scenario, connections }) => {
    const pairs = runs.pairs(scenario, `${scenario}-before`, connections);
    return Object.entries(slower).flatMap(([name, compare]) => {
      const ratios = pairs.map((pair) => compare(...pair.map(FIGURES[name]))).filter((value) => !Number.isNaN(value));
      return ratios.length > 1 ? [{ scenario, connections, name, rounds: ratios.length, ...interval(ratios) }] : [];
    });
  });
}

function ofDirectory({ accounts: { few, many }, latency, imported, growing }) {
  const ratioOf = (wanted) => latency.find(({ name }) => name.startsWith(wanted)).ratio;
  const times = `${many.agents} agents / ${few.agents}`;
  return [
    most(`p50 of a page of agents, ${times}`, ratioOf("list"), 2),
    most(`p50 of getting an agent, ${times}`, ratioOf("get"), 2),
    most(`D1 queries of an import of ${imported.agents} agents`, imported.d1.statements, D1_QUERIES),
    most("reads whose D1 rows grow and their answer does not", growing.length, 0),
  ];
}

const most = (name, reached, limit) => ({ name, reached, limit, is: "≤", isMet: reached <= limit });
const least = (name, reached, limit) => ({ name, reached, limit, is: "≥", isMet: reached >= limit });
