//! What an agent is asked, where it takes JSON of a schema alone.

use super::Asked;
use super::error::Error;
use super::resolve::Resolved;
use crate::domain::agent::{MESSAGE, Said};
use crate::domain::message::{Message, news};

/// Our own protocol, in which one message may stand alone.
const NATIVE: &str = "native";

/// The field of a protocol's body in which these messages stand.
pub fn field_of(protocol: &str, messages: &[Message]) -> &'static str {
    match messages {
        [Message::User { .. }] if protocol == NATIVE => MESSAGE,
        _ => "messages",
    }
}

/// Checks what is said after the last answer.
///
/// # Errors
/// [`Error::Input`].
pub fn check(resolved: &Resolved, asked: &Asked) -> Result<(), Error> {
    let all = &asked.request.messages;
    let field = field_of(asked.sent.as_ref().map_or("", |sent| sent.protocol), all);
    let (first, messages) = news(all);
    let Some(input) = &resolved.bundle.agent.definition.input else { return Ok(()) };
    let faults = input.faults(Said { messages, field, first });
    if faults.is_empty() { Ok(()) } else { Err(Error::Input(faults)) }
}
