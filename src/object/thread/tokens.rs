//! What holders of the thread's tokens may: what its callers may, but for what is asked of the account.

use super::commands::{Decided, ready};
use super::kept::Meta;
use super::{Thread, at_once};
use crate::domain::run::awaited::Awaited;
use crate::domain::run::input::{Input, NotTaken};
use crate::domain::thread::command::{Answer, Command};
use crate::domain::time::Millis;
use crate::object::machine::Moment;
use crate::object::sql::{Error, Sql};

/// How many runs and messages holders of a thread's tokens may add in a minute, all together. A page needs far fewer; each is
/// rows in the thread and in the account's index, which the account pays for.
const MAX_A_MINUTE: u32 = 60;
const MINUTE_MS: i64 = 60_000;

impl Thread {
    pub(super) fn by_token(
        &mut self,
        sql: &impl Sql,
        floor: u32,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decided, Error> {
        let has_room = !command.adds() || self.count_by_token(moment.now);
        match &self.meta {
            Some(meta) if meta.floor != floor => Ok(at_once(Answer::BelowFloor)),
            Some(_) if !has_room => {
                let left = self.by_tokens.0.plus(MINUTE_MS).since(moment.now).div_ceil(1_000);
                let retry_after_s = u32::try_from(left).unwrap_or(u32::MAX).max(1);
                Ok(at_once(Answer::TooFast { limit: MAX_A_MINUTE, retry_after_s }))
            }
            Some(_) => match self.not_asked(&command) {
                Some(at) => {
                    Ok(at_once(Answer::NotTaken { at, why: NotTaken::NeverAsked, resolved: Vec::new() }))
                }
                None => self.command(sql, command, moment),
            },
            None => self.command(sql, command, moment),
        }
    }

    /// Counts what a token's holder adds; whether there is room for it in this minute.
    fn count_by_token(&mut self, now: Millis) -> bool {
        let (since, count) = &mut self.by_tokens;
        if now.since(*since) >= MINUTE_MS.cast_unsigned() {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= MAX_A_MINUTE
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
            Command::Give(_, run, inputs) | Command::GiveBy(_, run, inputs, _) => (run, inputs),
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
