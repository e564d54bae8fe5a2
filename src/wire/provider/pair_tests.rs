//! The same answer whole and streamed: both ways of reading it must agree, for each wire.

use super::fixtures::{gathered, steady};
use super::{Renamed, decode};
use crate::domain::message::{AssistantPart, ChatReply, Citation, JsonText, Proof, ProofKind, Reasoning};
use crate::domain::provider::Wire;

macro_rules! pair {
    ($wire:literal) => {
        (
            include_bytes!(concat!("../../../tests/fixtures/", $wire, "/pair.json")).as_slice(),
            include_bytes!(concat!("../../../tests/fixtures/", $wire, "/pair.sse")).as_slice(),
        )
    };
}

/// What both say.
fn agreed(wire: Wire, (whole, stream): (&[u8], &[u8])) -> ChatReply {
    let reply = decode(wire, &Renamed::default(), whole).unwrap();
    let (events, end) = steady(wire, stream);
    assert_eq!(end, Ok(()));
    let streamed = gathered(&events);
    assert_eq!(format!("{:#?}", normal(&streamed)), format!("{:#?}", normal(&reply)));
    reply
}

/// JSON that is put together of pieces has its members in another order and no blanks.
fn normal(reply: &ChatReply) -> ChatReply {
    let mut reply = reply.clone();
    let sorted = |json: &str| {
        let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
        value.sort_all_objects();
        value.to_string()
    };
    for choice in &mut reply.choices {
        let logprobs = choice.logprobs.take();
        choice.logprobs = logprobs.and_then(|logprobs| JsonText::parse(sorted(logprobs.as_str())));
        for part in &mut choice.parts {
            if let AssistantPart::Reasoning(Reasoning { proof: Some(proof), .. }) = part
                && proof.kind == ProofKind::ReasoningDetails
            {
                proof.value = sorted(&proof.value);
            }
        }
    }
    reply
}

fn proven(text: &str, kind: ProofKind, value: &str) -> AssistantPart {
    AssistantPart::Reasoning(Reasoning { text: text.into(), proof: Some(Proof::new(kind, value)) })
}

#[test]
fn an_answer_of_openais_wire_says_the_same_whole_and_streamed() {
    let reply = agreed(Wire::OpenAi, pair!("openai"));
    let choice = &reply.choices[0];
    assert!(matches!(&choice.parts[0], AssistantPart::Reasoning(reasoning)
        if reasoning.text == "Rings: Saturn." && reasoning.proof.is_some()));
    let citations: Vec<_> = AssistantPart::citations_of(&choice.parts).collect();
    assert_eq!(citations[0].quote.as_deref(), Some("It has rings."));
    assert_eq!(citations[1].original.as_ref().map(|proof| proof.kind), Some(ProofKind::OpenaiAnnotation));
    assert_eq!(choice.calls().next().unwrap().signature(), Some("Z29vZw=="));
    assert!(choice.logprobs.as_ref().unwrap().as_str().contains("\" has rings.\""));
    assert_eq!(reply.about.system_fingerprint.as_deref(), Some("fp_1"));
}

#[test]
fn an_answer_of_anthropics_wire_says_the_same_whole_and_streamed() {
    let reply = agreed(Wire::Anthropic, pair!("anthropic"));
    let parts = &reply.choices[0].parts;
    let thoughts = [
        proven("Rings: Saturn.", ProofKind::AnthropicSignature, "c2lnMQ=="),
        proven("", ProofKind::AnthropicRedacted, "ZW5j"),
        proven("", ProofKind::AnthropicSignature, "c2lnMg=="),
    ];
    assert_eq!(parts[..3], thoughts);
    assert_eq!(parts.len(), 8);
    let citations: Vec<_> = AssistantPart::citations_of(parts).map(|cited| cited.title.as_deref()).collect();
    assert_eq!(citations, [Some("Saturn"), Some("Planets")]);
    let text: Vec<char> = AssistantPart::text_of(parts).unwrap().chars().collect();
    let words = |cited: &Citation| -> String {
        text[cited.start.unwrap() as usize..cited.end.unwrap() as usize].iter().collect()
    };
    let words: Vec<_> = AssistantPart::citations_of(parts).map(words).collect();
    assert_eq!(words, ["Saturn", " has rings."], "a citation is of its block");
}

#[test]
fn an_answer_of_geminis_wire_says_the_same_whole_and_streamed() {
    let reply = agreed(Wire::Gemini, pair!("gemini"));
    let choice = &reply.choices[0];
    let [_, AssistantPart::Text(text), AssistantPart::Text(_), ..] = choice.parts.as_slice() else {
        panic!("{choice:?}")
    };
    assert_eq!(text.proof, Some(Proof::new(ProofKind::GeminiSignature, "dGV4dA==")));
    let signatures: Vec<_> = choice.calls().map(|call| call.signature()).collect();
    assert_eq!(signatures, [Some("Z29vZw=="), None]);
    assert!(choice.logprobs.as_ref().unwrap().as_str().contains("\"token\":\"Mars\""));
}

#[test]
fn an_answer_of_workers_ai_says_the_same_whole_and_streamed() {
    let reply = agreed(Wire::WorkersAi, pair!("workers_ai"));
    assert_eq!(reply.choices[0].calls().count(), 2);
}
