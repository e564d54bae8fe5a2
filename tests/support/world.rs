//! The world itself: what the test decides, and what it can see afterwards. Over workerd it stands around a
//! process that serves the requests.

use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use retinue::domain::ids::AccountId;
use retinue::domain::provider::ProviderName;
use retinue::domain::secret::Secret;
use retinue::domain::time::Millis;
use retinue::ports::{Settings, Wake, World};
use retinue::service::App;
use retinue::service::sweep::sweep;
use retinue::storage::directory::Directory;
use rusqlite::Connection;

use super::accounts::FakeAccounts;
use super::backups::FakeBackups;
use super::dispatch::FakeDispatch;
use super::faults::Faults;
use super::knowledge::FakeKnowledge;
use super::objects::{Objects, Remote};
use super::replies::FakeReplies;
use super::sqlite::Sqlite;
use super::threads::FakeThreads;
use super::transport;
use super::upstream::FakeUpstream;
use super::workerd::{self, Outside, Workerd};

/// The operator's key.
pub const OPERATOR: &str = "operator-of-the-tests-0123456789";
/// 32 bytes in base64.
pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Where the clock begins: 2026-11-21T12:00:00Z.
pub const NOON: Millis = Millis(1_795_262_400_000);

/// After this long a call that is still open was left open by the test: settlements take a tenth of it.
const LEFT_OPEN: Duration = Duration::from_secs(2);

/// The longest that anything sleeps rather than waits, in milliseconds.
const LONGEST_SLEEP: u64 = 20_000;

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
pub struct Clock {
    now: Arc<AtomicI64>,
    /// Whose isolates' clocks are this one.
    workerd: Option<Arc<Workerd>>,
}

impl Clock {
    fn new(workerd: Option<Arc<Workerd>>) -> Self {
        let clock = Self { now: Arc::new(AtomicI64::new(0)), workerd };
        clock.advance(NOON.0);
        clock
    }

    pub fn now(&self) -> Millis {
        Millis(self.now.load(Ordering::SeqCst))
    }

    pub fn advance(&self, ms: i64) {
        let now = self.now.fetch_add(ms, Ordering::SeqCst) + ms;
        if let Some(workerd) = &self.workerd {
            workerd.tell_all("clock", &now.to_string());
        }
    }
}

#[derive(Clone)]
pub struct FakeWorld(Arc<Inner>);

/// A world that ends with its test, seen from something in it.
pub struct WithinWorld(Weak<Inner>);

impl WithinWorld {
    /// `None` once it has ended.
    pub fn world(&self) -> Option<FakeWorld> {
        self.0.upgrade().map(FakeWorld)
    }
}

struct Inner {
    directory: Directory<Sqlite>,
    database: Sqlite,
    accounts: FakeAccounts,
    threads: FakeThreads,
    dispatch: FakeDispatch,
    backups: FakeBackups,
    knowledge: FakeKnowledge,
    objects: Objects,
    workerd: Option<Arc<Workerd>>,
    upstream: FakeUpstream,
    replies: FakeReplies,
    settings: Settings,
    clock: Clock,
    faults: Faults,
    drawn: AtomicU64,
    log: Mutex<Vec<String>>,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl FakeWorld {
    /// With this many isolates, where the transport has any.
    pub fn new(settings: Settings, isolates: usize) -> Self {
        Self::served(settings, transport::is_workerd().then_some(isolates))
    }

    /// Served by the router in this process, whatever the tests' transport is.
    pub fn here(settings: Settings) -> Self {
        Self::served(settings, None)
    }

    fn served(settings: Settings, isolates: Option<usize>) -> Self {
        let (faults, upstream, replies) =
            (Faults::default(), FakeUpstream::default(), FakeReplies::default());
        let outside =
            Outside { upstream: upstream.clone(), replies: replies.clone(), faults: faults.clone() };
        let start = |isolates| Arc::new(Workerd::start(&settings, isolates, outside));
        let workerd = isolates.map(start);
        let clock = Clock::new(workerd.clone());
        let file = workerd.as_ref().map(|workerd| Connection::open(workerd.database()).unwrap());
        let database = Sqlite::new(file.unwrap_or_else(crate::schema::migrated), faults.clone());
        let accounts = FakeAccounts::new(faults.clone(), clock.clone());
        let threads = FakeThreads::new(clock.clone());
        let dispatch = FakeDispatch::new(faults.clone(), clock.clone());
        let knowledge = FakeKnowledge::new(faults.clone(), clock.clone());
        let backups = FakeBackups {
            accounts: accounts.clone(),
            threads: threads.clone(),
            dispatch: dispatch.clone(),
            knowledge: knowledge.clone(),
        };
        let objects = match &workerd {
            Some(workerd) => Objects::Workerd(Remote { workerd: workerd.clone(), clock: clock.clone() }),
            None => Objects::Native(accounts.clone()),
        };
        let world = Self(Arc::new(Inner {
            directory: Directory::new(database.clone()),
            database,
            accounts,
            threads: threads.clone(),
            dispatch: dispatch.clone(),
            backups,
            knowledge,
            objects,
            workerd,
            upstream,
            replies,
            settings,
            clock,
            faults,
            drawn: AtomicU64::new(0),
            log: Mutex::default(),
            tasks: Mutex::default(),
        }));
        threads.live_in(WithinWorld(Arc::downgrade(&world.0)));
        dispatch.live_in(WithinWorld(Arc::downgrade(&world.0)));
        world
    }

    /// Something that goes on whether or not the test waits for it.
    pub fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    /// Lets the spare isolate forget everything, once it has told the objects what it knows.
    pub fn forget(&self) {
        if let Objects::Workerd(remote) = &self.0.objects {
            self.wait_for_the_ends(remote);
            remote.workerd.forget();
        }
    }

    /// The process that serves this world, unless the router does.
    pub fn workerd(&self) -> Option<&Arc<Workerd>> {
        self.0.workerd.as_ref()
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// From the first call on, what workerd asks of the database and the objects is put to them, too.
    pub fn faults(&self) -> &Faults {
        if let Some(workerd) = &self.0.workerd {
            workerd.watch();
        }
        &self.0.faults
    }

    /// The accounts' objects, for what only a test asks.
    pub fn objects(&self) -> &Objects {
        &self.0.objects
    }

    pub fn database(&self) -> &Sqlite {
        &self.0.database
    }

    /// The platform's clock fires.
    pub async fn sweep(&self) {
        match &self.0.workerd {
            Some(workerd) => drop(workerd.tell("main", "scheduled", "")),
            None => sweep(&App::new(self.clone(), Arc::default())).await,
        }
    }

    /// The alarm of an account's dispatch object rings, if it is due.
    pub fn ring_dispatch(&self, account: AccountId) {
        match &self.0.workerd {
            Some(workerd) => drop(workerd.tell("main", &format!("dispatch-alarm/{account}"), "")),
            None => self.0.dispatch.alarm(account),
        }
    }

    /// The account's dispatch object dies, with all that it was doing.
    pub fn crash_dispatch(&self, account: AccountId) {
        self.0.dispatch.crash(account);
    }

    /// A provider that the operator offers to every account.
    pub fn offer(&self, name: &str, base_url: Option<&str>, key: Option<&str>) {
        self.0.upstream.offer(name, base_url, key);
        if let Some(workerd) = &self.0.workerd {
            let name = ProviderName::parse(name).unwrap();
            let named = [(name.key_variable(), key), (name.base_url_variable(), base_url)];
            let variables = named.into_iter().filter_map(|(name, value)| Some((name, value?.into())));
            let variables = serde_json::Value::Object(variables.collect());
            workerd.tell_all("variables", &variables.to_string());
        }
    }

    /// What the operator was told since the last call.
    pub fn take_log(&self) -> Vec<String> {
        let log = std::mem::take(&mut *self.0.log.lock().unwrap());
        self.0.workerd.as_ref().map_or(log, |workerd| workerd.take_log())
    }

    /// Waits for what was left to be done after the reply.
    pub async fn settled(&self) {
        if let Objects::Workerd(remote) = &self.0.objects {
            return self.wait_for_the_ends(remote);
        }
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

    /// Until every object has heard how its calls ended; those that a test leaves open are not waited for
    /// long.
    fn wait_for_the_ends(&self, remote: &Remote) {
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let ids: Vec<String> = self.0.database.with(|db| {
            let mut accounts = db.prepare("SELECT id FROM accounts").unwrap();
            accounts.query_map([], read).unwrap().map(Result::unwrap).collect()
        });
        let deadline = Instant::now() + LEFT_OPEN;
        for id in ids {
            let account = AccountId::parse(&id).unwrap();
            while remote.open_calls(account) != Some(0) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl World for FakeWorld {
    type Directory = Directory<Sqlite>;
    type Accounts = FakeAccounts;
    type Threads = FakeThreads;
    type Dispatch = FakeDispatch;
    type Backups = FakeBackups;
    type Knowledge = FakeKnowledge;
    type Upstream = FakeUpstream;
    type Replies = FakeReplies;

    fn directory(&self) -> &Directory<Sqlite> {
        &self.0.directory
    }

    fn accounts(&self) -> &FakeAccounts {
        &self.0.accounts
    }

    fn threads(&self) -> &FakeThreads {
        &self.0.threads
    }

    fn dispatch(&self) -> &FakeDispatch {
        &self.0.dispatch
    }

    fn backups(&self) -> &FakeBackups {
        &self.0.backups
    }

    fn knowledge(&self) -> &FakeKnowledge {
        &self.0.knowledge
    }

    fn upstream(&self) -> &FakeUpstream {
        &self.0.upstream
    }

    fn replies(&self) -> &FakeReplies {
        &self.0.replies
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

    /// Time passes at once; only a limit, which is longer, is never reached.
    async fn sleep(&self, ms: u64) {
        if ms > LONGEST_SLEEP {
            return std::future::pending().await;
        }
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
