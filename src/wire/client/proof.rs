//! What proves reasoning, in the one place that a protocol has for it: the `signature` of Anthropic's `thinking` blocks, the
//! `encrypted_content` of OpenAI's reasoning items.
//!
//! What the protocol's own provider has made stands there as it is. Another's is told by its kind before it, so that it comes back to
//! that provider and to no other: `retinue.gemini_signature.<value>`.

use crate::domain::message::{Proof, ProofKind};

const OURS: &str = "retinue.";

/// Those that prove reasoning.
const KINDS: [(ProofKind, &str); 5] = [
    (ProofKind::GeminiSignature, "gemini_signature."),
    (ProofKind::ReasoningDetails, "reasoning_details."),
    (ProofKind::OpenaiEncrypted, "openai_encrypted."),
    (ProofKind::AnthropicRedacted, "anthropic_redacted."),
    (ProofKind::AnthropicSignature, "anthropic_signature."),
];

/// `own`: what stands there as it is.
pub fn read(text: String, own: ProofKind) -> Proof {
    let ours = text.strip_prefix(OURS).and_then(|rest| {
        KINDS.iter().find_map(|(kind, name)| Some(Proof::new(*kind, rest.strip_prefix(name)?)))
    });
    ours.unwrap_or_else(|| Proof::new(own, text))
}

/// `None` for what proves no reasoning.
pub fn write(proof: &Proof, own: ProofKind) -> Option<String> {
    if let Some(text) = proof.of_kind(own) {
        return Some(text.to_owned());
    }
    let (_, name) = KINDS.iter().find(|(kind, _)| *kind == proof.kind)?;
    Some(format!("{OURS}{name}{}", proof.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_comes_back_as_whose_it_was() {
        for own in [ProofKind::AnthropicSignature, ProofKind::OpenaiEncrypted] {
            for (kind, _) in KINDS {
                let proof = Proof::new(kind, "Eqo+Cqc/Ab4=");
                assert_eq!(read(write(&proof, own).unwrap(), own), proof);
            }
            assert_eq!(write(&Proof::new(ProofKind::OpenaiAnnotation, "{}"), own), None);
        }
    }
}
