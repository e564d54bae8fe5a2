use super::*;
use crate::domain::message::Usage;
use crate::wire::provider::fixtures::as_reported;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/openai/", $name)).as_slice()
    };
}

fn tokens(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

fn said(part: AssistantPart) -> Choice {
    Choice { parts: vec![part], ..Choice::default() }
}

#[test]
fn a_reply_is_read_with_all_its_counts() {
    let reply = decode(fixture!("reply.json")).unwrap();
    assert_eq!(reply.choices, [said(AssistantPart::text("Hello! How can I assist you today?"))]);
    let usage =
        Usage { cached_input_tokens: 1024, cache_write_tokens: 64, reasoning_tokens: 32, ..tokens(1117, 46) };
    assert_eq!(reply.usage, Some(usage));
}

#[test]
fn tool_calls_keep_their_arguments_as_written() {
    let reply = decode(fixture!("reply_tool_calls.json")).unwrap();
    let call = |id, name, arguments| AssistantPart::ToolCall(ToolCall::new(id, name, arguments));
    let parts = vec![
        call("call_abc123", "get_current_weather", "{\n\"location\": \"Boston, MA\"\n}"),
        call("call_def456", "get_time", "{}"),
    ];
    assert_eq!(reply.choices, [Choice { parts, finish: Finish::ToolCalls, ..Choice::default() }]);
}

#[test]
fn a_refusal_is_no_text() {
    let reply = decode(fixture!("reply_refusal.json")).unwrap();
    let refusal = AssistantPart::Refusal("I'm sorry, I cannot assist with that request.".to_owned());
    assert_eq!(reply.choices, [said(refusal)]);
}

#[test]
fn choices_stand_in_the_order_of_their_numbers() {
    let reply = decode(fixture!("reply_choices.json")).unwrap();
    let read: Vec<_> = reply.choices.iter().map(|c| (c.text().unwrap(), c.finish)).collect();
    assert_eq!(read, [("first".into(), Finish::ContentFilter), ("second".into(), Finish::Length)]);
}

#[test]
fn reasoning_is_told_apart_wherever_it_stands() {
    let deepseek = decode(fixture!("reply_deepseek.json")).unwrap();
    assert_eq!(deepseek.choices[0].reasoning().as_deref(), Some("Compare the tenths first."));
    assert_eq!(
        deepseek.usage,
        Some(Usage { cached_input_tokens: 64, reasoning_tokens: 30, ..tokens(100, 40) })
    );

    let mistral = decode(fixture!("reply_mistral_thinking.json")).unwrap();
    let choice = &mistral.choices[0];
    assert_eq!(choice.reasoning().as_deref(), Some("Two and two make four."));
    assert_eq!((choice.text().as_deref(), choice.finish), (Some("The answer is 4."), Finish::Length));

    let other =
        decode(br#"{"choices":[{"message":{"content":"a","reasoning":"b","reasoning_content":null}}]}"#);
    assert_eq!(other.unwrap().choices[0].reasoning().as_deref(), Some("b"));
}

#[test]
fn reasoning_that_only_the_total_counts_is_output() {
    let reply = decode(fixture!("reply_xai.json")).unwrap();
    let expected = Usage { cached_input_tokens: 6, reasoning_tokens: 94, ..tokens(32, 9 + 94) };
    assert_eq!(reply.usage, Some(expected));
}

#[test]
fn a_reply_without_usage_has_none_rather_than_zero() {
    let reply = decode(br#"{"choices":[{"message":{"role":"assistant","content":""}}]}"#).unwrap();
    assert_eq!((reply.usage, reply.choices[0].text()), (None, None));
}

#[test]
fn an_error_in_place_of_a_reply_is_the_providers_own() {
    let error = decode(br#"{"error":{"message":"No capacity","code":503},"user_id":"u"}"#);
    assert_eq!(as_reported(error), ("No capacity".to_owned(), 503, None));
    let broken = decode(br#"{"choices":[{"message":{"content":""},"finish_reason":"error"}]}"#);
    assert_eq!(as_reported(broken).1, 502);
}

#[test]
fn what_was_generated_before_an_answer_broke_off_is_not_free() {
    for message in [
        r#"{"content":"a"}"#,
        r#"{"reasoning":"a"}"#,
        r#"{"content":[{"type":"thinking","thinking":"a"}]}"#,
        r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
    ] {
        let choice = format!(r#"{{"message":{message},"finish_reason":"error"}}"#);
        let uncounted = decode(format!(r#"{{"choices":[{choice}]}}"#).as_bytes());
        assert!(matches!(uncounted, Err(DecodeError::Malformed(_))), "{message}: {uncounted:?}");
        let usage = r#"{"prompt_tokens":3,"completion_tokens":1}"#;
        let counted = decode(format!(r#"{{"choices":[{choice}],"usage":{usage}}}"#).as_bytes());
        assert!(
            matches!(&counted, Err(DecodeError::Reported(error)) if error.usage.is_some()),
            "{message}: {counted:?}"
        );
    }
}

#[test]
fn what_is_no_reply_is_malformed_and_not_repeated() {
    let reply = fixture!("reply.json");
    let cut = &reply[..reply.len() / 2];
    let html = b"<html>secret</html>".as_slice();
    for body in [
        b"".as_slice(),
        html,
        cut,
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        br#"{"choices":[]}"#,
        br#"{"choices":"secret"}"#,
        br#"{"choices":[{"index":0}]}"#,
        br#"{"choices":[{"message":{"tool_calls":[{"function":{}}]}}]}"#,
    ] {
        let Err(DecodeError::Malformed(fault)) = decode(body) else { panic!("{body:?} was read") };
        assert!(!fault.contains("secret"), "{fault}");
    }
}

#[test]
fn every_prefix_of_a_reply_is_refused() {
    for reply in [fixture!("reply.json"), fixture!("reply_tool_calls.json")] {
        let end = reply.iter().rposition(|byte| *byte == b'}').unwrap();
        for cut in 0..=end {
            assert!(decode(&reply[..cut]).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn made_up_ids_differ_with_the_call_and_do_not_change() {
    let id = |number, name, arguments| id_of(None, number, name, arguments);
    assert_eq!(id(0, "f", "{}"), id(0, "f", "{}"));
    let others = [id(1, "f", "{}"), id(0, "g", "{}"), id(0, "f", "{ }")];
    assert!(!others.contains(&id(0, "f", "{}")), "{others:?}");
    assert_eq!(id_of(Some("given".to_owned()), 0, "f", ""), "given");
    assert!(id_of(Some(String::new()), 0, "f", "").starts_with("call_"));
}

#[test]
fn calls_without_arguments_have_an_empty_object_and_no_two_share_an_id() {
    let reply = decode(
        br#"{"choices":[{"message":{"tool_calls":[
        {"id":"a","function":{"name":"f","arguments":""}}, {"id":"a","function":{"name":"f","arguments":null}},
        {"id":"a","function":{"name":"f"}}, {"id":"a_2","function":{"name":"f","arguments":" "}}]},"finish_reason":"tool_calls"}]}"#,
    )
    .unwrap();
    let calls: Vec<_> = AssistantPart::calls_of(&reply.choices[0].parts).collect();
    let read: Vec<_> = calls.iter().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(read, [("a", "{}"), ("a_2", "{}"), ("a_3", "{}"), ("a_2_2", "{}")]);
}
