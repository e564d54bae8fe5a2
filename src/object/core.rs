//! What a restart loads, and one write of it.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{Effect, EffectId, Effects, Machine, Moment, Resumption};
use super::sql::{Error, Sql};
use super::store::scrub::Footprint;
use super::store::{effects, steps};
use crate::domain::time::Millis;

/// A machine, and what the host knows of its effects.
pub struct Core<M: Machine> {
    pub machine: M,
    /// Effects on the disk.
    pub open: BTreeMap<EffectId, M::Effect>,
    /// Effects without a row, see [`Machine::owed`].
    pub owed: BTreeMap<EffectId, M::Effect>,
    /// To be written, then performed.
    pub decided: Effects<M>,
    /// On the disk and to be removed.
    pub ended: Vec<EffectId>,
    pub footprint: Footprint,
}

impl<M: Machine> Core<M> {
    /// Begins where the disk ends; with the open effects that are to be performed again. A machine whose write failed is taken
    /// over from, and what it began is still being performed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn load(
        sql: &impl Sql,
        fallen: &mut Option<M>,
        performed: &BTreeSet<EffectId>,
        log: &mut Vec<String>,
        moment: &mut Moment<'_>,
    ) -> Result<(Self, Effects<M>), Error> {
        steps::migrate(sql, M::STEPS)?;
        let machine = M::load(sql, moment.now)?;
        let mut core = Self {
            machine,
            open: BTreeMap::new(),
            owed: BTreeMap::new(),
            decided: Vec::new(),
            ended: Vec::new(),
            footprint: if M::KEEPS_PEOPLE { Footprint::load(sql)? } else { Footprint::default() },
        };
        let open = effects::load(sql, log)?;
        if let Some(fallen) = fallen.take() {
            core.machine.inherit(fallen);
        }
        let mut again = Vec::new();
        for effect in open {
            if performed.contains(&effect.id) {
                core.machine.goes_on(&effect);
                core.open.insert(effect.id, effect.what);
                continue;
            }
            match core.machine.resumed(&effect, moment) {
                Resumption::Again => {
                    core.open.insert(effect.id.clone(), effect.what.clone());
                    again.push(effect);
                }
                Resumption::Ended(next) => {
                    core.ended.push(effect.id);
                    core.decided.extend(next);
                }
            }
        }
        core.decided.extend(core.machine.orphaned(moment));
        Ok((core, again))
    }

    /// The effects without a row that may be performed now.
    pub fn owe(&mut self, now: Millis) -> Effects<M> {
        let owed = self.machine.owed(now);
        self.owed.extend(owed.iter().map(|effect| (effect.id.clone(), effect.what.clone())));
        owed
    }

    /// Takes an effect that has ended; `None` where it is not open.
    pub fn end(&mut self, id: &str) -> Option<Effect<M::Effect>> {
        let id = id.to_owned();
        if let Some(what) = self.owed.remove(&id) {
            return Some(Effect { id, what });
        }
        let what = self.open.remove(&id)?;
        self.ended.push(id.clone());
        Some(Effect { id, what })
    }

    /// Whether there are effects to be written.
    pub const fn must_write(&self) -> bool {
        !self.decided.is_empty() || !self.ended.is_empty()
    }

    /// Whether nothing is to be written, and no effect is under way.
    pub fn is_quiet(&self) -> bool {
        !self.must_write() && !self.machine.is_dirty() && self.open.is_empty() && self.owed.is_empty()
    }

    /// Writes all that memory has and the disk has not, all of it or nothing; the effects that may be
    /// performed now.
    ///
    /// # Errors
    /// [`Error::Storage`], whatever went wrong: what was taken to be written is in neither place then, so
    /// memory must go.
    pub fn write(&mut self, sql: &impl Sql, now: Millis) -> Result<Effects<M>, Error> {
        if !self.must_write() && !self.machine.is_dirty() && !self.machine.has_reserve() {
            return Ok(Vec::new());
        }
        sql.atomically(&mut || {
            self.ended.iter().try_for_each(|id| effects::delete(sql, id))?;
            self.decided.iter().try_for_each(|effect| effects::insert(sql, effect))?;
            // The last that may fail, so that the machine knows what it has not written.
            self.machine.write(sql, &mut self.footprint, now)
        })
        .map_err(|error| Error::Storage(error.to_string()))?;
        self.ended.clear();
        let decided = std::mem::take(&mut self.decided);
        self.open.extend(decided.iter().map(|effect| (effect.id.clone(), effect.what.clone())));
        Ok(decided)
    }
}
