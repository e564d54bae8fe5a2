use super::*;
use crate::domain::message::{AssistantPart, JsonText, Proof, ProofKind, Reasoning, ToolCall};

const NOON: Millis = Millis(1_795_262_400_000);

fn reply() -> ChatReply {
    let thought =
        Reasoning { text: "Hm".into(), proof: Some(Proof::new(ProofKind::AnthropicSignature, "s")) };
    let said = Choice {
        parts: vec![AssistantPart::Reasoning(thought), AssistantPart::text("Grüße")],
        finish: Finish::Stop,
        logprobs: JsonText::parse(r#"{"content":[{"logprob":-0.10}]}"#),
    };
    let called = Choice {
        parts: vec![AssistantPart::ToolCall(ToolCall::new("c", "f", "{"))],
        finish: Finish::ToolCalls,
        logprobs: None,
    };
    let about =
        About { service_tier: Some("flex".into()), left_out: vec!["images".into()], ..About::default() };
    ChatReply { choices: vec![said, called], usage: None, about }
}

fn of(parts: Vec<AssistantPart>, finish: Finish) -> Choice {
    Choice { parts, finish, logprobs: None }
}

#[test]
fn an_answer_is_read_as_it_was_kept_until_its_time_is_over() {
    let (reply, warnings) = (reply(), vec![Warning::not_taken("top_k")]);
    let bytes = write(&reply, "own:big", &warnings, NOON).unwrap();
    let kept = Kept { model: "own:big".into(), warnings, reply };
    assert_eq!(read(&bytes, Millis(NOON.0 - 1)), Some(kept));
    assert_eq!(read(&bytes, NOON), None);
}

#[test]
fn what_another_release_wrote_is_no_answer() {
    let bytes = write(&reply(), "own:big", &[], NOON).unwrap();
    let other = [&[VERSION + 1], &bytes[1..]].concat();
    let cut = &bytes[..bytes.len() - 1];
    for bytes in [&other[..], cut, &[VERSION], &[], b"{}"] {
        assert_eq!(read(bytes, Millis(0)), None);
    }
}

#[test]
fn only_whole_answers_that_came_to_their_own_end_are_worth_it() {
    assert!(is_worth(&reply(), 2));
    assert!(!is_worth(&reply(), 3));
    let thought = AssistantPart::Reasoning(Reasoning { text: "Hm".into(), proof: None });
    let text = || vec![AssistantPart::text("A")];
    for choices in [
        vec![],
        vec![of(vec![], Finish::Stop)],
        vec![of(vec![AssistantPart::text("")], Finish::Stop)],
        vec![of(vec![thought], Finish::Stop)],
        vec![of(text(), Finish::Length)],
        vec![of(text(), Finish::ContentFilter)],
        vec![of(text(), Finish::Stop), of(text(), Finish::Length)],
    ] {
        assert!(!is_worth(&ChatReply { choices, ..ChatReply::default() }, 1));
    }
}

#[test]
fn an_answer_that_is_too_long_is_not_kept() {
    let choices = vec![of(vec![AssistantPart::text("x".repeat(MAX_BYTES))], Finish::Stop)];
    assert_eq!(write(&ChatReply { choices, ..ChatReply::default() }, "m", &[], NOON), None);
}
