//! A world whose objects answer admissions when the test says so, and in which those who wait in line grow impatient
//! when the test says so.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use retinue::domain::admission::command::Command;
use retinue::domain::ids::AccountId;
use retinue::domain::time::Millis;
use retinue::object::client::Hop;
use retinue::object::wire;
use retinue::ports::{Settings, Unavailable, Wake, World};

use crate::support::{FakeAccounts, FakeWorld};

/// As long as one waits in line for its turn, and for an answer.
pub const WAITS: [u64; 2] = [5, 3_000];

#[derive(Clone)]
pub struct Crowd {
    world: FakeWorld,
    pub accounts: Slow,
    passed_ms: Arc<AtomicU64>,
}

/// Objects that hold back every admission until its hop is let go.
#[derive(Clone)]
pub struct Slow {
    inner: FakeAccounts,
    hops: Arc<Mutex<Vec<usize>>>,
    let_go: Arc<Mutex<BTreeSet<usize>>>,
}

impl Crowd {
    pub fn new(world: FakeWorld) -> Self {
        let inner = world.accounts().clone();
        let accounts = Slow { inner, hops: Arc::default(), let_go: Arc::default() };
        Self { world, accounts, passed_ms: Arc::default() }
    }

    /// Those who wait in line feel that so much time has passed.
    pub fn pass(&self, ms: u64) {
        self.world.clock().advance(i64::try_from(ms).unwrap());
        self.passed_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Slow {
    /// How many questions each hop has carried so far.
    pub fn hops(&self) -> Vec<usize> {
        self.hops.lock().unwrap().clone()
    }

    /// Lets the hops of these numbers, the first is 0, reach the object.
    pub fn let_go(&self, hops: impl IntoIterator<Item = usize>) {
        self.let_go.lock().unwrap().extend(hops);
    }

    /// Waits until so many hops have set out.
    pub async fn until(&self, hops: usize) {
        for _ in 0..10_000 {
            if self.hops().len() >= hops {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{:?} are not {hops} hops", self.hops());
    }
}

impl Hop for Slow {
    async fn carry(&self, account: AccountId, command: String) -> Result<String, Unavailable> {
        let questions = match wire::decode(&command).unwrap() {
            Command::Admit(_) => 1,
            Command::AdmitAll(all) => all.len(),
            _ => return self.inner.carry(account, command).await,
        };
        let number = {
            let mut hops = self.hops.lock().unwrap();
            hops.push(questions);
            hops.len() - 1
        };
        while !self.let_go.lock().unwrap().contains(&number) {
            tokio::task::yield_now().await;
        }
        self.inner.carry(account, command).await
    }
}

impl World for Crowd {
    type Directory = <FakeWorld as World>::Directory;
    type Accounts = Slow;
    type Threads = <FakeWorld as World>::Threads;
    type Dispatch = <FakeWorld as World>::Dispatch;
    type Backups = <FakeWorld as World>::Backups;
    type Knowledge = <FakeWorld as World>::Knowledge;
    type Upstream = <FakeWorld as World>::Upstream;
    type Replies = <FakeWorld as World>::Replies;

    fn directory(&self) -> &Self::Directory {
        self.world.directory()
    }

    fn accounts(&self) -> &Slow {
        &self.accounts
    }

    fn threads(&self) -> &Self::Threads {
        self.world.threads()
    }

    fn dispatch(&self) -> &Self::Dispatch {
        self.world.dispatch()
    }

    fn backups(&self) -> &Self::Backups {
        self.world.backups()
    }

    fn knowledge(&self) -> &Self::Knowledge {
        self.world.knowledge()
    }

    fn upstream(&self) -> &Self::Upstream {
        self.world.upstream()
    }

    fn replies(&self) -> &Self::Replies {
        self.world.replies()
    }

    fn settings(&self) -> &Settings {
        self.world.settings()
    }

    fn now(&self) -> Millis {
        self.world.now()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        self.world.random()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.world.spawn(task);
    }

    async fn sleep(&self, ms: u64) {
        if !WAITS.contains(&ms) {
            return self.world.sleep(ms).await;
        }
        let until = self.passed_ms.load(Ordering::SeqCst) + ms;
        while self.passed_ms.load(Ordering::SeqCst) < until {
            tokio::task::yield_now().await;
        }
    }

    fn signal(&self) -> (Wake, impl Future<Output = ()> + Send) {
        self.world.signal()
    }

    fn log(&self, line: &str) {
        self.world.log(line);
    }
}
