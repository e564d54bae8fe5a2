//! OpenAI's Responses over a WebSocket.

use std::cell::RefCell;
use std::future::{pending, ready};

use axum::http::{Method, StatusCode};
use retinue::face::Upgrade;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::stage::Stage;
use crate::support::native_only;
use crate::threads::{says, sent};

const V1: &str = "/accounts/acme/agents/triage/v1/responses";

/// A message, made of how those before it have ended.
type Message = Box<dyn Fn(&[Value]) -> Value>;

fn connect(stage: &Stage) -> Ask<'_> {
    let asked = stage.request(Method::GET, V1).in_openais_shape().header("upgrade", "websocket");
    asked.key(&stage.acme.caller)
}

fn create(more: &Value) -> Value {
    let mut message = json!({"type": "response.create", "model": "triage", "input": "Hi"});
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

/// What is heard over a connection on which one message after another is made of the ends until then. It is too old at once where
/// nothing more is said.
async fn converse(stage: &Stage, messages: Vec<Message>) -> Vec<Value> {
    let opened = connect(stage).open().await;
    assert_eq!(opened.status(), StatusCode::SWITCHING_PROTOCOLS);
    let upgrade = opened.extensions().get::<Upgrade>().unwrap().clone();
    let (heard, mut messages) = (RefCell::new(Vec::<Value>::new()), messages.into_iter());
    let ends = || heard.borrow().iter().filter(|event| is_end(event)).cloned().collect::<Vec<_>>();
    let next = async || messages.next().map(|message| message(&ends()).to_string());
    let send = |message: String| heard.borrow_mut().push(serde_json::from_str(&message).unwrap());
    upgrade.converse(next, send, async |request| stage.isolate.send(request).await, pending()).await;
    heard.into_inner()
}

fn is_end(event: &Value) -> bool {
    let ends = ["response.completed", "response.incomplete", "response.failed", "error"];
    ends.contains(&event["type"].as_str().unwrap())
}

#[tokio::test]
async fn responses_follow_each_other_and_go_on_from_each_other() {
    native_only!("the tests' client opens no WebSockets: scripts/test conformance does");
    for store in [true, false] {
        let stage = Stage::new().await;
        stage.then(says("One."));
        stage.then(says("Two."));
        let follow = move |ends: &[Value]| {
            let previous = &ends[0]["response"]["id"];
            create(&json!({"input": "And?", "previous_response_id": previous, "store": store}))
        };
        let heard = converse(
            &stage,
            vec![Box::new(move |_: &[Value]| create(&json!({"store": store}))), Box::new(follow)],
        )
        .await;
        let types: Vec<&str> = heard.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!((types[0], types[1]), ("response.created", "response.in_progress"));
        let ends: Vec<&Value> = heard.iter().filter(|event| is_end(event)).collect();
        let [first, second] = ends[..] else { panic!("{ends:?}") };
        assert_eq!(first["response"]["output"][0]["content"][0]["text"], "One.");
        assert_eq!(second["response"]["output"][0]["content"][0]["text"], "Two.");
        assert_eq!(second["response"]["previous_response_id"], first["response"]["id"]);
        assert_eq!(second["response"]["store"], store);
        let asked = stage.take_asked();
        assert_eq!(sent(&asked[1]), ["user: Hi", "assistant: One.", "user: And?"]);
        assert_eq!(stage.books("triage").await.ledger.len(), 2);
    }
}

#[tokio::test]
async fn refusals_are_events_and_the_connection_goes_on() {
    native_only!("the tests' client opens no WebSockets: scripts/test conformance does");
    let stage = Stage::new().await;
    stage.then(says("Still here."));
    let unknown = json!({"store": false, "previous_response_id": "resp_1"});
    let asked: Vec<Value> = vec![
        create(&unknown),
        create(&json!({"previous_response_id": "resp_1"})),
        create(&json!({"temperature": 9})),
        create(&json!({"background": true})),
        create(&json!({})),
    ];
    let boxed = |message: Value| -> Message { Box::new(move |_| message.clone()) };
    let heard = converse(&stage, asked.into_iter().map(boxed).collect()).await;
    let faults: Vec<&Value> = heard.iter().filter(|event| event["type"] == "error").collect();
    assert_eq!(faults.len(), 4, "{faults:?}");
    for fault in &faults {
        assert_eq!(fault["status"], 400, "{fault}");
        assert!(fault["error"]["code"].is_string() && fault["error"]["message"].is_string(), "{fault}");
    }
    for fault in &faults[..2] {
        assert_eq!(fault["error"]["code"], "previous_response_not_found");
        assert_eq!(fault["error"]["param"], "previous_response_id");
    }
    assert_eq!(faults[2]["error"]["param"], "temperature");
    assert_eq!(heard.last().unwrap()["type"], "response.completed");
}

#[tokio::test]
async fn a_connection_ends_when_it_is_too_old() {
    native_only!("the tests' client opens no WebSockets: scripts/test conformance does");
    let stage = Stage::new().await;
    let opened = connect(&stage).open().await;
    let upgrade = opened.extensions().get::<Upgrade>().unwrap().clone();
    let heard = RefCell::new(Vec::<Value>::new());
    let send = |message: String| heard.borrow_mut().push(serde_json::from_str(&message).unwrap());
    let answer = async |request| stage.isolate.send(request).await;
    upgrade.converse(async || pending().await, send, answer, ready(())).await;
    assert_eq!(heard.borrow()[0]["error"]["code"], "websocket_connection_limit_reached");
}

#[tokio::test]
async fn who_may_not_call_opens_none() {
    native_only!("the tests' client opens no WebSockets: scripts/test conformance does");
    let stage = Stage::new().await;
    assert_eq!(connect(&stage).key("retinue_nobodys").send().await.status, 401);
    assert_eq!(connect(&stage).header("upgrade", "h2c").send().await.status, 405);
    let keyed = connect(&stage).header("idempotency-key", "k").send().await;
    assert_eq!(keyed.status, 400, "{}", keyed.text());
}
