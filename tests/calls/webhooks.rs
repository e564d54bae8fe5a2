//! Webhooks: who is told of runs, what receivers are sent, and what becomes of messages that they do not take.

use std::time::{Duration, Instant};

use axum::http::Method;
use retinue::domain::secret::Secret;
use retinue::domain::webhook::secret::sign;
use retinue::ports::SendError;
use serde_json::{Value, json};

use crate::ask::Reply;
use crate::stage::Stage;
use crate::support::{Asked, Script, Turn, native_only};
use crate::threads::{ask, calls, get, post, says, until};

const MINUTE: i64 = 60_000;

/// A request of an admin.
async fn admin(stage: &Stage, method: Method, path: &str, body: &Value) -> crate::support::Reply {
    let path = format!("/api/v1/webhooks/{path}");
    stage.api.request(method, &path).key(&stage.acme.admin).json(body).send().await
}

/// Writes a webhook and waits until it is known where it is used.
async fn put(stage: &Stage, name: &str, more: &Value) -> Value {
    let mut body = json!({"url": format!("https://{name}.example.com/in")});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = admin(stage, Method::PUT, name, &body).await.ok();
    known(stage).await;
    made
}

/// Waits until the account's objects have learned what was written.
async fn known(stage: &Stage) {
    let count = "SELECT count(*) FROM declaration_outbox";
    let rows =
        || stage.api.world.database().with(|db| db.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap());
    eventually("the objects know", async || (rows() == 0).then_some(())).await;
}

/// What comes in a while.
async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: never");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn answers(status: u16) -> Turn {
    Turn::Replies(Script::status(status, "ok"))
}

/// The messages to a webhook, once they are so.
async fn deliveries(stage: &Stage, name: &str, fit: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    eventually("deliveries", async || {
        let path = format!("/api/v1/webhooks/{name}/deliveries");
        let list = stage.api.get(&path).key(&stage.acme.member).send().await.ok();
        let all = list["data"].as_array().unwrap().clone();
        fit(&all).then_some(all)
    })
    .await
}

fn statuses(all: &[Value]) -> Vec<&str> {
    all.iter().map(|one| one["status"].as_str().unwrap()).collect()
}

/// What the receiver was sent, each time; of other servers nothing.
fn received(stage: &Stage, name: &str) -> Vec<Asked> {
    let to = format!("https://{name}.example.com/in");
    stage.take_asked().into_iter().filter(|asked| asked.to == to).collect()
}

fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str()).unwrap()
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

async fn run(stage: &Stage, thread: &str) -> Value {
    stage.then(says("Done."));
    let run: Reply = post(stage, &format!("/threads/{thread}/runs"), &json!({"message": "Go"})).await;
    assert_eq!(run.status, 201, "{}", run.text());
    run.json()
}

/// The signature of what was sent, under this secret.
fn signature(asked: &Asked, secret: &str) -> String {
    let timestamp = header(asked, "webhook-timestamp").parse().unwrap();
    let text = std::str::from_utf8(&asked.body).unwrap();
    sign(&Secret::new(secret.to_owned()), header(asked, "webhook-id"), timestamp, text).unwrap()
}

#[tokio::test]
async fn the_end_of_a_run_is_told_once_and_signed_with_a_secret_that_was_shown_once() {
    let stage = Stage::new().await;
    let made = put(&stage, "crm", &json!({})).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{made}");
    stage.upstream().then_at("crm.", answers(204));
    let run = run(&stage, "t").await;
    let sent = deliveries(&stage, "crm", |all| statuses(all) == ["sent"]).await.remove(0);
    assert_eq!((&sent["event"], &sent["run"]), (&json!("run.completed"), &run["id"]), "{sent}");
    assert_eq!((&sent["attempts"], &sent["last_status"]), (&json!(1), &json!(204)));
    let received = received(&stage, "crm");
    let [message] = &received[..] else { panic!("{received:?}") };
    assert_eq!(message.method, "POST");
    assert_eq!(header(message, "webhook-id"), sent["id"]);
    assert_eq!(header(message, "content-type"), "application/json");
    let at: i64 = header(message, "webhook-timestamp").parse().unwrap();
    assert_eq!(at, stage.api.world.clock().now().0 / 1_000, "in seconds");
    assert_eq!(header(message, "webhook-signature"), signature(message, secret));
    let said = body(message);
    assert_eq!(said["type"], "run.completed");
    assert_eq!(said["data"], get(&stage, &format!("/runs/{}", run["id"].as_str().unwrap())).await);
    // The secret is shown no more, and is in no log.
    let shown = admin(&stage, Method::GET, "crm", &json!({})).await.ok();
    assert!(shown.get("secret").is_none(), "{shown}");
    assert_eq!(shown["secrets"][0]["last4"].as_str().unwrap(), &secret[secret.len() - 4..]);
    assert!(!stage.log().contains(secret));
}

#[tokio::test]
async fn each_wait_of_a_run_is_a_message_of_its_own() {
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({"events": ["run.waiting", "run.failed"]})).await;
    for _ in 0..2 {
        stage.upstream().then_at("crm.", answers(200));
    }
    stage.then(calls("look", &json!({})));
    let begin = json!({"message": "Look", "tools": [{"name": "look"}]});
    let run = post(&stage, "/threads/t/runs", &begin).await.json();
    let id = run["id"].as_str().unwrap();
    deliveries(&stage, "crm", |all| statuses(all) == ["sent"]).await;
    stage.then(calls("look", &json!({})));
    let inputs = json!({"inputs": [{"call_id": run["waiting_on"][0]["call_id"], "output": "one"}]});
    post(&stage, &format!("/runs/{id}/inputs"), &inputs).await.ok();
    let told = deliveries(&stage, "crm", |all| statuses(all) == ["sent", "sent"]).await;
    assert_ne!(told[0]["id"], told[1]["id"]);
    // A pause is nothing to hear of, and the end is none of its events.
    let run = until(&stage, id, "waiting").await;
    post(&stage, &format!("/runs/{id}/pause"), &json!({})).await.ok();
    post(&stage, &format!("/runs/{id}/resume"), &json!({})).await.ok();
    stage.then(says("Seen."));
    let inputs = json!({"inputs": [{"call_id": run["waiting_on"][0]["call_id"], "output": "two"}]});
    post(&stage, &format!("/runs/{id}/inputs"), &inputs).await.ok();
    until(&stage, id, "completed").await;
    stage.api.world.settled().await;
    let received = received(&stage, "crm");
    assert_eq!(received.len(), 2, "{received:?}");
    assert!(received.iter().all(|asked| body(asked)["data"]["waiting_on"][0]["kind"] == "tool_output"));
}

#[tokio::test]
async fn a_webhook_for_named_runs_hears_of_those_whose_agent_or_request_names_it() {
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({"runs": "named"})).await;
    put(&stage, "erp", &json!({"runs": "named"})).await;
    // Nobody names them.
    run(&stage, "a").await;
    stage.change("triage", &json!({"webhooks": ["crm"]})).await;
    stage
        .upstream()
        .then_at("crm.", answers(200))
        .then_at("crm.", answers(200))
        .then_at("erp.", answers(200));
    let second = run(&stage, "b").await;
    stage.then(says("Done."));
    let third = post(&stage, "/threads/c/runs", &json!({"message": "Go", "webhooks": ["erp"]})).await.json();
    let crm = deliveries(&stage, "crm", |all| statuses(all) == ["sent", "sent"]).await;
    let mut told: Vec<&Value> = crm.iter().map(|one| &one["run"]).collect();
    told.sort_unstable_by_key(|id| id.as_str());
    let mut wanted = vec![&second["id"], &third["id"]];
    wanted.sort_unstable_by_key(|id| id.as_str());
    assert_eq!(told, wanted);
    let erp = deliveries(&stage, "erp", |all| statuses(all) == ["sent"]).await;
    assert_eq!(erp[0]["run"], third["id"]);
}

#[tokio::test]
async fn a_request_names_webhooks_that_there_are_and_a_token_none() {
    let stage = Stage::new().await;
    let refused = post(&stage, "/threads/t/runs", &json!({"message": "Go", "webhooks": ["crm"]})).await;
    refused.assert_refusal(400, "validation_failed");
    assert_eq!(refused.json()["errors"][0]["field"], "webhooks[0]");
    put(&stage, "crm", &json!({"runs": "named"})).await;
    post(&stage, "/threads", &json!({"id": "t"})).await;
    let token = post(&stage, "/threads/t/tokens", &json!({})).await.json()["token"].clone();
    let by_token = ask(&stage, Method::POST, "/threads/t/runs").key(token.as_str().unwrap());
    let refused = by_token.json(&json!({"message": "Go", "webhooks": ["crm"]})).send().await;
    refused.assert_refusal(400, "validation_failed");
    assert!(refused.text().contains("needs a key"), "{}", refused.text());
    let many: Vec<String> = (0..11).map(|n| format!("w{n}")).collect();
    let refused = post(&stage, "/threads/t/runs", &json!({"message": "Go", "webhooks": many})).await;
    refused.assert_refusal(400, "validation_failed");
}

#[tokio::test]
async fn a_message_that_is_not_taken_is_sent_again_with_the_same_id_and_words() {
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({})).await;
    stage.upstream().then_at("crm.", answers(500)).then_at("crm.", answers(302));
    let late = Script { retry_after_ms: Some(90_000), ..Script::status(503, "later") };
    stage.upstream().then_at("crm.", Turn::Replies(late)).then_at("crm.", answers(200));
    run(&stage, "t").await;
    for (attempts, ms) in [(1, 6_000), (2, 6 * MINUTE), (3, 31 * MINUTE)] {
        let all =
            deliveries(&stage, "crm", |all| all.first().is_some_and(|one| one["attempts"] == attempts)).await;
        assert_eq!(all[0]["status"], "pending", "{all:?}");
        assert!(all[0]["next_at"].is_string());
        // Whatever the run becomes meanwhile: it is forgotten.
        stage.api.world.clock().advance(ms);
        stage.api.world.ring_dispatch(stage.acme.id);
    }
    let sent = deliveries(&stage, "crm", |all| statuses(all) == ["sent"]).await.remove(0);
    assert_eq!((&sent["attempts"], &sent["last_error"]), (&json!(4), &Value::Null));
    let received = received(&stage, "crm");
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|asked| header(asked, "webhook-id") == sent["id"]));
    assert!(received.iter().all(|asked| asked.body == received[0].body));
    let times: Vec<&str> = received.iter().map(|asked| header(asked, "webhook-timestamp")).collect();
    assert!(times.windows(2).all(|two| two[0] < two[1]), "each attempt has its own time: {times:?}");
}

#[tokio::test]
async fn a_receiver_that_says_it_is_gone_disables_its_webhook() {
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({})).await;
    stage.upstream().then_at("crm.", answers(410));
    run(&stage, "t").await;
    let shown = eventually("it is disabled", async || {
        let shown = admin(&stage, Method::GET, "crm", &json!({})).await.ok();
        (shown["enabled"] == false).then_some(shown)
    })
    .await;
    assert!(shown["disabled_at"].is_string() && shown["disabled_reason"].as_str().unwrap().contains("410"));
    known(&stage).await;
    run(&stage, "u").await;
    deliveries(&stage, "crm", |all| statuses(all) == ["dead"]).await;
    let refused = admin(&stage, Method::POST, "crm/test", &json!({})).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    let revived = admin(&stage, Method::PATCH, "crm", &json!({"enabled": true})).await.ok();
    assert_eq!((&revived["enabled"], &revived["disabled_at"]), (&json!(true), &Value::Null));
    known(&stage).await;
    stage.upstream().then_at("crm.", answers(200)).then_at("crm.", answers(200));
    let dead = deliveries(&stage, "crm", |all| statuses(all) == ["dead"]).await.remove(0);
    let id = dead["id"].as_str().unwrap();
    let again = admin(&stage, Method::POST, &format!("crm/deliveries/{id}/resend"), &json!({})).await;
    assert_eq!((again.status.as_u16(), &again.json()["status"]), (202, &json!("pending")));
    deliveries(&stage, "crm", |all| statuses(all) == ["sent"]).await;
}

#[tokio::test]
async fn a_secret_is_rotated_while_both_sign() {
    let stage = Stage::new().await;
    let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let made = put(&stage, "crm", &json!({"secret": given})).await;
    assert!(made.get("secret").is_none(), "who gave it knows it: {made}");
    let rotated = admin(&stage, Method::POST, "crm/rotate", &json!({"keep_s": 600})).await.ok();
    let newest = rotated["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 2, "{rotated}");
    known(&stage).await;
    for (ms, secrets) in [(0, vec![newest.as_str(), given]), (601_000, vec![newest.as_str()])] {
        stage.api.world.clock().advance(ms);
        stage.upstream().then_at("crm.", answers(200));
        admin(&stage, Method::POST, "crm/test", &json!({})).await;
        deliveries(&stage, "crm", |all| all.iter().all(|one| one["status"] == "sent")).await;
        let received = received(&stage, "crm");
        let [message] = &received[..] else { panic!("{received:?}") };
        assert_eq!(body(message)["type"], "webhook.test");
        let signed: Vec<String> = secrets.iter().map(|secret| signature(message, secret)).collect();
        assert_eq!(header(message, "webhook-signature"), signed.join(" "));
    }
}

#[tokio::test]
async fn one_receiver_that_hangs_keeps_no_other_from_its_messages() {
    let stage = Stage::new().await;
    put(&stage, "hangs", &json!({})).await;
    put(&stage, "good", &json!({})).await;
    for _ in 0..4 {
        stage.upstream().then_at("hangs.", Turn::Hangs).then_at("good.", answers(200));
    }
    for n in 0..4 {
        run(&stage, &format!("t{n}")).await;
    }
    deliveries(&stage, "good", |all| statuses(all) == ["sent"; 4]).await;
    let hanging = deliveries(&stage, "hangs", |all| all.len() == 4).await;
    assert_eq!(statuses(&hanging), ["pending"; 4]);
    assert_eq!(received(&stage, "hangs").len(), 2, "a few at once");
}

#[tokio::test]
async fn a_message_has_arrived_with_the_status_however_slowly_the_rest_comes() {
    let stage = Stage::new().await;
    for name in ["one", "two", "three"] {
        put(&stage, name, &json!({})).await;
        for _ in 0..3 {
            stage.upstream().then_at(&format!("{name}."), Turn::Drips(200));
        }
    }
    put(&stage, "good", &json!({})).await;
    for n in 0..3 {
        stage.upstream().then_at("good.", answers(200));
        run(&stage, &format!("t{n}")).await;
    }
    for name in ["good", "one", "two", "three"] {
        deliveries(&stage, name, |all| statuses(all) == ["sent"; 3]).await;
    }
}

#[tokio::test]
async fn what_was_under_way_when_the_object_died_is_sent_again() {
    native_only!("a test ends no object of workerd in the middle of its request, as tests/live does");
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({})).await;
    stage.upstream().then_at("crm.", Turn::Hangs).then_at("crm.", answers(200));
    run(&stage, "t").await;
    eventually("it is sent", async || {
        let asked = stage.upstream().take_asked();
        asked.iter().any(|asked| asked.to.contains("crm.")).then_some(())
    })
    .await;
    stage.api.world.crash_dispatch(stage.acme.id);
    stage.api.world.clock().advance(61_000);
    stage.api.world.ring_dispatch(stage.acme.id);
    deliveries(&stage, "crm", |all| statuses(all) == ["sent"]).await;
}

#[tokio::test]
async fn a_network_that_fails_is_named_in_words_that_tell_nothing_of_ours() {
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({})).await;
    let lost = SendError::Lost("internal-address-10.0.0.1".to_owned());
    stage.upstream().then_at("crm.", Turn::Fails(lost));
    run(&stage, "t").await;
    let all = deliveries(&stage, "crm", |all| all.first().is_some_and(|one| one["attempts"] == 1)).await;
    assert_eq!(all[0]["last_error"], "the connection to the receiver was lost");
    assert_eq!(all[0]["last_status"], Value::Null);
}

#[tokio::test]
async fn messages_about_a_thread_go_with_it() {
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({})).await;
    stage.upstream().then_at("crm.", answers(200));
    run(&stage, "t").await;
    deliveries(&stage, "crm", |all| statuses(all) == ["sent"]).await;
    assert_eq!(ask(&stage, Method::DELETE, "/threads/t").send().await.status, 204);
    deliveries(&stage, "crm", <[Value]>::is_empty).await;
}

#[tokio::test]
async fn messages_about_a_run_go_when_who_began_it_is_erased() {
    let stage = Stage::new().await;
    put(&stage, "crm", &json!({})).await;
    stage.upstream().always("crm.", 503);
    crate::threads::post(&stage, "/threads", &json!({"id": "t", "user": "bob"})).await;
    crate::erasures::by_token(&stage, "t", "ada", "Ada was here").await;
    deliveries(&stage, "crm", |all| all.len() == 1 && all[0]["attempts"] == 1).await;
    let erased = crate::erasures::erase(&stage, "ada").await;
    crate::erasures::done(&stage, &erased["id"]).await;
    deliveries(&stage, "crm", <[Value]>::is_empty).await;
}
