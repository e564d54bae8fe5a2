//! Requests that count once: the first is done, and its key is written with what it did; the same again is answered and
//! does nothing.
//!
//! What is remembered leads to the answer, and is not the answer: a run is shown as it is now. A refusal has changed
//! nothing and is not remembered, so the same request is decided once more.

use super::batch::{Done, Key};
use super::commands::{Decided, after_nothing, shown};
use super::reading::Query;
use super::{Thread, at_once};
use crate::domain::thread::command::{Answer, Command, Who};
use crate::domain::thread::once::{Hash, KEEP_MS, Once};
use crate::domain::time::Millis;
use crate::object::machine::{Answered, Durability, Moment};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

impl Thread {
    pub(super) fn once(
        &mut self,
        sql: &impl Sql,
        once: Once,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decided, Error> {
        // What has no path of its own is decided as if it had no key.
        let Some(id) = id(&once, &command) else { return self.command(sql, command, moment) };
        let stays = command.stays();
        if let Some(known) = store::key::<Done>(sql, id, moment.now.plus(-KEEP_MS))? {
            let is_same = known.body == once.body;
            return Ok(if is_same { again(known.answer, stays) } else { at_once(Answer::KeyReused) });
        }
        let mut decided = self.command(sql, command, moment)?;
        if let Some(answer) = done(&decided.answer) {
            self.work.batch.keys.push(Key { id, body: once.body, answer });
            self.work.oldest_key.get_or_insert(moment.now);
            decided.durability = Durability::Now;
        }
        Ok(decided)
    }

    /// Forgets the keys of yesterday.
    pub(super) fn forget_keys(&mut self, now: Millis) {
        let until = now.plus(-KEEP_MS);
        if self.work.oldest_key.is_some_and(|oldest| oldest <= until) {
            self.work.batch.forget_keys = Some(until);
        }
    }
}

/// What the client's key is unique in: its agent and the path, of this thread.
fn id(once: &Once, command: &Command) -> Option<Hash> {
    let (who, path, run) = match command {
        Command::Create(create) => (Who::Caller(create.agent), "threads", 0),
        Command::Start(start) => (Who::Caller(start.thread.agent), "runs", 0),
        Command::Fork(fork) => (Who::Caller(fork.create.agent), "fork", 0),
        Command::Append(who, _) => (*who, "items", 0),
        Command::Give(who, run, _) | Command::GiveBy(who, run, ..) => (*who, "inputs", *run),
        _ => return None,
    };
    let who = match who {
        Who::Account => String::new(),
        Who::Caller(agent) | Who::Anonymous(agent) => agent.to_string(),
    };
    Some(Hash::of(&[who.as_bytes(), path.as_bytes(), &run.to_be_bytes(), once.key.uuid().as_bytes()]))
}

/// What is remembered of an answer; `None` of a refusal.
fn done(answer: &Answered<Thread>) -> Option<Done> {
    Some(match answer {
        Answered::Read(Query::Thread { is_new }) => Done::Thread { is_new: *is_new },
        Answered::Read(Query::Appended { from, count }) => Done::Items { from: *from, count: *count },
        Answered::Read(Query::Run { run }) => Done::Run(*run),
        Answered::Read(Query::Events(watch)) => Done::Run(watch.run?),
        Answered::Ready(Answer::Given(outcomes)) => Done::Given(outcomes.clone()),
        _ => return None,
    })
}

/// The answer to a request that was done before.
fn again(done: Done, stays: bool) -> Decided {
    match done {
        Done::Thread { is_new } => after_nothing(Query::Thread { is_new }),
        Done::Items { from, count } => after_nothing(Query::Appended { from, count }),
        Done::Run(run) => Decided { durability: Durability::Soon, ..shown(run, stays, Vec::new()) },
        Done::Given(outcomes) => at_once(Answer::Given(outcomes)),
        Done::Gone => at_once(Answer::NotFound),
    }
}
