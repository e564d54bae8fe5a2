//! Commands and answers as text: JSON, and from version 2 on the version of who wrote it and a space before
//! that.
//!
//! Old and new code run side by side for minutes after a deployment, on either side of the hop. Each reads
//! what it knows of the other's text: a missing field has a default, an unknown one is ignored. An object
//! that does not know a command says so, with its own version; the Worker logs that and never takes it for a
//! decision.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::host::{Host, Reply};
use super::machine::{Machine, Moment};
use super::sql::{Error, Sql};
use crate::domain::backup::command::{self as backup, Asked};

/// How an object answers, as the hop carries it: a status like HTTP's, and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200, or why there is no answer.
    pub status: u16,
    pub text: String,
}

/// This code does not know the command.
pub const UNKNOWN: u16 = 501;
/// The text is no command.
const MALFORMED: u16 = 400;
/// The object cannot decide now.
const FAILED: u16 = 500;

/// A command or an answer as text.
///
/// # Errors
/// Where JSON cannot hold it, which it can every command and answer.
pub fn encode(version: u32, message: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(message)?;
    Ok(if version == FIRST { json } else { format!("{version} {json}") })
}

/// The version whose code knows of no versions: what it reads and writes is the JSON alone.
const FIRST: u32 = 1;

/// Reads what [`encode`] wrote, whatever version did.
///
/// # Errors
/// What serde says of it.
pub fn decode<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(parts(text).1)
}

/// The version and the JSON.
fn parts(text: &str) -> (u32, &str) {
    let parts = text.split_once(' ').and_then(|(version, json)| Some((version.parse().ok()?, json)));
    parts.unwrap_or((FIRST, text))
}

/// Answers a command's text.
pub fn answer<M: Machine, S: Sql>(
    host: &mut Host<M, S>,
    text: &str,
    moment: &mut Moment<'_>,
) -> Reply<Response, M::Answer> {
    match decode(text) {
        Err(error) => Reply::Now(match decode(text) {
            Ok(Asked::Storage(command)) => storage(host, command, moment),
            Err(_) => refuse::<M>(text, &error),
        }),
        Ok(command) => match host.command(command, moment) {
            Reply::Now(answer) => Reply::Now(respond::<M>(answer)),
            Reply::Later(later) => Reply::Later(later),
        },
    }
}

/// Whether this is a question of a backup, which every object answers.
pub fn is_of_backup(text: &str) -> bool {
    decode::<Asked>(text).is_ok()
}

fn storage<M: Machine, S: Sql>(
    host: &mut Host<M, S>,
    command: backup::Command,
    moment: &mut Moment<'_>,
) -> Response {
    said(backup::VERSION, host.storage(command, moment))
}

/// An answer, or why there is none.
pub fn respond<M: Machine>(answer: Result<M::Answer, Error>) -> Response {
    said(M::VERSION, answer)
}

fn said(version: u32, answer: Result<impl Serialize, Error>) -> Response {
    let text = answer.map_err(|error| error.to_string());
    match text.and_then(|answer| encode(version, &answer).map_err(|error| error.to_string())) {
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
