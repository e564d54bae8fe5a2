//! Writes annotations: where an answer comes from.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::message::Citation;

/// Writes those of citations that say something.
///
/// # Errors
/// The serializer's.
pub(in crate::wire::client) fn write<S: Serializer>(
    citations: &&[Citation],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(citations.iter().filter_map(AnnotationBody::of))
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum AnnotationBody<'a> {
    Url {
        #[serde(rename = "type")]
        kind: &'static str,
        url_citation: UrlCitation<'a>,
    },
    /// As the provider wrote it.
    Original(&'a RawValue),
}

#[derive(Serialize)]
pub(super) struct UrlCitation<'a> {
    url: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    /// In characters. Where the place is not known it is empty, as clients insist on both.
    start_index: u64,
    end_index: u64,
}

impl<'a> AnnotationBody<'a> {
    /// `None` for a citation that says nothing.
    pub fn of(citation: &'a Citation) -> Option<Self> {
        let Some(url) = citation.url.as_deref() else {
            let original = citation.original.as_ref()?;
            return serde_json::from_str(&original.value).ok().map(Self::Original);
        };
        let place = citation.start.zip(citation.end).filter(|(start, end)| start <= end);
        let (start_index, end_index) = place.unwrap_or_default();
        let url_citation = UrlCitation {
            url,
            title: citation.title.as_deref().unwrap_or_default(),
            content: citation.quote.as_deref(),
            start_index,
            end_index,
        };
        Some(Self::Url { kind: "url_citation", url_citation })
    }
}
