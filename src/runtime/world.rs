//! The platform as the services see it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::send::{IntoSendFuture, SendWrapper};
use worker::{Delay, Env};

use super::objects::{AccountClient, BackupClient, DispatchClient, KnowledgeClient, Objects};
use super::replies::EdgeReplies;
use super::thread_client::ThreadClient;
use super::upstream::FetchUpstream;
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::ports::{Settings, Wake, World};
use crate::storage::d1::D1;
use crate::storage::directory::Directory;

#[wasm_bindgen]
extern "C" {
    /// A promise and what settles it.
    type Resolvers;
    /// Not `new Promise`: once V8 has optimized that, what it makes belongs to no request, and whoever waits
    /// for it goes on within the request that settled it (seen with workerd 1.20261117.1 after some ten
    /// thousand calls).
    #[wasm_bindgen(js_namespace = Promise, js_name = withResolvers)]
    fn with_resolvers() -> Resolvers;
    #[wasm_bindgen(method, getter)]
    fn promise(this: &Resolvers) -> js_sys::Promise;
    #[wasm_bindgen(method, getter)]
    fn resolve(this: &Resolvers) -> js_sys::Function;
}

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    #[wasm_bindgen(js_name = waitUntil)]
    fn platform_wait_until(promise: &js_sys::Promise);
}

/// Keeps the request that is being served alive until this is done, as long as the platform allows.
pub fn wait_until(task: impl Future<Output = ()> + 'static) {
    platform_wait_until(&future_to_promise(async move {
        task.await;
        Ok(JsValue::UNDEFINED)
    }));
}

/// The platform as one isolate sees it; bindings and variables do not change while it lives.
#[derive(Clone)]
pub struct EdgeWorld {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory<D1>,
    accounts: AccountClient,
    threads: ThreadClient,
    dispatch: DispatchClient,
    backups: BackupClient,
    knowledge: KnowledgeClient,
    upstream: FetchUpstream,
    settings: Settings,
}

impl EdgeWorld {
    /// # Errors
    /// When a binding of `wrangler.toml` is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        let objects = |binding: &str| env.durable_object(binding).map(|namespace| Objects { namespace });
        let backups = BackupClient {
            accounts: objects("ACCOUNTS")?,
            threads: objects("THREADS")?,
            dispatch: objects("DISPATCH")?,
            knowledge: objects("KNOWLEDGE")?,
        };
        let inner = Inner {
            directory: Directory::new(D1::new(env.d1("DB")?)),
            accounts: AccountClient(objects("ACCOUNTS")?),
            threads: ThreadClient(objects("THREADS")?),
            dispatch: DispatchClient(objects("DISPATCH")?),
            backups,
            knowledge: KnowledgeClient(objects("KNOWLEDGE")?),
            upstream: FetchUpstream::new(env.clone()),
            settings: settings(env),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

fn settings(env: &Env) -> Settings {
    let text = |name: &str| {
        let value = env.var(name).ok().map(|value| value.to_string());
        value.filter(|value| !value.trim().is_empty())
    };
    let has_workers_ai = js_sys::Reflect::has(env.as_ref(), &"AI".into()).unwrap_or(false);
    Settings {
        operator_key: text("OPERATOR_KEY").map(Secret::new),
        master_key: text("MASTER_KEY").map(Secret::new),
        allow_loopback: text("ALLOW_LOOPBACK").as_deref() == Some("1"),
        default_account: text("DEFAULT_ACCOUNT"),
        default_model: text("DEFAULT_MODEL"),
        is_maintenance: is_maintenance(env),
        has_workers_ai,
    }
}

/// Whether the operator has put the deployment into maintenance.
pub fn is_maintenance(env: &Env) -> bool {
    env.var("MAINTENANCE").is_ok_and(|value| value.to_string() == "1")
}

/// Bytes that nobody can predict, from the platform.
///
/// Without them the request must not go on, because zeros are a key that anybody can guess: it ends in a
/// trap, and the instance is replaced.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        worker::console_error!("no randomness: {error}");
        std::process::abort();
    }
    bytes
}

/// The platform's clock, which stands still while a request computes.
pub fn now() -> Millis {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of milliseconds")]
    Millis(js_sys::Date::now() as i64)
}

impl World for EdgeWorld {
    type Directory = Directory<D1>;
    type Accounts = AccountClient;
    type Threads = ThreadClient;
    type Dispatch = DispatchClient;
    type Backups = BackupClient;
    type Knowledge = KnowledgeClient;
    type Upstream = FetchUpstream;
    type Replies = EdgeReplies;

    fn directory(&self) -> &Directory<D1> {
        &self.inner.directory
    }

    fn accounts(&self) -> &AccountClient {
        &self.inner.accounts
    }

    fn threads(&self) -> &ThreadClient {
        &self.inner.threads
    }

    fn dispatch(&self) -> &DispatchClient {
        &self.inner.dispatch
    }

    fn backups(&self) -> &BackupClient {
        &self.inner.backups
    }

    fn knowledge(&self) -> &KnowledgeClient {
        &self.inner.knowledge
    }

    fn upstream(&self) -> &FetchUpstream {
        &self.inner.upstream
    }

    fn replies(&self) -> &EdgeReplies {
        &EdgeReplies
    }

    fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    fn now(&self) -> Millis {
        now()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        random()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        wait_until(task);
    }

    fn sleep(&self, ms: u64) -> impl Future<Output = ()> + Send {
        Delay::from(Duration::from_millis(ms)).into_send()
    }

    fn signal(&self) -> (Wake, impl Future<Output = ()> + Send) {
        let pair = with_resolvers();
        let (promise, resolve) = (pair.promise(), SendWrapper::new(pair.resolve()));
        let wake = move || {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        };
        let woken = async { drop(JsFuture::from(promise).await) };
        (Box::new(wake), woken.into_send())
    }

    fn log(&self, line: &str) {
        worker::console_error!("{line}");
    }
}
