// Vercel's AI SDK, pointed at an agent: ai-sdk.mjs BASE_URL KEY MODEL generate|stream. Writes what it was told, and what its own
// tool was asked.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [baseURL, apiKey, model, mode] = process.argv.slice(2);
const cities = [];
const weather = tool({
  description: "The weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => {
    cities.push(city);
    return `snow in ${city}`;
  },
});
const asked = {
  model: createOpenAICompatible({ name: "retinue", baseURL, apiKey })(model),
  tools: { weather },
  stopWhen: stepCountIs(5),
  prompt: "How is it in Oslo?",
};
const text = mode === "stream" ? await streamText(asked).text : (await generateText(asked)).text;
process.stdout.write(JSON.stringify({ text, cities }));
