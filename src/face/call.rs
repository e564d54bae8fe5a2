//! A call in a protocol: what a face gives so that its calls are driven, on a thread and without.

use std::sync::Arc;

use super::Face;
use crate::domain::ids::CallId;
use crate::domain::message::{ChatReply, Event, Message};
use crate::domain::thread::id::RunId;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;
use crate::http::problem::Problem;
use crate::service::call::bundle::Bundle;
use crate::service::call::{Asked, Receipt};
use crate::wire::client::threads::Threaded;

/// A call in a protocol: what was read of its body, and what the answer needs to know of it.
pub trait Call: Sized + Send + Sync + 'static {
    type Face: Face;
    type Encoder: Encoder;
    /// Equal bodies of calls of one protocol mean the same, so that an answer to one is an answer to the other.
    const PROTOCOL: &'static str;

    /// Reads a request's body. Where the path names no agent, the model that is asked for does.
    ///
    /// # Errors
    /// A problem that says what is wrong with it.
    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem>;

    /// Checks the history of a call whose messages are all that was said. On a thread they may be a part of it.
    ///
    /// # Errors
    /// A problem that says what is wrong with it.
    fn check_history(_: &mut [Message]) -> Result<(), Problem> {
        Ok(())
    }

    /// Whether a model of this name is asked for by clients that mean whatever answers: where the line has none of that name, and the
    /// path names the agent, it is the agent's line.
    fn is_anybodys(_: &str) -> bool {
        false
    }

    /// What the body says of a thread; `None` where the protocol's bodies say nothing, or this one.
    fn threaded(&mut self) -> Option<Box<Threaded>> {
        None
    }

    /// Writes a whole answer, as JSON.
    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8>;

    /// What writes a stream.
    fn encoder(self, ticket: Ticket) -> Self::Encoder;
}

/// Writes the events of a stream. After [`Encoder::done`] or [`Encoder::failed`] nothing follows.
pub trait Encoder: Send + 'static {
    /// What was not done as the client asked, as far as it becomes known on the way.
    fn warn(&mut self, warnings: Vec<Warning>);
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);
    fn done(&mut self, receipt: &Receipt, out: &mut Vec<u8>);
    fn failed(&mut self, problem: &Problem, out: &mut Vec<u8>);
}

/// What is known of a call when its answer begins.
#[derive(Debug)]
pub struct Ticket {
    pub of: Of,
    pub bundle: Arc<Bundle>,
    /// `provider:code` of the model that answers; of a run `None`, as each step may have another.
    pub model: Option<String>,
    /// What was not done as the client asked.
    pub warnings: Vec<Warning>,
    /// It was answered before, and this is the answer.
    pub is_cached: bool,
    pub created: Millis,
}

/// What gives an answer.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Call(CallId),
    /// A run on a thread, which makes several calls.
    Run(RunId),
}
