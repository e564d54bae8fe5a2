//! Lists of threads and runs, and what members do with them: from the account's index, through the real router.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Reply};
use crate::provider::lost;
use crate::stage::Stage;
use crate::threads::{ask, calls, get, post, says};

/// A request of a member, in the control plane.
fn member<'a>(stage: &'a Stage, method: Method, path: &str) -> Ask<'a> {
    stage.request(method, &format!("/api/v1{path}")).key(&stage.acme.member)
}

async fn show(stage: &Stage, path: &str) -> Value {
    member(stage, Method::GET, path).send().await.ok()
}

/// The list, once it has so many entries: the index is a little behind.
async fn listed(ask: impl AsyncFn() -> Reply, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let list = ask().await.ok();
        let data = list["data"].as_array().unwrap().clone();
        if data.len() == count {
            return data;
        }
        assert!(Instant::now() < deadline, "{list} has not {count} entries");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub async fn of_agent(stage: &Stage, path: &str, count: usize) -> Vec<Value> {
    listed(async || ask(stage, Method::GET, path).send().await, count).await
}

async fn of_account(stage: &Stage, path: &str, count: usize) -> Vec<Value> {
    listed(async || member(stage, Method::GET, path).send().await, count).await
}

fn names(list: &[Value]) -> Vec<&str> {
    list.iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn threads_and_runs_are_found_by_what_is_said_of_them() {
    let stage = Stage::new().await;
    for (name, user, label) in [("a", "ada", "team:blue"), ("b", "bob", "team:red"), ("c", "ada", "vip")] {
        let thread = json!({"id": name, "user": user, "labels": [label]});
        assert_eq!(post(&stage, "/threads", &thread).await.status, 201);
        stage.api.world.clock().advance(10);
    }
    stage.then(says("Hello")).then(lost());
    post(&stage, "/threads/a/runs", &json!({"message": "Hi"})).await;
    post(&stage, "/threads/c/runs", &json!({"message": "Hi", "background": true})).await;

    assert_eq!(names(&of_agent(&stage, "/threads", 3).await), ["c", "b", "a"], "newest first");
    assert_eq!(names(&of_agent(&stage, "/threads?user=ada", 2).await), ["c", "a"]);
    assert_eq!(names(&of_agent(&stage, "/threads?label=team", 2).await), ["b", "a"]);
    assert_eq!(names(&of_agent(&stage, "/threads?label=team:blue&user=ada", 1).await), ["a"]);
    let done = &of_agent(&stage, "/runs?status=completed&user=ada&label=team", 1).await[0];
    assert_eq!((&done["cost_usd"], &done["user"]), (&json!("0.000020"), &json!("ada")), "{done}");
    let run = get(&stage, &format!("/runs/{}", done["id"].as_str().unwrap())).await;
    for field in
        ["id", "thread_id", "agent_id", "agent_version", "status", "priority", "created_at", "ended_at"]
    {
        assert_eq!(done[field], run[field], "{field}");
    }
    let thread = &of_agent(&stage, "/threads?label=vip", 1).await[0];
    let shown = get(&stage, "/threads/c").await;
    for field in ["id", "name", "user", "labels", "agent_id", "created_at"] {
        assert_eq!(thread[field], shown[field], "{field}");
    }
    // By time, and in pages.
    let since = shown["created_at"].as_str().unwrap();
    assert_eq!(names(&of_agent(&stage, &format!("/threads?since={since}"), 1).await), ["c"]);
    let a = get(&stage, "/threads/a").await;
    let until = a["created_at"].as_str().unwrap();
    assert_eq!(names(&of_agent(&stage, &format!("/threads?until={until}"), 1).await), ["a"]);
    let first = ask(&stage, Method::GET, "/threads?limit=2").send().await;
    assert_eq!(first.header("x-index-lag-ms"), "1000");
    let cursor = first.ok()["next_cursor"].as_str().unwrap().to_owned();
    let elsewhere = ask(&stage, Method::GET, &format!("/runs?limit=2&cursor={cursor}")).send().await;
    elsewhere.assert_refusal(400, "validation_failed");
    assert_eq!(names(&of_agent(&stage, &format!("/threads?limit=2&cursor={cursor}"), 1).await), ["a"]);
    let bare = ask(&stage, Method::GET, "/threads?limit=2&format=array").send().await;
    assert_eq!((bare.json().as_array().unwrap().len(), bare.header("x-next-cursor")), (2, cursor.as_str()));
    // What changed last comes first where that is asked for.
    stage.api.world.clock().advance(10);
    ask(&stage, Method::PATCH, "/threads/b").json(&json!({"labels": ["new"]})).send().await.ok();
    assert_eq!(names(&of_agent(&stage, "/threads?label=new&order=updated", 1).await), ["b"]);
    assert_eq!(names(&of_agent(&stage, "/threads?order=updated&limit=3", 3).await)[0], "b");
    of_agent(&stage, "/threads?label=team:red", 0).await;
    // Gone from lists with all its runs.
    assert_eq!(ask(&stage, Method::DELETE, "/threads/a").send().await.status, 204);
    of_agent(&stage, "/runs?status=completed", 0).await;
    assert_eq!(names(&of_agent(&stage, "/threads", 2).await), ["c", "b"]);
}

#[tokio::test]
async fn what_a_list_does_not_know_is_refused_with_the_nearest_that_it_does() {
    let stage = Stage::new().await;
    for (query, words) in [
        ("stauts=idle", "`status`"),
        ("status=bored", "idle, busy, waiting"),
        ("limit=101", "from 1 to 100"),
        ("since=yesterday", "a moment"),
        ("cursor=x", "next_cursor"),
        ("agent=triage", "the path names the agent"),
    ] {
        let refused = ask(&stage, Method::GET, &format!("/threads?{query}")).send().await;
        refused.assert_refusal(400, "validation_failed");
        assert!(refused.text().contains(words), "{query}: {}", refused.text());
    }
    let refused = member(&stage, Method::GET, "/runs?agent=nobody&order=updated").send().await;
    refused.assert_refusal(400, "validation_failed");
    let refused = member(&stage, Method::GET, "/runs?agent=nobody").send().await;
    assert!(refused.text().contains("no agent of this account"), "{}", refused.text());
    // Nobody without a key.
    let anonymous =
        stage.request(Method::GET, "/accounts/acme/agents/triage/threads").anonymous().send().await;
    anonymous.assert_refusal(401, "unauthenticated");
}

#[tokio::test]
async fn a_caller_sees_the_threads_of_its_agent_and_a_member_those_of_all() {
    let stage = Stage::new().await;
    stage.agent("other", &json!({})).await;
    let other = "/accounts/acme/agents/other/threads";
    let made =
        stage.request(Method::POST, other).key(&stage.acme.caller).json(&json!({"id": "theirs"})).send();
    assert_eq!(made.await.status, 201);
    post(&stage, "/threads", &json!({"id": "ours"})).await;
    assert_eq!(names(&of_agent(&stage, "/threads", 1).await), ["ours"]);
    let all = of_account(&stage, "/threads", 2).await;
    assert_eq!(names(&of_account(&stage, "/threads?agent=other", 1).await), ["theirs"]);
    let by_path = listed(
        async || stage.request(Method::GET, "/accounts/acme/threads").key(&stage.acme.admin).send().await,
        2,
    );
    assert_eq!(by_path.await, all);
    // Callers have no place there, nor have other accounts.
    let refused = stage.request(Method::GET, "/api/v1/threads").key(&stage.acme.caller).send().await;
    refused.assert_refusal(403, "forbidden");
    let eve = stage.neighbour("eve").await;
    let none = eve.request(Method::GET, "/api/v1/threads").key(&eve.acme.admin).send().await;
    assert_eq!(none.ok()["data"], json!([]));
    for thread in &all {
        let path = format!("/api/v1/threads/{}", thread["id"].as_str().unwrap());
        for method in [Method::GET, Method::DELETE] {
            let refused = eve.request(method, &path).key(&eve.acme.admin).send().await;
            refused.assert_refusal(404, "not_found");
        }
    }
    eve.request(Method::GET, "/accounts/acme/threads")
        .key(&eve.acme.admin)
        .send()
        .await
        .assert_refusal(404, "not_found");
}

#[tokio::test]
async fn members_look_at_threads_and_runs_of_any_agent_and_steer_them() {
    let stage = Stage::new().await;
    stage.then(calls("weather", &json!({"city": "Oslo"})));
    let tools = json!([{"type": "client", "name": "weather", "description": "The weather", "parameters": {"type": "object"}}]);
    let started =
        post(&stage, "/threads/t/runs", &json!({"message": "Weather?", "tools": tools})).await.json();
    let run = started["id"].as_str().unwrap();
    let waiting = of_account(&stage, "/runs?status=waiting", 1).await;
    assert_eq!(waiting[0]["id"], run);
    of_account(&stage, "/threads?status=waiting", 1).await;
    assert_eq!(show(&stage, &format!("/runs/{run}")).await["waiting_on"], started["waiting_on"]);
    assert_eq!(show(&stage, &format!("/runs/{run}/steps")).await["steps"].as_array().unwrap().len(), 1);
    let events =
        member(&stage, Method::GET, &format!("/runs/{run}/events")).header("accept", "application/json");
    assert_eq!(events.send().await.ok()["is_over"], false);
    let paused = member(&stage, Method::POST, &format!("/runs/{run}/pause")).send().await.ok();
    assert_eq!(paused["status"], "paused");
    of_account(&stage, "/runs?status=paused", 1).await;
    member(&stage, Method::POST, &format!("/runs/{run}/resume")).send().await.ok();
    stage.then(says("It rains."));
    let inputs = json!({"inputs": [{"call_id": started["waiting_on"][0]["call_id"], "output": "rain"}]});
    member(&stage, Method::POST, &format!("/runs/{run}/inputs")).json(&inputs).send().await.ok();
    assert_eq!(of_account(&stage, "/runs?status=completed", 1).await[0]["id"], run);
    let items = show(&stage, "/threads/t/items").await;
    assert_eq!(items["items"].as_array().unwrap().len(), 4);
    let said = json!({"items": [{"role": "user", "content": "By the way"}]});
    let appended = member(&stage, Method::POST, "/threads/t/items").json(&said).send().await;
    assert_eq!(appended.status, 201, "{}", appended.text());
    let patched = member(&stage, Method::PATCH, "/threads/t").json(&json!({"labels": ["seen"]})).send().await;
    assert_eq!(patched.ok()["labels"], json!(["seen"]));
    of_account(&stage, "/threads?label=seen", 1).await;
    // What needs an agent to be called stands behind one.
    let start = member(&stage, Method::POST, "/threads/t/runs").json(&json!({"message": "Hi"})).send().await;
    assert_eq!(start.status, 404);
    assert_eq!(member(&stage, Method::DELETE, "/threads/t").send().await.status, 204);
    of_account(&stage, "/threads", 0).await;
    of_account(&stage, "/runs", 0).await;
}

#[tokio::test]
async fn a_member_of_a_suspended_account_may_look_and_not_act() {
    let stage = Stage::new().await;
    post(&stage, "/threads", &json!({"id": "t"})).await;
    of_account(&stage, "/threads", 1).await;
    stage.write("UPDATE accounts SET status = 'suspended' WHERE id = ?1");
    assert_eq!(show(&stage, "/threads/t").await["name"], "t");
    let patch = member(&stage, Method::PATCH, "/threads/t").json(&json!({"labels": ["x"]})).send().await;
    assert_eq!(patch.status, 403, "{}", patch.text());
    // What is there can be taken along.
    let export = member(&stage, Method::GET, "/threads/t/export").send().await.ok();
    assert_eq!(export["is_whole"], true);
    let users = "/accounts/acme/users/ada";
    let export =
        stage.request(Method::GET, &format!("{users}/export")).key(&stage.acme.admin).send().await.ok();
    assert_eq!(export["is_whole"], true);
    for path in ["/accounts/acme/erasures", "/accounts/acme/holds"] {
        stage.request(Method::GET, path).key(&stage.acme.admin).send().await.ok();
    }
    let erased = stage.request(Method::DELETE, users).key(&stage.acme.admin).send().await;
    assert_eq!(erased.status, 403, "{}", erased.text());
}

#[tokio::test]
async fn a_run_is_found_by_the_user_of_the_token_that_started_it() {
    let stage = Stage::new().await;
    post(&stage, "/threads", &json!({"id": "t", "user": "ada"})).await;
    let token = post(&stage, "/threads/t/tokens", &json!({"expires_in": 900, "user": "bob"})).await.json();
    stage.then(says("Hello")).then(says("Hello"));
    let path = "/accounts/acme/agents/triage/threads/t/runs";
    let by_token = stage.request(Method::POST, path).key(token["token"].as_str().unwrap());
    let bobs = by_token.json(&json!({"message": "Hi"})).send().await.json();
    let adas = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    for (user, run) in [("bob", bobs), ("ada", adas)] {
        let found = of_agent(&stage, &format!("/runs?user={user}"), 1).await;
        assert_eq!((&found[0]["id"], &found[0]["user"]), (&run["id"], &json!(user)));
    }
    of_agent(&stage, "/threads?user=bob", 0).await;
}
