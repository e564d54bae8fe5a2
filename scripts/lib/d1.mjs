// D1 through wrangler: the local one of a state folder, or the remote one.

import { spawnSync } from "node:child_process";
import { mkdtempSync, cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const WRANGLER = join(root, "scripts", "wrangler");

/** `where` is `remote` or `local`; `state` the folder of a local one. */
export class D1 {
  constructor(where, state) {
    this.remote = where === "remote";
    this.state = state && resolve(state);
  }

  /** The rows of each statement of `sql`. */
  query(sql) {
    const output = this.#wrangler(root, ["execute", "DB", ...this.#target(), "--yes", "--json", "--command", sql]);
    return JSON.parse(output.slice(output.indexOf("[\n"))).map(({ results }) => results);
  }

  /** All of a file or nothing of it. */
  execute(file) {
    this.#wrangler(root, ["execute", "DB", ...this.#target(), "--yes", "--file", file]);
  }

  /** D1's own dump, into `file`. */
  export(file) {
    if (this.remote) return this.#wrangler(root, ["export", "DB", "--remote", "--skip-confirmation", "--output", resolve(file)]);
    // wrangler exports only from beside a configuration: this is one beside which the state folder seems to be.
    const beside = mkdtempSync(join(tmpdir(), "retinue-"));
    try {
      cpSync(join(root, "wrangler.toml"), join(beside, "wrangler.toml"));
      mkdirSync(join(beside, ".wrangler"));
      symlinkSync(this.state, join(beside, ".wrangler", "state"));
      this.#wrangler(beside, ["export", "DB", "--local", "--config", join(beside, "wrangler.toml"), "--output", resolve(file)]);
    } finally {
      rmSync(beside, { recursive: true });
    }
  }

  #target() {
    return this.remote ? ["--remote"] : ["--local", "--persist-to", this.state];
  }

  #wrangler(cwd, words) {
    const options = { cwd, encoding: "utf8", maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "pipe"] };
    const { status, stdout, stderr, error } = spawnSync(WRANGLER, ["d1", ...words], options);
    if (error) throw error;
    if (status !== 0) throw new Error(`wrangler d1 ${words[0]} failed:\n${stderr}${stdout}`);
    return stdout;
  }
}
