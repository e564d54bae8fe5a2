//! The whole reply: read as a stream of one frame, and gathered.

use super::response::Response;
use super::stream::StreamState;
use crate::domain::message::{ChatReply, Event, Gather};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json;
use crate::wire::provider::openai::parts::{answerless, broken_off};

/// The response; an error comes in a list from the older paths.
fn read(body: &[u8]) -> serde_json::Result<Response> {
    if !body.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice(body);
    }
    serde_json::from_slice(body).map(|[response]: [Response; 1]| response)
}

/// Reads a whole reply.
///
/// # Errors
/// [`DecodeError`] when it is not what the API documents.
pub fn decode(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let response = read(body).map_err(|error| json::malformed("the reply", &error))?;
    if response.is_answerless() {
        return Err(answerless(body, "the reply has no candidates"));
    }
    if let Some(fault) = response.fault(body) {
        return Err(fault);
    }
    let mut state = StreamState::default();
    let mut events = Vec::new();
    let taken = state.take(response, &mut events);
    taken.map_err(|error| broken_off(error, None, events.iter().any(Event::is_content)))?;
    state.finish()?;
    let mut gather = Gather::default();
    for event in events {
        gather.push(event).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    }
    Ok(gather.finish())
}
