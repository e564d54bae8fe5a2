//! The matrix of threads' tokens: every operation of the OpenAPI document with the token of its thread and with that of another,
//! and whether each is served or refused as the document says (`thread-token` among its security requirements).

use retinue::ports::World;
use serde_json::{Value, json};

use crate::matrix::{Operation, Stage, Subject, all, made};
use crate::support::{Api, Script, Turn};

const THREADS: &str = "/accounts/acme/agents/triage/threads";

const fn subject() -> Subject {
    Subject { api: Api::with, document: made }
}

fn takes_tokens(operation: &Operation) -> bool {
    let requirements = operation.spec["security"].as_array().into_iter().flatten();
    requirements.into_iter().any(|requirement| requirement["thread-token"].is_array())
}

impl Stage {
    /// A token of a thread, which is made where it is not there, for this user.
    async fn token(&self, thread: &str, user: Option<&str>) -> String {
        let key = &self.acme.caller;
        let made = self.api.post(THREADS).key(key).json(&json!({"id": thread})).send().await;
        assert!(made.status.is_success(), "{made:?}");
        let issued = self.api.post(&format!("{THREADS}/{thread}/tokens")).key(key);
        let issued = issued.json(&json!({"user": user})).send().await;
        issued.created()["token"].as_str().unwrap().to_owned()
    }

    /// A run of a thread is answered, by whichever face it was started.
    fn answer_runs(&self) {
        let chunk = json!({"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "delta": {"content": "Hello"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
        self.api
            .world
            .upstream()
            .then(Turn::Replies(Script::ok(format!("data: {chunk}\n\ndata: [DONE]\n\n"))));
    }
}

/// An operation that takes tokens serves that of its thread, and to another's nothing is there.
async fn try_served(operation: Operation) {
    let place = format!("{} {} ({})", operation.method, operation.template, operation.id);
    let mut stage = Stage::new(subject()).await;
    if ["{thread}", "{run}", "{response}"].iter().any(|name| operation.template.contains(name)) {
        stage.prepare_threads(&operation).await;
    } else {
        stage.answer_runs();
        stage.on_thread = Some("t".to_owned());
    }
    let of_user = operation.template.contains("/memories").then_some("ada");
    if let Some(user) = of_user {
        let memory = json!({"text": "Likes tea.", "user": user});
        let made = stage.api.post("/api/v1/memories").key(&stage.acme.admin).json(&memory).send().await;
        stage.names.insert("memory".to_owned(), made.created()["id"].clone());
    }
    let (own, other) = (stage.token("t", of_user).await, stage.token("u", None).await);
    let refused = stage.ask(&operation, Some(&other)).await;
    assert_eq!(refused.status, 404, "{place} with another thread's token: {refused:?}");
    stage.check(&operation, &refused, &place);
    let served = stage.ask(&operation, Some(&own)).await;
    assert!(served.status.is_success(), "{place} with the thread's token: {served:?}");
    stage.check(&operation, &served, &place);
}

#[tokio::test]
async fn every_operation_that_takes_tokens_serves_its_threads_and_no_others() {
    let operations = all(&made()).into_iter().filter(takes_tokens);
    let mut tried = 0;
    for operation in operations {
        try_served(operation).await;
        tried += 1;
    }
    assert!(tried >= 20, "{tried}");
}

#[tokio::test]
async fn every_other_operation_refuses_tokens_and_changes_nothing() {
    let mut stage = Stage::new(subject()).await;
    let of_run = all(&made()).into_iter().find(|operation| operation.id == "show_run").unwrap();
    stage.prepare_threads(&of_run).await;
    let token = stage.token("t", None).await;
    let before = stage.rows();
    let others =
        all(&made()).into_iter().filter(|operation| operation.role != "open" && !takes_tokens(operation));
    let mut tried = 0;
    for operation in others {
        let place = format!("{} {} ({})", operation.method, operation.template, operation.id);
        let reply = stage.ask(&operation, Some(&token)).await;
        assert!(matches!(reply.status.as_u16(), 401 | 403), "{place}: {reply:?}");
        assert!(!String::from_utf8_lossy(&reply.body).contains(&token), "{place}: shows the token");
        stage.check(&operation, &reply, &place);
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
    assert_eq!(stage.rows(), before, "a token has written");
    let thread: Value = stage.api.get(&format!("{THREADS}/t")).key(&token).send().await.ok();
    assert_eq!(thread["name"], "t");
}
