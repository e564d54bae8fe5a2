use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::domain::message::{About, Citation, Finish, Gather, JsonText, Usage};

fn gathered(events: impl IntoIterator<Item = Event>) -> ChatReply {
    let mut gather = Gather::default();
    events.into_iter().for_each(|event| gather.push(event).unwrap());
    gather.finish()
}

fn any_proof() -> impl Strategy<Value = Proof> {
    let kinds = [ProofKind::AnthropicSignature, ProofKind::GeminiSignature, ProofKind::ReasoningDetails];
    (prop::sample::select(kinds.to_vec()), "[a-z]{0,3}").prop_map(|(kind, value)| Proof { kind, value })
}

fn any_citation() -> impl Strategy<Value = Box<Citation>> {
    of("[a-z]{1,3}").prop_map(|url| Box::new(Citation { url, ..Citation::default() }))
}

fn any_event() -> impl Strategy<Value = Event> {
    let delta = || "[a-z ]{0,4}";
    let choice = 0_u32..3;
    let finishes = [Finish::Stop, Finish::Length, Finish::ToolCalls, Finish::ContentFilter];
    let pieces = [r#"{"content":[{"token":"a"}],"refusal":null}"#, r#"{"content":null}"#];
    choice.prop_flat_map(move |choice| {
        prop_oneof![
            delta().prop_map(move |delta| Event::Text { choice, delta }),
            delta().prop_map(move |delta| Event::Reasoning { choice, delta }),
            delta().prop_map(move |delta| Event::Refusal { choice, delta }),
            Just(Event::Boundary { choice }),
            any_proof().prop_map(move |proof| Event::Proof { choice, proof }),
            any_citation().prop_map(move |citation| Event::Citation { choice, citation }),
            (0_u32..3, delta(), of(any_proof())).prop_map(move |(index, id, proof)| {
                Event::ToolCall { choice, index, id, name: "f".into(), proof }
            }),
            (0_u32..3, delta()).prop_map(move |(index, delta)| Event::ToolArguments { choice, index, delta }),
            prop::sample::select(pieces.to_vec())
                .prop_map(move |json| Event::Logprobs { choice, logprobs: JsonText::parse(json).unwrap() }),
            prop::sample::select(finishes.to_vec()).prop_map(move |reason| Event::Finish { choice, reason }),
            (1_u64..9).prop_map(|n| Event::Usage(Usage { input_tokens: n, ..Usage::default() })),
            of("[a-z]{1,3}")
                .prop_map(|service_tier| Event::About(About { service_tier, ..About::default() })),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_replayed_gathers_to_the_same_reply(events in prop::collection::vec(any_event(), 0..40)) {
        let reply = gathered(events);
        prop_assert_eq!(gathered(replay(reply.clone())), reply);
    }
}

#[test]
fn a_replay_says_each_part_once_and_ends_each_choice() {
    let parts = vec![AssistantPart::text("A"), AssistantPart::ToolCall(ToolCall::new("c", "f", "{}"))];
    let choice = Choice { parts, finish: Finish::ToolCalls, logprobs: None };
    let events = replay(ChatReply { choices: vec![choice], ..ChatReply::default() });
    let expected = [
        Event::Text { choice: 0, delta: "A".into() },
        Event::Boundary { choice: 0 },
        Event::ToolCall { choice: 0, index: 0, id: "c".into(), name: "f".into(), proof: None },
        Event::ToolArguments { choice: 0, index: 0, delta: "{}".into() },
        Event::Finish { choice: 0, reason: Finish::ToolCalls },
    ];
    assert_eq!(events, expected);
}
