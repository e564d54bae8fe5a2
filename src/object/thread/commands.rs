//! What each command decides.

use serde_json::{Map, Value, json};

use super::kept::{Kept, Meta};
use super::reading::Query;
use super::unsettled::Unsettled;
use super::{LINGER_MS, Thread};
use crate::domain::field_error::FieldError;
use crate::domain::merge_patch;
use crate::domain::message::Message;
use crate::domain::patch::{NotDone, Operations, StandIn};
use crate::domain::run::happening::Happened;
use crate::domain::run::state::Status;
use crate::domain::run::terms::Priority;
use crate::domain::thread::command::{Answer, Command, Create, Watch, Who};
use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::outbox::Outbox;
use crate::domain::time::Millis;
use crate::object::machine::{Answered, Decision, Durability, Effects, Machine, Moment};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

pub(super) type Decided = Decision<Thread>;

impl Thread {
    pub(super) fn command(
        &mut self,
        sql: &impl Sql,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decided, Error> {
        let now = moment.now;
        self.drop_copy(now);
        let gone = self.expire(if is_watch(&command) { now.plus(-LINGER_MS) } else { now }, now);
        let mut decided = self.decided(sql, command, moment)?;
        if !gone.is_empty() {
            decided.durability = Durability::Now;
            decided.effects.extend(gone);
        }
        Ok(decided)
    }

    fn decided(
        &mut self,
        sql: &impl Sql,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decided, Error> {
        let now = moment.now;
        Ok(match command {
            Command::Create(create) => self.create(create, now),
            Command::Start(mut start) => {
                self.name_user(&mut start);
                let by = start.terms.user.as_deref();
                let by = by.map(|user| self.speaker(sql, user)).transpose()?;
                match self.unfit_outputs(sql, &start)? {
                    faults if faults.is_empty() => self.start(*start, by.as_ref(), now),
                    faults => at_once(Answer::Invalid(faults)),
                }
            }
            Command::Once(once, command) => self.once(sql, once, *command, moment)?,
            Command::ByToken(floor, command) => self.by_token(sql, floor, *command, moment)?,
            Command::Floor(who) => self.seen_by(who, |_, meta| at_once(Answer::Floor(meta.floor))),
            Command::RaiseFloor(who) => self.seen_by(who, Self::raise_floor),
            Command::Clear(clear) => self.clear(sql, clear, now)?,
            Command::Wake => ready(Answer::Woken, self.wake(moment)),
            Command::Show(who) => self.seen_by(who, |_, _| after_nothing(Query::Thread { is_new: false })),
            Command::Change(who, patch) => self.seen_by(who, |thread, meta| thread.change(meta, patch, now)),
            Command::Edit(who, edits) => self.seen_by(who, |thread, meta| thread.edit(meta, &edits, now)),
            Command::Delete(who) => self.delete(sql, who, now)?,
            Command::DeleteWith(who, run) => {
                let there = self.meta.as_ref().filter(|meta| meta.is_seen_by(who));
                if there.is_some_and(|meta| (run, meta.last_run) != (1, 1)) {
                    return Ok(at_once(Answer::NotLast));
                }
                self.delete(sql, who, now)?
            }
            Command::Append(who, messages) => self.seen_by(who, |thread, meta| {
                let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
                let from = thread.append(meta, messages, now);
                after(Query::Appended { from, count }, Vec::new())
            }),
            Command::DeleteItem(who, id) => self.delete_item(sql, who, id, now)?,
            Command::Items(who, page) => self.seen_by(who, |_, _| after_nothing(Query::Items(page))),
            Command::Copy(who, cut) => self.seen_by(who, |_, _| after_nothing(Query::Copy(cut))),
            Command::Fork(fork) => self.fork(sql, *fork, now)?,
            Command::Run(who, run) => self.seen_by(who, |_, _| after_nothing(Query::Run { run })),
            Command::Journal(who, run, after) => {
                self.seen_by(who, |_, _| after_nothing(Query::Steps { run, after }))
            }
            Command::Export(who, place) => self.seen_by(who, |_, _| after_nothing(Query::Export(place))),
            Command::Events(who, watch) => self.seen_by(who, |_, _| after_nothing(Query::Events(watch))),
            Command::Cancel(who, run, reason) => {
                self.steer(sql, who, run, Happened::Cancelled { reason }, now)?
            }
            Command::Pause(who, run, reason) => {
                self.steer(sql, who, run, Happened::Paused { reason }, now)?
            }
            Command::Resume(who, run) => self.steer(sql, who, run, Happened::Resumed, now)?,
            Command::Prioritize(who, run, priority) => self.prioritize(sql, who, run, priority)?,
            Command::Hear(call, word) => self.hear(sql, call, word, now)?,
            Command::Abandon(reason) => self.abandon(reason, now),
            Command::Give(who, run, inputs) => self.give(sql, who, run, (inputs, None), now)?,
            Command::GiveBy(who, run, inputs, user) => {
                let by = self.speaker(sql, &user)?;
                self.give(sql, who, run, (inputs, Some(by)), now)?
            }
        })
    }

    /// Does something with the thread, if it is there for who asks.
    pub(super) fn seen_by(
        &mut self,
        who: Who,
        decide: impl FnOnce(&mut Self, &mut Meta) -> Decided,
    ) -> Decided {
        // Taken out, so that both can be changed.
        let Some(mut meta) = self.meta.take_if(|meta| meta.is_seen_by(who)) else {
            return at_once(Answer::NotFound);
        };
        let decided = decide(self, &mut meta);
        self.meta = Some(meta);
        decided
    }

    fn create(&mut self, create: Create, now: Millis) -> Decided {
        let who = Who::Caller(create.agent);
        if self.meta.is_some() {
            return self.seen_by(who, |_, _| after_nothing(Query::Thread { is_new: false }));
        }
        if let Some(decided) = self.is_becoming_a_copy() {
            return decided;
        }
        self.make(create, now);
        after(Query::Thread { is_new: true }, Vec::new())
    }

    pub(super) fn make(&mut self, create: Create, now: Millis) {
        let Create { account, key, name, agent, version, about, throw_away, items } = create;
        let mut meta = Meta {
            account,
            key,
            name,
            agent,
            version,
            about,
            titled_by: None,
            titled_in: None,
            throw_away,
            created_at: now,
            updated_at: now,
            last_run: self.last_run,
            first_run: self.last_run.saturating_add(1),
            open: Vec::new(),
            floor: self.floor,
            outbox: Outbox::default(),
            unsettled: Unsettled::default(),
            forgotten_until: None,
            forked_from: None,
            horizon: Horizon::default(),
            used: None,
            bytes: None,
            blank: Vec::new(),
        };
        if let Some(gone) = self.gone.take() {
            (meta.outbox, meta.unsettled) = (gone.outbox, gone.unsettled);
            self.work.batch.scrub |= gone.scrub;
        }
        self.append(&mut meta, items, now);
        self.work.batch.has_thread = true;
        self.meta = Some(meta);
    }

    /// The position of the first of these.
    fn append(&mut self, meta: &mut Meta, messages: Vec<Message>, now: Millis) -> u64 {
        let from = self.work.next_item;
        for message in messages {
            // Numbered by its place.
            let entry = u32::try_from(self.work.next_item).unwrap_or(u32::MAX);
            self.work.write_item(meta, 0, entry, 0, message, now);
        }
        meta.updated_at = now;
        self.work.batch.has_thread = true;
        from
    }

    fn change(&mut self, meta: &mut Meta, mut patch: Map<String, Value>, now: Millis) -> Decided {
        let version = match patch.remove("version") {
            None => meta.version,
            Some(Value::Null) => None,
            Some(moved) => match moved.as_u64().and_then(|number| u32::try_from(number).ok()) {
                Some(number) => Some(number),
                None => {
                    let message = "write latest, or the number of a version".to_owned();
                    return at_once(Answer::Invalid(vec![FieldError {
                        field: "version".to_owned(),
                        message,
                    }]));
                }
            },
        };
        match meta.about.patched(patch, &self.document(meta)) {
            Err(faults) => return at_once(Answer::Invalid(faults)),
            Ok(about) if about == meta.about && version == meta.version => {}
            Ok(about) => {
                if about.title != meta.about.title {
                    (meta.titled_by, meta.titled_in) = (None, None);
                }
                (meta.about, meta.version) = (about, version);
                meta.updated_at = now;
                self.work.batch.has_thread = true;
            }
        }
        after(Query::Thread { is_new: false }, Vec::new())
    }

    fn edit(&mut self, meta: &mut Meta, edits: &Operations, now: Millis) -> Decided {
        const VERSION: &str = "version";
        let mut before = self.document(meta);
        let version = StandIn::field(VERSION, json!(meta.version));
        let mut after = match edits.apply_beside(before.clone(), &[version]) {
            Ok(after) => after,
            Err(NotDone::Invalid(fault)) => return at_once(Answer::Invalid(vec![fault])),
            Err(NotDone::Test(operation)) => {
                let words =
                    format!("The test of operation {operation} found another value, so nothing was changed.");
                return at_once(Answer::Conflict(words));
            }
        };
        if edits.touches("/version") && !after.contains_key(VERSION) {
            after.insert(VERSION.to_owned(), Value::Null);
        }
        if after.contains_key(VERSION) {
            before.insert(VERSION.to_owned(), json!(meta.version));
        }
        self.change(meta, merge_patch::difference(&before, &after), now)
    }

    /// What the thread shows.
    fn document(&self, meta: &Meta) -> Map<String, Value> {
        match serde_json::to_value(self.thread_view(meta)) {
            Ok(Value::Object(document)) => document,
            _ => Map::new(),
        }
    }

    fn steer(
        &mut self,
        sql: &impl Sql,
        who: Who,
        number: u32,
        happened: Happened,
        now: Millis,
    ) -> Result<Decided, Error> {
        if !self.work.open.contains_key(&number) {
            return self.over(sql, who, number, &happened);
        }
        Ok(self.seen_by(who, |thread, meta| {
            let mut effects = thread.work.apply(meta, number, happened, now);
            effects.extend(thread.work.begin_next(meta, now));
            after(Query::Run { run: number }, effects)
        }))
    }

    /// A run that is over stays as it is; to cancel it once more is no fault.
    fn over(&mut self, sql: &impl Sql, who: Who, number: u32, happened: &Happened) -> Result<Decided, Error> {
        let kept: Option<Kept> = store::run(sql, number)?;
        Ok(self.seen_by(who, |_, _| match kept {
            None => at_once(Answer::NotFound),
            Some(kept) => {
                let status = kept.run.status();
                let is_cancelled =
                    matches!(happened, Happened::Cancelled { .. }) && status == Status::Cancelled;
                if is_cancelled {
                    after_nothing(Query::Run { run: number })
                } else {
                    at_once(Answer::Conflict(format!("The run is over: it is {}.", status.name())))
                }
            }
        }))
    }

    fn prioritize(
        &mut self,
        sql: &impl Sql,
        who: Who,
        number: u32,
        priority: Priority,
    ) -> Result<Decided, Error> {
        if !self.work.open.contains_key(&number) {
            return self.over(sql, who, number, &Happened::Time);
        }
        Ok(self.seen_by(who, |thread, _| {
            if let Some(kept) = thread.work.open.get_mut(&number) {
                kept.run.terms.priority = priority;
                thread.work.batch.runs.insert(number);
            }
            after(Query::Run { run: number }, Vec::new())
        }))
    }
}

/// Whether somebody listens to a run, who may have been cut off from its end.
fn is_watch(command: &Command) -> bool {
    matches!(command, Command::Events(_, Watch { run: Some(_), .. }))
}

/// An answer that is read once all is written.
pub(super) fn after(query: Query, effects: Effects<Thread>) -> Decided {
    Decided { answer: Answered::Read(query), durability: Durability::Now, effects }
}

/// An answer that changes nothing.
pub(super) fn at_once(answer: Answer) -> Decided {
    Decided { answer: Answered::Ready(answer), durability: Durability::Soon, effects: Vec::new() }
}

/// An answer that leaves once all is written.
pub(super) const fn ready(answer: Answer, effects: Effects<Thread>) -> Decided {
    Decision { answer: Answered::Ready(answer), durability: Durability::Now, effects }
}

/// An answer that is read, of what is written already.
pub(super) fn after_nothing(query: Query) -> Decided {
    Decision { durability: Durability::Soon, ..after(query, Vec::new()) }
}

/// A run, or what there is to be watched of it.
pub(super) fn shown(run: u32, watch: bool, effects: Effects<Thread>) -> Decided {
    let query = match watch {
        true => Query::Events(Watch { run: Some(run), after: None, stay: true, is_new_only: false }),
        false => Query::Run { run },
    };
    after(query, effects)
}
