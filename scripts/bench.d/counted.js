// The Worker, with what it asks of its objects counted: hops, and what the objects ask of their own storage. Nothing in
// the product knows of it; it is measured by counts only, never by time.
//
// `/__bench` answers the counts and begins anew; `/__bench?delay=MS` makes every hop take that much longer, so that a
// call's latency tells how many of its hops it waits for.

import Worker, { AccountObject as Inner } from "./index.js";

export * from "./index.js";

// What a statement on a table of a thread's object says first.
const OF_THREADS = /^\s*(INSERT( OR \w+)? INTO|UPDATE|DELETE FROM) (thread|items|pieces|runs|steps|events|answers|keys|effects)\b/;

const none = () => ({ hops: 0, alarmsSet: 0, alarmsRung: 0, statements: 0 });

let counts = none();
let cursors = [];
let delayMs = 0;
let isPatched = false;

// The platform's objects take no wrapper, but their prototypes take another method.
function patch(storage) {
  if (isPatched) return;
  isPatched = true;
  replace(storage.sql, "exec", (cursor, statement) => {
    counts.statements += 1;
    cursors.push({ cursor, isThreads: OF_THREADS.test(statement) });
  });
  replace(storage, "setAlarm", () => (counts.alarmsSet += 1));
}

function replace(object, name, note) {
  const prototype = Object.getPrototypeOf(object);
  const original = prototype[name];
  prototype[name] = function (...rest) {
    const result = original.apply(this, rest);
    note(result, ...rest);
    return result;
  };
}

export class AccountObject {
  constructor(state, env) {
    patch(state.storage);
    this.inner = new Inner(state, env);
  }

  async fetch(request) {
    counts.hops += 1;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return this.inner.fetch(request);
  }

  alarm() {
    counts.alarmsRung += 1;
    return this.inner.alarm();
  }
}

export default {
  fetch(request, env, context) {
    const url = new URL(request.url);
    if (url.pathname !== "/__bench") return new Worker(context, env).fetch(request);
    const sum = (field, of = cursors) => of.reduce((total, { cursor }) => total + cursor[field], 0);
    const threadRowsWritten = sum("rowsWritten", cursors.filter(({ isThreads }) => isThreads));
    const answer = Response.json({ ...counts, rowsRead: sum("rowsRead"), rowsWritten: sum("rowsWritten"), threadRowsWritten });
    counts = none();
    cursors = [];
    delayMs = Number(url.searchParams.get("delay") ?? 0);
    return answer;
  },
};
