//! Content blocks of a request.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::domain::dialect::Dialect;
use crate::domain::message::{CachePoint, File, FileSource, Image, ImageSource, Part};
use crate::wire::cache_control::CacheControl;
use crate::wire::provider::json::Arguments;

/// A content block of a request.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Image {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Thinking {
        thinking: Cow<'a, str>,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: Arguments<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: ResultContent<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Url { url: &'a str },
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'static str, data: String },
    File { file_id: &'a str },
}

/// A tool's result: text where it is nothing else.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ResultContent<'a> {
    Text(&'a str),
    Blocks(Vec<Block<'a>>),
}

impl<'a> Block<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }

    const fn cache_control(&mut self) -> Option<&mut Option<CacheControl>> {
        match self {
            Self::Text { cache_control, .. }
            | Self::Image { cache_control, .. }
            | Self::Document { cache_control, .. }
            | Self::ToolUse { cache_control, .. }
            | Self::ToolResult { cache_control, .. } => Some(cache_control),
            Self::Thinking { .. } | Self::RedactedThinking { .. } => None,
        }
    }
}

impl<'a> ResultContent<'a> {
    pub fn of(dialect: &Dialect, parts: &'a [Part]) -> Self {
        match parts {
            [] => Self::Text(""),
            [Part::Text(text)] => Self::Text(text),
            [Part::Json(json)] => Self::Text(json.as_str()),
            parts => Self::Blocks(given(dialect, parts)),
        }
    }
}

/// What a user or a tool has given.
pub(super) fn given<'a>(dialect: &Dialect, parts: &'a [Part]) -> Vec<Block<'a>> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(text) if text.trim().is_empty() => {}
            Part::Text(text) => blocks.push(Block::text(text)),
            Part::Json(json) => blocks.push(Block::text(json.as_str())),
            Part::Image(image) => blocks.push(Block::Image { source: picture(image), cache_control: None }),
            Part::File(file) => blocks.extend(document(dialect, file)),
            // The protocol has no place for it; the entry was passed over unless another had said it.
            Part::Audio(_) => {}
            Part::CachePoint(point) => mark(&mut blocks, Some(*point).filter(|_| dialect.cache_points)),
        }
    }
    blocks
}

/// Marks the last block as the end of what is worth caching.
pub(super) fn mark(blocks: &mut [Block<'_>], point: Option<CachePoint>) {
    let Some(point) = point else { return };
    if let Some(cache_control) = blocks.iter_mut().rev().find_map(Block::cache_control) {
        *cache_control = Some(CacheControl::of(point));
    }
}

fn picture(image: &Image) -> Source<'_> {
    match &image.source {
        ImageSource::Url(url) => Source::Url { url },
        ImageSource::Data { media_type, base64 } => Source::Base64 { media_type, data: base64 },
    }
}

fn document<'a>(dialect: &Dialect, file: &'a File) -> Option<Block<'a>> {
    let media_type = file.media_type.as_deref().unwrap_or("application/pdf");
    let source = match &file.source {
        FileSource::Data(base64) if dialect.file_data => match plain_text(media_type, base64) {
            Some(data) => Source::Text { media_type: "text/plain", data },
            None => Source::Base64 { media_type, data: base64 },
        },
        FileSource::Url(url) if dialect.file_url => Source::Url { url },
        FileSource::Id(file_id) if dialect.file_id => Source::File { file_id },
        FileSource::Data(_) | FileSource::Url(_) | FileSource::Id(_) => return None,
    };
    Some(Block::Document { source, title: file.name.as_deref(), cache_control: None })
}

/// The API takes text as text.
fn plain_text(media_type: &str, base64: &str) -> Option<String> {
    let is_text = media_type.starts_with("text/") || media_type == "application/json";
    let bytes = if is_text { STANDARD.decode(base64).ok()? } else { return None };
    String::from_utf8(bytes).ok()
}
