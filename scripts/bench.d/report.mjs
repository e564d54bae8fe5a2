// The tables that a person reads.

const COLUMNS = [
  ["scenario", (row) => row.scenario],
  ["conns", (row) => row.connections],
  ["calls/s", (row) => fixed(row.perSecond, 0)],
  ["p50 ms", (row) => fixed(row.p50, 2)],
  ["p99 ms", (row) => fixed(row.p99, 2)],
  ["token p50", (row) => fixed(row.firstTokenP50, 2)],
  ["token p99", (row) => fixed(row.firstTokenP99, 2)],
  ["CPU µs", (row) => fixed(row.cpuUs, 0)],
  ["peak MiB", (row) => fixed(row.peakMib, 0)],
  ["others %", (row) => fixed(row.strangers * 100, 0)],
];

const fixed = (value, digits) => (value === undefined || Number.isNaN(value) ? "–" : value.toFixed(digits));

/** Rows of texts under each other; the first column to the left, numbers to the right. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const cell = (text, column) => (column === 0 ? String(text).padEnd(widths[0]) : String(text).padStart(widths[column]));
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}

export function calls(rows) {
  return table([COLUMNS.map(([title]) => title), ...rows.map((row) => COLUMNS.map(([, text]) => text(row)))]);
}

const SLOWER = { cpuUs: "CPU a call", p50: "p50", firstTokenP50: "first token p50", perSecond: "time a call (1 / calls/s)" };

export function against(rows) {
  const heads = ["this build / the other (above 1: slower)", "conns", "figure", "rounds", "ratio", "95 %", ""];
  const verdict = ({ low, high }) => (low > 1 ? "slower" : high < 1 ? "faster" : "");
  return table([
    heads,
    ...rows.map((row) => {
      const range = `${fixed(row.low, 3)} – ${fixed(row.high, 3)}`;
      return [row.scenario, row.connections, SLOWER[row.name], row.rounds, fixed(row.ratio, 3), range, verdict(row)];
    }),
  ]);
}

const COUNTS = {
  "hops to the object": "hops",
  "… that the call waits for": "blockingHops",
  "object: statements": "statements",
  "object: rows read": "rowsRead",
  "object: rows written": "rowsWritten",
  "of them, a thread's": "threadRowsWritten",
  "object: alarms set": "alarmsSet",
  "object: alarms rung": "alarmsRung",
  "D1: requests": "d1Requests",
  "D1: queries": "d1Statements",
  "D1: rows read": "d1RowsRead",
  "D1: rows written": "d1RowsWritten",
};

export function counts({ warm, warmAt16, first, firstTurn, turn }) {
  const rows = Object.entries(COUNTS).map(([title, name]) => [title, ...[warm, warmAt16, first, firstTurn, turn].map((run) => fixed(run[name], 2))]);
  return table([["a call asks for", "warm, alone", "warm, 16 at once", "first of its agent", "first of a thread", "on a thread"], ...rows]);
}

export function sizes(sizes) {
  const kb = (bytes) => fixed(bytes / 1000, 1);
  return table([
    ["upload, KB", "raw", "gzipped"],
    ["wasm", kb(sizes.wasm), kb(sizes.wasmGzipped)],
    ["script", kb(sizes.script), kb(sizes.scriptGzipped)],
    ["wasm without names", kb(sizes.namelessWasm), kb(sizes.namelessWasmGzipped)],
  ]);
}

export function starts({ worker, bare }) {
  const row = (name, run) => [name, fixed(run.ms, 0), fixed(run.cpuMs, 0)];
  const more = { ms: worker.ms - bare.ms, cpuMs: worker.cpuMs - bare.cpuMs };
  return table([["workerd's start to the first answer", "ms", "CPU ms"], row("bare", bare), row("the Worker", worker), row("more", more)]);
}

export function directory({ accounts, latency, imported, reads, ...of }) {
  const { few, many, rich } = accounts;
  const times = latency.map((row) => [row.name, fixed(row.few, 2), fixed(row.many, 2), fixed(row.ratio, 2)]);
  const file = (name, { agents, bytes, ms, mib }) =>
    [name, ...[agents, bytes / 1000, ms, mib.before, mib.peak, mib.after].map((value) => fixed(value, 0))];
  const read = (row) => [row.few.queries, ...[row.few, row.many, row.rich].map((run) => `${run.rowsRead} / ${run.answered}`)];
  const files = [file("export", of.exported), file("export, again", of.exportedAgain), file("import", imported)];
  const heads = [`${few.agents} agents`, `${many.agents} agents`, `${rich.others} of all else`];
  const { d1 } = imported;
  return [
    table([["p50 ms of one client, by agents", few.agents, many.agents, "ratio"], ...times]),
    table([["in one request", "agents", "KB", "ms", "MiB before", "peak", "after"], ...files]),
    `first byte of the export after ${fixed(of.exported.firstByteMs, 0)} ms; the import asked D1 ${d1.requests} times for ` +
      `${d1.statements} queries, ${d1.rowsRead} rows read and ${d1.rowsWritten} written`,
    table([
      ["D1 rows read / rows answered", "queries", ...heads, "per row more"],
      ...reads.map((row) => [row.name, ...read(row), fixed(row.perRow, 1)]),
    ]),
  ].join("\n\n");
}

export function threads({ small, large, resumeMs, minute }) {
  const row = (name, { readMs, turnMs }) => [name, fixed(readMs, 1), fixed(turnMs, 1)];
  const rows = [["after a restart, ms", "first look", "first turn"], row("thread of 1 MiB", small), row("thread of 1 GiB", large)];
  return (
    `${table(rows)}\nthe rest of a run for a watcher that comes back: ${fixed(resumeMs, 1)} ms; ` +
    `a streamed minute writes ${minute.rowsWritten} object rows`
  );
}

export function memory(of) {
  const names = {
    "search by common words and a rare one": "common",
    "search by a rare word": "rare",
    "search where there is nothing": "none",
    "turn without memory": "without",
    "turn with memory": "withMemory",
  };
  return table([["among 10,000 memories, p50 ms", ""], ...Object.entries(names).map(([title, name]) => [title, fixed(of[name], 2)])]);
}

export function faces(rows) {
  const row = ({ name, cpuUs, firstMs, cpu, first }) => [name, fixed(cpuUs, 0), fixed(firstMs, 2), fixed(cpu, 2), fixed(first, 2)];
  return table([["through each face", "CPU µs", "first piece, ms", "CPU / ours", "first / ours"], ...rows.map(row)]);
}

export function compaction({ without, compacting, summaries, ratio }) {
  return (
    `a turn that sums up its thread's oldest runs: ${fixed(compacting, 1)} ms, one that does not: ${fixed(without, 1)} ms ` +
    `(p50, ${fixed(ratio, 2)} ×, of ${summaries}); it asks the model once more`
  );
}

export function targets(list) {
  const rows = list.map(({ name, reached, limit, is, isMet }) =>
    limit === undefined ? [name, fixed(reached, 2), "", ""] : [name, fixed(reached, 2), `${is} ${limit}`, isMet ? "pass" : "FAIL"],
  );
  return table([["target", "reached", "limit", ""], ...rows]);
}
