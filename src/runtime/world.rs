//! The platform as the services see it.

use std::cell::OnceCell;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::send::{IntoSendFuture, SendWrapper};
use worker::{Context, Date, Delay, Env};

use super::account_client::AccountClient;
use super::upstream::FetchUpstream;
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::ports::{Settings, World};
use crate::storage::directory::D1Directory;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn fill_random(bytes: &Uint8Array) -> Uint8Array;
}

thread_local! {
    /// Variables do not change while an isolate lives.
    static SETTINGS: OnceCell<Arc<Settings>> = const { OnceCell::new() };
}

/// One request's view of the platform.
#[derive(Clone)]
pub struct EdgeWorld {
    directory: D1Directory,
    accounts: AccountClient,
    upstream: FetchUpstream,
    settings: Arc<Settings>,
    context: Arc<SendWrapper<Context>>,
}

impl EdgeWorld {
    /// # Errors
    /// When a binding of `wrangler.toml` is missing.
    pub fn new(env: &Env, context: Context) -> worker::Result<Self> {
        Ok(Self {
            directory: D1Directory::new(env.d1("DB")?),
            accounts: AccountClient::new(env.durable_object("ACCOUNTS")?),
            upstream: FetchUpstream::new(env.clone()),
            settings: SETTINGS.with(|cell| cell.get_or_init(|| Arc::new(settings(env))).clone()),
            context: Arc::new(SendWrapper::new(context)),
        })
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
        has_workers_ai,
    }
}

/// Bytes that nobody can predict, from the platform.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&Uint8Array::new_with_length(u32::try_from(N).unwrap_or(0))).copy_to(&mut bytes);
    bytes
}

impl World for EdgeWorld {
    type Directory = D1Directory;
    type Accounts = AccountClient;
    type Upstream = FetchUpstream;

    fn directory(&self) -> &D1Directory {
        &self.directory
    }

    fn accounts(&self) -> &AccountClient {
        &self.accounts
    }

    fn upstream(&self) -> &FetchUpstream {
        &self.upstream
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn now(&self) -> Millis {
        Millis(i64::try_from(Date::now().as_millis()).unwrap_or(0))
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        random()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.context.wait_until(task);
    }

    fn sleep(&self, ms: u64) -> impl Future<Output = ()> + Send {
        Delay::from(Duration::from_millis(ms)).into_send()
    }

    fn log(&self, line: &str) {
        worker::console_error!("{line}");
    }
}
