use proptest::prelude::*;

use super::*;
use crate::domain::message::ToolCall;
use crate::domain::time::Millis;

fn item(run: u32, step: u32, message: Message) -> Item {
    Item { position: 0, run, entry: 0, step, at: Millis(0), message }
}

fn said(text: &str) -> Item {
    item(0, 0, Message::user(text))
}

fn call(run: u32, step: u32, id: &str) -> Item {
    item(run, step, Message::Assistant { parts: vec![AssistantPart::ToolCall(ToolCall::new(id, "f", "{}"))] })
}

fn result(run: u32, id: &str) -> Item {
    item(run, 0, Message::tool(id, "done"))
}

/// Each message in a word.
fn words(messages: &[Message]) -> Vec<String> {
    let word = |message: &Message| match message {
        Message::System { text, .. } => format!("system {text}"),
        Message::User { parts, .. } => format!("user {}", parts.len()),
        Message::Assistant { parts } => {
            let calls: Vec<_> = AssistantPart::calls_of(parts).map(|call| call.id.as_str()).collect();
            format!("assistant {} {}", parts.len(), calls.join(" "))
        }
        Message::Tool { call_id, is_error, .. } => {
            format!("tool {call_id}{}", if *is_error { " failed" } else { "" })
        }
    };
    messages.iter().map(word).collect()
}

#[test]
fn the_pieces_of_a_turn_are_one_message() {
    let items = vec![
        said("Hi"),
        item(1, 1, Message::Assistant { parts: vec![AssistantPart::reasoning("hm")] }),
        item(1, 1, Message::assistant("Let me see")),
        call(1, 1, "a"),
        call(1, 1, "b"),
        result(1, "b"),
        result(1, "a"),
        item(1, 2, Message::assistant("There")),
    ];
    let expected = ["user 1", "assistant 4 a b", "tool a", "tool b", "assistant 1 "];
    assert_eq!(words(&sendable(items)), expected);
}

#[test]
fn what_people_say_between_a_call_and_its_result_comes_after() {
    let items = vec![said("Hi"), call(1, 1, "a"), said("Hurry"), result(1, "a"), said("Thanks")];
    assert_eq!(words(&sendable(items)), ["user 1", "assistant 1 a", "tool a", "user 1", "user 1"]);
}

#[test]
fn a_call_without_a_result_has_one_and_a_result_without_a_call_goes() {
    let items =
        vec![said("Hi"), result(1, "x"), call(1, 1, "a"), call(1, 1, "b"), result(1, "b"), result(1, "b")];
    assert_eq!(words(&sendable(items)), ["user 1", "assistant 2 a b", "tool a failed", "tool b"]);
}

#[test]
fn a_window_begins_with_what_a_person_says() {
    let items = vec![result(1, "a"), item(1, 2, Message::assistant("There")), said("And now?")];
    assert_eq!(words(&sendable(items)), ["user 1"]);
}

fn any_item() -> impl Strategy<Value = Item> {
    let id = prop::sample::select(&["a", "b", "c", "d"][..]);
    let message = prop_oneof![
        Just(Message::user("u")),
        Just(Message::system("s")),
        Just(Message::assistant("t")),
        Just(Message::Assistant { parts: vec![AssistantPart::reasoning("r")] }),
        Just(Message::Assistant { parts: Vec::new() }),
        id.clone().prop_map(|id| Message::Assistant {
            parts: vec![AssistantPart::ToolCall(ToolCall::new(id, "f", "{}"))]
        }),
        id.prop_map(|id| Message::tool(id, "r")),
    ];
    (0_u32..3, 0_u32..3, message).prop_map(|(run, step, message)| item(run, step, message))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_stands_in_a_transcript_every_call_has_one_result(items in prop::collection::vec(any_item(), 0..24)) {
        let people = items.iter().filter(|item| matches!(item.message, Message::User { .. })).count();
        let messages = sendable(items);
        let mut open: Vec<String> = Vec::new();
        let mut has_user = false;
        for message in &messages {
            match message {
                Message::Assistant { parts } => {
                    prop_assert!(open.is_empty() && has_user && !parts.is_empty());
                    let mut ids: Vec<String> = AssistantPart::calls_of(parts).map(|call| call.id.clone()).collect();
                    ids.sort();
                    ids.dedup();
                    open = ids;
                }
                Message::Tool { call_id, .. } => {
                    let at = open.iter().position(|id| id == call_id);
                    prop_assert!(at.is_some(), "a result without a call");
                    open.remove(at.unwrap());
                }
                Message::User { .. } => {
                    prop_assert!(open.is_empty(), "a call without a result");
                    has_user = true;
                }
                Message::System { .. } => prop_assert!(open.is_empty()),
            }
        }
        prop_assert!(open.is_empty());
        prop_assert_eq!(messages.iter().filter(|m| matches!(m, Message::User { .. })).count(), people);
    }
}
