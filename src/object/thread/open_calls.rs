//! Whether what comes in with a run answers the calls of the client's tools with which the run before it ended.

use std::collections::BTreeSet;

use super::Thread;
use crate::domain::field_error::FieldError;
use crate::domain::message::{AssistantPart, Message};
use crate::domain::thread::command::{Start, Who};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread::{self as store, Part};

/// How many items are read at once, and the most bytes of them.
const PAGE: u32 = 1_000;
const PAGE_BYTES: u64 = 4 * 1_024 * 1_024;

impl Thread {
    /// What is wrong with the outputs that a run brings: they are for calls of the run behind which it comes, or of the last one.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) fn unfit_outputs(&self, sql: &impl Sql, start: &Start) -> Result<Vec<FieldError>, Error> {
        let who = Who::Caller(start.thread.agent);
        let Some(meta) = self.meta.as_ref().filter(|meta| start.answers && meta.is_seen_by(who)) else {
            return Ok(Vec::new());
        };
        let open = self.open_calls(sql, start.behind.unwrap_or(meta.last_run))?;
        let made: BTreeSet<&str> = start.input.iter().flat_map(calls_of).collect();
        let given: BTreeSet<&str> = start.input.iter().filter_map(answers).collect();
        let unknown = given.iter().find(|id| !made.contains(*id) && !open.contains(**id));
        let unknown =
            unknown.map(|id| format!("No tool call found for function call output with call_id {id:.80}."));
        let missing = || {
            let id = open.iter().find(|id| !given.contains(id.as_str()));
            id.map(|id| format!("No tool output found for function call {id}."))
        };
        let fault = unknown.or_else(missing);
        Ok(fault.map(|message| FieldError { field: "input".to_owned(), message }).into_iter().collect())
    }

    /// The calls of a run that is over which have no result, of its own or appended since.
    fn open_calls(&self, sql: &impl Sql, run: u32) -> Result<BTreeSet<String>, Error> {
        let mut open = BTreeSet::new();
        let kept = self.kept(sql, run)?.filter(|kept| kept.run.is_over() && kept.first_item > 0);
        let Some(mut after) = kept.map(|kept| kept.first_item.saturating_sub(1)) else { return Ok(open) };
        loop {
            let (items, has_more) = store::items(sql, Part::After(after), PAGE, PAGE_BYTES)?;
            for item in items.iter().take_while(|item| item.run <= run) {
                if item.run == run {
                    open.extend(calls_of(&item.message).map(str::to_owned));
                }
                answers(&item.message).map(|id| open.remove(id));
            }
            match items.last().filter(|last| has_more && last.run <= run) {
                Some(last) => after = last.position,
                None => return Ok(open),
            }
        }
    }
}

fn calls_of(message: &Message) -> impl Iterator<Item = &str> {
    let parts = match message {
        Message::Assistant { parts } => parts.as_slice(),
        _ => &[],
    };
    AssistantPart::calls_of(parts).map(|call| call.id.as_str())
}

fn answers(message: &Message) -> Option<&str> {
    match message {
        Message::Tool { call_id, .. } => Some(call_id),
        _ => None,
    }
}
