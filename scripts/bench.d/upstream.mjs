// The upstream: an OpenAI-compatible server that always gives the same answer and costs next to nothing, so that what is
// measured is what stands before it. Sockets instead of node's HTTP, because that would cost as much as a Worker.
//
// Run as a child process; sends `{ port }` when it listens. A stream's chunks leave CHUNK_MS apart, each as a write of
// its own, as a model's do; there are WORDS of them.

import { createServer } from "node:net";

const CHUNK_MS = Number(process.env.CHUNK_MS ?? 1);
const WORDS = Number(process.env.WORDS ?? 20);

const usage = { prompt_tokens: 92, completion_tokens: WORDS, total_tokens: 92 + WORDS };
const head = { id: "chatcmpl-bench0000000000000000000", created: 1780000000, model: "fixed" };
const word = (n) => (n === 0 ? "token" : ` word${n}`);

function whole() {
  const content = Array.from({ length: WORDS }, (_, n) => word(n)).join("");
  const message = { role: "assistant", content, refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: "stop" }];
  const body = JSON.stringify({ ...head, object: "chat.completion", choices, usage, system_fingerprint: "fp_bench" });
  const headers = ["HTTP/1.1 200 OK", "content-type: application/json", `content-length: ${body.length}`];
  return Buffer.from(`${headers.join("\r\n")}\r\n\r\n${body}`);
}

function streamed() {
  const chunk = (choices, rest) =>
    `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices, ...rest })}\n\n`;
  const delta = (content, finish) => chunk([{ index: 0, delta: content, finish_reason: finish }], { usage: null });
  const events = Array.from({ length: WORDS }, (_, n) =>
    delta(n === 0 ? { role: "assistant", content: word(0) } : { content: word(n) }, null),
  );
  events.push(`${delta({}, "stop")}${chunk([], { usage })}data: [DONE]\n\n`);
  const framed = events.map((event) => `${event.length.toString(16)}\r\n${event}\r\n`);
  const headers = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked"];
  framed[0] = `${headers.join("\r\n")}\r\n\r\n${framed[0]}`;
  framed.push(`${framed.pop()}0\r\n\r\n`);
  return framed.map((text) => Buffer.from(text));
}

const WHOLE = whole();
const STREAMED = streamed();

// The end of the first request in the buffer, or 0 while it is incomplete.
function endOfRequest(text) {
  const headersEnd = text.indexOf("\r\n\r\n");
  if (headersEnd < 0) return 0;
  const headers = text.slice(0, headersEnd).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(headers);
  if (length) {
    const end = headersEnd + 4 + Number(length[1]);
    return end <= text.length ? end : 0;
  }
  if (!headers.includes("\r\ntransfer-encoding: chunked")) return headersEnd + 4;
  const last = text.indexOf("0\r\n\r\n", headersEnd);
  return last < 0 ? 0 : last + 5;
}

function stream(socket, n = 0) {
  if (socket.destroyed) return;
  socket.write(STREAMED[n]);
  if (n + 1 < STREAMED.length) setTimeout(stream, CHUNK_MS, socket, n + 1);
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (data) => {
    text += data.latin1Slice();
    for (let end; (end = endOfRequest(text)); text = text.slice(end)) {
      if (text.slice(0, end).includes('"stream":true')) stream(socket);
      else socket.write(WHOLE);
    }
  });
});

server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("disconnect", () => process.exit());
