//! What is asked of memories.

use std::collections::{BTreeSet, VecDeque};

use super::{Knowledge, Write};
use crate::domain::ids::MemoryId;
use crate::domain::memory::command::{Answer, Change, Command, List, Make, Recall};
use crate::domain::memory::words::{MAX_WORDS, candidates, either};
use crate::domain::memory::{MAX_MEMORIES, Memory, Status};
use crate::domain::time::Millis;
use crate::object::machine::Moment;
use crate::object::sql::{Error, Sql};
use crate::object::store::knowledge::{self as store, Kept, Order};

/// The most memories that are ranked: about 4 ms.
const MAX_RANKED: u64 = 2_000;
/// Up to so many memories every word of a text is counted: one that has fewer is rare.
const RARE: u64 = 64;
/// How many memories are deleted at once with one that took their place, and how many of one are looked at.
const MAX_CHAIN: usize = 500;
const MAX_NEXT: u32 = 200;
/// Above every number: they stay below 2⁵³.
const LAST: u64 = (1 << 53) - 1;

/// What an object answers that has none.
pub fn absent(command: &Command) -> Option<Answer> {
    match command {
        Command::Make(make) => make.is_again_only.then_some(Answer::Full(MAX_MEMORIES)),
        Command::Show(_) | Command::Change(_) | Command::Delete(..) => Some(Answer::NotFound),
        Command::List(_) => Some(Answer::Listed { memories: Vec::new(), next: None }),
        Command::Recall(_) => Some(Answer::Recalled { found: Vec::new(), newest: Vec::new() }),
    }
}

impl Knowledge {
    pub(super) fn memory(
        &mut self,
        sql: &impl Sql,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Answer, Error> {
        match command {
            Command::Make(make) => self.make(sql, make, moment),
            Command::Show(id) => Ok(store::memory(sql, id)?.map_or(Answer::NotFound, shown)),
            Command::Change(change) => self.change(sql, change, moment.now),
            Command::Delete(id, over) => self.delete(sql, id, over),
            Command::List(list) => listed(sql, &list),
            Command::Recall(recall) => recalled(sql, &recall),
        }
    }

    fn make(&mut self, sql: &impl Sql, make: Make, moment: &mut Moment<'_>) -> Result<Answer, Error> {
        let Make { id, draft, source, supersedes, is_again_only } = make;
        if let Some(id) = id {
            if let Some(kept) = store::memory(sql, id)? {
                return Ok(Answer::Made { memory: Box::new(kept.memory), is_new: false });
            }
            if store::is_gone(sql, id)? {
                return Ok(Answer::Gone);
            }
        }
        let known = store::of_text(sql, &draft.text)?;
        let is_known = |id: MemoryId| known.as_ref().is_some_and(|known| known.memory.id == id);
        let before = match supersedes {
            None => None,
            Some(before) if is_known(before) => None,
            Some(before) => match store::memory(sql, before)? {
                None => return Ok(Answer::NotFound),
                Some(before) => match before.memory.superseded_by {
                    None => Some(before),
                    Some(by) if is_known(by) => None,
                    Some(by) => return Ok(Answer::Superseded(by)),
                },
            },
        };
        if known.is_none() && (is_again_only || self.totals.memories >= MAX_MEMORIES) {
            return Ok(Answer::Full(MAX_MEMORIES));
        }
        let is_new = known.is_none();
        let supersedes = before.as_ref().map(|before| before.memory.id);
        let memory = match known {
            Some(known) => self.take_place(known, supersedes, moment.now),
            None => Memory {
                id: id.unwrap_or_else(|| MemoryId::new(moment.now, (moment.random)())),
                text: draft.text,
                labels: draft.labels,
                metadata: draft.metadata,
                status: draft.status,
                supersedes,
                superseded_by: None,
                source,
                revision: 1,
                created_at: moment.now,
                updated_at: moment.now,
            },
        };
        if let Some(before) = before {
            self.supersede(before, memory.id, moment.now);
        }
        if is_new {
            self.batch.push(Write::Insert(Box::new(memory.clone())));
        }
        Ok(Answer::Made { memory: Box::new(memory), is_new })
    }

    /// A memory that is there and takes the place of another says so, if it took no other's before.
    fn take_place(&mut self, known: Kept, supersedes: Option<MemoryId>, now: Millis) -> Memory {
        let Kept { number, memory, bytes } = known;
        if supersedes.is_none() || memory.supersedes.is_some() {
            return memory;
        }
        let revision = memory.revision + 1;
        let memory = Memory { supersedes, revision, updated_at: now, ..memory };
        let written = Box::new(memory.clone());
        self.batch.push(Write::Update { number, bytes, memory: written, is_other_text: false });
        memory
    }

    fn supersede(&mut self, before: Kept, by: MemoryId, now: Millis) {
        let Kept { number, memory, bytes } = before;
        let revision = memory.revision + 1;
        let memory = Memory {
            status: Status::Superseded,
            superseded_by: Some(by),
            revision,
            updated_at: now,
            ..memory
        };
        self.batch.push(Write::Update { number, bytes, memory: Box::new(memory), is_other_text: false });
    }

    /// Changes a memory; where another active one has the text already, it is that one, and nothing is changed.
    fn change(&mut self, sql: &impl Sql, change: Change, now: Millis) -> Result<Answer, Error> {
        let Change { id, read, draft } = change;
        let Some(Kept { number, memory: before, bytes }) = store::memory(sql, id)? else {
            return Ok(Answer::NotFound);
        };
        if before.revision != read {
            return Ok(Answer::Moved);
        }
        let is_other_text = draft.text != before.text;
        let becomes_active =
            draft.status == Status::Active && (is_other_text || before.status != Status::Active);
        if becomes_active
            && let Some(twin) = store::of_text(sql, &draft.text)?.filter(|twin| twin.number != number)
        {
            return Ok(Answer::Made { memory: Box::new(twin.memory), is_new: false });
        }
        let memory = Memory {
            text: draft.text,
            labels: draft.labels,
            metadata: draft.metadata,
            status: draft.status,
            superseded_by: before.superseded_by.filter(|_| draft.status == Status::Superseded),
            revision: before.revision + 1,
            updated_at: now,
            ..before
        };
        self.batch.push(Write::Update { number, bytes, memory: Box::new(memory.clone()), is_other_text });
        Ok(Answer::Memory(Box::new(memory)))
    }

    /// With those that it took the place of: what is forgotten is not to be read in an earlier wording.
    fn delete(&mut self, sql: &impl Sql, id: MemoryId, over: Option<u64>) -> Result<Answer, Error> {
        let Some(kept) = store::memory(sql, id)? else { return Ok(Answer::NotFound) };
        if over.is_some_and(|over| over != kept.memory.revision) {
            return Ok(Answer::Moved);
        }
        let mut going = VecDeque::from(store::predecessors(sql, id, MAX_NEXT)?);
        let mut has_more = going.len() >= MAX_NEXT as usize;
        let (mut seen, mut gone, mut room) = (BTreeSet::from([kept.number]), 0, MAX_CHAIN);
        while let Some(earlier) = going.pop_front() {
            if !seen.insert(earlier.number) {
                continue;
            }
            let before = store::predecessors(sql, earlier.memory.id, MAX_NEXT)?;
            // With it go, or stay in sight, those that it took the place of.
            let rest = room.checked_sub(before.len() + 1);
            has_more |= rest.is_none() || before.len() >= MAX_NEXT as usize;
            room = rest.unwrap_or(room);
            match rest {
                None => self.follow(earlier, id),
                Some(_) if before.len() >= MAX_NEXT as usize => {
                    before.into_iter().chain([earlier]).for_each(|stays| self.follow(stays, id));
                }
                Some(_) => {
                    going.extend(before);
                    gone += 1;
                    self.remove(earlier);
                }
            }
        }
        if has_more {
            return Ok(Answer::Shortened(gone));
        }
        self.remove(kept);
        Ok(Answer::Deleted(gone + 1))
    }

    fn remove(&mut self, kept: Kept) {
        let Kept { number, memory, bytes } = kept;
        self.batch.push(Write::Delete { number, bytes });
        if memory.source.run.is_some() {
            self.batch.push(Write::Gone(memory.id));
        }
    }

    /// A memory counts as one whose place this other took.
    fn follow(&mut self, kept: Kept, by: MemoryId) {
        let Kept { number, memory, bytes } = kept;
        if memory.superseded_by != Some(by) {
            let memory = Box::new(Memory { superseded_by: Some(by), ..memory });
            self.batch.push(Write::Update { number, bytes, memory, is_other_text: false });
        }
    }
}

fn shown(kept: Kept) -> Answer {
    Answer::Memory(Box::new(kept.memory))
}

fn listed(sql: &impl Sql, list: &List) -> Result<Answer, Error> {
    let fetch = list.limit.saturating_add(1);
    let mut kept = match &list.query {
        None => store::newest(sql, list.status, list.after.unwrap_or(LAST), fetch)?,
        Some(text) => found(sql, text, list.status, fetch, list.after.unwrap_or_default())?,
    };
    let has_more = kept.len() > list.limit as usize;
    kept.truncate(list.limit as usize);
    let next = match &list.query {
        None => kept.last().map(|last| last.number),
        Some(_) => Some(list.after.unwrap_or_default() + u64::from(list.limit)),
    };
    let memories = kept.into_iter().map(|kept| kept.memory).collect();
    Ok(Answer::Listed { memories, next: next.filter(|_| has_more) })
}

fn recalled(sql: &impl Sql, recall: &Recall) -> Result<Answer, Error> {
    let active = Some(Status::Active);
    let found = found(sql, &recall.query, active, recall.limit, 0)?;
    let newest = store::newest(sql, active, LAST, recall.limit)?;
    let [found, newest] = [found, newest].map(|kept| within(kept, recall.bytes));
    Ok(Answer::Recalled { found, newest })
}

/// What a text finds. Its rarest words decide, as many as have [`MAX_RANKED`] memories together: to rank all that have a common one
/// takes long, and says little. Where all are common, the newest come first.
fn found(
    sql: &impl Sql,
    text: &str,
    status: Option<Status>,
    limit: u32,
    behind: u64,
) -> Result<Vec<Kept>, Error> {
    let rare = rarest(sql, &candidates(text))?;
    let mut ranked = 0;
    let few = rare.iter().take_while(|(count, _)| {
        ranked += count;
        ranked <= MAX_RANKED
    });
    if let Some(expression) = either(few.map(|(_, word)| word.as_str())) {
        return store::found(sql, (&expression, Order::Best), status, limit, behind);
    }
    match either(rare.iter().map(|(_, word)| word.as_str())) {
        None => Ok(Vec::new()),
        Some(expression) => store::found(sql, (&expression, Order::Newest), status, limit, behind),
    }
}

/// The rarest of these words that any memory has, each with how many have it, the rarest first.
fn rarest(sql: &impl Sql, words: &[String]) -> Result<Vec<(u64, String)>, Error> {
    let by_count = |(count, _): &(u64, String)| *count;
    let mut found = store::frequencies(sql, words, RARE)?;
    found.retain(|(count, _)| *count > 0);
    found.sort_by_key(by_count);
    found.truncate(MAX_WORDS);
    // Only those that no rarer ones leave out are counted further.
    let common = found.split_off(found.partition_point(|(count, _)| *count < RARE));
    let common: Vec<String> = common.into_iter().map(|(_, word)| word).collect();
    if !common.is_empty() {
        found.extend(store::frequencies(sql, &common, MAX_RANKED + 1)?);
        found.sort_by_key(by_count);
    }
    Ok(found)
}

/// The first of these, of no more than so many bytes, but one at least.
fn within(kept: Vec<Kept>, bytes: u64) -> Vec<Memory> {
    let mut left = bytes;
    let fits = kept.into_iter().enumerate().take_while(|(nth, kept)| {
        let fits = *nth == 0 || kept.bytes <= left;
        left = left.saturating_sub(kept.bytes);
        fits
    });
    fits.map(|(_, kept)| kept.memory).collect()
}
