//! What is asked of a run that is to be started.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::message::Message;
use crate::domain::money::Nanos;
use crate::domain::run::manner::Manner;
use crate::domain::run::terms::Priority;
use crate::domain::run::tool::ClientTool;
use crate::domain::thread::about::About;
use crate::domain::thread::command::OnBusy;
use crate::domain::thread::id::ThreadRef;

/// A run to be started.
#[derive(Clone, Debug)]
pub struct Begin {
    pub on: On,
    pub about: About,
    pub input: Vec<Message>,
    /// Where the input stands in the request.
    pub place: Place,
    pub variables: BTreeMap<String, String>,
    pub tools: Vec<ClientTool>,
    /// `None`: as the agent says.
    pub on_busy: Option<OnBusy>,
    pub priority: Priority,
    pub max_usd: Option<Nanos>,
    pub manner: Manner,
    /// Webhooks that hear of it besides those of the agent.
    pub webhooks: Vec<String>,
    pub course: Course,
}

/// How a run goes that begins by a protocol in which each answer is a thing of its own.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Calls of the client's tools end it, and their outputs are input of the next.
    pub hands_over: bool,
    /// The number of the run that must be the thread's last one.
    pub behind: Option<u32>,
    /// See [`crate::domain::thread::command::Start::answers`].
    pub answers: bool,
    /// Beside the agent's own limit.
    pub max_tool_calls: Option<u32>,
    /// See [`Terms::request`].
    pub request: Option<Value>,
}

/// Where what is said stands in a request.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// `message`, or the field of a list.
    pub field: &'static str,
    /// How many messages of that list stand before what is said.
    pub first: usize,
}

/// Where a run is started.
#[derive(Clone, Debug)]
pub enum On {
    Thread(ThreadRef),
    /// A new thread, which stays. All that was said may be in the input.
    New,
    /// A thread of its own, for a call by this path.
    ThrowAway {
        path: &'static str,
        is_kept: bool,
    },
}

/// What a request says of how its run goes; the rest is as the version says.
pub(super) struct Asked {
    pub on_busy: Option<OnBusy>,
    pub max_usd: Option<Nanos>,
    pub max_tool_calls: Option<u32>,
    pub webhooks: Vec<String>,
    pub place: Place,
    /// How many of the faults have nothing to do with what is said.
    pub other_faults: usize,
}

impl Asked {
    pub fn of(begin: &Begin) -> Self {
        Self {
            on_busy: begin.on_busy,
            max_usd: begin.max_usd,
            max_tool_calls: begin.course.max_tool_calls,
            webhooks: begin.webhooks.clone(),
            place: begin.place,
            other_faults: 0,
        }
    }
}
