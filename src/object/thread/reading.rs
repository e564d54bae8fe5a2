//! What is read once all is written: for clients, and for whoever performs an effect.

use super::Thread;
use super::kept::{Kept, Meta};
use super::voices::Names;
use super::window::{LAST, window};
use crate::domain::field_error::FieldError;
use crate::domain::memory::shelf::Reach;
use crate::domain::message::{AssistantPart, Message, stored};
use crate::domain::run::state::{Failure, Phase, Status};
use crate::domain::run::terms::Terms;
use crate::domain::run::tool::{OpenCall, Stage};
use crate::domain::thread::command::{Answer, Page, Watch};
use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::effect::{ModelCall, Report, ToolCall};
use crate::domain::thread::export::Place;
use crate::domain::thread::fork::{Copied, Copy, Cut, MAX_BYTES, MAX_ITEMS, PAGE_BYTES, PAGE_ITEMS};
use crate::domain::thread::id::EntryId;
use crate::domain::thread::item::Item;
use crate::domain::thread::view::{ItemView, RunView, ThreadStatus, ThreadView};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread::{self as store, Part};

/// The most bytes of a page.
const MAX_PAGE: u64 = 4 * 1_024 * 1_024;

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
    /// Of a run's journal, behind an entry.
    Steps {
        run: u32,
        after: u32,
    },
    Events(Watch),
    Export(Place),
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
            Query::Items(page) => match page.run {
                None => items(sql, meta, &page),
                Some(run) => self.items_of(sql, meta, run, &page),
            },
            Query::Copy(cut) => copied(sql, meta, cut),
            Query::Run { run } => {
                let view = self.run_view(sql, meta, run)?;
                Ok(view.map_or(Answer::NotFound, |view| Answer::Run(Box::new(view))))
            }
            Query::Steps { run, after } => match self.kept(sql, run)? {
                None => Ok(Answer::NotFound),
                Some(_) => {
                    let (steps, next) = store::steps(sql, run, after)?;
                    Ok(Answer::Journal { steps, next })
                }
            },
            Query::Events(watch) => self.events(sql, meta, watch),
            Query::Export(place) => self.export(sql, meta, place),
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
            anonymous: meta.about.anonymous,
        }
    }

    /// A run, open or over.
    pub(super) fn kept(&self, sql: &impl Sql, run: u32) -> Result<Option<Kept>, Error> {
        match self.work.open.get(&run) {
            Some(kept) => Ok(Some(kept.clone())),
            None => store::run(sql, run),
        }
    }

    pub(super) fn run_view(&self, sql: &impl Sql, meta: &Meta, run: u32) -> Result<Option<RunView>, Error> {
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

    /// A page of what a run was told, said and did. What came in between without a run is none of it.
    fn items_of(&self, sql: &impl Sql, meta: &Meta, run: u32, page: &Page) -> Result<Answer, Error> {
        let Some(kept) = self.kept(sql, run)? else { return Ok(Answer::NotFound) };
        let after = match page.after {
            None => kept.first_item.saturating_sub(1),
            Some(id) => match position(sql, meta, id)? {
                None => return Ok(Answer::NotFound),
                Some(position) => position,
            },
        };
        if kept.first_item == 0 {
            return Ok(Answer::Items { items: Vec::new(), has_more: false });
        }
        let (mut read, mut has_more) = store::items(sql, Part::After(after), page.limit, MAX_PAGE)?;
        if let Some(end) = read.iter().position(|item| item.run > run) {
            read.truncate(end);
            has_more = false;
        }
        read.retain(|item| item.run == run);
        Ok(Answer::Items { items: views(meta, read), has_more })
    }

    /// What the model is to be asked for a step of a run; `None` where it is not asked any more.
    ///
    /// # Errors
    /// [`Error`].
    pub fn model_call(
        &self,
        sql: &impl Sql,
        number: u32,
        step: u32,
        attempt: u32,
    ) -> Result<Option<ModelCall>, Error> {
        let (Some(meta), Some(kept)) = (&self.meta, self.work.open.get(&number)) else { return Ok(None) };
        let run = &kept.run;
        if run.phase != (Phase::Model { step, attempt }) {
            return Ok(None);
        }
        let (sent, items) = window(sql, meta, kept)?;
        Ok(Some(ModelCall {
            account: meta.account,
            run: meta.run(number),
            terms: run.terms.clone(),
            step: run.steps,
            attempt: run.attempt(),
            broke_off: run.trouble.broke_off.clone(),
            sent,
            items,
            closing: run.closing,
            misfit: run.open_misfit().cloned(),
            left: run.left(),
            reach: reach(meta, &run.terms),
            recalled: kept.recalled.clone(),
        }))
    }

    /// A tool call to be made; `None` where it is not wanted any more.
    pub fn tool_call(&self, number: u32, entry: u32, attempt: u32) -> Option<ToolCall> {
        let (meta, kept) = (self.meta.as_ref()?, self.work.open.get(&number)?);
        let is_wanted = |call: &&OpenCall| call.stage == Stage::Running && call.attempt == attempt;
        let call = kept.run.call(entry).filter(is_wanted)?.clone();
        let id = EntryId { run: meta.run(number), number: entry };
        Some(ToolCall {
            account: meta.account,
            id,
            given: kept.run.children.get(&entry).and_then(|child| child.given),
            user: meta.about.user.clone(),
            throw_away: meta.throw_away,
            reach: reach(meta, &kept.run.terms),
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
        let Some(parent) = &kept.run.terms.parent else { return Ok(None) };
        let view = match self.run_view(sql, meta, number) {
            // The run above is not to wait for what this code can never read.
            Err(Error::Decode(_)) => {
                let view = RunView::of(&kept.run, meta.run(number), None);
                Some(RunView {
                    error: Some(Failure::new("unavailable", "its answer cannot be read")),
                    ..view
                })
            }
            view => view?,
        };
        let Some(view) = view else { return Ok(None) };
        let ended = view.ended(kept.run.open_cost());
        Ok(Some(Report { account: meta.account, call: parent.call, ended }))
    }
}

/// Whose memories a run may reach: nobody's where it, or its thread, was begun without a key, because then its user is a
/// stranger's own word.
fn reach(meta: &Meta, terms: &Terms) -> Option<Reach> {
    let user = terms.user.as_ref().or(meta.about.user.as_ref());
    (!terms.started_by.is_keyless() && !meta.about.anonymous).then(|| Reach { user: user.cloned() })
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
        Cut::One(id) => match position(sql, meta, id)? {
            None => return Ok(Answer::NotFound),
            Some(position) => (position.saturating_sub(1), position),
        },
    };
    let last = store::place_until(sql, until)?;
    let after = last.map(|(_, run, entry)| EntryId { run: meta.run(run), number: entry });
    if let Cut::UpTo(wanted) = cut {
        if wanted.is_some() && last.is_none_or(|(position, ..)| position != until) {
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
    let mut names = Names::default();
    let items = items.iter().map(|item| copy(sql, meta, item, &mut names)).collect::<Result<_, _>>()?;
    let horizon = horizon_at(sql, meta, until)?;
    let titled_by = names.of_title(sql, meta)?;
    let Meta { agent, version, about, .. } = meta.clone();
    let copied = Copied { agent, version, about, after, until, items, next, horizon, titled_by };
    Ok(Answer::Copied(Box::new(copied)))
}

fn copy(sql: &impl Sql, meta: &Meta, item: &Item, names: &mut Names) -> Result<Copy, Error> {
    let place_of = |id| position(sql, meta, id)?.map(|position| place(sql, position)).transpose();
    let ends = item.stands_for.map(|span| Ok((place_of(span.from)?, place_of(span.to)?))).transpose()?;
    Ok(Copy {
        run: item.run,
        step: item.step,
        at: item.at,
        message: stored::write(&item.message),
        stands_for: ends.and_then(|(from, to)| from.zip(to)),
        by: names.of(sql, item)?,
    })
}

/// The place of a position among all items, from 1.
fn place(sql: &impl Sql, position: u64) -> Result<u64, Error> {
    store::size_between(sql, 0, position, u32::MAX).map(|(items, _)| items)
}

/// Where the thread stands if it ends with this position, by places.
fn horizon_at(sql: &impl Sql, meta: &Meta, until: u64) -> Result<Horizon, Error> {
    let horizon = meta.horizon;
    let is_before = |position: u64| position <= until;
    let at = if is_before(horizon.until) && horizon.summary.is_none_or(is_before) {
        Horizon { brief: horizon.brief.min(until), ..horizon }
    } else {
        let summary = store::summary_until(sql, until)?;
        let ends = summary.as_ref().and_then(|item| item.stands_for).map(|span| position(sql, meta, span.to));
        let summed = ends.transpose()?.flatten();
        let of =
            |summed| Horizon { until: summed, summed, summary: summary.map(|item| item.position), brief: 0 };
        summed.map(of).unwrap_or_default()
    };
    Ok(Horizon {
        until: place(sql, at.until)?,
        summed: place(sql, at.summed)?,
        summary: at.summary.map(|position| place(sql, position)).transpose()?,
        brief: place(sql, at.brief)?,
    })
}

fn too_large() -> FieldError {
    let megabytes = MAX_BYTES / 1_024 / 1_024;
    FieldError {
        field: "after".to_owned(),
        message: format!("a fork has at most {MAX_ITEMS} items and {megabytes} MB: name an earlier item"),
    }
}

/// Where an item stands.
pub(super) fn position(sql: &impl Sql, meta: &Meta, id: EntryId) -> Result<Option<u64>, Error> {
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
