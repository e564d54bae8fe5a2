use super::*;
use crate::domain::message::{About, Citation};

fn gathered(events: impl IntoIterator<Item = Event>) -> ChatReply {
    let mut gather = Gather::default();
    events.into_iter().for_each(|event| gather.push(event).unwrap());
    gather.finish()
}

fn text(delta: &str) -> Event {
    Event::Text { choice: 0, delta: delta.into() }
}

fn thought(delta: &str) -> Event {
    Event::Reasoning { choice: 0, delta: delta.into() }
}

fn proof(kind: ProofKind, value: &str) -> Event {
    Event::Proof { choice: 0, proof: Proof::new(kind, value) }
}

fn reasoning(text: &str, kind: ProofKind, value: &str) -> AssistantPart {
    AssistantPart::Reasoning(Reasoning { text: text.into(), proof: Some(Proof::new(kind, value)) })
}

fn call(index: u32) -> Event {
    Event::ToolCall { choice: 0, index, id: format!("c{index}"), name: "f".into(), proof: None }
}

fn arguments(index: u32, delta: &str) -> Event {
    Event::ToolArguments { choice: 0, index, delta: delta.into() }
}

#[test]
fn parts_stand_in_the_order_in_which_they_began() {
    let reply = gathered([
        thought("Hm"),
        thought(", so."),
        proof(ProofKind::AnthropicSignature, "s1"),
        Event::Boundary { choice: 0 },
        proof(ProofKind::AnthropicRedacted, "r"),
        Event::Boundary { choice: 0 },
        thought("Then"),
        proof(ProofKind::AnthropicSignature, "s2"),
        text("A"),
        Event::Boundary { choice: 0 },
        text("B"),
        call(0),
        Event::ToolCall {
            choice: 0,
            index: 1,
            id: "c1".into(),
            name: "f".into(),
            proof: Some(Proof::new(ProofKind::GeminiSignature, "g")),
        },
        arguments(0, "{"),
        arguments(1, "{}"),
        arguments(0, "}"),
        Event::Finish { choice: 0, reason: Finish::ToolCalls },
    ]);
    let mut second = ToolCall::new("c1", "f", "{}");
    second.proof = Some(Proof::new(ProofKind::GeminiSignature, "g"));
    let expected = [
        reasoning("Hm, so.", ProofKind::AnthropicSignature, "s1"),
        reasoning("", ProofKind::AnthropicRedacted, "r"),
        reasoning("Then", ProofKind::AnthropicSignature, "s2"),
        AssistantPart::text("A"),
        AssistantPart::text("B"),
        AssistantPart::ToolCall(ToolCall::new("c0", "f", "{}")),
        AssistantPart::ToolCall(second),
    ];
    assert_eq!(reply.choices[0].parts, expected);
    assert_eq!(reply.choices[0].finish, Finish::ToolCalls);
}

#[test]
fn what_proves_a_turn_belongs_to_its_first_reasoning() {
    let details = || proof(ProofKind::ReasoningDetails, "[]");
    let shown = gathered([thought("Hm"), text("A"), details()]);
    assert_eq!(shown.choices[0].parts[0], reasoning("Hm", ProofKind::ReasoningDetails, "[]"));
    let hidden = gathered([call(0), details(), arguments(0, "{}")]);
    let expected = [
        reasoning("", ProofKind::ReasoningDetails, "[]"),
        AssistantPart::ToolCall(ToolCall::new("c0", "f", "{}")),
    ];
    assert_eq!(hidden.choices[0].parts, expected);
}

#[test]
fn citations_belong_to_the_last_text_and_pieces_of_logprobs_are_joined() {
    let citation = Citation { url: Some("https://a.example.com".into()), ..Citation::default() };
    let logprobs = |json: &str| Event::Logprobs { choice: 0, logprobs: JsonText::parse(json).unwrap() };
    let about = About { service_tier: Some("flex".into()), ..About::default() };
    let reply = gathered([
        Event::About(about.clone()),
        text("A"),
        logprobs(r#"{"content":[{"token":"A","logprob":-0.10}],"refusal":null}"#),
        call(0),
        Event::Citation { choice: 0, citation: Box::new(citation.clone()) },
        logprobs(r#"{"content":[{"token":"B"}],"refusal":null}"#),
    ]);
    let choice = &reply.choices[0];
    assert_eq!(AssistantPart::citations_of(&choice.parts).collect::<Vec<_>>(), [&citation]);
    let joined = r#"{"content":[{"token":"A","logprob":-0.10},{"token":"B"}],"refusal":null}"#;
    assert_eq!(choice.logprobs.as_ref().unwrap().as_str(), joined);
    assert_eq!(reply.about, about);
}

#[test]
fn what_is_gathered_is_bounded_in_bytes_and_in_events() {
    let mut gather = Gather::default();
    let long = "x".repeat(Gather::MAX_BYTES / 2);
    assert_eq!(gather.push(text(&long)), Ok(()));
    assert_eq!(gather.push(text(&long)), Err(TooLarge));
    assert_eq!(gather.finish().choices[0].text().unwrap().len(), long.len());
    let mut gather = Gather::default();
    let taken = std::iter::repeat_with(|| gather.push(call(0))).take_while(Result::is_ok).count();
    assert!(taken < Gather::MAX_BYTES / 32);
}
