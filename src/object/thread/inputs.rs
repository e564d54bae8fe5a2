//! What a waiting run is given: all of a request's inputs or none, and each once.

use serde_json::json;

use super::commands::{Decided, ready};
use super::kept::{Kept, Meta};
use super::runs::has_begun;
use super::{Thread, at_once};
use crate::domain::run::happening::{Happened, Names};
use crate::domain::run::input::{Given, NotTaken};
use crate::domain::run::state::Awaited;
use crate::domain::thread::command::{Answer, Input, Outcome, Taken, Who};
use crate::domain::thread::id::EntryId;
use crate::domain::thread::view::awaited_json;
use crate::domain::time::Millis;
use crate::object::machine::Effects;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

impl Thread {
    /// Gives a run all of the inputs or none.
    pub(super) fn give(
        &mut self,
        sql: &impl Sql,
        who: Who,
        number: u32,
        inputs: Vec<Input>,
        now: Millis,
    ) -> Result<Decided, Error> {
        let mut known = Vec::with_capacity(inputs.len());
        for input in &inputs {
            known.push(match input {
                Input::Call { entry, .. } => self.answered(sql, number, *entry)?,
                Input::Message(_) => None,
            });
        }
        let is_over = !self.work.open.contains_key(&number);
        if is_over && store::run::<Kept>(sql, number)?.is_none() {
            return Ok(at_once(Answer::NotFound));
        }
        Ok(self.seen_by(who, |thread, meta| {
            if let Some(refused) = thread.refused(meta, number, &inputs, known, now) {
                return at_once(refused);
            }
            meta.updated_at = now;
            thread.work.batch.has_thread = true;
            let mut outcomes = Vec::with_capacity(inputs.len());
            let mut effects = Vec::new();
            for input in inputs {
                let (id, more) = thread.take(meta, number, input, now);
                effects.extend(more);
                outcomes.extend(id.map(|id| Outcome { id, outcome: Taken::Accepted }));
            }
            ready(Answer::Given(outcomes), effects)
        }))
    }

    /// What was answered to a call before.
    fn answered(&self, sql: &impl Sql, run: u32, entry: u32) -> Result<Option<Given>, Error> {
        let unwritten = self.work.batch.answers.iter().find(|(of, number, _)| (*of, *number) == (run, entry));
        match unwritten {
            Some((_, _, answer)) => Ok(serde_json::from_value(answer.clone()).ok()),
            None => store::answer(sql, run, entry),
        }
    }

    /// Why not all of the inputs can be taken. They are tried on a copy.
    fn refused(
        &self,
        meta: &Meta,
        number: u32,
        inputs: &[Input],
        known: Vec<Option<Given>>,
        now: Millis,
    ) -> Option<Answer> {
        let mut run = self.work.open.get(&number).map(|kept| kept.run.clone());
        let id = meta.run(number);
        let entry = |number| EntryId { run: id, number };
        let awaited = |awaited: &Awaited<'_>| awaited_json(id, awaited);
        let names = Names { entry: &entry, awaited: &awaited };
        for (n, (input, known)) in inputs.iter().zip(known).enumerate() {
            let at = u32::try_from(n).unwrap_or(u32::MAX);
            let no = |why, outcome| Some(Answer::NotTaken { at, why, outcome });
            match (input, &mut run) {
                (_, _) if known.is_some() => return no(NotTaken::AlreadyResolved, known),
                (_, None) => return no(NotTaken::RunEnded, None),
                (Input::Message(_), Some(run)) if run.is_over() => return no(NotTaken::RunEnded, None),
                // It is not the thread's turn to hear it, and must not be heard by the run before.
                (Input::Message(_), Some(run)) if !has_begun(run) => return no(NotTaken::NotBegun, None),
                (Input::Message(_), Some(_)) => {}
                (Input::Call { entry, given }, Some(run)) => {
                    if let Err(why) = run.give(*entry, given.clone(), &names, now) {
                        return no(why, None);
                    }
                }
            }
        }
        None
    }

    fn take(
        &mut self,
        meta: &mut Meta,
        number: u32,
        input: Input,
        now: Millis,
    ) -> (Option<EntryId>, Effects<Self>) {
        match input {
            Input::Message(message) => {
                let id = self.work.say_to(meta, number, message, now);
                (id, self.work.apply(meta, number, Happened::Steered, now))
            }
            Input::Call { entry, given } => {
                let is_last = given != Given::Retry;
                if is_last {
                    self.work.batch.answers.push((number, entry, json!(given)));
                }
                let id = EntryId { run: meta.run(number), number: entry };
                (Some(id), self.work.give(meta, number, entry, given, now))
            }
        }
    }
}
