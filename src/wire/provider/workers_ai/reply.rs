//! Reads whole outputs.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::domain::message::{AssistantPart, ChatReply, Choice, Finish};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json::malformed;
use crate::wire::provider::lenient::Lenient;
use crate::wire::provider::openai::parts::{
    CallBody, ChoiceBody, Embedded, UsageBody, broken_off, choices, finish, left_out, reported, tool_calls,
};

/// Reads a whole output, in either form.
///
/// # Errors
/// [`DecodeError`] when it is neither.
pub fn decode(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let mut output: Output<'_> =
        serde_json::from_slice(body).map_err(|error| malformed("the output", &error))?;
    if output.error.is_some() || output.is_error() {
        return Err(reported(body));
    }
    let usage = output.usage.0.take().and_then(UsageBody::read);
    let about = output.choices.as_deref().map(left_out).unwrap_or_default();
    let choices = match output.choices.take() {
        Some(bodies) => choices(bodies, usage)?,
        None => {
            let has_calls = output.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty());
            let has_content = has_calls || !output.response.text().is_empty();
            vec![output.native().map_err(|error| broken_off(error, usage, has_content))?]
        }
    };
    Ok(ChatReply { choices, usage, about })
}

#[derive(Deserialize)]
struct Output<'a> {
    /// With JSON asked for, the JSON itself.
    #[serde(default, borrow)]
    response: Embedded<'a>,
    #[serde(borrow)]
    tool_calls: Option<Vec<CallBody<'a>>>,
    #[serde(default)]
    finish_reason: Lenient<String>,
    #[serde(borrow)]
    choices: Option<Vec<ChoiceBody<'a>>>,
    #[serde(default)]
    usage: Lenient<UsageBody>,
    error: Option<IgnoredAny>,
    /// Cloudflare's API reports in a list.
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
    /// An error that stands by itself.
    message: Option<IgnoredAny>,
    detail: Option<IgnoredAny>,
    description: Option<IgnoredAny>,
}

impl Output<'_> {
    /// Whether an error stands in place of the answer.
    fn is_error(&self) -> bool {
        let has_errors = self.errors.is_some_and(|errors| errors.get().trim_ascii() != "[]");
        let says_why = self.message.is_some() || self.detail.is_some() || self.description.is_some();
        let is_answer = self.choices.is_some() || !self.response.is_none() || self.tool_calls.is_some();
        !is_answer && (has_errors || says_why)
    }

    /// The older form.
    fn native(self) -> Result<Choice, DecodeError> {
        if self.response.is_none() && self.tool_calls.is_none() {
            let fault = "the output has neither `response` nor `choices`";
            return Err(DecodeError::Malformed(fault.to_owned()));
        }
        let tool_calls = tool_calls(self.tool_calls)?;
        let otherwise = if tool_calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
        let said = self.finish_reason.0.as_deref().map(finish).transpose()?.flatten();
        let text = self.response.text().into_owned();
        let text = Some(text).filter(|text| !text.is_empty()).map(AssistantPart::text);
        let calls = tool_calls.into_iter().map(AssistantPart::ToolCall);
        Ok(Choice {
            parts: text.into_iter().chain(calls).collect(),
            finish: said.unwrap_or(otherwise),
            logprobs: None,
        })
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
