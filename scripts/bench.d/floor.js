// The floor: the least that can stand between a client and a provider on this platform. The call goes through as it is,
// its headers and its body, and so does the answer.

export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return new Response("ok");
    return fetch(new Request(env.UPSTREAM + pathname, request));
  },
};
