//! `reasoning_details`: how OpenRouter and its clients carry proofs of reasoning in OpenAI's protocol.
//!
//! An array of `{type, format, index, …}`: `reasoning.text` with `text` and `signature`, `reasoning.encrypted` with
//! `data`, `reasoning.summary` with `summary`. What a client sends back is kept as it is; entries of Anthropic's format
//! can also be sent to Anthropic itself. Source: OpenRouter's guide "Reasoning tokens", read 2026-11.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::message::{AssistantPart, Proof, ProofKind, Reasoning};

const ANTHROPIC: &str = "anthropic-claude-v1";
const OPENAI: &str = "openai-responses-v1";

/// One entry, as far as it is read and written here.
#[derive(Debug, Serialize, Deserialize)]
pub struct Detail<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    format: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    data: Option<Cow<'a, str>>,
}

/// The details of one turn: entries of its own proofs, and those that were kept as they came.
pub fn write(parts: &[AssistantPart]) -> Option<Box<RawValue>> {
    let mut entries = Vec::new();
    for part in parts {
        let AssistantPart::Reasoning(reasoning) = part else { continue };
        match &reasoning.proof {
            Some(Proof { kind: ProofKind::ReasoningDetails, value }) => {
                entries.extend(list(value).into_iter().map(|raw| raw.get().to_owned()));
            }
            Some(proof) => entries.extend(entry(entries.len(), &reasoning.text, proof)),
            None => {}
        }
    }
    if entries.is_empty() { None } else { RawValue::from_string(format!("[{}]", entries.join(","))).ok() }
}

/// The entry of one proof; `None` for proofs that have another place.
pub fn entry(index: usize, text: &str, proof: &Proof) -> Option<String> {
    let value = Some(Cow::Borrowed(proof.value.as_str()));
    let plain = Detail {
        kind: "reasoning.text".into(),
        format: None,
        index: None,
        text: None,
        signature: None,
        data: None,
    };
    let detail = match proof.kind {
        ProofKind::AnthropicSignature => {
            Detail { format: Some(ANTHROPIC.into()), text: Some(text.into()), signature: value, ..plain }
        }
        ProofKind::AnthropicRedacted => Detail {
            kind: "reasoning.encrypted".into(),
            format: Some(ANTHROPIC.into()),
            data: value,
            ..plain
        },
        ProofKind::OpenaiEncrypted => {
            Detail { kind: "reasoning.encrypted".into(), format: Some(OPENAI.into()), data: value, ..plain }
        }
        ProofKind::GeminiSignature
        | ProofKind::ReasoningDetails
        | ProofKind::AnthropicCitation
        | ProofKind::OpenaiAnnotation => return None,
    };
    serde_json::to_string(&Detail { index: u32::try_from(index).ok(), ..detail }).ok()
}

/// What a client sent back, as parts: entries of Anthropic's one by one, so that they reach Anthropic's own API as well; a
/// list with others as it is, beside the reasoning's text.
pub fn read(raw: &RawValue, text: &str) -> Vec<AssistantPart> {
    let entries = list(raw.get());
    if entries.is_empty() {
        return Vec::new();
    }
    let own: Option<Vec<_>> = entries.iter().map(|entry| of_anthropic(entry)).collect();
    own.unwrap_or_else(|| {
        let proof = Some(Proof::new(ProofKind::ReasoningDetails, raw.get()));
        vec![AssistantPart::Reasoning(Reasoning { text: text.to_owned(), proof })]
    })
}

/// The reasoning parts in a proof of a whole turn that Anthropic's own API understands.
pub fn anthropic_parts(details: &str) -> impl Iterator<Item = AssistantPart> {
    list(details).into_iter().filter_map(of_anthropic)
}

fn of_anthropic(entry: &RawValue) -> Option<AssistantPart> {
    let detail: Detail<'_> = serde_json::from_str(entry.get()).ok()?;
    if !detail.format.is_some_and(|format| format.starts_with("anthropic")) {
        return None;
    }
    let (kind, value) = match (detail.signature, detail.data) {
        (Some(signature), _) => (ProofKind::AnthropicSignature, signature),
        (None, Some(data)) => (ProofKind::AnthropicRedacted, data),
        (None, None) => return None,
    };
    let text = detail.text.unwrap_or_default().into_owned();
    Some(AssistantPart::Reasoning(Reasoning { text, proof: Some(Proof::new(kind, value)) }))
}

/// The entries of an array; none of anything else.
pub fn list(json: &str) -> Vec<&RawValue> {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven(text: &str, kind: ProofKind, value: &str) -> AssistantPart {
        AssistantPart::Reasoning(Reasoning { text: text.into(), proof: Some(Proof::new(kind, value)) })
    }

    #[test]
    fn proofs_of_anthropics_survive_a_client_that_sends_details_back() {
        let parts = [
            proven("Hm \"so\".", ProofKind::AnthropicSignature, "c2ln+/="),
            AssistantPart::text("A"),
            proven("", ProofKind::AnthropicRedacted, "ZGF0YQ=="),
        ];
        let written = write(&parts).unwrap();
        assert_eq!(read(&written, "ignored"), [parts[0].clone(), parts[2].clone()]);
        assert_eq!(anthropic_parts(written.get()).count(), 2);
    }

    #[test]
    fn what_others_made_is_kept_letter_by_letter() {
        let text = r#"[{"type":"reasoning.encrypted","data":"x","id":"r1","format":"openai-responses-v1", "index":0}]"#;
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        let parts = read(&raw, "Aloud.");
        assert_eq!(parts, [proven("Aloud.", ProofKind::ReasoningDetails, text)]);
        assert_eq!(write(&parts).unwrap().get().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(anthropic_parts(text).count(), 0);
    }

    #[test]
    fn what_is_no_list_is_nothing() {
        for json in ["{}", "7", "[]", "\"x\""] {
            assert_eq!(read(&RawValue::from_string(json.to_owned()).unwrap(), "t"), [], "{json}");
        }
        assert!(write(&[AssistantPart::reasoning("Hm")]).is_none());
    }
}
