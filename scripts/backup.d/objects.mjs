// The objects' part of scripts/backup and scripts/restore:
//
//   objects.mjs dump FILE URL | objects.mjs dump FILE --state DIR
//   objects.mjs verify FILE
//   objects.mjs restore FILE URL [--copy] [--resume] | objects.mjs restore FILE --state DIR […]

import { parseArgs } from "node:util";
import { Writer, read, verify } from "./archive.mjs";
import { Operator } from "./operator.mjs";
import { withWorker } from "./worker.mjs";

/** So many objects are under way together. */
const TOGETHER = 8;
/** A dump is lost to one that begins after it: two backups at once would go on for ever. */
const DUMPS = 5;

const options = { state: { type: "string" }, copy: { type: "boolean" }, resume: { type: "boolean" } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [what, file, url] = positionals;

async function dump(operator) {
  const writer = new Writer(file);
  let threads = [];
  const flush = async () => {
    const all = threads;
    threads = [];
    await Promise.all(all);
  };
  for await (const { id, kind } of operator.objects()) {
    // The index comes before its threads, and the ledger behind them.
    if (kind !== "thread") await flush();
    threads.push(dumpOne(operator, writer, id));
    if (kind !== "thread" || threads.length >= TOGETHER) await flush();
  }
  await flush();
  const { objects, pages } = await writer.end();
  console.error(`${objects} objects in ${pages} pages are in ${file}`);
}

async function dumpOne(operator, writer, object) {
  for (let tries = 1; ; tries++) {
    try {
      return await dumpOnce(operator, writer, object);
    } catch (error) {
      if (error.status !== 409 || tries === DUMPS) throw error;
    }
  }
}

async function dumpOnce(operator, writer, object) {
  let cursor;
  for (let page = 0; ; page++) {
    const { steps, rows, next } = await operator.dump(object, cursor);
    // Nothing was ever written there.
    if (steps === 0) return;
    await writer.page({ object, steps, page, rows, is_last: next === null });
    if (next === null) return;
    cursor = next;
  }
}

async function restore(operator) {
  const { maintenance } = await operator.health();
  if (!maintenance) throw new Error(`${operator.url} is not in maintenance: deploy it with MAINTENANCE=1 first`);
  const [chains, done, kept] = [new Map(), new Set(), new Set()];
  let failed;
  for await (const { object, ...part } of read(file)) {
    if (failed) break;
    const before = chains.get(object) ?? Promise.resolve();
    const next = before.then(() => takeIn(operator, object, part, done, kept));
    chains.set(object, next);
    next.then(
      () => chains.get(object) === next && chains.delete(object),
      (error) => (failed ??= error),
    );
    // At the pace of the slowest.
    if (chains.size >= TOGETHER || part.page > 0) await Promise.race([...chains.values()]).catch(() => {});
  }
  await Promise.allSettled(chains.values());
  if (failed) throw failed;
  console.error(`${done.size} objects are restored${kept.size ? `, ${kept.size} were there` : ""}`);
}

async function takeIn(operator, object, part, done, kept) {
  if (kept.has(object)) return;
  try {
    const { is_whole } = await operator.restore(object, { ...part, is_copy: values.copy === true });
    if (is_whole) done.add(object);
  } catch (error) {
    // An answer was lost: the object is whole since.
    if (error.status === 409 && error.wasTriedBefore && part.is_last && /has something/.test(error.message)) done.add(object);
    else if (error.status === 409 && values.resume && /has something/.test(error.message)) kept.add(object);
    else throw error;
  }
}

try {
  if (what !== "dump") await verify(file);
  const work = { dump, restore }[what];
  if (work) await (values.state ? withWorker(values.state, work) : work(new Operator(url, process.env.OPERATOR_KEY)));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
