//! Calls of Workers AI by its binding. Over HTTP the binding is the platform's own, before an emulated service.

use retinue::ports::Settings;
use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::{answer, frame, stream};
use crate::stage::{BIG, Stage};
use crate::support::{Script, Turn, settings};

const LLAMA: &str = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
const GLM: &str = "@cf/zai-org/glm-4.7-flash";

async fn stage() -> Stage {
    let stage = Stage::with(Settings { has_workers_ai: true, ..settings() }).await;
    for (agent, code) in [("older", LLAMA), ("newer", GLM)] {
        let sql = format!(
            "INSERT INTO catalogue (provider, code, name, input_price, output_price, context_tokens, max_output_tokens,
                capabilities, priced_on) VALUES ('workers-ai', ?1, 'M', {}, {}, 100000, 1000,
                '[\"tools\", \"json_schema\", \"streaming\"]', '2026-11-01')",
            BIG.0 * 1_000_000,
            BIG.1 * 1_000_000
        );
        stage.api.world.database().with(|db| db.execute(&sql, [code]).unwrap());
        stage.agent(agent, &json!({"model": format!("workers-ai:{code}")})).await;
    }
    stage
}

fn reply(body: &Value) -> Turn {
    Turn::Replies(Script::ok(body.to_string()))
}

fn body(face: Face, agent: &str, fields: &Value) -> Value {
    let mut body = face.body(agent);
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn an_older_model_is_asked_by_its_schema_and_billed_by_its_count() {
    let stage = stage().await;
    stage.then(reply(&json!({"response": "Hello", "usage": {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43}})));
    let tools = json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]);
    let fields = json!({"tools": tools, "tool_choice": "required", "stop": "END", "reasoning_effort": "low", "top_k": 4});
    let asked = body(Face::Completions, "older", &fields);
    let reply = stage.ask(Face::Completions, "older").json(&asked).send().await.ok();
    assert_eq!(reply["choices"][0]["message"]["content"], "Hello");
    let warned: Vec<&Value> =
        reply["warnings"].as_array().unwrap().iter().map(|warning| &warning["field"]).collect();
    assert_eq!(warned, ["tool_choice", "stop", "reasoning_effort"]);
    let asked = stage.take_asked().remove(0);
    assert_eq!(asked.to, format!("workers-ai:{LLAMA}"));
    assert!(asked.headers.iter().all(|(name, _)| *name != "authorization"));
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    let words = "Answer this turn by calling one of the tools.";
    let messages = sent["messages"].as_array().unwrap();
    assert_eq!(messages[messages.len() - 2]["content"], words, "behind the instructions");
    assert_eq!((sent.get("stop"), sent.get("tool_choice"), &sent["top_k"]), (None, None, &json!(4)));
    assert_eq!(stage.bill("older").await.verdict(), ("ok", "reported", 40 * BIG.0 + 3 * BIG.1));
}

#[tokio::test]
async fn tools_are_called_in_either_form() {
    let older = json!({"response": "", "tool_calls": [{"name": "look", "arguments": {"q": "Zürich"}}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43}});
    let call = json!({"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"q\":\"Zürich\"}"}});
    let newer = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": null, "tool_calls": [call]},
        "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43}});
    for (agent, answered) in [("older", older), ("newer", newer)] {
        let stage = stage().await;
        stage.then(reply(&answered));
        let reply = stage.ask(Face::Completions, agent).send().await.ok();
        let choice = &reply["choices"][0];
        assert_eq!(
            choice["message"]["tool_calls"][0]["function"]["arguments"], "{\"q\":\"Zürich\"}",
            "{agent}"
        );
        assert_eq!(choice["finish_reason"], "tool_calls");
        stage.take_asked();
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_count_and_one_without_is_charged() {
    let pieces = || vec![frame(&json!({"response": "Hel"})), frame(&json!({"response": "lo"}))];
    let count = frame(
        &json!({"response": "", "usage": {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43}}),
    );
    let done = bytes::Bytes::from_static(b"data: [DONE]\n\n");
    for (counted, usage) in [(true, "reported"), (false, "estimated")] {
        let stage = stage().await;
        let last = counted.then(|| count.clone()).into_iter().chain([done.clone()]);
        stage.then(stream(pieces().into_iter().chain(last)));
        let reply = stage.ask(Face::Stream, "older").send().await;
        let (name, data) = reply.events().pop().unwrap();
        assert_eq!(
            (name.as_str(), &serde_json::from_str::<Value>(&data).unwrap()["message"]),
            ("done", &json!("Hello"))
        );
        assert_eq!(stage.asked_once()["stream"], true);
        let bill = stage.bill("older").await;
        assert_eq!((bill.status.as_str(), bill.usage.as_str()), ("ok", usage), "{bill:?}");
        assert!(bill.cost > 0);
    }
}

#[tokio::test]
async fn json_of_a_stream_is_asked_for_in_words() {
    let stage = stage().await;
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}});
    for face in [Face::Completions, Face::CompletionsStream] {
        stage.then(face.served((40, 3)));
        let asked = body(face, "newer", &json!({"response_format": format}));
        assert_eq!(stage.ask(face, "newer").json(&asked).send().await.status, 200);
        let sent = stage.asked_once();
        let schema = json!({"type": "json_schema", "json_schema": {"type": "object"}});
        assert_eq!(sent.get("response_format"), (!face.streams()).then_some(&schema));
        let messages = sent["messages"].as_array().unwrap();
        assert_eq!(
            messages.iter().any(|m| m["content"].as_str().unwrap().contains("JSON Schema")),
            face.streams()
        );
    }
}

#[tokio::test]
async fn what_the_binding_refuses_is_what_any_provider_refuses() {
    let stage = stage().await;
    let busy = json!({"internalCode": 3040, "name": "InferenceUpstreamError", "description": "Capacity temporarily exceeded"});
    stage.then(Turn::Replies(Script::status(429, busy.to_string())));
    let reply = stage.ask(Face::Completions, "newer").send().await;
    reply.assert_refusal(429, "upstream_rate_limited");
    let wrong = json!({"errors": [{"code": 5006, "message": "required properties at '/messages'"}]});
    stage.then(Turn::Replies(Script::status(400, wrong.to_string())));
    let reply = stage.ask(Face::Completions, "newer").send().await;
    reply.assert_refusal(400, "upstream_rejected");
    assert!(reply.words().contains("/messages"), "{}", reply.words());
    stage.then(answer("Hello", Some((40, 3))));
    stage.ask(Face::Completions, "newer").send().await.ok();
}
