//! Reads citations. The words that one supports are the text of its block: nothing else says where they are.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::message::{Citation, Proof, ProofKind};

/// Where the text of a block stands in the answer's, in characters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    start: u64,
    end: u64,
}

impl Place {
    /// The next block begins, or goes on with this text.
    pub fn begin(&mut self) {
        self.start = self.end;
    }

    pub fn go_on(&mut self, text: &str) {
        self.end += text.chars().count() as u64;
    }

    /// The citation at this place.
    pub fn of(self, mut citation: Citation) -> Citation {
        if self.end > self.start {
            (citation.start, citation.end) = (Some(self.start), Some(self.end));
        }
        citation
    }
}

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
