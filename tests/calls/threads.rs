//! Threads and runs, through the real router: what a client sees, what the provider is asked, and what stays.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::ask::{Ask, Reply};
use crate::provider::{count, delta, done, finish, frame, hello, lost, status, stream};
use crate::stage::Stage;
use crate::support::{Asked, Script, Turn};

const TRIAGE: &str = "/accounts/acme/agents/triage";

/// A request to the agent's threads and runs.
pub fn ask<'a>(stage: &'a Stage, method: Method, path: &str) -> Ask<'a> {
    stage.request(method, &format!("{TRIAGE}{path}")).key(&stage.acme.caller)
}

pub async fn post(stage: &Stage, path: &str, body: &Value) -> Reply {
    ask(stage, Method::POST, path).json(body).send().await
}

pub async fn get(stage: &Stage, path: &str) -> Value {
    ask(stage, Method::GET, path).send().await.ok()
}

/// Waits until a run has this status.
pub async fn until(stage: &Stage, run: &str, status: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let run = get(stage, &format!("/runs/{run}")).await;
        if run["status"] == status {
            return run;
        }
        assert!(Instant::now() < deadline, "{run} is not {status}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// An answer that calls a tool.
pub fn calls(name: &str, arguments: &Value) -> Turn {
    let call = json!({"index": 0, "id": "call_0", "type": "function",
        "function": {"name": name, "arguments": arguments.to_string()}});
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stream([called, finished, count((10, 5)), done()])
}

pub fn says(text: &str) -> Turn {
    stream([delta(text), finish(), count((10, 5)), done()])
}

/// The messages that the provider was sent, in a word each.
pub fn sent(asked: &Asked) -> Vec<String> {
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    let word = |message: &Value| {
        let role = message["role"].as_str().unwrap();
        let content = message["content"].as_str().unwrap_or_default();
        format!("{role}: {content}")
    };
    request["messages"].as_array().unwrap().iter().skip(1).map(word).collect()
}

/// The events of a stream: number, name, data.
pub fn events(text: &str) -> Vec<(Option<u64>, String, Value)> {
    let field = |frame: &str, name: &str| {
        frame.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    text.split("\n\n")
        .filter(|frame| !frame.is_empty())
        .map(|frame| {
            let data = serde_json::from_str(&field(frame, "data:").unwrap()).unwrap();
            (field(frame, "id:").map(|id| id.parse().unwrap()), field(frame, "event:").unwrap(), data)
        })
        .collect()
}

#[tokio::test]
async fn an_agent_remembers_what_was_said_in_a_thread() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5)));
    let run = post(&stage, "/threads/customer-42/runs", &json!({"message": "I am Ada."})).await;
    assert_eq!(run.status, 201, "{}", run.text());
    let run = run.json();
    assert_eq!((run["status"].as_str(), run["message"].as_str()), (Some("completed"), Some("Hello")));
    assert_eq!(run["cost_usd"], "0.000020", "{run}");

    stage.then(says("You are Ada."));
    post(&stage, "/threads/customer-42/runs", &json!({"message": "Who am I?"})).await;
    let asked = stage.take_asked();
    assert_eq!(sent(&asked[1]), ["user: I am Ada.", "assistant: Hello", "user: Who am I?"]);

    let items = get(&stage, "/threads/customer-42/items").await;
    let kinds: Vec<_> = items["items"].as_array().unwrap().iter().map(|item| item["role"].clone()).collect();
    assert_eq!(kinds, ["user", "assistant", "user", "assistant"]);
    let thread = get(&stage, "/threads/customer-42").await;
    assert_eq!((&thread["title"], &thread["status"]), (&json!("I am Ada."), &json!("idle")));

    let books = stage.books("triage").await;
    assert_eq!(books.ledger.len(), 2);
    let is_of_run = |row: &&crate::stage::Row| row.json["run_id"] == run["id"];
    assert_eq!(books.ledger.iter().filter(is_of_run).count(), 1, "the ledger knows the run");
}

#[tokio::test]
async fn a_run_waits_for_the_client_s_tool_and_goes_on() {
    let stage = Stage::new().await;
    stage.then(calls("weather", &json!({"city": "Oslo"})));
    let tools = json!([{"type": "client", "name": "weather", "description": "The weather", "parameters": {"type": "object"}}]);
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Weather?", "tools": tools})).await.json();
    assert_eq!(run["status"], "waiting", "{run}");
    let waiting = &run["waiting_on"][0];
    assert_eq!((&waiting["kind"], &waiting["name"]), (&json!("tool_output"), &json!("weather")));
    let id = run["id"].as_str().unwrap();

    stage.then(says("It rains."));
    let inputs = json!({"inputs": [{"call_id": waiting["call_id"], "output": "rain"}]});
    let given = post(&stage, &format!("/runs/{id}/inputs"), &inputs).await.ok();
    assert_eq!(given["inputs"][0]["outcome"], "accepted");
    let over = ask(&stage, Method::GET, &format!("/runs/{id}")).header("prefer", "wait=30").send().await.ok();
    assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("It rains.")));
    assert_eq!(over["tool_calls"], 1);

    let asked = stage.take_asked();
    assert_eq!(sent(&asked[1]), ["user: Weather?", "assistant: ", "tool: rain"]);
    // It counts once, for ever.
    let again = post(&stage, &format!("/runs/{id}/inputs"), &inputs).await;
    again.assert_refusal(409, "already_resolved");
    let other = json!({"inputs": [{"call_id": format!("{id}-99"), "output": "x"}]});
    post(&stage, &format!("/runs/{id}/inputs"), &other).await.assert_refusal(404, "not_found");
}

#[tokio::test]
async fn what_a_watcher_sees_is_numbered_and_can_be_read_again() {
    let stage = Stage::new().await;
    stage.then(stream([delta("Hel"), delta("lo"), finish(), count((10, 5)), done()]));
    let streamed = post(&stage, "/threads/t/runs", &json!({"message": "Hi", "stream": true})).await;
    assert_eq!(streamed.header("content-type"), "text/event-stream");
    let live = events(streamed.text());
    let names: Vec<_> = live.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names.first(), Some(&"run.snapshot"));
    assert_eq!(names.last(), Some(&"run.completed"));
    let numbers: Vec<u64> = live.iter().filter_map(|(id, _, _)| *id).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let text = |events: &[(Option<u64>, String, Value)]| {
        let deltas = events.iter().filter(|(_, name, _)| name == "text.delta");
        deltas.map(|(_, _, data)| data["delta"].as_str().unwrap().to_owned()).collect::<String>()
    };
    assert_eq!(text(&live), "Hello");

    let id = live[0].2["id"].as_str().unwrap().to_owned();
    let path = format!("/runs/{id}/events");
    let again = events(ask(&stage, Method::GET, &path).send().await.text());
    assert_eq!(text(&again), "Hello");
    let last = numbers[numbers.len() - 1];
    let rest = ask(&stage, Method::GET, &path).header("last-event-id", &(last - 1).to_string()).send().await;
    let rest: Vec<_> =
        events(rest.text()).into_iter().filter_map(|(id, name, _)| Some((id?, name))).collect();
    assert_eq!(rest, [(last, "run.completed".to_owned())]);
    let list = ask(&stage, Method::GET, &path).header("accept", "application/json").send().await.ok();
    assert_eq!(list["is_over"], true);
    // Also one that was set aside and never given.
    for future in [last + 1, 1_000, 99_999] {
        let path = format!("{path}?after={future}");
        ask(&stage, Method::GET, &path).send().await.assert_refusal(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn a_foreign_thread_is_not_there() {
    let stage = Stage::new().await;
    stage.agent("other-agent", &json!({})).await;
    stage.then(hello((10, 5)));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    let id = run["id"].as_str().unwrap();
    for path in [
        "/threads/t".to_owned(),
        format!("/runs/{id}"),
        format!("/runs/{id}/events"),
        "/threads/none".to_owned(),
    ] {
        let path = format!("/accounts/acme/agents/other-agent{path}");
        let reply = stage.request(Method::GET, &path).key(&stage.acme.caller).send().await;
        reply.assert_refusal(404, "not_found");
    }
    let neighbour = stage.neighbour("umbrella").await;
    let path = format!("/accounts/umbrella/agents/triage/runs/{id}");
    let reply = stage.request(Method::GET, &path).key(&neighbour.acme.caller).send().await;
    reply.assert_refusal(404, "not_found");
    // A name is another thread in each account.
    let path = "/accounts/umbrella/agents/triage/threads/t";
    stage
        .request(Method::GET, path)
        .key(&neighbour.acme.caller)
        .send()
        .await
        .assert_refusal(404, "not_found");
}

#[tokio::test]
async fn a_thread_is_made_once_under_a_name_and_goes_when_it_is_deleted() {
    let stage = Stage::new().await;
    let body = json!({"id": "customer-1", "user": "ada", "labels": ["vip"], "metadata": {"plan": "gold"}});
    let made = post(&stage, "/threads", &body).await;
    assert_eq!(made.status, 201);
    let again = post(&stage, "/threads", &body).await;
    assert_eq!((again.status, &again.json()["id"]), (StatusCode::OK, &made.json()["id"]));
    let changed = ask(&stage, Method::PATCH, "/threads/customer-1")
        .json(&json!({"title": "Ada", "user": null}))
        .send()
        .await
        .ok();
    assert_eq!(
        (&changed["title"], &changed["user"], &changed["labels"]),
        (&json!("Ada"), &Value::Null, &json!(["vip"]))
    );
    let items = post(
        &stage,
        "/threads/customer-1/items",
        &json!({"items": [{"role": "user", "content": "By the way"}]}),
    )
    .await;
    assert_eq!(items.status, 201, "{}", items.text());
    assert_eq!(ask(&stage, Method::DELETE, "/threads/customer-1").send().await.status, 204);
    ask(&stage, Method::GET, "/threads/customer-1").send().await.assert_refusal(404, "not_found");
}

#[tokio::test]
async fn a_provider_that_fails_in_the_middle_is_asked_again() {
    let stage = Stage::new().await;
    let cut: [Result<Bytes, _>; 2] =
        [Ok(delta("Hel")), Err(retinue::ports::ReadError::Broken("reset".to_owned()))];
    stage.then(crate::provider::streams(cut)).then(says("Hello again"));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi", "background": true})).await;
    assert_eq!(run.status, 202);
    let id = run.json()["id"].as_str().unwrap().to_owned();
    until(&stage, &id, "waiting").await;
    let run = post(&stage, &format!("/runs/{id}/resume"), &json!({})).await.ok();
    assert_eq!(run["status"], "in_progress");
    let over = ask(&stage, Method::GET, &format!("/runs/{id}")).header("prefer", "wait=30").send().await.ok();
    assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("Hello again")));
    let list = ask(&stage, Method::GET, &format!("/runs/{id}/events"))
        .header("accept", "application/json")
        .send()
        .await
        .ok();
    let names: Vec<_> =
        list["events"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect();
    assert!(names.contains(&json!("step.restarted")), "{names:?}");
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_written() {
    let stage = Stage::new().await;
    // Addresses lose such names on their way.
    for name in [".", ".."] {
        post(&stage, "/threads", &json!({"id": name})).await.assert_refusal(400, "validation_failed");
    }
    // The agent's instructions need what the run does not say.
    stage
        .change(
            "triage",
            &json!({"instructions": "For {{customer}}.", "config": {"variables": {"customer": null}}}),
        )
        .await;
    for variables in [json!({}), json!({"customer": "Ada", "other": "x"})] {
        let body = json!({"message": "Hi", "variables": variables});
        post(&stage, "/threads/t/runs", &body).await.assert_refusal(400, "validation_failed");
    }
    ask(&stage, Method::GET, "/threads/t").send().await.assert_refusal(404, "not_found");
    let nothing = post(&stage, "/threads/t/runs", &json!({"variables": {"customer": "Ada"}})).await;
    nothing.assert_refusal(400, "validation_failed");
    assert_eq!(nothing.words(), "message: is required: what the run is about");
    assert!(stage.take_asked().is_empty());

    // What is said to a run that waits for its turn is not heard by the one before.
    stage.change("triage", &json!({"instructions": "You help.", "config": {}})).await;
    let tools = json!([{"name": "look"}]);
    stage.then(calls("look", &json!({})));
    let first = post(&stage, "/threads/u/runs", &json!({"message": "Look", "tools": tools})).await.json();
    assert_eq!(first["status"], "waiting", "{first}");
    let second = post(&stage, "/threads/u/runs", &json!({"message": "And", "background": true})).await.json();
    let inputs = format!("/runs/{}/inputs", second["id"].as_str().unwrap());
    let said = json!({"inputs": [{"message": "For the second"}]});
    post(&stage, &inputs, &said).await.assert_refusal(400, "validation_failed");
    let resume = format!("/runs/{}/resume", first["id"].as_str().unwrap());
    post(&stage, &resume, &json!({"x": 1})).await.assert_refusal(400, "validation_failed");
}

#[tokio::test]
async fn a_refusal_for_good_ends_the_run() {
    let stage = Stage::new().await;
    stage.then(status(400, "bad")).then(status(400, "bad"));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("upstream_rejected")),
        "{run}"
    );
}

#[tokio::test]
async fn what_is_too_long_for_a_row_is_refused_or_kept_in_pieces() {
    let stage = Stage::new().await;
    // An id of ours that nobody was given makes no thread.
    let unknown =
        post(&stage, "/threads/019af000-0000-7000-8000-000000000000/runs", &json!({"message": "Hi"})).await;
    unknown.assert_refusal(404, "not_found");
    // An answer may be long, and so may what is appended.
    let items = json!({"items": [{"role": "user", "content": "ä".repeat(1_200_000)}]});
    assert_eq!(post(&stage, "/threads", &json!({"id": "more"})).await.status, 201);
    assert_eq!(post(&stage, "/threads/more/items", &items).await.status, 201);
    let long = "ä".repeat(1_200_000);
    stage.then(says(&long));
    let run = post(&stage, "/threads/long/runs", &json!({"message": "Hi"})).await;
    let run = run.json();
    assert!(run["message"] == json!(long), "{} {}", run["status"], run["error"]);
    let tools = json!([{"name": "look"}]);
    stage.then(calls("look", &json!({})));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Look", "tools": tools})).await.json();
    let id = run["id"].as_str().unwrap().to_owned();
    let waits = json!({"message": long, "background": true});
    let refused = post(&stage, "/threads/t/runs", &waits).await;
    refused.assert_refusal(400, "validation_failed");
    let call = &run["waiting_on"][0]["call_id"];
    let inputs = json!({"inputs": [{"call_id": call, "output": "\u{1}".repeat(400_000)}]});
    post(&stage, &format!("/runs/{id}/inputs"), &inputs).await.assert_refusal(400, "validation_failed");
    let schema =
        json!([{"name": "big", "parameters": {"type": "object", "description": "x".repeat(300_000)}}]);
    let refused = post(&stage, "/threads/u/runs", &json!({"message": "Hi", "tools": schema})).await;
    refused.assert_refusal(400, "validation_failed");
    // A model that calls with more than is kept fails its run, and the thread goes on.
    stage.then(calls("look", &json!({"x": "y".repeat(300_000)})));
    let run = post(&stage, "/threads/v/runs", &json!({"message": "Hi", "tools": tools})).await.json();
    assert_eq!(run["status"], "failed", "{run}");
    stage.then(says("Fine."));
    let run = post(&stage, "/threads/v/runs", &json!({"message": "Again"})).await.json();
    assert_eq!(run["message"], "Fine.", "{run}");
}

#[tokio::test]
async fn a_run_spends_no_more_than_it_may_on_whatever_entry_of_the_line() {
    let stage = Stage::new().await;
    let line = json!({"model": "own:big, other:small", "budget": null});
    stage.agent("free", &line).await;
    let run = async |max_usd: &str| {
        let path = "/accounts/acme/agents/free/threads/t/runs";
        let body = json!({"message": "Hi", "max_usd": max_usd});
        let call = stage.request(Method::POST, path).key(&stage.acme.caller).json(&body);
        call.send().await.json()
    };
    // The first entry may have run, so what it held is gone; what is left bounds the second.
    stage.then(lost()).then(says("Hello"));
    let over = run("0.001000").await;
    let limit = |asked: &Asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        body["max_tokens"].as_u64().or_else(|| body["max_completion_tokens"].as_u64())
    };
    let asked = stage.take_asked();
    assert!(asked.iter().all(|asked| limit(asked).is_some_and(|limit| limit < 500)), "{asked:?}");
    let spent: f64 = over["cost_usd"].as_str().unwrap().parse().unwrap();
    assert!(spent <= 0.001, "{over}");
    assert!(["completed", "incomplete"].contains(&over["status"].as_str().unwrap()), "{over}");
    // What pays for no answer is not sent.
    let over = run("0.000001").await;
    assert_eq!((&over["status"], &over["reason"]), (&json!("incomplete"), &json!("max_usd")), "{over}");
    assert!(stage.take_asked().is_empty());
}

#[tokio::test]
async fn a_run_begins_with_the_version_that_is_in_force_then() {
    let stage = Stage::new().await;
    for (n, instructions) in ["One.", "Two."].into_iter().enumerate() {
        stage.change("triage", &json!({"instructions": instructions})).await;
        stage.then(says("Yes."));
        let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
        assert_eq!(run["agent_version"], json!(n + 2), "{run}");
        let asked = stage.take_asked();
        let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
        assert_eq!(body["messages"][0]["content"], instructions);
    }
}

#[tokio::test]
async fn an_agent_says_how_far_its_runs_go_and_a_request_may_say_less() {
    let stage = Stage::new().await;
    let conduct = json!({"run": {"max_steps": 1, "max_usd": "0.010000"}, "on_busy": "reject"});
    stage.change("triage", &conduct).await;
    let tools = json!([{"type": "client", "name": "weather"}]);
    stage.then(calls("weather", &json!({})));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Weather?", "tools": tools})).await.json();
    assert_eq!(run["status"], "waiting", "{run}");
    let other = json!({"message": "And?"});
    post(&stage, "/threads/t/runs", &other).await.assert_refusal(409, "thread_busy");
    let queued = json!({"message": "And?", "on_busy": "queue", "background": true});
    assert_eq!(post(&stage, "/threads/t/runs", &queued).await.json()["status"], "queued");

    // The one step is taken: what follows is the last word.
    stage.then(says("I know no more.")).then(hello((10, 5)));
    let id = run["id"].as_str().unwrap();
    let inputs = json!({"inputs": [{"call_id": run["waiting_on"][0]["call_id"], "output": "rain"}]});
    post(&stage, &format!("/runs/{id}/inputs"), &inputs).await.ok();
    let over = until(&stage, id, "incomplete").await;
    assert_eq!(
        (&over["reason"], &over["message"]),
        (&json!("max_steps"), &json!("I know no more.")),
        "{over}"
    );

    // Nothing pays for a step where a request allows a nano-dollar.
    let poor = json!({"message": "Hi", "max_usd": "0.000000001"});
    let run = post(&stage, "/threads/poor/runs", &poor).await.json();
    assert_eq!((&run["status"], &run["reason"]), (&json!("incomplete"), &json!("max_usd")), "{run}");
    let stage = Stage::new().await;
    let poor = json!({"run": {"max_usd": "0.000000001"}});
    stage.change("triage", &poor).await;
    let rich = json!({"message": "Hi", "max_usd": "5"});
    let run = post(&stage, "/threads/rich/runs", &rich).await.json();
    assert_eq!((&run["status"], &run["reason"]), (&json!("incomplete"), &json!("max_usd")), "{run}");
}

fn weather(more: &Value) -> Value {
    let mut tool = json!({
        "type": "http", "name": "weather", "description": "The weather", "url": "https://tools.example.com/weather?v=1",
        "headers": {"X-Team": "mail"},
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    });
    tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "tools": ["current_time", tool] })
}

fn header<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
}

fn answers(status: u16, body: impl Into<Bytes>) -> Turn {
    Turn::Replies(Script::status(status, body))
}

#[tokio::test]
async fn a_tool_of_http_is_called_once_with_its_arguments() {
    let stage = Stage::new().await;
    stage.change("triage", &weather(&json!({}))).await;
    stage.then(calls("weather", &json!({"city": "Oslo"}))).then(answers(200, "rain")).then(says("It rains."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Weather?"})).await.json();
    assert_eq!((&run["status"], &run["message"]), (&json!("completed"), &json!("It rains.")), "{run}");
    let asked = stage.take_asked();
    assert_eq!(
        (asked[1].method.as_str(), asked[1].to.as_str()),
        ("POST", "https://tools.example.com/weather?v=1")
    );
    assert_eq!(serde_json::from_slice::<Value>(&asked[1].body).unwrap(), json!({"city": "Oslo"}));
    let key = format!("{}/1/0", run["id"].as_str().unwrap());
    assert_eq!(
        (header(&asked[1], "idempotency-key"), header(&asked[1], "x-team")),
        (Some(key.as_str()), Some("mail"))
    );
    assert_eq!(sent(&asked[2]).last().unwrap(), "tool: rain");

    let stage = Stage::new().await;
    stage.change("triage", &weather(&json!({"method": "GET"}))).await;
    stage
        .then(calls("weather", &json!({"city": "A & B", "days": [1, 2]})))
        .then(answers(200, "sun"))
        .then(says("Sun."));
    post(&stage, "/threads/t/runs", &json!({"message": "And there?"})).await;
    let asked = stage.take_asked();
    let to = "https://tools.example.com/weather?v=1&city=A+%26+B&days=1&days=2";
    assert_eq!((asked[1].method.as_str(), asked[1].to.as_str(), asked[1].body.len()), ("GET", to, 0));
}

#[tokio::test]
async fn what_a_tool_answers_badly_is_said_to_the_model() {
    let stage = Stage::new().await;
    stage.change("triage", &weather(&json!({}))).await;
    for (turn, words) in [
        (answers(500, "<html>Oh no</html>"), "tool: The tool answered 500: <html>Oh no</html>"),
        (answers(302, ""), "tool: The tool answered 302 (redirects are not followed): "),
        (answers(204, ""), "tool: The tool answered 204 without a body."),
        (
            answers(200, vec![b'a'; 5 << 20]),
            "tool: The tool answered 200 with more than 262144 bytes, which is too much.",
        ),
        (
            Turn::Fails(retinue::ports::SendError::NotConnected("dns".to_owned())),
            "tool: The tool's server cannot be reached.",
        ),
    ] {
        stage.then(calls("weather", &json!({"city": "Oslo"}))).then(turn).then(says("Sorry."));
        let run = post(&stage, "/threads/t/runs", &json!({"message": "Weather?"})).await.json();
        assert_eq!(run["status"], "completed", "{run}");
        let asked = stage.take_asked();
        assert_eq!(sent(asked.last().unwrap()).last().unwrap(), words);
    }
}

#[tokio::test]
async fn an_unsafe_call_whose_answer_is_lost_follows_the_agents_policy() {
    let stage = Stage::new().await;
    let late = || Turn::Fails(retinue::ports::SendError::Timeout);
    stage.change("triage", &weather(&json!({}))).await;
    stage.then(calls("weather", &json!({"city": "Oslo"}))).then(late());
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Weather?"})).await.json();
    assert_eq!(
        (&run["status"], &run["waiting_on"][0]["kind"]),
        (&json!("waiting"), &json!("outcome")),
        "{run}"
    );

    let stage = Stage::new().await;
    let mut fails = weather(&json!({}));
    fails["on_unknown"] = json!("fail");
    stage.change("triage", &fails).await;
    stage.then(calls("weather", &json!({"city": "Oslo"}))).then(late());
    let run = post(&stage, "/threads/u/runs", &json!({"message": "Weather?"})).await.json();
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("outcome_unknown")),
        "{run}"
    );

    let stage = Stage::new().await;
    stage.change("triage", &weather(&json!({"effect": "idempotent"}))).await;
    stage.then(calls("weather", &json!({"city": "Oslo"}))).then(late()).then(says("Too late."));
    let run = post(&stage, "/threads/v/runs", &json!({"message": "Weather?"})).await.json();
    assert_eq!((&run["status"], &run["message"]), (&json!("completed"), &json!("Too late.")), "{run}");
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_said_to_the_model_once() {
    let stage = Stage::new().await;
    stage.change("triage", &weather(&json!({}))).await;
    stage.then(calls("weather", &json!({"town": "Oslo"}))).then(calls("weather", &json!({"city": 7})));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Weather?"})).await.json();
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("invalid_tool_call")),
        "{run}"
    );
    let asked = stage.take_asked();
    assert_eq!(asked.len(), 2, "the tool was not called");
    assert_eq!(sent(&asked[1]).last().unwrap(), "tool: The argument `city` is missing.");
}

#[tokio::test]
async fn a_model_calculates_with_the_built_in_tool() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"tools": ["calculate"]})).await;
    for (expression, words) in
        [("(19.99 * 3 - 5) * 1.19", "tool: 65.4143"), ("1 / 0", "tool: This divides by zero.")]
    {
        stage.then(calls("calculate", &json!({ "expression": expression }))).then(says("Done."));
        let run = post(&stage, "/threads/t/runs", &json!({"message": "How much?"})).await.json();
        assert_eq!(run["status"], "completed", "{run}");
        assert_eq!(sent(&stage.take_asked()[1]).last().unwrap(), words);
    }
}

/// A loop through the tools of runs must end as one through providers does.
#[tokio::test]
async fn a_run_and_its_tools_go_on_with_what_its_request_has_passed() {
    let other = "0123456789abcdef";
    let stage = Stage::new().await;
    stage.change("triage", &weather(&json!({}))).await;
    for (via, passed) in [(None, None), (Some(other), Some(other))] {
        stage
            .then(calls("weather", &json!({"city": "Oslo"})))
            .then(answers(200, "rain"))
            .then(says("It rains."));
        let mut start = ask(&stage, Method::POST, &format!("/threads/{}/runs", via.unwrap_or("t")));
        if let Some(via) = via {
            start = start.header("x-retinue-via", via);
        }
        let run = start.json(&json!({"message": "Weather?"})).send().await.json();
        assert_eq!(run["status"], "completed", "{run}");
        let asked = stage.take_asked();
        let marks: Vec<&str> = asked.iter().filter_map(|asked| header(asked, "x-retinue-via")).collect();
        assert_eq!(marks.len(), 3, "providers and tools alike: {marks:?}");
        let own = marks[0].rsplit(", ").next().unwrap().to_owned();
        let expected = passed.map_or(own.clone(), |passed| format!("{passed}, {own}"));
        assert!(marks.iter().all(|mark| *mark == expected), "{marks:?}");
        let back = ask(&stage, Method::POST, "/threads/back/runs").header("x-retinue-via", &own);
        let back = back.json(&json!({"message": "Hi"})).send().await;
        back.assert_refusal(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_request_brings_a_thread_no_more_than_a_thousand_items() {
    let stage = Stage::new().await;
    let items = |n: usize| json!({"items": vec![json!({"role": "user", "content": "x"}); n]});
    for path in ["/threads", "/threads/t/items"] {
        let many = post(&stage, path, &items(1_001)).await;
        assert_eq!(many.status, 400, "{}", many.text());
        assert!(many.words().contains("1000"), "{}", many.words());
    }
    let full = post(&stage, "/threads", &items(1_000)).await;
    assert_eq!(full.status, 201, "{}", full.text());
}

#[tokio::test]
async fn who_waits_for_a_run_waits_through_time() {
    let stage = Stage::new().await;
    stage.then(status(503, "busy")).then(hello((10, 5)));
    let body = json!({"message": "Hi"});
    let started = post(&stage, "/threads/t/runs", &body);
    let looked = async {
        let run = loop {
            let thread = ask(&stage, Method::GET, "/threads/t").send().await.json();
            if let Some(run) = thread["open_runs"][0].as_str() {
                break run.to_owned();
            }
            tokio::task::yield_now().await;
        };
        let waiting = until(&stage, &run, "waiting").await;
        assert_eq!(waiting["waiting_on"][0]["kind"], "time", "{waiting}");
        let shown = ask(&stage, Method::GET, &format!("/runs/{run}")).header("prefer", "wait=30").send();
        let resumed = async { post(&stage, &format!("/runs/{run}/resume"), &json!({})).await.ok() };
        tokio::join!(shown, resumed).0
    };
    let (started, shown) = tokio::join!(started, looked);
    for run in [started.json(), shown.json()] {
        assert_eq!((&run["status"], &run["message"]), (&json!("completed"), &json!("Hello")), "{run}");
    }
}
