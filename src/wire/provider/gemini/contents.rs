//! A conversation as `systemInstruction` and `contents`.
//!
//! The results of one turn's calls must stand together in one content, and name the function they come from, which
//! the neutral model leaves to the call before. A signature goes back on the part that it came with.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::dialect::{CallIds, Dialect};
use crate::domain::message::image_type;
use crate::domain::message::{
    AssistantPart, Audio, File as GivenFile, FileSource, Image, ImageSource, Message, Part as Given, Proof,
    ProofKind, ToolCall,
};
use crate::wire::provider::fit::{NO_SIGNATURE, OPENING};
use crate::wire::provider::json::{self, Arguments};

/// One turn of the conversation, or the system's instruction.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    #[serde(skip_serializing_if = "Speaker::is_system")]
    role: Speaker,
    parts: Vec<Part<'a>>,
}

/// `Tools` goes out as `user`, but in a content of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    System,
    User,
    #[serde(rename = "user")]
    Tools,
    Model,
}

impl Speaker {
    fn is_system(&self) -> bool {
        *self == Self::System
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum Part<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        thought: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        thought_signature: Option<&'a str>,
    },
    Inline {
        inline_data: Blob<'a>,
    },
    File {
        file_data: File<'a>,
    },
    Call {
        function_call: Call<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        thought_signature: Option<&'a str>,
    },
    Response {
        function_response: Response<'a>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    file_uri: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    args: Arguments<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    response: Output<'a>,
}

/// A tool's result as the object that the API wants: a structured one as it is, a text under `output` also where it happens
/// to be JSON, and one that failed under `error`.
#[derive(Debug)]
pub(super) enum Output<'a> {
    Object(&'a RawValue),
    Text { text: Cow<'a, str>, is_error: bool },
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (text, is_error) = match self {
            Self::Object(raw) => return raw.serialize(serializer),
            Self::Text { text, is_error } => (text, *is_error),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(if is_error { "error" } else { "output" }, text)?;
        map.end()
    }
}

/// The system instruction with `said` at its end, and the turns.
///
/// The API refuses a request without contents; where there are only system messages the last becomes the user's.
pub(super) fn conversation<'a>(
    dialect: &Dialect,
    messages: &'a [Message],
    said: Option<&'a str>,
) -> (Option<Content<'a>>, Vec<Content<'a>>) {
    let mut system = Vec::new();
    let mut contents = Vec::new();
    // The calls of the last turn that have no result yet; results stand in their order.
    let mut open = VecDeque::new();
    // What tools have shown: the responses of one turn stand together, ahead of it.
    let mut pending = Vec::new();
    for message in messages {
        if !matches!(message, Message::Tool { .. }) {
            push(&mut contents, Speaker::Tools, pending.drain(..));
        }
        match message {
            Message::System { text, .. } => system.extend(spoken(text)),
            Message::User { parts, .. } => {
                push(&mut contents, Speaker::User, parts.iter().filter_map(|part| given(dialect, part)));
            }
            Message::Assistant { parts } => {
                let calls = AssistantPart::calls_of(parts);
                open = calls.map(|call| (call.id.as_str(), call.name.as_str())).collect();
                push(&mut contents, Speaker::Model, turn(dialect, parts).into_iter());
            }
            Message::Tool { call_id, parts, is_error } => {
                let place = open.iter().position(|(id, _)| id == call_id);
                let name =
                    place.and_then(|place| open.remove(place)).map_or(call_id.as_str(), |(_, name)| name);
                let response = response(dialect, call_id, name, parts, *is_error);
                push(&mut contents, Speaker::Tools, std::iter::once(response));
                pending.extend(shown(dialect, parts));
            }
        }
    }
    push(&mut contents, Speaker::Tools, pending.into_iter());
    if contents.is_empty() {
        // The first are the agent's instructions, which are nobody else's words.
        let said = if system.len() > 1 { system.pop() } else { None };
        push(&mut contents, Speaker::User, said.or_else(|| spoken(OPENING)).into_iter());
    }
    if dialect.user_first && contents.first().is_some_and(|first| first.role == Speaker::Model) {
        contents.insert(0, Content { role: Speaker::User, parts: spoken(OPENING).into_iter().collect() });
    }
    system.extend(said.and_then(spoken));
    let system = (!system.is_empty()).then_some(Content { role: Speaker::System, parts: system });
    (system, contents)
}

fn push<'a>(contents: &mut Vec<Content<'a>>, role: Speaker, parts: impl Iterator<Item = Part<'a>>) {
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return;
    }
    match contents.last_mut() {
        Some(last) if last.role == role => last.parts.extend(parts),
        _ => contents.push(Content { role, parts: parts.collect() }),
    }
}

/// The API refuses empty text.
fn spoken(text: &str) -> Option<Part<'_>> {
    let text = Cow::Borrowed(text);
    (!text.is_empty()).then_some(Part::Text { text, thought: false, thought_signature: None })
}

/// A turn of the model's.
fn turn<'a>(dialect: &Dialect, parts: &'a [AssistantPart]) -> Vec<Part<'a>> {
    let mut written = Vec::with_capacity(parts.len());
    let mut calls = 0;
    for part in parts {
        match part {
            AssistantPart::Text(text) => {
                let thought_signature = signature(text.proof.as_ref());
                if !text.text.is_empty() || thought_signature.is_some() {
                    let text = Cow::Borrowed(text.text.as_str());
                    written.push(Part::Text { text, thought: false, thought_signature });
                }
            }
            AssistantPart::Reasoning(reasoning) => {
                // Thoughts are only of use to the model with what proves them.
                if let Some(signature) = signature(reasoning.proof.as_ref()) {
                    let text = Cow::Borrowed(reasoning.text.as_str());
                    written.push(Part::Text { text, thought: true, thought_signature: Some(signature) });
                }
            }
            AssistantPart::Refusal(text) => written.extend(spoken(text)),
            AssistantPart::ToolCall(call) => {
                written.push(called(dialect, call, calls == 0));
                calls += 1;
            }
            AssistantPart::CachePoint(_) => {}
        }
    }
    written
}

fn signature(proof: Option<&Proof>) -> Option<&str> {
    proof.and_then(|proof| proof.of_kind(ProofKind::GeminiSignature))
}

/// Only the first of calls made at once has a signature.
fn called<'a>(dialect: &Dialect, call: &'a ToolCall, is_first: bool) -> Part<'a> {
    let demanded = dialect.signed_calls && is_first;
    let thought_signature = call.signature().or_else(|| demanded.then_some(NO_SIGNATURE));
    let id = identifier(dialect, &call.id);
    let name = dialect.tool_names.fit(&call.name);
    let args = Arguments::read(&call.arguments);
    Part::Call { function_call: Call { id, name, args }, thought_signature }
}

/// A tool's result.
fn response<'a>(
    dialect: &Dialect,
    call_id: &'a str,
    name: &'a str,
    parts: &'a [Given],
    is_error: bool,
) -> Part<'a> {
    let object = match parts {
        [Given::Json(json)] if !is_error => json::object(json.as_str()),
        _ => None,
    };
    let mut texts = parts.iter().filter_map(|part| match part {
        Given::Text(text) => Some(text.as_str()),
        Given::Json(json) => Some(json.as_str()),
        _ => None,
    });
    let first = Cow::Borrowed(texts.next().unwrap_or_default());
    let text = texts.fold(first, |whole, text| whole + "\n" + text);
    let response = Response {
        id: identifier(dialect, call_id),
        name: dialect.tool_names.fit(name),
        response: object.map_or(Output::Text { text, is_error }, Output::Object),
    };
    Part::Response { function_response: response }
}

/// What a tool has shown and its result cannot hold.
fn shown<'a>(dialect: &Dialect, parts: &'a [Given]) -> impl Iterator<Item = Part<'a>> {
    let shown = parts.iter().filter(|part| !matches!(part, Given::Text(_) | Given::Json(_)));
    shown.filter_map(|part| given(dialect, part))
}

fn given<'a>(dialect: &Dialect, part: &'a Given) -> Option<Part<'a>> {
    match part {
        Given::Text(text) => spoken(text),
        Given::Json(json) => spoken(json.as_str()),
        Given::Image(image) => Some(picture(image)),
        Given::File(file) => document(dialect, file),
        Given::Audio(Audio { format, data }) => dialect
            .audio
            .then_some(Part::Inline { inline_data: Blob { mime_type: format.media_type(), data } }),
        Given::CachePoint(_) => None,
    }
}

fn picture(image: &Image) -> Part<'_> {
    match &image.source {
        ImageSource::Url(url) => Part::File { file_data: File { mime_type: image_type(url), file_uri: url } },
        ImageSource::Data { media_type, base64 } => {
            Part::Inline { inline_data: Blob { mime_type: media_type, data: base64 } }
        }
    }
}

fn document<'a>(dialect: &Dialect, file: &'a GivenFile) -> Option<Part<'a>> {
    let media_type = file.media_type.as_deref();
    match &file.source {
        FileSource::Data(data) if dialect.file_data => {
            let mime_type = media_type.unwrap_or("application/pdf");
            Some(Part::Inline { inline_data: Blob { mime_type, data } })
        }
        FileSource::Url(uri) if dialect.file_url => {
            let mime_type = media_type.or_else(|| mime_type(uri));
            Some(Part::File { file_data: File { mime_type, file_uri: uri } })
        }
        FileSource::Id(uri) if dialect.file_id => {
            Some(Part::File { file_data: File { mime_type: media_type, file_uri: uri } })
        }
        FileSource::Data(_) | FileSource::Url(_) | FileSource::Id(_) => None,
    }
}

/// The type that an address ends in, among those the API takes; without one it finds out itself.
fn mime_type(url: &str) -> Option<&'static str> {
    let is_pdf = url.split(['?', '#']).next().is_some_and(|path| path.to_ascii_lowercase().ends_with(".pdf"));
    if is_pdf { Some("application/pdf") } else { image_type(url) }
}

/// Older models know only identifiers they issued themselves, and seldom did.
fn identifier<'a>(dialect: &Dialect, id: &'a str) -> Option<Cow<'a, str>> {
    let is_known = dialect.call_ids_sent == CallIds::All || !id.starts_with("call_");
    is_known.then(|| dialect.call_ids.fit(id))
}
