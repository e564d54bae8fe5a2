// See crossing.rs and head.rs. Headers come and go as lines of name, NUL and value.

// An object, because workerd draws a list of pairs through JavaScript's iterators, which takes longer than all the rest of a
// response. An object has each name once, so only where one repeats its values are appended: two `Set-Cookie` joined by a
// comma would be one that no browser can read.
function fields(lines) {
  const headers = { __proto__: null };
  if (lines === "") return headers;
  const repeated = [];
  for (const line of lines.split("\n")) {
    const at = line.indexOf("\0");
    const name = line.slice(0, at);
    if (name in headers) repeated.push(line);
    else headers[name] = line.slice(at + 1);
  }
  return repeated.length === 0 ? headers : appended(headers, repeated);
}

function appended(fields, lines) {
  const headers = new Headers(fields);
  for (const line of lines) headers.append(...line.split("\0"));
  return headers;
}

// What `declare` has set. Before that, all headers of all requests cross.
let declared = [];
let is_declared = /(?!)/;

/** Says once which headers cross of requests to which paths, a line each. */
export function declare(paths, names) {
  const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  // `{name}` stands for one segment; a slash at the end says nothing. What is no more than alike, as a path with percent-encoded letters, carries all headers.
  const pattern = (path) => path.split(/\{[^/}]*\}/).map(escaped).join("[^/?]+");
  is_declared = new RegExp(`^\\w+://[^/]+(?:${paths.split("\n").map(pattern).join("|")})/?(?:\\?|$)`);
  declared = names.split("\n");
}

/** The method, the URL and the headers, a line each. */
export function head(request) {
  const { method, url, headers } = request;
  let lines = `${method}\n${url}`;
  if (is_declared.test(url)) {
    // A look at each name takes a third of the time of drawing all that a client sends.
    for (const name of declared) {
      const value = headers.get(name);
      if (value !== null) lines += `\n${name}\0${value}`;
    }
    return lines;
  }
  for (const [name, value] of headers) lines += `\n${name}\0${value}`;
  return lines;
}

/** Discards what a reader has not read of a body. What has not come within `most_ms` is cancelled. */
export async function discard_rest(reader, most_ms) {
  const late = setTimeout(() => reader.cancel().catch(() => {}), most_ms);
  try {
    while (!(await reader.read()).done);
  } catch {
    // The client broke off.
  } finally {
    clearTimeout(late);
  }
}

/** Discards the body of a request through one small buffer. What has not come within `most_ms` is cancelled. */
export async function discard({ body }, most_ms) {
  const reader = body?.getReader({ mode: "byob" });
  if (reader === undefined) return;
  const late = setTimeout(() => reader.cancel().catch(() => {}), most_ms);
  try {
    let buffer = new ArrayBuffer(64 * 1024);
    for (let is_done = false; !is_done; ) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      is_done = done;
      buffer = value?.buffer;
    }
  } catch {
    // The client broke off.
  } finally {
    clearTimeout(late);
  }
}

export const reply = (status, lines, body) => new Response(body, { status, headers: fields(lines) });

// The memory of the wasm may move before the bytes are sent.
export const reply_whole = (status, lines, bytes) => reply(status, lines, bytes.slice());

/**
 * Sends a request, whose head is as `head` writes one, without following redirects. After `timeout` ms it ends, whether or
 * not the reply's body has arrived. A body that declares at most `most` bytes, unencoded, is read at once: it is the `whole`,
 * or the `error` of reading it. `end_sending` ends it sooner.
 */
export function send(head, bytes, timeout, most) {
  const { signal, end } = ending(timeout);
  return Object.assign(sent(head, bytes, signal, most), { end });
}

/** A signal that comes after `timeout` ms, or when `end_sending` is called. */
export function ending(timeout) {
  const ended = new AbortController();
  return { signal: AbortSignal.any([AbortSignal.timeout(timeout), ended.signal]), end: () => ended.abort() };
}

/** Ends what was sent, and the connection with it. */
export const end_sending = (sending) => sending.end();

async function sent(head, bytes, signal, most) {
  const [method, url] = head.split("\n", 2);
  const lines = head.slice(method.length + url.length + 2);
  const init = { method, headers: fields(lines), body: bytes?.slice(), redirect: "manual", signal };
  const response = await fetch(url, init);
  const { status, headers } = response;
  const length = headers.get("content-length");
  // Of a compressed body the length says nothing of what comes out of it.
  const is_short = length !== null && Number(length) <= most && headers.get("content-encoding") === null;
  if (!is_short) return { status, response };
  try {
    return { status, response, whole: new Uint8Array(await response.arrayBuffer()) };
  } catch (error) {
    return { status, response, error };
  }
}

// A body is a stream on both sides of a hop, which costs more than all the rest of it: what is short and plain travels in a
// header.
const HEADER = "x-retinue";
const MAX_HEADER = 8 * 1024;
const fits = (text) => text.length <= MAX_HEADER && /^[\x20-\x7e]*$/.test(text);

/** Sends a command to the object of that name; the answer's text, which the promise fails with unless the status is 200. */
export async function ask(objects, name, command) {
  const init = fits(command) ? { method: "POST", headers: { [HEADER]: command } } : { method: "POST", body: command };
  const response = await objects.getByName(name).fetch("https://object/", init);
  const text = response.headers.get(HEADER) ?? (await response.text());
  if (response.status !== 200) throw new Error(text);
  return text;
}

/** The same of an object whose answer goes on: the `text` if that is all, or a `reader` of its lines. */
export async function ask_on(objects, name, command) {
  const init = fits(command) ? { method: "POST", headers: { [HEADER]: command } } : { method: "POST", body: command };
  const response = await objects.getByName(name).fetch("https://object/", init);
  const text = response.headers.get(HEADER);
  if (response.status !== 200) throw new Error(text ?? (await response.text()));
  return text === null ? { reader: response.body.getReader() } : { text };
}

/** A command's text, if it came in the header. */
export const asked = (request) => request.headers.get(HEADER) ?? undefined;

export const answer = (status, text) =>
  fits(text) ? new Response(null, { status, headers: { [HEADER]: text } }) : new Response(text, { status });

/**
 * A WebSocket: the `response` that opens it, `next` message for message, `send`, `close`. A client that sends more messages than
 * `most`, or more characters than `most_size`, ahead is let go, because what waits is held in memory.
 */
export function open_socket(most, most_size) {
  const [client, server] = Object.values(new WebSocketPair());
  const waiting = [];
  let size = 0;
  let take;
  let is_over = false;
  const end = () => {
    is_over = true;
    // Nobody reads their answers.
    waiting.length = size = 0;
    take?.();
    take = undefined;
  };
  const close = (code, reason) => {
    end();
    try {
      server.close(code, reason);
    } catch {
      // It is closed.
    }
  };
  server.addEventListener("message", ({ data }) => {
    if (is_over) return;
    // What is no text asks for nothing.
    const text = typeof data === "string" ? data : "";
    if (size + text.length > most_size) close(1009, "too much waits for its answers");
    else if (take) {
      take(text);
      take = undefined;
    } else if (waiting.length < most) {
      waiting.push(text);
      size += text.length;
    } else close(1008, "too many messages wait for their answers");
  });
  server.addEventListener("close", () => close(1000));
  server.addEventListener("error", end);
  server.accept();
  return {
    response: new Response(null, { status: 101, webSocket: client }),
    async next() {
      const text = waiting.shift();
      size -= text?.length ?? 0;
      return text ?? (is_over ? undefined : new Promise((resolve) => (take = resolve)));
    },
    send(text) {
      try {
        if (!is_over) server.send(text);
      } catch {
        end();
      }
    },
    close: () => close(1000),
  };
}

/** Keeps a request alive until what this returns is called. */
export function hold_open(context) {
  const { promise, resolve } = Promise.withResolvers();
  context.waitUntil(promise);
  return resolve;
}

/**
 * Futures are woken by `queueMicrotask`. The platform's wraps each callback anew; a promise's reaction costs V8 next to
 * nothing. The promise is made here, at the start, so that it belongs to no request; and what a task throws, a panic above
 * all, is still reported by the platform's, so that the instance is made anew.
 */
export function queue_by_promise() {
  const platforms = globalThis.queueMicrotask;
  const turn = Promise.resolve();
  let last;
  let guarded;
  globalThis.queueMicrotask = (task) => {
    if (task !== last) {
      last = task;
      guarded = () => {
        try {
          task();
        } catch (error) {
          platforms(() => {
            throw error;
          });
        }
      };
    }
    turn.then(guarded);
  };
}

/** The bytes that the platform's cache has under this URL, or undefined. */
export async function find_kept(url) {
  const response = await caches.default.match(url);
  return response && new Uint8Array(await response.arrayBuffer());
}

/** Keeps bytes in the platform's cache, for so many seconds. */
export async function keep(url, bytes, ttl) {
  await caches.default.put(url, new Response(bytes.slice(), { headers: { "cache-control": `max-age=${ttl}` } }));
}
