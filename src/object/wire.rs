//! Commands and answers as text: the version of who wrote it, a space, and JSON.
//!
//! Old and new code run side by side for minutes after a deployment, on either side of the hop. Each reads what it knows of
//! the other's text: a field that is missing has a default, one that is unknown is passed over. A command that an object does
//! not know is answered as such, with the object's own version, so that the Worker can say so and try again, and never takes
//! it for a decision.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::host::{Host, Later, Reply};
use super::machine::{Machine, Moment};
use super::sql::{Error, Sql};

/// How an object answers, as the hop carries it: a status like HTTP's, and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200, or why there is no answer.
    pub status: u16,
    pub text: String,
}

/// The command is none that this code knows.
pub const UNKNOWN: u16 = 501;
/// The text is no command.
const MALFORMED: u16 = 400;
/// The object cannot decide now.
const FAILED: u16 = 500;

/// A response, or where it will come.
#[derive(Debug)]
pub enum Answering<A> {
    Now(Response),
    Later(Later<A>),
}

/// A command or an answer as text.
///
/// # Errors
/// When it is none that JSON can say, which no command or answer is.
pub fn encode(version: u32, message: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(message).map(|json| format!("{version} {json}"))
}

/// Reads what [`encode`] wrote, whatever version did.
///
/// # Errors
/// What serde says of it.
pub fn decode<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(parts(text).1)
}

/// The version and the JSON; version 0 has none.
fn parts(text: &str) -> (u32, &str) {
    let parts = text.split_once(' ').and_then(|(version, json)| Some((version.parse().ok()?, json)));
    parts.unwrap_or((0, text))
}

/// Answers a command's text.
pub fn answer<M: Machine, S: Sql>(
    host: &mut Host<M, S>,
    text: &str,
    moment: &mut Moment<'_>,
) -> Answering<M::Answer> {
    match decode(text) {
        Err(error) => Answering::Now(refuse::<M>(text, &error)),
        Ok(command) => match host.command(command, moment) {
            Reply::Now(answer) => Answering::Now(respond::<M>(answer)),
            Reply::Later(later) => Answering::Later(later),
        },
    }
}

/// An answer, or why there is none.
pub fn respond<M: Machine>(answer: Result<M::Answer, Error>) -> Response {
    let text = answer.map_err(|error| error.to_string());
    match text.and_then(|answer| encode(M::VERSION, &answer).map_err(|error| error.to_string())) {
        Ok(text) => Response { status: 200, text },
        Err(text) => Response { status: FAILED, text },
    }
}

fn refuse<M: Machine>(text: &str, error: &serde_json::Error) -> Response {
    let (version, json) = parts(text);
    if serde_json::from_str::<serde::de::IgnoredAny>(json).is_err() {
        return Response { status: MALFORMED, text: format!("not a command: {error}") };
    }
    let own = M::VERSION;
    let text = format!("a command of version {version} that version {own} does not know: {error}");
    Response { status: UNKNOWN, text }
}
