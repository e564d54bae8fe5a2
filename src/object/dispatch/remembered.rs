//! How many memories the account's objects keep, as far as they have said, and room for more.
//!
//! Who writes a memory says afterwards how many the object has. Where that does not come, its claim is late, and the object is asked.

use std::collections::BTreeSet;

use super::claims::{CLAIM_MS, Claims};
use super::{Dispatch, Write};
use crate::domain::dispatch::command::{Answer, Command};
use crate::domain::ids::AccountId;
use crate::domain::knowledge::command::Tally;
use crate::domain::plan::KeepLimit;
use crate::domain::time::Millis;
use crate::object::machine::Durability;
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch::claims::Claimed;
use crate::object::store::dispatch::places;

/// Of a claim for a memory that nobody has said the end of: what stands for its run.
const LATE: &str = "late";

impl Dispatch {
    /// Objects that keep memories, and how many.
    pub(super) fn remembered(
        &mut self,
        sql: &impl Sql,
        command: Command,
        now: Millis,
    ) -> Result<(Answer, Durability), Error> {
        Ok(match command {
            Command::Place(name, is_there) => {
                if places::is_known(sql, &name)? == is_there {
                    return Ok((Answer::Placed, Durability::Soon));
                }
                if is_there {
                    self.batch.push(Write::Place(name, true));
                } else {
                    self.emptied(sql, name, u64::MAX)?;
                }
                (Answer::Placed, Durability::Now)
            }
            Command::Emptied(name, version) => {
                self.emptied(sql, name, version)?;
                (Answer::Placed, Durability::Now)
            }
            Command::ClaimMemory(name, id, most) => {
                self.know_by(&name);
                let is_full = self.claims.claim_memory(sql, (name.clone(), id), most, now)?;
                if !is_full && !places::is_known(sql, &name)? {
                    self.batch.push(Write::Place(name, true));
                }
                (
                    if is_full { Answer::Full(KeepLimit::Memories, most) } else { Answer::Claimed },
                    Durability::Now,
                )
            }
            Command::Counted(name, counted, claim) => {
                if let Some(claim) = claim {
                    self.claims.remove(&claim);
                }
                self.note_memories(sql, name, counted)?;
                (Answer::Placed, Durability::Now)
            }
            Command::Places(after, most) => {
                (Answer::Places(places::behind(sql, &after.unwrap_or_default(), most)?), Durability::Soon)
            }
            _ => (Answer::Woken, Durability::Soon),
        })
    }

    /// Nothing was left of an object in this version. If somebody has written there since, it is asked what it has.
    fn emptied(&mut self, sql: &impl Sql, name: String, version: u64) -> Result<(), Error> {
        if !places::is_known(sql, &name)? {
            return Ok(());
        }
        let (counted, memories) = places::counted(sql, &name)?;
        if counted > version {
            self.know_by(&name);
            self.clearing.count(BTreeSet::from([name]));
            self.batch.push(Write::Look);
        } else {
            self.claims.count_memories(memories, 0);
            self.batch.push(Write::Place(name, false));
        }
        Ok(())
    }

    /// An object's name begins with its account.
    fn know_by(&mut self, name: &str) {
        if let Some(account) = name.split(':').next().and_then(AccountId::parse) {
            self.know(account);
        }
    }

    /// So many memories are kept in an object; what is older than what is known changes nothing.
    pub(super) fn note_memories(
        &mut self,
        sql: &impl Sql,
        name: String,
        counted: Tally,
    ) -> Result<(), Error> {
        if !places::is_known(sql, &name)? {
            // All of a person's went meanwhile. Who has come back since is asked about.
            self.know_by(&name);
            self.clearing.count(BTreeSet::from([name]));
            self.batch.push(Write::Look);
            return Ok(());
        }
        let (version, before) = places::counted(sql, &name)?;
        if counted.version > version {
            self.claims.count_memories(before, counted.memories);
            self.batch.push(Write::Counted { name, version: counted.version, memories: counted.memories });
        }
        Ok(())
    }
}

impl Claims {
    /// The objects of which it is not known how many memories they keep: who claimed room there has not said what came of it. They
    /// are named once more when they should have been counted.
    pub fn uncounted(&mut self, now: Millis) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (id, claimed) in &mut self.open {
            if claimed.is_memory && claimed.until <= now {
                // Such a claim goes with the next count.
                (claimed.until, claimed.run) = (now.plus(CLAIM_MS), Some(LATE.to_owned()));
                self.changed.insert(id.clone());
                names.insert(claimed.thread.clone());
            }
        }
        names
    }

    /// An object was counted after claims on it were late.
    pub fn counted_late(&mut self, name: &str) {
        let is_late = |c: &Claimed| c.is_memory && c.thread == name && c.run.as_deref() == Some(LATE);
        let late: Vec<String> =
            self.open.iter().filter(|(_, c)| is_late(c)).map(|(id, _)| id.clone()).collect();
        late.iter().for_each(|id| self.remove(id));
    }

    /// Claims room for a memory; whether there is none.
    pub fn claim_memory(
        &mut self,
        sql: &impl Sql,
        (name, id): (String, String),
        most: u32,
        now: Millis,
    ) -> Result<bool, Error> {
        if self.open.contains_key(&id) {
            return Ok(false);
        }
        if self.kept(sql)?.memories >= most {
            return Ok(true);
        }
        let claimed = Claimed {
            thread: name,
            is_thread: false,
            is_run: false,
            run: None,
            is_memory: true,
            until: now.plus(CLAIM_MS),
        };
        self.changed.insert(id.clone());
        self.open.insert(id, claimed);
        Ok(false)
    }

    pub fn count_memories(&mut self, before: u64, now: u64) {
        if let Some(counted) = &mut self.counted {
            counted.memories = counted.memories.saturating_sub(before).saturating_add(now);
        }
    }
}
