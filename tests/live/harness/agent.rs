//! An agent of a test: how it is made, called, and what its books say.

use std::time::{Duration, Instant};

use hyper::Method;
use retinue::domain::money::Nanos;
use serde_json::{Value, json};

use super::client::{Call, Events, Reply};
use super::{Account, DEADLINE, eventually, unique, usd};

/// An agent that is not created yet.
#[must_use]
pub struct Draft {
    account: Account,
    body: Value,
}

impl Draft {
    pub fn new(account: Account, line: &str) -> Self {
        let slug = unique("agent");
        let body = json!({
            "slug": slug, "name": format!("Agent {slug}"), "instructions": "Answer briefly.",
            "model": line, "access": "key",
        });
        Self { account, body }
    }

    /// Sets any field of the definition.
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.body[field] = value;
        self
    }

    /// May spend so many nano-dollars, ever, and is refused beyond.
    pub fn capped(self, nanos: u64) -> Self {
        self.with("budget", json!({"limit_usd": usd(nanos), "period": "total", "action": "block"}))
    }

    pub async fn create(self) -> Agent {
        let created = self.account.post("/api/v1/agents", &self.body).await.expect(201).json();
        Agent {
            id: created["id"].as_str().expect("an agent has an id").to_owned(),
            slug: self.body["slug"].as_str().expect("a draft has a slug").to_owned(),
            definition: self.body,
            account: self.account,
        }
    }
}

#[derive(Clone)]
pub struct Agent {
    pub id: String,
    pub slug: String,
    pub account: Account,
    /// As it was created.
    pub definition: Value,
}

/// What an agent may spend, in nano-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub limit: u64,
    pub settled: u64,
    pub held: u64,
    pub remaining: u64,
}

/// What a call used, as the API tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub input: u64,
    pub cached: u64,
    pub output: u64,
}

impl Tokens {
    /// Of a row of the ledger.
    pub fn of(call: &Value) -> Self {
        Self::read(&call["tokens"], ["input", "cached", "output"])
    }

    /// Of a reply's `usage`.
    pub fn of_usage(usage: &Value) -> Self {
        Self::read(usage, ["input_tokens", "cached_input_tokens", "output_tokens"])
    }

    fn read(from: &Value, names: [&str; 3]) -> Self {
        let of = |name: &str| from[name].as_u64().unwrap_or_else(|| panic!("no {name} in {from}"));
        let [input, cached, output] = names.map(of);
        Self { input, cached, output }
    }
}

/// Both sides of an agent's spending as the API shows them.
#[derive(Clone, Debug)]
pub struct Books {
    pub budget: Budget,
    /// Every call, newest first.
    pub calls: Vec<Value>,
}

impl Books {
    /// What all calls of the ledger cost, in nano-dollars.
    pub fn ledger(&self) -> u64 {
        self.calls.iter().map(|call| money(&call["cost_usd"])).sum()
    }

    pub fn call(&self, id: &str) -> Option<&Value> {
        self.calls.iter().find(|call| call["id"] == id)
    }
}

impl Agent {
    /// Where it is called: `/accounts/{account}/agents/{agent}` and more.
    pub fn path(&self, rest: &str) -> String {
        format!("/accounts/{}/agents/{}{rest}", self.account.slug, self.slug)
    }

    /// Where it is administered.
    pub fn api(&self, rest: &str) -> String {
        format!("/api/v1/agents/{}{rest}", self.slug)
    }

    /// A call by the account's caller key.
    pub fn call(&self, path: &str, body: &Value) -> Call {
        self.account.anonymous(Method::POST, &self.path(path)).key(&self.account.caller.secret).json(body)
    }

    pub async fn chat(&self, message: &str) -> Reply {
        self.call("/chat", &json!({"message": message})).send().await
    }

    pub async fn stream(&self, message: &str) -> Events {
        self.call("/stream", &json!({"message": message})).open().await
    }

    /// OpenAI's endpoint, with one user message and whatever `more` adds.
    pub fn completion(&self, more: &Value) -> Call {
        let mut body = json!({"model": self.slug, "messages": [{"role": "user", "content": "hello"}]});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.call("/v1/chat/completions", &body)
    }

    /// Replaces one field of the definition.
    pub async fn change(&mut self, field: &str, value: Value) {
        self.definition[field] = value;
        self.account.put(&self.api(""), &self.definition).await.expect(200);
    }

    pub async fn budget(&self) -> Budget {
        let budget = self.account.get(&self.api("/budget")).await.expect(200).json();
        Budget {
            limit: money(&budget["limit_usd"]),
            settled: money(&budget["settled_usd"]),
            held: money(&budget["held_usd"]),
            remaining: money(&budget["remaining_usd"]),
        }
    }

    pub async fn set_budget(&self, nanos: u64) -> Reply {
        let body = json!({"limit_usd": usd(nanos), "period": "total", "action": "block"});
        self.account.put(&self.api("/budget"), &body).await
    }

    /// The whole ledger, newest first, page by page.
    pub async fn calls(&self) -> Vec<Value> {
        let (mut calls, mut cursor) = (Vec::new(), String::new());
        loop {
            let page =
                self.account.get(&self.api(&format!("/calls?limit=100{cursor}"))).await.expect(200).json();
            calls.extend(page["data"].as_array().expect("a page has data").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return calls,
            }
        }
    }

    /// The books once nothing is held any more and the ledger has caught up with what is settled.
    pub async fn closed_books(&self) -> Books {
        let end = Instant::now() + DEADLINE;
        loop {
            let books = Books { budget: self.budget().await, calls: self.calls().await };
            if books.budget.held == 0 && books.ledger() == books.budget.settled {
                return books;
            }
            assert!(Instant::now() < end, "not closed within {DEADLINE:?}: {books:#?}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The ledger's row of that call, once it is settled.
    pub async fn settled_call(&self, id: &str) -> Value {
        eventually(&format!("call {id} is in the ledger"), DEADLINE, async || {
            let calls = self.calls().await;
            let row = calls.into_iter().find(|call| call["id"] == id)?;
            (!row["cost_usd"].is_null()).then_some(row)
        })
        .await
    }
}

/// The text that the chunks of an OpenAI stream make.
pub fn texts(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}

/// Nano-dollars of an amount in the API's form.
pub fn money(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("money is a decimal string, not {value}"));
    Nanos::parse_usd(text).unwrap_or_else(|error| panic!("{error}: {value}")).get()
}
