// The operator's side of /api/v1/objects.

import { setTimeout as sleep } from "node:timers/promises";

const TRIES = 8;

/** The API's refusal. */
export class Refused extends Error {
  constructor(what, status, text, wasTriedBefore) {
    let words = text.slice(0, 500);
    try {
      words = JSON.parse(text).detail ?? words;
    } catch {
      // It is no problem document.
    }
    super(`${what}: ${status} ${words}`);
    this.status = status;
    this.wasTriedBefore = wasTriedBefore;
  }
}

export class Operator {
  constructor(url, key) {
    if (!key) throw new Error("OPERATOR_KEY is not set");
    this.url = url.replace(/\/+$/, "");
    this.key = key;
  }

  async health() {
    return this.#ask("GET", "/health");
  }

  /** Every object, in the order in which it is to be dumped. */
  async *objects() {
    for (let cursor; cursor !== null; ) {
      const query = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.#ask("GET", `/api/v1/objects?limit=200${query}`);
      yield* page.data;
      cursor = page.next_cursor;
    }
  }

  dump(object, cursor) {
    return this.#ask("POST", `/api/v1/objects/${encodeURIComponent(object)}/dump`, cursor ? { cursor } : {});
  }

  restore(object, part) {
    return this.#ask("POST", `/api/v1/objects/${encodeURIComponent(object)}/restore`, part);
  }

  /** Asks again where nobody answers, or not now. */
  async #ask(method, path, body) {
    for (let tries = 1; ; tries++) {
      const answer = await this.#once(method, path, body).catch((error) => ({ status: 0, text: error.cause?.message ?? error.message }));
      if (answer.status === 200) return JSON.parse(answer.text);
      const isPassing = answer.status === 0 || answer.status === 429 || answer.status >= 500;
      if (!isPassing || tries === TRIES) throw new Refused(`${method} ${path}`, answer.status || "no answer:", answer.text, tries > 1);
      await sleep(Math.min(100 * 2 ** tries, 10_000));
    }
  }

  async #once(method, path, body) {
    const headers = { authorization: `Bearer ${this.key}`, ...(body && { "content-type": "application/json" }) };
    const response = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(120_000) });
    return { status: response.status, text: await response.text() };
  }
}
