//! Strange records beside an answer never break it, and errors in place of one are found, on every wire.

use super::fixtures::as_reported;
use super::*;
use crate::domain::message::{Event, Usage};

fn whole(wire: Wire, body: &str) -> Result<ChatReply, DecodeError> {
    decode(wire, &Renamed::default(), body.as_bytes())
}

fn streamed(wire: Wire, frames: &str) -> Vec<Event> {
    let mut decoder = Decoder::new(wire, Renamed::default());
    let mut events = Vec::new();
    decoder.feed(frames.as_bytes(), &mut events).unwrap_or_else(|error| panic!("{error}: {frames}"));
    decoder.finish(&mut events).unwrap_or_else(|error| panic!("{error}: {frames}"));
    events
}

fn tokens(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

#[test]
fn a_strange_record_beside_openais_answer_reads_as_missing() {
    let counts = r#""prompt_tokens":3,"completion_tokens":2.0"#;
    let details = |details: &str| (format!(r#""usage":{{{counts},{details}}}"#), Some(tokens(3, 2)));
    for (beside, usage) in [
        (r#""usage":"n/a""#.to_owned(), None),
        (r#""usage":[1,2]"#.to_owned(), None),
        (r#""usage":7"#.to_owned(), None),
        details(r#""prompt_tokens_details":0"#),
        details(r#""prompt_tokens_details":[1]"#),
        details(r#""completion_tokens_details":"n/a""#),
        (r#""service_tier":1,"system_fingerprint":{}"#.to_owned(), None),
    ] {
        for index in ["0", "\"0\"", "null", "-1"] {
            let choice = format!(r#""index":{index},"finish_reason":"stop""#);
            let body = format!(r#"{{"choices":[{{{choice},"message":{{"content":"Hi"}}}}],{beside}}}"#);
            let reply = whole(Wire::OpenAi, &body).unwrap_or_else(|error| panic!("{error}: {body}"));
            assert_eq!((reply.choices.len(), reply.usage), (1, usage), "{body}");
            let chunk = format!(r#"{{"choices":[{{{choice},"delta":{{"content":"Hi"}}}}],{beside}}}"#);
            let events = streamed(Wire::OpenAi, &format!("data: {chunk}\n\ndata: [DONE]\n\n"));
            assert!(events.contains(&Event::Text { choice: 0, delta: "Hi".into() }), "{chunk}");
            let told = events.iter().any(|event| matches!(event, Event::Usage(_)));
            assert_eq!(told, usage.is_some(), "{chunk}");
        }
    }
}

#[test]
fn the_numbers_of_choices_and_calls_are_read_from_texts() {
    let delta = |index: &str, text: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}]}}\n\n"
        )
    };
    let events = streamed(Wire::OpenAi, &(delta("\"0\"", "a") + &delta("\"1\"", "b") + "data: [DONE]\n\n"));
    assert!(events.contains(&Event::Text { choice: 1, delta: "b".into() }), "{events:?}");
}

#[test]
fn a_strange_count_beside_anthropics_answer_reads_as_missing() {
    for (usage, read) in [
        (r#"{"input_tokens":10.0,"output_tokens":2}"#, Some(tokens(10, 2))),
        (r#"{"input_tokens":10,"output_tokens":2,"cache_read_input_tokens":-1}"#, Some(tokens(10, 2))),
        (r#"{"input_tokens":10,"output_tokens":2,"cache_creation":"n/a"}"#, Some(tokens(10, 2))),
        (r#"{"input_tokens":10,"output_tokens":2,"output_tokens_details":[3]}"#, Some(tokens(10, 2))),
        (r#"{"input_tokens":10,"output_tokens":-1}"#, None),
        (r#""n/a""#, None),
    ] {
        let body = format!(
            r#"{{"content":[{{"type":"text","text":"Hi"}}],"stop_reason":"end_turn","usage":{usage}}}"#
        );
        assert_eq!(whole(Wire::Anthropic, &body).unwrap().usage, read, "{body}");
        let frames = format!(
            "data: {{\"type\":\"message_start\",\"message\":{{\"usage\":{usage}}}}}\n\n\
             data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"text\":\"Hi\"}}}}\n\n\
             data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{usage}}}\n\n\
             data: {{\"type\":\"message_stop\"}}\n\n"
        );
        let told = streamed(Wire::Anthropic, &frames).iter().any(|event| matches!(event, Event::Usage(_)));
        assert_eq!(told, read.is_some(), "{frames}");
    }
}

#[test]
fn a_strange_count_beside_geminis_answer_reads_as_missing() {
    for (usage, read) in [
        (r#"{"promptTokenCount":5.5,"candidatesTokenCount":2}"#, Some(tokens(6, 2))),
        (r#"{"promptTokenCount":5,"candidatesTokenCount":2,"thoughtsTokenCount":-1}"#, Some(tokens(5, 2))),
        (r#"{"promptTokenCount":-1,"candidatesTokenCount":2}"#, None),
        (r#"[5,2]"#, None),
    ] {
        let body = format!(
            r#"{{"candidates":[{{"index":"0","content":{{"parts":[{{"text":"Hi"}}]}},"finishReason":"STOP"}}],"usageMetadata":{usage}}}"#
        );
        assert_eq!(whole(Wire::Gemini, &body).unwrap().usage, read, "{body}");
        streamed(Wire::Gemini, &format!("data: {body}\n\n"));
    }
}

#[test]
fn an_error_in_place_of_a_whole_answer_is_reported_with_its_count() {
    let counts = r#""usage":{"prompt_tokens":3,"completion_tokens":2}"#;
    let cases = [
        (Wire::OpenAi, format!(r#"{{"object":"error","message":"m",{counts}}}"#), Some(tokens(3, 2))),
        (Wire::OpenAi, r#"{"detail":"m"}"#.to_owned(), None),
        (Wire::OpenAi, format!(r#"{{"error":{{"message":"m",{counts}}}}}"#), Some(tokens(3, 2))),
        (Wire::WorkersAi, format!(r#"{{"message":"m",{counts}}}"#), Some(tokens(3, 2))),
        (Wire::WorkersAi, r#"{"success":false,"errors":[{"message":"m"}]}"#.to_owned(), None),
        (Wire::Anthropic, r#"{"detail":"m"}"#.to_owned(), None),
        (
            Wire::Anthropic,
            r#"{"error":{"message":"m","usage":{"input_tokens":3,"output_tokens":2}}}"#.to_owned(),
            Some(tokens(3, 2)),
        ),
        (
            Wire::Gemini,
            r#"[{"error":{"code":"x503","message":"m"},"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}]"#
                .to_owned(),
            Some(tokens(3, 2)),
        ),
        (Wire::Gemini, r#"{"message":"m"}"#.to_owned(), None),
    ];
    for (wire, body, used) in cases {
        let error = whole(wire, &body).unwrap_err();
        let (message, _, usage) = as_reported(Err::<(), _>(error));
        assert_eq!((message.as_str(), usage), ("m", used), "{body}");
    }
}

#[test]
fn of_a_long_error_only_the_count_is_read() {
    let body = format!(
        r#"{{"error":{{"message":"m","list":[{}0]}},"usage":{{"prompt_tokens":3,"completion_tokens":2}}}}"#,
        "0,".repeat(40_000)
    );
    let (message, _, usage) = as_reported(whole(Wire::OpenAi, &body));
    assert_eq!((message.as_str(), usage), ("an error too long to be read", Some(tokens(3, 2))));
}
