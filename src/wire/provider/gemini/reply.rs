//! The whole reply: read as a stream of one frame, and gathered.

use super::response::Response;
use super::stream::StreamState;
use crate::domain::message::{ChatReply, Choice, Event, ToolCall};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json;

/// Reads a whole reply.
///
/// # Errors
/// [`DecodeError`] when it is not what the API documents.
pub fn decode(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let response: Response =
        serde_json::from_slice(body).map_err(|error| json::malformed("the reply", &error))?;
    let mut state = StreamState::default();
    let mut events = Vec::new();
    state.take(response, &mut events)?;
    state.finish()?;
    Ok(gather(events))
}

fn gather(events: Vec<Event>) -> ChatReply {
    let mut choices = std::collections::BTreeMap::<u32, Choice>::new();
    let mut usage = None;
    for event in events {
        match event {
            Event::Text { choice, delta } => append(&mut choices.entry(choice).or_default().text, &delta),
            Event::Reasoning { choice, delta } => {
                append(&mut choices.entry(choice).or_default().reasoning, &delta);
            }
            Event::Refusal { choice, delta } => {
                append(&mut choices.entry(choice).or_default().refusal, &delta)
            }
            Event::ToolCall { choice, id, name, .. } => {
                let call = ToolCall { id, name, arguments: String::new() };
                choices.entry(choice).or_default().tool_calls.push(call);
            }
            Event::ToolArguments { choice, delta, .. } => {
                if let Some(call) = choices.entry(choice).or_default().tool_calls.last_mut() {
                    call.arguments.push_str(&delta);
                }
            }
            Event::Finish { choice, reason } => choices.entry(choice).or_default().finish = reason,
            Event::Usage(tokens) => usage = Some(tokens),
        }
    }
    ChatReply { choices: choices.into_values().collect(), usage }
}

fn append(whole: &mut Option<String>, delta: &str) {
    whole.get_or_insert_default().push_str(delta);
}
