use serde_json::{Value, json};

use super::*;
use crate::domain::message::{Choice, Proof};

fn write(parts: Vec<AssistantPart>, finish: Finish) -> Value {
    let envelope = Envelope { id: "msg_1", model: "triage", warnings: &[], cached: false };
    let choice = Choice { parts, finish, logprobs: None };
    let answer = ChatReply { choices: vec![choice], ..ChatReply::default() };
    let usage = Usage {
        input_tokens: 100,
        cached_input_tokens: 60,
        cache_write_tokens: 30,
        output_tokens: 7,
        ..Usage::default()
    };
    serde_json::from_slice(&reply(&envelope, &answer, &usage, Nanos::new(1_500_000))).unwrap()
}

#[test]
fn an_answer_keeps_its_order_and_its_proofs() {
    let proof = |kind, value: &str| Some(Proof::new(kind, value));
    let thought = |text: &str, proof| AssistantPart::Reasoning(Reasoning { text: text.to_owned(), proof });
    let mut signed = ToolCall::new("call_1", "weather", r#"{"n": 1.0}"#);
    signed.proof = proof(ProofKind::GeminiSignature, "QUJD");
    let written = write(
        vec![
            thought("Hm.", proof(ProofKind::AnthropicSignature, "sig")),
            thought("", proof(ProofKind::AnthropicRedacted, "data")),
            thought("aloud", None),
            thought("", proof(ProofKind::OpenaiEncrypted, "enc")),
            AssistantPart::text("Yes."),
            AssistantPart::Text(Text { proof: proof(ProofKind::GeminiSignature, "x"), ..Text::default() }),
            AssistantPart::ToolCall(signed),
            AssistantPart::ToolCall(ToolCall::new("call_2", "weather", "{\"cut")),
        ],
        Finish::ToolCalls,
    );
    assert_eq!(
        written["content"],
        json!([
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "data"},
            {"type": "thinking", "thinking": "aloud", "signature": ""},
            {"type": "thinking", "thinking": "", "signature": "retinue.openai_encrypted.enc"},
            {"type": "text", "text": "Yes."},
            {"type": "tool_use", "id": "call_1__thought__QUJD", "name": "weather", "input": {"n": 1.0}},
            {"type": "tool_use", "id": "call_2", "name": "weather", "input": {"arguments": "{\"cut"}},
        ])
    );
    assert_eq!((&written["stop_reason"], &written["stop_sequence"]), (&json!("tool_use"), &Value::Null));
    assert_eq!((&written["type"], &written["role"]), (&json!("message"), &json!("assistant")));
}

#[test]
fn what_is_cached_is_counted_apart() {
    let written = write(vec![AssistantPart::text("Yes.")], Finish::Length);
    let usage = json!({"input_tokens": 10, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 60,
        "output_tokens": 7, "cost_usd": "0.001500"});
    assert_eq!((&written["usage"], &written["stop_reason"]), (&usage, &json!("max_tokens")));
}

#[test]
fn sources_are_the_providers_own_or_of_the_web() {
    let own = r#"{"type":"page_location","cited_text":"q"}"#;
    let citations = vec![
        Citation { original: Some(Proof::new(ProofKind::AnthropicCitation, own)), ..Citation::default() },
        Citation { url: Some("https://a.example".to_owned()), ..Citation::default() },
        Citation { title: Some("of nothing".to_owned()), ..Citation::default() },
    ];
    let written = write(
        vec![AssistantPart::Text(Text { text: "Yes.".to_owned(), citations, proof: None })],
        Finish::Stop,
    );
    let written = written["content"][0]["citations"].as_array().unwrap();
    assert_eq!(written.len(), 2);
    assert_eq!(written[0], serde_json::from_str::<Value>(own).unwrap());
    assert_eq!(written[1]["url"], "https://a.example");
}
