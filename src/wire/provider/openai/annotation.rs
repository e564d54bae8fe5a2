//! Reads annotations: where an answer comes from.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::message::{Citation, Proof, ProofKind};
use crate::wire::reasoning_details::list;

#[derive(Deserialize)]
struct Annotation {
    #[serde(rename = "type")]
    kind: String,
    url_citation: Option<UrlCitation>,
}

#[derive(Deserialize)]
struct UrlCitation {
    url: Option<String>,
    title: Option<String>,
    /// OpenRouter's: the words of the source.
    content: Option<String>,
    start_index: Option<u64>,
    end_index: Option<u64>,
}

/// The citations in a list of annotations; none of anything else.
pub fn citations(annotations: &RawValue) -> Vec<Citation> {
    list(annotations.get()).into_iter().map(citation).collect()
}

/// One that is not of the documented form is kept as it is.
fn citation(annotation: &RawValue) -> Citation {
    let read = serde_json::from_str::<Annotation>(annotation.get()).ok();
    match read.filter(|read| read.kind == "url_citation").and_then(|read| read.url_citation) {
        Some(UrlCitation { url, title, content, start_index, end_index }) => {
            Citation { url, title, quote: content, start: start_index, end: end_index, original: None }
        }
        None => {
            let original = Some(Proof::new(ProofKind::OpenaiAnnotation, annotation.get()));
            Citation { original, ..Citation::default() }
        }
    }
}
