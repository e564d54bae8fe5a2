//! Responses over a WebSocket: one message asks, the events of its answer follow, one response after another.
//!
//! Source: Open Responses, specification of 2026-04-24, "WebSocket Transport".
//!
//! The connection remembers all that was said until its last response, so that one that is kept nowhere can be gone on from.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::json;
use crate::wire::to_json;

/// The events that end a response.
const ENDS: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];

type Fields = BTreeMap<String, Box<RawValue>>;
type Items = Vec<Box<RawValue>>;

/// What one connection remembers.
#[derive(Debug)]
pub struct Turns {
    /// The most bytes of what was said that are remembered, and of a message.
    most: usize,
    last: Option<Last>,
}

/// A response, and all that was said until its end.
#[derive(Debug)]
struct Last {
    response: String,
    is_kept: bool,
    said: Items,
}

/// A response that is asked for.
#[derive(Debug)]
pub struct Turn {
    /// The request that asks for it as a stream of events.
    pub body: Vec<u8>,
    /// The response of this connection from which it goes on.
    follows: Option<String>,
    is_kept: bool,
    /// All that was said until now, as far as the request has it.
    said: Option<Items>,
    has_ended: bool,
}

/// A message that asks for nothing that can be answered.
#[derive(Debug, PartialEq)]
pub struct Fault {
    pub status: u16,
    pub code: &'static str,
    pub param: Option<&'static str>,
    pub message: String,
}

impl Fault {
    fn at(param: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code: "validation_failed", param: Some(param), message: message.into() }
    }

    fn of(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, param: None, message: message.into() }
    }

    /// The connection is as old as one may be.
    pub fn too_old() -> Self {
        let words = "A connection is open for at most 60 minutes: open another one.";
        Self::of("websocket_connection_limit_reached", words)
    }

    /// The answer ended before the response did.
    pub fn broken_off() -> Self {
        Self { status: 502, ..Self::of("upstream_error", "The answer broke off.") }
    }

    /// As an event.
    pub fn event(&self) -> String {
        let Self { status, code, param, message } = self;
        let error =
            json!({ "type": "invalid_request_error", "code": code, "message": message, "param": param });
        json!({ "type": "error", "status": status, "error": error }).to_string()
    }
}

/// What a refused request was answered with, as an event.
pub fn refused(status: u16, body: &[u8]) -> String {
    let mut error = match serde_json::from_slice::<Value>(body) {
        Ok(mut body) => body["error"].take(),
        Err(_) => Value::Null,
    };
    if !error["code"].is_string() {
        error["code"] = match error["type"].as_str() {
            Some(kind) => json!(kind),
            None => json!("error"),
        };
    }
    if !error["message"].is_string() {
        error["message"] = json!("The request was refused.");
    }
    json!({ "type": "error", "status": status, "error": error }).to_string()
}

impl Turns {
    pub const fn new(most: usize) -> Self {
        Self { most, last: None }
    }

    /// Reads a message. A response of this connection from which it goes on is remembered no longer once it is asked for, unless that
    /// succeeds.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn ask(&mut self, message: &str) -> Result<Turn, Fault> {
        if message.len() > self.most {
            let words = format!("A message has at most {} bytes.", self.most);
            return Err(Fault { status: 413, ..Fault::of("payload_too_large", words) });
        }
        if !json::has_few_values(message.as_bytes()) {
            let words = format!("A message has at most {} values.", json::MAX_VALUES);
            return Err(Fault::of("invalid_request", words));
        }
        let fields = serde_json::from_str::<Fields>(message);
        let mut fields = fields.map_err(|_| Fault::of("invalid_request", "A message is one JSON object."))?;
        let kind = fields.remove("type");
        if kind.as_deref().and_then(text).as_deref() != Some("response.create") {
            return Err(Fault::at("type", "write `response.create`"));
        }
        check(&fields)?;
        fields.insert("stream".to_owned(), raw(&true));
        let is_kept = fields.get("store").is_none_or(|store| store.get() != "false");
        let follows = fields.get("previous_response_id").and_then(|id| text(id));
        let said = items(fields.get("input").map(AsRef::as_ref))?;
        let turn = |fields: &Fields, follows, said| Turn {
            body: to_json(fields),
            follows,
            is_kept,
            said,
            has_ended: false,
        };
        let Some(follows) = follows else { return Ok(turn(&fields, None, Some(said))) };
        match self.last.take_if(|last| last.response == follows) {
            Some(last) if !(is_kept && last.is_kept) => {
                let all: Items = last.said.into_iter().chain(said).collect();
                fields.remove("previous_response_id");
                fields.insert("input".to_owned(), raw(&all));
                Ok(turn(&fields, Some(follows), Some(all)))
            }
            _ if !is_kept => {
                let message = format!("Previous response with id '{follows:.80}' not found.");
                Err(Fault {
                    code: "previous_response_not_found",
                    ..Fault::at("previous_response_id", message)
                })
            }
            // Its thread knows what was said.
            last => {
                let all = last.map(|last| last.said.into_iter().chain(said).collect());
                Ok(turn(&fields, None, all))
            }
        }
    }

    /// Takes an event of the answer; what the client is sent of it.
    pub fn hear(&mut self, turn: &mut Turn, kind: &str, data: &str) -> String {
        let is_end = ENDS.contains(&kind);
        if !is_end && (turn.follows.is_none() || !data.contains("\"previous_response_id\"")) {
            return data.to_owned();
        }
        let Ok(mut event) = serde_json::from_str::<Value>(data) else { return data.to_owned() };
        let response = &mut event["response"];
        if let Some(follows) = turn.follows.as_ref().filter(|_| response.is_object()) {
            response["previous_response_id"] = json!(follows);
        }
        if is_end {
            turn.has_ended = true;
            if kind != "response.failed" {
                self.remember(turn, response);
            }
        }
        if turn.follows.is_some() { event.to_string() } else { data.to_owned() }
    }

    fn remember(&mut self, turn: &mut Turn, response: &Value) {
        self.last = None;
        let (Some(id), Some(mut said)) = (response["id"].as_str(), turn.said.take()) else { return };
        said.extend(response["output"].as_array().into_iter().flatten().map(raw));
        let bytes: usize = said.iter().map(|item| item.get().len()).sum();
        if bytes <= self.most {
            self.last = Some(Last { response: id.to_owned(), is_kept: turn.is_kept, said });
        }
    }
}

impl Turn {
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }
}

/// What means nothing on a connection, or something else.
fn check(fields: &Fields) -> Result<(), Fault> {
    let is_set = |field: &str, harmless: &str| {
        fields.get(field).is_some_and(|value| value.get() != "null" && value.get() != harmless)
    };
    if is_set("background", "false") {
        return Err(Fault::at("background", "is not taken over a WebSocket: POST the request"));
    }
    if is_set("stream", "true") {
        return Err(Fault::at("stream", "is not taken over a WebSocket: every answer is a stream of events"));
    }
    if is_set("generate", "true") {
        return Err(Fault::at("generate", "is not taken: every message is answered by the model"));
    }
    Ok(())
}

/// An `input` as items.
fn items(input: Option<&RawValue>) -> Result<Items, Fault> {
    let Some(input) = input.filter(|input| input.get() != "null") else { return Ok(Vec::new()) };
    match text(input) {
        Some(text) => Ok(vec![raw(&json!({ "type": "message", "role": "user", "content": text }))]),
        None => {
            serde_json::from_str(input.get()).map_err(|_| Fault::at("input", "is a text or a list of items"))
        }
    }
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

fn raw(value: &(impl Serialize + ?Sized)) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(turn: &Turn) -> Value {
        serde_json::from_slice(&turn.body).unwrap()
    }

    fn ends(turns: &mut Turns, turn: &mut Turn, id: &str, kind: &str) -> Value {
        let output = json!([{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "OK"}]}]);
        let response = json!({"id": id, "previous_response_id": null, "output": output});
        let event = json!({"type": kind, "response": response}).to_string();
        serde_json::from_str(&turns.hear(turn, kind, &event)).unwrap()
    }

    fn create(more: &Value) -> String {
        let mut message = json!({"type": "response.create", "model": "m", "store": false});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message.to_string()
    }

    #[test]
    fn what_was_said_goes_along_where_nothing_is_kept() {
        let mut turns = Turns::new(10_000);
        let mut first = turns.ask(&create(&json!({"input": "One"}))).unwrap();
        assert_eq!(asked(&first), json!({"model": "m", "store": false, "input": "One", "stream": true}));
        ends(&mut turns, &mut first, "resp_1", "response.completed");
        assert!(first.has_ended());

        let follow =
            create(&json!({"input": [{"role": "user", "content": "Two"}], "previous_response_id": "resp_1"}));
        let mut second = turns.ask(&follow).unwrap();
        let body = asked(&second);
        assert_eq!(body.get("previous_response_id"), None);
        let input = body["input"].as_array().unwrap();
        assert_eq!((&input[0]["content"], &input[2]["content"]), (&json!("One"), &json!("Two")));
        assert_eq!(input[1]["role"], "assistant");
        let event = ends(&mut turns, &mut second, "resp_2", "response.completed");
        assert_eq!(event["response"]["previous_response_id"], "resp_1");

        // Only the last one is remembered.
        assert_eq!(turns.ask(&follow).unwrap_err().code, "previous_response_not_found");
    }

    #[test]
    fn what_could_not_be_gone_on_from_is_forgotten() {
        for ending in ["response.failed", ""] {
            let mut turns = Turns::new(10_000);
            let mut first = turns.ask(&create(&json!({"input": "One"}))).unwrap();
            ends(&mut turns, &mut first, "resp_1", "response.completed");
            let follow = create(&json!({"input": "Two", "previous_response_id": "resp_1"}));
            let mut second = turns.ask(&follow).unwrap();
            if !ending.is_empty() {
                ends(&mut turns, &mut second, "resp_2", ending);
            }
            assert_eq!(turns.ask(&follow).unwrap_err().code, "previous_response_not_found");
        }
    }

    #[test]
    fn a_response_that_is_kept_is_gone_on_from_on_its_thread() {
        let mut turns = Turns::new(10_000);
        let kept = |more: &Value| create(more).replace("\"store\":false,", "");
        let mut first = turns.ask(&kept(&json!({"input": "One"}))).unwrap();
        ends(&mut turns, &mut first, "resp_1", "response.completed");
        let follow = kept(&json!({"input": "Two", "previous_response_id": "resp_1"}));
        let mut second = turns.ask(&follow).unwrap();
        assert_eq!(asked(&second)["previous_response_id"], "resp_1");
        ends(&mut turns, &mut second, "resp_2", "response.completed");
        // From there also without being kept, since all of it was said here.
        let third = turns.ask(&create(&json!({"input": "Three", "previous_response_id": "resp_2"}))).unwrap();
        assert_eq!(asked(&third)["input"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn what_is_too_long_is_not_remembered() {
        let mut turns = Turns::new(120);
        let mut first = turns.ask(&create(&json!({"input": "a fairly long text"}))).unwrap();
        ends(&mut turns, &mut first, "resp_1", "response.completed");
        let follow = create(&json!({"previous_response_id": "resp_1"}));
        assert_eq!(turns.ask(&follow).unwrap_err().code, "previous_response_not_found");
        assert_eq!(turns.ask(&"x".repeat(121)).unwrap_err().status, 413);
    }

    #[test]
    fn what_asks_for_nothing_is_refused_by_name() {
        let mut turns = Turns::new(1_000_000);
        for (message, param) in [
            ("[]".to_owned(), None),
            ("{\"type\": \"response.cancel\"}".to_owned(), Some("type")),
            (create(&json!({"background": true})), Some("background")),
            (create(&json!({"stream": false})), Some("stream")),
            (create(&json!({"generate": false})), Some("generate")),
            (create(&json!({"input": {"role": "user"}})), Some("input")),
            (create(&json!({"input": 7})), Some("input")),
            (create(&json!({"input": vec![0; 200_001]})), None),
        ] {
            let fault = turns.ask(&message).unwrap_err();
            assert_eq!((fault.param, fault.status), (param, 400), "{message}");
        }
        let event: Value =
            serde_json::from_str(&refused(402, br#"{"error":{"message":"No.","type":"x","code":null}}"#))
                .unwrap();
        assert_eq!(
            event,
            json!({"type": "error", "status": 402, "error": {"message": "No.", "type": "x", "code": "x"}})
        );
    }
}
