// One client in its defaults: clients.mjs NAME STEP OPENAI_URL ANTHROPIC_URL KEY MODEL. Writes what it was told as JSON: a text, an
// object, or `{status}` where it was refused.

const [name, step, openaiURL, anthropicURL, apiKey, model] = process.argv.slice(2);
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const weather = ({ city }) => `rain in ${city}`;
const all = async (pieces, of) => {
  let text = "";
  for await (const piece of pieces) text += of(piece) ?? "";
  return text;
};

const clients = {
  async "openai chat"() {
    const { default: OpenAI } = await import("openai");
    const { zodResponseFormat } = await import("openai/helpers/zod");
    const { completions } = new OpenAI({ baseURL: openaiURL, apiKey }).chat;
    const messages = [{ role: "user", content: "Hi" }];
    const tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
    return {
      chat: async () => (await completions.create({ model, messages })).choices[0].message.content,
      stream: async () => all(await completions.create({ model, messages, stream: true }), (it) => it.choices[0]?.delta.content),
      tool: async () => {
        const { message } = (await completions.create({ model, messages, tools })).choices[0];
        const [call] = message.tool_calls;
        const content = weather(JSON.parse(call.function.arguments));
        const said = [...messages, message, { role: "tool", tool_call_id: call.id, content }];
        return (await completions.create({ model, messages: said, tools })).choices[0].message.content;
      },
      typed: async () => {
        const response_format = zodResponseFormat(await place(), "place");
        return (await completions.parse({ model, messages, response_format })).choices[0].message.parsed;
      },
    };
  },

  async "openai responses"() {
    const { default: OpenAI } = await import("openai");
    const { zodTextFormat } = await import("openai/helpers/zod");
    const { responses } = new OpenAI({ baseURL: openaiURL, apiKey });
    const tools = [{ type: "function", name: "weather", parameters: schema, strict: true }];
    return {
      chat: async () => (await responses.create({ model, input: "Hi" })).output_text,
      stream: async () =>
        all(await responses.create({ model, input: "Hi", stream: true }), (it) =>
          it.type === "response.output_text.delta" ? it.delta : "",
        ),
      tool: async () => {
        const first = await responses.create({ model, input: "Weather?", tools });
        const [call] = first.output;
        const output = weather(JSON.parse(call.arguments));
        const input = [{ type: "function_call_output", call_id: call.call_id, output }];
        return (await responses.create({ model, previous_response_id: first.id, input })).output_text;
      },
      typed: async () => {
        const text = { format: zodTextFormat(await place(), "place") };
        return (await responses.parse({ model, input: "Where?", text })).output_parsed;
      },
    };
  },

  async anthropic() {
    const { default: Anthropic } = await import("@anthropic-ai/sdk");
    const { messages } = new Anthropic({ baseURL: anthropicURL, apiKey });
    const ask = { model, max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
    const tools = [{ name: "weather", input_schema: schema }];
    return {
      chat: async () => (await messages.create(ask)).content[0].text,
      stream: async () => (await messages.stream(ask).finalMessage()).content[0].text,
      tool: async () => {
        const { content } = await messages.create({ ...ask, tools });
        const call = content.find((block) => block.type === "tool_use");
        const result = { type: "tool_result", tool_use_id: call.id, content: weather(call.input) };
        const said = [...ask.messages, { role: "assistant", content }, { role: "user", content: [result] }];
        return (await messages.create({ ...ask, messages: said, tools })).content[0].text;
      },
      typed: async () => {
        const { zodOutputFormat } = await import("@anthropic-ai/sdk/helpers/zod");
        const output_config = { format: zodOutputFormat(await place()) };
        return (await messages.parse({ ...ask, output_config })).parsed_output;
      },
    };
  },

  "ai-sdk": () => aiSdk(async () => (await import("@ai-sdk/openai")).createOpenAI({ baseURL: openaiURL, apiKey })(model)),
  "ai-sdk chat": () =>
    aiSdk(async () => (await import("@ai-sdk/openai")).createOpenAI({ baseURL: openaiURL, apiKey }).chat(model)),
  "ai-sdk compatible": () =>
    aiSdk(async () => {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      const options = { name: "retinue", baseURL: openaiURL, apiKey, supportsStructuredOutputs: true };
      return createOpenAICompatible(options)(model);
    }),
  "ai-sdk anthropic": () =>
    aiSdk(async () => {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ baseURL: `${anthropicURL}/v1`, apiKey })(model);
    }),

  "langchain chat": () => langChain({}),
  "langchain responses": () => langChain({ useResponsesApi: true }),

  async "openai-agents"() {
    const { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } = await import("@openai/agents");
    const { z } = await import("zod");
    setTracingDisabled(true);
    const runner = new Runner({ modelProvider: new OpenAIProvider({ baseURL: openaiURL, apiKey }) });
    const agent = (more = {}) => new Agent({ name: "x", model, ...more });
    const parameters = z.object({ city: z.string() });
    return {
      chat: async () => (await runner.run(agent(), "Hi")).finalOutput,
      stream: async () => {
        const result = await runner.run(agent(), "Hi", { stream: true });
        const text = await all(result.toTextStream({ compatibleWithNodeStreams: true }), (it) => it.toString());
        await result.completed;
        return text;
      },
      tool: async () => {
        const own = tool({ name: "weather", description: "The weather.", parameters, execute: async (it) => weather(it) });
        return (await runner.run(agent({ tools: [own] }), "Weather?")).finalOutput;
      },
      typed: async () => (await runner.run(agent({ outputType: await place() }), "Where?")).finalOutput,
    };
  },
};

async function place() {
  const { z } = await import("zod");
  return z.object({ city: z.string(), degrees: z.number() });
}

async function aiSdk(load) {
  const { Output, generateText, isStepCount, stepCountIs, streamText, tool } = await import("ai");
  const { z } = await import("zod");
  const own = tool({
    description: "The weather.",
    inputSchema: z.object({ city: z.string() }),
    execute: async (it) => weather(it),
  });
  const of = await load();
  return {
    chat: async () => (await generateText({ model: of, prompt: "Hi" })).text,
    stream: async () => all(streamText({ model: of, prompt: "Hi" }).textStream, (it) => it),
    tool: async () => {
      const stopWhen = (isStepCount ?? stepCountIs)(5);
      return (await generateText({ model: of, prompt: "Weather?", tools: { weather: own }, stopWhen })).text;
    },
    typed: async () => {
      const output = Output.object({ schema: await place() });
      return (await generateText({ model: of, prompt: "Where?", output })).output;
    },
  };
}

async function langChain(options) {
  const { ChatOpenAI } = await import("@langchain/openai");
  const { HumanMessage, ToolMessage } = await import("@langchain/core/messages");
  const { tool } = await import("@langchain/core/tools");
  const { z } = await import("zod");
  const of = new ChatOpenAI({ model, apiKey, configuration: { baseURL: openaiURL }, ...options });
  const own = tool(async (it) => weather(it), {
    name: "weather",
    description: "The weather.",
    schema: z.object({ city: z.string() }),
  });
  return {
    chat: async () => (await of.invoke("Hi")).text,
    stream: async () => all(await of.stream("Hi"), (it) => it.text),
    tool: async () => {
      const bound = of.bindTools([own]);
      const said = [new HumanMessage("Weather?")];
      said.push(await bound.invoke(said));
      const [call] = said[1].tool_calls;
      said.push(new ToolMessage({ content: weather(call.args), tool_call_id: call.id }));
      return (await bound.invoke(said)).text;
    },
    typed: async () => of.withStructuredOutput(await place(), { name: "place" }).invoke("Where?"),
  };
}

/** The status of an error, or of what it stands for. */
function status(error) {
  for (let it = error; it; it = it.cause ?? it.lastError) {
    const found = it.status ?? it.statusCode;
    if (typeof found === "number") return found;
  }
  return String(error);
}

const write = (value) => process.stdout.write(JSON.stringify(value));
if (step === "all") {
  const client = await clients[name]();
  const told = {};
  for (const one of ["chat", "stream", "tool", "typed"]) {
    try {
      told[one] = await client[one]();
    } catch (error) {
      told[one] = { failed: String(error?.stack ?? error).slice(0, 600) };
    }
  }
  write(told);
} else {
  const client = await clients[name]();
  write(await client[step]().then((told) => ({ told }), (error) => ({ status: status(error) })));
}
process.exit(0);
