//! Reads streams.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::domain::message::Event;
use crate::wire::provider::DecodeError;
use crate::wire::provider::json::malformed;
use crate::wire::provider::lenient::Lenient;
use crate::wire::provider::openai;
use crate::wire::provider::openai::parts::{CallDelta, ChoiceDelta, Embedded, UsageBody, reported};
use crate::wire::sse::Frame;

/// What has been read of a stream. The older form is one choice of the newer.
#[derive(Debug, Default)]
pub struct StreamState(openai::StreamState);

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default, borrow)]
    response: Embedded<'a>,
    #[serde(borrow)]
    tool_calls: Option<Vec<CallDelta<'a>>>,
    #[serde(default)]
    finish_reason: Lenient<String>,
    #[serde(borrow)]
    choices: Option<Vec<ChoiceDelta<'a>>>,
    #[serde(default)]
    usage: Lenient<UsageBody>,
    error: Option<IgnoredAny>,
    /// Cloudflare's API reports in a list.
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

impl StreamState {
    /// Takes one frame.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no chunk, or reports an error.
    pub fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let data = frame.data.trim_ascii();
        if self.0.is_done() || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            self.0.end(events);
            return Ok(());
        }
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(|error| malformed("a chunk", &error))?;
        let errors = chunk.errors.filter(|errors| errors.get() != "[]");
        if chunk.error.is_some() || errors.is_some() {
            return Err(reported(data.as_bytes()));
        }
        let usage = chunk.usage.0.and_then(UsageBody::read);
        for choice in chunk.choices.unwrap_or_default() {
            self.0.choice(choice, events).map_err(|error| error.counted(usage))?;
        }
        let native = self.native(chunk.response, chunk.tool_calls, chunk.finish_reason.0, events);
        native.map_err(|error| error.counted(usage))?;
        self.0.count(usage, events);
        Ok(())
    }

    /// The older form's part of a chunk.
    fn native(
        &mut self,
        response: Embedded<'_>,
        calls: Option<Vec<CallDelta<'_>>>,
        finish_reason: Option<String>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        if !response.is_none() || calls.is_some() || finish_reason.is_some() {
            self.0.begin(0)?;
        }
        let text = response.text();
        if !text.is_empty() {
            self.0.go_on();
            events.push(Event::Text { choice: 0, delta: text.into_owned() });
        }
        for call in calls.unwrap_or_default() {
            self.0.go_on();
            self.0.call(0, call, events)?;
        }
        finish_reason.map_or(Ok(()), |reason| self.0.finished(0, &reason, events))
    }

    /// Reports the end of the bytes.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] when the stream was cut.
    pub fn finish(&self) -> Result<(), DecodeError> {
        self.0.finish()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
