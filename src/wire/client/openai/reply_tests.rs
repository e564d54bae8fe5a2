use serde_json::{Value, json};

use super::super::{ErrorBody, ErrorKind};
use super::*;
use crate::domain::message::Citation;
use crate::wire::provider::openai;

const ENVELOPE: Envelope<'_> =
    Envelope { id: "chatcmpl-1", created_s: 1_763_715_605, model: "helper", warnings: &[], cached: false };

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn a_reply_has_openais_shape() {
    let usage = Usage {
        input_tokens: 10,
        cached_input_tokens: 4,
        cache_write_tokens: 1,
        output_tokens: 7,
        reasoning_tokens: 3,
        hour_write_tokens: 0,
        audio_input_tokens: 0,
    };
    let choice = Choice { parts: vec![AssistantPart::text("Hi \"there\"\n")], ..Choice::default() };
    let chat = ChatReply { choices: vec![choice], ..ChatReply::default() };
    let expected = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_763_715_605, "model": "helper",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "Hi \"there\"\n", "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 3}, "cost_usd": "0.000150",
        },
    });
    assert_eq!(value(&reply(&ENVELOPE, &chat, &usage, Nanos::new(150_000))), expected);
}

#[test]
fn a_citation_of_a_place_that_is_not_known_marks_no_words() {
    let place = |start, end| {
        let citation =
            Citation { url: Some("https://a.example.com".into()), start, end, ..Citation::default() };
        let body = serde_json::to_value(AnnotationBody::of(&citation).unwrap()).unwrap();
        let place = |name: &str| body["url_citation"][name].as_u64();
        (place("start_index"), place("end_index"))
    };
    assert_eq!(place(Some(3), Some(9)), (Some(3), Some(9)));
    for (start, end) in [(None, None), (Some(3), None), (None, Some(9)), (Some(9), Some(3))] {
        assert_eq!(place(start, end), (Some(0), Some(0)), "clients insist on both numbers");
    }
}

#[test]
fn what_a_provider_said_a_client_reads() {
    let call = |id: &str| AssistantPart::ToolCall(ToolCall::new(id, "f", "{\"x\": 1"));
    let choice = |parts, finish| Choice { parts, finish, logprobs: None };
    let usage = Usage { input_tokens: 10, output_tokens: 7, reasoning_tokens: 3, ..Usage::default() };
    let chat = ChatReply {
        choices: vec![
            choice(vec![call("a"), call("b")], Finish::ToolCalls),
            choice(vec![AssistantPart::reasoning("hm"), AssistantPart::text("é")], Finish::Length),
            choice(vec![AssistantPart::Refusal("No.".into())], Finish::ContentFilter),
        ],
        usage: Some(usage),
        ..ChatReply::default()
    };
    assert_eq!(openai::decode(&reply(&ENVELOPE, &chat, &usage, Nanos::new(150_000))), Ok(chat));
}

#[test]
fn models_are_listed() {
    let list = models_list(&[Model { id: "helper", created_s: 7, owned_by: "demo" }], false);
    let expected = json!({"object": "list", "data": [
        {"id": "helper", "object": "model", "created": 7, "owned_by": "demo"},
    ]});
    assert_eq!(value(&list), expected);
}

#[test]
fn errors_have_openais_shape() {
    let error = ErrorBody {
        message: "the budget is used up",
        kind: ErrorKind::InsufficientQuota,
        param: None,
        code: Some("budget_exceeded"),
    };
    let expected = json!({"error": {
        "message": "the budget is used up", "type": "insufficient_quota", "param": null, "code": "budget_exceeded",
    }});
    assert_eq!(value(&error.to_json()), expected);
}
