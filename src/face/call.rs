//! A call in a protocol: what a face gives so that its calls are driven, on a thread and without.

use std::sync::Arc;

use axum::http::StatusCode;

use super::Face;
use crate::domain::ids::CallId;
use crate::domain::message::{ChatReply, Event, Message, Part};
use crate::domain::run::state::Reason;
use crate::domain::thread::id::{EntryId, RunId};
use crate::domain::thread::view::RunView;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::call::bundle::Bundle;
use crate::service::call::{Asked, Receipt, Resolved};
use crate::wire::client::threads::Threaded;
use crate::wire::to_json;

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

    /// Finds what the body only names, and says where the call goes by who makes it.
    ///
    /// # Errors
    /// A problem: something is not there, or not for this caller.
    fn look_up<W: World>(
        &mut self,
        _: &App<W>,
        _: &Resolved,
        _: &mut Asked,
        _: &mut Option<Box<Threaded>>,
    ) -> impl Future<Output = Result<(), Problem>> + Send {
        async { Ok(()) }
    }

    /// What is said where the thread that the body names is not there; `None`: that.
    fn unfound(&self) -> Option<Problem> {
        None
    }

    /// Writes what is answered at once, where the run goes on without its caller.
    fn begun(self, _: &Ticket, run: &RunView) -> (StatusCode, Vec<u8>) {
        (StatusCode::ACCEPTED, to_json(run))
    }

    /// Writes a whole answer, as JSON.
    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8>;

    /// What writes a stream.
    fn encoder(self, ticket: Ticket) -> Self::Encoder;
}

/// Writes the events of a stream. After [`Encoder::done`] or [`Encoder::failed`] nothing follows.
pub trait Encoder: Send + 'static {
    /// It shows each step of a run, and not the last word alone: a whole answer of a run is what it has at the end.
    const SHOWS_STEPS: bool = false;
    /// What breaks a long silence; empty: nothing does.
    const PING: &'static [u8] = b"";

    /// What is said before anything is known of the answer.
    fn opening(&mut self) -> Vec<u8> {
        Vec::new()
    }
    /// A step of a run begins.
    fn step(&mut self, _out: &mut Vec<u8>) {}
    /// What was said in the step is void.
    fn void(&mut self) {}
    /// What is said next is of this item of the thread.
    fn piece(&mut self, _item: EntryId, _out: &mut Vec<u8>) {}
    /// A tool is called.
    fn called(&mut self, _call: &Called, _out: &mut Vec<u8>) {}
    /// What a tool gave.
    fn resulted(&mut self, _result: &Resulted, _out: &mut Vec<u8>) {}
    /// When the run ended; why, where its answer is not whole.
    fn ended(&mut self, _at: Millis, _why: Option<Reason>) {}
    /// The whole answer, as JSON, after [`Encoder::done`].
    fn into_whole(self, _: &Receipt) -> Vec<u8>
    where
        Self: Sized,
    {
        Vec::new()
    }

    /// What was not done as the client asked, as far as it becomes known on the way.
    fn warn(&mut self, warnings: Vec<Warning>);
    fn event(&mut self, event: &Event, out: &mut Vec<u8>);
    fn done(&mut self, receipt: &Receipt, out: &mut Vec<u8>);
    fn failed(&mut self, problem: &Problem, out: &mut Vec<u8>);
}

/// A call of a tool in a run.
#[derive(Debug)]
pub struct Called {
    pub id: EntryId,
    pub name: String,
    pub arguments: String,
}

/// What a tool gave, in a run.
#[derive(Debug)]
pub struct Resulted {
    pub id: EntryId,
    pub output: Vec<Part>,
    pub is_error: bool,
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
