//! The accounts' objects, wherever they are: what only a test asks of them.

use std::sync::Arc;

use retinue::domain::admission::command::{
    AccountSpend, Admission, Admit, Answer, CallRecord, Command, Settle,
};
use retinue::domain::ids::AccountId;
use retinue::domain::money::Nanos;
use retinue::domain::plan::CallLimits;
use retinue::ports::Accounts;

use super::accounts::FakeAccounts;
use super::workerd::Workerd;
use super::world::Clock;

#[derive(Clone)]
pub enum Objects {
    Native(FakeAccounts),
    /// The clock is the one that the process has.
    Workerd(Arc<Workerd>, Clock),
}

impl Objects {
    /// The object dies and starts again from its disk.
    pub fn crash(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.crash(account),
            Self::Workerd(workerd, _) => {
                workerd.tell("main", &format!("crash/{account}"), "");
                // The request that kills it fails, and so may the next.
                let lives =
                    || workerd.tell("main", &format!("object/{account}"), &encoded(&Command::Epoch)).0 == 200;
                assert!((0..100).any(|_| lives()), "it did not start again");
            }
        }
    }

    /// The alarm rings.
    pub fn alarm(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.alarm(account),
            Self::Workerd(workerd, _) => {
                let (status, text) = workerd.tell("main", &format!("alarm/{account}"), "");
                assert_eq!(status, 200, "{text}");
            }
        }
    }

    /// A control-plane write of somebody else begins and ends.
    pub fn advance(&self, account: AccountId) {
        match self {
            Self::Native(accounts) => accounts.advance(account),
            Self::Workerd(workerd, _) => {
                ask(workerd, account, &Command::BeginWrite);
                ask(workerd, account, &Command::EndWrite);
            }
        }
    }

    /// Control-plane writes begun and not ended.
    pub fn open_writes(&self, account: AccountId) -> u32 {
        match self {
            Self::Native(accounts) => accounts.open_writes(account),
            Self::Workerd(workerd, _) => {
                let (status, text) = workerd.tell("main", &format!("writers/{account}"), "");
                assert_eq!(status, 200, "{text}");
                text.trim().parse().unwrap()
            }
        }
    }

    /// Serves a call as this record says: holds, and settles at once.
    pub fn book(&self, account: AccountId, record: CallRecord) {
        match self {
            Self::Native(accounts) => accounts.book(account, record),
            Self::Workerd(workerd, clock) => {
                workerd.tell("main", "clock", &record.at.0.to_string());
                let admit = Command::Admit(admission(workerd, account, &record));
                let admitted = ask(workerd, account, &admit);
                assert!(matches!(admitted, Answer::Admission(Admission::Granted { .. })), "{admitted:?}");
                ask(workerd, account, &Command::Settle(Settle { records: vec![record] }));
                clock.advance(0);
            }
        }
    }

    /// What all agents of the account have spent and do.
    pub async fn account_spend(&self, account: AccountId) -> AccountSpend {
        match self {
            Self::Native(accounts) => accounts.account_spend(account).await.unwrap(),
            Self::Workerd(workerd, _) => account_spend(workerd, account),
        }
    }

    /// The number that the directory's rows have now.
    pub async fn epoch(&self, account: AccountId) -> u64 {
        match self {
            Self::Native(accounts) => accounts.epoch(account).await.unwrap(),
            Self::Workerd(workerd, _) => epoch(workerd, account),
        }
    }

    pub async fn admit(&self, account: AccountId, admit: Admit) -> Admission {
        match self {
            Self::Native(accounts) => accounts.admit(account, vec![admit]).await.unwrap().remove(0),
            Self::Workerd(workerd, _) => match ask(workerd, account, &Command::Admit(admit)) {
                Answer::Admission(admission) => admission,
                other => panic!("{other:?}"),
            },
        }
    }
}

/// A command as src/runtime/account_client.rs sends it.
fn encoded(command: &Command) -> String {
    serde_json::to_string(command).unwrap()
}

fn ask(workerd: &Workerd, account: AccountId, command: &Command) -> Answer {
    let command = encoded(command);
    let (status, text) = workerd.tell("main", &format!("object/{account}"), &command);
    assert_eq!(status, 200, "{command}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// How many calls are admitted and not settled; `None` while the object dies.
pub fn open_calls(workerd: &Workerd, account: AccountId) -> Option<u32> {
    let (status, text) =
        workerd.tell("main", &format!("object/{account}"), &encoded(&Command::InspectAccount));
    match serde_json::from_str(&text) {
        Ok(Answer::AccountSpend(spend)) if status == 200 => Some(spend.open_calls),
        _ => None,
    }
}

fn account_spend(workerd: &Workerd, account: AccountId) -> AccountSpend {
    match ask(workerd, account, &Command::InspectAccount) {
        Answer::AccountSpend(spend) => spend,
        other => panic!("{other:?}"),
    }
}

fn epoch(workerd: &Workerd, account: AccountId) -> u64 {
    match ask(workerd, account, &Command::Epoch) {
        Answer::Epoch(epoch) => epoch,
        other => panic!("{other:?}"),
    }
}

fn admission(workerd: &Workerd, account: AccountId, record: &CallRecord) -> Admit {
    Admit {
        call: record.call,
        agent: record.agent,
        key: record.key,
        version: record.version,
        model: record.model.clone(),
        epoch: epoch(workerd, account),
        want: record.held,
        floor: record.held,
        again: false,
        charged: Nanos::ZERO,
        budget: None,
        max_concurrency: None,
        limits: CallLimits::default(),
        ttl_ms: 60_000,
        ended: Vec::new(),
    }
}
