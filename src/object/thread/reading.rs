//! What is read once all is written: for clients, and for whoever performs an effect.

use super::Thread;
use super::kept::{Kept, Meta};
use super::window::{LAST, window};
use crate::domain::field_error::FieldError;
use crate::domain::message::{AssistantPart, Message, stored};
use crate::domain::run::event::{Event, Numbered};
use crate::domain::run::state::Status;
use crate::domain::thread::command::{Answer, BadCursor, Events, Page, Watch};
use crate::domain::thread::effect::{ModelCall, Report, ToolCall};
use crate::domain::thread::fork::{Copied, Copy, Cut, MAX_BYTES, MAX_ITEMS, PAGE_BYTES, PAGE_ITEMS};
use crate::domain::thread::id::EntryId;
use crate::domain::thread::item::Item;
use crate::domain::thread::view::{ItemView, RunView, ThreadStatus, ThreadView};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread::{self as store, Part};

/// The most bytes of a page.
const MAX_PAGE: u64 = 4 * 1_024 * 1_024;
/// The most writes whose events are given at once.
const MAX_EVENT_ROWS: u32 = 500;

/// What is to be read.
#[derive(Clone, Debug)]
pub enum Query {
    Thread {
        is_new: bool,
    },
    Deleted,
    /// So many items from a position on.
    Appended {
        from: u64,
        count: u32,
    },
    Items(Page),
    Copy(Cut),
    Run {
        run: u32,
    },
    Steps {
        run: u32,
    },
    Events(Watch),
}

impl Thread {
    pub(super) fn query(&self, sql: &impl Sql, query: Query) -> Result<Answer, Error> {
        let Some(meta) = &self.meta else {
            return Ok(if matches!(query, Query::Deleted) { Answer::Deleted } else { Answer::NotFound });
        };
        match query {
            Query::Thread { is_new } => {
                Ok(Answer::Thread { thread: Box::new(self.thread_view(meta)), is_new })
            }
            Query::Deleted => Ok(Answer::Deleted),
            Query::Appended { from, count } => {
                let (items, _) = store::items(sql, Part::After(from.saturating_sub(1)), count, u64::MAX)?;
                Ok(Answer::Items { items: views(meta, items), has_more: false })
            }
            Query::Items(page) => items(sql, meta, &page),
            Query::Copy(cut) => copied(sql, meta, cut),
            Query::Run { run } => {
                let view = self.run_view(sql, meta, run)?;
                Ok(view.map_or(Answer::NotFound, |view| Answer::Run(Box::new(view))))
            }
            Query::Steps { run } => match self.kept(sql, run)? {
                None => Ok(Answer::NotFound),
                Some(_) => store::steps(sql, run).map(Answer::Steps),
            },
            Query::Events(watch) => self.events(sql, meta, watch),
        }
    }

    /// Of the run that is at work or waits.
    pub(super) fn status(&self) -> ThreadStatus {
        let statuses: Vec<Status> = self.work.open.values().map(|kept| kept.run.status()).collect();
        if statuses.contains(&Status::InProgress) {
            ThreadStatus::Busy
        } else if statuses.is_empty() {
            ThreadStatus::Idle
        } else {
            ThreadStatus::Waiting
        }
    }

    pub(super) fn thread_view(&self, meta: &Meta) -> ThreadView {
        ThreadView {
            id: meta.key,
            name: meta.name.as_ref().map(|name| name.as_str().to_owned()),
            agent_id: meta.agent,
            agent_version: meta.version,
            user: meta.about.user.clone(),
            title: meta.about.title.clone(),
            metadata: meta.about.metadata.clone(),
            labels: meta.about.labels.clone(),
            status: self.status(),
            open_runs: meta.open.iter().map(|number| meta.run(*number)).collect(),
            created_at: meta.created_at,
            updated_at: meta.updated_at,
            expires_at: meta.expires_at(),
            forked_from: meta.forked_from,
        }
    }

    /// A run, open or over.
    pub(super) fn kept(&self, sql: &impl Sql, run: u32) -> Result<Option<Kept>, Error> {
        match self.work.open.get(&run) {
            Some(kept) => Ok(Some(kept.clone())),
            None => store::run(sql, run),
        }
    }

    fn run_view(&self, sql: &impl Sql, meta: &Meta, run: u32) -> Result<Option<RunView>, Error> {
        let Some(kept) = self.kept(sql, run)? else { return Ok(None) };
        let answer = match kept.answer.filter(|_| kept.run.is_over()) {
            None => None,
            Some(position) => {
                let items = store::between(sql, position, position)?;
                items.into_iter().next().and_then(|(item, _)| text(item))
            }
        };
        // A model may have nothing to say after its tools.
        let is_silent = answer.is_none() && kept.run.status() == Status::Completed;
        let answer = if is_silent { Some(String::new()) } else { answer };
        Ok(Some(RunView::of(&kept.run, meta.run(run), answer)))
    }

    fn events(&self, sql: &impl Sql, meta: &Meta, watch: Watch) -> Result<Answer, Error> {
        let snapshot = match watch.run {
            None => None,
            Some(run) => match self.run_view(sql, meta, run)? {
                None => return Ok(Answer::NotFound),
                Some(view) => Some(view),
            },
        };
        let kept = watch.run.map(|run| self.kept(sql, run)).transpose()?.flatten();
        let known = match &kept {
            // Numbers that were only reserved nobody has seen: after a crash the run goes on behind them.
            Some(kept) => kept.seqs.next,
            None => self.work.next_position,
        };
        if watch.after.is_some_and(|after| after >= known) {
            return Ok(Answer::BadCursor(BadCursor::Future));
        }
        if is_expired(sql, watch, kept.as_ref())? {
            return Ok(Answer::BadCursor(BadCursor::Expired));
        }
        let is_wanted = |event: &Numbered| match watch.run {
            Some(run) => event.run.number == run && watch.after.is_none_or(|after| event.seq > after),
            None => watch.after.is_none_or(|after| event.position > after),
        };
        let mut from = match (&kept, watch.after) {
            (Some(kept), _) => kept.seqs.first_position.saturating_sub(1),
            (None, after) => after.unwrap_or(0),
        };
        let mut found = Vec::new();
        loop {
            let (events, next) = store::events(sql, from, MAX_EVENT_ROWS)?;
            found.extend(events.into_iter().filter(is_wanted));
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        // What was sent to watchers and is not written yet.
        found.extend(self.work.batch.events.iter().filter(|event| is_wanted(event)).cloned());
        let is_over = found.last().is_some_and(|last| watch.run.is_some() && last.event.is_last())
            || kept.is_some_and(|kept| kept.run.is_over());
        Ok(Answer::Events(Box::new(Events { snapshot, events: found, is_over })))
    }

    /// What the model is to be asked for a run; `None` where it is not asked any more.
    ///
    /// # Errors
    /// [`Error`].
    pub fn model_call(&self, sql: &impl Sql, number: u32) -> Result<Option<ModelCall>, Error> {
        let (Some(meta), Some(kept)) = (&self.meta, self.work.open.get(&number)) else { return Ok(None) };
        let run = &kept.run;
        let (messages, left_out) = window(sql, kept)?;
        Ok(Some(ModelCall {
            account: meta.account,
            run: meta.run(number),
            terms: run.terms.clone(),
            step: run.steps,
            attempt: run.attempt(),
            messages,
            left_out,
            closing: run.closing,
            left: run.left(),
        }))
    }

    /// A tool call to be made; `None` where it is not wanted any more.
    pub fn tool_call(&self, number: u32, entry: u32) -> Option<ToolCall> {
        let (meta, kept) = (self.meta.as_ref()?, self.work.open.get(&number)?);
        let call = kept.run.call(entry)?.clone();
        let id = EntryId { run: meta.run(number), number: entry };
        Some(ToolCall {
            account: meta.account,
            id,
            given: kept.run.children.get(&entry).and_then(|child| child.given),
            user: meta.about.user.clone(),
            throw_away: meta.throw_away,
            terms: kept.run.terms.clone(),
            call,
        })
    }

    /// What the run above learns of one that is over; `None` where there is none any more.
    ///
    /// # Errors
    /// [`Error`].
    pub fn report(&self, sql: &impl Sql, number: u32) -> Result<Option<Report>, Error> {
        let Some(meta) = &self.meta else { return Ok(None) };
        let Some(kept) = store::run::<Kept>(sql, number)? else { return Ok(None) };
        let view = self.run_view(sql, meta, number)?;
        let (Some(parent), Some(view)) = (&kept.run.terms.parent, view) else { return Ok(None) };
        let ended = view.ended(kept.run.open_cost());
        Ok(Some(Report { account: meta.account, call: parent.call, ended }))
    }
}

fn items(sql: &impl Sql, meta: &Meta, page: &Page) -> Result<Answer, Error> {
    let after = match page.after {
        None => None,
        Some(id) => match position(sql, meta, id)? {
            None => return Ok(Answer::NotFound),
            position => position,
        },
    };
    let part = match (page.newest_first, after) {
        (true, after) => Part::Before(after.unwrap_or(LAST)),
        (false, after) => Part::After(after.unwrap_or(0)),
    };
    let (read, has_more) = store::items(sql, part, page.limit, MAX_PAGE)?;
    Ok(Answer::Items { items: views(meta, read), has_more })
}

/// A page of this thread's items, to be copied.
fn copied(sql: &impl Sql, meta: &Meta, cut: Cut) -> Result<Answer, Error> {
    let (behind, until) = match cut {
        Cut::Between { behind, until } => (behind, until),
        Cut::UpTo(None) => (0, store::last_item(sql)?),
        Cut::UpTo(Some(id)) => match position(sql, meta, id)? {
            None => return Ok(Answer::NotFound),
            Some(position) => (0, position),
        },
    };
    let (last, _) = store::items(sql, Part::Before(until.saturating_add(1)), 1, u64::MAX)?;
    let last = last.first();
    let after = last.map(|item| EntryId { run: meta.run(item.run), number: item.entry });
    if let Cut::UpTo(wanted) = cut {
        if wanted.is_some() && last.is_none_or(|last| last.position != until) {
            return Ok(Answer::NotFound);
        }
        let (items, bytes) = store::size_between(sql, 0, until, MAX_ITEMS + 1)?;
        if items > MAX_ITEMS.into() || bytes > MAX_BYTES {
            return Ok(Answer::Invalid(vec![too_large()]));
        }
    }
    let (mut items, has_more) = store::items(sql, Part::After(behind), PAGE_ITEMS, PAGE_BYTES)?;
    items.retain(|item| item.position <= until);
    let last = items.last().map(|item| item.position);
    let next = last.filter(|last| has_more && *last < until);
    let items = items.into_iter().map(copy).collect();
    let Meta { agent, version, about, .. } = meta.clone();
    Ok(Answer::Copied(Box::new(Copied { agent, version, about, after, until, items, next })))
}

fn copy(item: Item) -> Copy {
    Copy { run: item.run, step: item.step, at: item.at, message: stored::write(&item.message) }
}

fn too_large() -> FieldError {
    let megabytes = MAX_BYTES / 1_024 / 1_024;
    FieldError {
        field: "after".to_owned(),
        message: format!("a fork has at most {MAX_ITEMS} items and {megabytes} MB: name an earlier item"),
    }
}

/// Where an item stands.
fn position(sql: &impl Sql, meta: &Meta, id: EntryId) -> Result<Option<u64>, Error> {
    if id.run.thread != meta.key {
        return Ok(None);
    }
    // What was appended without a run is numbered by its place.
    if id.run.number == 0 {
        return Ok(Some(id.number.into()));
    }
    let Some(kept) = store::run::<Kept>(sql, id.run.number)? else { return Ok(None) };
    store::position_of(sql, kept.first_item, id.run.number, id.number)
}

fn views(meta: &Meta, items: Vec<Item>) -> Vec<ItemView> {
    items.into_iter().map(|item| ItemView::of(meta.key, item)).collect()
}

fn text(item: Item) -> Option<String> {
    match item.message {
        Message::Assistant { parts } => AssistantPart::text_of(&parts).map(std::borrow::Cow::into_owned),
        _ => None,
    }
}

/// Whether events behind the cursor are forgotten.
fn is_expired(sql: &impl Sql, watch: Watch, kept: Option<&Kept>) -> Result<bool, Error> {
    let Some(first) = store::first_event(sql)? else { return Ok(false) };
    Ok(match kept {
        None => watch.after.is_some_and(|after| after + 1 < first.position && first.seq > 0),
        Some(kept) => kept.seqs.first_position < first.position && first.event != Event::Created,
    })
}
