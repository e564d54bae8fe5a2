// The Worker as the tests run it: the built module, with what a test decides laid around it. Its clock stands still until
// it is moved, alarms ring when a test rings them (those of threads and dispatch objects that are due as they are set, by themselves), and before an operation a test may be asked whether it fails. The
// product's own code is the deployed one; nothing in it knows of this.
//
// The entrypoint `control` listens on a socket of its own, for the test process alone.

import { WorkerEntrypoint } from "cloudflare:workers";
import Worker, {
  AccountObject as Account,
  DispatchObject as Dispatch,
  KnowledgeObject as Knowledge,
  ThreadObject as Thread,
} from "./index.js";

let now = 0;
let isWatched = false;
let variables = {};
let environment;

globalThis.Date = class extends Date {
  static now = () => now;

  constructor(...given) {
    super(...(given.length > 0 ? given : [now]));
  }
};

// What the platform throws where HTTP has no way to say it: the provider's script puts it into this header.
const THROWN = "x-test-throws";
const controllers = new WeakMap();

AbortSignal.timeout = (timeout) => {
  const timed = new AbortController();
  setTimeout(() => timed.abort(timedOut()), timeout);
  timed.signal.timeout = timeout;
  controllers.set(timed.signal, timed);
  return timed.signal;
};

// Of several signals one is a timeout.
const any = AbortSignal.any;
AbortSignal.any = (signals) => {
  const signal = any.call(AbortSignal, signals);
  const timed = signals.find((one) => controllers.has(one));
  signal.timeout = timed.timeout;
  controllers.set(signal, controllers.get(timed));
  return signal;
};

const timedOut = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");

const platformFetch = globalThis.fetch;
globalThis.fetch = async (url, init) => {
  const headers = new Headers(init.headers);
  headers.set("x-test-timeout", init.signal.timeout);
  return arrived(await platformFetch(url, { ...init, headers }), init.signal);
};

function arrived(response, signal) {
  switch (response.headers.get(THROWN)) {
    case null:
      return response;
    case "timeout":
      throw timedOut();
    case "timeout of the body":
      setTimeout(() => controllers.get(signal).abort(timedOut()), 50);
      return response;
    default:
      throw new Error(response.headers.get(THROWN));
  }
}

// Asks the test process whether these operations happen, fail before they do, or are lost after.
async function meet(env, operations) {
  const answer = await env.TEST.fetch("http://test/meet", { method: "POST", body: JSON.stringify(operations) });
  const { failure, words } = await answer.json();
  return (side) => {
    if (failure === side) throw new Error(words, { cause: new Error(words) });
  };
}

const originals = {};

// The platform's bindings take no wrapper, because their class is looked at; their prototypes take another method.
function patch(binding, name, replacement) {
  if (name in originals) return;
  const prototype = Object.getPrototypeOf(binding);
  originals[name] = prototype[name];
  prototype[name] = replacement(prototype[name]);
}

function watch(env) {
  patch(env.DB, "batch", (batch) => async function (statements) {
    if (!isWatched) return batch.call(this, statements);
    const failed = await meet(env, { sql: statements.map(({ statement }) => statement) });
    failed("before");
    const results = await batch.call(this, statements);
    failed("after");
    return results;
  });
  // The platform's own binding, before an emulated service: what it sends is what the platform is sent.
  patch(env.AI, "run", (run) => async function (model, input, options) {
    const extraHeaders = { "x-test-timeout": String(options.signal.timeout) };
    return arrived(await run.call(this, model, input, { ...options, extraHeaders }), options.signal);
  });
  patch(env.ACCOUNTS, "getByName", (getByName) => function (name) {
    const object = getByName.call(this, name);
    // A thread's name is its account's, a colon and its own.
    if (!isWatched || name.includes(":")) return object;
    const fetch = async (url, init) => {
      const failed = await meet(env, { command: init.headers?.["x-retinue"] ?? init.body });
      failed("before");
      const response = await object.fetch(url, init);
      failed("after");
      return response;
    };
    return { fetch };
  });
}

// When each object's alarm is due, by the object's id: the platform keeps it while the object dies.
const alarms = new Map();

// The same, but for some of its members.
const like = (target, own) =>
  new Proxy(target, {
    get(_, name) {
      if (name in own) return own[name];
      const value = target[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

/** An object, which also does what only a test asks of it. */
const tested = (Inner) => class {
  constructor(state, env) {
    this.state = state;
    this.id = state.id.toString();
    const setAlarm = async (at) => {
      alarms.set(this.id, Number(at));
      // These leave to their alarms what must not be done within the word of another.
      if (Inner !== Account && at <= now) setTimeout(() => this.ring(), 0);
    };
    // What the test sets reaches the providers that an object asks, too.
    const { AI, ...others } = env;
    this.environment = env.HAS_AI ? { AI, ...others } : others;
    Object.assign(this.environment, variables);
    this.inner = new Inner(like(state, { storage: like(state.storage, { setAlarm }) }), this.environment);
  }

  ring() {
    if (!(alarms.get(this.id) <= now)) return new Response();
    alarms.delete(this.id);
    return this.inner.alarm();
  }

  async fetch(request) {
    switch (request.headers.get("x-test")) {
      case "alarm":
        return this.ring();
      case "lose":
        alarms.delete(this.id);
        return new Response();
      case "crash":
        return this.state.abort("the test lets it die");
      case "number":
        return Response.json(Object.values(this.state.storage.sql.exec(await request.text()).one())[0]);
      default:
        Object.assign(this.environment, variables);
        return this.inner.fetch(request);
    }
  }
};

export const AccountObject = tested(Account);
export const ThreadObject = tested(Thread);
export const DispatchObject = tested(Dispatch);
export const KnowledgeObject = tested(Knowledge);

function worker(context, env) {
  watch(env);
  // One object for all requests: the Worker keeps what its first one was given.
  const { AI, ...others } = env;
  environment ??= env.HAS_AI ? { AI, ...others } : others;
  Object.assign(environment, variables);
  return new Worker(context, environment);
}

export default {
  fetch(request, env, context) {
    return worker(context, env).fetch(request);
  },
};

export class control extends WorkerEntrypoint {
  async fetch(request) {
    const [, verb, account] = new URL(request.url).pathname.split("/");
    const text = await request.text();
    switch (verb) {
      case "clock":
        now = Number(text);
        return new Response();
      case "watch":
        isWatched = true;
        return new Response();
      case "variables":
        variables = { ...variables, ...JSON.parse(text) };
        return new Response();
      case "scheduled":
        await worker(this.ctx, this.env).scheduled({ cron: "*/5 * * * *", scheduledTime: now });
        return new Response();
      case "forget":
        // As after a panic: the instance is made anew, and remembers nothing.
        dispatchEvent(new ErrorEvent("error", { error: new WebAssembly.RuntimeError("forget") }));
        return new Response();
      default:
        return this.tell(verb, account, text);
    }
  }

  async tell(verb, account, text) {
    const [, ofDispatch, asked] = /^(dispatch-)?(.*)$/.exec(verb);
    const headers = asked === "object" ? {} : { "x-test": asked };
    const objects = ofDispatch ? this.env.DISPATCH : this.env.ACCOUNTS;
    // What the test itself asks is not put to its faults.
    const stub = (originals.getByName ?? objects.getByName).call(objects, account);
    return stub.fetch("https://account/", { method: "POST", headers, body: text });
  }
}
