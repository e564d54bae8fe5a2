// The floor: the least that can stand between a client and a provider on this platform. The call goes through as it is,
// its headers and its body, and so does the answer. With HOPS, it also asks an object before and tells it after, as a
// governed call must, and the object does nothing: what the platform takes for that.

const ACCOUNT = "01990000-0000-7000-8000-000000000000";
const ADMIT = JSON.stringify({ admit: "x".repeat(400) });
const SETTLE = JSON.stringify({ settle: "x".repeat(400) });

export class AccountObject {
  async fetch(request) {
    const command = JSON.parse(await request.text());
    return new Response(JSON.stringify({ answer: Object.keys(command)[0] }));
  }
}

async function hop(env, command) {
  const response = await env.ACCOUNTS.getByName(ACCOUNT).fetch("https://account/", { method: "POST", body: command });
  return JSON.parse(await response.text());
}

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return new Response("ok");
    if (env.HOPS) await hop(env, ADMIT);
    const response = await fetch(new Request(env.UPSTREAM + pathname, request));
    if (env.HOPS) context.waitUntil(hop(env, SETTLE));
    return response;
  },
};
