// The file of a backup's objects: lines of JSON, compressed. First what it is; then pages of objects, as /api/v1/objects says
// them and takes them; last how many, and the digest of all lines before. An object's page 0 begins it anew: what stands
// before of it is of a dump that was lost.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, openSync, renameSync } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip, createGzip } from "node:zlib";

const FIRST = { retinue: "objects", version: 1 };

/** Writes a file whole under its name, or not at all. */
export class Writer {
  constructor(file) {
    this.file = file;
    this.sum = createHash("sha256");
    this.gzip = createGzip();
    this.done = once(this.gzip.pipe(createWriteStream(null, { fd: openSync(`${file}.new`, "w", 0o600) })), "close");
    this.counts = { objects: 0, pages: 0 };
    this.#line({ ...FIRST, taken_at: new Date().toISOString() });
  }

  /** Waits where the disk is slower. */
  async page(page) {
    this.counts.pages += 1;
    if (page.is_last) this.counts.objects += 1;
    if (!this.#line(page)) await once(this.gzip, "drain");
  }

  async end() {
    this.gzip.end(`${JSON.stringify({ ...this.counts, sha256: this.sum.digest("hex") })}\n`);
    await this.done;
    renameSync(`${this.file}.new`, this.file);
    return this.counts;
  }

  #line(value) {
    const line = `${JSON.stringify(value)}\n`;
    this.sum.update(line);
    return this.gzip.write(line);
  }
}

/** Its pages. Throws at the end where it is not all of a backup: `verify` goes through it before anything is done. */
export async function* read(file) {
  const sum = createHash("sha256");
  const lines = createInterface({ input: createReadStream(file).pipe(createGunzip()), crlfDelay: Infinity });
  let last;
  let isFirst = true;
  for await (const line of lines) {
    if (last !== undefined) sum.update(`${last}\n`);
    last = line;
    const value = JSON.parse(line);
    if (isFirst && value.retinue !== FIRST.retinue) throw new Error("this is no backup of objects");
    if (isFirst && value.version !== FIRST.version) throw new Error(`the backup is of version ${value.version}, which is not known here`);
    isFirst = false;
    if (value.object) yield value;
  }
  if (last === undefined || JSON.parse(last).sha256 !== sum.digest("hex")) throw new Error("the backup is cut off, or was changed or damaged");
}

/** How many objects it has; throws where it is not whole. */
export async function verify(file) {
  const objects = new Set();
  try {
    for await (const page of read(file)) objects.add(page.object);
  } catch (error) {
    throw error instanceof SyntaxError || error.code?.startsWith("Z_") ? new Error("the backup is cut off, or was changed or damaged") : error;
  }
  return objects.size;
}
