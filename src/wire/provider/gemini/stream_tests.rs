use crate::domain::message::{Event, Finish, Usage};
use crate::domain::provider::Wire;
use crate::wire::provider::fixtures::{self, told};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/gemini/", $name))
    };
}

fn events(stream: &[u8]) -> Vec<Event> {
    fixtures::events(Wire::Gemini, stream)
}

fn ending(events: &[Event]) -> Vec<Event> {
    events.iter().filter(|event| matches!(event, Event::Finish { .. } | Event::Usage(_))).cloned().collect()
}

#[test]
fn text_arrives_as_it_is_written_and_usage_first_and_at_the_end() {
    let events = events(fixture!("text.sse"));
    assert_eq!(events[2], Event::Text { choice: 0, delta: " dich, 世界 👋".into() });
    assert_eq!(told(&events).text, "Grüß dich, 世界 👋.\n\nHow may I help?");
    let usage =
        Usage { input_tokens: 2060, cached_input_tokens: 2048, output_tokens: 13, ..Usage::default() };
    let early = Event::Usage(Usage { output_tokens: 1, ..usage });
    let finish = Event::Finish { choice: 0, reason: Finish::Stop };
    assert_eq!(ending(&events), [early, finish, Event::Usage(usage)]);
}

#[test]
fn thoughts_are_reasoning_and_count_as_output() {
    let events = events(fixture!("thinking.sse"));
    let told = told(&events);
    assert_eq!(told.reasoning, "17 is prime; so is 19.");
    assert_eq!(told.text, "17 and 19.");
    let usage = Usage { input_tokens: 9, output_tokens: 6 + 71, reasoning_tokens: 71, ..Usage::default() };
    assert_eq!(events.last(), Some(&Event::Usage(usage)));
}

#[test]
fn calls_without_identifiers_get_their_own_and_carry_their_signature() {
    let events = events(fixture!("tools.sse"));
    assert_eq!(
        told(&events).calls,
        [
            (
                "call_JniLacKqGqH0xs0P0O776As_0".into(),
                "get_weather".into(),
                "{\"city\": \"Köln\", \"days\": [1, 2]}".into()
            ),
            ("call_JniLacKqGqH0xs0P0O776As_1".into(), "get_time".into(), "{}".into()),
        ]
    );
    let reply = fixtures::gathered(&events);
    let signatures: Vec<_> = reply.choices[0].calls().map(|call| call.signature()).collect();
    assert_eq!(signatures, [Some("Eqo+Cqc+Ab4/9vtgONaaz6o="), None]);
    let finish = Event::Finish { choice: 0, reason: Finish::ToolCalls };
    assert!(
        matches!(&ending(&events)[..], [Event::Usage(_), end, Event::Usage(_)] if *end == finish),
        "{events:?}"
    );
}

#[test]
fn a_blocked_prompt_is_one_filtered_choice() {
    let usage = Usage { input_tokens: 7, ..Usage::default() };
    assert_eq!(
        events(fixture!("blocked.sse")),
        [Event::Finish { choice: 0, reason: Finish::ContentFilter }, Event::Usage(usage)]
    );
}

#[test]
fn candidates_end_one_by_one_and_the_count_of_all_waits_for_the_last() {
    let text = |choice, delta: &str| Event::Text { choice, delta: delta.into() };
    let finish = |choice, reason| Event::Finish { choice, reason };
    assert_eq!(
        events(fixture!("candidates.sse")),
        [
            text(0, "Heads"),
            text(1, "Tai"),
            Event::Usage(Usage { input_tokens: 5, output_tokens: 3, ..Usage::default() }),
            finish(0, Finish::Stop),
            text(1, "ls"),
            finish(1, Finish::Length),
            Event::Usage(Usage { input_tokens: 5, output_tokens: 4, ..Usage::default() }),
        ]
    );
}

#[test]
fn finish_reasons_are_mapped() {
    for (reason, expected) in [
        ("STOP", Finish::Stop),
        ("MAX_TOKENS", Finish::Length),
        ("SAFETY", Finish::ContentFilter),
        ("RECITATION", Finish::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", Finish::Stop),
        ("A_REASON_OF_NEXT_YEAR", Finish::Stop),
    ] {
        let stream = format!("data: {{\"candidates\":[{{\"finishReason\":\"{reason}\"}}]}}\n\n");
        assert_eq!(events(stream.as_bytes()), [Event::Finish { choice: 0, reason: expected }], "{reason}");
    }
}

#[test]
fn usage_that_is_repeated_or_shrinks_is_not_added() {
    let stream = br#"data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":20}}

data: {"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":20}}

data: {"usageMetadata":{"promptTokenCount":5}}

"#;
    let (events, end) = fixtures::read(Wire::Gemini, &[stream]);
    assert_eq!(end, Ok(()));
    let usage = Event::Usage(Usage { input_tokens: 5, output_tokens: 20, ..Usage::default() });
    assert_eq!(events[1..], [usage.clone(), usage.clone(), usage]);
}

#[test]
fn what_was_heard_is_counted_apart() {
    let stream = br#"data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":2,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10},{"modality":"AUDIO","tokenCount":90},{"modality":"AUDIO"},7]}}

"#;
    let (events, _) = fixtures::read(Wire::Gemini, &[stream]);
    let usage = |audio_input_tokens| {
        Event::Usage(Usage { input_tokens: 100, output_tokens: 2, audio_input_tokens, ..Usage::default() })
    };
    // What is not as it should be is as good as missing.
    assert_eq!(events[1..], [usage(0)]);
    let sound = String::from_utf8(stream.to_vec()).unwrap().replace(",7]", "]");
    assert_eq!(fixtures::read(Wire::Gemini, &[sound.as_bytes()]).0[1..], [usage(90)]);
}

#[test]
fn a_finish_reason_in_every_frame_ends_a_choice_once() {
    let frame =
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}\n\n";
    let (events, end) = fixtures::read(Wire::Gemini, &[frame.as_bytes(), frame.as_bytes()]);
    assert_eq!(end, Ok(()));
    assert_eq!(told(&events).text, "aa");
    assert_eq!(ending(&events).len(), 1);
}

#[test]
fn parts_that_were_not_asked_for_are_passed_over() {
    let stream = br#"data: {"candidates":[{"content":{"parts":[{"executableCode":{"code":"1+1"}},{"inlineData":{"data":"AA=="}},{"text":"2"}]},"finishReason":"STOP","groundingMetadata":{}}]}

"#;
    assert_eq!(told(&events(stream)).text, "2");
}
