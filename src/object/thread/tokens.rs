//! What holders of the thread's tokens may: what its callers may, but for what is asked of the account.

use super::commands::{Decided, ready};
use super::kept::Meta;
use super::{Thread, at_once};
use crate::domain::run::input::{Input, NotTaken};
use crate::domain::run::state::Awaited;
use crate::domain::thread::command::{Answer, Command};
use crate::object::machine::Moment;
use crate::object::sql::{Error, Sql};

impl Thread {
    pub(super) fn by_token(
        &mut self,
        sql: &impl Sql,
        floor: u32,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decided, Error> {
        match &self.meta {
            Some(meta) if meta.floor != floor => Ok(at_once(Answer::BelowFloor)),
            Some(_) => match self.not_asked(&command) {
                Some(at) => {
                    Ok(at_once(Answer::NotTaken { at, why: NotTaken::NeverAsked, resolved: Vec::new() }))
                }
                None => self.command(sql, command, moment),
            },
            None => self.command(sql, command, moment),
        }
    }

    pub(super) fn raise_floor(&mut self, meta: &mut Meta) -> Decided {
        meta.floor = meta.floor.saturating_add(1);
        self.work.batch.has_thread = true;
        ready(Answer::Floor(meta.floor), Vec::new())
    }

    /// The first of the inputs that the account's people are asked for, such as how a call ended of which nobody knows; of
    /// its users only the outputs of the client's tools are asked.
    fn not_asked(&self, command: &Command) -> Option<u32> {
        let (run, inputs) = match command {
            Command::Once(_, command) => return self.not_asked(command),
            Command::Give(_, run, inputs) => (run, inputs),
            _ => return None,
        };
        let run = &self.work.open.get(run)?.run;
        let of_others: Vec<u32> = run.awaited().iter().filter_map(of_others).collect();
        let at = inputs
            .iter()
            .position(|input| matches!(input, Input::Call { entry, .. } if of_others.contains(entry)))?;
        u32::try_from(at).ok()
    }
}

/// The call that waits, if it waits for others than the client.
fn of_others(awaited: &Awaited<'_>) -> Option<u32> {
    match awaited {
        Awaited::ToolOutput(_) | Awaited::Budget(_) | Awaited::Time(_) => None,
        Awaited::Outcome(call) | Awaited::Child(call, _) => Some(call.entry),
    }
}
