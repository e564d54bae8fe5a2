//! Anthropic's Messages: what its clients send is answered in its own shapes, by whatever model.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Reply};
use crate::provider::{answer, count, cut, delta, done, finish, frame, hello, status, stream};
use crate::stage::Stage;
use crate::support::{Script, Turn};
use crate::threads::sent;

fn ask<'a>(stage: &'a Stage, body: &Value) -> Ask<'a> {
    let mut all =
        json!({"model": "triage", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]});
    all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    Ask::new(stage, Method::POST, "/accounts/acme/agents/triage/v1/messages")
        .key(&stage.acme.caller)
        .in_anthropics_shape()
        .json(&all)
}

/// The data of a stream's events, each under its own name.
fn events(reply: &Reply) -> Vec<Value> {
    let read = |(name, data): (String, String)| {
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(data["type"], name.as_str());
        data
    };
    reply.events().into_iter().map(read).collect()
}

fn calls_weather() -> Turn {
    let call = json!({"index": 0, "id": "call_0", "type": "function",
        "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}});
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stream([called, finished, count((10, 5)), done()])
}

#[tokio::test]
async fn a_message_is_answered_whole_and_billed() {
    let stage = Stage::new().await;
    stage.then(answer("Hello", Some((40, 3))));
    let reply = ask(&stage, &json!({"system": "Be brief.", "stop_sequences": ["END"]})).send().await;
    let message = reply.ok();
    assert_eq!(
        (&message["type"], &message["role"], &message["model"]),
        (&json!("message"), &json!("assistant"), &json!("triage"))
    );
    assert_eq!(message["content"], json!([{"type": "text", "text": "Hello"}]));
    assert_eq!((&message["stop_reason"], &message["stop_sequence"]), (&json!("end_turn"), &Value::Null));
    assert_eq!(
        (&message["usage"]["input_tokens"], &message["usage"]["output_tokens"]),
        (&json!(40), &json!(3))
    );
    let bill = stage.bill("triage").await;
    assert_eq!(message["usage"]["cost_usd"], bill.json["cost_usd"]);
    assert_eq!(message["id"], format!("msg_{}", reply.header("x-call-id")));
    assert_eq!(reply.header("request-id"), format!("req_{}", reply.header("x-call-id")));
    let asked = stage.asked_once();
    let told = asked["messages"].as_array().unwrap();
    assert_eq!((&told[0]["content"], &told[1]["content"]), (&json!("Sort the mail."), &json!("Be brief.")));
    assert_eq!(asked["stop"], json!(["END"]));
}

#[tokio::test]
async fn a_stream_has_its_events_in_their_order() {
    let stage = Stage::new().await;
    stage.then(hello((40, 3)));
    let reply = ask(&stage, &json!({"stream": true})).send().await;
    let events = events(&reply);
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types[..3], ["message_start", "ping", "content_block_start"]);
    assert_eq!(types[types.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "Hello");
    assert_eq!(events[types.len() - 2]["usage"]["output_tokens"], 3);
    // What fails in the middle is an event, the last one.
    stage.then(cut([delta("Hel")]));
    let broken = self::events(&ask(&stage, &json!({"stream": true})).send().await);
    let last = broken.last().unwrap();
    assert_eq!((&last["type"], &last["error"]["type"]), (&json!("error"), &json!("api_error")));
}

#[tokio::test]
async fn tools_go_round_with_and_without_a_thread() {
    let tools = json!([{"name": "weather", "description": "d", "input_schema": {"type": "object"}}]);
    for thread in [None, Some("customer-42")] {
        let stage = Stage::new().await;
        let send = async |body: &Value| {
            let asked = ask(&stage, body);
            match thread {
                Some(thread) => asked.header("x-thread", thread).send().await,
                None => asked.send().await,
            }
        };
        stage.then(calls_weather());
        let first = send(&json!({"tools": tools, "stream": true})).await;
        let begun =
            events(&first).into_iter().find(|event| event["content_block"]["type"] == "tool_use").unwrap();
        let call = &begun["content_block"];
        let input: String = events(&first)
            .iter()
            .filter_map(|event| event["delta"]["partial_json"].as_str().map(str::to_owned))
            .collect();
        assert_eq!((&call["name"], input.as_str()), (&json!("weather"), r#"{"city":"Oslo"}"#));
        stage.then(stream([delta("Rain."), finish(), count((10, 5)), done()]));
        let messages = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": call["id"], "name": "weather", "input": {"city": "Oslo"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "It rains."}]},
        ]);
        let second = send(&json!({"tools": tools, "messages": messages, "stream": true})).await;
        let text: String = events(&second)
            .iter()
            .filter_map(|event| event["delta"]["text"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(text, "Rain.", "{thread:?}");
        let asked = stage.take_asked();
        assert_eq!(sent(asked.last().unwrap()).last().unwrap(), "tool: It rains.", "{thread:?}");
        if thread.is_some() {
            assert_eq!(second.header("x-run"), first.header("x-run"), "the run goes on");
        }
    }
}

#[tokio::test]
async fn refusals_have_the_shape_and_the_statuses_that_clients_know() {
    let stage = Stage::new().await;
    let kind = |reply: &Reply| reply.json()["error"]["type"].as_str().unwrap().to_owned();
    let fault = ask(&stage, &json!({"messages": [{"role": "user", "content": [{"type": "search_result"}]}]}))
        .send()
        .await;
    assert_eq!((fault.status.as_u16(), kind(&fault).as_str()), (400, "invalid_request_error"));
    assert_eq!(fault.json()["error"]["param"], "messages[0].content[0].type");
    assert!(fault.header("request-id").starts_with("req_"));
    let nobody = ask(&stage, &json!({})).key("sk-none").send().await;
    assert_eq!((nobody.status.as_u16(), kind(&nobody).as_str()), (401, "authentication_error"));
    let missing = ask(&stage, &json!({"model": "nothing"})).send().await;
    assert_eq!((missing.status.as_u16(), kind(&missing).as_str()), (404, "not_found_error"));
    for _ in 0..6 {
        stage.then(status(429, "slow down"));
    }
    let limited = ask(&stage, &json!({})).send().await;
    assert_eq!((limited.status.as_u16(), kind(&limited).as_str()), (429, "rate_limit_error"));
    stage.set_budget("triage", &json!({"limit_usd": "0.000001", "period": "day"})).await;
    let spent = ask(&stage, &json!({})).send().await;
    assert_eq!((spent.status.as_u16(), kind(&spent).as_str()), (402, "billing_error"));
}

#[tokio::test]
async fn a_model_of_the_vendors_is_whatever_the_agent_has() {
    let stage = Stage::new().await;
    stage.then(answer("Hello", Some((40, 3))));
    let reply = ask(&stage, &json!({"model": "claude-haiku-4-5-20251001"})).send().await;
    assert_eq!(
        (reply.ok()["model"].as_str(), reply.header("x-model")),
        (Some("claude-haiku-4-5-20251001"), "own:big")
    );
    // Where the path names no agent, the model does.
    let wide = ask(&stage, &json!({})).path("/accounts/acme/v1/messages");
    stage.then(answer("Hello", Some((40, 3))));
    assert_eq!(wide.send().await.ok()["content"][0]["text"], "Hello");
    let none =
        ask(&stage, &json!({"model": "claude-haiku-4-5"})).path("/accounts/acme/v1/messages").send().await;
    assert_eq!(none.status, 404, "{}", none.text());
}

#[tokio::test]
async fn tokens_are_counted_for_nothing() {
    let stage = Stage::new().await;
    let count = async |text: &str| {
        let messages = json!([{"role": "user", "content": text}]);
        let path = "/accounts/acme/agents/triage/v1/messages/count_tokens";
        let counted = ask(&stage, &json!({"messages": messages})).path(path).send().await.ok();
        assert_eq!(counted["estimated"], true);
        counted["input_tokens"].as_u64().unwrap()
    };
    let (short, long) = (count("Hi").await, count(&"word ".repeat(2_000)).await);
    assert!(short > 0 && short < 100 && (1_500..6_000).contains(&long), "{short} {long}");
    assert!(stage.take_asked().is_empty());
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_provider_that_counts_tokens_is_asked() {
    let stage = Stage::new().await;
    let own = json!({"wire": "anthropic", "base_url": "https://own.example.com/v1", "api_key": "sk-theirs"});
    stage.api.put("/api/v1/providers/own").key(&stage.acme.admin).json(&own).send().await.ok();
    let said = json!({"messages": [{"role": "user", "content": "Hi"}], "stream": true, "temperature": 0.5});
    for (path, answer, expected) in [
        ("messages/count_tokens", Script::ok(json!({"input_tokens": 412}).to_string()), Some(412)),
        ("messages/count_tokens", Script::status(529, "{}"), None),
        ("messages/count_tokens", Script::ok("no"), None),
        ("responses/input_tokens", Script::ok(json!({"input_tokens": 413}).to_string()), Some(413)),
    ] {
        stage.then(Turn::Replies(answer));
        let is_response = path.starts_with("responses");
        let body = if is_response { json!({"input": "Hi"}) } else { said.clone() };
        let asked = ask(&stage, &body).path(&format!("/accounts/acme/agents/triage/v1/{path}"));
        let counted = asked.send().await.ok();
        assert_eq!(counted["estimated"], expected.is_none(), "{counted}");
        let count = counted["input_tokens"].as_u64().unwrap();
        assert!(expected.map_or(count > 0 && count < 100, |expected| count == expected), "{counted}");
        let asked = stage.take_asked();
        assert!(asked[0].to.ends_with("/messages/count_tokens"), "{asked:?}");
        let sent: Value = serde_json::from_slice(&asked[0].body).unwrap();
        let mut fields: Vec<&String> = sent.as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["messages", "model", "system"], "{sent}");
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn what_the_system_says_in_the_midst_of_it_stays_there() {
    let stage = Stage::new().await;
    stage.then(hello((40, 3)));
    let said = json!([
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": [{"type": "text", "text": "Now in French."}]},
        {"role": "user", "content": "Go on"},
    ]);
    let reply = ask(&stage, &json!({"messages": said, "stream": true})).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = stage.asked_once();
    let roles: Vec<&Value> = asked["messages"].as_array().unwrap().iter().map(|said| &said["role"]).collect();
    assert_eq!(roles, ["system", "user", "system", "user"], "{asked}");
}
