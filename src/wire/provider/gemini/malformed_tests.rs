//! Replies and streams that are not what the API documents, and replies that are.

use proptest::prelude::*;

use super::*;
use crate::domain::message::{AssistantPart, ChatReply, Choice, Event, Finish, ToolCall, Usage};
use crate::domain::provider::Wire;
use crate::wire::provider::fixtures::{as_reported, read, steady};
use crate::wire::provider::{DecodeError, Renamed};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/gemini/", $name))
    };
}

fn stream(text: impl AsRef<[u8]>) -> (Vec<Event>, Result<(), DecodeError>) {
    steady(Wire::Gemini, text.as_ref())
}

/// As [`stream`], uncut: for many and long streams.
fn stream_at_once(text: impl AsRef<[u8]>) -> (Vec<Event>, Result<(), DecodeError>) {
    read(Wire::Gemini, &[text.as_ref()])
}

fn is_malformed<T: std::fmt::Debug>(result: Result<T, DecodeError>) {
    assert!(matches!(result, Err(DecodeError::Malformed(_))), "{result:?}");
}

fn decoded(body: &str) -> ChatReply {
    crate::wire::provider::decode(Wire::Gemini, &Renamed::default(), body.as_bytes()).unwrap()
}

fn overloaded() -> (String, u16, Option<Usage>) {
    ("The model is overloaded. Please try again later.".into(), 503, None)
}

#[test]
fn a_whole_reply_is_read() {
    let parts = vec![AssistantPart::reasoning("The answer, in short."), AssistantPart::text("Hello, world.")];
    let choice = Choice { parts, ..Choice::default() };
    let usage = Usage {
        input_tokens: 2060 + 100,
        cached_input_tokens: 2048,
        cache_write_tokens: 0,
        output_tokens: 6 + 12,
        reasoning_tokens: 12,
        hour_write_tokens: 0,
        audio_input_tokens: 0,
    };
    assert_eq!(
        decoded(fixture!("text.json")),
        ChatReply { choices: vec![choice], usage: Some(usage), ..ChatReply::default() }
    );
}

#[test]
fn a_whole_reply_with_calls_keeps_their_identifiers_and_signatures() {
    let choice = &decoded(fixture!("tools.json")).choices[0];
    assert_eq!(choice.finish, Finish::ToolCalls);
    let calls: Vec<_> = choice.calls().cloned().collect();
    assert_eq!((calls[0].id.as_str(), calls[0].signature()), ("8f2b1a3c", Some("Eqo+Cqc+Ab4/9vtgONaaz6o=")));
    let arguments: serde_json::Value = serde_json::from_str(&calls[0].arguments).unwrap();
    assert_eq!(arguments, serde_json::json!({"city": "Köln"}));
    let second = ToolCall::new("9a3c4d5e", "get_time", "{}");
    assert_eq!(calls[1..], [second]);
}

#[test]
fn a_blocked_prompt_is_a_reply_with_one_filtered_choice() {
    let choice = Choice { finish: Finish::ContentFilter, ..Choice::default() };
    let usage = Usage { input_tokens: 7, ..Usage::default() };
    let reply = ChatReply { choices: vec![choice], usage: Some(usage), ..ChatReply::default() };
    assert_eq!(decoded(fixture!("blocked.json")), reply);
}

#[test]
fn an_error_in_place_of_a_reply_is_reported() {
    assert_eq!(as_reported(decode(fixture!("overloaded.json").as_bytes())), overloaded());
}

#[test]
fn an_error_within_a_stream_comes_after_what_was_said() {
    let (events, end) = stream(fixture!("overloaded.sse"));
    let early = Usage { input_tokens: 9, output_tokens: 1, ..Usage::default() };
    assert_eq!(events, [Event::Text { choice: 0, delta: "Well".into() }, Event::Usage(early)]);
    assert_eq!(as_reported(end), overloaded());
}

#[test]
fn an_error_has_the_status_that_it_names() {
    for (error, status) in [
        ("\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"", 429),
        ("\"status\":\"UNAVAILABLE\"", 503),
        ("\"code\":500", 500),
        ("\"code\":400,\"status\":\"INVALID_ARGUMENT\"", 400),
        ("\"status\":\"PERMISSION_DENIED\"", 403),
    ] {
        let (_, end) = stream(format!("data: {{\"error\":{{{error},\"message\":\"m\"}}}}\n\n"));
        assert_eq!(as_reported(end), ("m".into(), status, None), "{error}");
    }
}

#[test]
fn an_answer_that_the_server_broke_off_is_an_error_and_one_that_said_nothing_is_free() {
    let answer = |parts: &str| {
        format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"ERROR"}}]}}"#)
    };
    assert_eq!(as_reported(decode(answer("").as_bytes())).1, 502);
    assert_eq!(as_reported(stream(format!("data: {}\n\n", answer(""))).1).1, 502);
    is_malformed(decode(answer(r#"{"text":"a"}"#).as_bytes()));
}

#[test]
fn replies_that_are_no_responses_are_malformed() {
    for body in
        ["", "<html>502 Bad Gateway</html>", "null", "[]", "{}", "{\"candidates\":[]}", "{\"candidates\":7}"]
    {
        is_malformed(decode(body.as_bytes()));
    }
    is_malformed(decode(b"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\xff\"}]}}]}"));
    let whole = fixture!("text.json").trim_end();
    for at in 0..whole.len() {
        is_malformed(decode(&whole.as_bytes()[..at]));
    }
}

#[test]
fn streams_that_are_no_responses_are_malformed() {
    for text in
        ["", "<html>502 Bad Gateway</html>", "data: {\"candidates\":\n\n", "data: [DONE]\n\n", "data: {}\n\n"]
    {
        is_malformed(stream(text).1);
    }
    is_malformed(stream(b"data: {\"responseId\":\"\xff\"}\n\n").1);
}

#[test]
fn a_stream_cut_before_its_finish_reason_has_no_count_beside_its_first() {
    let whole = fixture!("text.sse");
    let (events, end) = stream(&whole[..whole.rfind("data:").unwrap()]);
    is_malformed(end);
    let counts: Vec<usize> = (0..events.len()).filter(|n| matches!(events[*n], Event::Usage(_))).collect();
    assert_eq!(counts, [1], "right after the first words: {events:?}");
}

#[test]
fn a_stream_in_which_one_of_two_candidates_is_cut_is_malformed() {
    let frame = r#"data: {"candidates":[{"index":0,"finishReason":"STOP"},{"index":1}],"usageMetadata":{"promptTokenCount":1}}"#;
    let (events, end) = stream(format!("{frame}\n\n"));
    is_malformed(end);
    assert_eq!(events.len(), 2, "the end of one, and the first count: {events:?}");
}

#[test]
fn usage_that_was_not_counted_is_none() {
    for usage in ["{}", "null", "{\"candidatesTokenCount\":5}"] {
        let body = format!("{{\"candidates\":[{{\"finishReason\":\"STOP\"}}],\"usageMetadata\":{usage}}}");
        assert_eq!(decoded(&body).usage, None, "{usage}");
    }
    let (events, end) = stream("data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n");
    assert_eq!((events.len(), end), (1, Ok(())));
}

#[test]
fn counts_at_the_edge_of_numbers_do_not_overflow() {
    let max = u64::MAX;
    let usage = format!(
        "{{\"promptTokenCount\":{max},\"toolUsePromptTokenCount\":{max},\"candidatesTokenCount\":{max},\"thoughtsTokenCount\":{max}}}"
    );
    let body = format!("{{\"candidates\":[{{\"finishReason\":\"STOP\"}}],\"usageMetadata\":{usage}}}");
    let usage = decoded(&body).usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (max, max));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        let _ = stream_at_once(&bytes);
    }

    #[test]
    fn no_edit_of_a_stream_panics(at in any::<prop::sample::Index>(), cut in 0..20_usize, text in "\\PC{0,12}") {
        let mut bytes = fixture!("tools.sse").as_bytes().to_vec();
        let start = at.index(bytes.len());
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, text.into_bytes());
        let _ = stream_at_once(&bytes);
    }

    #[test]
    fn no_edit_of_a_reply_panics(at in any::<prop::sample::Index>(), cut in 0..20_usize, text in "\\PC{0,12}") {
        let mut bytes = fixture!("tools.json").as_bytes().to_vec();
        let start = at.index(bytes.len());
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, text.into_bytes());
        let _ = decode(&bytes);
    }

    #[test]
    fn no_response_of_any_shape_panics(
        field in prop::sample::select(vec!["candidates", "promptFeedback", "usageMetadata", "responseId", "error"]),
        value in prop::sample::select(vec!["null", "0", "\"x\"", "[]", "{}", "[{}]", "[{\"index\":-1}]",
            "[{\"index\":4294967295,\"finishReason\":\"STOP\"}]", "[{\"content\":{\"parts\":[{\"functionCall\":{}}]}}]",
            "[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":null}}]}}]"]),
    ) {
        let body = format!("{{\"{field}\":{value}}}");
        let _ = decode(body.as_bytes());
        let _ = stream_at_once(format!("data: {body}\n\n"));
    }
}
