use proptest::prelude::*;

use super::*;
use crate::domain::message::{Proof, ProofKind, Usage};
use crate::domain::provider::Wire;
use crate::wire::provider::fixtures::{Told, as_reported, read, steady, told};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/openai/", $name)).as_slice()
    };
}

/// The events of a stream that must be sound, however it is cut; without what is said of the reply as a whole.
fn events(stream: &[u8]) -> Vec<Event> {
    let (mut events, end) = steady(Wire::OpenAi, stream);
    assert_eq!(end, Ok(()), "{events:?}");
    events.retain(|event| !matches!(event, Event::About(_)));
    events
}

/// What ends a stream that must be faulty, and the events before.
fn fault(stream: &[u8]) -> (Vec<Event>, DecodeError) {
    let (events, end) = steady(Wire::OpenAi, stream);
    (events, end.unwrap_err())
}

fn text(choice: u32, delta: &str) -> Event {
    Event::Text { choice, delta: delta.to_owned() }
}

fn reasoning(delta: &str) -> Event {
    Event::Reasoning { choice: 0, delta: delta.to_owned() }
}

fn finish(choice: u32, reason: Finish) -> Event {
    Event::Finish { choice, reason }
}

fn tokens(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

fn last_usage(events: &[Event]) -> Usage {
    let usages = events.iter().filter_map(|event| match event {
        Event::Usage(usage) => Some(*usage),
        _ => None,
    });
    usages.reduce(Usage::max).unwrap()
}

#[test]
fn text_comes_piece_by_piece_and_usage_last() {
    let usage = Usage { cached_input_tokens: 1024, reasoning_tokens: 4, ..tokens(1117, 9) };
    let expected =
        [text(0, "Grüße"), text(0, ", 世界"), text(0, " 𝄞!\n"), finish(0, Finish::Stop), Event::Usage(usage)];
    assert_eq!(events(fixture!("stream.sse")), expected);
}

#[test]
fn tool_calls_are_told_apart_by_their_number() {
    let events = events(fixture!("stream_tool_calls.sse"));
    let call = |id: &str, name: &str, arguments: &str| (id.to_owned(), name.to_owned(), arguments.to_owned());
    let calls = vec![
        call("call_62136354", "get_weather", "{\"city\":\"Zürich\"}"),
        call("call_62136355", "get_time", "{}"),
    ];
    assert_eq!(told(&events), Told { calls, ..Told::default() });
    assert!(events.ends_with(&[finish(0, Finish::ToolCalls), Event::Usage(tokens(82, 17))]), "{events:?}");
}

#[test]
fn whole_calls_that_share_a_number_are_told_apart_by_their_id() {
    let events = events(fixture!("stream_gemini_compatible.sse"));
    let calls = told(&events).calls;
    assert_eq!(
        calls.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(),
        ["function-call-1", "function-call-2"]
    );
    assert_eq!(calls[1].2, "{\"city\":\"Oslo\"}");
    // 160 - 40: the total counts the reasoning that `completion_tokens` leaves out.
    assert_eq!(last_usage(&events), tokens(40, 120));
}

#[test]
fn choices_keep_their_numbers() {
    let expected = [
        text(1, "a"),
        text(0, "b"),
        text(1, "c"),
        text(0, "d"),
        finish(1, Finish::Length),
        finish(0, Finish::Stop),
        Event::Usage(tokens(3, 4)),
    ];
    assert_eq!(events(fixture!("stream_choices.sse")), expected);
}

#[test]
fn usage_on_every_chunk_and_twice_is_not_added_up() {
    let events = events(fixture!("stream_usage_on_every_chunk.sse"));
    assert_eq!(last_usage(&events), tokens(13, 4));
    let told = told(&events);
    assert_eq!((told.reasoning.as_str(), told.text.as_str()), ("Okay, so", "Four."));
}

#[test]
fn other_servers_are_understood() {
    let llama = events(fixture!("stream_llama_cpp.sse"));
    let usage = Usage { cached_input_tokens: 30, ..tokens(31, 2) };
    assert_eq!(llama, [text(0, "Hello"), text(0, "!"), finish(0, Finish::Length), Event::Usage(usage)]);

    let router = events(fixture!("stream_openrouter.sse"));
    let usage = Usage { reasoning_tokens: 3, ..tokens(12, 5) };
    let details = Proof::new(ProofKind::ReasoningDetails, r#"[{"type":"reasoning.text","text":"Hm."}]"#);
    let expected = [
        reasoning("Hm."),
        text(0, "Yes"),
        Event::Proof { choice: 0, proof: details },
        finish(0, Finish::Stop),
        Event::Usage(usage),
    ];
    assert_eq!(router, expected);

    let mistral = events(fixture!("stream_mistral.sse"));
    let expected = [
        reasoning("Let me"),
        reasoning(" see."),
        text(0, "Done"),
        finish(0, Finish::Stop),
        Event::Usage(tokens(17, 14)),
    ];
    assert_eq!(mistral, expected);
}

#[test]
fn an_error_inside_the_stream_is_the_providers_own() {
    let (events, fault) = fault(fixture!("stream_error.sse"));
    assert_eq!(events, [text(0, "Ye")]);
    let message = "Provider disconnected unexpectedly".to_owned();
    assert_eq!(as_reported(Err::<(), _>(fault)), (message, 502, None));
}

#[test]
fn an_error_that_stands_by_itself_is_seen() {
    for stream in [
        "data: {\"object\":\"error\",\"message\":\"Too long\",\"type\":\"BadRequestError\",\"code\":400}\n\n",
        "event: error\ndata: {\"msg\":\"Too long\",\"code\":400}\n\n",
    ] {
        let (_, fault) = fault(stream.as_bytes());
        assert_eq!(as_reported(Err::<(), _>(fault)), ("Too long".to_owned(), 400, None));
    }
}

#[test]
fn a_broken_off_answer_is_no_whole_one() {
    let (_, broken) =
        fault(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"error\"}]}\n\n");
    assert_eq!(as_reported(Err::<(), _>(broken)).1, 502);
}

#[test]
fn a_stream_ends_with_a_reason_or_with_done() {
    let reason =
        events(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n");
    let done = events(
        b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\ndata: {\"choices\"\n\n",
    );
    assert_eq!(reason, [text(0, "a"), finish(0, Finish::Stop)]);
    assert_eq!(done, reason);
}

#[test]
fn a_choice_ends_once_and_an_empty_reason_ends_nothing() {
    let end = |reason: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\n")
    };
    let stream = [end(""), end("length"), end("stop"), "data: [DONE]\n\n".to_owned()].concat();
    assert_eq!(events(stream.as_bytes()), [finish(0, Finish::Length)]);
}

#[test]
fn a_stream_that_ends_otherwise_was_cut() {
    let one =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    let two = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":null}]}\n\n";
    for stream in [two.to_owned(), format!("{one}{two}"), format!("{one}{}", &two[..30])] {
        let (_, fault) = fault(stream.as_bytes());
        assert!(matches!(fault, DecodeError::Malformed(_)), "{fault:?}");
    }
}

#[test]
fn what_is_no_stream_is_malformed() {
    let html = b"<!DOCTYPE html>\n<html><body>\n\n<h1>502 Bad Gateway</h1>\n\n</body></html>\n".as_slice();
    let json = b"{\n  \"choices\": {\"message\": \"no completion\"}\n}\n".as_slice();
    let garbage = b"\x00\x01\x02\xfe\xff\n\n".as_slice();
    let text = b"data: not json\n\n".as_slice();
    let utf8 = b"data: {\"choices\":[{\"delta\":{\"content\":\"\xc3\x28\"}}]}\n\n".as_slice();
    let shape = b"data: {\"choices\":{}}\n\n".as_slice();
    let absurd = b"data: {\"choices\":[{\"index\":4294967295,\"delta\":{\"content\":\"a\"}}]}\n\n".as_slice();
    let only_done = b"data: [DONE]\n\n".as_slice();
    for stream in [b"".as_slice(), html, json, garbage, text, utf8, shape, absurd, only_done] {
        let (events, fault) = fault(stream);
        assert_eq!(events, []);
        assert!(matches!(fault, DecodeError::Malformed(_)), "{fault:?}");
    }
}

#[test]
fn a_fault_does_not_repeat_what_the_provider_sent() {
    let (_, fault) = fault(b"data: {\"choices\":\"sk-secret\"}\n\n");
    assert!(!fault.to_string().contains("secret"), "{fault}");
}

#[test]
fn usage_that_is_no_usage_is_missing_and_breaks_nothing() {
    for usage in ["null", "{}", r#"{"prompt_tokens":5}"#, r#"{"prompt_tokens":"5","completion_tokens":-1}"#] {
        let stream = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}},\"finish_reason\":\"stop\"}}],\"usage\":{usage}}}\n\n"
        );
        assert_eq!(events(stream.as_bytes()), [text(0, "a"), finish(0, Finish::Stop)], "{usage}");
    }
}

#[test]
fn tool_calls_without_id_or_number_are_given_both() {
    let stream = br#"data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"a","arguments":{"x":1}}},{"function":{"name":"b","arguments":"{}"}}]}}]}

data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":" "}}]},"finish_reason":"stop"}]}

"#;
    let calls = told(&events(stream)).calls;
    let read: Vec<_> = calls.iter().map(|(_, name, arguments)| (name.as_str(), arguments.as_str())).collect();
    assert_eq!(read, [("a", "{\"x\":1}"), ("b", "{} ")]);
    assert!(calls[0].0 != calls[1].0 && calls[0].0.starts_with("call_"), "{calls:?}");
}

#[test]
fn pieces_that_repeat_id_and_name_are_one_call() {
    let piece = |id: &str, arguments: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":{id},\"function\":{{\"name\":\"f\",\"arguments\":\"{arguments}\"}}}}]}}}}]}}\n\n"
        )
    };
    let stream =
        [piece("\"x\"", "{"), piece("\"x\"", "}"), piece("null", " "), "data: [DONE]".to_owned()].concat();
    let events = events(stream.as_bytes());
    assert_eq!(told(&events).calls, [("x".to_owned(), "f".to_owned(), "{} ".to_owned())]);
    assert_eq!(events.last(), Some(&finish(0, Finish::ToolCalls)));
}

#[test]
fn a_tool_call_needs_a_name_and_there_is_a_limit() {
    let (_, nameless) =
        fault(br#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#);
    assert!(matches!(nameless, DecodeError::Malformed(_)), "{nameless:?}");
    let call = r#"{"function":{"name":"f","arguments":"{}"}}"#;
    let many =
        format!("data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{}]}}}}]}}", vec![call; 1025].join(","));
    let (events, fault) = read(Wire::OpenAi, &[many.as_bytes()]);
    assert_eq!(fault, Err(DecodeError::Malformed("a tool call is one too many".to_owned())));
    assert_eq!(told(&events).calls.len(), 1024);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        stream in prop::sample::select(vec![
            fixture!("stream.sse"), fixture!("stream_tool_calls.sse"), fixture!("stream_mistral.sse"),
        ]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = stream[..=end.index(stream.len())].to_vec();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = read(Wire::OpenAi, &[&bytes]);
        let pieces: Vec<&[u8]> = bytes.chunks(7).collect();
        prop_assert_eq!(whole, read(Wire::OpenAi, &pieces));
    }
}

#[test]
fn calls_without_arguments_have_an_empty_object_and_no_two_share_an_id() {
    for end in [r#"{"delta":{},"finish_reason":"tool_calls"}"#, r#"{"delta":{}}"#] {
        let stream = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{}]}}}}]}}\n\ndata: {{\"choices\":[{end}]}}\n\ndata: [DONE]\n\n",
            [
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#,
                r#"{"index":1,"id":"a","function":{"name":"g","arguments":null}}"#,
                r#"{"index":2,"id":"b","function":{"name":"h","arguments":"{\"x\":1}"}}"#,
            ]
            .join(",")
        );
        let events = events(stream.as_bytes());
        let calls = told(&events).calls;
        let read: Vec<_> =
            calls.iter().map(|(id, name, args)| (id.as_str(), name.as_str(), args.as_str())).collect();
        assert_eq!(read, [("a", "f", "{}"), ("a_2", "g", "{}"), ("b", "h", "{\"x\":1}")]);
        assert_eq!(events.last(), Some(&finish(0, Finish::ToolCalls)));
    }
}

#[test]
fn a_whole_message_in_place_of_pieces_is_said_and_one_that_repeats_them_is_not() {
    let whole = r#"{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
    let piece = r#"{"choices":[{"index":0,"delta":{"content":"hi"}}]}"#;
    let stream =
        |chunks: &[&str]| -> String { chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect() };
    for chunks in [&[whole][..], &[piece, whole][..]] {
        let events = events(stream(chunks).as_bytes());
        assert_eq!(events, [text(0, "hi"), finish(0, Finish::Stop)], "{chunks:?}");
    }
}

#[test]
fn a_call_begins_when_its_name_has_come() {
    let stream = r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":null,"arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"arguments":"{\"x\""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"first","arguments":"{"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"name":"second","arguments":":1}"}},{"index":0,"function":{"arguments":"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

"#;
    let expected =
        [("a".into(), "first".into(), "{}".into()), ("b".into(), "second".into(), "{\"x\":1}".into())];
    assert_eq!(told(&events(stream.as_bytes())).calls, expected);
    let nameless = stream.replace("\"second\"", "null");
    let (events, end) = fault(nameless.as_bytes());
    assert_eq!(told(&events).calls.len(), 1);
    assert!(matches!(end, DecodeError::Malformed(_)), "{end:?}");
}

#[test]
fn what_waits_for_its_name_is_bounded() {
    let piece = |index: usize, arguments: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":\"{arguments}\"}}}}]}}}}]}}\n\n"
        )
    };
    let taken = |pieces: Vec<String>| {
        let mut decoder = crate::wire::provider::Decoder::new(Wire::OpenAi, Default::default());
        pieces.iter().take_while(|piece| decoder.feed(piece.as_bytes(), &mut Vec::new()).is_ok()).count()
    };
    assert!(taken((0..1_000).map(|index| piece(index, "x")).collect()) < 100, "calls");
    assert!(taken((0..1_000).map(|_| piece(0, &"x".repeat(1_024))).collect()) < 100, "bytes");
}
