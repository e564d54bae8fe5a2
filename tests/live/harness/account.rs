//! An account of a test: its keys, its providers (both wires of the emulator) and its models.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};

use super::agent::Draft;
use super::client::{Call, Client, Reply};
use super::{App, PLATFORM_KEY};
use crate::emulator::{Emulator, Model, Price, Script};

/// An API key as it was shown once.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl From<&Value> for Key {
    fn from(created: &Value) -> Self {
        let text = |name: &str| {
            created[name].as_str().unwrap_or_else(|| panic!("no {name} in {created}")).to_owned()
        };
        Self { id: text("id"), secret: text("key") }
    }
}

#[derive(Clone)]
pub struct Account {
    pub id: String,
    pub slug: String,
    pub admin: Key,
    pub caller: Key,
    /// What the account's providers are sent as their key.
    pub provider_key: String,
    client: Client,
    emulator: Emulator,
}

impl Account {
    /// Without a plan's limits. Providers: `emu` speaks OpenAI's wire, `claude` Anthropic's.
    pub async fn create(app: &App, slug: &str) -> Self {
        let body = json!({"slug": slug, "name": format!("The {slug} account"), "plan": "enterprise"});
        let created = app.operator(Method::POST, "/api/v1/accounts", &body).await.expect(201).json();
        let account = Self {
            id: created["id"].as_str().expect("an account has an id").to_owned(),
            slug: slug.to_owned(),
            admin: app.key(slug, "admin").await,
            caller: app.key(slug, "caller").await,
            provider_key: format!("sk-secret-of-{slug}-wxyz"),
            client: app.client.clone(),
            emulator: app.emulator.clone(),
        };
        assert_ne!(account.provider_key, PLATFORM_KEY);
        account.provider("emu", "openai", &app.emulator.origin()).await.expect(200);
        account.provider("claude", "anthropic", &app.emulator.origin()).await.expect(200);
        account
    }

    /// Sets a provider at that origin.
    pub async fn provider(&self, name: &str, wire: &str, origin: &str) -> Reply {
        let body = json!({"wire": wire, "base_url": format!("{origin}/v1"), "api_key": self.provider_key});
        self.put(&format!("/api/v1/providers/{name}"), &body).await
    }

    /// A priced model of the provider `emu`, which does as the script says.
    pub async fn model(&self, price: Price, script: Script) -> Arc<Model> {
        self.model_of("emu", price, script).await
    }

    /// A priced model of that provider.
    pub async fn model_of(&self, provider: &str, price: Price, script: Script) -> Arc<Model> {
        let model = self.emulator.model(price, script);
        self.set_price(provider, &model.code, price).await;
        model
    }

    /// A model that the account has no price for.
    pub fn unpriced_model(&self, script: Script) -> Arc<Model> {
        self.emulator.model(Price::flat(1), script)
    }

    pub async fn set_price(&self, provider: &str, code: &str, price: Price) {
        let body = json!({
            "input_usd_per_mtok": usd_per_mtok(price.input),
            "cached_input_usd_per_mtok": usd_per_mtok(price.cached),
            "output_usd_per_mtok": usd_per_mtok(price.output),
            "context_tokens": 200_000,
            "max_output_tokens": 100_000,
            "capabilities": ["images", "tools", "json_schema", "streaming"],
        });
        let reply = self.put(&format!("/api/v1/models/{provider}/{code}"), &body).await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
    }

    /// An agent to be described and created.
    pub fn agent(&self, line: &str) -> Draft {
        Draft::new(self.clone(), line)
    }

    /// A key of this account, made by its admin.
    pub async fn key(&self, body: &Value) -> Key {
        Key::from(&self.post(&format!("/api/v1/accounts/{}/keys", self.slug), body).await.expect(201).json())
    }

    /// The same account by way of that client.
    pub fn on(&self, client: Client) -> Self {
        Self { client, ..self.clone() }
    }

    /// Asks as the account's admin.
    pub fn call(&self, method: Method, path: &str) -> Call {
        self.client.call(method, path).key(&self.admin.secret)
    }

    /// Asks as nobody in particular.
    pub fn anonymous(&self, method: Method, path: &str) -> Call {
        self.client.call(method, path)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::POST, path).json(body).send().await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PUT, path).json(body).send().await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path).send().await
    }
}

/// Nano-dollars as the API writes and reads money.
pub fn usd(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// Dollars a million tokens, of nano-dollars a token.
fn usd_per_mtok(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1_000, nanos % 1_000)
}
