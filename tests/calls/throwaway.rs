//! Calls without a thread that are runs all the same: of agents whose tools run here, in the background, and under a key.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Face, Reply};
use crate::provider::{count, cut, delta, done, finish, frame, hello, stream};
use crate::stage::Stage;
use crate::support::{Asked, Turn, native_only};
use crate::threads::sent;
use crate::turns::text;
use retinue::domain::thread::id::{RunId, ThreadKey};
use retinue::ports::{ThreadOf, World};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub fn call<'a>(stage: &'a Stage, face: Face, body: &Value) -> Ask<'a> {
    let mut all = face.body("triage");
    let fields = body.as_object().unwrap();
    all.as_object_mut().unwrap().extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ask::call(stage, face, "triage").json(&all)
}

pub fn says(text: &str) -> Turn {
    stream([delta(text), finish(), count((10, 5)), done()])
}

/// An answer that calls these tools.
pub fn calls(names: &[&str]) -> Turn {
    let calls: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            json!({"index": n, "id": format!("call_{n}"), "type": "function",
            "function": {"name": name, "arguments": "{}"}})
        })
        .collect();
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stream([called, finished, count((10, 5)), done()])
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

/// The call that an answer waits for, by the run that its head names.
fn call_id(reply: &Reply) -> String {
    let id = format!("{}-", reply.header("x-run"));
    let at = reply.text().find(&id).unwrap_or_else(|| panic!("{}", reply.text()));
    reply.text()[at..].split('"').next().unwrap().to_owned()
}

const WEATHER: &str = r#"[{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}, "strict": true}}]"#;

fn weather() -> Value {
    serde_json::from_str(WEATHER).unwrap()
}

/// What an OpenAI client sends back after an answer with a call: all that was said, and the output.
fn answered(call_id: &str, output: &str) -> Value {
    let call = json!({"id": call_id, "type": "function", "function": {"name": "weather", "arguments": "{}"}});
    json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": output}])
}

pub async fn with_tools(stage: &Stage, fields: &Value) {
    let mut all = json!({"tools": ["current_time"]});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    stage.change("triage", &all).await;
}

#[tokio::test]
async fn an_agent_uses_our_tools_in_a_call_without_a_thread() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        with_tools(&stage, &json!({})).await;
        stage.then(calls(&["current_time"])).then(says("It is noon."));
        let reply = call(&stage, face, &json!({})).send().await;
        assert_eq!((reply.status.as_u16(), text(face, &reply).as_str()), (200, "It is noon."), "{face:?}");
        let asked = stage.take_asked();
        assert_eq!(body(&asked[0])["tools"][0]["function"]["name"], "current_time");
        assert_eq!(sent(&asked[1])[..2], ["user: Hi", "assistant: "]);
        assert_eq!(stage.books("triage").await.ledger.len(), 2);
        // It can be looked at for a day, and is nothing that the next call remembers.
        let path = format!("/accounts/acme/agents/triage/runs/{}", reply.header("x-run"));
        let run = stage.request(Method::GET, &path).key(&stage.acme.caller).send().await.ok();
        assert_eq!((&run["status"], &run["tool_calls"]), (&json!("completed"), &json!(1)));
        let path = format!("/accounts/acme/agents/triage/threads/{}", reply.header("x-thread"));
        let thread = stage.request(Method::GET, &path).key(&stage.acme.caller).send().await.ok();
        assert!(thread["expires_at"].is_string(), "{thread}");
        stage.then(says("Hello"));
        let next = call(&stage, face, &json!({})).send().await;
        assert_ne!(next.header("x-thread"), reply.header("x-thread"));
        assert_eq!(sent(&stage.take_asked()[0]), ["user: Hi"]);
    }
}

#[tokio::test]
async fn an_agent_none_of_whose_tools_run_here_is_called_as_ever() {
    let stage = Stage::new().await;
    let tools = json!(["unknown_tool", {"type": "client", "name": "look", "description": "Looks"}]);
    stage.change("triage", &json!({"tools": tools})).await;
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        let reply = call(&stage, face, &json!({})).send().await;
        assert_eq!((reply.header("x-run"), text(face, &reply).as_str()), ("", "Hello"), "{face:?}");
        assert!(!reply.header("x-call-id").is_empty());
        assert_eq!(body(&stage.take_asked()[0])["tools"], Value::Null);
    }
}

#[tokio::test]
async fn the_client_s_own_tools_go_beside_ours_and_the_run_goes_on_when_their_outputs_come_back() {
    for face in [Face::Completions, Face::CompletionsStream] {
        let stage = Stage::new().await;
        with_tools(&stage, &json!({})).await;
        stage.then(calls(&["current_time", "weather"]));
        let called = call(&stage, face, &json!({"tools": weather()})).send().await;
        assert!(called.text().contains("\"finish_reason\":\"tool_calls\""), "{}", called.text());
        assert!(!called.text().contains("\"name\":\"current_time\""), "ours are not the client's business");
        let asked = stage.take_asked();
        let names: Vec<_> = body(&asked[0])["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["function"].clone())
            .collect();
        assert_eq!((&names[0]["name"], &names[0]["strict"]), (&json!("weather"), &json!(true)));
        assert_eq!(names[1]["name"], "current_time");

        stage.then(says("It rains."));
        let body = json!({"tools": weather(), "messages": answered(&call_id(&called), "rain")});
        let reply = call(&stage, face, &body).send().await;
        assert_eq!(text(face, &reply), "It rains.", "{}", reply.text());
        assert_eq!(reply.header("x-run"), called.header("x-run"));
        // A client whose connection broke asks again, and is answered as it was, without a second charge.
        let again = call(&stage, face, &body).send().await;
        assert_eq!(
            (text(face, &again).as_str(), again.header("x-run")),
            ("It rains.", called.header("x-run"))
        );
        assert_eq!(stage.take_asked().len(), 1);
        assert_eq!(stage.books("triage").await.ledger.len(), 2);

        // One that goes on from another output begins anew with all that it says.
        stage.then(says("It snows."));
        let body = json!({"tools": weather(), "messages": answered(&call_id(&called), "snow")});
        let other = call(&stage, face, &body).send().await;
        assert_eq!(text(face, &other), "It snows.");
        assert_ne!(other.header("x-run"), called.header("x-run"));
        assert_eq!(sent(&stage.take_asked()[0]), ["user: Hi", "assistant: ", "tool: snow"]);
    }
}

#[tokio::test]
async fn a_history_from_elsewhere_is_the_run_s_input_as_a_whole() {
    let stage = Stage::new().await;
    with_tools(&stage, &json!({})).await;
    let mut messages = answered("call_7", "rain");
    messages.as_array_mut().unwrap().insert(0, json!({"role": "system", "content": "Be brief."}));
    stage.then(says("Fine."));
    let reply = call(&stage, Face::Completions, &json!({"messages": messages})).send().await;
    assert_eq!(text(Face::Completions, &reply), "Fine.", "{}", reply.text());
    messages.as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": "Fine."}),
        json!({"role": "user", "content": "And now?"}),
    ]);
    stage.then(says("Still."));
    call(&stage, Face::Completions, &json!({"messages": messages})).send().await.ok();
    let asked = stage.take_asked();
    let first = ["system: Be brief.", "user: Hi", "assistant: ", "tool: rain"];
    assert_eq!(sent(&asked[0]), first);
    assert_eq!(sent(&asked[1])[4..], ["assistant: Fine.", "user: And now?"]);
}

#[tokio::test]
async fn what_the_client_asks_of_the_model_is_asked_in_every_step() {
    let stage = Stage::new().await;
    with_tools(&stage, &json!({})).await;
    let fields = json!({"temperature": 0.25, "top_p": 0.5, "max_tokens": 77, "stop": ["x"], "seed": 3, "user": "ada", "tools": weather(),
        "reasoning_effort": "low", "presence_penalty": 0.5, "tool_choice": "required", "logit_bias": {"1": 2},
        "response_format": {"type": "json_object"}, "no_such_field": 1});
    stage.then(calls(&["current_time"])).then(says("{}"));
    let reply = call(&stage, Face::Completions, &fields).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = stage.take_asked();
    for asked in &asked {
        let body = body(asked);
        for name in ["temperature", "top_p", "stop", "presence_penalty", "logit_bias", "response_format"] {
            assert_eq!(body[name], fields[name], "{name}: {body}");
        }
        assert!(body["max_tokens"] == 77 || body["max_completion_tokens"] == 77, "{body}");
    }
    // Else the run would call tools without end.
    assert_eq!(body(&asked[0])["tool_choice"], "required");
    assert_ne!(body(&asked[1])["tool_choice"], "required");
    let reply_body = reply.json();
    let warned: Vec<_> =
        reply_body["warnings"].as_array().unwrap().iter().map(|w| w["field"].clone()).collect();
    assert!(warned.contains(&json!("no_such_field")), "{warned:?}");
    assert_eq!(reply.header("x-warnings"), warned.len().to_string());

    let named = call(&stage, Face::Completions, &json!({"model": "no-such-model"})).send().await;
    named.assert_refusal(404, "model_not_found");
    let two = call(&stage, Face::Completions, &json!({"n": 2})).send().await;
    two.assert_refusal(400, "validation_failed");
    let schema = json!([{"type": "function", "function": {"name": "big",
        "parameters": {"type": "object", "description": "x".repeat(600_000)}}}]);
    call(&stage, Face::Completions, &json!({"tools": schema}))
        .send()
        .await
        .assert_refusal(400, "validation_failed");
}

#[tokio::test]
async fn what_no_model_took_is_said_in_the_last_frame_of_a_stream() {
    let stage = Stage::new().await;
    with_tools(&stage, &json!({"model": "other:small"})).await;
    for face in [Face::Completions, Face::CompletionsStream] {
        stage.then(says("Hello"));
        let reply = call(&stage, face, &json!({"max_tokens": 5_000})).send().await;
        assert!(reply.text().contains("\"warnings\":[{\"field\":\"max_tokens\""), "{}", reply.text());
    }
}

#[tokio::test]
async fn strangers_call_a_public_agent_with_tools_and_answer_their_own_calls_alone() {
    let stage = Stage::new().await;
    with_tools(&stage, &json!({"access": "public"})).await;
    stage.then(calls(&["weather"]));
    let called = call(&stage, Face::Completions, &json!({"tools": weather()})).anonymous().send().await;
    assert_eq!((called.status.as_u16(), called.header("x-thread")), (200, ""), "{}", called.text());
    stage.then(says("It rains."));
    let body = json!({"tools": weather(), "messages": answered(&call_id(&called), "rain")});
    let reply = call(&stage, Face::Completions, &body).anonymous().send().await;
    assert_eq!(text(Face::Completions, &reply), "It rains.");
    assert_eq!(reply.header("x-run"), called.header("x-run"));
    let path = format!("/accounts/acme/agents/triage/runs/{}", called.header("x-run"));
    stage.request(Method::GET, &path).anonymous().send().await.assert_refusal(401, "unauthenticated");

    // A call of somebody with a key is nothing that a stranger can answer: the run is another one, of what is said.
    stage.then(calls(&["weather"]));
    let own = call(&stage, Face::Completions, &json!({"tools": weather()})).send().await;
    stage.then(says("No."));
    let body = json!({"tools": weather(), "messages": answered(&call_id(&own), "rain")});
    let stranger = call(&stage, Face::Completions, &body).anonymous().send().await;
    assert_ne!(stranger.header("x-run"), own.header("x-run"));
    let path = format!("/accounts/acme/agents/triage/runs/{}", own.header("x-run"));
    let run = stage.request(Method::GET, &path).key(&stage.acme.caller).send().await.ok();
    assert_eq!(run["status"], "waiting");

    let background = call(&stage, Face::Chat, &json!({"background": true})).anonymous().send().await;
    background.assert_refusal(401, "unauthenticated");
    let on = call(&stage, Face::Chat, &json!({"thread": "t"})).anonymous().send().await;
    on.assert_refusal(401, "unauthenticated");
}

#[tokio::test]
async fn a_call_in_the_background_needs_no_thread() {
    let stage = Stage::new().await;
    for face in [Face::Chat, Face::Stream] {
        stage.then(says("Done."));
        let run = call(&stage, face, &json!({"background": true})).send().await;
        assert_eq!((run.status.as_u16(), &run.json()["id"]), (202, &json!(run.header("x-run"))));
        let path = format!("/accounts/acme/agents/triage/runs/{}", run.header("x-run"));
        let over = stage
            .request(Method::GET, &path)
            .key(&stage.acme.caller)
            .header("prefer", "wait=30")
            .send()
            .await;
        assert_eq!(over.ok()["message"], "Done.");
    }
    let refused = call(&stage, Face::Chat, &json!({"background": true, "store": false})).send().await;
    refused.assert_refusal(400, "validation_failed");
}

#[tokio::test]
async fn a_call_under_a_key_is_answered_once_and_again_and_paid_once() {
    for face in Face::ALL {
        for tools in [json!([]), json!(["current_time"])] {
            let stage = Stage::new().await;
            stage.change("triage", &json!({"tools": tools, "access": "public"})).await;
            stage.then(says("Hello"));
            let ask = || call(&stage, face, &json!({})).header("idempotency-key", "k");
            let first = ask().send().await;
            let again = ask().send().await;
            assert_eq!(
                (text(face, &first).as_str(), text(face, &again).as_str()),
                ("Hello", "Hello"),
                "{face:?}"
            );
            assert_eq!(first.header("x-run"), again.header("x-run"));
            assert_eq!(stage.take_asked().len(), 1);
            let ledger = stage.books("triage").await.ledger;
            assert_eq!((ledger.len(), &ledger[0].json["run_id"]), (1, &json!(first.header("x-run"))));
            let field = if face.is_openai() { "user" } else { "variables" };
            let value = if face.is_openai() { json!("ada") } else { json!({}) };
            let other =
                call(&stage, face, &json!({field: value})).header("idempotency-key", "k").send().await;
            other.assert_refusal(422, "idempotency_key_reused");
            // Of strangers it is another key, and so it is by another path.
            stage.then(says("Strange"));
            assert_eq!(text(face, &ask().anonymous().send().await), "Strange");
            ask().header("idempotency-key", "\"").send().await.assert_refusal(400, "invalid_request");
        }
    }
    let stage = Stage::new().await;
    stage.then(says("One")).then(says("Two"));
    let by = |face| call(&stage, face, &json!({})).header("idempotency-key", "k");
    assert_eq!(text(Face::Chat, &by(Face::Chat).send().await), "One");
    assert_eq!(text(Face::Stream, &by(Face::Stream).send().await), "Two");
    assert_eq!(
        stage
            .request(Method::POST, "/accounts/acme/agents/triage/threads")
            .key(&stage.acme.caller)
            .header("idempotency-key", "k")
            .json(&json!({}))
            .send()
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_stream_that_broke_off_is_answered_whole_under_its_key() {
    for face in [Face::Stream, Face::CompletionsStream] {
        let stage = Stage::new().await;
        stage.then(cut([delta("Hel")])).then(says("Hello there."));
        let ask = async || call(&stage, face, &json!({})).header("idempotency-key", "k").send().await;
        let broken = ask().await;
        assert!(broken.text().contains("begins the step again"), "{}", broken.text());
        let path =
            format!("/accounts/acme/agents/triage/runs/{}/resume", broken.headers["x-run"].to_str().unwrap());
        stage.request(Method::POST, &path).key(&stage.acme.caller).json(&json!({})).send().await.ok();
        for _ in 0..2 {
            let again = ask().await;
            assert_eq!(text(face, &again), "Hello there.", "{}", again.text());
            assert!(!again.text().contains("error"), "{}", again.text());
        }
        assert_eq!(stage.take_asked().len(), 2);
    }
}

#[tokio::test]
async fn calls_under_one_key_that_race_join_one_run() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5)));
    let racing = (0..6).map(|n| {
        let face = Face::Completions;
        let ask = call(&stage, face, &json!({})).header("idempotency-key", "k");
        async move { (n, text(face, &ask.send().await)) }
    });
    let replies = futures_util::future::join_all(racing).await;
    assert!(replies.iter().all(|(_, text)| text == "Hello"), "{replies:?}");
    assert_eq!(stage.take_asked().len(), 1);
    assert_eq!(stage.books("triage").await.ledger.len(), 1);
}

#[tokio::test]
async fn a_keyed_call_has_the_client_s_tools_alone() {
    let stage = Stage::new().await;
    let tools = json!([{"type": "client", "name": "look", "description": "Looks"}]);
    stage.change("triage", &json!({"tools": tools})).await;
    stage.then(says("Hello"));
    call(&stage, Face::Chat, &json!({})).header("idempotency-key", "k").send().await.ok();
    assert_eq!(body(&stage.take_asked()[0])["tools"], Value::Null);
}

#[tokio::test]
async fn what_is_not_kept_is_gone_with_its_end() {
    let stage = Stage::new().await;
    with_tools(&stage, &json!({})).await;
    for face in Face::ALL {
        stage.then(calls(&["current_time"])).then(says("It is noon."));
        let reply = call(&stage, face, &json!({"store": false})).send().await;
        assert_eq!((text(face, &reply).as_str(), reply.header("x-thread")), ("It is noon.", ""), "{face:?}");
        let path = format!("/accounts/acme/agents/triage/runs/{}", reply.header("x-run"));
        let gone = stage.request(Method::GET, &path).key(&stage.acme.caller).send().await;
        gone.assert_refusal(404, "not_found");
        let keyed = call(&stage, face, &json!({"store": false})).header("idempotency-key", "k").send().await;
        keyed.assert_refusal(400, "validation_failed");
    }
    // While its client's tool is at work it is there.
    stage.then(calls(&["weather"]));
    let called = call(&stage, Face::Completions, &json!({"store": false, "tools": weather()})).send().await;
    stage.then(says("It rains."));
    let messages = answered(&call_id(&called), "rain");
    let body = json!({"store": false, "tools": weather(), "messages": messages});
    let reply = call(&stage, Face::Completions, &body).send().await;
    assert_eq!(text(Face::Completions, &reply), "It rains.");
    assert_eq!(reply.header("x-run"), called.header("x-run"));
    let on = call(&stage, Face::Chat, &json!({"store": false, "thread": "t"})).send().await;
    on.assert_refusal(400, "validation_failed");
    // Where nothing is kept anyway it says nothing.
    stage.change("triage", &json!({"tools": []})).await;
    stage.take_asked();
    stage.then(Face::Chat.served((10, 5)));
    let alone = call(&stage, Face::Chat, &json!({"store": false})).send().await;
    assert_eq!((text(Face::Chat, &alone).as_str(), alone.header("x-run")), ("Hello", ""));
}

#[tokio::test]
async fn what_is_kept_for_a_day_is_gone_after_it() {
    native_only!("the test turns the clock");
    let stage = Stage::new().await;
    with_tools(&stage, &json!({})).await;
    stage.then(says("Hello")).then(calls(&["weather"]));
    let ask = || call(&stage, Face::Chat, &json!({})).header("idempotency-key", "k");
    let over = ask().send().await;
    let waiting = call(&stage, Face::Completions, &json!({"tools": weather()})).send().await;
    stage.take_asked();
    let of = |reply: &Reply| {
        let path = format!("/accounts/acme/agents/triage/runs/{}", reply.header("x-run"));
        stage.request(Method::GET, &path).key(&stage.acme.caller).send()
    };
    stage.api.world.clock().advance(DAY_MS - 1_000);
    assert_eq!((of(&over).await.status.as_u16(), of(&waiting).await.status.as_u16()), (200, 200));
    stage.api.world.clock().advance(2_000);
    for reply in [&over, &waiting] {
        of(reply).await.assert_refusal(404, "not_found");
    }
    // The key means a new call by now.
    stage.then(says("Again"));
    let again = ask().send().await;
    assert_eq!(text(Face::Chat, &again), "Again");
    assert_ne!(again.header("x-run"), over.header("x-run"));
    // An output that comes too late is a call of its own.
    stage.then(says("It rained."));
    let body = json!({"tools": weather(), "messages": answered(&call_id(&waiting), "rain")});
    let late = call(&stage, Face::Completions, &body).send().await;
    assert_eq!(text(Face::Completions, &late), "It rained.");

    // Its own alarm takes it from the disk.
    stage.api.world.clock().advance(DAY_MS + 60_000);
    let key = ThreadKey::parse(again.header("x-thread")).unwrap();
    let thread = ThreadOf { account: stage.acme.id, thread: key };
    stage.api.world.threads().alarm(thread);
    let disk = stage.api.world.threads().disk(thread);
    let sql =
        "SELECT (SELECT count(*) FROM items) + (SELECT count(*) FROM runs) + (SELECT count(*) FROM events)";
    let left: i64 = disk.db().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "of one that a key names, the number of its last run stays");
}

/// Whether nothing was ever written there, as far as the disk knows, and no alarm will ring.
fn is_empty(stage: &Stage, run: &str) -> bool {
    let thread = ThreadOf { account: stage.acme.id, thread: RunId::parse(run).unwrap().thread };
    let threads = stage.api.world.threads();
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = threads.disk(thread).db().query_row(tables, [], |row| row.get(0)).unwrap();
    tables == 0 && threads.alarm_at(thread).is_none()
}

#[tokio::test]
async fn of_a_thread_of_one_call_nothing_is_left_on_the_disk_when_it_goes() {
    native_only!("the test turns the clock");
    let stage = Stage::new().await;
    with_tools(&stage, &json!({})).await;
    for (store, later) in [(false, 11_000), (true, DAY_MS + 11_000)] {
        stage.then(calls(&["current_time"])).then(says("It is noon."));
        let reply = call(&stage, Face::Chat, &json!({ "store": store })).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let run = reply.header("x-run").to_owned();
        stage.books("triage").await;
        assert!(!is_empty(&stage, &run));
        let thread = ThreadOf { account: stage.acme.id, thread: RunId::parse(&run).unwrap().thread };
        // What was settled is noted at the next look.
        for wait in [later, 26_000] {
            stage.api.world.clock().advance(wait);
            stage.api.world.threads().alarm(thread);
            stage.api.world.settled().await;
        }
        assert!(is_empty(&stage, &run), "store: {store}");
        let path = format!("/accounts/acme/agents/triage/runs/{run}");
        let gone = stage.request(Method::GET, &path).key(&stage.acme.caller).send().await;
        gone.assert_refusal(404, "not_found");
        assert!(is_empty(&stage, &run), "a question makes no object");
    }
}

#[tokio::test]
async fn tools_that_an_agent_is_given_or_loses_hold_from_the_next_call_on() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        stage.change("triage", &json!({"tools": []})).await;
        stage.then(face.served((10, 5)));
        let alone = call(&stage, face, &json!({})).send().await;
        assert_eq!((text(face, &alone).as_str(), alone.header("x-run")), ("Hello", ""), "{face:?}");
        with_tools(&stage, &json!({})).await;
        stage.take_asked();
        stage.then(calls(&["current_time"])).then(says("It is noon."));
        let run = call(&stage, face, &json!({})).send().await;
        assert_eq!((text(face, &run).as_str(), run.header("x-run").len()), ("It is noon.", 40), "{face:?}");
        assert_eq!(stage.take_asked().len(), 2);
    }
    // One whose body names the agent is the same.
    stage.change("triage", &json!({"tools": []})).await;
    let face = Face::Completions;
    let ask = || call(&stage, face, &json!({})).path("/accounts/acme/v1/chat/completions");
    stage.then(face.served((10, 5)));
    assert_eq!(text(face, &ask().send().await), "Hello");
    with_tools(&stage, &json!({})).await;
    stage.then(calls(&["current_time"])).then(says("It is noon."));
    assert_eq!(text(face, &ask().send().await), "It is noon.");
}

#[tokio::test]
async fn nobody_answers_in_the_place_of_a_tool_that_runs_here() {
    let stage = Stage::new().await;
    with_tools(&stage, &json!({})).await;
    let tools = json!([{"type": "client", "name": "look"}, {"type": "client", "name": "current_time"}]);
    let path = "/accounts/acme/agents/triage/threads/t/runs";
    let body = json!({"message": "Hi", "tools": tools});
    let refused = stage.request(Method::POST, path).key(&stage.acme.caller).json(&body).send().await;
    refused.assert_refusal(400, "validation_failed");
    assert!(refused.text().contains("tools[1]"), "{}", refused.text());
    let tool =
        json!({"type": "function", "function": {"name": "current_time", "parameters": {"type": "object"}}});
    let refused = call(&stage, Face::Completions, &json!({"tools": [tool]})).send().await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(stage.take_asked().is_empty());
}
