//! The world itself: what the test decides, and what it can see afterwards.

use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use retinue::domain::secret::Secret;
use retinue::domain::time::Millis;
use retinue::ports::{Settings, Wake, World};
use retinue::storage::directory::Directory;

use super::accounts::FakeAccounts;
use super::faults::Faults;
use super::sqlite::Sqlite;
use super::upstream::FakeUpstream;

/// The operator's key.
pub const OPERATOR: &str = "operator-of-the-tests";
/// 32 bytes in base64.
pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Where the clock begins: 2026-11-21T12:00:00Z.
pub const NOON: Millis = Millis(1_795_262_400_000);

/// What the operator has set, unless a test says otherwise.
pub fn settings() -> Settings {
    Settings {
        operator_key: Some(Secret::new(OPERATOR.to_owned())),
        master_key: Some(Secret::new(MASTER_KEY.to_owned())),
        ..Settings::default()
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }

    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

#[derive(Clone)]
pub struct FakeWorld(Arc<Inner>);

struct Inner {
    directory: Directory<Sqlite>,
    database: Sqlite,
    accounts: FakeAccounts,
    upstream: FakeUpstream,
    settings: Settings,
    clock: Clock,
    faults: Faults,
    drawn: AtomicU64,
    log: Mutex<Vec<String>>,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl FakeWorld {
    pub fn new(settings: Settings) -> Self {
        let faults = Faults::default();
        let clock = Clock(Arc::new(AtomicI64::new(NOON.0)));
        let database = Sqlite::new(crate::schema::migrated(), faults.clone());
        Self(Arc::new(Inner {
            directory: Directory::new(database.clone()),
            database,
            accounts: FakeAccounts::new(faults.clone(), clock.clone()),
            upstream: FakeUpstream::default(),
            settings,
            clock,
            faults,
            drawn: AtomicU64::new(0),
            log: Mutex::default(),
            tasks: Mutex::default(),
        }))
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The accounts' objects, for what only a test asks.
    pub fn objects(&self) -> &FakeAccounts {
        &self.0.accounts
    }

    pub fn database(&self) -> &Sqlite {
        &self.0.database
    }

    /// What the operator was told since the last call.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.0.log.lock().unwrap())
    }

    /// Waits for what was left to be done after the reply.
    pub async fn settled(&self) {
        loop {
            let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap());
            if tasks.is_empty() {
                return;
            }
            for task in tasks {
                task.await.unwrap();
            }
        }
    }
}

impl World for FakeWorld {
    type Directory = Directory<Sqlite>;
    type Accounts = FakeAccounts;
    type Upstream = FakeUpstream;

    fn directory(&self) -> &Directory<Sqlite> {
        &self.0.directory
    }

    fn accounts(&self) -> &FakeAccounts {
        &self.0.accounts
    }

    fn upstream(&self) -> &FakeUpstream {
        &self.0.upstream
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn now(&self) -> Millis {
        self.0.clock.now()
    }

    /// The same in every run: SplitMix64 of a counter.
    fn random<const N: usize>(&self) -> [u8; N] {
        std::array::from_fn(|_| {
            let n = self.0.drawn.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
            let z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (z ^ (z >> 31)).to_le_bytes()[0]
        })
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.lock().unwrap().push(tokio::spawn(task));
    }

    /// Time passes at once.
    async fn sleep(&self, ms: u64) {
        self.0.clock.advance(i64::try_from(ms).unwrap());
        tokio::task::yield_now().await;
    }

    fn signal(&self) -> (Wake, impl Future<Output = ()> + Send) {
        let (wake, woken) = tokio::sync::oneshot::channel();
        let wake = move || {
            let _ = wake.send(());
        };
        let woken = async {
            if woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        (Box::new(wake), woken)
    }

    fn log(&self, line: &str) {
        self.0.log.lock().unwrap().push(line.to_owned());
    }
}
