// The load: a closed loop over N connections, each of which sends its next call when the last one is answered. Sockets
// instead of node's HTTP client, which would take the core that the Worker needs.
//
// Run as a child process. For each message `{ port, connections, seconds | calls, requests, marker }` it answers with one
// `{ calls, errors, … }`; requests (headers and body, base64) are sent in turn; marker is what the first token looks like.

import { connect } from "node:net";

class Run {
  constructor(job) {
    this.job = job;
    this.requests = job.requests.map((text) => Buffer.from(text, "base64"));
    this.marker = job.marker && Buffer.from(job.marker);
    this.next = 0;
    this.latencies = [];
    this.firstTokens = [];
    this.errors = [];
  }

  async finish() {
    const cpu = process.cpuUsage();
    const started = performance.now();
    this.deadline = started + (this.job.seconds ?? Infinity) * 1000;
    this.left = this.job.calls ?? Infinity;
    await Promise.all(Array.from({ length: this.job.connections }, () => this.connection()));
    const elapsed = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    const calls = this.latencies.length;
    return {
      calls,
      errors: this.errors.length,
      firstErrors: this.errors.slice(0, 3),
      perSecond: (calls * 1000) / elapsed,
      latency: quantiles(this.latencies),
      firstToken: this.marker && quantiles(this.firstTokens),
      loadCpuUs: (user + system) / Math.max(calls, 1),
    };
  }

  /** Whether another call is to be made; takes it. */
  take() {
    if (this.left <= 0 || performance.now() >= this.deadline) return false;
    this.left -= 1;
    return true;
  }

  connection() {
    return new Promise((resolve) => {
      const socket = connect({ port: this.job.port, host: "127.0.0.1", noDelay: true });
      const answer = new Answer(this.marker);
      let sentAt = 0;
      let isOver = false;
      const send = () => {
        if (!this.take()) return end();
        answer.reset();
        sentAt = performance.now();
        socket.write(this.requests[this.next++ % this.requests.length]);
      };
      const end = (error) => {
        if (isOver) return;
        isOver = true;
        if (error) this.errors.push(error);
        socket.destroy();
        resolve();
      };
      socket.on("connect", send);
      socket.on("error", (error) => end(error.message));
      socket.on("close", () => end("the connection was closed"));
      socket.on("data", (data) => {
        const fault = answer.take(data);
        if (fault) return end(fault);
        if (!answer.isWhole) return;
        this.latencies.push(performance.now() - sentAt);
        if (this.marker) this.firstTokens.push(answer.firstTokenAt - sentAt);
        send();
      });
    });
  }
}

/** One HTTP answer as it arrives. */
class Answer {
  constructor(marker) {
    this.marker = marker;
    this.reset();
  }

  reset() {
    this.bytes = undefined;
    this.bodyAt = -1;
    this.length = undefined;
    this.firstTokenAt = 0;
    this.isWhole = false;
  }

  /** What is wrong with it, if anything. */
  take(data) {
    this.bytes = this.bytes ? Buffer.concat([this.bytes, data]) : data;
    if (this.bodyAt < 0 && !this.readHead()) return undefined;
    if (this.status !== 200) return `status ${this.status}: ${this.bytes.toString("utf8", this.bodyAt, this.bodyAt + 300)}`;
    if (this.marker && !this.firstTokenAt && this.bytes.includes(this.marker, this.bodyAt)) {
      this.firstTokenAt = performance.now();
    }
    this.isWhole =
      this.length === undefined
        ? this.bytes.toString("latin1", this.bytes.length - 7) === "\r\n0\r\n\r\n"
        : this.bytes.length - this.bodyAt >= this.length;
    if (this.isWhole && this.marker && !this.firstTokenAt) return "an answer without its first token";
    if (this.isWhole && this.marker && !this.bytes.includes("[DONE]")) return "a stream that was cut";
    return undefined;
  }

  readHead() {
    const end = this.bytes.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = this.bytes.latin1Slice(0, end);
    this.status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    this.length = length ? Number(length[1]) : undefined;
    this.bodyAt = end + 4;
    return true;
  }
}

function quantiles(values) {
  const sorted = Float64Array.from(values).sort();
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
  return { p50: at(0.5), p99: at(0.99) };
}

process.on("message", async (job) => process.send(await new Run(job).finish()));
process.on("disconnect", () => process.exit());
