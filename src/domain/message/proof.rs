//! What a provider wants back unchanged, and nobody else understands.

use serde::{Deserialize, Serialize};

/// A provider's opaque token beside what its model said: proof that the model said it, or reasoning that only the
/// provider can read. It is sent back to a server that understands its kind and left out everywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub kind: ProofKind,
    /// As the provider wrote it.
    pub value: String,
}

/// Who makes a proof, and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// The `signature` of Anthropic's `thinking` block: beside reasoning.
    AnthropicSignature,
    /// The `data` of Anthropic's `redacted_thinking` block: reasoning without text.
    AnthropicRedacted,
    /// A citation of Anthropic's as JSON: beside a citation.
    AnthropicCitation,
    /// Gemini's `thoughtSignature`: beside a tool call, a text or reasoning.
    GeminiSignature,
    /// OpenRouter's `reasoning_details`, a JSON array: beside the reasoning of a whole turn.
    ReasoningDetails,
    /// The `encrypted_content` of a reasoning item of OpenAI's Responses API.
    OpenaiEncrypted,
    /// An annotation of OpenAI's as JSON that the neutral citation cannot hold.
    OpenaiAnnotation,
}

impl Proof {
    pub fn new(kind: ProofKind, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    /// The value, if it is of this kind.
    pub fn of_kind(&self, kind: ProofKind) -> Option<&str> {
        (self.kind == kind).then_some(self.value.as_str())
    }
}
