//! A run's events, heard as the answer to one call.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::Value;

use super::call::{Called, Resulted};

use crate::domain::admission::command::UsageKind;
use crate::domain::field_error::FieldError;
use crate::domain::message::{Event as Said, Finish};
use crate::domain::run::event::{Event, Numbered, needs_somebody};
use crate::domain::run::state::{Failure, Reason};
use crate::domain::schema::Fault;
use crate::domain::thread::id::EntryId;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;
use crate::http::problem::{Kind, Problem};
use crate::service::call::Receipt;

/// The field of an answer that does not fit.
const OUTPUT: &str = "output";

/// What an event is to the one who called.
#[derive(Debug)]
pub enum Heard {
    Nothing,
    /// What was said before this is not the last word.
    Step,
    /// What was said in this step is void.
    Void,
    /// Of an item of the thread, where the run has it.
    Said(Said, Option<EntryId>),
    Called(Called),
    Resulted(Resulted),
    /// The answer is complete: these are its last events.
    Done(Vec<Said>),
    Failed(Box<Problem>),
}

/// Hears a run from its first event on, and passes over what was answered to earlier calls.
#[derive(Debug)]
pub struct Hearing {
    /// Calls of the client's tools whose outputs this call has brought. What follows their step is the answer.
    outputs: Vec<EntryId>,
    /// The same request again would leave no trace of this one: nothing stands on a thread, and no key leads here.
    is_repeatable: bool,
    /// The run has called tools: the same request again would begin another, which calls them again.
    has_called: bool,
    /// The step of those calls.
    after: u32,
    has_begun: bool,
    /// The piece that is being said, and how many characters of it were heard.
    piece: Option<(EntryId, u64)>,
    receipt: Receipt,
    /// What the steps that were heard did not do as the client asked.
    warnings: Vec<Warning>,
    /// Why the answer is not whole.
    why: Option<Reason>,
}

impl Hearing {
    pub fn new(outputs: Vec<EntryId>, is_repeatable: bool) -> Self {
        Self {
            outputs,
            is_repeatable,
            has_called: false,
            after: 0,
            has_begun: false,
            piece: None,
            receipt: Receipt::FREE,
            warnings: Vec::new(),
            why: None,
        }
    }

    /// Why the answer is not whole.
    pub const fn why(&self) -> Option<Reason> {
        self.why
    }

    /// Whether the call has outputs of tools that are still to be heard of.
    pub const fn has_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }

    pub const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// What the steps that were heard have cost.
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Each once.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    pub fn hear(&mut self, numbered: Numbered, now: Millis) -> Heard {
        match numbered.event {
            Event::ToolCall { step, call_id, name, arguments } => {
                self.has_called = true;
                if self.outputs.contains(&call_id) {
                    self.outputs.retain(|output| *output != call_id);
                    self.after = self.after.max(step);
                    // Whatever came until now was an answer to an earlier call.
                    self.has_begun = false;
                    self.receipt = Receipt::FREE;
                    self.warnings.clear();
                }
                Heard::Called(Called { id: call_id, name, arguments })
            }
            Event::ToolResult { call_id, output, is_error } => {
                Heard::Resulted(Resulted { id: call_id, output, is_error })
            }
            Event::StepStarted { step } if self.is_ours(step) => {
                self.has_begun = true;
                self.piece = None;
                Heard::Step
            }
            Event::Restarted { step, .. } if self.is_ours(step) => {
                self.piece = None;
                Heard::Void
            }
            Event::Text { step, item, offset, delta } if self.is_ours(step) => {
                self.piece(item, offset, delta, |delta| Said::Text { choice: 0, delta })
            }
            Event::Reasoning { step, item, offset, delta } if self.is_ours(step) => {
                self.piece(item, offset, delta, |delta| Said::Reasoning { choice: 0, delta })
            }
            Event::StepCompleted { step, cost_usd, usage, warnings } if self.is_ours(step) => {
                for warning in warnings {
                    if !self.warnings.contains(&warning) {
                        self.warnings.push(warning);
                    }
                }
                self.receipt.usage = self.receipt.usage.plus(usage);
                self.receipt.cost += cost_usd;
                self.receipt.kind = UsageKind::Reported;
                Heard::Nothing
            }
            event => self.rest(event, now),
        }
    }

    fn is_ours(&self, step: u32) -> bool {
        self.outputs.is_empty() && step > self.after
    }

    /// What of a piece is new: events that were written together may come again, longer.
    fn piece(&mut self, item: EntryId, offset: u64, delta: String, said: fn(String) -> Said) -> Heard {
        let held = self.piece.filter(|(piece, _)| *piece == item).map_or(0, |(_, held)| held);
        let known = usize::try_from(held.saturating_sub(offset)).unwrap_or(usize::MAX);
        let is_new = known == 0;
        let new = if is_new { delta } else { delta.chars().skip(known).collect() };
        self.piece = Some((item, held + new.chars().count() as u64));
        if new.is_empty() { Heard::Nothing } else { Heard::Said(said(new), Some(item)) }
    }

    fn rest(&mut self, event: Event, now: Millis) -> Heard {
        let finish = |reason| Heard::Done(vec![Said::Finish { choice: 0, reason }]);
        match event {
            Event::Completed { .. } => finish(Finish::Stop),
            Event::Incomplete { reason: Reason::ContentFilter, .. } => {
                self.why = Some(Reason::ContentFilter);
                finish(Finish::ContentFilter)
            }
            Event::Incomplete { reason: Reason::BudgetExceeded, .. } if self.piece.is_none() => {
                unanswered(Kind::BudgetExceeded, "The agent's budget is spent, and the run has ended.")
            }
            Event::Incomplete { reason: Reason::OutputInvalid, errors, .. } => {
                Heard::Failed(Box::new(unfit(errors)))
            }
            Event::Incomplete { reason, .. } => {
                self.why = Some(reason);
                finish(Finish::Length)
            }
            Event::Failed { error, .. } => Heard::Failed(Box::new(self.failed(error, now))),
            Event::Cancelled { reason, .. } => {
                let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                unanswered(Kind::RunEnded, format!("The run was cancelled{why}."))
            }
            Event::Paused { .. } => {
                let words = "The run is paused; POST its /resume and read its events.";
                unanswered(Kind::RunUnanswered, words)
            }
            Event::Waiting { waiting_on } if self.has_begun => waits(&waiting_on),
            _ => Heard::Nothing,
        }
    }

    /// Why a run failed, as the problem that the same call without a thread would have been: but no client is to repeat by
    /// itself what has called tools.
    fn failed(&self, error: Failure, now: Millis) -> Problem {
        let kind = Kind::ALL.into_iter().find(|kind| kind.slug() == error.code);
        let kind = kind.unwrap_or(Kind::UpstreamError);
        let problem = match (self.has_called && is_repeated(kind.status()), self.is_repeatable) {
            (true, _) => {
                let words = format!(
                    "The run failed after it had called tools ({}): {} The same request again would begin another run.",
                    error.code, error.message
                );
                Problem::new(Kind::RunUnanswered, words).should_retry(false)
            }
            (false, false) => Problem::new(kind, error.message).should_retry(false),
            (false, true) => Problem::new(kind, error.message),
        };
        let seconds = |at: Millis| u32::try_from(at.since(now).div_ceil(1_000)).unwrap_or(u32::MAX);
        error.retry_at.map(seconds).into_iter().fold(problem, Problem::retry_after)
    }
}

/// A run whose answer does not fit, though it was asked again. Another run may answer otherwise, and costs as much.
fn unfit(errors: Vec<Fault>) -> Problem {
    let error = |Fault { at, words }| {
        let field = if at.is_empty() { OUTPUT.to_owned() } else { format!("{OUTPUT}#{at}") };
        FieldError { field, message: words }
    };
    let errors: Vec<FieldError> = errors.into_iter().map(error).collect();
    let first = errors.first().map(|error| format!(" ({} {})", error.field, error.message));
    let words = format!(
        "The model's answer does not fit the agent's `output`, also after it was asked to mend it{}.",
        first.unwrap_or_default()
    );
    let mut problem = Problem::new(Kind::OutputInvalid, words).should_retry(false);
    problem.errors = errors;
    problem
}

/// Whether clients send a request again by themselves that was answered so.
fn is_repeated(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 409 | 429) || status.is_server_error()
}

/// What the caller of a run that has begun is told instead of an answer. To send the same again would begin another run.
fn unanswered(kind: Kind, words: impl Into<String>) -> Heard {
    Heard::Failed(Box::new(Problem::new(kind, words).should_retry(false)))
}

/// What has happened until now, without what was taken back again: nobody has heard it yet.
pub fn unvoided(events: Vec<Numbered>) -> Vec<Numbered> {
    let restarts = events.iter().enumerate().filter_map(|(at, event)| match event.event {
        Event::Restarted { step, .. } => Some((step, at)),
        _ => None,
    });
    let last: BTreeMap<u32, usize> = restarts.collect();
    let is_void = |at: usize, event: &Event| match event {
        Event::Text { step, .. } | Event::Reasoning { step, .. } | Event::Restarted { step, .. } => {
            last.get(step).is_some_and(|restart| at <= *restart)
        }
        _ => false,
    };
    let kept = events.into_iter().enumerate().filter(|(at, event)| !is_void(*at, &event.event));
    kept.map(|(_, event)| event).collect()
}

/// A run that waits for its client ends the answer with the calls; one that waits for a time goes on by itself.
pub fn waits(waiting_on: &[Value]) -> Heard {
    let of = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let calls: Vec<&Value> = waiting_on.iter().filter(|entry| entry["kind"] == "tool_output").collect();
    if calls.is_empty() {
        let other = waiting_on.iter().find(|entry| needs_somebody(entry));
        return other.map_or(Heard::Nothing, |entry| match of(entry, "kind").as_str() {
            "budget" => {
                let words = "The agent's budget is spent, and the run waits for more: see GET …/runs/{run}.";
                unanswered(Kind::BudgetExceeded, words)
            }
            kind => {
                let words = format!(
                    "The run waits for something else than its client ({kind}): see `waiting_on` of GET …/runs/{{run}}."
                );
                unanswered(Kind::RunUnanswered, words)
            }
        });
    }
    let mut events = Vec::with_capacity(calls.len() * 2 + 1);
    for (index, call) in (0..).zip(calls) {
        let (id, name) = (of(call, "call_id"), of(call, "name"));
        events.push(Said::ToolCall { choice: 0, index, id, name, proof: None });
        events.push(Said::ToolArguments { choice: 0, index, delta: of(call, "arguments") });
    }
    events.push(Said::Finish { choice: 0, reason: Finish::ToolCalls });
    Heard::Done(events)
}
