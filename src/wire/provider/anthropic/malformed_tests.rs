//! Replies and streams that are not what the API documents, and replies that are.

use proptest::prelude::*;

use super::*;
use crate::domain::message::{AssistantPart, ChatReply, Choice, Event, Finish, ToolCall, Usage};
use crate::domain::provider::Wire;
use crate::wire::provider::DecodeError;
use crate::wire::provider::fixtures::{as_reported, read, steady};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/anthropic/", $name))
    };
}

fn stream(text: impl AsRef<[u8]>) -> (Vec<Event>, Result<(), DecodeError>) {
    steady(Wire::Anthropic, text.as_ref())
}

/// As [`stream`], uncut: for many and long streams.
fn stream_at_once(text: impl AsRef<[u8]>) -> (Vec<Event>, Result<(), DecodeError>) {
    read(Wire::Anthropic, &[text.as_ref()])
}

fn is_malformed<T: std::fmt::Debug>(result: Result<T, DecodeError>) {
    assert!(matches!(result, Err(DecodeError::Malformed(_))), "{result:?}");
}

fn decoded(body: &str) -> ChatReply {
    decode(body.as_bytes()).unwrap()
}

#[test]
fn a_whole_reply_is_read() {
    let parts = vec![AssistantPart::text("Hello"), AssistantPart::text(", world.")];
    let expected = Choice { parts, ..Choice::default() };
    let usage = Usage {
        input_tokens: 12 + 1000 + 30,
        cached_input_tokens: 1000,
        cache_write_tokens: 30,
        output_tokens: 6,
        reasoning_tokens: 0,
        hour_write_tokens: 0,
        audio_input_tokens: 0,
    };
    assert_eq!(
        decoded(fixture!("text.json")),
        ChatReply { choices: vec![expected], usage: Some(usage), ..ChatReply::default() }
    );
}

#[test]
fn a_whole_reply_with_thinking_and_tools_is_read() {
    let reply = decoded(fixture!("tools.json"));
    let choice = &reply.choices[0];
    assert_eq!(choice.reasoning().as_deref(), Some("They want the weather."));
    assert_eq!(choice.finish, Finish::ToolCalls);
    let calls: Vec<_> = choice.calls().cloned().collect();
    let input: serde_json::Value = serde_json::from_str(&calls[0].arguments).unwrap();
    assert_eq!(input, serde_json::json!({"city": "Köln", "days": [1, 2]}));
    let second = ToolCall::new("toolu_02", "get_time", "{}");
    assert_eq!(calls[1..], [second]);
    assert_eq!(reply.usage.unwrap().reasoning_tokens, 60);
}

#[test]
fn a_refused_reply_has_no_text_and_says_so() {
    let choice = &decoded(fixture!("refusal.json")).choices[0];
    assert_eq!((choice.text().as_deref(), choice.finish), (None, Finish::ContentFilter));
}

#[test]
fn an_error_in_place_of_a_reply_is_reported() {
    let expected = ("Overloaded".into(), 503, None);
    assert_eq!(as_reported(decode(fixture!("overloaded.json").as_bytes())), expected);
}

#[test]
fn an_error_within_a_stream_comes_after_what_was_said() {
    let (events, end) = stream(fixture!("overloaded.sse"));
    assert_eq!(events, [Event::Text { choice: 0, delta: "Well".into() }]);
    assert_eq!(as_reported(end), ("Overloaded".into(), 503, None));
}

#[test]
fn an_error_has_the_status_that_it_names() {
    for (kind, status) in [
        ("overloaded_error", 503),
        ("api_error", 502),
        ("rate_limit_error", 429),
        ("timeout_error", 504),
        ("invalid_request_error", 400),
        ("request_too_large", 413),
        ("not_found_error", 404),
        ("authentication_error", 401),
        ("billing_error", 402),
    ] {
        let body =
            format!("data: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"m\"}}}}\n\n");
        assert_eq!(as_reported(stream(body).1), ("m".into(), status, None), "{kind}");
    }
}

#[test]
fn an_answer_that_the_server_broke_off_is_an_error_and_one_that_said_nothing_is_free() {
    let answer = |content: &str| format!(r#"{{"content":[{content}],"stop_reason":"error"}}"#);
    assert_eq!(as_reported(decode(answer("").as_bytes())).1, 502);
    is_malformed(decode(answer(r#"{"type":"text","text":"a"}"#).as_bytes()));
    let end = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"error\"}}\n\n";
    assert_eq!(as_reported(stream(end).1).1, 502);
}

#[test]
fn replies_that_are_no_messages_are_malformed() {
    for body in
        ["", "<html>502 Bad Gateway</html>", "null", "[]", "{}", "{\"content\":7}", "{\"content\":[{}]}"]
    {
        is_malformed(decode(body.as_bytes()));
    }
    is_malformed(decode(b"{\"content\":[{\"type\":\"tool_use\",\"name\":\"f\"}]}"));
    is_malformed(decode(b"{\"content\":[{\"type\":\"text\",\"text\":\"\xff\"}]}"));
    let whole = fixture!("text.json").trim_end();
    for at in 0..whole.len() {
        is_malformed(decode(&whole.as_bytes()[..at]));
    }
}

#[test]
fn streams_that_are_no_messages_are_malformed() {
    for text in
        ["", "<html>502 Bad Gateway</html>", "data: {\"type\":\n\n", "data: [DONE]\n\n", "data: 7\n\n"]
    {
        is_malformed(stream(text).1);
    }
    is_malformed(stream("data: {\"type\":\"error\"}\n\n").1);
    is_malformed(stream(b"data: {\"type\":\"p\xff\"}\n\n").1);
}

#[test]
fn a_stream_cut_before_its_usage_reports_none() {
    let whole = fixture!("text.sse");
    let cut = &whole[..whole.find("event: message_delta").unwrap()];
    let (events, end) = stream(cut);
    is_malformed(end);
    assert!(!events.iter().any(|event| matches!(event, Event::Usage(_))));
}

#[test]
fn half_a_usage_report_is_none() {
    for usage in ["{}", "null", "{\"output_tokens\":5}", "{\"input_tokens\":5}"] {
        assert_eq!(decoded(&format!("{{\"content\":[],\"usage\":{usage}}}")).usage, None, "{usage}");
    }
    let (events, end) = stream(
        "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":5}}\n\n\
         data: {\"type\":\"message_stop\"}\n\n",
    );
    assert_eq!((events.as_slice(), end), (&[Event::Finish { choice: 0, reason: Finish::Stop }][..], Ok(())));
}

#[test]
fn counts_at_the_edge_of_numbers_do_not_overflow() {
    let max = u64::MAX;
    let body = format!(
        "{{\"content\":[],\"usage\":{{\"input_tokens\":{max},\"cache_read_input_tokens\":{max},\"output_tokens\":{max}}}}}"
    );
    assert_eq!(decoded(&body).usage.unwrap().input_tokens, max);
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
    fn no_frame_of_any_shape_panics(
        kind in prop::sample::select(vec!["message_start", "content_block_start", "content_block_delta",
            "content_block_stop", "message_delta", "message_stop", "error", "ping"]),
        field in prop::sample::select(vec!["index", "message", "content_block", "delta", "usage", "error"]),
        value in prop::sample::select(vec!["null", "0", "-1", "1.5", "\"x\"", "[]", "{}",
            "{\"type\":\"tool_use\"}", "{\"type\":\"text\"}", "{\"usage\":{\"input_tokens\":-1}}"]),
    ) {
        let _ = stream_at_once(format!("data: {{\"type\":\"{kind}\",\"{field}\":{value}}}\n\n"));
    }
}
