//! Other agents as tools: runs that a run begins, through the real router.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::child_threads::until_gone;
use crate::provider::status;
use crate::stage::Stage;
use crate::threads::{calls, says, sent};

fn ask<'a>(stage: &'a Stage, method: Method, agent: &str, path: &str) -> Ask<'a> {
    stage.request(method, &format!("/accounts/acme/agents/{agent}{path}")).key(&stage.acme.caller)
}

/// A run of `triage`, once it is over or waits for somebody.
async fn run(stage: &Stage, body: &Value) -> Value {
    let started = ask(stage, Method::POST, "triage", "/threads/t/runs").json(body).send().await;
    assert!(started.status.is_success(), "{}", started.text());
    started.json()
}

async fn get(stage: &Stage, agent: &str, path: &str) -> Value {
    ask(stage, Method::GET, agent, path).send().await.ok()
}

async fn until(stage: &Stage, agent: &str, run: &str, status: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let run = get(stage, agent, &format!("/runs/{run}")).await;
        if run["status"] == status {
            return run;
        }
        assert!(Instant::now() < deadline, "{run} is not {status}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn expert() -> Value {
    json!({"tools": [{"type": "agent", "agent": "expert", "description": "Knows the law"}]})
}

/// `triage` asks `expert`.
pub async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.agent("expert", &json!({"instructions": "Know the law."})).await;
    stage.change("triage", &expert()).await;
    stage
}

pub fn asks(message: &str) -> crate::support::Turn {
    calls("expert", &json!({ "message": message }))
}

/// The events of a run of `triage` of this kind.
async fn seen(stage: &Stage, run: &Value, kind: &str) -> Vec<Value> {
    let id = run["id"].as_str().unwrap();
    let asked = ask(stage, Method::GET, "triage", &format!("/runs/{id}/events"));
    let list = asked.header("accept", "application/json").send().await.ok();
    list["events"].as_array().unwrap().iter().filter(|event| event["type"] == kind).cloned().collect()
}

#[tokio::test]
async fn an_agent_asks_another_and_its_answer_is_the_result() {
    let stage = stage().await;
    let thread = json!({"id": "t", "user": "ada"});
    assert_eq!(ask(&stage, Method::POST, "triage", "/threads").json(&thread).send().await.status, 201);
    stage.then(asks("May I?")).then(says("You may.")).then(says("Yes, you may."));
    let over = run(&stage, &json!({"message": "Ask whether I may."})).await;
    assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("Yes, you may.")), "{over}");
    let asked = stage.take_asked();
    assert_eq!(sent(&asked[1]), ["user: May I?"], "the other agent sees nothing else");
    assert_eq!(sent(&asked[2]).last().unwrap(), "tool: You may.");

    let started = seen(&stage, &over, "child.started").await;
    let child = started[0]["child"].as_str().unwrap();
    assert_eq!((started.len(), &started[0]["path"]), (1, &json!([over["id"]])));
    let ended = seen(&stage, &over, "child.ended").await;
    assert_eq!((&ended[0]["child"], &ended[0]["status"]), (&json!(child), &json!("completed")));
    // It is a run of its own agent, with a thread of its own, for the same user.
    let own = get(&stage, "expert", &format!("/runs/{child}")).await;
    assert_eq!((&own["message"], &own["cost_usd"]), (&json!("You may."), &json!("0.000020")), "{own}");
    let thread = get(&stage, "expert", &format!("/threads/{}", own["thread_id"].as_str().unwrap())).await;
    assert_eq!((&thread["user"], &thread["title"]), (&json!("ada"), &json!("May I?")));
    assert_eq!(over["cost_usd"], "0.000060", "with the child's");
    let steps = get(&stage, "triage", &format!("/runs/{}/steps", over["id"].as_str().unwrap())).await;
    let of_child: Vec<&Value> =
        steps["steps"].as_array().unwrap().iter().filter(|step| step.get("child").is_some()).collect();
    let last = of_child.last().unwrap();
    assert_eq!((&last["child"]["run"], &last["child"]["cost_usd"]), (&json!(child), &json!("0.000020")));
    // Each agent pays for its own.
    let books = stage.books("expert").await;
    assert_eq!((books.ledger.len(), &books.ledger[0].json["run_id"]), (1, &json!(child)));
    assert_eq!(stage.books("triage").await.ledger.len(), 2);
}

#[tokio::test]
async fn an_identifier_is_enough_to_ask_another_agent() {
    let stage = stage().await;
    stage.change("triage", &json!({"tools": ["agent:expert"]})).await;
    stage.then(says("Nothing to ask."));
    run(&stage, &json!({"message": "Hi"})).await;
    let asked: Value = serde_json::from_slice(&stage.take_asked()[0].body).unwrap();
    let there = asked["tools"][0]["function"]["name"].as_str().unwrap().to_owned();
    assert_eq!(asked["tools"][0]["function"]["parameters"]["required"], json!(["message"]));
    stage.then(calls(&there, &json!({"message": "May I?"}))).then(says("You may.")).then(says("Yes."));
    let over = run(&stage, &json!({"message": "Ask."})).await;
    assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("Yes.")), "{over}");
    assert_eq!(sent(&stage.take_asked()[2]).last().unwrap(), "tool: You may.");
}

#[tokio::test]
async fn an_agent_that_cannot_be_asked_is_an_error_and_the_run_goes_on() {
    let stage = stage().await;
    let neighbour = stage.neighbour("umbrella").await;
    neighbour.agent("foreign", &json!({})).await;
    for agent in ["nobody", "foreign"] {
        let tools =
            json!({"tools": [{"type": "agent", "agent": agent, "name": "expert", "description": "Knows"}]});
        stage.change("triage", &tools).await;
        stage.then(asks("May I?")).then(says("I do not know."));
        let over = run(&stage, &json!({"message": "Ask."})).await;
        assert_eq!(over["status"], "completed", "{over}");
        let words = format!("tool: The agent `{agent}` cannot be asked: there is no such agent.");
        assert_eq!(sent(&stage.take_asked()[1]).last().unwrap(), &words);
    }
    stage.change("triage", &expert()).await;
    stage.api.delete("/api/v1/agents/expert").key(&stage.acme.admin).send().await;
    stage.then(asks("May I?")).then(says("I do not know."));
    let over = run(&stage, &json!({"message": "Ask."})).await;
    assert_eq!(over["message"], "I do not know.", "{over}");
    let said = sent(&stage.take_asked()[1]).pop().unwrap();
    assert!(said.contains("cannot be asked"), "{said}");
}

#[tokio::test]
async fn whoever_writes_an_agent_learns_that_its_tools_ask_nobody() {
    let stage = stage().await;
    let put = async |tools: Value| {
        let body = json!({"name": "T", "instructions": "Do.", "model": "own:big", "tools": tools});
        stage.api.put("/api/v1/agents/triage").key(&stage.acme.admin).json(&body).send().await
    };
    let good = put(json!(["agent:expert", "agent:triage", "web_search"])).await.ok();
    assert_eq!(good.get("warnings"), None, "{good}");
    let inline = json!({"type": "agent", "agent": "nobody", "description": "Who?"});
    let warned = put(json!(["agent:nowhere", inline])).await.ok();
    let warnings = warned["warnings"].as_array().unwrap();
    assert_eq!((warnings.len(), &warnings[0]["field"]), (2, &json!("tools")), "{warned}");
    assert!(warnings[0]["message"].as_str().unwrap().contains("`nowhere`"), "{warned}");
    for (tool, field) in [
        (json!({"type": "agent", "description": "Who?"}), "tools[0].agent"),
        (json!({"type": "agent", "agent": "Not a slug", "description": "Who?"}), "tools[0].agent"),
        (json!({"type": "agent", "agent": "expert"}), "tools[0].description"),
        (
            json!({"type": "agent", "agent": "expert", "description": "x", "url": "https://a.example"}),
            "tools[0].url",
        ),
        (
            json!({"type": "agent", "agent": "expert", "description": "x", "parameters": {}}),
            "tools[0].parameters",
        ),
        (json!({"type": "client", "name": "x", "agent": "expert"}), "tools[0].agent"),
        (json!({"type": "client"}), "tools[0].name"),
    ] {
        let refused = put(json!([tool])).await;
        assert_eq!(refused.status, 400, "{tool}");
        let text = refused.json().to_string();
        assert!(text.contains(field), "{text}");
    }
}

#[tokio::test]
async fn a_child_that_fails_is_an_error_and_the_run_goes_on() {
    let stage = stage().await;
    stage.then(asks("May I?")).then(status(400, "bad")).then(says("It failed."));
    let over = run(&stage, &json!({"message": "Ask."})).await;
    assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("It failed.")), "{over}");
    let said = sent(&stage.take_asked()[2]).pop().unwrap();
    assert!(said.starts_with("tool: The agent failed (upstream_rejected): "), "{said}");
    assert_eq!(seen(&stage, &over, "child.ended").await[0]["status"], "failed");
}

#[tokio::test]
async fn agents_that_ask_each_other_in_a_circle_come_to_an_end() {
    let stage = stage().await;
    stage
        .change(
            "triage",
            &json!({"tools": [{"type": "agent", "agent": "triage", "name": "expert", "description": "Me"}]}),
        )
        .await;
    for _ in 0..6 {
        stage.then(asks("And you?"));
    }
    for depth in 0..6 {
        stage.then(says(&format!("Up {depth}.")));
    }
    let over = run(&stage, &json!({"message": "Ask yourself."})).await;
    assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("Up 5.")), "{over}");
    let asked = stage.take_asked();
    assert_eq!(asked.len(), 12);
    let words = "tool: The agent `triage` was not asked: agents that ask each other stand at most 5 deep.";
    assert_eq!(sent(&asked[6]).last().unwrap(), words);
    assert_eq!(over["cost_usd"], "0.000240", "all of it");
}

#[tokio::test]
async fn who_answers_a_child_s_client_tool_lets_the_parent_go_on() {
    let stage = stage().await;
    let tools = json!({"instructions": "Know.", "tools": [{"type": "client", "name": "look"}]});
    stage.change("expert", &tools).await;
    stage.then(asks("May I?")).then(calls("look", &json!({})));
    let waits = run(&stage, &json!({"message": "Ask."})).await;
    let waiting = &waits["waiting_on"][0];
    assert_eq!(waits["status"], "waiting", "{waits}");
    assert_eq!(
        (&waiting["kind"], &waiting["agent"], &waiting["status"]),
        (&json!("child"), &json!("expert"), &json!("waiting"))
    );
    let child = waiting["run"].as_str().unwrap();
    let own = get(&stage, "expert", &format!("/runs/{child}")).await;
    stage.then(says("You may.")).then(says("Yes."));
    let inputs = json!({"inputs": [{"call_id": own["waiting_on"][0]["call_id"], "output": "seen"}]});
    ask(&stage, Method::POST, "expert", &format!("/runs/{child}/inputs")).json(&inputs).send().await.ok();
    let over = until(&stage, "triage", waits["id"].as_str().unwrap(), "completed").await;
    assert_eq!(over["message"], "Yes.");
}

#[tokio::test]
async fn a_cancelled_run_takes_its_children_with_it() {
    let stage = stage().await;
    let tools = json!({"instructions": "Know.", "tools": [{"type": "client", "name": "look"}]});
    stage.change("expert", &tools).await;
    stage.then(asks("May I?")).then(calls("look", &json!({})));
    let waits = run(&stage, &json!({"message": "Ask."})).await;
    let path = format!("/runs/{}/cancel", waits["id"].as_str().unwrap());
    ask(&stage, Method::POST, "triage", &path).json(&json!({})).send().await.ok();
    until(&stage, "expert", waits["waiting_on"][0]["run"].as_str().unwrap(), "cancelled").await;
    // With its thread goes all that was said to others for it.
    stage.then(asks("May I?")).then(calls("look", &json!({})));
    let waits = run(&stage, &json!({"message": "Ask."})).await;
    ask(&stage, Method::DELETE, "triage", "/threads/t").send().await;
    until_gone(&stage, waits["waiting_on"][0]["run"].as_str().unwrap()).await;
    // A child whose thread is deleted is an error, and the run goes on.
    stage.then(asks("May I?")).then(calls("look", &json!({}))).then(says("It is gone."));
    let waits = run(&stage, &json!({"message": "Ask."})).await;
    let thread = waits["waiting_on"][0]["thread"].as_str().unwrap();
    ask(&stage, Method::DELETE, "expert", &format!("/threads/{thread}")).send().await;
    let over = until(&stage, "triage", waits["id"].as_str().unwrap(), "completed").await;
    assert_eq!(over["message"], "It is gone.");
}

#[tokio::test]
async fn children_spend_no_more_than_is_left_of_their_parent_s_limit() {
    let stage = stage().await;
    let limit = |asked: &crate::support::Asked| {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        body["max_tokens"].as_u64().or_else(|| body["max_completion_tokens"].as_u64())
    };
    stage.then(asks("May I?")).then(says("You may.")).then(says("Yes."));
    let over = run(&stage, &json!({"message": "Ask.", "max_usd": "0.0018"})).await;
    assert_eq!(over["status"], "completed", "{over}");
    let asked = stage.take_asked();
    assert!(limit(&asked[1]).is_some_and(|limit| limit < 890), "{:?}", limit(&asked[1]));
    // What pays for no answer ends the child, which is an error for the parent.
    stage.then(asks("May I?"));
    let over = run(&stage, &json!({"message": "Ask.", "max_usd": "0.000500"})).await;
    let spent: f64 = over["cost_usd"].as_str().unwrap().parse().unwrap();
    assert!(spent <= 0.0005, "{over}");
}

#[tokio::test]
async fn the_key_that_started_a_run_needs_no_leave_to_call_the_agents_below() {
    let stage = stage().await;
    let id = stage.api.get("/api/v1/agents/triage").key(&stage.acme.member).send().await.ok()["id"].clone();
    let body = json!({"name": "narrow", "role": "caller", "agents": [id]});
    let path = format!("/api/v1/accounts/{}/keys", stage.acme.slug);
    let key = stage.api.post(&path).key(&stage.acme.admin).json(&body).send().await.created();
    let secret = key["key"].as_str().unwrap();
    let call = |agent: &str| {
        let path = format!("/accounts/acme/agents/{agent}/threads/t/runs");
        stage.request(Method::POST, &path).key(secret).json(&json!({"message": "Ask."}))
    };
    assert_eq!(call("expert").send().await.status, 403);
    stage.then(asks("May I?")).then(says("You may.")).then(says("Yes."));
    let over = call("triage").send().await.json();
    assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("Yes.")), "{over}");
    // It ends with the key: what is below is no way around it.
    let tools = json!({"instructions": "Know.", "tools": [{"type": "client", "name": "look"}]});
    stage.change("expert", &tools).await;
    stage.then(asks("May I?")).then(calls("look", &json!({})));
    let waits = call("triage").send().await.json();
    let child = waits["waiting_on"][0]["run"].as_str().unwrap();
    let own = get(&stage, "expert", &format!("/runs/{child}")).await;
    let revoked = format!("/api/v1/accounts/{}/keys/{}", stage.acme.slug, key["id"].as_str().unwrap());
    stage.api.delete(&revoked).key(&stage.acme.admin).send().await.no_content();
    let inputs = json!({"inputs": [{"call_id": own["waiting_on"][0]["call_id"], "output": "seen"}]});
    ask(&stage, Method::POST, "expert", &format!("/runs/{child}/inputs")).json(&inputs).send().await.ok();
    let over = until(&stage, "triage", waits["id"].as_str().unwrap(), "failed").await;
    assert_eq!(over["error"]["code"], "unauthenticated", "{over}");
}

#[tokio::test]
async fn a_child_says_how_far_it_is() {
    let stage = stage().await;
    stage.change("expert", &json!({"instructions": "Know.", "tools": ["report_progress"]})).await;
    stage
        .then(asks("May I?"))
        .then(calls("report_progress", &json!({"message": "half of it"})))
        .then(says("You may."))
        .then(says("Yes."));
    let over = run(&stage, &json!({"message": "Ask."})).await;
    assert_eq!(over["status"], "completed", "{over}");
    let progress = seen(&stage, &over, "child.progress").await;
    assert_eq!(progress.len(), 1, "{progress:?}");
    assert_eq!((&progress[0]["message"], &progress[0]["path"]), (&json!("half of it"), &json!([over["id"]])));
}
