//! What a waiting run is given: all of a request's inputs or none, and each once.

use std::collections::BTreeSet;

use serde_json::json;

use super::batch::Resolution;
use super::commands::{Decided, ready};
use super::kept::{Kept, Meta};
use super::voices::Speaker;
use super::{Thread, at_once};
use crate::domain::run::input::{Given, Input, NotTaken};
use crate::domain::run::state::Run;
use crate::domain::thread::command::{Answer, Outcome, Resolved, Taken, Who};
use crate::domain::thread::id::EntryId;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// The most bytes of earlier answers that a refusal shows.
const MAX_SHOWN: usize = 1_100_000;

/// What is known of a call that was asked of somebody outside.
enum Known {
    /// By the same as now, or by something else; what it was, where there is room to show it.
    Answered { is_same: bool, given: Option<Given> },
    /// It ended without an answer from outside.
    GivenUp,
}

impl Thread {
    /// Gives a run all of the inputs or none.
    pub(super) fn give(
        &mut self,
        sql: &impl Sql,
        who: Who,
        number: u32,
        (inputs, by): (Vec<Input>, Option<Speaker>),
        now: Millis,
    ) -> Result<Decided, Error> {
        let (mut known, mut room) = (Vec::with_capacity(inputs.len()), MAX_SHOWN);
        for input in &inputs {
            known.push(self.known(sql, number, input, &mut room)?);
        }
        let is_over = !self.work.open.contains_key(&number);
        if is_over && store::run::<Kept>(sql, number)?.is_none() {
            return Ok(at_once(Answer::NotFound));
        }
        Ok(self.seen_by(who, |thread, meta| {
            let run = thread.work.open.get(&number).map(|kept| &kept.run);
            if let Some((at, why)) = refused(run, &inputs, &known) {
                let resolved = resolved(meta, number, &inputs, known);
                return at_once(Answer::NotTaken { at, why, resolved });
            }
            meta.updated_at = now;
            thread.work.batch.has_thread = true;
            thread.work.speak(number, by.as_ref(), now);
            let voice = thread.work.speech.as_ref().map(|speech| speech.spoken.voice);
            for input in &inputs {
                if let Input::Call { entry, given } = input
                    && *given != Given::Retry
                {
                    let (of, answer) = ((number, *entry), json!(given));
                    thread.work.batch.answers.push(Resolution { of, answer, voice });
                }
            }
            let (ids, effects) = thread.work.give(meta, number, inputs, now);
            thread.work.speech = None;
            let accepted = |id| Outcome { id, outcome: Taken::Accepted };
            ready(Answer::Given(ids.into_iter().map(accepted).collect()), effects)
        }))
    }

    /// One answer at a time is read whole: together they may be more than memory holds.
    fn known(
        &self,
        sql: &impl Sql,
        run: u32,
        input: &Input,
        room: &mut usize,
    ) -> Result<Option<Known>, Error> {
        let Input::Call { entry, given } = input else { return Ok(None) };
        let entry = *entry;
        let unwritten = self.work.batch.answers.iter().find(|unwritten| unwritten.of == (run, entry));
        let answer: Option<Option<Given>> = match unwritten {
            Some(unwritten) => serde_json::from_value(unwritten.answer.clone()).ok(),
            None => store::answer(sql, run, entry)?,
        };
        Ok(answer.map(|answer| match answer {
            None => Known::GivenUp,
            Some(known) => {
                let is_same = known == *given;
                let size = serde_json::to_string(&known).map_or(usize::MAX, |json| json.len());
                let given = (size <= *room).then_some(known);
                *room = room.saturating_sub(size);
                Known::Answered { is_same, given }
            }
        }))
    }
}

/// The first input that cannot be taken, and why; `run` is `None` where it is over.
fn refused(run: Option<&Run>, inputs: &[Input], known: &[Option<Known>]) -> Option<(u32, NotTaken)> {
    let mut answered = BTreeSet::new();
    (0..).zip(inputs.iter().zip(known)).find_map(|(at, (input, known))| {
        let is_again = matches!(input, Input::Call { entry, .. } if !answered.insert(*entry));
        let why = match (known, run) {
            _ if is_again => NotTaken::Twice,
            (Some(Known::Answered { .. }), _) => NotTaken::AlreadyResolved,
            (Some(Known::GivenUp), _) => NotTaken::RunEnded,
            (None, Some(run)) => run.can_take(input).err()?,
            (None, None) if matches!(input, Input::Message(_)) => NotTaken::RunEnded,
            (None, None) => NotTaken::NeverAsked,
        };
        Some((at, why))
    })
}

/// The inputs to calls that were answered before.
fn resolved(meta: &Meta, run: u32, inputs: &[Input], known: Vec<Option<Known>>) -> Vec<Resolved> {
    let entries = (0..).zip(inputs.iter().zip(known));
    let resolved = entries.filter_map(|(at, (input, known))| match (input, known) {
        (Input::Call { entry, .. }, Some(Known::Answered { is_same, given })) => {
            Some(Resolved { at, id: EntryId { run: meta.run(run), number: *entry }, is_same, given })
        }
        _ => None,
    });
    resolved.collect()
}
