//! What the body of a call says of a thread.

use serde_json::Value;

use super::body::Faults;
use super::tools::{self, ToolBody};
use crate::domain::field_error::FieldErrors;
use crate::domain::run::tool::ClientTool;
use crate::domain::thread::about::About;
use crate::domain::thread::id::{InvalidName, RunId, ThreadRef};
use crate::domain::thread::on_busy::OnBusy;

/// What the body of a call says of a thread.
#[derive(Debug, Default)]
pub struct Threaded {
    pub thread: Option<ThreadRef>,
    /// The answer is the run, at once.
    pub background: bool,
    /// `None`: as the agent says.
    pub on_busy: Option<OnBusy>,
    /// Tools that the client runs.
    pub tools: Vec<ClientTool>,
    /// Whether what is made for this call alone is kept for a while; `None`: it is.
    pub store: Option<bool>,
    /// Of a thread that the call makes: the end user it belongs to.
    pub user: Option<String>,
    pub apart: Option<Apart>,
}

/// A call whose answer is a thing of its own, which ends where its client's tools are called.
#[derive(Debug, Default)]
pub struct Apart {
    /// It is on a thread of its own, which stays, where it names none.
    pub makes_thread: bool,
    /// The run from whose end it goes on.
    pub follows: Option<RunId>,
    /// What the client says to the model for this call alone; of one that is kept by no thread it stands in the messages.
    pub instructions: Option<String>,
    pub max_tool_calls: Option<u32>,
    /// What replies say again of the request.
    pub request: Value,
}

impl Threaded {
    /// Whether more is said than whether something is to be kept.
    pub fn asks_for_a_run(&self) -> bool {
        let is_apart = self.apart.as_ref().is_some_and(|apart| apart.makes_thread || apart.follows.is_some());
        is_apart
            || self.thread.is_some()
            || self.background
            || self.on_busy.is_some()
            || !self.tools.is_empty()
    }

    /// `None` where nothing is said.
    ///
    /// # Errors
    /// All that does not fit.
    pub fn read(
        thread: Option<String>,
        background: Option<bool>,
        on_busy: Option<OnBusy>,
        bodies: Option<Vec<ToolBody>>,
        (store, user): (Option<bool>, Option<String>),
    ) -> Result<Option<Box<Self>>, Faults> {
        if thread.is_none()
            && background.is_none()
            && on_busy.is_none()
            && bodies.is_none()
            && store.is_none()
            && user.is_none()
        {
            return Ok(None);
        }
        let mut errors = FieldErrors::default();
        if thread.is_some() && store == Some(false) {
            errors.add("store", "a call on a thread is kept with it: leave `store` or `thread` out");
        }
        if store == Some(false) && background == Some(true) {
            errors.add("background", "with `store: false` nobody could read the answer");
        }
        let parsed = thread.as_deref().map(|name| ThreadRef::parse(name).ok_or(InvalidName)).transpose();
        let thread = errors.take("thread", parsed).flatten();
        let tools = tools::read(&mut errors, bodies.unwrap_or_default());
        let about = About { user, ..About::default() };
        errors.join(about.check());
        errors.finish()?;
        let background = background.unwrap_or_default();
        Ok(Some(Box::new(Self { thread, background, on_busy, tools, store, user: about.user, apart: None })))
    }
}
