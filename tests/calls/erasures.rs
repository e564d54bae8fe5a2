//! What is kept of a person: exported, erased, held, or deleted because its time is up.

use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use retinue::ports::{Dispatch, World};
use serde_json::{Value, json};

use crate::ask::{Face, Reply};
use crate::stage::Stage;
use crate::support::{When, native_only};
use crate::threads::{ask, calls, get, post, says};
use crate::throwaway;

const USERS: &str = "/accounts/acme/users";
const MEMORIES: &str = "/accounts/acme/memories";

async fn admin(stage: &Stage, method: Method, path: &str) -> Reply {
    stage.request(method, path).key(&stage.acme.admin).send().await
}

async fn remember(stage: &Stage, body: &Value) -> Reply {
    stage.request(Method::POST, MEMORIES).key(&stage.acme.admin).json(body).send().await
}

async fn remembered(stage: &Stage, user: &str) -> usize {
    let listed = admin(stage, Method::GET, &format!("{MEMORIES}?user={user}")).await.ok();
    listed["data"].as_array().unwrap().len()
}

/// A thread of a person, with a run in which they say this.
async fn thread(stage: &Stage, name: &str, user: &str, said: &str) {
    let made = post(stage, "/threads", &json!({"id": name, "user": user, "title": said})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    stage.then(says(&format!("You said: {said}")));
    let run = post(stage, &format!("/threads/{name}/runs"), &json!({"message": said})).await;
    assert_eq!(run.json()["status"], "completed", "{}", run.text());
}

/// A run by a token that was issued for somebody.
pub async fn by_token(stage: &Stage, thread: &str, user: &str, said: &str) -> Value {
    let issued = post(stage, &format!("/threads/{thread}/tokens"), &json!({"user": user})).await.json();
    stage.then(says(&format!("Again: {said}")));
    let path = format!("/accounts/acme/agents/triage/threads/{thread}/runs");
    let run = stage.request(Method::POST, &path).key(issued["token"].as_str().unwrap());
    let run = run.json(&json!({"message": said})).send().await;
    assert_eq!(run.status, 201, "{}", run.text());
    run.json()
}

/// Lets time pass until this is so.
async fn until(stage: &Stage, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}");
        stage.api.world.clock().advance(500);
        stage.api.world.ring_dispatch(stage.acme.id);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn threads_of(stage: &Stage, user: &str) -> usize {
    let listed = admin(stage, Method::GET, &format!("/accounts/acme/threads?user={user}")).await.ok();
    listed["data"].as_array().unwrap().len()
}

pub async fn erase(stage: &Stage, user: &str) -> Value {
    let erased = admin(stage, Method::DELETE, &format!("{USERS}/{user}")).await;
    assert_eq!(erased.status, 202, "{}", erased.text());
    erased.json()
}

async fn receipt(stage: &Stage, id: &Value) -> Value {
    admin(stage, Method::GET, &format!("/accounts/acme/erasures/{}", id.as_str().unwrap())).await.ok()
}

pub async fn done(stage: &Stage, id: &Value) -> Value {
    until(stage, "the erasure ends", async || receipt(stage, id).await["status"] == "done").await;
    receipt(stage, id).await
}

#[tokio::test]
async fn an_erasure_takes_all_of_a_person_and_nothing_of_others() {
    let stage = Stage::new().await;
    thread(&stage, "hers", "ada", "I am Ada").await;
    thread(&stage, "hers.too", "ada", "Ada again").await;
    thread(&stage, "his", "bob", "I am Bob").await;
    let run = by_token(&stage, "his", "ada", "Ada was here").await;
    stage.then(says("Fine."));
    post(&stage, "/threads/his/runs", &json!({"message": "Bob goes on"})).await;
    for (user, text) in [("ada", "Drinks tea."), ("ada", "Has a cat."), ("bob", "Drinks milk.")] {
        assert_eq!(remember(&stage, &json!({"user": user, "text": text})).await.status, 201);
    }
    until(&stage, "the index knows all", async || {
        let hers = admin(&stage, Method::GET, "/accounts/acme/runs?user=ada").await.ok();
        let knows_hers = hers["data"].as_array().unwrap().iter().any(|listed| listed["id"] == run["id"]);
        knows_hers && threads_of(&stage, "ada").await == 2 && threads_of(&stage, "bob").await == 1
    })
    .await;

    let asked = erase(&stage, "ada").await;
    assert_eq!((&asked["status"], &asked["finished_at"]), (&json!("running"), &Value::Null));
    let digest = retinue::domain::erasure::digest(stage.acme.id, "ada");
    assert_eq!(asked["user_digest"], digest.as_str());
    let receipt = done(&stage, &asked["id"]).await;
    assert!(receipt["finished_at"].is_string(), "{receipt}");
    assert_eq!(
        (&receipt["threads"], &receipt["runs"], &receipt["memories"]),
        (&json!(2), &json!(1), &json!(2)),
        "{receipt}"
    );
    let listed = admin(&stage, Method::GET, "/accounts/acme/erasures").await;
    assert_eq!(listed.json()["data"], json!([receipt]));
    assert!(!listed.text().contains("ada"), "{}", listed.text());

    for gone in ["hers", "hers.too"] {
        let path = format!("/threads/{gone}");
        assert_eq!(ask(&stage, Method::GET, &path).send().await.status, 404, "{gone}");
    }
    assert_eq!((threads_of(&stage, "ada").await, threads_of(&stage, "bob").await), (0, 1));
    assert_eq!((remembered(&stage, "ada").await, remembered(&stage, "bob").await), (0, 1));
    let export = ask(&stage, Method::GET, "/threads/his/export").send().await;
    let document = export.ok();
    for left in ["\"ada\"", "Ada was"] {
        assert!(!export.text().contains(left), "{}", export.text());
    }
    let items = document["items"].as_array().unwrap().iter();
    let said: Vec<&str> = items.filter_map(|item| item["content"][0]["text"].as_str()).collect();
    assert_eq!(said, ["I am Bob", "You said: I am Bob", "Bob goes on", "Fine."], "{document}");
    let blank = get(&stage, &format!("/runs/{}", run["id"].as_str().unwrap())).await;
    assert_eq!((&blank["user"], &blank["status"]), (&Value::Null, &json!("completed")));
    assert_eq!(blank["cost_usd"], run["cost_usd"], "money stays");
    let runs = admin(&stage, Method::GET, "/accounts/acme/runs?user=ada").await.ok();
    assert_eq!(runs["data"], json!([]));
    let books = stage.books("triage").await;
    assert_eq!(books.ledger.len(), 5, "the ledger stays");

    // Whoever comes back begins anew, and nothing of that goes.
    thread(&stage, "hers", "ada", "Back again").await;
    assert_eq!(get(&stage, "/threads/hers/items").await["items"].as_array().unwrap().len(), 2);
    // Once more there is only that.
    until(&stage, "the index knows it", async || threads_of(&stage, "ada").await == 1).await;
    let again = done(&stage, &erase(&stage, "ada").await["id"]).await;
    assert_eq!(again["threads"], 1, "{again}");
}

async fn token_of(stage: &Stage, thread: &str, user: &str) -> String {
    let issued = post(stage, &format!("/threads/{thread}/tokens"), &json!({"user": user})).await.json();
    issued["token"].as_str().unwrap().to_owned()
}

async fn with_token(stage: &Stage, token: &str, path: &str, body: &Value) -> Reply {
    let path = format!("/accounts/acme/agents/triage{path}");
    stage.request(Method::POST, &path).key(token).json(body).send().await
}

/// Whether an export of all threads of the agent has these words.
async fn is_anywhere(stage: &Stage, threads: &[&str], words: &str) -> bool {
    let mut found = false;
    for thread in threads {
        let export = ask(stage, Method::GET, &format!("/threads/{thread}/export")).send().await;
        assert_eq!(export.status, 200, "{}", export.text());
        found |= export.text().contains(words);
    }
    found
}

#[tokio::test]
async fn what_a_person_says_in_runs_of_others_and_what_forks_have_of_it_is_erased() {
    let stage = Stage::new().await;
    post(&stage, "/threads", &json!({"id": "his", "user": "bob"})).await;
    stage.then(calls("look", &json!({})));
    let waiting = json!({"message": "Bob asks", "tools": [{"name": "look"}]});
    let run = post(&stage, "/threads/his/runs", &waiting).await.json();
    let call = &run["waiting_on"][0]["call_id"];
    let token = token_of(&stage, "his", "ada").await;
    let inputs = json!({"inputs": [{"message": "zada beside"}, {"call_id": call, "output": "zada saw it"}]});
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    stage.then(says("Thank you."));
    let given = with_token(&stage, &token, &format!("{path}/inputs"), &inputs).await;
    assert_eq!(given.status, 200, "{}", given.text());
    let is_over = async || get(&stage, &path).await["status"] == "completed";
    until(&stage, "the run ends", is_over).await;
    by_token(&stage, "his", "ada", "zada's own run").await;
    let forked = post(&stage, "/threads/his/fork", &json!({"id": "fork"})).await;
    assert_eq!(forked.status, 201, "{}", forked.text());
    let threads = ["his", "fork"];
    assert!(is_anywhere(&stage, &threads, "zada").await);

    // What is there at the request goes, whenever the index hears of it.
    let id = &erase(&stage, "ada").await["id"];
    until(&stage, "all goes", async || !is_anywhere(&stage, &threads, "zada").await).await;
    let receipt = done(&stage, id).await;
    assert_eq!((&receipt["threads"], &receipt["runs"]), (&json!(0), &json!(1)), "{receipt}");
    // Two in his thread; in the copy those, and the two of her run.
    assert_eq!(receipt["items"], 6, "{receipt}");
    assert!(!is_anywhere(&stage, &threads, "\"ada\"").await);
    for thread in threads {
        let items = get(&stage, &format!("/threads/{thread}/items")).await;
        let items = items["data"].as_array().or_else(|| items["items"].as_array()).unwrap();
        let kinds: Vec<&str> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["message", "tool_call", "tool_result", "message"], "{items:?}");
        assert_eq!(items[2]["output"], json!([{"text": "[erased]"}]), "{items:?}");
    }
    // An answer counts once, though nobody knows any more what it was.
    let again = json!({"inputs": [{"call_id": call, "output": "again"}]});
    let refused = post(&stage, &format!("{path}/inputs"), &again).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    stage.then(says("Still here."));
    let on = post(&stage, "/threads/his/runs", &json!({"message": "Bob goes on"})).await.json();
    assert_eq!(on["status"], "completed", "{on}");
}

#[tokio::test]
async fn who_is_held_keeps_what_they_said_in_threads_of_others() {
    let stage = Stage::new().await;
    post(&stage, "/threads", &json!({"id": "his", "user": "bob"})).await;
    stage.then(calls("look", &json!({})));
    let waiting = json!({"message": "Bob asks", "tools": [{"name": "look"}]});
    let run = post(&stage, "/threads/his/runs", &waiting).await.json();
    let token = token_of(&stage, "his", "ada").await;
    let inputs = json!({"inputs": [{"message": "Ada is a witness"}]});
    let path = format!("/runs/{}/inputs", run["id"].as_str().unwrap());
    assert_eq!(with_token(&stage, &token, &path, &inputs).await.status, 200);
    stage.request(Method::PUT, &format!("{USERS}/ada/hold")).key(&stage.acme.admin).send().await.ok();
    // The index knows her about a second later.
    let patch = json!({"user": "eve"});
    let is_held = async || ask(&stage, Method::PATCH, "/threads/his").json(&patch).send().await.status == 409;
    until(&stage, "the thread is held", is_held).await;
    ask(&stage, Method::DELETE, "/threads/his").send().await.assert_refusal(409, "legal_hold");
}

#[tokio::test]
async fn nobody_has_a_name_that_no_path_can_have() {
    let stage = Stage::new().await;
    for user in [".", ".."] {
        let made = post(&stage, "/threads", &json!({"user": user})).await;
        made.assert_refusal(400, "validation_failed");
        let remembered = remember(&stage, &json!({"user": user, "text": "Is there."})).await;
        remembered.assert_refusal(400, "validation_failed");
    }
}

#[tokio::test]
async fn a_run_at_work_is_erased_too() {
    let stage = Stage::new().await;
    stage.then(calls("look", &json!({})));
    post(&stage, "/threads", &json!({"id": "t", "user": "ada"})).await;
    let waiting = json!({"message": "Look", "tools": [{"name": "look"}]});
    let run = post(&stage, "/threads/t/runs", &waiting).await.json();
    assert_eq!(run["status"], "waiting", "{run}");
    until(&stage, "the index knows it", async || threads_of(&stage, "ada").await == 1).await;
    done(&stage, &erase(&stage, "ada").await["id"]).await;
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(ask(&stage, Method::GET, &path).send().await.status, 404);
}

#[tokio::test]
async fn calls_without_a_thread_are_erased_though_no_list_shows_them() {
    let stage = Stage::new().await;
    for limit in ["runs_at_once = NULL", "runs_at_once = 50"] {
        stage.limit(limit);
        for face in [Face::Chat, Face::CompletionsStream] {
            stage.then(says("Hello Ada"));
            stage.then(says("Hello Bob"));
            let call = async |user: &str| {
                let key = format!("{user} {}", limit.len());
                throwaway::call(&stage, face, &json!({"user": user}))
                    .header("idempotency-key", &key)
                    .send()
                    .await
            };
            let (hers, his) = (call("ada").await, call("bob").await);
            let shown = async |reply: &Reply| {
                ask(&stage, Method::GET, &format!("/runs/{}", reply.header("x-run"))).send().await.status
            };
            assert_eq!((shown(&hers).await.as_u16(), shown(&his).await.as_u16()), (200, 200));
            // What the index learns late opens the erasure again.
            let id = &erase(&stage, "ada").await["id"];
            until(&stage, "the call is erased", async || receipt(&stage, id).await["threads"] == 1).await;
            done(&stage, id).await;
            assert_eq!((shown(&hers).await.as_u16(), shown(&his).await.as_u16()), (404, 200), "{face:?}");
        }
    }
}

#[tokio::test]
async fn a_legal_hold_keeps_everything_until_it_is_taken_away() {
    let stage = Stage::new().await;
    thread(&stage, "t", "ada/ü", "Evidence").await;
    let memory = remember(&stage, &json!({"user": "ada/ü", "text": "Saw it."})).await.json();
    let user = "ada%2F%C3%BC";
    until(&stage, "the index knows it", async || threads_of(&stage, user).await == 1).await;
    let hold = format!("{USERS}/{user}/hold");
    assert_eq!(admin(&stage, Method::GET, &hold).await.status, 404);
    let placed = stage.request(Method::PUT, &hold).key(&stage.acme.admin);
    let placed = placed.json(&json!({"reason": "Case 4711"})).send().await.ok();
    assert_eq!((&placed["user"], &placed["reason"]), (&json!("ada/ü"), &json!("Case 4711")));
    assert_eq!(admin(&stage, Method::GET, &hold).await.ok(), placed);
    let all = admin(&stage, Method::GET, "/accounts/acme/holds").await.ok();
    assert_eq!(all["data"], json!([placed]));

    let held = |reply: &Reply| reply.assert_refusal(409, "legal_hold");
    held(&admin(&stage, Method::DELETE, &format!("{USERS}/{user}")).await);
    held(&ask(&stage, Method::DELETE, "/threads/t").send().await);
    held(&post(&stage, "/threads/t/runs", &json!({"message": "Not so.", "on_busy": "rollback"})).await);
    held(&ask(&stage, Method::PATCH, "/threads/t").json(&json!({"user": "bob"})).send().await);
    let id = memory["id"].as_str().unwrap();
    held(&admin(&stage, Method::DELETE, &format!("{MEMORIES}/{id}?user={user}")).await);
    let changed = stage.request(Method::PATCH, &format!("{MEMORIES}/{id}?user={user}"));
    held(&changed.key(&stage.acme.admin).json(&json!({"text": "Saw nothing."})).send().await);
    ask(&stage, Method::PATCH, "/threads/t").json(&json!({"title": "Still"})).send().await.ok();
    stage.then(says("Go on."));
    assert_eq!(post(&stage, "/threads/t/runs", &json!({"message": "More"})).await.status, 201);

    assert_eq!(admin(&stage, Method::DELETE, &hold).await.status, 204);
    assert_eq!(admin(&stage, Method::DELETE, &hold).await.status, 404);
    let receipt = done(&stage, &erase(&stage, user).await["id"]).await;
    assert_eq!((&receipt["threads"], &receipt["memories"]), (&json!(1), &json!(1)), "{receipt}");
}

#[tokio::test]
async fn a_hold_stops_an_erasure_that_is_running() {
    native_only!("the memories cannot be reached when the test says so");
    let stage = Stage::new().await;
    thread(&stage, "t", "ada", "Evidence").await;
    remember(&stage, &json!({"user": "ada", "text": "Saw it."})).await;
    until(&stage, "the index knows it", async || threads_of(&stage, "ada").await == 1).await;
    for nth in 1..=100 {
        stage.api.world.faults().plan("erase_memories", nth, When::Before);
    }
    let asked = erase(&stage, "ada").await;
    let is_tried = async || stage.api.world.faults().take_done().iter().any(|done| done == "erase_memories");
    until(&stage, "the memories are tried", is_tried).await;
    stage.request(Method::PUT, &format!("{USERS}/ada/hold")).key(&stage.acme.admin).send().await.ok();
    stage.api.world.faults().end();
    assert_eq!(receipt(&stage, &asked["id"]).await["status"], "held");
    for _ in 0..20 {
        stage.api.world.clock().advance(3_000);
        stage.api.world.dispatch().alarm(stage.acme.id);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(remembered(&stage, "ada").await, 1, "what is held stays");
    assert_eq!(admin(&stage, Method::DELETE, &format!("{USERS}/ada/hold")).await.status, 204);
    let receipt = done(&stage, &asked["id"]).await;
    assert_eq!((&receipt["threads"], &receipt["memories"]), (&json!(1), &json!(1)), "{receipt}");
}

#[tokio::test]
async fn an_erasure_goes_on_after_the_index_has_died() {
    native_only!("the index's object dies when the test says so");
    let stage = Stage::new().await;
    for n in 0..3 {
        thread(&stage, &format!("t{n}"), "ada", "Evidence").await;
    }
    remember(&stage, &json!({"user": "ada", "text": "Has a cat."})).await;
    until(&stage, "the index knows them", async || threads_of(&stage, "ada").await == 3).await;
    let asked = erase(&stage, "ada").await;
    for _ in 0..6 {
        stage.api.world.dispatch().crash(stage.acme.id);
        stage.api.world.clock().advance(1_500);
        stage.api.world.dispatch().alarm(stage.acme.id);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    done(&stage, &asked["id"]).await;
    assert_eq!((threads_of(&stage, "ada").await, remembered(&stage, "ada").await), (0, 0));
}

#[tokio::test]
async fn a_person_is_exported_as_one_document() {
    let stage = Stage::new().await;
    thread(&stage, "a", "ada", "First").await;
    thread(&stage, "b", "ada", "Second").await;
    thread(&stage, "c", "bob", "Third").await;
    for text in ["Drinks tea.", "Has a cat."] {
        remember(&stage, &json!({"user": "ada", "text": text})).await;
    }
    until(&stage, "the index knows them", async || threads_of(&stage, "ada").await == 2).await;
    let export = admin(&stage, Method::GET, &format!("{USERS}/ada/export")).await;
    assert_eq!(export.headers["content-type"], "application/json");
    let document = export.ok();
    let fields: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["exported_at", "user", "threads", "memories", "is_whole"]);
    assert_eq!((&document["user"], &document["is_whole"]), (&json!("ada"), &json!(true)));
    let threads = document["threads"].as_array().unwrap();
    assert_eq!(threads.len(), 2);
    for of in threads {
        let id = of["thread"]["id"].as_str().unwrap();
        let own = ask(&stage, Method::GET, &format!("/threads/{id}/export")).send().await.ok();
        assert_eq!((&of["items"], &of["runs"], &of["is_whole"]), (&own["items"], &own["runs"], &json!(true)));
    }
    assert_eq!(document["memories"].as_array().unwrap().len(), 2);
    let nobody = admin(&stage, Method::GET, &format!("{USERS}/nobody/export")).await.ok();
    assert_eq!((&nobody["threads"], &nobody["memories"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn threads_that_nothing_changes_are_deleted_when_their_time_is_up() {
    native_only!("days pass when the test says so");
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let stage = Stage::new().await;
    stage.change("triage", &json!({"keep_days": 2})).await;
    stage.agent("other", &json!({})).await;
    for (name, user) in [("old", "ada"), ("held", "eve"), ("fresh", "bob")] {
        thread(&stage, name, user, "Hello").await;
    }
    let others = "/accounts/acme/agents/other/threads";
    let made = stage.request(Method::POST, others).key(&stage.acme.caller).json(&json!({"id": "others"}));
    assert_eq!(made.send().await.status, 201);
    stage.then(calls("look", &json!({})));
    let waiting = json!({"message": "Look", "tools": [{"name": "look"}]});
    assert_eq!(post(&stage, "/threads/waiting/runs", &waiting).await.json()["status"], "waiting");
    stage.request(Method::PUT, &format!("{USERS}/eve/hold")).key(&stage.acme.admin).send().await.ok();
    let is_there = async |name: &str| {
        let path = format!("/accounts/acme/threads/{name}");
        stage.request(Method::GET, &path).key(&stage.acme.member).send().await.status == 200
    };
    let pass = async |days: i64| {
        stage.api.world.clock().advance(days * DAY_MS);
        stage.api.world.sweep().await;
        for _ in 0..20 {
            stage.api.world.dispatch().alarm(stage.acme.id);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    pass(1).await;
    assert!(is_there("old").await);
    stage.then(says("Yes."));
    post(&stage, "/threads/fresh/runs", &json!({"message": "Still there?"})).await;
    stage.api.world.clock().advance(60_000);
    pass(1).await;
    let there = join_all(["old", "held", "fresh", "waiting", "others"].map(is_there)).await;
    assert_eq!(there, [false, true, true, true, true]);

    // The plan's holds for all agents.
    stage.limit("keep_days = 3");
    pass(2).await;
    let there = join_all(["held", "fresh", "waiting", "others"].map(is_there)).await;
    assert_eq!(there, [true, false, true, false]);
}

async fn used(stage: &Stage) -> (Value, u64) {
    let account = stage.request(Method::GET, "/api/v1/account").key(&stage.acme.member).send().await.ok();
    let limit = &account["limits"]["memories"];
    (limit["limit"].clone(), limit["used"].as_u64().unwrap())
}

#[tokio::test]
async fn of_twenty_memories_at_once_exactly_as_many_are_kept_as_there_is_room_for() {
    let stage = Stage::new().await;
    stage.limit("memories = 5");
    let make = async |n: u32| {
        let user = ["ada", "bob", "eve"][n as usize % 3];
        remember(&stage, &json!({"user": user, "text": format!("Fact {n}.")})).await
    };
    let made = join_all((0..20).map(make)).await;
    let refused: Vec<&Reply> = made.iter().filter(|reply| reply.status != 201).collect();
    assert_eq!(refused.len(), 15);
    refused.iter().for_each(|reply| reply.assert_refusal(403, "plan_limit_exceeded"));
    assert_eq!(used(&stage).await, (json!(5), 5));
    let kept =
        remembered(&stage, "ada").await + remembered(&stage, "bob").await + remembered(&stage, "eve").await;
    assert_eq!(kept, 5);
    let one = made.iter().find(|reply| reply.status == 201).unwrap().json();
    let again = remember(&stage, &json!({"user": one["user"], "text": one["text"]})).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (200, &one["id"]), "it is there already");
    let path = format!("{MEMORIES}/{}?user={}", one["id"].as_str().unwrap(), one["user"].as_str().unwrap());
    assert_eq!(admin(&stage, Method::DELETE, &path).await.status, 204);
    assert_eq!(used(&stage).await.1, 4);
    assert_eq!(make(20).await.status, 201);
    make(21).await.assert_refusal(403, "plan_limit_exceeded");
}

#[tokio::test]
async fn memories_whose_count_was_lost_are_counted_again() {
    native_only!("a message is lost when the test says so");
    let stage = Stage::new().await;
    stage.limit("memories = 2");
    stage.api.world.faults().plan("counted", 1, When::Before);
    assert_eq!(remember(&stage, &json!({"user": "ada", "text": "One."})).await.status, 201);
    assert_eq!(used(&stage).await.1, 1, "by its claim");
    stage.api.world.clock().advance(130_000);
    stage.api.world.dispatch().alarm(stage.acme.id);
    until(&stage, "it is counted", async || used(&stage).await.1 == 1).await;
    // A claim of which nothing came gives its place back.
    let claim = retinue::domain::dispatch::command::Command::ClaimMemory(
        format!("{}:memory:bob", stage.acme.id),
        "claim".to_owned(),
        2,
    );
    stage.api.world.dispatch().ask(stage.acme.id, claim).await.unwrap();
    assert_eq!(used(&stage).await.1, 2);
    remember(&stage, &json!({"user": "eve", "text": "Two."}))
        .await
        .assert_refusal(403, "plan_limit_exceeded");
    until(&stage, "its place is free", async || used(&stage).await.1 == 1).await;
    assert_eq!(remember(&stage, &json!({"user": "eve", "text": "Two."})).await.status, 201);
}

#[tokio::test]
async fn whom_a_key_names_as_its_user_is_forgotten_in_the_runs_of_a_conversation() {
    let stage = Stage::new().await;
    let v1 = |path: &str| format!("/accounts/acme/agents/triage/v1{path}");
    let ask = |method: Method, path: &str| stage.request(method, &v1(path)).key(&stage.acme.caller);
    let made = ask(Method::POST, "/conversations").json(&json!({})).send().await.ok();
    let mut responses = Vec::new();
    for (user, words) in [("zada", "zada is here"), ("bob", "Bob is here")] {
        stage.then(says("Fine."));
        let body = json!({"input": words, "conversation": made["id"], "user": user});
        responses.push(ask(Method::POST, "/responses").json(&body).send().await.ok());
    }
    let runs =
        async || admin(&stage, Method::GET, "/accounts/acme/runs?user=zada").await.ok()["data"].clone();
    until(&stage, "the index knows the run", async || runs().await.as_array().unwrap().len() == 1).await;
    let receipt = done(&stage, &erase(&stage, "zada").await["id"]).await;
    assert_eq!((&receipt["threads"], &receipt["runs"]), (&json!(0), &json!(1)), "{receipt}");
    let id = |response: &Value| response["id"].as_str().unwrap().to_owned();
    let hers = ask(Method::GET, &format!("/responses/{}", id(&responses[0]))).send().await;
    assert!(!hers.text().contains("zada"), "{}", hers.text());
    let his = ask(Method::GET, &format!("/responses/{}", id(&responses[1]))).send().await.ok();
    assert_eq!((&his["user"], &his["status"]), (&json!("bob"), &json!("completed")));
    let thread = made["id"].as_str().unwrap().trim_start_matches("conv_");
    assert!(!is_anywhere(&stage, &[thread], "zada").await);
    assert!(is_anywhere(&stage, &[thread], "Bob is here").await);
}
