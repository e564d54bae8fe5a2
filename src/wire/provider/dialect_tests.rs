//! What each server is sent: a row of the table, the neutral request, and the body.

use serde_json::{Value, json};

use super::{Encoded, Target, encode};
use crate::domain::dialect;
use crate::domain::extra::{Extra, Extras};
use crate::domain::message::{
    AssistantPart, ChatRequest, Message, ReasoningEffort, Sampling, Tool, ToolCall,
};
use crate::domain::provider::Wire;

fn extras() -> Extras {
    let mut extras = Extras::default();
    for (name, value) in
        [("top_k", "40"), ("presence_penalty", "0.5"), ("logit_bias", "{\"7\":-100}"), ("store", "false")]
    {
        let raw = serde_json::value::RawValue::from_string(value.to_owned()).unwrap();
        extras.put(Extra::find(name).unwrap(), raw).unwrap();
    }
    extras
}

/// A conversation in the middle of a turn with tools, with everything set that servers differ in.
fn request() -> ChatRequest {
    let said = vec![
        AssistantPart::reasoning("Hm."),
        AssistantPart::text("Looking."),
        AssistantPart::ToolCall(ToolCall::new("call_00_a", "look", "{\"q\":1}")),
    ];
    ChatRequest {
        messages: vec![
            Message::system("You help."),
            Message::system("Be brief."),
            Message::user("Hi"),
            Message::Assistant { parts: said },
            Message::tool("call_00_a", "18 C"),
            Message::user("And?"),
            Message::user("Now?"),
        ],
        tools: vec![Tool {
            name: "look".into(),
            description: None,
            parameters: None,
            strict: None,
            cache: None,
        }],
        parallel_tool_calls: Some(true),
        sampling: Sampling {
            temperature: Some(1.5),
            top_p: Some(0.9),
            max_output_tokens: Some(64),
            stop: vec!["END".into()],
            seed: Some(7),
            reasoning_effort: Some(ReasoningEffort::Minimal),
            n: None,
        },
        user: Some("u-1".into()),
        extras: extras(),
        ..ChatRequest::default()
    }
}

fn encoded(wire: Wire, provider: &str, code: &str, request: &ChatRequest) -> (Value, Vec<String>) {
    let dialect = &dialect::resolve(wire, provider, None, code, None);
    let Encoded { outgoing, warnings, .. } = encode(Target { dialect, code }, request, true);
    let fields = warnings.into_iter().map(|warning| warning.field).collect();
    (serde_json::from_slice(&outgoing.body).unwrap(), fields)
}

/// The messages, with the assistant's as this server takes it.
fn messages(id: &str, assistant: &Value) -> Value {
    let call = json!({"id": id, "type": "function", "function": {"name": "look", "arguments": "{\"q\":1}"}});
    let mut said = json!({"role": "assistant", "content": "Looking.", "tool_calls": [call]});
    merge(&mut said, assistant);
    json!([
        {"role": "system", "content": "You help."},
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        said,
        {"role": "tool", "content": "18 C", "tool_call_id": id},
        {"role": "user", "content": "And?"},
        {"role": "user", "content": "Now?"},
    ])
}

/// With one system message, and a word of the assistant's after the tool's.
fn ordered(mut messages: Value) -> Value {
    let all = messages.as_array_mut().unwrap();
    all.insert(5, json!({"role": "assistant", "content": "OK."}));
    all.splice(0..2, [json!({"role": "system", "content": "You help.\n\nBe brief."})]);
    messages
}

/// What a server of which nothing is known is sent.
fn plain() -> Value {
    json!({
        "model": "m", "messages": messages("call_00_a", &json!({"reasoning_content": "Hm."})),
        "tools": [{"type": "function", "function": {"name": "look"}}], "parallel_tool_calls": true,
        "temperature": 1.5, "top_p": 0.9, "max_tokens": 64, "stop": ["END"], "seed": 7,
        "reasoning_effort": "minimal", "user": "u-1", "stream": true,
        "stream_options": {"include_usage": true},
        "top_k": 40, "presence_penalty": 0.5, "logit_bias": {"7": -100}, "store": false,
    })
}

/// Sets the members of the patch; null removes one.
fn merge(target: &mut Value, patch: &Value) {
    for (name, value) in patch.as_object().unwrap() {
        match value {
            Value::Null => drop(target.as_object_mut().unwrap().remove(name)),
            value => target[name] = value.clone(),
        }
    }
}

/// What differs from [`plain`], and which fields are warned of.
type Row = (&'static str, &'static str, Value, &'static [&'static str]);

fn check(rows: Vec<Row>) {
    for (provider, code, differs, warned) in rows {
        let mut expected = plain();
        expected["model"] = json!(code);
        merge(&mut expected, &differs);
        let (body, fields) = encoded(Wire::OpenAi, provider, code, &request());
        assert_eq!(body, expected, "{provider}:{code}");
        assert_eq!(fields, warned, "{provider}:{code}");
    }
}

#[test]
fn openais_models_are_asked_in_their_words_wherever_they_are() {
    let bare = messages("call_00_a", &json!({}));
    let limit = json!({"max_tokens": null, "max_completion_tokens": 64, "messages": bare, "top_k": null});
    let with = |more: Value| {
        let mut all = limit.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let quiet = json!({"temperature": null, "top_p": null, "stop": null, "presence_penalty": null, "logit_bias": null});
    let thinks = |effort: &str, more: Value| {
        let mut all = with(quiet.clone());
        all["reasoning_effort"] = json!(effort);
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    check(vec![
        ("mine", "m", json!({}), &[]),
        ("openai", "gpt-4.1", with(json!({})), &["top_k"]),
        (
            "openai",
            "o3",
            thinks("low", json!({"parallel_tool_calls": null})),
            &[
                "reasoning_effort",
                "temperature",
                "top_p",
                "parallel_tool_calls",
                "stop",
                "top_k",
                "presence_penalty",
                "logit_bias",
            ],
        ),
        (
            "openai",
            "gpt-5-mini-2025-08-07",
            thinks("minimal", json!({})),
            &["temperature", "top_p", "stop", "top_k", "presence_penalty", "logit_bias"],
        ),
        (
            "azure-foundry",
            "gpt-5.4",
            // It has tools, so that it does not think.
            thinks("none", json!({"temperature": 1.5, "top_p": 0.9})),
            &["reasoning_effort", "stop", "top_k", "presence_penalty", "logit_bias"],
        ),
        ("azure", "gpt-4o", with(json!({})), &["top_k"]),
        (
            "openai",
            "gpt-5-chat-latest",
            with(json!({"presence_penalty": null, "logit_bias": null, "reasoning_effort": null})),
            &["reasoning_effort", "top_k", "presence_penalty", "logit_bias"],
        ),
    ]);
}

#[test]
fn servers_of_open_weights_are_asked_in_their_words() {
    let reasoning = |field: &str| messages("call_00_a", &json!({field: "Hm."}));
    let mut one_system = messages("call_00_a", &json!({"reasoning_content": "Hm."}));
    let all = one_system.as_array_mut().unwrap();
    all[0]["content"] = json!("You help.\n\nBe brief.");
    all.remove(1);
    all[4]["content"] = json!("And?\n\nNow?");
    all.remove(5);
    check(vec![
        ("vllm", "qwen3.6-27b", json!({"messages": one_system, "store": null}), &["store"]),
        (
            "ollama",
            "llama3.2",
            json!({"messages": reasoning("reasoning"), "store": null, "user": null, "top_k": null, "logit_bias": null}),
            &["user", "top_k", "logit_bias", "store"],
        ),
        ("together", "m", json!({"messages": reasoning("reasoning"), "store": null}), &["store"]),
        ("fireworks", "m", json!({"store": null}), &["store"]),
        (
            "openrouter",
            "deepseek/deepseek-v4",
            json!({"messages": reasoning("reasoning"), "store": null}),
            &["store"],
        ),
    ]);
}

#[test]
fn makers_of_models_are_asked_in_their_words() {
    let reasoning = |field: &str| messages("call_00_a", &json!({field: "Hm."}));
    let none = json!({"top_k": null, "logit_bias": null, "store": null});
    let but = |more: Value| {
        let mut all = none.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let thinking = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Looking."},
    ]);
    let completion = json!({"max_tokens": null, "max_completion_tokens": 64});
    let limited = |more: Value| {
        let mut all = but(completion.clone());
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    check(vec![
        (
            "mistral",
            "mistral-large-latest",
            but(
                json!({"messages": ordered(messages("07mkwexgC", &json!({"content": thinking}))), "seed": null,
                "random_seed": 7, "user": null, "stream_options": null}),
            ),
            &["user", "top_k", "logit_bias", "store"],
        ),
        (
            "deepseek",
            "deepseek-v4-pro",
            but(json!({"reasoning_effort": "low", "user": null})),
            &["reasoning_effort", "user", "top_k", "logit_bias", "store"],
        ),
        (
            "moonshot",
            "moonshot-v1-8k",
            but(json!({"temperature": 1.0, "user": null})),
            &["temperature", "user", "top_k", "logit_bias", "store"],
        ),
        (
            "moonshot",
            "kimi-k2.6",
            but(json!({"temperature": null, "top_p": null, "presence_penalty": null, "user": null})),
            &["temperature", "top_p", "user", "top_k", "presence_penalty", "logit_bias", "store"],
        ),
        (
            "groq",
            "openai/gpt-oss-120b",
            limited(json!({"messages": reasoning("reasoning"), "reasoning_effort": "low"})),
            &["reasoning_effort", "top_k", "logit_bias", "store"],
        ),
        (
            "xai",
            "grok-3",
            limited(json!({"messages": messages("call_00_a", &json!({}))})),
            &["top_k", "logit_bias", "store"],
        ),
        (
            "xai",
            "grok-4",
            limited(
                json!({"messages": messages("call_00_a", &json!({})), "stop": null, "presence_penalty": null,
                "reasoning_effort": null}),
            ),
            &["reasoning_effort", "stop", "top_k", "presence_penalty", "logit_bias", "store"],
        ),
    ]);
}

#[test]
fn the_other_wires_warn_of_what_they_leave_out() {
    for (wire, provider, code, warned) in [
        (
            Wire::WorkersAi,
            "workers-ai",
            "@cf/m",
            &["reasoning_effort", "logit_bias", "store", "user"] as &[&str],
        ),
        (
            Wire::Anthropic,
            "anthropic",
            "claude-sonnet-4-6",
            &[
                "reasoning_effort",
                "temperature",
                "top_p",
                "seed",
                "top_k",
                "presence_penalty",
                "logit_bias",
                "store",
            ],
        ),
        (
            Wire::Gemini,
            "gemini",
            "gemini-2.5-flash",
            &["user", "reasoning_effort", "presence_penalty", "logit_bias", "store"],
        ),
        (
            Wire::Gemini,
            "gemini",
            "gemini-4-argon",
            &[
                "user",
                "temperature",
                "top_p",
                "reasoning_effort",
                "top_k",
                "presence_penalty",
                "logit_bias",
                "store",
            ],
        ),
    ] {
        assert_eq!(encoded(wire, provider, code, &request()).1, warned, "{provider}:{code}");
    }
    let mut calm = request();
    calm.sampling.reasoning_effort = None;
    let (body, warned) = encoded(Wire::Anthropic, "anthropic", "claude-haiku-4-5", &calm);
    assert_eq!((&body["top_k"], &body["temperature"]), (&json!(40), &json!(1.0)));
    assert_eq!(warned, ["temperature", "top_p", "seed", "presence_penalty", "logit_bias", "store"]);
    let (body, _) = encoded(Wire::Gemini, "gemini", "gemini-2.5-flash", &request());
    let config = &body["generationConfig"];
    assert_eq!((&config["topK"], config.get("presencePenalty")), (&json!(40), None));
    let (body, _) = encoded(Wire::WorkersAi, "workers-ai", "@cf/m", &request());
    assert_eq!((&body["top_k"], &body["reasoning_effort"]), (&json!(40), &json!("low")));
}

#[test]
fn a_turn_that_a_server_demands_is_made_up_for() {
    let called = || vec![AssistantPart::ToolCall(ToolCall::new("c1", "look", "{}"))];
    let messages = vec![
        Message::system("You help."),
        Message::Assistant { parts: called() },
        Message::tool("c1", "18 C"),
        Message::user("And London?"),
    ];
    let request = ChatRequest { messages, ..ChatRequest::default() };
    let (gemini, _) = encoded(Wire::Gemini, "gemini", "gemini-2.5-flash", &request);
    assert_eq!(gemini["contents"][0], json!({"role": "user", "parts": [{"text": "Continue."}]}));
    let (vllm, _) = encoded(Wire::OpenAi, "vllm", "qwen3.6-27b", &request);
    assert_eq!(vllm["messages"][1], json!({"role": "user", "content": "Continue."}));
    let (deepseek, _) = encoded(Wire::OpenAi, "deepseek", "deepseek-v4-pro", &request);
    assert_eq!(deepseek["messages"][1]["reasoning_content"], json!(""), "the field must be there");
    let begun = ChatRequest { messages: vec![Message::user("Hi"), Message::assistant("He")], ..request };
    let (mistral, _) = encoded(Wire::OpenAi, "mistral", "mistral-large-latest", &begun);
    assert_eq!(mistral["messages"][1], json!({"role": "assistant", "content": "He", "prefix": true}));
}
