//! Calls on threads, in the shapes of the faces: the agent remembers, waits for the client's tools, and goes on.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Face, Reply};
use crate::provider::{count, delta, done, finish, frame, hello, status, stream};
use crate::stage::Stage;
use crate::support::Turn;
use crate::threads::sent;

fn call<'a>(stage: &'a Stage, face: Face, body: &Value) -> Ask<'a> {
    let mut all = face.body("triage");
    let fields = body.as_object().unwrap();
    all.as_object_mut().unwrap().extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ask::call(stage, face, "triage").json(&all)
}

async fn on_thread(stage: &Stage, face: Face, body: &Value) -> Reply {
    call(stage, face, body).header("x-thread", "customer-42").send().await
}

fn says(text: &str) -> Turn {
    stream([delta(text), finish(), count((10, 5)), done()])
}

/// An answer that calls the client's tool.
fn calls_weather() -> Turn {
    let call = json!({"index": 0, "id": "call_0", "type": "function",
        "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}});
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stream([called, finished, count((10, 5)), done()])
}

/// The text of an answer, whole or streamed.
pub fn text(face: Face, reply: &Reply) -> String {
    if !face.streams() {
        let body = reply.json();
        let said =
            if face.is_openai() { &body["choices"][0]["message"]["content"] } else { &body["message"] };
        return said.as_str().unwrap_or_else(|| panic!("no text: {body}")).to_owned();
    }
    let frames = reply.text().lines().filter_map(|line| line.strip_prefix("data: "));
    let frames = frames.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let piece = |frame: Value| {
        let said = if face.is_openai() { &frame["choices"][0]["delta"]["content"] } else { &frame["text"] };
        said.as_str().map(str::to_owned)
    };
    frames.filter_map(piece).collect()
}

#[tokio::test]
async fn every_face_remembers_on_a_thread_and_keeps_its_shape() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.then(hello((10, 5)));
        let first = on_thread(&stage, face, &json!({})).await;
        assert_eq!(first.status, 200, "{face:?}: {}", first.text());
        assert_eq!(text(face, &first), "Hello", "{face:?}");
        assert_eq!(first.header("x-run").len(), 40, "{face:?}");
        assert!(!first.header("x-thread").is_empty());

        stage.then(says("Ada."));
        let with_usage = json!({"stream_options": {"include_usage": true}});
        let body = if face == Face::CompletionsStream { with_usage } else { json!({}) };
        let second = on_thread(&stage, face, &body).await;
        assert_eq!(text(face, &second), "Ada.", "{face:?}");
        assert_eq!(second.header("x-thread"), first.header("x-thread"));
        let asked = stage.take_asked();
        assert_eq!(sent(&asked[1]), ["user: Hi", "assistant: Hello", "user: Hi"], "{face:?}");
        assert!(second.text().contains("0.000020"), "{face:?} says the cost: {}", second.text());
        let ledger = stage.books("triage").await.ledger;
        assert_eq!(ledger.len(), 2);
        for reply in [&first, &second] {
            assert!(ledger.iter().any(|row| row.json["run_id"] == reply.header("x-run")), "{face:?}");
        }

        // Without a thread nothing is remembered.
        stage.then(face.served((10, 5)));
        let alone = Ask::call(&stage, face, "triage").send().await;
        assert_eq!((alone.header("x-thread"), alone.header("x-run")), ("", ""));
        assert_eq!(sent(&stage.take_asked()[0]), ["user: Hi"]);
    }
}

#[tokio::test]
async fn a_client_that_sends_its_whole_history_adds_what_is_new() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5))).then(hello((10, 5)));
    on_thread(&stage, Face::Completions, &json!({})).await;
    let messages = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And now?"}]);
    on_thread(&stage, Face::Completions, &json!({"messages": messages})).await;
    assert_eq!(sent(&stage.take_asked()[1]), ["user: Hi", "assistant: Hello", "user: And now?"]);
}

#[tokio::test]
async fn openais_clients_answer_their_tools_calls_and_the_run_goes_on() {
    for face in [Face::Completions, Face::CompletionsStream] {
        let stage = Stage::new().await;
        let tools =
            json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);
        stage.then(calls_weather());
        let called = on_thread(&stage, face, &json!({"tools": tools})).await;
        assert!(called.text().contains("\"finish_reason\":\"tool_calls\""), "{}", called.text());
        let call_id = format!("{}-", called.header("x-run"));
        let at = called.text().find(&call_id).unwrap_or_else(|| panic!("{}", called.text()));
        let call_id = called.text()[at..].split('"').next().unwrap().to_owned();

        stage.then(says("It rains."));
        let call = json!({"id": call_id, "type": "function",
            "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}});
        let messages = json!([{"role": "user", "content": "Hi"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": "rain"}]);
        let body = json!({"tools": tools, "messages": messages});
        let ask = || call_with(&stage, face, &body);
        let answered = ask().send().await;
        assert_eq!(text(face, &answered), "It rains.", "{}", answered.text());
        assert_eq!(answered.header("x-run"), called.header("x-run"));
        // The same again is answered as it was.
        let again = ask().send().await;
        assert_eq!(text(face, &again), "It rains.");
        let asked = stage.take_asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(sent(&asked[1]), ["user: Hi", "assistant: ", "tool: rain"]);

        let foreign = json!([{"role": "user", "content": "Hi"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "call_7", "type": "function",
                "function": {"name": "weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_7", "content": "rain"}]);
        on_thread(&stage, face, &json!({"messages": foreign})).await.assert_refusal(404, "not_found");
    }
}

fn call_with<'a>(stage: &'a Stage, face: Face, body: &Value) -> Ask<'a> {
    call(stage, face, body).header("x-thread", "customer-42").header("idempotency-key", "answer-1")
}

#[tokio::test]
async fn our_own_face_takes_a_thread_and_tools_in_its_body() {
    let stage = Stage::new().await;
    let tools = json!([{"type": "client", "name": "weather", "parameters": {"type": "object"}}]);
    stage.then(calls_weather());
    let body = json!({"thread": "t", "tools": tools});
    let called = call(&stage, Face::Chat, &body).send().await.ok();
    assert_eq!(called["tool_calls"][0]["name"], "weather", "{called}");
    assert_eq!(called["model"], Value::Null);
    let run = called["run_id"].as_str().unwrap();
    stage.then(says("It rains."));
    let inputs = json!({"inputs": [{"call_id": called["tool_calls"][0]["call_id"], "output": "rain"}]});
    let path = format!("/accounts/acme/agents/triage/runs/{run}/inputs");
    stage.request(Method::POST, &path).key(&stage.acme.caller).json(&inputs).send().await.ok();

    stage.then(says("Yes."));
    let background = call(&stage, Face::Stream, &json!({"thread": "t", "background": true})).send().await;
    assert_eq!(background.status, 202, "{}", background.text());
    assert_eq!(background.json()["id"], background.header("x-run"));

    for body in [json!({"on_busy": "reject"}), json!({"thread": "a b"})] {
        let reply = call(&stage, Face::Chat, &body).send().await;
        reply.assert_refusal(400, "validation_failed");
    }
}

#[tokio::test]
async fn a_run_that_fails_is_the_refusal_that_the_call_would_have_been() {
    for face in [Face::Chat, Face::Completions] {
        let stage = Stage::new().await;
        stage.then(status(400, "bad")).then(status(400, "bad"));
        let failed = on_thread(&stage, face, &json!({})).await;
        assert_eq!(failed.refusal().1, "upstream_rejected");
        assert_eq!(failed.header("x-run").len(), 40);
    }
}

#[tokio::test]
async fn a_call_under_a_key_joins_its_run() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5)));
    let ask = || call(&stage, Face::Chat, &json!({"thread": "t"})).header("idempotency-key", "k");
    let first = ask().send().await.ok();
    assert_eq!(ask().send().await.ok(), first);
    assert_eq!(stage.take_asked().len(), 1);
    let other = json!({"thread": "t", "message": "Else"});
    let other = call(&stage, Face::Chat, &other).header("idempotency-key", "k").send().await;
    other.assert_refusal(422, "idempotency_key_reused");
}

/// An answer that calls the client's tool twice, and what the client got: its run and the calls' ids.
async fn two_calls(stage: &Stage, tools: &Value) -> (Reply, [String; 2]) {
    let call = |n| json!({"index": n, "id": format!("call_{n}"), "type": "function", "function": {"name": "weather", "arguments": "{}"}});
    let called = json!({"choices": [{"index": 0, "delta": {"tool_calls": [call(0), call(1)]}, "finish_reason": null}]});
    let finished = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]});
    stage.then(stream([frame(&called), frame(&finished), count((10, 5)), done()]));
    let reply = on_thread(stage, Face::Completions, &json!({"tools": tools})).await;
    let calls = reply.ok()["choices"][0]["message"]["tool_calls"].clone();
    let id = |n: usize| calls[n]["id"].as_str().unwrap().to_owned();
    (reply, [id(0), id(1)])
}

#[tokio::test]
async fn outputs_of_tools_may_come_alone_and_one_after_the_other() {
    let tools =
        json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);
    let output = |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    for is_history_sent in [false, true] {
        let stage = Stage::new().await;
        let (called, [one, two]) = two_calls(&stage, &tools).await;
        let with = |outputs: Vec<Value>| {
            let call = |id: &String| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": "{}"}});
            let history = json!([{"role": "user", "content": "Hi"},
                {"role": "assistant", "content": null, "tool_calls": [call(&one), call(&two)]}]);
            let history = history.as_array().unwrap().iter().filter(|_| is_history_sent).cloned();
            json!({"tools": tools, "messages": history.chain(outputs).collect::<Vec<_>>()})
        };
        let twice = with(vec![output(&one, "rain"), output(&one, "rain")]);
        on_thread(&stage, Face::Completions, &twice).await.assert_refusal(400, "validation_failed");
        let first = on_thread(&stage, Face::Completions, &with(vec![output(&one, "rain")])).await.ok();
        let open = first["choices"][0]["message"]["tool_calls"].as_array().unwrap();
        assert_eq!(open.iter().map(|call| &call["id"]).collect::<Vec<_>>(), [&json!(two)]);

        stage.then(says("It rains."));
        let both = with(vec![output(&one, "rain"), output(&two, "snow")]);
        // The same again is answered as it was, whoever retries.
        for face in [Face::Completions, Face::Completions, Face::CompletionsStream] {
            let answered = on_thread(&stage, face, &both).await;
            assert_eq!(text(face, &answered), "It rains.", "{}", answered.text());
            assert_eq!(answered.header("x-run"), called.header("x-run"));
        }
        let asked = stage.take_asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(sent(&asked[1]), ["user: Hi", "assistant: ", "tool: rain", "tool: snow"]);

        let other = with(vec![output(&one, "sun"), output(&two, "snow")]);
        let refused = on_thread(&stage, Face::Completions, &other).await;
        refused.assert_refusal(409, "already_resolved");
        assert!(refused.text().contains(&one), "{}", refused.text());
    }
}
