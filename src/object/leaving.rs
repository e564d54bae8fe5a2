//! When an object leaves memory by itself: its disk is emptied, or what was erased is to leave the platform's log of it.

use super::core::Core;
use super::host::Host;
use super::machine::Machine;
use super::sql::{Error, Sql};

impl<M: Machine, S: Sql> Host<M, S> {
    /// Drops the memory of an object whose disk is emptied right after that, before anything else is asked of it; whether it
    /// may be emptied.
    pub fn vacate(&mut self) -> bool {
        let is_void = self.is_void();
        if is_void {
            self.core = None;
            self.alarm_at = None;
            self.is_nobodys = false;
        }
        is_void
    }

    /// Whether the object is to leave memory: what was overwritten on its disk stands in the platform's log of it for as long as it is
    /// there.
    pub fn may_leave(&self) -> bool {
        let may_leave = |core: &Core<M>| core.is_quiet() && core.footprint.is_in_log;
        self.waiting.is_empty() && self.core.as_ref().is_some_and(may_leave)
    }

    /// The object leaves memory now.
    ///
    /// # Errors
    /// [`Error`], of writing: it is asked again later.
    pub fn leave(&mut self) -> Result<(), Error> {
        let (core, sql) = self.loaded()?;
        core.footprint.leave(sql)
    }

    pub(super) fn is_void(&self) -> bool {
        let is_void = |core: &Core<M>| core.is_quiet() && core.machine.is_void();
        self.waiting.is_empty() && self.core.as_ref().map_or(self.is_nobodys, is_void)
    }
}
