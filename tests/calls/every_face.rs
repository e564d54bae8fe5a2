//! What is true of every protocol: an answer says the same, a repeat under a key is one call, and who leaves is billed once.

use std::time::{Duration, Instant};

use axum::http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::ask::{Ask, Reply};
use crate::provider::{count, delta, done, frame, stream};
use crate::stage::{BIG, Stage};
use crate::support::{Script, Turn};

const AGENT: &str = "/accounts/acme/agents/triage";

/// A way to call an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Native,
    Completions,
    Responses,
    Messages,
}

const ALL: [Protocol; 4] = [Protocol::Native, Protocol::Completions, Protocol::Responses, Protocol::Messages];

/// What an answer says, whatever the protocol.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    /// Of each call of a tool its name and arguments.
    calls: Vec<(String, Value)>,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: String,
    /// `stop`, `calls` or `length`.
    end: String,
}

impl Protocol {
    fn path(self, is_stream: bool) -> &'static str {
        match (self, is_stream) {
            (Self::Native, false) => "/chat",
            (Self::Native, true) => "/stream",
            (Self::Completions, _) => "/v1/chat/completions",
            (Self::Responses, _) => "/v1/responses",
            (Self::Messages, _) => "/v1/messages",
        }
    }

    fn body(self, is_stream: bool, with_tool: bool) -> Value {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let says = json!([{"role": "user", "content": "Hi"}]);
        let (mut body, tool) = match self {
            Self::Native => (
                json!({"message": "Hi"}),
                json!({"type": "client", "name": "weather", "description": "d", "parameters": schema}),
            ),
            Self::Completions => (
                json!({"model": "triage", "messages": says, "stream": is_stream}),
                json!({"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}}),
            ),
            Self::Responses => (
                json!({"model": "triage", "input": "Hi", "stream": is_stream}),
                json!({"type": "function", "name": "weather", "description": "d", "parameters": schema}),
            ),
            Self::Messages => (
                json!({"model": "triage", "max_tokens": 100, "messages": says, "stream": is_stream}),
                json!({"name": "weather", "description": "d", "input_schema": schema}),
            ),
        };
        if self == Self::Completions && is_stream {
            body["stream_options"] = json!({"include_usage": true});
        }
        if with_tool {
            body["tools"] = json!([tool]);
        }
        body
    }

    fn ask<'a>(self, stage: &'a Stage, is_stream: bool, with_tool: bool) -> Ask<'a> {
        let ask = stage.request(Method::POST, &format!("{AGENT}{}", self.path(is_stream)));
        let ask = ask.key(&stage.acme.caller).json(&self.body(is_stream, with_tool));
        match self {
            Self::Messages => ask.in_anthropics_shape(),
            _ => ask,
        }
    }

    fn said(self, is_stream: bool, reply: &Reply) -> Said {
        match (self, is_stream) {
            (Self::Native, false) => native(&reply.ok()),
            (Self::Native, true) => {
                let events = data(reply);
                let mut said = native(events.last().unwrap());
                said.text = events.iter().filter_map(|event| event["text"].as_str()).collect();
                said
            }
            (Self::Completions, false) => completion(&reply.ok()["choices"][0]["message"], &reply.ok()),
            (Self::Completions, true) => completion_stream(&data(reply)),
            (Self::Responses, false) => response(&reply.ok()),
            (Self::Responses, true) => response(&data(reply).last().unwrap()["response"]),
            (Self::Messages, false) => message(&reply.ok()),
            (Self::Messages, true) => message_stream(&data(reply)),
        }
    }
}

/// The JSON of a stream's events.
fn data(reply: &Reply) -> Vec<Value> {
    let events = reply.events();
    events.iter().filter_map(|(_, data)| serde_json::from_str(data).ok()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn arguments(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| serde_json::from_str(text).unwrap())
}

fn end(word: &str) -> String {
    match word {
        "stop" | "end_turn" | "completed" => "stop",
        "tool_calls" | "tool_use" | "calls" => "calls",
        "length" | "max_tokens" | "max_output_tokens" => "length",
        other => other,
    }
    .to_owned()
}

fn used(usage: &Value) -> (u64, u64, String) {
    let either = |one: &str, other: &str| usage[one].as_u64().or_else(|| usage[other].as_u64()).unwrap();
    let (read, written) =
        (either("input_tokens", "prompt_tokens"), either("output_tokens", "completion_tokens"));
    (read, written, text(&usage["cost_usd"]))
}

fn of(text: String, calls: Vec<(String, Value)>, usage: &Value, why: &str) -> Said {
    let (input_tokens, output_tokens, cost_usd) = used(usage);
    Said { text, calls, input_tokens, output_tokens, cost_usd, end: end(why) }
}

fn native(answer: &Value) -> Said {
    let waits = answer["tool_calls"].as_array().or_else(|| answer["waiting_on"].as_array());
    let calls = waits.into_iter().flatten().map(|call| (text(&call["name"]), arguments(&call["arguments"])));
    let calls: Vec<_> = calls.collect();
    let mut usage = answer["usage"].clone();
    usage["cost_usd"] = answer["cost_usd"].clone();
    // Where it is as usual, it is not said.
    let usual = if calls.is_empty() { "stop" } else { "calls" };
    let why = answer["finish_reason"].as_str().unwrap_or(usual);
    of(text(&answer["message"]), calls, &usage, why)
}

fn completion(said: &Value, answer: &Value) -> Said {
    let calls = said["tool_calls"].as_array().into_iter().flatten();
    let calls =
        calls.map(|call| (text(&call["function"]["name"]), arguments(&call["function"]["arguments"])));
    let why = answer["choices"][0]["finish_reason"].as_str().unwrap();
    of(text(&said["content"]), calls.collect(), &answer["usage"], why)
}

fn completion_stream(chunks: &[Value]) -> Said {
    let deltas = || chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]);
    let words = deltas().filter_map(|delta| delta["content"].as_str()).collect();
    let parts = |part: &str| -> String {
        deltas().filter_map(|delta| delta["tool_calls"][0]["function"][part].as_str()).collect()
    };
    let calls = match parts("name") {
        name if name.is_empty() => Vec::new(),
        name => vec![(name, serde_json::from_str(&parts("arguments")).unwrap())],
    };
    let why = chunks.iter().find_map(|chunk| chunk["choices"][0]["finish_reason"].as_str()).unwrap();
    let usage = chunks.iter().map(|chunk| &chunk["usage"]).find(|usage| usage.is_object()).unwrap();
    of(words, calls, usage, why)
}

fn response(response: &Value) -> Said {
    let items = || response["output"].as_array().unwrap().iter();
    let words = items().filter(|item| item["type"] == "message");
    let words = words.flat_map(|item| item["content"].as_array().unwrap()).map(|part| text(&part["text"]));
    let calls = items().filter(|item| item["type"] == "function_call");
    let calls: Vec<_> = calls.map(|item| (text(&item["name"]), arguments(&item["arguments"]))).collect();
    let why = match response["incomplete_details"]["reason"].as_str() {
        Some(reason) => reason,
        None if !calls.is_empty() => "calls",
        None => response["status"].as_str().unwrap(),
    };
    of(words.collect(), calls, &response["usage"], why)
}

fn message(message: &Value) -> Said {
    let blocks = || message["content"].as_array().unwrap().iter();
    let words = blocks().filter(|block| block["type"] == "text").map(|block| text(&block["text"]));
    let calls = blocks().filter(|block| block["type"] == "tool_use");
    let calls = calls.map(|block| (text(&block["name"]), block["input"].clone()));
    of(words.collect(), calls.collect(), &message["usage"], message["stop_reason"].as_str().unwrap())
}

fn message_stream(events: &[Value]) -> Said {
    let words = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    let name = events.iter().find(|event| event["content_block"]["type"] == "tool_use");
    let parts: String = events.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    let calls =
        name.map(|event| (text(&event["content_block"]["name"]), serde_json::from_str(&parts).unwrap()));
    let last = events.iter().find(|event| event["type"] == "message_delta").unwrap();
    of(words, calls.into_iter().collect(), &last["usage"], last["delta"]["stop_reason"].as_str().unwrap())
}

/// Scripts of one answer, whole and as a stream.
fn answer(words: &str, calls_tool: bool, why: &str) -> (Turn, Turn) {
    let call = |more: Value| {
        let mut call = json!({"id": "c0", "type": "function",
            "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([call])
    };
    let usage = json!({"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47});
    let mut message = json!({"role": "assistant", "content": words});
    let mut pieces = vec![delta(&words[..3]), delta(&words[3..])];
    if calls_tool {
        message["tool_calls"] = call(json!({}));
        let called = json!({"tool_calls": call(json!({"index": 0}))});
        pieces.push(frame(&json!({"choices": [{"index": 0, "delta": called, "finish_reason": null}]})));
    }
    let choice = json!({"index": 0, "message": message, "finish_reason": why});
    let whole = json!({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage});
    let ended = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": why}]}));
    pieces.extend([ended, count((40, 7)), done()]);
    (Turn::Replies(Script::ok(whole.to_string())), stream(pieces))
}

#[tokio::test]
async fn an_answer_says_the_same_through_every_face() {
    for (words, calls_tool, why, as_said) in [
        ("Hello there", false, "stop", "stop"),
        ("Let me look", true, "tool_calls", "calls"),
        ("Hello the", false, "length", "length"),
    ] {
        let cost = 40 * BIG.0 + 7 * BIG.1;
        let said = Said {
            text: words.to_owned(),
            calls: calls_tool.then(|| ("weather".to_owned(), json!({"city": "Oslo"}))).into_iter().collect(),
            input_tokens: 40,
            output_tokens: 7,
            cost_usd: format!("0.{:06}", cost / 1_000),
            end: as_said.to_owned(),
        };
        for protocol in ALL {
            for is_stream in [false, true] {
                let stage = Stage::new().await;
                let (whole, streamed) = answer(words, calls_tool, why);
                // What is kept, and what runs tools, asks for a stream.
                let is_run = protocol == Protocol::Responses || protocol == Protocol::Native && calls_tool;
                stage.then(if is_stream || is_run { streamed } else { whole });
                let reply = protocol.ask(&stage, is_stream, calls_tool).send().await;
                assert_eq!(
                    protocol.said(is_stream, &reply),
                    said,
                    "{protocol:?} {is_stream}: {}",
                    reply.text()
                );
                let books = stage.books("triage").await;
                assert_eq!((books.settled, books.ledger.len()), (cost, 1), "{protocol:?} {is_stream}");
            }
        }
    }
}

#[tokio::test]
async fn one_run_is_the_same_as_a_run_and_as_a_response() {
    let stage = Stage::new().await;
    stage.then(answer("Hello there", false, "stop").1);
    let get = async |path: &str| {
        stage.request(Method::GET, &format!("{AGENT}{path}")).key(&stage.acme.caller).send().await
    };
    let run = stage.request(Method::POST, &format!("{AGENT}/threads/t/runs")).key(&stage.acme.caller);
    let run = run.json(&json!({"message": "Hi"})).send().await.json();
    let id = run["id"].as_str().unwrap();
    let shown = get(&format!("/v1/responses/resp_{id}")).await.ok();
    let streamed = get(&format!("/v1/responses/resp_{id}?stream=true")).await;
    let said = response(&shown);
    assert_eq!(said, response(&data(&streamed).last().unwrap()["response"]));
    assert_eq!((said.text.as_str(), &json!(said.cost_usd)), ("Hello there", &run["cost_usd"]));
    let said_again: String = data(&streamed)
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .map(|event| text(&event["delta"]))
        .collect();
    assert_eq!(said_again, run["message"].as_str().unwrap());
    let items = get("/threads/t/items").await.ok();
    let thread = run["thread_id"].as_str().unwrap().replace('-', "");
    let conversation = get(&format!("/v1/conversations/conv_{thread}/items?order=asc")).await.ok();
    let texts = |items: &Value| -> Vec<String> {
        items.as_array().unwrap().iter().map(|item| text(&item["content"][0]["text"])).collect()
    };
    assert_eq!(texts(&conversation["data"]), texts(&items["items"]));
    assert_eq!(shown["output"][0]["id"], conversation["data"][1]["id"]);
}

#[tokio::test]
async fn a_repeat_under_its_key_is_one_call_through_every_face() {
    for protocol in ALL {
        for is_stream in [false, true] {
            let stage = Stage::new().await;
            // A call under a key is a run, which asks for a stream.
            stage.then(answer("Hello there", false, "stop").1);
            let ask =
                async || protocol.ask(&stage, is_stream, false).header("idempotency-key", "one").send().await;
            let (first, again) = (ask().await, ask().await);
            let place = format!("{protocol:?} {is_stream}");
            assert_eq!(protocol.said(is_stream, &first), protocol.said(is_stream, &again), "{place}");
            assert_eq!(first.header("x-run"), again.header("x-run"), "{place}");
            assert_eq!(stage.take_asked().len(), 1, "{place}");
            assert_eq!(stage.books("triage").await.ledger.len(), 1, "{place}");
            let other = protocol.ask(&stage, is_stream, true).header("idempotency-key", "one").send().await;
            assert_eq!(other.status, 422, "{place}: {}", other.text());
        }
    }
}

#[tokio::test]
async fn who_leaves_in_the_middle_is_billed_once_through_every_face() {
    for protocol in ALL {
        let stage = Stage::new().await;
        stage.then(answer("Hello there", false, "stop").1);
        let mut body = protocol.ask(&stage, true, false).open().await.into_body();
        body.frame().await.unwrap().unwrap();
        drop(body);
        let deadline = Instant::now() + Duration::from_secs(10);
        let standing = async || {
            let asked = stage.api.get("/api/v1/agents/triage/budget").key(&stage.acme.member);
            asked.send().await.ok()
        };
        while standing().await["settled_usd"] == "0.000000" || standing().await["held_usd"] != "0.000000" {
            assert!(Instant::now() < deadline, "{protocol:?}: {}", standing().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(stage.bill("triage").await.cost >= 40 * BIG.0, "{protocol:?}");
    }
}
