//! Every object of a world, as what a backup is made of.

use retinue::domain::backup::command::{Answer, Asked, Command, VERSION};
use retinue::domain::backup::name::ObjectName;
use retinue::object::wire::{self, Response};
use retinue::ports::{Backups, ThreadOf, Unavailable};

use super::accounts::FakeAccounts;
use super::dispatch::FakeDispatch;
use super::knowledge::FakeKnowledge;
use super::threads::FakeThreads;

#[derive(Clone)]
pub struct FakeBackups {
    pub accounts: FakeAccounts,
    pub threads: FakeThreads,
    pub dispatch: FakeDispatch,
    pub knowledge: FakeKnowledge,
}

impl Backups for FakeBackups {
    async fn ask(&self, object: &ObjectName, command: Command) -> Result<Answer, Unavailable> {
        let text = wire::encode(VERSION, &Asked::Storage(command)).unwrap();
        let Response { status, text } = match object {
            ObjectName::Account(account) => self.accounts.told(*account, &text),
            ObjectName::Dispatch(account) => self.dispatch.told(*account, &text),
            ObjectName::Knowledge(_, place) => self.knowledge.told(place, &text),
            ObjectName::Thread(account, thread) => {
                self.threads.told(ThreadOf { account: *account, thread: *thread }, &text)
            }
        };
        if status == 200 { Ok(wire::decode(&text).unwrap()) } else { Err(Unavailable(text)) }
    }
}
