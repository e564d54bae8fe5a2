//! Reads citations.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::message::{Citation, Proof, ProofKind};

/// Of whatever type: a place in a document, or a page of the web.
#[derive(Default, Deserialize)]
struct Body {
    cited_text: Option<String>,
    url: Option<String>,
    title: Option<String>,
    document_title: Option<String>,
}

pub(super) fn citation(raw: &RawValue) -> Citation {
    let body: Body = serde_json::from_str(raw.get()).unwrap_or_default();
    Citation {
        url: body.url,
        title: body.title.or(body.document_title),
        quote: body.cited_text,
        original: Some(Proof::new(ProofKind::AnthropicCitation, raw.get())),
        ..Citation::default()
    }
}
