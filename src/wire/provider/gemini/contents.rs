//! A conversation as `systemInstruction` and `contents`.
//!
//! The results of one turn's calls must stand together in one content, and name the function they come from, which
//! the neutral model leaves to the call before.

use std::collections::HashMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::model::Traits;
use crate::domain::message::{Image, ImageSource, Message, Part as Said, ToolCall};
use crate::wire::provider::call_id;
use crate::wire::provider::json::{self, Arguments};

/// Sent for a call whose signature is unknown, as the documentation says to do for calls that another model made.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

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
        text: &'a str,
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
        thought_signature: Option<String>,
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
    mime_type: Option<&'static str>,
    file_uri: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    args: Arguments<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    response: Output<'a>,
}

/// A tool's result as the object that the API wants: itself if it is one, or under `output`.
#[derive(Debug)]
pub(super) struct Output<'a>(&'a str);

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(raw) = json::object(self.0) {
            return raw.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("output", self.0)?;
        map.end()
    }
}

/// The system instruction with `said` at its end, and the turns.
///
/// The API refuses a request without contents; where there are only system messages the last becomes the user's.
pub(super) fn conversation<'a>(
    traits: Traits,
    messages: &'a [Message],
    said: Option<&'a str>,
) -> (Option<Content<'a>>, Vec<Content<'a>>) {
    let mut system = Vec::new();
    let mut contents = Vec::new();
    let mut names = HashMap::new();
    for message in messages {
        match message {
            Message::System { text } => system.extend(spoken(text)),
            Message::User { parts } => push(&mut contents, Speaker::User, parts.iter().filter_map(part)),
            Message::Assistant { text, tool_calls } => {
                names.extend(tool_calls.iter().map(|call| (call.id.as_str(), call.name.as_str())));
                let text = text.as_deref().and_then(spoken);
                push(&mut contents, Speaker::Model, text.into_iter().chain(calls(traits, tool_calls)));
            }
            Message::Tool { call_id, text } => {
                let name = names.get(call_id.as_str()).copied().unwrap_or(call_id);
                let response = Response { id: identifier(traits, call_id), name, response: Output(text) };
                let part = Part::Response { function_response: response };
                push(&mut contents, Speaker::Tools, std::iter::once(part));
            }
        }
    }
    if contents.is_empty() {
        push(&mut contents, Speaker::User, system.pop().into_iter());
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
    (!text.is_empty()).then_some(Part::Text { text })
}

fn part(part: &Said) -> Option<Part<'_>> {
    match part {
        Said::Text(text) => spoken(text),
        Said::Image(image) => Some(picture(image)),
    }
}

fn picture(image: &Image) -> Part<'_> {
    match &image.source {
        ImageSource::Url(url) => Part::File { file_data: File { mime_type: mime_type(url), file_uri: url } },
        ImageSource::Data { media_type, base64 } => {
            Part::Inline { inline_data: Blob { mime_type: media_type, data: base64 } }
        }
    }
}

/// The type that an address ends in, among those the API takes; without one it finds out itself.
fn mime_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, extension) = path.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "gif" => Some("image/gif"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        _ => None,
    }
}

/// Only the first of calls made at once has a signature.
fn calls(traits: Traits, calls: &[ToolCall]) -> impl Iterator<Item = Part<'_>> {
    calls.iter().enumerate().map(move |(at, call)| {
        let (_, signature) = call_id::read(&call.id);
        let demanded = traits.third_generation && at == 0;
        let thought_signature = signature.or_else(|| demanded.then(|| NO_SIGNATURE.to_owned()));
        let id = identifier(traits, &call.id);
        let args = Arguments::read(&call.arguments);
        Part::Call { function_call: Call { id, name: &call.name, args }, thought_signature }
    })
}

/// Older models know only identifiers they issued themselves, and seldom did.
fn identifier(traits: Traits, id: &str) -> Option<&str> {
    let (id, _) = call_id::read(id);
    (traits.third_generation || !id.starts_with("call_")).then_some(id)
}
