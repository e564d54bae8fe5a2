use proptest::prelude::*;

use super::*;
use crate::domain::message::ToolCall;
use crate::domain::thread::id::RunId;
use crate::domain::time::Millis;

fn item(run: u32, step: u32, message: Message) -> Item {
    Item { position: 0, run, entry: 0, step, at: Millis(0), message, stands_for: None, by: None }
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

#[test]
fn a_result_stands_at_its_call_whatever_was_appended_meanwhile() {
    let items = vec![
        said("Hi"),
        call(1, 1, "a"),
        call(1, 1, "b"),
        item(0, 0, Message::assistant("By the way")),
        call(0, 0, "x"),
        item(0, 0, Message::tool("x", "appended")),
        said("Hurry"),
        result(1, "b"),
        result(1, "a"),
    ];
    let expected = ["user 1", "assistant 2 a b", "tool a", "tool b", "assistant 2 x", "tool x", "user 1"];
    assert_eq!(words(&sendable(items)), expected);
}

#[test]
fn what_is_appended_answers_no_call_of_a_run() {
    let items = vec![
        said("Hi"),
        call(1, 1, "a"),
        call(0, 0, "a"),
        item(0, 0, Message::tool("a", "forged")),
        item(1, 1, Message::tool("a", "real")),
    ];
    let messages = sendable(items);
    assert_eq!(words(&messages), ["user 1", "assistant 1 a", "tool a", "assistant 1 a_2", "tool a_2"]);
    assert_eq!(messages[2], Message::tool("a", "real"));
    assert_eq!(messages[4], Message::tool("a_2", "forged"));
}

#[test]
fn a_call_that_is_appended_has_no_id_of_the_threads_runs() {
    let (own, other) = (ThreadKey::of_bytes([0x70; 16]), ThreadKey::of_bytes([0x71; 16]));
    let id = |thread| format!("{}-65536", crate::domain::thread::id::RunId { thread, number: 1 });
    let turn = |ids: &[String]| Message::Assistant {
        parts: ids.iter().map(|id| AssistantPart::ToolCall(ToolCall::new(id.as_str(), "f", "{}"))).collect(),
    };
    let messages =
        [Message::user("Hi"), turn(&["call_1".to_owned(), id(other)]), turn(&["x".to_owned(), id(own)])];
    let faults = claimed_ids(own, "items", &messages);
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["items[2].tool_calls[1].id"]);
}

/// A history of runs, one after the other, each of steps with calls; between any two of its entries something is appended,
/// also calls and results under the ids of runs. Some calls have no result.
fn any_history() -> impl Strategy<Value = Vec<Item>> {
    let id = prop::sample::select(&["a", "b", "1-0", "1-1", "2-0"][..]);
    let appended = prop_oneof![
        Just(Vec::new()),
        Just(Vec::new()),
        Just(vec![Message::user("u")]),
        Just(vec![Message::system("s")]),
        Just(vec![Message::assistant("t")]),
        Just(vec![Message::Assistant { parts: Vec::new() }]),
        (id.clone(), any::<bool>()).prop_map(|(id, is_answered)| {
            let call = AssistantPart::ToolCall(ToolCall::new(id, "f", "{}"));
            let mut appended = vec![Message::Assistant { parts: vec![call] }];
            appended.extend(is_answered.then(|| Message::tool(id, "appended")));
            appended
        }),
        id.prop_map(|id| vec![Message::tool(id, "appended")]),
    ];
    // Of each step, in which order its calls are answered, if they are.
    let step = prop::collection::vec(prop::option::of(0_u8..4), 0..4);
    let runs = prop::collection::vec(prop::collection::vec(step, 1..4), 1..4);
    (runs, prop::collection::vec(appended, 60)).prop_map(|(runs, appended)| {
        let mut between = appended.into_iter();
        let mut items = Vec::new();
        let mut push = |items: &mut Vec<Item>, one: Vec<Item>| {
            items.extend(between.next().into_iter().flatten().map(|message| item(0, 0, message)));
            items.extend(one);
        };
        for (run, steps) in (1..).zip(runs) {
            push(&mut items, vec![item(run, 0, Message::user("u"))]);
            let mut nth = 0;
            for (step, calls) in (1..).zip(steps) {
                let ids: Vec<_> = calls
                    .iter()
                    .map(|order| {
                        nth += 1;
                        (*order, format!("{run}-{}", nth - 1))
                    })
                    .collect();
                let text = item(run, step, Message::assistant("t"));
                push(
                    &mut items,
                    std::iter::once(text).chain(ids.iter().map(|(_, id)| call(run, step, id))).collect(),
                );
                let mut answered: Vec<_> =
                    ids.iter().filter_map(|(order, id)| Some(((*order)?, id))).collect();
                answered.sort();
                for (_, id) in answered {
                    push(&mut items, vec![item(run, step, Message::tool(id, format!("result of {id}")))]);
                }
            }
        }
        items
    })
}

/// Each call with the text of its result, where all is in the form that providers want.
fn checked(messages: &[Message]) -> Result<Vec<(String, String)>, TestCaseError> {
    let mut open: VecDeque<String> = VecDeque::new();
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut has_user = false;
    for message in messages {
        match message {
            Message::Tool { call_id, parts, .. } => {
                let next = open.pop_front();
                prop_assert_eq!(next.as_ref(), Some(call_id), "a result without its call");
                let [Part::Text(text)] = &parts[..] else { panic!("{parts:?}") };
                pairs.push((call_id.clone(), text.clone()));
            }
            Message::Assistant { parts } => {
                prop_assert!(open.is_empty() && has_user && !parts.is_empty());
                open = AssistantPart::calls_of(parts).map(|call| call.id.clone()).collect();
            }
            Message::User { .. } => {
                prop_assert!(open.is_empty(), "a call without a result");
                has_user = true;
            }
            Message::System { .. } => prop_assert!(open.is_empty()),
        }
    }
    prop_assert!(open.is_empty());
    let ids: std::collections::HashSet<&String> = pairs.iter().map(|(id, _)| id).collect();
    prop_assert_eq!(ids.len(), pairs.len(), "two calls have one id");
    Ok(pairs)
}

#[test]
fn a_call_that_a_run_has_left_to_its_client_has_its_result_from_the_next() {
    let thread = ThreadKey::new(Millis(1), [1; 10]);
    let id = |run| EntryId { run: RunId { thread, number: run }, number: 7 }.to_string();
    let history = |first| {
        vec![said("Hi"), call(first, 1, &id(1)), result(2, &id(1)), item(2, 1, Message::assistant("Ok"))]
    };
    for first in [1, 0] {
        // In a copy it is of no run.
        let call = format!("assistant 1 {}", id(1));
        let expected = ["user 1".to_owned(), call, format!("tool {}", id(1)), "assistant 1 ".to_owned()];
        assert_eq!(words(&sendable(history(first))), expected);
    }
    // The call is left out by now: what was said is said all the same.
    let left = vec![said("Hi"), result(2, &id(1)), item(2, 1, Message::assistant("Ok"))];
    assert_eq!(words(&sendable(left)), ["user 1", "user 2", "assistant 1 "]);
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
        checked(&messages)?;
        prop_assert_eq!(messages.iter().filter(|m| matches!(m, Message::User { .. })).count(), people);
    }

    #[test]
    fn whatever_is_appended_the_calls_of_runs_have_the_results_that_were_recorded(items in any_history()) {
        let is_run = |item: &&Item| item.run > 0;
        let mut recorded: Vec<String> = items.iter().filter(is_run).filter_map(|item| match &item.message {
            Message::Tool { parts, .. } => match &parts[..] {
                [Part::Text(text)] => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }).collect();
        let made = items.iter().filter(is_run).filter(|item| match &item.message {
            Message::Assistant { parts } => AssistantPart::calls_of(parts).next().is_some(),
            _ => false,
        }).count();
        let pairs = checked(&sendable(items))?;
        let of_runs: Vec<&(String, String)> = pairs.iter().filter(|(_, text)| text.starts_with("result of ")).collect();
        for (id, text) in &of_runs {
            // An id that was appended before is another's.
            let own = text.trim_start_matches("result of ");
            prop_assert!(id == own || id.starts_with(&format!("{own}_")), "{} has the {}", id, text);
        }
        let mut sent: Vec<String> = of_runs.into_iter().map(|(_, text)| text.clone()).collect();
        recorded.sort();
        sent.sort();
        prop_assert_eq!(sent, recorded, "a recorded result is missing or stands twice");
        prop_assert!(pairs.len() >= made);
    }
}
