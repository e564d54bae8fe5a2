//! What proves reasoning, in the one place that this protocol has for it: the `signature` of a `thinking` block.
//!
//! Anthropic's own stands there as it is. Another provider's is told by its kind before it, so that it comes back to that
//! provider and to no other: `retinue.gemini_signature.<value>`.

use crate::domain::message::{Proof, ProofKind};

const OURS: &str = "retinue.";

/// Those of other providers that prove reasoning.
const KINDS: [(ProofKind, &str); 4] = [
    (ProofKind::GeminiSignature, "gemini_signature."),
    (ProofKind::ReasoningDetails, "reasoning_details."),
    (ProofKind::OpenaiEncrypted, "openai_encrypted."),
    (ProofKind::AnthropicRedacted, "anthropic_redacted."),
];

pub fn read(signature: String) -> Proof {
    let ours = signature.strip_prefix(OURS).and_then(|rest| {
        KINDS.iter().find_map(|(kind, name)| Some(Proof::new(*kind, rest.strip_prefix(name)?)))
    });
    ours.unwrap_or_else(|| Proof::new(ProofKind::AnthropicSignature, signature))
}

/// As a signature; `None` for what proves no reasoning.
pub fn write(proof: &Proof) -> Option<String> {
    if let Some(signature) = proof.of_kind(ProofKind::AnthropicSignature) {
        return Some(signature.to_owned());
    }
    let (_, name) = KINDS.iter().find(|(kind, _)| *kind == proof.kind)?;
    Some(format!("{OURS}{name}{}", proof.value))
}

pub fn redacted(data: String) -> Proof {
    Proof::new(ProofKind::AnthropicRedacted, data)
}

pub fn gemini(signature: String) -> Proof {
    Proof::new(ProofKind::GeminiSignature, signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_comes_back_as_whose_it_was() {
        for kind in [
            ProofKind::AnthropicSignature,
            ProofKind::GeminiSignature,
            ProofKind::ReasoningDetails,
            ProofKind::OpenaiEncrypted,
        ] {
            let proof = Proof::new(kind, "Eqo+Cqc/Ab4=");
            assert_eq!(read(write(&proof).unwrap()), proof);
        }
        assert_eq!(write(&Proof::new(ProofKind::OpenaiAnnotation, "{}")), None);
    }
}
