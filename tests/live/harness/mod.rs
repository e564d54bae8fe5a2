//! What the tests are told in: a server, accounts of their own, agents, and the books that an agent's spending leaves.
//!
//! One server is shared by all tests of the process. They run beside one another on it, so a test touches nothing but
//! its own account. What must not be shared (a server that is killed) is started by the test itself.

mod account;
mod agent;
mod client;
mod dice;
mod server;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;

use crate::emulator::Emulator;

pub use account::{Account, Key, usd};
pub use agent::{Agent, Books, Tokens, money, texts};
pub use client::{Client, Reply};
pub use dice::Dice;
pub use server::{Server, Settings};

/// For a condition that only a broken Worker leaves unmet.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// For a whole test.
pub const TEST_DEADLINE: Duration = Duration::from_secs(20 * 60);
/// The account that the shared server's paths without an account are for.
const DEFAULT_ACCOUNT: &str = "house";
/// The key of the platform's own provider.
pub const PLATFORM_KEY: &str = "sk-platform-0123456789abcdef";

/// A server with its provider.
pub struct App {
    pub client: Client,
    pub emulator: Emulator,
    pub server: Server,
    operator_key: String,
    house: Option<Account>,
}

/// Runs a test on the shared server.
pub fn live(test: impl AsyncFnOnce(&'static App)) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("the system gives threads")
    });
    static SHARED: OnceCell<Result<App, String>> = OnceCell::const_new();
    RUNTIME.block_on(async {
        let shared = SHARED.get_or_init(App::shared).await;
        let app = shared.as_ref().unwrap_or_else(|log| panic!("the server did not start:\n{log}"));
        tokio::time::timeout(TEST_DEADLINE, test(app)).await.expect("a test ends");
    });
}

/// Asks again until there is an answer, at most for so long.
pub async fn eventually<T>(what: &str, deadline: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

impl App {
    async fn shared() -> Result<Self, String> {
        let emulator = Emulator::start().await;
        let settings = Settings {
            default_account: Some(DEFAULT_ACCOUNT.to_owned()),
            extra: vec![
                ("OPENAI_API_KEY", PLATFORM_KEY.to_owned()),
                ("OPENAI_BASE_URL", format!("{}/v1", emulator.origin())),
            ],
            ..Settings::new()
        };
        let mut app = Self::start(&settings, emulator).await?;
        app.house = Some(Account::create(&app, DEFAULT_ACCOUNT).await);
        Ok(app)
    }

    /// A server of the test's own.
    ///
    /// # Errors
    /// The server's log, when it ended instead.
    pub async fn start(settings: &Settings, emulator: Emulator) -> Result<Self, String> {
        let server = Server::start(settings).await?;
        let client = Client::new(&server.origin);
        Ok(Self { client, emulator, server, operator_key: settings.operator_key.clone(), house: None })
    }

    /// A new account with its own keys and providers.
    pub async fn account(&self) -> Account {
        Account::create(self, &unique("acme")).await
    }

    /// The account named by `DEFAULT_ACCOUNT`; the only one that tests share.
    pub fn house(&self) -> &Account {
        self.house.as_ref().expect("the shared server has a default account")
    }

    /// Asks as the operator.
    pub async fn operator(&self, method: Method, path: &str, body: &serde_json::Value) -> Reply {
        self.client.call(method, path).key(&self.operator_key).json(body).send().await
    }

    /// Asks as nobody.
    pub async fn get(&self, path: &str) -> Reply {
        self.client.call(Method::GET, path).send().await
    }

    /// A key of that role for the account.
    pub async fn key(&self, account: &str, role: &str) -> Key {
        let path = format!("/api/v1/accounts/{account}/keys");
        let reply =
            self.operator(Method::POST, &path, &json!({"name": format!("{role} key"), "role": role})).await;
        Key::from(&reply.expect(201).json())
    }
}

/// A slug that no other test has.
pub fn unique(stem: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{stem}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
