use serde_json::{Value, json};

use super::*;
use crate::domain::message::{AssistantPart, Choice, Finish};
use crate::domain::time::Millis;

fn done<'a>(message: &'a str, usage: &'a Usage) -> Done<'a> {
    Done {
        message,
        output: None,
        finish_reason: None,
        usage,
        cost_usd: Nanos::new(150_000),
        model: Some("openai:gpt-4.1-mini"),
        agent: "helper",
        agent_version: 3,
        call_id: Some(CallId::new(Millis(1_763_715_605_000), [7; 10])),
        thread_id: None,
        run_id: None,
        tool_calls: &[],
        annotations: &[],
        cached: false,
        warnings: &[],
    }
}

const USAGE: Usage = Usage {
    input_tokens: 10,
    cached_input_tokens: 4,
    cache_write_tokens: 0,
    output_tokens: 7,
    reasoning_tokens: 3,
    hour_write_tokens: 0,
    audio_input_tokens: 0,
};

fn expected(message: &str) -> Value {
    json!({
        "message": message,
        "usage": {
            "input_tokens": 10, "cached_input_tokens": 4, "cache_write_tokens": 0, "output_tokens": 7,
            "reasoning_tokens": 3,
        },
        "cost_usd": "0.000150",
        "model": "openai:gpt-4.1-mini",
        "agent": "helper",
        "agent_version": 3,
        "call_id": CallId::new(Millis(1_763_715_605_000), [7; 10]).to_string(),
    })
}

#[test]
fn an_answer_says_what_it_cost() {
    let body: Value = serde_json::from_slice(&done("Hi", &USAGE).to_json()).unwrap();
    assert_eq!(body, expected("Hi"));
}

#[test]
fn a_stream_is_told_in_deltas_and_ends_with_the_whole() {
    let text = |choice, delta: &str| Event::Text { choice, delta: delta.to_owned() };
    let reasoning = Event::Reasoning { choice: 0, delta: "hm".into() };
    let finish = Event::Finish { choice: 0, reason: Finish::Stop };
    let refusal = Event::Refusal { choice: 0, delta: " No.".into() };
    let mut encoder = StreamEncoder::default();
    let mut out = Vec::new();
    for event in [reasoning, text(0, "H\ni"), text(1, "other"), refusal, finish, Event::Usage(USAGE)] {
        encoder.event(&event, &mut out);
    }
    StreamEncoder::done(&done(encoder.text(), &USAGE), &mut out);
    let mut frames = Vec::new();
    let read = sse::Decoder::default().feed(&out, &mut |frame| {
        frames.push((frame.event.to_owned(), serde_json::from_str::<Value>(frame.data).unwrap()));
        Ok(())
    });
    assert_eq!(read, Ok(()));
    let delta = |text| ("delta".to_owned(), json!({"text": text}));
    assert_eq!(frames, [delta("H\ni"), delta(" No."), ("done".to_owned(), expected("H\ni No."))]);
}

#[test]
fn an_error_is_a_problem_document() {
    let mut out = Vec::new();
    StreamEncoder::error(b"{\"type\":\"upstream_error\"}", &mut out);
    assert_eq!(out, b"event: error\ndata: {\"type\":\"upstream_error\"}\n\n");
}

#[test]
fn the_text_of_an_answer_is_what_was_said_or_refused() {
    let reply = |parts: &[AssistantPart]| ChatReply {
        choices: vec![Choice { parts: parts.to_vec(), ..Choice::default() }],
        ..ChatReply::default()
    };
    let refusal = AssistantPart::Refusal("No.".into());
    let said = [AssistantPart::text("a"), refusal.clone(), AssistantPart::text("b")];
    assert_eq!(Done::text_of(&reply(&said)), "ab");
    assert_eq!(Done::text_of(&reply(&[refusal])), "No.");
    assert_eq!(Done::text_of(&reply(&[])), "");
}

#[test]
fn an_answer_names_what_was_not_done_as_asked() {
    let warnings = [Warning::not_taken("top_k")];
    let body: Value =
        serde_json::from_slice(&Done { warnings: &warnings, ..done("Hi", &USAGE) }.to_json()).unwrap();
    assert_eq!(
        body["warnings"],
        json!([{"field": "top_k", "code": "not_taken",
            "message": "`top_k` is not taken by the model that answered, and was left out"}])
    );
}
