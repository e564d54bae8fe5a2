//! The two wires as their providers document them: OpenAI's chat completions and Anthropic's messages.

use serde_json::{Value, json};

/// The protocol of a request, told by its path as the real servers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    OpenAi,
    Anthropic,
}

/// What a whole answer reports of itself.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub input: u64,
    pub cached: u64,
    pub output: u64,
}

impl Wire {
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/v1/chat/completions" => Some(Self::OpenAi),
            "/v1/messages" => Some(Self::Anthropic),
            _ => None,
        }
    }

    /// The most tokens that the request allows.
    pub fn limit(self, body: &Value) -> Option<u64> {
        body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64())
    }

    /// Whether a stream will tell its usage: OpenAI's only when asked to, Anthropic's always.
    pub fn tells_usage(self, body: &Value) -> bool {
        self == Self::Anthropic || body["stream_options"]["include_usage"] == true
    }

    /// A whole reply.
    pub fn reply(self, model: &str, text: &str, usage: Option<Usage>, full: bool) -> Value {
        match self {
            Self::OpenAi => json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": model,
                "choices": [{
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": null},
                    "logprobs": null,
                    "finish_reason": self.finish(full, false),
                }],
                "usage": usage.map(openai_usage),
            }),
            Self::Anthropic => json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": model,
                "content": [{"type": "text", "text": text}],
                "stop_reason": self.finish(full, false),
                "stop_sequence": null,
                "usage": usage.map(|usage| anthropic_usage(usage, usage.output)),
            }),
        }
    }

    /// What a stream begins with. `usage` is `None` when the stream will not tell any.
    pub fn open(self, model: &str, usage: Option<Usage>) -> String {
        match self {
            Self::OpenAi => openai_chunk(model, &json!({"role": "assistant", "content": ""}), &Value::Null),
            Self::Anthropic => {
                let start = json!({"type": "message_start", "message": {
                    "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
                    "stop_reason": null, "stop_sequence": null,
                    "usage": usage.map(|usage| anthropic_usage(usage, 1)),
                }});
                let block = json!({"type": "content_block_start", "index": 0,
                    "content_block": {"type": "text", "text": ""}});
                format!("{}{}event: ping\ndata: {{\"type\": \"ping\"}}\n\n", event(&start), event(&block))
            }
        }
    }

    pub fn delta(self, model: &str, text: &str) -> String {
        match self {
            Self::OpenAi => openai_chunk(model, &json!({"content": text}), &Value::Null),
            Self::Anthropic => event(&json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": text}})),
        }
    }

    /// Calls of these tools without arguments.
    pub fn calls(self, model: &str, names: &[&str]) -> String {
        assert_eq!(self, Self::OpenAi, "the other wire's emulator calls no tools");
        let call = |(n, name): (usize, &&str)| {
            json!({
                "index": n, "id": format!("call_{n}"), "type": "function",
                "function": {"name": name, "arguments": "{}"},
            })
        };
        let calls: Vec<Value> = names.iter().enumerate().map(call).collect();
        openai_chunk(model, &json!({"tool_calls": calls}), &Value::Null)
    }

    /// Why an answer ends: its limit was reached, or it has calls, or it is complete.
    pub const fn finish(self, full: bool, has_calls: bool) -> &'static str {
        match (self, full, has_calls) {
            (Self::OpenAi, true, _) => "length",
            (Self::OpenAi, false, true) => "tool_calls",
            (Self::OpenAi, false, false) => "stop",
            (Self::Anthropic, true, _) => "max_tokens",
            (Self::Anthropic, false, _) => "end_turn",
        }
    }

    /// What a stream ends with, its usage told `times` over.
    pub fn close(self, model: &str, usage: Usage, times: usize, finish: &str) -> String {
        match self {
            Self::OpenAi => {
                let finish = json!(finish);
                let record = json!({
                    "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": model,
                    "choices": [], "usage": openai_usage(usage),
                });
                let told = format!("data: {record}\n\n").repeat(times);
                format!("{}{told}data: [DONE]\n\n", openai_chunk(model, &json!({}), &finish))
            }
            Self::Anthropic => {
                let delta = json!({"stop_reason": finish, "stop_sequence": null});
                let stop = event(&json!({"type": "content_block_stop", "index": 0}));
                let silent = event(&json!({"type": "message_delta", "delta": delta}));
                let record = event(&json!({"type": "message_delta", "delta": delta,
                    "usage": {"output_tokens": usage.output}}));
                let told = if times == 0 { silent } else { record.repeat(times) };
                format!("{stop}{told}{}", event(&json!({"type": "message_stop"})))
            }
        }
    }

    pub fn error(self, status: u16, message: &str) -> Value {
        match self {
            Self::OpenAi => json!({"error": {
                "message": message, "type": format!("status_{status}"), "param": null, "code": null,
            }}),
            Self::Anthropic => {
                json!({"type": "error", "error": {"type": format!("status_{status}"), "message": message}})
            }
        }
    }
}

fn openai_chunk(model: &str, delta: &Value, finish: &Value) -> String {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}], "usage": null,
    });
    format!("data: {chunk}\n\n")
}

fn openai_usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

/// Anthropic counts cached input apart from `input_tokens`.
fn anthropic_usage(usage: Usage, output: u64) -> Value {
    json!({
        "input_tokens": usage.input - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": output,
    })
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}
