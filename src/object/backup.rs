//! What a host does for dumps and restores, whatever its machine.

use std::fmt::Write;

use super::host::Host;
use super::machine::{Machine, Moment};
use super::sql::{Error, Sql};
use super::store::{dump, restore, steps};
use crate::domain::backup::command::{Answer, Command, Cursor, Part};
use crate::domain::time::Millis;

impl<M: Machine, S: Sql> Host<M, S> {
    /// One that opens its object for backups alone: no machine is loaded, so nothing happens in it.
    #[must_use]
    pub const fn held(mut self) -> Self {
        self.is_held = true;
        self
    }

    /// Answers a question of a backup.
    ///
    /// # Errors
    /// [`Error`].
    pub fn storage(&mut self, command: Command, moment: &mut Moment<'_>) -> Result<Answer, Error> {
        self.is_nobodys = false;
        let answer = match command {
            Command::Dump(cursor) => self.dump(cursor, moment),
            Command::Restore(part) => self.restore(&part, moment),
        };
        answer.map_err(|error| self.fail(error))
    }

    fn dump(&mut self, cursor: Option<Cursor>, moment: &mut Moment<'_>) -> Result<Answer, Error> {
        if self.core.is_none() && steps::is_empty(&self.sql)? {
            return Ok(if cursor.is_some() { Answer::Lost } else { Answer::Empty });
        }
        if !self.is_held {
            self.save(moment)?;
        }
        let answer = match cursor {
            None => dump::first(&self.sql, name(moment), moment.now)?,
            Some(cursor) => dump::next(&self.sql, cursor, moment.now)?,
        };
        self.dumping = dump::until(&self.sql)?;
        self.arm(moment.now);
        Ok(answer)
    }

    /// What memory has and the disk has not belongs to the dump. A damaged row must not keep the others from it.
    fn save(&mut self, moment: &mut Moment<'_>) -> Result<(), Error> {
        match self.load(moment) {
            Err(Error::Decode(words)) => {
                self.todo.log.push(words);
                Ok(())
            }
            loaded => loaded.and_then(|_| self.write(moment.now)),
        }
    }

    /// Ends a dump that nobody goes on with.
    pub(super) fn end_dump(&mut self, now: Millis) -> Result<(), Error> {
        if self.dumping.is_some_and(|until| until <= now) {
            dump::end(&self.sql)?;
            self.dumping = None;
        }
        Ok(())
    }

    fn restore(&mut self, part: &Part, moment: &mut Moment<'_>) -> Result<Answer, Error> {
        let now = moment.now;
        let answer = restore::take(&self.sql, M::STEPS, part, |sql| M::restored(sql, part.is_copy, now))?;
        if answer == Answer::Restored {
            if self.is_held {
                self.todo.alarm = Some(now);
            } else {
                self.look(moment)?;
            }
        }
        Ok(answer)
    }
}

/// That of no other dump.
fn name(moment: &mut Moment<'_>) -> String {
    let mut name = String::new();
    for byte in (moment.random)() {
        let _ = write!(name, "{byte:02x}");
    }
    name
}
