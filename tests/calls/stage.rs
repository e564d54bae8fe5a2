//! An account with a provider, priced models and an agent; and calls of it through every face.
//!
//! Calls go through an isolate of their own: what the control plane changes elsewhere must reach it by the account's
//! object alone.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::Method;
use retinue::domain::money::Nanos;
use retinue::ports::{Settings, World};
use serde_json::{Value, json};

use crate::ask::{Ask, Face};
use crate::restarted::Restarted;
use crate::support::{
    Api, Asked, FakeUpstream, MASTER_KEY, OPERATOR, Tenant, Transport, Turn, is_workerd, settings, variables,
};

/// The key that the account keeps for its provider.
pub const PROVIDER_KEY: &str = "sk-provider-key-that-nobody-may-see";
/// What a token of `own:big` costs in nano-dollars: read, written.
pub const BIG: (u64, u64) = (1_000, 2_000);
/// What a token of `other:small` costs.
pub const SMALL: (u64, u64) = (500, 1_000);
/// The longest answer of either, in tokens.
pub const MAX_OUTPUT: u64 = 1_000;
/// The isolates of a stage: the control plane's, one for calls, and a spare one.
const ISOLATES: usize = 3;
const CALLS: usize = 1;
const ELSEWHERE: usize = 2;

#[derive(Clone)]
pub struct Stage {
    /// The control plane, in an isolate of its own.
    pub api: Api,
    pub acme: Tenant,
    pub isolate: Transport,
    asked: Arc<Mutex<Vec<Asked>>>,
    log: Arc<Mutex<Vec<String>>>,
}

/// What an agent has spent, and its ledger, newest first.
#[derive(Debug)]
pub struct Books {
    pub settled: u64,
    pub held: u64,
    pub ledger: Vec<Row>,
}

#[derive(Debug)]
pub struct Row {
    pub status: String,
    pub usage: String,
    pub held: u64,
    pub cost: u64,
    pub json: Value,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let stage = Self::bare(settings).await;
        stage.furnish().await;
        stage
    }

    /// Another account of the same world, furnished alike; its calls name it in their path.
    pub async fn neighbour(&self, slug: &str) -> Self {
        let stage = Self { acme: self.api.tenant(slug).await, ..self.clone() };
        stage.furnish().await;
        stage
    }

    async fn furnish(&self) {
        self.provider("own", "https://own.example.com/v1", Some(PROVIDER_KEY)).await;
        self.provider("other", "https://other.example.com/v1", None).await;
        self.model("own/big", &json!({})).await;
        self.model("other/small", &json!({"input_usd_per_mtok": "0.5", "output_usd_per_mtok": "1"})).await;
        self.agent("triage", &json!({})).await;
    }

    /// Moves the account to a plan with these limits alone, and lets its calls know.
    pub fn limit(&self, limits: &str) {
        let sql = format!(
            "UPDATE plans SET agents = NULL, members = NULL, keys = NULL, calls_per_minute = NULL,
                concurrent_calls = NULL, monthly_spend = NULL, threads = NULL, storage_mb = NULL, runs_at_once = NULL,
                memories = NULL, keep_days = NULL WHERE plan = 'budget';
            UPDATE plans SET {limits} WHERE plan = 'budget';
            UPDATE accounts SET plan = 'budget' WHERE slug = '{}';",
            self.acme.slug
        );
        self.api.world.database().with(|db| db.execute_batch(&sql).unwrap());
        self.api.world.objects().advance(self.acme.id);
    }

    /// An account and nothing in it.
    pub async fn bare(settings: Settings) -> Self {
        let settings = Settings { default_account: Some("acme".to_owned()), ..settings };
        let api = Api::among(settings, ISOLATES);
        let acme = api.tenant("acme").await;
        let isolate = Transport::to(&api.world, CALLS);
        Self { api, acme, isolate, asked: Arc::default(), log: Arc::default() }
    }

    /// The same world seen by an isolate that remembers nothing. Where the transport is HTTP it is the same one each
    /// time, and the last one to ask for it has it.
    pub fn elsewhere(&self) -> Self {
        self.api.world.forget();
        Self { isolate: Transport::to(&self.api.world, ELSEWHERE), ..self.clone() }
    }

    /// The same world after its operator has set something else.
    pub fn under(&self, settings: Settings) -> Self {
        let settings = Settings { default_account: Some("acme".to_owned()), ..settings };
        if let Some(workerd) = self.api.world.workerd() {
            workerd.tell_all("variables", &variables(&settings).to_string());
            return self.elsewhere();
        }
        let world = Restarted { world: self.api.world.clone(), settings: Arc::new(settings) };
        Self { isolate: Transport::router(world), ..self.clone() }
    }

    pub async fn provider(&self, name: &str, base_url: &str, key: Option<&str>) {
        let body = json!({"wire": "openai", "base_url": base_url, "api_key": key});
        let put =
            self.api.put(&format!("/api/v1/providers/{name}")).key(&self.acme.admin).json(&body).send().await;
        assert!(put.status.is_success(), "{put:?}");
    }

    pub async fn model(&self, name: &str, fields: &Value) {
        let mut body = json!({
            "input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "context_tokens": 100_000,
            "max_output_tokens": MAX_OUTPUT, "capabilities": ["images", "tools", "json_schema", "streaming"],
        });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let put =
            self.api.put(&format!("/api/v1/models/{name}")).key(&self.acme.admin).json(&body).send().await;
        assert!(put.status.is_success(), "{put:?}");
    }

    /// A model of the platform's catalogue, at the prices of [`BIG`].
    pub async fn catalogue(&self, provider: &str, code: &str) {
        let sql = "INSERT INTO catalogue (provider, code, input_price, output_price, context_tokens, max_output_tokens,
            capabilities, priced_on) VALUES (?1, ?2, 1000000000, 2000000000, 100000, 1000,
            '[\"images\",\"tools\",\"json_schema\",\"streaming\"]', '2026-11-20')";
        self.api.world.database().with(|db| assert_eq!(db.execute(sql, [provider, code]).unwrap(), 1));
    }

    /// A new agent with a budget of a dollar; `fields` over the usual ones.
    pub async fn agent(&self, slug: &str, fields: &Value) -> Value {
        let mut all =
            json!({"slug": slug, "model": "own:big", "budget": {"limit_usd": "1", "period": "total"}});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.api.agent(&self.acme, &all).await
    }

    /// A control-plane write that is nothing but this statement; `?1` is the account.
    pub fn write(&self, sql: &str) {
        let account = self.acme.id.to_string();
        self.api.world.database().with(|db| assert!(db.execute(sql, [account]).unwrap() > 0, "{sql}"));
        self.api.world.objects().advance(self.acme.id);
    }

    /// Replaces an agent's definition.
    pub async fn change(&self, slug: &str, fields: &Value) {
        let mut all = json!({"name": "Triage", "instructions": "Sort the mail.", "model": "own:big"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let put =
            self.api.put(&format!("/api/v1/agents/{slug}")).key(&self.acme.admin).json(&all).send().await;
        put.ok();
    }

    pub async fn set_budget(&self, slug: &str, budget: &Value) {
        let path = format!("/api/v1/agents/{slug}/budget");
        self.api.put(&path).key(&self.acme.admin).json(budget).send().await.ok();
    }

    pub fn upstream(&self) -> &FakeUpstream {
        self.api.world.upstream()
    }

    /// What happens to the next request that the script does not know yet.
    pub fn then(&self, turn: Turn) -> &Self {
        self.upstream().then(turn);
        self
    }

    /// A call by the account's caller, through this face.
    pub fn ask(&self, face: Face, agent: &str) -> Ask<'_> {
        Ask::call(self, face, agent)
    }

    pub fn request(&self, method: Method, path: &str) -> Ask<'_> {
        Ask::new(self, method, path)
    }

    /// What the providers were asked since the last time.
    pub fn take_asked(&self) -> Vec<Asked> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.extend(self.upstream().take_asked());
        asked
    }

    /// What the one provider was asked, as JSON.
    pub fn asked_once(&self) -> Value {
        let asked = self.take_asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        serde_json::from_slice(&asked[0].body).unwrap()
    }

    /// Waits until the providers have been asked this often in all.
    pub async fn until_asked(&self, times: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let asked = self.take_asked();
            let count = asked.len();
            self.asked.lock().unwrap().extend(asked);
            if count >= times {
                return;
            }
            if is_workerd() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            tokio::task::yield_now().await;
        }
        panic!("the provider was not asked {times} times");
    }

    /// A client calls and leaves before its provider, which hangs, has answered.
    pub async fn leave(&self, face: Face, agent: &'static str) {
        let stage = self.clone();
        let call = tokio::spawn(async move { stage.ask(face, agent).open().await.status() });
        self.until_asked(1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled(), "it was still waiting");
        self.upstream().hang_up();
    }

    /// All that the operator was told; no secret is in it.
    pub fn log(&self) -> String {
        let mut log = self.log.lock().unwrap();
        log.extend(self.api.world.take_log());
        let text = log.join("\n");
        for secret in [PROVIDER_KEY, MASTER_KEY, OPERATOR, &self.acme.admin, &self.acme.caller] {
            assert!(!text.contains(secret), "the log tells {secret}: {text}");
        }
        text
    }

    /// What the agent has spent, once everything is settled. What must be true of any is checked.
    pub async fn books(&self, agent: &str) -> Books {
        self.api.world.settled().await;
        self.log();
        let get = |path: &str| self.api.get(path).key(&self.acme.member).send();
        let standing = get(&format!("/api/v1/agents/{agent}/budget")).await.ok();
        let calls = get(&format!("/api/v1/agents/{agent}/calls?limit=100")).await.ok();
        let ledger: Vec<Row> = calls["data"].as_array().unwrap().iter().map(Row::of).collect();
        let nanos = |field| dollars(&standing[field]);
        let books = Books { settled: nanos("settled_usd"), held: nanos("held_usd"), ledger };
        assert_eq!(books.settled, books.ledger.iter().map(|row| row.cost).sum::<u64>(), "{books:#?}");
        assert!(books.ledger.iter().all(|row| row.cost <= row.held), "{books:#?}");
        if standing["action"] == "block" {
            assert!(books.settled + books.held <= nanos("limit_usd"), "{standing} {books:#?}");
        }
        books
    }

    /// What the agent has spent where it was called once and nothing is open.
    pub async fn bill(&self, agent: &str) -> Row {
        let mut books = self.books(agent).await;
        assert_eq!((books.ledger.len(), books.held), (1, 0), "{books:#?}");
        books.ledger.remove(0)
    }

    /// The account has spent nothing on this agent, and holds nothing.
    pub async fn assert_untouched(&self, agent: &str) {
        let books = self.books(agent).await;
        assert!((books.settled, books.held, books.ledger.len()) == (0, 0, 0), "{books:#?}");
        assert!(self.take_asked().is_empty(), "no provider was asked");
    }
}

impl Books {
    /// How much more was held for the dearest call than for the cheapest.
    pub fn spread(&self) -> u64 {
        let held = || self.ledger.iter().map(|row| row.held);
        held().max().unwrap_or_default() - held().min().unwrap_or_default()
    }
}

fn dollars(amount: &Value) -> u64 {
    Nanos::parse_usd(amount.as_str().unwrap()).unwrap().get()
}

impl Row {
    fn of(row: &Value) -> Self {
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        Self {
            status: text("status"),
            usage: text("usage"),
            held: dollars(&row["held_usd"]),
            cost: dollars(&row["cost_usd"]),
            json: row.clone(),
        }
    }

    /// How it ended, where its tokens come from, and what it cost.
    pub fn verdict(&self) -> (&str, &str, u64) {
        (&self.status, &self.usage, self.cost)
    }
}
