//! The accounts' objects, wherever they are: what only a test asks of them.

use std::sync::Arc;

use retinue::domain::admission::Ask;
use retinue::domain::admission::ask::{BeginWrite, EndWrite, Epoch, InspectAccount, Wake};
use retinue::domain::admission::command::{Admission, Admit, CallRecord, Settle, VERSION};
use retinue::domain::ids::AccountId;
use retinue::domain::money::Nanos;
use retinue::domain::plan::CallLimits;
use retinue::object::client::Hop;
use retinue::object::wire;
use retinue::ports::Unavailable;

use super::accounts::FakeAccounts;
use super::workerd::Workerd;
use super::world::Clock;

#[derive(Clone)]
pub enum Objects {
    Native(FakeAccounts),
    Workerd(Remote),
}

/// The objects of a process, and the clock that it has.
#[derive(Clone)]
pub struct Remote {
    pub workerd: Arc<Workerd>,
    pub clock: Clock,
}

impl Objects {
    /// The object dies and starts again from its disk.
    pub fn crash(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.crash(account),
            Self::Workerd(remote) => {
                remote.tell("crash", account, "");
                // The request that kills it fails, and so may the next.
                let lives = || remote.ask(account, Epoch).is_ok();
                assert!((0..100).any(|_| lives()), "it did not start again");
            }
        }
    }

    /// The alarm rings, if it is due.
    pub fn alarm(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.alarm(account),
            Self::Workerd(remote) => remote.must_tell("alarm", account, ""),
        }
    }

    /// Nothing came for a while.
    pub fn quiet(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.quiet(account),
            // Its timers are real; but whatever is written gives back what is not needed any more.
            Self::Workerd(remote) => remote.ask(account, Wake).unwrap(),
        }
    }

    /// The platform loses the alarm.
    pub fn lose_alarm(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.lose_alarm(account),
            Self::Workerd(remote) => remote.must_tell("lose", account, ""),
        }
    }

    /// A control-plane write of somebody else begins and ends.
    pub fn advance(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.advance(account),
            Self::Workerd(remote) => {
                remote.ask(account, BeginWrite).unwrap();
                remote.ask(account, EndWrite).unwrap();
            }
        }
    }

    /// Control-plane writes begun and not ended.
    pub fn open_writes(&self, account: AccountId) -> u32 {
        match self {
            Self::Native(accounts) => accounts.open_writes(account),
            Self::Workerd(remote) => {
                remote.ask(account, Epoch).unwrap();
                self.number(account, "SELECT writers FROM meta").try_into().unwrap()
            }
        }
    }

    /// The one number that a query on the object's disk finds.
    pub fn number(&self, account: AccountId, query: &str) -> i64 {
        match self {
            Self::Native(accounts) => {
                accounts.disk(account).db().query_row(query, [], |row| row.get(0)).unwrap()
            }
            Self::Workerd(remote) => {
                let (status, text) = remote.tell("number", account, query);
                assert_eq!(status, 200, "{text}");
                text.parse().unwrap()
            }
        }
    }

    /// Serves a call as this record says: holds, and settles at once.
    pub fn book(&self, account: AccountId, record: CallRecord) {
        match self {
            Self::Native(accounts) => accounts.book(account, record),
            Self::Workerd(remote) => remote.book(account, record),
        }
    }
}

impl Hop for Objects {
    async fn carry(&self, account: AccountId, command: String) -> Result<String, Unavailable> {
        match self {
            Self::Native(accounts) => accounts.carry(account, command).await,
            Self::Workerd(remote) => remote.carry(account, &command),
        }
    }
}

impl Remote {
    /// How many calls are admitted and not settled; `None` while the object cannot say.
    pub fn open_calls(&self, account: AccountId) -> Option<u32> {
        self.ask(account, InspectAccount).ok().map(|spend| spend.open_calls)
    }

    fn ask<A: Ask>(&self, account: AccountId, question: A) -> Result<A::Answer, Unavailable> {
        let answer = self.carry(account, &wire::encode(VERSION, &question.command()).unwrap())?;
        A::of(wire::decode(&answer).unwrap()).map_err(|other| Unavailable(format!("{other:?}")))
    }

    /// The text of a command, as src/runtime/account_client.rs sends it.
    fn carry(&self, account: AccountId, command: &str) -> Result<String, Unavailable> {
        let (status, text) = self.tell("object", account, command);
        if status == 200 { Ok(text) } else { Err(Unavailable(text)) }
    }

    fn must_tell(&self, verb: &str, account: AccountId, body: &str) {
        let (status, text) = self.tell(verb, account, body);
        assert_eq!(status, 200, "{verb}: {text}");
    }

    fn tell(&self, verb: &str, account: AccountId, body: &str) -> (u16, String) {
        self.workerd.tell("main", &format!("{verb}/{account}"), body)
    }

    fn book(&self, account: AccountId, record: CallRecord) {
        self.workerd.tell("main", "clock", &record.at.0.to_string());
        let admit = Admit {
            call: record.call,
            agent: record.agent,
            key: record.key,
            version: record.version,
            model: record.model.clone(),
            epoch: self.ask(account, Epoch).unwrap(),
            want: record.held,
            floor: record.held,
            again: false,
            charged: Nanos::ZERO,
            budget: None,
            max_concurrency: None,
            limits: CallLimits::default(),
            ttl_ms: 60_000,
            ended: Vec::new(),
        };
        let admitted = self.ask(account, admit).unwrap();
        assert!(matches!(admitted, Admission::Granted { .. }), "{admitted:?}");
        self.ask(account, Settle { records: vec![record] }).unwrap();
        self.clock.advance(0);
    }
}
