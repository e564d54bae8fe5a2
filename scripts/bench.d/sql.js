// A second door to an instance's D1, for the bench alone: runs the statements of a JSON array as one batch.

export default {
  async fetch(request, env) {
    const statements = await request.json();
    try {
      const results = await env.DB.batch(statements.map((sql) => env.DB.prepare(sql)));
      return Response.json(results.map(({ results: rows, meta }) => ({ rows, meta })));
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};
