//! Reads annotations: where an answer comes from.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::message::{Citation, Proof, ProofKind};
use crate::wire::provider::lenient::Count;
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
    #[serde(default)]
    start_index: Count,
    #[serde(default)]
    end_index: Count,
}

/// The citations in a list of annotations; none of anything else.
pub fn citations(annotations: &RawValue) -> Vec<Citation> {
    list(annotations.get()).into_iter().map(citation).collect()
}

/// Perplexity's sources, which stand beside the choices: pages with titles, or addresses alone.
pub struct Sources<'a> {
    pub search_results: Option<&'a RawValue>,
    pub citations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Page {
    url: Option<String>,
    title: Option<String>,
    snippet: Option<String>,
}

/// The most sources of an answer that are kept.
const MAX_SOURCES: usize = 100;

impl Sources<'_> {
    pub fn read(self) -> Vec<Citation> {
        let pages: Vec<Page> = self.search_results.and_then(read).unwrap_or_default();
        let addresses: Vec<String> = self.citations.and_then(read).unwrap_or_default();
        let pages =
            pages.into_iter().filter(|page| page.url.is_some()).map(|Page { url, title, snippet }| {
                Citation {
                    url,
                    title,
                    quote: snippet.filter(|words| !words.is_empty()),
                    ..Citation::default()
                }
            });
        let mut cited: Vec<Citation> = pages.take(MAX_SOURCES).collect();
        if cited.is_empty() {
            let addresses = addresses.into_iter().take(MAX_SOURCES);
            cited.extend(addresses.map(|url| Citation { url: Some(url), ..Citation::default() }));
        }
        cited
    }
}

/// What is not of the documented form is none.
fn read<T: serde::de::DeserializeOwned>(json: &RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

/// No answer is so long that a place in it could be beyond.
const MOST_CHARACTERS: u64 = u32::MAX as u64;

fn place(index: Count) -> Option<u64> {
    index.0.filter(|place| *place <= MOST_CHARACTERS)
}

/// One that is not of the documented form is kept as it is.
fn citation(annotation: &RawValue) -> Citation {
    let read = serde_json::from_str::<Annotation>(annotation.get()).ok();
    let cited = read.filter(|read| read.kind == "url_citation").and_then(|read| read.url_citation);
    match cited.filter(|cited| cited.url.is_some()) {
        Some(UrlCitation { url, title, content, start_index, end_index }) => Citation {
            url,
            title,
            quote: content,
            start: place(start_index),
            end: place(end_index),
            original: None,
        },
        None => {
            let original = Some(Proof::new(ProofKind::OpenaiAnnotation, annotation.get()));
            Citation { original, ..Citation::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_cannot_be_in_an_answer_is_none() {
        for (place, expected) in [
            ("3", Some(3)),
            ("-3", None),
            ("\"a\"", None),
            ("100000000000000000000", None),
            ("4294967296", None),
        ] {
            let annotation = format!(
                r#"[{{"type":"url_citation","url_citation":{{"url":"https://a.example","start_index":{place},"end_index":{place}}}}}]"#
            );
            let cited = citations(serde_json::from_str(&annotation).unwrap());
            assert_eq!((cited[0].start, cited[0].end), (expected, expected), "{place}");
            assert_eq!((cited[0].url.as_deref(), &cited[0].original), (Some("https://a.example"), &None));
        }
    }
}
