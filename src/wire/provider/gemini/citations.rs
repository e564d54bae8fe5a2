//! Reads where an answer comes from, and which of its words.
//!
//! Places are bytes of a part of the answer there, and characters of its whole text here. A stream's are of the whole text, a
//! whole reply's of the part that is named; where the segment's own words stand beside them, they decide.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::message::Citation;
use crate::wire::provider::lenient::{Count, Lenient};

/// Where the answer repeats a source.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CitationMetadata {
    #[serde(alias = "citations")]
    citation_sources: Option<Vec<Repeated>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repeated {
    uri: Option<String>,
    title: Option<String>,
    #[serde(default)]
    start_index: Count,
    #[serde(default)]
    end_index: Count,
}

/// What the answer was looked up in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroundingMetadata {
    grounding_chunks: Option<Vec<GroundingChunk>>,
    grounding_supports: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroundingChunk {
    #[serde(alias = "retrievedContext")]
    web: Option<Page>,
}

#[derive(Clone, Default, Deserialize)]
struct Page {
    uri: Option<String>,
    title: Option<String>,
}

/// Which words come from which of the chunks.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Support {
    #[serde(default)]
    segment: Lenient<Segment>,
    #[serde(default)]
    grounding_chunk_indices: Vec<usize>,
}

/// A start that is missing is zero: the API leaves zeros out.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Segment {
    part_index: Count,
    start_index: Count,
    end_index: Count,
    text: Option<String>,
}

/// The most citations of an answer that are kept, besides sources that are cited nowhere, of which there are as many.
const MAX_CITATIONS: usize = 100;
/// The longest text, in bytes, in which places are looked for.
const MAX_TEXT: usize = 256 * 1024;

/// The text of a choice so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    text: String,
    /// Where the parts of the last response begin; `None` for one that is no text.
    parts: Vec<Option<usize>>,
    /// Whether an earlier response said something.
    is_continued: bool,
    is_too_long: bool,
}

impl Said {
    /// Another response begins.
    pub fn go_on(&mut self) {
        self.is_continued = !self.text.is_empty();
        self.parts.clear();
    }

    /// Takes the next part of the response; `None` for one that is no text of the answer.
    pub fn part(&mut self, text: Option<&str>) {
        self.parts.push(text.map(|_| self.text.len()));
        let text = text.unwrap_or_default();
        self.is_too_long |= self.text.len() + text.len() > MAX_TEXT;
        if !self.is_too_long {
            self.text.push_str(text);
        }
    }

    /// The place in characters; `None` where it is not known.
    fn place(&self, segment: &Segment) -> Option<(u64, u64)> {
        if self.is_too_long {
            return None;
        }
        let start = usize::try_from(segment.start_index.0.unwrap_or(0)).ok()?;
        let end = usize::try_from(segment.end_index.0?).ok()?;
        let part = usize::try_from(segment.part_index.0.unwrap_or(0)).ok()?;
        let of_part = self.parts.get(part).copied().flatten();
        let bases = if self.is_continued { [Some(0), of_part] } else { [of_part, Some(0)] };
        let words = segment.text.as_deref();
        let fits = |base: usize| {
            let (start, end) = (base.checked_add(start)?, base.checked_add(end)?);
            let said = self.text.get(start..end).filter(|said| !said.is_empty())?;
            words.is_none_or(|words| words == said).then_some((start, end))
        };
        let (start, end) = bases.into_iter().flatten().find_map(fits)?;
        let before = self.text[..start].chars().count() as u64;
        Some((before, before + self.text[start..end].chars().count() as u64))
    }
}

/// The sources of the answer: those that it repeats, those of its words, and those of no word.
pub(super) fn citations(
    repeated: Option<CitationMetadata>,
    grounding: Option<GroundingMetadata>,
    said: &Said,
) -> Vec<Citation> {
    let repeated = repeated.and_then(|metadata| metadata.citation_sources).unwrap_or_default();
    let mut cited: Vec<Citation> = Vec::new();
    for Repeated { uri, title, start_index, end_index } in repeated.into_iter().take(MAX_CITATIONS) {
        let segment = Segment { start_index, end_index, ..Segment::default() };
        cited.extend(citation(Page { uri, title }, said.place(&segment)));
    }
    let Some(GroundingMetadata { grounding_chunks, grounding_supports }) = grounding else { return cited };
    let pages: Vec<Option<Page>> =
        grounding_chunks.unwrap_or_default().into_iter().map(|chunk| chunk.web).collect();
    let supports: Vec<Support> =
        grounding_supports.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let mut is_cited = vec![false; pages.len()];
    for support in supports.into_iter().take(MAX_CITATIONS) {
        let segment = support.segment.0.filter(|_| cited.len() < MAX_CITATIONS);
        let Some(place) = segment.and_then(|segment| said.place(&segment)) else { continue };
        for chunk in support.grounding_chunk_indices.into_iter().take(MAX_CITATIONS) {
            let Some(page) = pages.get(chunk).cloned().flatten() else { continue };
            is_cited[chunk] = true;
            cited.extend(citation(page, Some(place)));
        }
    }
    let uncited = pages.into_iter().zip(is_cited).filter(|(_, is_cited)| !is_cited);
    let uncited = uncited.filter_map(|(page, _)| citation(page?, None)).take(MAX_CITATIONS);
    cited.extend(uncited);
    cited
}

fn citation(Page { uri, title }: Page, place: Option<(u64, u64)>) -> Option<Citation> {
    let (start, end) = place.unzip();
    Some(Citation { url: Some(uri?), title, start, end, ..Citation::default() })
}

#[cfg(test)]
#[path = "citations_tests.rs"]
mod tests;
