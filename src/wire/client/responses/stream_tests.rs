use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::domain::message::Proof;
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::time::Millis;

fn encoder() -> StreamEncoder {
    StreamEncoder::new("resp_1".to_owned(), 1, Base::unknown())
}

fn entry(number: u32) -> EntryId {
    EntryId { run: RunId { thread: ThreadKey::new(Millis(1), [1; 10]), number: 1 }, number }
}

fn text(delta: &str) -> Event {
    Event::Text { choice: 0, delta: delta.to_owned() }
}

fn data(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// What happens in a run with a tool, its texts cut at these places.
fn told(encoder: &mut StreamEncoder, cuts: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let say = |encoder: &mut StreamEncoder, item: u32, words: &str, out: &mut Vec<u8>| {
        encoder.piece(entry(item), out);
        let chars: Vec<char> = words.chars().collect();
        let mut from = 0;
        for cut in cuts.iter().map(|cut| cut % (chars.len() + 1)).chain([chars.len()]) {
            if cut > from {
                encoder.event(&text(&chars[from..cut].iter().collect::<String>()), out);
                from = cut;
            }
        }
    };
    encoder.step(&mut out);
    say(encoder, 1, "Ich schaue nach – Öl?", &mut out);
    encoder.called(&entry(2), "search", "{}", &mut out);
    encoder.resulted(&entry(2), &[Part::Text("found".to_owned())], false, &mut out);
    encoder.step(&mut out);
    say(encoder, 3, "Da ist es.", &mut out);
    encoder.finish(&Usage::default(), Nanos::ZERO, &mut out);
    out
}

#[test]
fn each_item_begins_and_ends_once_and_in_its_order() {
    let events = data(&told(&mut encoder(), &[3]));
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let (added, done) = (of("response.output_item.added"), of("response.output_item.done"));
    let index =
        |events: &[&Value]| events.iter().map(|event| event["output_index"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (index(&added), index(&done)),
        (vec![0.into(), 1.into(), 2.into()], vec![0.into(), 1.into(), 2.into()])
    );
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["status"], "completed");
    let kinds: Vec<&str> =
        response["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "mcp_call", "message"]);
    assert_eq!(response["output"][1]["output"], "found");
    assert_eq!(response["output"][2]["content"][0]["text"], "Da ist es.");
}

#[test]
fn calls_that_the_model_writes_side_by_side_are_items_of_their_own() {
    let (mut encoder, mut out) = (encoder(), Vec::new());
    for index in 0..2 {
        let (id, name) = (format!("call_{index}"), "f".to_owned());
        encoder.event(&Event::ToolCall { choice: 0, index, id, name, proof: None }, &mut out);
    }
    for (index, delta) in [(1, "{\"b\""), (0, "{\"a\""), (1, ":1}"), (0, ":0}")] {
        encoder.event(&Event::ToolArguments { choice: 0, index, delta: delta.to_owned() }, &mut out);
    }
    encoder.event(&Event::Finish { choice: 0, reason: Finish::ToolCalls }, &mut out);
    encoder.finish(&Usage::default(), Nanos::ZERO, &mut out);
    let response = data(&out).pop().unwrap()["response"].clone();
    let calls: Vec<(&str, &str)> = response["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["call_id"].as_str().unwrap(), call["arguments"].as_str().unwrap()))
        .collect();
    assert_eq!(calls, [("call_0", "{\"a\":0}"), ("call_1", "{\"b\":1}")]);
    assert_ne!(response["output"][0]["id"], response["output"][1]["id"]);
}

#[test]
fn a_thought_carries_what_proves_it() {
    let (mut encoder, mut out) = (encoder(), Vec::new());
    encoder.event(&Event::Reasoning { choice: 0, delta: "Hm.".to_owned() }, &mut out);
    let proof = Proof::new(ProofKind::AnthropicSignature, "abc");
    encoder.event(&Event::Proof { choice: 0, proof }, &mut out);
    encoder.event(&text("Hello"), &mut out);
    encoder.finish(&Usage::default(), Nanos::ZERO, &mut out);
    let response = data(&out).pop().unwrap()["response"].clone();
    let thought = &response["output"][0];
    assert_eq!((&thought["type"], &thought["summary"][0]["text"]), (&"reasoning".into(), &"Hm.".into()));
    assert_eq!(thought["encrypted_content"], "retinue.anthropic_signature.abc");
    assert_eq!(response["output"][1]["content"][0]["text"], "Hello");
}

#[test]
fn what_is_void_stands_in_no_whole_answer() {
    let (mut encoder, mut unsent) = (encoder(), Vec::new());
    encoder.step(&mut unsent);
    encoder.event(&text("Hel"), &mut unsent);
    encoder.void();
    encoder.event(&text("Hello"), &mut unsent);
    encoder.finish(&Usage::default(), Nanos::ZERO, &mut unsent);
    let whole: Value = serde_json::from_slice(&encoder.into_whole(&Usage::default(), Nanos::ZERO)).unwrap();
    assert_eq!(whole["output"].as_array().unwrap().len(), 1);
    assert_eq!(whole["output"][0]["content"][0]["text"], "Hello");
}

proptest! {
    /// Whoever comes back with any number goes on at that letter, in whatever pieces the answer comes then.
    #[test]
    fn whoever_comes_back_misses_nothing_and_hears_nothing_twice(
        first in prop::collection::vec(0_usize..30, 0..5),
        then in prop::collection::vec(0_usize..30, 0..5),
        heard in 0_usize..40,
    ) {
        let cuts = |mut cuts: Vec<usize>| { cuts.sort_unstable(); cuts };
        let live = data(&told(&mut encoder(), &cuts(first)));
        let seen = &live[..heard.min(live.len())];
        let known = seen.last().map(|event| event["sequence_number"].as_u64().unwrap());
        let again = data(&told(&mut encoder().behind(known), &cuts(then)));
        let said = |events: &[Value]| -> String {
            events.iter().filter(|event| event["type"] == "response.output_text.delta")
                .map(|event| event["delta"].as_str().unwrap()).collect()
        };
        prop_assert_eq!(said(seen) + &said(&again), said(&live));
        let others = |events: &[Value]| -> Vec<Value> {
            events.iter().filter(|event| event["type"] != "response.output_text.delta").cloned().collect()
        };
        prop_assert_eq!([others(seen), others(&again)].concat(), others(&live));
    }
}
