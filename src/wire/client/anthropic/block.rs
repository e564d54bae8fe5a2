//! Reads content blocks: what a person or a tool gives, and what the model has said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::domain::message::{
    AssistantPart, CachePoint, File, FileSource, Image, ImageSource, Part, Proof, ProofKind, Reasoning, Text,
    ToolCall,
};
use crate::domain::outbound::{self, Loopback};
use crate::wire::cache_control::CacheControl;
use crate::wire::client::content::Content;
use crate::wire::client::object::objects;
use crate::wire::client::{call_id, media, proof};

const MAX_NAME_CHARS: usize = 255;

pub struct BlockBody {
    pub kind: Option<String>,
    pub text: Option<String>,
    pub source: Option<SourceBody>,
    pub title: Option<String>,
    pub tool_use_id: Option<String>,
    pub content: Content<Self>,
    pub is_error: Option<bool>,
    pub id: Option<String>,
    pub name: Option<String>,
    pub input: Option<Box<RawValue>>,
    pub thinking: Option<String>,
    pub signature: Option<String>,
    pub data: Option<String>,
    pub cache_control: Option<CacheControl>,
    /// Sources of what was said, or whether some are wanted: no provider's wire has them here.
    pub citations: Option<Box<RawValue>>,
}

impl BlockBody {
    /// Whether it has citations, or wants them.
    pub fn is_cited(&self) -> bool {
        let says = |raw: &RawValue| !matches!(raw.get(), "null" | "[]" | "{}");
        self.citations.as_deref().is_some_and(says)
    }
}

pub struct SourceBody {
    kind: Option<String>,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    file_id: Option<String>,
    content: Content<BlockBody>,
}

objects! {
    BlockBody, "a content block object" {
        kind as "type", text, source, title, tool_use_id, content, is_error, id, name, input, thinking, signature, data,
        cache_control, citations,
    }
    SourceBody, "an object with a `type`" { kind as "type", media_type, data, url, file_id, content }
}

/// What is wrong with a block: the field, and how to mend it.
pub type Fault = (String, String);

fn fault(field: &str, words: impl Into<String>) -> Fault {
    (field.to_owned(), words.into())
}

/// Reads what is given in a user's turn or as a tool's result.
pub fn given(body: BlockBody) -> Result<Vec<Part>, Fault> {
    let cache = body.cache_control.map(|control| Part::CachePoint(control.into()));
    let part = match body.kind.as_deref() {
        Some("text") => Part::Text(text(body.text)?),
        Some("image") => {
            let source = image(body.source).map_err(|words| fault(".source", words))?;
            Part::Image(Image { source, detail: None })
        }
        Some("document") => Part::File(document(body.source, body.title)?),
        Some(other) => {
            let words = format!(
                "`{other:.64}` is not taken here: text, image, document, and tool_result in a user's turn are"
            );
            return Err(fault(".type", words));
        }
        None => return Err(fault(".type", "a content block needs a `type`")),
    };
    Ok([Some(part), cache].into_iter().flatten().collect())
}

/// Reads what the model has said before.
pub fn said(body: BlockBody) -> Result<Vec<AssistantPart>, Fault> {
    let cache = body.cache_control.map(|control| AssistantPart::CachePoint(CachePoint::from(control)));
    let part = match body.kind.as_deref() {
        Some("text") => AssistantPart::Text(Text { text: text(body.text)?, ..Text::default() }),
        Some("thinking") => {
            let text =
                body.thinking.ok_or_else(|| fault(".thinking", "a thinking block needs `thinking`"))?;
            let proof = body
                .signature
                .filter(|signature| !signature.is_empty())
                .map(|text| proof::read(text, ProofKind::AnthropicSignature));
            AssistantPart::Reasoning(Reasoning { text, proof })
        }
        Some("redacted_thinking") => {
            let data = body.data.filter(|data| !data.is_empty());
            let data = data.ok_or_else(|| fault(".data", "a redacted_thinking block needs `data`"))?;
            AssistantPart::Reasoning(Reasoning {
                text: String::new(),
                proof: Some(Proof::new(ProofKind::AnthropicRedacted, data)),
            })
        }
        Some("tool_use") => AssistantPart::ToolCall(tool_use(body.id, body.name, body.input)?),
        Some(other) => {
            let words = format!(
                "`{other:.64}` is not taken here: text, thinking, redacted_thinking and tool_use are"
            );
            return Err(fault(".type", words));
        }
        None => return Err(fault(".type", "a content block needs a `type`")),
    };
    Ok([Some(part), cache].into_iter().flatten().collect())
}

fn text(text: Option<String>) -> Result<String, Fault> {
    text.ok_or_else(|| fault(".text", "a text block needs `text`"))
}

fn tool_use(
    id: Option<String>,
    name: Option<String>,
    input: Option<Box<RawValue>>,
) -> Result<ToolCall, Fault> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let id = filled(id).ok_or_else(|| fault(".id", "a tool_use block needs an `id`"))?;
    let name = filled(name).ok_or_else(|| fault(".name", "a tool_use block needs a `name`"))?;
    let input = input.filter(|input| input.get().starts_with('{'));
    let input = input.ok_or_else(|| fault(".input", "a tool_use block needs `input`, an object"))?;
    let (id, signature) = call_id::read(&id);
    let proof = signature.map(|text| Proof::new(ProofKind::GeminiSignature, text));
    Ok(ToolCall { id: id.to_owned(), name, arguments: input.get().to_owned(), proof })
}

fn image(source: Option<SourceBody>) -> Result<ImageSource, String> {
    let source = source.ok_or("an image needs a `source`")?;
    match (source.kind.as_deref(), source.media_type, source.data, source.url) {
        (Some("base64"), Some(media_type), Some(data), _) if !data.is_empty() => {
            media::image_of(media_type, data)
        }
        (Some("base64"), ..) => Err("a source in base64 needs `media_type` and `data`".to_owned()),
        (Some("url"), _, _, Some(url)) => {
            outbound::check(&url, Loopback::Refused)
                .map_err(|refusal| format!("an image's address is a public https:// URL; {refusal}"))?;
            Ok(ImageSource::Url(url))
        }
        (Some("url"), ..) => Err("a source by its address needs a `url`".to_owned()),
        _ => Err("an image's source is of type base64 or url".to_owned()),
    }
}

fn document(source: Option<SourceBody>, title: Option<String>) -> Result<File, Fault> {
    if title.as_ref().is_some_and(|title| title.chars().nth(MAX_NAME_CHARS).is_some()) {
        return Err(fault(".title", format!("a title has at most {MAX_NAME_CHARS} characters")));
    }
    let name = title.filter(|title| !title.is_empty());
    let source = source.ok_or_else(|| fault(".source", "a document needs a `source`"))?;
    let plain = |text: String| (FileSource::Data(STANDARD.encode(text)), Some("text/plain".to_owned()));
    let (source, media_type) = match source.kind.as_deref() {
        Some("base64") => {
            let media_type = source.media_type.filter(|name| media::is_media_type(name));
            let media_type = media_type
                .ok_or_else(|| fault(".source.media_type", "is a media type, such as application/pdf"))?;
            let data = source.data.filter(|data| !data.is_empty());
            let data = data.ok_or_else(|| fault(".source.data", "a source in base64 needs `data`"))?;
            (FileSource::Data(data), Some(media_type))
        }
        Some("text") => plain(source.data.ok_or_else(|| fault(".source.data", "a text needs `data`"))?),
        Some("url") => {
            let url =
                source.url.ok_or_else(|| fault(".source.url", "a source by its address needs a `url`"))?;
            outbound::check(&url, Loopback::Refused).map_err(|refusal| {
                fault(".source.url", format!("a document's address is a public https:// URL; {refusal}"))
            })?;
            (FileSource::Url(url), None)
        }
        Some("file") => {
            let id = source.file_id.filter(|id| (1..=MAX_NAME_CHARS).contains(&id.len()));
            let id = id.ok_or_else(|| {
                fault(".source.file_id", format!("a file's id has 1 to {MAX_NAME_CHARS} characters"))
            })?;
            (FileSource::Id(id), None)
        }
        Some("content") => plain(texts(source.content)?),
        _ => return Err(fault(".source.type", "a document's source is base64, text, url, file or content")),
    };
    Ok(File { source, name, media_type })
}

/// A document that is given as blocks.
fn texts(content: Content<BlockBody>) -> Result<String, Fault> {
    match content {
        Content::Text(text) => Ok(text),
        Content::None => Err(fault(".source.content", "a source of content needs `content`")),
        Content::Parts(blocks) => {
            let texts = blocks.into_iter().map(|block| match block.kind.as_deref() {
                Some("text") => text(block.text),
                _ => Err(fault(".source.content", "only text blocks are taken in a document")),
            });
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n\n"))
        }
    }
}
