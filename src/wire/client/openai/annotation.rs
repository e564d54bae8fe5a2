//! Writes annotations: where an answer comes from.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::message::Citation;

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
        let url_citation = UrlCitation {
            url,
            title: citation.title.as_deref().unwrap_or_default(),
            content: citation.quote.as_deref(),
            start_index: citation.start.unwrap_or(0),
            end_index: citation.end.unwrap_or(0),
        };
        Some(Self::Url { kind: "url_citation", url_citation })
    }
}
