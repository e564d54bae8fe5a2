//! Reads whole replies, and the pieces that replies and streams have in common.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::annotation::{Sources, citations};
use super::calls::{NO_ARGUMENTS, id_of};
use super::error::{fault, interrupted, reported};
use super::usage::UsageBody;
use crate::domain::message::{
    About, AssistantPart, ChatReply, Choice, Finish, Proof, ProofKind, Reasoning, Text as Said, ToolCall,
    Usage,
};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json::{count_call, malformed, unused};
use crate::wire::provider::lenient::{Index, Lenient};
use crate::wire::reasoning_details;

/// Reads a whole reply.
///
/// # Errors
/// [`DecodeError`] when it is not a chat completion, or is an error in spite of its status.
pub fn decode(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let text = body;
    let body: Body<'_> = serde_json::from_slice(text).map_err(|error| malformed("the reply", &error))?;
    let says_why = body.message.is_some() || body.detail.is_some();
    if body.error.is_some() || body.choices.is_none() && says_why {
        return Err(reported(text));
    }
    let usage = body.usage.0.and_then(UsageBody::read);
    let bodies = body.choices.unwrap_or_default();
    let mut about = left_out(&bodies);
    (about.service_tier, about.system_fingerprint) = (body.service_tier.0, body.system_fingerprint.0);
    let mut choices = choices(bodies, usage)?;
    let sources = Sources { search_results: body.search_results, citations: body.citations };
    if let Some(first) = choices.first_mut() {
        first.cite(|| sources.read());
    }
    Ok(ChatReply { choices, usage, about })
}

/// What the answers have besides text and calls.
pub fn left_out(bodies: &[ChoiceBody<'_>]) -> About {
    let mut about = About::default();
    for message in bodies.iter().map(|choice| &choice.message) {
        for (name, raw) in [("audio", message.audio), ("images", message.images)] {
            if raw.is_some_and(|raw| raw.get() != "[]") {
                about.leave_out(name);
            }
        }
    }
    about
}

/// The choices in the order of their numbers; at least one.
pub fn choices(mut bodies: Vec<ChoiceBody<'_>>, usage: Option<Usage>) -> Result<Vec<Choice>, DecodeError> {
    if bodies.is_empty() {
        return Err(DecodeError::Malformed("the reply has no choices".to_owned()));
    }
    bodies.sort_by_key(|choice| choice.index.0.unwrap_or(0));
    let has_content = bodies.iter().any(|choice| choice.message.has_content());
    let calls =
        bodies.iter().map(|choice| choice.message.tool_calls.as_ref().map_or(0, Vec::len)).sum::<usize>();
    count_call(calls.saturating_sub(1))?;
    let choices = bodies.into_iter().map(ChoiceBody::read).collect::<Result<_, _>>();
    choices.map_err(|error| broken_off(error, usage, has_content))
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    choices: Option<Vec<ChoiceBody<'a>>>,
    #[serde(default)]
    usage: Lenient<UsageBody>,
    #[serde(default)]
    service_tier: Lenient<String>,
    #[serde(default)]
    system_fingerprint: Lenient<String>,
    /// Perplexity's, as are the next.
    #[serde(borrow)]
    search_results: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    error: Option<IgnoredAny>,
    /// An error that stands by itself, as vLLM and FastAPI write it.
    message: Option<IgnoredAny>,
    detail: Option<IgnoredAny>,
}

/// One choice of a whole reply.
#[derive(Deserialize)]
pub struct ChoiceBody<'a> {
    #[serde(default)]
    index: Index,
    #[serde(borrow)]
    message: MessageBody<'a>,
    #[serde(default)]
    finish_reason: Lenient<String>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
    /// OpenRouter's place for why the provider behind it broke off.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessageBody<'a> {
    #[serde(default)]
    content: Text,
    #[serde(default)]
    reasoning_content: Text,
    #[serde(default)]
    reasoning: Text,
    #[serde(default)]
    refusal: Text,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<CallBody<'a>>>,
    /// The call of before there were several.
    #[serde(borrow)]
    function_call: Option<FunctionBody<'a>>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    #[serde(borrow)]
    images: Option<&'a RawValue>,
}

/// One tool call of a whole reply.
#[derive(Deserialize)]
pub struct CallBody<'a> {
    #[serde(default)]
    id: Lenient<String>,
    #[serde(borrow)]
    function: Option<FunctionBody<'a>>,
    /// Workers AI's own form has the function's fields here.
    name: Option<String>,
    #[serde(default, borrow)]
    arguments: Embedded<'a>,
    #[serde(default)]
    extra_content: Lenient<ExtraContent>,
}

/// Where Gemini's signature stands in OpenAI's protocol.
#[derive(Deserialize)]
pub struct ExtraContent {
    google: Option<Google>,
}

#[derive(Deserialize)]
struct Google {
    thought_signature: Option<String>,
}

impl ExtraContent {
    pub fn proof(self) -> Option<Proof> {
        let signature = self.google?.thought_signature.filter(|signature| !signature.is_empty())?;
        Some(Proof::new(ProofKind::GeminiSignature, signature))
    }
}

/// What is called, or a piece of it.
#[derive(Default, Deserialize)]
pub struct FunctionBody<'a> {
    pub name: Option<String>,
    #[serde(default, borrow)]
    pub arguments: Embedded<'a>,
}

impl MessageBody<'_> {
    fn has_content(&self) -> bool {
        let texts = [&self.content, &self.reasoning_content, &self.reasoning, &self.refusal];
        let mut said = texts.into_iter().flat_map(|text| [&text.answer, &text.thinking]).flatten();
        said.any(|text| !text.is_empty())
            || self.reasoning_details.is_some()
            || self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
            || self.function_call.is_some()
    }
}

impl ChoiceBody<'_> {
    fn read(self) -> Result<Choice, DecodeError> {
        if let Some(error) = self.error {
            return Err(fault(error.get().as_bytes()));
        }
        let message = self.message;
        let mut tool_calls = tool_calls(message.tool_calls)?;
        if let Some(function) = message.function_call.filter(|_| tool_calls.is_empty()) {
            tool_calls.push(CallBody::of(function).read(0)?);
        }
        let finish = match self.finish_reason.0.as_deref().map(finish).transpose()?.flatten() {
            Some(finish) => finish,
            None if tool_calls.is_empty() => Finish::Stop,
            None => Finish::ToolCalls,
        };
        let Text { answer, thinking } = message.content;
        let mut parts = Vec::new();
        let reasoning = first_said([message.reasoning_content.answer, message.reasoning.answer, thinking]);
        parts.extend(reasoned(reasoning, message.reasoning_details));
        let citations = message.annotations.map(citations).unwrap_or_default();
        let text = answer.unwrap_or_default();
        if !text.is_empty() || !citations.is_empty() {
            parts.push(AssistantPart::Text(Said { text, citations, proof: None }));
        }
        let refusal = message.refusal.answer.filter(|refusal| !refusal.is_empty());
        parts.extend(refusal.map(AssistantPart::Refusal));
        parts.extend(tool_calls.into_iter().map(AssistantPart::ToolCall));
        Ok(Choice { parts, finish, logprobs: self.logprobs.map(Into::into) })
    }
}

/// Reasoning with what proves it.
fn reasoned(text: Option<String>, details: Option<&RawValue>) -> Option<AssistantPart> {
    let details = details.filter(|details| !reasoning_details::list(details.get()).is_empty());
    let proof = details.map(|details| Proof::new(ProofKind::ReasoningDetails, details.get()));
    let is_reasoned = text.is_some() || proof.is_some();
    is_reasoned.then(|| AssistantPart::Reasoning(Reasoning { text: text.unwrap_or_default(), proof }))
}

/// Reads the tool calls of a whole reply.
pub fn tool_calls(calls: Option<Vec<CallBody<'_>>>) -> Result<Vec<ToolCall>, DecodeError> {
    let calls = calls.unwrap_or_default();
    count_call(calls.len().saturating_sub(1))?;
    let mut ids = HashSet::new();
    let read = |(number, call): (u32, CallBody<'_>)| {
        let mut call = call.read(number)?;
        call.id = unused(call.id, &mut ids);
        Ok(call)
    };
    (0..).zip(calls).map(read).collect()
}

impl<'a> CallBody<'a> {
    fn of(function: FunctionBody<'a>) -> Self {
        let (id, extra_content) = Default::default();
        Self { id, function: Some(function), name: None, arguments: Embedded::default(), extra_content }
    }

    fn read(self, number: u32) -> Result<ToolCall, DecodeError> {
        let function = self.function.unwrap_or(FunctionBody { name: self.name, arguments: self.arguments });
        let name =
            function.name.ok_or_else(|| DecodeError::Malformed("a tool call has no name".to_owned()))?;
        let id = id_of(self.id.0, number, &name, &function.arguments.text());
        let arguments = Some(function.arguments.text()).filter(|text| !text.trim_ascii().is_empty());
        let arguments = arguments.map_or_else(|| NO_ARGUMENTS.to_owned(), Cow::into_owned);
        let proof = self.extra_content.0.and_then(ExtraContent::proof);
        Ok(ToolCall { id, name, arguments, proof })
    }
}

/// The first of these texts that is not empty.
pub fn first_said<const N: usize>(texts: [Option<String>; N]) -> Option<String> {
    texts.into_iter().flatten().find(|text| !text.is_empty())
}

/// The error of a whole answer. One that was broken off after something was generated, and not counted, costs nobody
/// knows what, so that it is no reported error.
pub fn broken_off(error: DecodeError, usage: Option<Usage>, has_content: bool) -> DecodeError {
    match error.counted(usage) {
        DecodeError::Reported(error) if has_content && error.usage.is_none() => {
            DecodeError::Malformed(error.message)
        }
        error => error,
    }
}

/// Why a choice ended; `None` while it goes on.
///
/// # Errors
/// [`DecodeError::Reported`] when the provider broke it off.
pub fn finish(reason: &str) -> Result<Option<Finish>, DecodeError> {
    match reason {
        "" | "null" => Ok(None),
        "length" | "max_tokens" | "model_length" => Ok(Some(Finish::Length)),
        "tool_calls" | "function_call" | "tool_use" => Ok(Some(Finish::ToolCalls)),
        "content_filter" => Ok(Some(Finish::ContentFilter)),
        "error" | "insufficient_system_resource" => Err(interrupted()),
        // `stop`, and other words for it: `eos`, `end_turn`, `stop_sequence`.
        _ => Ok(Some(Finish::Stop)),
    }
}

/// A text in any form that servers give it: a string, parts (of which some are thinking), or nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub answer: Option<String>,
    pub thinking: Option<String>,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, parts or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text { answer: Some(text.to_owned()), thinking: None })
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text { answer: Some(text), thinking: None })
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Text, A::Error> {
        let mut text = Text::default();
        while let Some(part) = parts.next_element::<PartBody>()? {
            append(&mut text.answer, part.text.answer);
            append(&mut text.thinking, part.thinking.answer);
        }
        Ok(text)
    }

    /// Structured reasoning, for instance: not a text.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
}

#[derive(Deserialize)]
struct PartBody {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thinking: Text,
}

fn append(whole: &mut Option<String>, piece: Option<String>) {
    match (whole.as_mut(), piece) {
        (Some(whole), Some(piece)) => whole.push_str(&piece),
        (None, piece) => *whole = piece,
        (Some(_), None) => {}
    }
}

/// A text, or JSON in place of one: tool arguments are JSON in a text, from some servers the JSON itself.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Embedded<'a>(#[serde(borrow)] Option<&'a RawValue>);

impl<'a> Embedded<'a> {
    pub const fn is_none(self) -> bool {
        self.0.is_none()
    }

    /// Empty when there is nothing.
    pub fn text(self) -> Cow<'a, str> {
        let Some(raw) = self.0 else { return Cow::Borrowed("") };
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => Cow::Owned(text),
            Err(_) => Cow::Borrowed(raw.get()),
        }
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
