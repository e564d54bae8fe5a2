// Stands between a Worker and its D1, and counts what passes. A GET of `/` answers the counts and begins anew.

import { WorkerEntrypoint } from "cloudflare:workers";

const none = () => ({ requests: 0, statements: 0, rowsRead: 0, rowsWritten: 0 });

let counts = none();

function note(metas) {
  counts.requests += 1;
  for (const meta of metas) {
    counts.statements += 1;
    counts.rowsRead += meta.rows_read;
    counts.rowsWritten += meta.rows_written;
  }
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    if (request.method === "GET") {
      const answer = Response.json(counts);
      counts = none();
      return answer;
    }
    const response = await this.env.D1.fetch(request);
    const answers = await response.clone().json();
    note([answers].flat().map(({ meta }) => meta));
    return response;
  }

  /** The binding speaks by calls where a compatibility flag says so. */
  async query(request) {
    const answer = await this.env.D1.query(request);
    note(answer.results.map(({ meta }) => meta));
    return answer;
  }
}
