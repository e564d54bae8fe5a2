use super::*;
use crate::wire::provider::fixtures::as_reported;

#[test]
fn what_was_generated_before_an_answer_broke_off_is_not_free() {
    let broken = |response: &str| {
        decode(format!(r#"{{"response":"{response}","finish_reason":"error"}}"#).as_bytes()).unwrap_err()
    };
    assert!(matches!(broken("a"), DecodeError::Malformed(_)));
    assert!(matches!(broken(""), DecodeError::Reported(error) if error.usage.is_none()));
}
use crate::domain::message::Usage;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/workers_ai/", $name)).as_slice()
    };
}

fn tokens(input_tokens: u64, output_tokens: u64) -> Option<Usage> {
    Some(Usage { input_tokens, output_tokens, ..Usage::default() })
}

fn only(reply: ChatReply) -> Choice {
    let [choice] = <[Choice; 1]>::try_from(reply.choices).unwrap();
    choice
}

#[test]
fn a_text_is_one_choice() {
    let reply = decode(fixture!("reply.json")).unwrap();
    assert_eq!(reply.usage, tokens(26, 8));
    assert_eq!(
        only(reply),
        Choice { parts: vec![AssistantPart::text("Hello, World!")], ..Choice::default() }
    );
}

#[test]
fn tool_calls_are_given_ids_and_text_arguments() {
    let reply = decode(fixture!("reply_tool_calls.json")).unwrap();
    let choice = only(reply);
    assert_eq!((choice.text(), choice.finish), (None, Finish::ToolCalls));
    let calls: Vec<_> = choice.calls().collect();
    let [first, second] = calls.as_slice() else { panic!("two calls") };
    assert_eq!(
        (first.name.as_str(), first.arguments.as_str()),
        ("get_weather", r#"{"city":"London","days":2}"#)
    );
    assert!(!first.id.is_empty() && first.id != second.id, "{} {}", first.id, second.id);
}

#[test]
fn json_asked_for_is_text_again() {
    let choice = only(decode(fixture!("reply_json.json")).unwrap());
    let expected = r#"{"name":"India","capital":"New Delhi","languages":["Hindi","English"]}"#;
    assert_eq!((choice.text().as_deref(), choice.finish), (Some(expected), Finish::Stop));
}

#[test]
fn the_newer_form_is_read_too() {
    let reply = decode(fixture!("reply_openai.json")).unwrap();
    assert_eq!(reply.usage.unwrap().cached_input_tokens, 32);
    let choice = only(reply);
    assert_eq!(
        (choice.text().as_deref(), choice.reasoning().as_deref()),
        (Some("A cow is cool."), Some("Say it."))
    );
}

#[test]
fn an_output_without_usage_has_none_rather_than_zero() {
    let cut = decode(br#"{"response":"","finish_reason":"length"}"#).unwrap();
    assert_eq!((cut.usage, only(cut).finish), (None, Finish::Length));
    assert_eq!(decode(br#"{"response":"a","usage":{}}"#).unwrap().usage, None);
}

#[test]
fn what_is_no_output_is_malformed() {
    for body in [
        b"".as_slice(),
        b"<html>",
        b"{}",
        b"null",
        br#"{"response":null}"#,
        br#"{"choices":[]}"#,
        br#"{"response":"#,
    ] {
        assert!(matches!(decode(body), Err(DecodeError::Malformed(_))), "{body:?}");
    }
    let error = decode(br#"{"error":{"message":"Model is busy","code":"3040"}}"#);
    assert_eq!(as_reported(error), ("Model is busy".into(), 429, None));
}
