//! Agents that are asked with JSON of a schema.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Face, Reply};
use crate::provider::answer;
use crate::stage::Stage;
use crate::support::Asked;
use crate::threads::{calls, post, sent};
use crate::throwaway::{call, says};

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"], "additionalProperties": false})
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"input": {"schema": schema()}})).await;
    stage
}

/// A body that says this text.
fn saying(face: Face, text: &str) -> Value {
    if face.is_openai() {
        json!({"messages": [{"role": "user", "content": text}]})
    } else {
        json!({"message": text})
    }
}

/// The fields that a refusal names.
fn fields(face: Face, reply: &Reply) -> Vec<String> {
    reply.assert_refusal(400, "validation_failed");
    let body = reply.json();
    if face.is_openai() {
        return vec![body["error"]["param"].as_str().unwrap().to_owned()];
    }
    body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place_on_every_face_before_anything_is_begun() {
    let stage = stage().await;
    for face in Face::ALL {
        let at = if face.is_openai() { "messages[0].content" } else { "message" };
        for headers in [vec![], vec![("x-thread", "t")], vec![("idempotency-key", "k")]] {
            for (text, place) in [
                ("Oslo, please.", ""),
                (r#"{"city": 5, "city": "Oslo"}"#, ""),
                (r#"{"city": 7}"#, "#/city"),
                (r#"{"days": 0, "city": "Oslo"}"#, "#/days"),
                (r#"{"city": "Oslo", "when": "now"}"#, "#/when"),
                ("```\n{\"city\": \"Oslo\"}\n```", ""),
            ] {
                let mut ask = call(&stage, face, &saying(face, text));
                for (name, value) in &headers {
                    ask = ask.header(name, value);
                }
                let reply = ask.send().await;
                assert_eq!(fields(face, &reply), [format!("{at}{place}")], "{text}: {}", reply.text());
            }
        }
    }
    stage.assert_untouched("triage").await;
    let missing =
        stage.request(Method::GET, "/accounts/acme/agents/triage/threads/t").key(&stage.acme.caller);
    missing.send().await.assert_refusal(404, "not_found");
}

#[tokio::test]
async fn what_fits_is_asked_as_it_is_and_a_call_stays_a_call() {
    let stage = stage().await;
    for face in [Face::Chat, Face::Completions] {
        stage.then(answer("Hello", Some((10, 5))));
        let text = r#"{"city": "Oslo"}"#;
        let reply = call(&stage, face, &saying(face, text)).send().await;
        assert_eq!((reply.status.as_u16(), reply.header("x-run")), (200, ""), "{}", reply.text());
        assert_eq!(sent(&stage.take_asked()[0]), [format!("user: {text}")]);
    }
    // In our own protocol an object is its own JSON.
    stage.then(answer("Hello", Some((10, 5))));
    call(&stage, Face::Chat, &json!({"message": {"city": "Oslo", "days": 2}})).send().await.ok();
    assert_eq!(sent(&stage.take_asked()[0]), [r#"user: {"city":"Oslo","days":2}"#]);
    let reply = call(&stage, Face::Chat, &json!({"message": {"city": 1}})).send().await;
    assert_eq!(fields(Face::Chat, &reply), ["message#/city"]);
    let reply = call(&stage, Face::Chat, &json!({"message": ["Oslo"]})).send().await;
    assert_eq!(fields(Face::Chat, &reply), ["message"]);
}

#[tokio::test]
async fn of_a_conversation_the_last_turn_is_held_to_it() {
    let stage = stage().await;
    let user = |text: &str| json!({"role": "user", "content": text});
    let fits = user(r#"{"city": "Oslo"}"#);
    let system = json!({"role": "system", "content": "Be brief."});
    let assistant = json!({"role": "assistant", "content": "Hello"});
    for (messages, field) in [
        (json!([system, fits]), None),
        (json!([user("Hi"), assistant, fits]), None),
        (json!([fits, assistant, user("And now?")]), Some("messages[2].content")),
        (json!([fits, fits]), Some("messages")),
        (json!([system]), Some("messages")),
        (
            json!([{"role": "user", "content": [{"type": "text", "text": "{}"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]),
            Some("messages[0].content"),
        ),
    ] {
        if field.is_none() {
            stage.then(answer("Hello", Some((10, 5))));
        }
        let reply = call(&stage, Face::Completions, &json!({"messages": messages})).send().await;
        match field {
            None => assert_eq!(reply.status, 200, "{messages}: {}", reply.text()),
            Some(field) => assert_eq!(fields(Face::Completions, &reply), [field], "{messages}"),
        }
    }
}

#[tokio::test]
async fn a_run_begins_with_what_fits_and_goes_on_with_what_it_hears() {
    let stage = stage().await;
    let input = json!({"schema": schema()});
    let look = json!([{"type": "client", "name": "look"}]);
    stage.change("triage", &json!({"input": input, "tools": look})).await;
    for (body, field) in [
        (json!({"message": "Oslo"}), "message"),
        (json!({"message": {"days": 1, "city": []}}), "message#/city"),
        (json!({"input": [{"role": "user", "content": "{\"city\": 1}"}]}), "input[0].content#/city"),
        (json!({"input": []}), "input"),
        (json!({"background": true, "message": "Oslo"}), "message"),
    ] {
        let reply = post(&stage, "/threads/t/runs", &body).await;
        assert_eq!(fields(Face::Chat, &reply), [field], "{body}");
    }
    stage.then(calls("look", &json!({}))).then(says("Fine."));
    let waiting = post(&stage, "/threads/t/runs", &json!({"message": {"city": "Oslo"}})).await.json();
    let call_id = &waiting["waiting_on"][0]["call_id"];
    let inputs = json!({"inputs": [{"call_id": call_id, "output": "rain"}, {"message": "Be quick."}]});
    let run = waiting["id"].as_str().unwrap();
    assert_eq!(post(&stage, &format!("/runs/{run}/inputs"), &inputs).await.status, 200);
    crate::threads::until(&stage, run, "completed").await;
    stage.take_asked();

    // OpenAI's clients give outputs as messages.
    stage.then(calls("look", &json!({}))).then(says("Fine."));
    let first = saying(Face::Completions, r#"{"city": "Oslo"}"#);
    let reply = call(&stage, Face::Completions, &first).header("x-thread", "u").send().await.ok();
    let id = reply["choices"][0]["message"]["tool_calls"][0]["id"].clone();
    let output = json!({"messages": [{"role": "tool", "tool_call_id": id, "content": "rain"}]});
    let reply = call(&stage, Face::Completions, &output).header("x-thread", "u").send().await.ok();
    assert_eq!(reply["choices"][0]["message"]["content"], "Fine.");
}

#[tokio::test]
async fn a_thread_that_stays_at_a_version_is_asked_as_that_says() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"upgrade": "new_threads"})).await;
    stage.then(says("Hello"));
    assert_eq!(post(&stage, "/threads/plain/runs", &json!({"message": "Hi"})).await.status, 201);
    stage.change("triage", &json!({"upgrade": "new_threads", "input": {"schema": schema()}})).await;
    stage.then(says("Hello"));
    let reply = post(&stage, "/threads/plain/runs", &json!({"message": "Hi"})).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let reply = post(&stage, "/threads/typed/runs", &json!({"message": "Hi"})).await;
    assert_eq!(fields(Face::Chat, &reply), ["message"]);
    stage.then(says("Hello"));
    assert_eq!(post(&stage, "/threads/typed/runs", &json!({"message": {"city": "Oslo"}})).await.status, 201);
    stage.change("triage", &json!({"input": null})).await;
    let reply = post(&stage, "/threads/typed/runs", &json!({"message": "Hi"})).await;
    assert_eq!(fields(Face::Chat, &reply), ["message"]);
}

fn offered(asked: &Asked) -> Value {
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    body["tools"][0]["function"]["parameters"].clone()
}

#[tokio::test]
async fn another_agent_is_asked_with_the_arguments_of_its_schema() {
    let stage = Stage::new().await;
    stage.agent("expert", &json!({"input": {"schema": schema()}})).await;
    for tool in [json!("agent:expert"), json!({"type": "agent", "agent": "expert", "description": "Knows"})] {
        stage.change("triage", &json!({"tools": [tool]})).await;
        stage.then(says("Nothing to ask."));
        post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await;
        let asked = stage.take_asked().remove(0);
        assert_eq!(offered(&asked), schema());
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        let name = body["tools"][0]["function"]["name"].as_str().unwrap().to_owned();
        let arguments = json!({"city": "Oslo", "days": 3});
        let wrong = json!({"city": "Oslo", "days": 0});
        stage
            .then(calls(&name, &wrong))
            .then(calls(&name, &arguments))
            .then(says("Rain."))
            .then(says("It rains."));
        let run = post(&stage, "/threads/t/runs", &json!({"message": "Ask."})).await.json();
        assert_eq!(run["message"], "It rains.", "{run}");
        let asked = stage.take_asked();
        let refused = sent(&asked[1]).last().unwrap().clone();
        assert!(refused.contains("/days: must be at least 1, is 0"), "{refused}");
        assert_eq!(sent(&asked[2]), [format!("user: {arguments}")], "the other agent is asked with them");
    }
}
