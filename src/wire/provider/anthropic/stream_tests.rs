use crate::domain::message::{About, Event, Finish, Usage};
use crate::domain::provider::Wire;
use crate::wire::provider::fixtures::{self, told};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/anthropic/", $name))
    };
}

fn events(stream: &[u8]) -> Vec<Event> {
    fixtures::events(Wire::Anthropic, stream)
}

/// The events after the content.
fn ending(events: &[Event]) -> Vec<Event> {
    let ends =
        |event: &&Event| matches!(event, Event::Refusal { .. } | Event::Finish { .. } | Event::Usage(_));
    events.iter().filter(ends).cloned().collect()
}

#[test]
fn text_arrives_as_it_is_written_and_usage_counts_the_cache_in() {
    let events = events(fixture!("text.sse"));
    assert_eq!(events[1], Event::Text { choice: 0, delta: " dich, 世界 👋".into() });
    assert_eq!(told(&events).text, "Grüß dich, 世界 👋.\n\nHow may I help?");
    let usage = Usage {
        input_tokens: 21 + 1200 + 40,
        cached_input_tokens: 1200,
        cache_write_tokens: 40,
        output_tokens: 17,
        reasoning_tokens: 0,
        hour_write_tokens: 0,
        audio_input_tokens: 0,
    };
    assert_eq!(ending(&events), [Event::Finish { choice: 0, reason: Finish::Stop }, Event::Usage(usage)]);
}

#[test]
fn thinking_is_reasoning_and_its_signature_is_not() {
    let events = events(fixture!("thinking.sse"));
    let told = told(&events);
    assert_eq!(told.reasoning, "17 is prime; so is 19.");
    assert_eq!(told.text, "17 and 19.");
    let usage = Usage { input_tokens: 21, output_tokens: 88, reasoning_tokens: 71, ..Usage::default() };
    assert_eq!(events.last(), Some(&Event::Usage(usage)));
}

#[test]
fn tool_calls_are_numbered_apart_from_other_blocks_and_always_have_arguments() {
    let events = events(fixture!("tools.sse"));
    assert_eq!(
        told(&events).calls,
        [
            ("toolu_01T1x1fJ34qAmk2tNTrN7Up6".into(), "get_weather".into(), "{\"city\": \"Köln\"}".into()),
            ("toolu_01AAbbCCddEEffGGhhJJkkLL".into(), "get_time".into(), "{}".into()),
        ]
    );
    assert_eq!(ending(&events)[0], Event::Finish { choice: 0, reason: Finish::ToolCalls });
}

#[test]
fn a_refusal_ends_as_filtered_with_its_explanation() {
    let events = events(fixture!("refusal.sse"));
    assert_eq!(
        ending(&events)[..2],
        [
            Event::Refusal { choice: 0, delta: "This request was declined.".into() },
            Event::Finish { choice: 0, reason: Finish::ContentFilter },
        ]
    );
}

#[test]
fn input_that_a_block_begins_with_counts_when_no_deltas_follow() {
    let stream = br#"data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"x": 1}}}

data: {"type":"content_block_stop","index":0}

data: {"type":"message_stop"}

"#;
    assert_eq!(told(&events(stream)).calls, [("a".into(), "f".into(), "{\"x\": 1}".into())]);
}

#[test]
fn stop_reasons_are_mapped() {
    for (reason, expected) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Stop),
        ("pause_turn", Finish::Stop),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("tool_use", Finish::Stop), // There is no call to wait for.
        ("refusal", Finish::ContentFilter),
        ("a_reason_of_next_year", Finish::Stop),
    ] {
        let stream = format!(
            "data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{reason}\"}}}}\n\n\
             data: {{\"type\":\"message_stop\"}}\n\n"
        );
        assert_eq!(events(stream.as_bytes()), [Event::Finish { choice: 0, reason: expected }], "{reason}");
    }
}

#[test]
fn usage_that_is_repeated_is_not_added() {
    let stream = br#"data: {"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":5,"output_tokens":1}}}

data: {"type":"message_delta","delta":{},"usage":{"output_tokens":20}}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":10,"output_tokens":20}}

data: {"type":"message_stop"}

"#;
    let usage = events(stream).iter().fold(Usage::default(), |usage, event| match event {
        Event::Usage(more) => usage.max(*more),
        _ => usage,
    });
    let expected = Usage { input_tokens: 15, cached_input_tokens: 5, output_tokens: 20, ..Usage::default() };
    assert_eq!(usage, expected);
}

#[test]
fn unknown_events_blocks_and_deltas_are_passed_over() {
    let stream = br#"data: {"type":"weather_report","index":{"our":"name, their type"},"sun":true}

data: {"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"weather_delta","weather":{}}}

data: {"type":"content_block_stop","index":0}

data: {"type":"message_stop"}

"#;
    let about = About { left_out: vec!["server_tool_use".into()], ..About::default() };
    assert_eq!(events(stream), [Event::About(about), Event::Finish { choice: 0, reason: Finish::Stop }]);
}

#[test]
fn the_input_of_a_call_whose_block_never_ends_is_said() {
    let stream = br#"data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"}}

data: {"type":"message_stop"}

"#;
    let said = events(stream);
    let arguments = Event::ToolArguments { choice: 0, index: 0, delta: "{\"a\":1}".into() };
    assert_eq!(said[1..], [arguments, Event::Finish { choice: 0, reason: Finish::ToolCalls }]);
}

#[test]
fn what_the_cache_keeps_for_an_hour_is_counted_apart() {
    let stream = br#"event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":60},"output_tokens":1}}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}

event: message_stop
data: {"type":"message_stop"}

"#;
    let usage = Usage {
        input_tokens: 105,
        cache_write_tokens: 100,
        hour_write_tokens: 60,
        output_tokens: 9,
        ..Usage::default()
    };
    assert_eq!(events(stream).last(), Some(&Event::Usage(usage)));
}

/// The count of the beginning has a placeholder for the output.
#[test]
fn an_end_without_a_count_leaves_the_beginnings_before_it() {
    let start = r#"data: {"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}"#;
    let said = r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#;
    let early = Event::Usage(Usage { input_tokens: 5, output_tokens: 1, ..Usage::default() });
    for end in [
        r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}"#,
        r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        "data: {\"type\":\"ping\"}",
    ] {
        let stream = format!("{start}\n\n{said}\n\n{end}\n\ndata: {{\"type\":\"message_stop\"}}\n\n");
        let events = events(stream.as_bytes());
        let finish = Event::Finish { choice: 0, reason: Finish::Stop };
        assert_eq!(events[events.len() - 2..], [early.clone(), finish], "{end}");
    }
    let counted = r#"data: {"type":"message_delta","delta":{},"usage":{"output_tokens":2}}"#;
    let stream = format!("{start}\n\n{counted}\n\n{said}\n\ndata: {{\"type\":\"message_stop\"}}\n\n");
    let events = events(stream.as_bytes());
    assert!(matches!(events.last(), Some(Event::Finish { .. })), "words came after the count: {events:?}");
}
