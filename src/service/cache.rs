//! What an isolate remembers of the directory between calls.
//!
//! Everything remembered of an account carries the epoch at which it was read. When the account's object answers
//! `stale`, all of it is forgotten at once; a row that arrives late, read under an older epoch, is not kept. What never
//! changes (which account a name in a URL stands for) is remembered without an epoch.
//!
//! Maps are bounded by forgetting everything when they are full: simple, and a full map means a busy isolate that will
//! soon have what it needs again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::account::Key;
use crate::domain::ids::AccountId;
use crate::domain::time::Millis;
use crate::ports::{AccountRef, KeyRef, Target};
use crate::service::call::bundle::Bundle;

const MAX_ACCOUNTS: usize = 1_000;
/// Of agents, each version of one for itself.
const MAX_BUNDLES_PER_ACCOUNT: usize = 500;
const MAX_KEYS_PER_ACCOUNT: usize = 2_000;

/// How long callers without a key are refused from memory.
const STRANGERS_MS: u64 = 1_000;

#[derive(Debug, Default)]
pub struct Cache {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    names: HashMap<AccountRef, AccountId>,
    accounts: HashMap<AccountId, Snapshot>,
}

/// What is known of an account at one epoch.
#[derive(Debug, Default)]
struct Snapshot {
    epoch: u64,
    /// When it was last asked for callers without a key whether this is the epoch still.
    asked_at: Option<Millis>,
    keys: HashMap<KeyRef, Arc<Presented>>,
    bundles: HashMap<Target, Arc<Bundle>>,
}

/// A key, and what the member whom it acts for has appended to agents' instructions, by slug.
#[derive(Debug)]
pub struct Presented {
    pub key: Key,
    pub prompts: BTreeMap<String, String>,
}

/// What the cache has for a call.
#[derive(Clone, Debug)]
pub struct Hit {
    pub epoch: u64,
    /// `None` when the caller claims none.
    pub key: Option<Arc<Presented>>,
    pub bundle: Arc<Bundle>,
}

impl Cache {
    pub fn account_of(&self, of: &AccountRef) -> Option<AccountId> {
        self.lock().names.get(of).copied()
    }

    pub fn remember_account(&self, of: &AccountRef, account: AccountId) {
        let mut inner = self.lock();
        if inner.names.len() >= MAX_ACCOUNTS {
            inner.names.clear();
        }
        inner.names.insert(of.clone(), account);
    }

    /// Everything that a call needs, or nothing.
    pub fn find(&self, account: AccountId, key: Option<&KeyRef>, target: &Target) -> Option<Hit> {
        let inner = self.lock();
        let snapshot = inner.accounts.get(&account)?;
        let key = match key {
            None => None,
            Some(key) => Some(snapshot.keys.get(key)?.clone()),
        };
        let bundle = snapshot.bundles.get(target)?.clone();
        Some(Hit { epoch: snapshot.epoch, key, bundle })
    }

    /// A key of the account, as it was when it was read.
    pub fn key(&self, account: AccountId, key: &KeyRef) -> Option<Arc<Presented>> {
        self.lock().accounts.get(&account)?.keys.get(key).cloned()
    }

    pub fn epoch(&self, account: AccountId) -> Option<u64> {
        self.lock().accounts.get(&account).map(|snapshot| snapshot.epoch)
    }

    /// Whether the account's object must be asked before a caller without a key is refused from memory; if so, the
    /// caller asks for all who come within the next moment.
    pub fn must_ask(&self, account: AccountId, now: Millis) -> bool {
        let mut inner = self.lock();
        let Some(snapshot) = inner.accounts.get_mut(&account) else { return true };
        let is_due = snapshot.asked_at.is_none_or(|at| now.since(at) >= STRANGERS_MS);
        if is_due {
            snapshot.asked_at = Some(now);
        }
        is_due
    }

    /// Starts over at this epoch; what was read before is forgotten.
    pub fn begin(&self, account: AccountId, epoch: u64) {
        let mut inner = self.lock();
        if inner.accounts.len() >= MAX_ACCOUNTS {
            inner.accounts.clear();
        }
        inner.accounts.insert(account, Snapshot { epoch, ..Snapshot::default() });
    }

    /// Keeps what was read at `epoch`, unless the account has moved on.
    pub fn keep(
        &self,
        account: AccountId,
        epoch: u64,
        key: Option<(KeyRef, Arc<Presented>)>,
        (target, bundle): (Target, Arc<Bundle>),
    ) {
        let mut inner = self.lock();
        let Some(snapshot) = inner.accounts.get_mut(&account).filter(|snapshot| snapshot.epoch == epoch)
        else {
            return;
        };
        if snapshot.keys.len() >= MAX_KEYS_PER_ACCOUNT {
            snapshot.keys.clear();
        }
        if snapshot.bundles.len() >= MAX_BUNDLES_PER_ACCOUNT {
            snapshot.bundles.clear();
        }
        snapshot.keys.extend(key);
        snapshot.bundles.insert(target, bundle);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
