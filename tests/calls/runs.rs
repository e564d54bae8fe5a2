//! Calls that a run makes: of the version that it began with, on behalf of whoever started it, without a key.

use std::sync::Arc;

use retinue::domain::ids::{AccountId, AgentId, KeyId};
use retinue::ports::{AccountRef, AgentRef, AgentVersion};
use retinue::service::App;
use retinue::service::call::{self, Answer, Asked, Caller, Error, KeyFault, Passed, RunCredential, Starter};
use retinue::wire::client::native;
use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::answer;
use crate::stage::Stage;
use crate::support::{FakeWorld, native_only};

/// A stage, and the isolate in which its runs are.
struct Runs {
    stage: Stage,
    app: App<FakeWorld>,
    agent: AgentId,
}

impl Runs {
    /// With two versions of `triage`.
    async fn new() -> Self {
        let stage = Stage::new().await;
        stage.change("triage", &json!({"instructions": "Sort the letters."})).await;
        let app = App::new(stage.api.world.clone(), Arc::default());
        let agent = agent(&stage, "triage").await;
        Self { stage, app, agent }
    }

    /// A new key of the account, and a run of this version that it has started.
    async fn started(&self, version: u32) -> (KeyId, Caller) {
        let key = self.issue(&json!({"name": "starter", "role": "caller"})).await;
        (key, self.run(version, Starter::Key(key)))
    }

    async fn issue(&self, body: &Value) -> KeyId {
        let path = format!("/api/v1/accounts/{}/keys", self.stage.acme.slug);
        let issued = self.stage.api.post(&path).key(&self.stage.acme.admin).json(body).send().await.created();
        KeyId::parse(issued["id"].as_str().unwrap()).unwrap()
    }

    fn run(&self, version: u32, started_by: Starter) -> Caller {
        Caller::run(RunCredential::of_kept_run(self.stage.acme.id, self.agent, version, started_by))
    }

    async fn call(&self, caller: &Caller) -> Result<Answer<FakeWorld>, Error> {
        let resolved = call::resolve(&self.app, caller).await?;
        let request = native::parse(br#"{"message": "Hi"}"#).unwrap().request;
        let variables = Passed::Variables(Default::default());
        let asked = Asked {
            request,
            variables,
            model: None,
            stream: false,
            sent: None,
            most: None,
            last: Vec::new(),
        };
        let served = call::run(&self.app, caller, resolved, asked).await;
        served.map(|served| served.answer).map_err(|unserved| unserved.error)
    }

    /// What the model was told in the caller's next call.
    async fn told(&self, caller: &Caller) -> String {
        self.stage.then(answer("Hello", Some((40, 3))));
        let Ok(Answer::Whole { .. }) = self.call(caller).await else { panic!("{caller:?} is not served") };
        self.stage.asked_once()["messages"][0]["content"].as_str().unwrap().to_owned()
    }

    async fn refusal(&self, caller: &Caller) -> Error {
        let Err(error) = self.call(caller).await else { panic!("{caller:?} is served") };
        assert!(self.stage.take_asked().is_empty(), "no provider is asked");
        error
    }
}

async fn agent(stage: &Stage, slug: &str) -> AgentId {
    let agent = stage.api.get(&format!("/api/v1/agents/{slug}")).key(&stage.acme.member).send().await.ok();
    AgentId::parse(agent["id"].as_str().unwrap()).unwrap()
}

const GONE: Error = Error::Unauthenticated(KeyFault::OfRun);

#[tokio::test]
async fn a_run_calls_the_version_it_began_with_whatever_the_newest_is() {
    native_only!("runs have no URL: their calls are made of the service");
    let runs = Runs::new().await;
    let (key, first) = runs.started(1).await;
    let second = runs.run(2, Starter::Key(key));
    for _ in ["cold", "warm"] {
        assert_eq!(runs.told(&first).await, "Sort the mail.");
        assert_eq!(runs.told(&second).await, "Sort the letters.");
    }
    runs.stage.change("triage", &json!({"instructions": "Sort the parcels."})).await;
    assert_eq!(runs.told(&first).await, "Sort the mail.", "also when all was read again");
    let books = runs.stage.books("triage").await;
    let versions: Vec<_> =
        books.ledger.iter().rev().map(|row| row.json["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, [1, 2, 1, 2, 1]);
    assert!(books.ledger.iter().all(|row| row.json["key"] == key.to_string()), "{books:#?}");
}

#[tokio::test]
async fn a_warm_run_reads_no_directory_and_asks_the_object_once() {
    native_only!("runs have no URL: their calls are made of the service");
    let runs = Runs::new().await;
    let (_, run) = runs.started(1).await;
    runs.told(&run).await;
    runs.stage.api.world.settled().await;
    runs.stage.api.world.faults().take_done();
    runs.told(&run).await;
    runs.stage.api.world.settled().await;
    assert_eq!(runs.stage.api.world.faults().take_done(), ["admit", "settle"]);
}

#[tokio::test]
async fn a_version_that_is_not_there_is_named() {
    native_only!("versions have no URL yet");
    let runs = Runs::new().await;
    let (_, run) = runs.started(3).await;
    assert_eq!(runs.refusal(&run).await, Error::NoSuchVersion(3));
    let by = |key: &str| {
        let agent = AgentRef::parse("triage").unwrap();
        Caller::client(AccountRef::Id(runs.stage.acme.id), agent, Some(key.to_owned()), None)
    };
    let caller = by(&runs.stage.acme.caller);
    assert_eq!(runs.refusal(&caller.clone().at(AgentVersion::Number(3))).await, Error::NoSuchVersion(3));
    assert_eq!(runs.told(&caller.clone().at(AgentVersion::Number(1))).await, "Sort the mail.");
    assert_eq!(runs.told(&caller).await, "Sort the letters.");
    let stranger =
        Caller::client(AccountRef::Id(runs.stage.acme.id), AgentRef::parse("triage").unwrap(), None, None);
    let refused = runs.refusal(&stranger.at(AgentVersion::Number(3))).await;
    assert_eq!(refused, Error::Unauthenticated(KeyFault::Missing), "strangers learn nothing of versions");
}

#[tokio::test]
async fn a_run_ends_with_the_key_that_started_it() {
    native_only!("runs have no URL: their calls are made of the service");
    let runs = Runs::new().await;
    // A public agent asks for no key, but what a key has started ends with it there, too.
    runs.stage.change("triage", &json!({"access": "public"})).await;
    for (version, is_warm) in [(1, false), (1, true), (3, false), (3, true)] {
        let (key, run) = runs.started(version).await;
        if is_warm {
            runs.told(&run).await;
        }
        let path = format!("/api/v1/accounts/{}/keys/{key}", runs.stage.acme.slug);
        runs.stage.api.delete(&path).key(&runs.stage.acme.admin).send().await.no_content();
        assert_eq!(runs.refusal(&run).await, GONE, "{version} {is_warm}");
    }
    let brief = json!({"name": "brief", "role": "caller", "expires_at": "2026-11-21T13:00:00Z"});
    let run = runs.run(1, Starter::Key(runs.issue(&brief).await));
    runs.told(&run).await;
    runs.stage.api.world.clock().advance(2 * 60 * 60_000);
    assert_eq!(runs.refusal(&run).await, GONE);
    let unknown = KeyId::new(retinue::domain::time::Millis(1), [9; 10]);
    assert_eq!(runs.refusal(&runs.run(1, Starter::Key(unknown))).await, GONE);
}

#[tokio::test]
async fn a_run_ends_with_the_member_whose_key_started_it_and_speaks_with_its_prompts() {
    native_only!("runs have no URL: their calls are made of the service");
    let runs = Runs::new().await;
    let admin = &runs.stage.acme.admin;
    let body = json!({"name": "Ada", "email": "ada@example.com", "role": "member"});
    let member = runs.stage.api.post("/api/v1/members").key(admin).json(&body).send().await.created();
    let path = format!("/api/v1/members/{}", member["id"].as_str().unwrap());
    let profile = json!({"profile": {"settings": {"agent_prompts": {"triage": "In French."}}}});
    runs.stage.api.request(axum::http::Method::PATCH, &path).key(admin).json(&profile).send().await.ok();
    let key = runs.issue(&json!({"name": "ada", "role": "caller", "member": member["id"]})).await;
    let run = runs.run(1, Starter::Key(key));
    let told = runs.told(&run).await;
    assert!(told.starts_with("Sort the mail.") && told.ends_with("In French."), "{told}");
    runs.stage.api.delete(&path).key(admin).send().await.no_content();
    assert_eq!(runs.refusal(&run).await, GONE);
}

#[tokio::test]
async fn a_run_may_call_no_more_than_its_starter() {
    native_only!("runs have no URL: their calls are made of the service");
    let runs = Runs::new().await;
    runs.stage.agent("other", &json!({})).await;
    let key = runs.issue(&json!({"name": "narrow", "role": "caller", "agents": ["other"]})).await;
    assert_eq!(runs.refusal(&runs.run(1, Starter::Key(key))).await, Error::KeyNotForAgent);
    let anonymous = runs.run(1, Starter::Anonymous);
    assert_eq!(runs.refusal(&anonymous).await, GONE, "the agent wants a key");
    runs.stage.change("triage", &json!({"access": "public"})).await;
    assert_eq!(runs.refusal(&anonymous).await, GONE, "and at that version still does");
    assert_eq!(runs.told(&runs.run(3, Starter::Anonymous)).await, "Sort the mail.");
    let elsewhere = AccountId::new(retinue::domain::time::Millis(1), [9; 10]);
    let foreign = RunCredential::of_kept_run(elsewhere, runs.agent, 1, Starter::Key(key));
    assert_eq!(runs.refusal(&Caller::run(foreign)).await, Error::NoSuchAgent);
}

#[tokio::test]
async fn a_run_ends_with_its_agent_its_account_and_its_budget() {
    native_only!("runs have no URL: their calls are made of the service");
    let runs = Runs::new().await;
    let (_, run) = runs.started(1).await;
    runs.told(&run).await;
    runs.stage.set_budget("triage", &json!({"limit_usd": "0.0001", "period": "total"})).await;
    assert!(matches!(runs.refusal(&run).await, Error::BudgetExceeded { .. }));
    runs.stage.set_budget("triage", &json!({"limit_usd": "1", "period": "total"})).await;
    runs.told(&run).await;
    runs.stage.write("UPDATE agents SET status = 'inactive' WHERE account_id = ?1 AND slug = 'triage'");
    assert!(matches!(runs.refusal(&run).await, Error::NotActive { .. }));
    runs.stage.write("UPDATE agents SET status = 'active' WHERE account_id = ?1 AND slug = 'triage'");
    runs.told(&run).await;
    runs.stage.write("UPDATE accounts SET status = 'suspended' WHERE id = ?1");
    assert_eq!(runs.refusal(&run).await, Error::AccountSuspended);
    runs.stage.write("UPDATE accounts SET status = 'active' WHERE id = ?1");
    runs.told(&run).await;
    runs.stage.api.delete("/api/v1/agents/triage").key(&runs.stage.acme.admin).send().await.no_content();
    assert_eq!(runs.refusal(&run).await, Error::Archived(runs.agent));
}

#[tokio::test]
async fn clients_of_the_newest_version_and_runs_of_others_share_one_budget_and_places() {
    native_only!("runs have no URL: their calls are made of the service");
    let runs = Runs::new().await;
    let (_, run) = runs.started(1).await;
    runs.told(&run).await;
    runs.stage.then(answer("Hello", Some((40, 3))));
    runs.stage.ask(Face::Chat, "triage").send().await.ok();
    assert_eq!(runs.stage.asked_once()["messages"][0]["content"], "Sort the letters.");
    let books = runs.stage.books("triage").await;
    assert_eq!(books.ledger.len(), 2);
    assert_eq!(books.settled, books.ledger.iter().map(|row| row.cost).sum::<u64>());
}
