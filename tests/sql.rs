//! The directory's statements against the migrated schema: that they prepare, keep to their account, use indexes, and
//! do what their callers count on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "sql/lists.rs"]
mod lists;
mod schema;
mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};

use retinue::domain::account::{Account, Key, Plan, Role, Status};
use retinue::domain::agent::{
    Access, Agent, Caching, Definition, Modality, Panel, RunLimits, Save, Status as Life, Tool,
};
use retinue::domain::alias::Alias;
use retinue::domain::api_key::{ApiKey, KeyDigest};
use retinue::domain::budget::{Action, Budget, Period};
use retinue::domain::change::{self, Actor, Change, Subject};
use retinue::domain::ids::{AccountId, AgentId, ChangeId, KeyId};
use retinue::domain::model::{Capabilities, Capability, Model};
use retinue::domain::money::Nanos;
use retinue::domain::plan::{Feature, Features, KeepLimits, Limits};
use retinue::domain::price::{LongContext, Price, Rates};
use retinue::domain::provider::{Provider, ProviderName, SealedKey, Wire};
use retinue::domain::run::terms::{OnBudget, OnUnknown, Upgrade};
use retinue::domain::scope::{Scope, Scopes};
use retinue::domain::share::Share;
use retinue::domain::slug::Slug;
use retinue::domain::thread::command::OnBusy;
use retinue::domain::time::Millis;
use retinue::domain::vault::Sealed;
use retinue::object::store::account::STEPS;
use retinue::object::store::steps::migrate;
use retinue::object::store::{dispatch, effects, knowledge, thread as threads};
use retinue::ports::{
    AccountRef, AgentFilter, AgentList, AgentPosition, AgentRef, AgentVersion, Agents, Aliases, AllAccounts,
    AllKeys, Called, Changes, ChangesOf, Directory, KeyRef, Keys, Models, Plans, Providers, Resolve,
    SaveAgents, Sight, Target, World, WriteError,
};
use retinue::sql::Query;
use retinue::storage::directory;
use retinue::storage::queries;
use rusqlite::Connection;
use support::disk::Disk;
use support::{FakeWorld, NOON, Sqlite, settings};

type TenantRows = directory::Tenant<Sqlite>;

fn world() -> FakeWorld {
    FakeWorld::here(settings())
}

async fn account(world: &FakeWorld, n: u8) -> (AccountId, TenantRows) {
    let id = AccountId::new(NOON, [n; 10]);
    let slug = Slug::parse(&format!("account-{n}")).unwrap();
    let account = Account {
        id,
        slug,
        name: "Acme".into(),
        plan: Plan::Enterprise,
        status: Status::Active,
        variables: [("company".to_owned(), "Acme".to_owned())].into(),
        settings: serde_json::Map::new(),
        created_at: NOON,
        updated_at: NOON,
    };
    world.directory().insert_account(&account, &change(id, NOON)).await.unwrap();
    (id, world.directory().tenant(id))
}

/// A line of the change log; each has an id of its own.
fn change(subject: impl ToString, at: Millis) -> Change {
    static DRAWN: AtomicU8 = AtomicU8::new(0);
    let id = ChangeId::new(at, [DRAWN.fetch_add(1, Ordering::Relaxed); 10]);
    Change {
        id,
        at,
        by: Actor::Operator,
        action: change::Action::Update,
        subject: Subject::ACCOUNT,
        subject_id: subject.to_string(),
        before: None,
        after: None,
    }
}

fn agent(n: u8) -> Agent {
    Agent {
        id: AgentId::new(NOON, [n; 10]),
        slug: Slug::parse(&format!("agent-{n}")).unwrap(),
        version: 1,
        definition: Definition {
            name: "Triage".into(),
            kind: "router".into(),
            description: Some("d".into()),
            instructions: "Sort 'the' \"mail\"; 日本 \u{0}\u{1F600}".into(),
            model: "openai:gpt-4.1-mini".into(),
            embeddings: Some("openai:text-embedding-3-small".into()),
            voice: Some("cartesia:sonic".into()),
            modality: Modality::AudioOnly,
            panels: vec![Panel::Notepad],
            tools: vec![Tool::Named("web_search".into())],
            handoff_targets: Vec::new(),
            access: Access::Public,
            max_concurrency: Some(7),
            cache: Some(Caching { ttl_s: 60 }),
            run: Some(RunLimits { max_steps: Some(3), ..RunLimits::default() }),
            max_parallel_tools: Some(2),
            on_busy: Some(OnBusy::Steer),
            on_unknown: Some(OnUnknown::Fail),
            on_budget: Some(OnBudget::Wait),
            upgrade: Some(Upgrade::NewThreads),
            output: serde_json::from_value(serde_json::json!({"schema": {"const": null}, "name": "reply"})).unwrap(),
            input: serde_json::from_value(serde_json::json!({"schema": {"type": "object"}})).unwrap(),
            webhooks: vec!["crm".into()],
            compact_at: Some(Share::of_thousandths(250)),
            keep_days: Some(90),
            memory: None,
            allowed_origins: Some(vec!["https://a.example.com".into()]),
            config: serde_json::json!({"n": 1.0, "deep": {"\u{0}": [null, 12_345_678_901_234_567_u64]}})
                .as_object()
                .unwrap()
                .clone(),
            secrets: serde_json::from_value(serde_json::json!({"mail": {"authorization": {
                "origin": "https://a.example.com", "last4": "cdef", "sealed": {"nonce": "n", "ciphertext": "c"}}}}))
            .unwrap(),
        },
        status: Life::Deprecated,
        labels: vec!["a \"b\"".into()],
        budget: Some(Budget { limit: Nanos::MAX, period: Period::Month, action: Action::Notify }),
        created_at: NOON,
        updated_at: NOON,
        archived_at: None,
    }
}

fn key(account: AccountId, n: u8) -> (Key, KeyDigest) {
    let secret = ApiKey::generate(&[n; 32]);
    let key = Key {
        id: KeyId::new(NOON, [n; 10]),
        account,
        name: "ci".into(),
        role: Role::Caller,
        member: None,
        agents: Some(vec![AgentId::new(NOON, [1; 10])]),
        scopes: Some(Scopes::NONE.with(Scope::Calls)),
        hint: secret.hint(),
        expires_at: Some(NOON.plus(5)),
        revoked_at: None,
        inactive_at: None,
        created_at: NOON,
    };
    (key, secret.digest())
}

fn model(code: &str, input: u64) -> Model {
    let rates = Rates { input, output: (1 << 53) - 1, cached_input: Some(0), cache_write: None };
    Model {
        provider: "openai".into(),
        code: code.into(),
        price: Price {
            base: rates,
            audio_input: Some(7),
            long_context: Some(LongContext { above_tokens: 200_000, rates }),
        },
        context_tokens: 1_000_000,
        max_output_tokens: 32_768,
        capabilities: Capabilities::default().with(Capability::Tools).with(Capability::Streaming),
        is_retired: false,
    }
}

async fn insert(tenant: &TenantRows, agent: &Agent) -> Result<(), WriteError> {
    tenant.save_agents(&[Save::insert(agent.clone())], Actor::Operator, &[]).await
}

async fn update(tenant: &TenantRows, agent: &Agent, read: &Agent) -> Result<(), WriteError> {
    tenant.save_agents(&[Save::update(agent.clone(), read.clone())], Actor::Operator, &[]).await
}

async fn archive(tenant: &TenantRows, read: &Agent) -> Result<(), WriteError> {
    let at = read.updated_at.plus(1);
    update(tenant, &Agent { archived_at: Some(at), updated_at: at, ..read.clone() }, read).await
}

async fn logged(tenant: &TenantRows) -> usize {
    let sight = Sight { hidden: Vec::new(), member: None, key: KeyId::new(NOON, [0; 10]) };
    tenant.changes(100, None, &ChangesOf::Everything, &sight).await.unwrap().0.len()
}

/// Looks at every statement there is, with a database of its schema: the directory's, or an object's.
fn each_statement(mut look: impl FnMut(&Connection, &'static Query)) {
    let directory = schema::migrated();
    queries().for_each(|query| look(&directory, query));
    // The objects' tables together: all have effects.
    let disk = Disk::new();
    migrate(&disk, STEPS).unwrap();
    let others =
        threads::STEPS.iter().chain(dispatch::STEPS).chain(knowledge::STEPS).flat_map(|step| step.iter());
    // As has the account's, with the same tables.
    let is_there = |statement: &str| {
        statement == effects::TABLE || STEPS.iter().flat_map(|step| step.iter()).any(|one| *one == statement)
    };
    for statement in others.filter(|statement| !is_there(statement)) {
        disk.db().execute_batch(statement).unwrap();
    }
    retinue::object::store::queries().for_each(|query| look(&disk.db(), query));
}

/// The steps in which SQLite goes about a statement.
fn plan(db: &Connection, query: &Query) -> Vec<String> {
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql)).unwrap();
    plan.raw_query().mapped(|row| row.get::<_, String>(3)).map(Result::unwrap).collect()
}

#[test]
fn every_statement_prepares_takes_as_many_values_as_it_says_and_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    each_statement(|db, query| {
        let prepared = db.prepare(query.sql).unwrap_or_else(|error| panic!("{}: {error}", query.name));
        assert_eq!(prepared.parameter_count(), query.parameters, "{}", query.name);
        assert!(names.insert(query.name), "{}", query.name);
    });
    assert!(names.len() > 100, "{}", names.len());
}

/// That nobody has forgotten to list a file's: what stands in `queries!` in the sources is what was tried.
#[test]
fn every_statement_of_the_sources_is_found() {
    let mut declared = BTreeSet::new();
    let mut folders = vec![schema::root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = std::fs::read_to_string(&entry).unwrap();
            let Some((_, block)) = text.split_once("\nqueries! {\n") else { continue };
            let lines = block.split("\n}").next().unwrap().lines();
            let named =
                lines.filter_map(|line| line.strip_prefix("    ")?.split_once(" =")).map(|(name, _)| name);
            let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            declared.extend(named.filter(is_name).map(str::to_owned));
        }
    }
    let mut found = BTreeSet::new();
    each_statement(|_, query| found.extend([query.name.to_owned()]));
    assert_eq!(declared, found);
}

/// What is found before the account is known, or by the account's own row.
const BEFORE_THE_ACCOUNT: [&str; 10] = [
    "UNDELIVERED_ACCOUNTS",
    "ACCOUNT_BY_ID",
    "ACCOUNT_BY_SLUG",
    "ACCOUNT_OF_KEY",
    "GUARD_ACCOUNT_UNCHANGED",
    "INSERT_ACCOUNT",
    "KEY_BY_DIGEST",
    "KEY_ALONE_BY_DIGEST",
    "PLAN_OF_ACCOUNT",
    "UPDATE_ACCOUNT",
];

/// What is everyone's.
const OF_THE_PLATFORM: [&str; 14] = [
    "CATALOGUE_HAS",
    "FLAGS",
    "PUT_FLAG",
    "DELETE_FLAG",
    "BEGIN_ROLLOUT",
    "NEXT_ROLLED_OUT",
    "ROLLED_OUT",
    "END_ROLLOUT",
    "PLATFORM_TEMPLATES",
    "PLATFORM_TEMPLATE",
    "PUT_PLATFORM_TEMPLATE",
    "DELETE_PLATFORM_TEMPLATE",
    "NEXT_SWEPT",
    "SWEPT",
];

/// What the operator asks of all accounts.
const OF_ALL_ACCOUNTS: [&str; 3] = ["FLAG_ACCOUNTS", "ACCOUNTS_BEHIND", "KEEP_DAYS"];

const TENANT_TABLES: [&str; 18] = [
    "account_flags",
    "declarations",
    "declaration_counts",
    "declaration_outbox",
    "account_counts",
    "model_capabilities",
    "keys",
    "members",
    "providers",
    "models",
    "aliases",
    "agents",
    "agent_versions",
    "agent_labels",
    "agent_words",
    "agent_handoffs",
    "templates",
    "changes",
];

#[test]
fn every_statement_on_a_tenants_rows_binds_the_account_first() {
    let exempt = |name: &str| {
        let all = [&BEFORE_THE_ACCOUNT[..], &OF_THE_PLATFORM, &OF_ALL_ACCOUNTS];
        all.iter().any(|names| names.contains(&name))
    };
    for query in queries().filter(|query| !exempt(query.name)) {
        let sql: String = query.sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let inserts =
            sql.contains("(account_id,") && (sql.contains("VALUES (?1,") || sql.contains("SELECT ?1,"));
        let by_its_row = sql.contains("accounts.id = ?1");
        assert!(sql.contains("account_id = ?1") || by_its_row || inserts, "{}: {sql}", query.name);
        for table in TENANT_TABLES {
            let reads = sql.matches(&format!("FROM {table}")).count()
                + sql.matches(&format!("JOIN {table}")).count()
                + sql.matches(&format!("UPDATE {table}")).count();
            let bound = sql.matches("account_id = ?1").count();
            assert!(bound >= reads, "{}: {table} without its account", query.name);
        }
    }
}

/// Statements that read a table as a whole, and why they may.
const WHOLE_TABLES: &[(&str, &str, &str)] = &[
    ("FLAGS", "flags", "it has no more rows than there are flags"),
    ("FLAGS_OF_ACCOUNT", "flags", "the same"),
    ("READ_AGENTS", "agents", "what an object keeps in memory: a row for each agent that was called"),
    ("READ_HOLDS", "holds", "what an object keeps in memory: a row for each call under way"),
    ("LAST_ITEM", "items", "read from its end, and one row"),
    ("LAST_EVENT", "events", "the same"),
    ("LAST_EVENTS", "events", "the same, 50 rows"),
    ("LAST_VOICE", "voices", "the same, one row"),
    ("INDEX_ALL_MEMORIES", "memories", "once, after a restore"),
    ("FIND_STEPS", "sqlite_master", "SQLite's own table of tables, a few rows"),
    ("EMPTY_KEYS", "keys", "a thread goes, with every answer of the last day"),
    ("OLDEST_KEY", "keys", "read from its beginning, and one row"),
    ("TABLES", "pragma_table_list", "the same"),
    ("ALL_TABLES", "pragma_table_list", "the same"),
    ("COLUMNS_OF", "pragma_table_info", "the same, of a table's columns"),
    ("FIND_DUMP", "sqlite_master", "the same"),
    ("DUMP_TRIGGERS", "sqlite_master", "the same"),
    ("MADE_BY", "sqlite_master", "the same, of a table that is written anew"),
    (
        "COUNT_MEMORIES",
        "places",
        "once for a life of the object: a row for each person of whom something is remembered",
    ),
    ("RUNNING_ERASURES", "erasures", "an index that has those alone which are not finished"),
    ("ANY_ERASURE", "erasures", "one row"),
    ("ENTRIES_OF_USER", "legal_holds", "whether there is one"),
    ("KEPT_OF_USER", "legal_holds", "the same"),
    ("OLD_THREADS", "legal_holds", "the same"),
    ("OLD_THREADS_OF_AGENT", "legal_holds", "the same"),
    ("MEMORY_OUTLINES", "memories", "once, when a person is erased: three numbers of each"),
    ("READ_CLAIMS", "claims", "what an object keeps in memory: a row for each claim of the last two minutes"),
    ("READ_EFFECTS", "effects", "what an object keeps in memory: a row for each effect that is open"),
    ("FIND_MEMORIES", "memory_words", "by its own index: so FTS5 says that it looks for words"),
    ("FIND_NEWEST_MEMORIES", "memory_words", "the same"),
    ("COUNT_MEMORIES_OF_WORDS", "memory_words", "the same"),
];

#[test]
fn no_statement_scans_a_table_but_those_that_say_why() {
    let (mut met, mut unknown) = (BTreeSet::new(), Vec::new());
    each_statement(|db, query| {
        let steps = plan(db, query);
        for step in &steps {
            let Some(table) = step.strip_prefix("SCAN ").map(|rest| rest.split(' ').next().unwrap()) else {
                continue;
            };
            // Made of the arguments, or of other rows of the statement, on the spot.
            let fine =
                ["json_each", "name", "new", "target", "label", "word", "w", "wanted", "sized", "CONSTANT"];
            if fine.contains(&table) || table.starts_with("(subquery") {
                continue;
            }
            let allowed = WHOLE_TABLES.iter().find(|(name, of, _)| (*name, *of) == (query.name, table));
            match allowed {
                Some(_) => drop(met.insert(query.name)),
                None => unknown.push(format!("{}: {steps:?}", query.name)),
            }
        }
    });
    assert!(unknown.is_empty(), "{unknown:#?}");
    let allowed: BTreeSet<&str> = WHOLE_TABLES.iter().map(|(name, _, _)| *name).collect();
    assert_eq!(met, allowed, "a reason that is not needed any more");
}

#[tokio::test]
async fn an_account_is_found_by_slug_and_id() {
    let world = world();
    let (id, _) = account(&world, 1).await;
    let by_id = world.directory().account(&AccountRef::Id(id)).await.unwrap().unwrap();
    let by_slug = world.directory().account(&AccountRef::parse("account-1").unwrap()).await.unwrap().unwrap();
    assert_eq!(by_id, by_slug);
    assert_eq!((by_id.plan, by_id.created_at), (Plan::Enterprise, NOON));
    assert_eq!(world.directory().account(&AccountRef::parse("account-2").unwrap()).await.unwrap(), None);
    assert_eq!(world.directory().insert_account(&by_id, &change(id, NOON)).await, Err(WriteError::Taken));
}

#[tokio::test]
async fn an_account_has_the_limits_of_its_plan() {
    let world = world();
    let (id, tenant) = account(&world, 1).await;
    assert_eq!(tenant.limits().await.unwrap(), Limits::NONE, "an enterprise");
    let run = |sql: &str| world.database().with(|db| db.execute_batch(sql).unwrap());
    run("UPDATE accounts SET plan = 'budget'");
    run(
        r#"UPDATE plans SET agents = 1, members = 2, keys = 3, calls_per_minute = 4, concurrent_calls = 99999999999,
        monthly_spend = 6, memories = 7, keep_days = 30, features = '["import_url","time_travel"]' WHERE plan = 'budget'"#,
    );
    let limits = Limits {
        agents: Some(1),
        members: Some(2),
        keys: Some(3),
        calls_per_minute: Some(4),
        concurrent_calls: Some(u32::MAX),
        monthly_spend: Some(Nanos::new(6)),
        keeps: KeepLimits { memories: Some(7), ..KeepLimits::NONE },
        keep_days: Some(30),
        features: Features::NONE.with(Feature::ImportUrl),
    };
    assert_eq!(tenant.limits().await.unwrap(), limits);
    let stranger = world.directory().tenant(AccountId::new(NOON, [9; 10]));
    assert_eq!(stranger.limits().await.unwrap(), Limits::NONE);
    assert_ne!(id, AccountId::new(NOON, [9; 10]));
}

#[tokio::test]
async fn a_key_that_is_inactive_opens_nothing() {
    let world = world();
    let (id, tenant) = account(&world, 1).await;
    let (key, digest) = key(id, 1);
    tenant.insert_key(&key, &digest, &change(key.id, NOON)).await.unwrap();
    world.database().with(|db| db.execute("UPDATE keys SET inactive_at = 7", []).unwrap());
    let (found, _) = world.directory().key(&digest).await.unwrap().unwrap();
    assert_eq!(found.inactive_at, Some(Millis(7)));
    assert!(key.is_live(NOON) && !found.is_live(NOON));
}

#[tokio::test]
async fn a_key_comes_back_whole_with_its_account() {
    let world = world();
    let (id, tenant) = account(&world, 1).await;
    let (key, digest) = key(id, 1);
    tenant.insert_key(&key, &digest, &change(key.id, NOON)).await.unwrap();
    let (found, account) = world.directory().key(&digest).await.unwrap().unwrap();
    assert_eq!((&found, account.id), (&key, id));
    assert_eq!(world.directory().key(&ApiKey::generate(&[9; 32]).digest()).await.unwrap(), None);
    // A clock that went back must not make the revocation fail.
    assert!(tenant.revoke_key(key.id, &change(key.id, Millis(NOON.0 - 10_000))).await.unwrap());
    assert!(tenant.revoke_key(key.id, &change(key.id, NOON.plus(50))).await.unwrap());
    let (found, _) = world.directory().key(&digest).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(NOON), "the first revocation counts");
    assert!(!tenant.revoke_key(KeyId::new(NOON, [2; 10]), &change(key.id, NOON)).await.unwrap());
}

#[tokio::test]
async fn an_agent_comes_back_as_it_was_written() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    let agent = agent(1);
    insert(&tenant, &agent).await.unwrap();
    assert_eq!(tenant.agent(&AgentRef::Id(agent.id)).await.unwrap().as_ref(), Some(&agent));
    assert_eq!(tenant.agent(&AgentRef::Slug(agent.slug.clone())).await.unwrap().as_ref(), Some(&agent));
}

#[tokio::test]
async fn a_refused_agent_leaves_no_version() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    insert(&tenant, &agent(1)).await.unwrap();
    let twin = Agent { slug: agent(1).slug, ..agent(2) };
    assert_eq!(insert(&tenant, &twin).await, Err(WriteError::Taken));
    let moved = Agent { slug: Slug::parse("agent-2").unwrap(), version: 2, ..agent(1) };
    insert(&tenant, &agent(2)).await.unwrap();
    assert_eq!(update(&tenant, &moved, &agent(1)).await, Err(WriteError::Taken));
    let versions: i64 = world
        .database()
        .with(|db| db.query_row("SELECT count(*) FROM agent_versions", [], |row| row.get(0)).unwrap());
    assert_eq!(versions, 2, "one of each agent");
}

#[tokio::test]
async fn an_agent_is_changed_only_as_it_was_read() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    let read = agent(1);
    insert(&tenant, &read).await.unwrap();
    let capped = Agent { budget: None, updated_at: NOON.plus(1), ..read.clone() };
    let capped = Agent {
        definition: Definition { access: Access::Key, ..capped.definition.clone() },
        version: 2,
        ..capped
    };
    update(&tenant, &capped, &read).await.unwrap();
    let late = Agent { version: 2, updated_at: NOON.plus(1), ..read.clone() };
    assert_eq!(update(&tenant, &late, &read).await, Err(WriteError::Moved));
    let same_version = Agent { updated_at: NOON.plus(2), ..capped.clone() };
    update(&tenant, &same_version, &capped).await.unwrap();
    assert_eq!(update(&tenant, &same_version, &capped).await, Err(WriteError::Moved));
    assert_eq!(tenant.agent(&AgentRef::Id(read.id)).await.unwrap(), Some(same_version.clone()));
    archive(&tenant, &same_version).await.unwrap();
    let after = Agent { updated_at: NOON.plus(3), ..same_version.clone() };
    assert_eq!(update(&tenant, &after, &same_version).await, Err(WriteError::Moved));
}

#[tokio::test]
async fn an_archived_agent_is_known_by_id_alone() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    let agent = agent(1);
    insert(&tenant, &agent).await.unwrap();
    let (by_id, by_slug) = (AgentRef::Id(agent.id), AgentRef::Slug(agent.slug.clone()));
    assert_eq!(tenant.agent_ever(&by_slug).await.unwrap(), Some(agent.id));
    archive(&tenant, &agent).await.unwrap();
    assert_eq!(archive(&tenant, &agent).await, Err(WriteError::Moved));
    assert_eq!(tenant.agent_ever(&by_slug).await.unwrap(), None);
    assert_eq!(tenant.agent_ever(&by_id).await.unwrap(), Some(agent.id));
    for name in [&by_id, &by_slug] {
        assert_eq!(tenant.agent(name).await.unwrap(), None);
        assert_eq!(tenant.agents_named(std::slice::from_ref(name)).await.unwrap(), []);
    }
    assert!(tenant.find_agents(&AgentFilter::default(), 10, None).await.unwrap().agents.is_empty());
}

#[tokio::test]
async fn pages_of_agents_neither_repeat_nor_skip_those_of_one_moment() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    for n in 0..7 {
        let created_at = NOON.plus(i64::from(n / 3));
        insert(&tenant, &Agent { created_at, updated_at: created_at, ..agent(n) }).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = tenant.find_agents(&AgentFilter::default(), 2, after).await.unwrap().agents;
        let Some(last) = page.last() else { break };
        after = Some(AgentPosition { created_at: last.created_at, id: last.id });
        seen.extend(page.iter().map(|agent| agent.slug.to_string()));
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1, 0].map(|n| format!("agent-{n}")));
}

#[tokio::test]
async fn a_call_is_resolved_with_what_belongs_to_its_account() {
    let world = world();
    let (id, tenant) = account(&world, 1).await;
    let (other, others) = account(&world, 2).await;
    let mut digests = Vec::new();
    for (account, tenant, n) in [(id, &tenant, 1), (other, &others, 2)] {
        insert(tenant, &Agent { slug: Slug::parse("same").unwrap(), ..agent(n) }).await.unwrap();
        let (key, digest) = key(account, n);
        tenant.insert_key(&key, &digest, &change(key.id, NOON)).await.unwrap();
        let alias = Alias { name: format!("a{n}"), line: "openai:x".into(), updated_at: NOON };
        tenant.put_alias(&alias, None, 100, &change("a", NOON)).await.unwrap();
        tenant.put_provider(&provider(&format!("p{n}")), None, 100, &change("a", NOON)).await.unwrap();
        digests.push(digest);
    }
    let named = newest(AgentRef::parse("same").unwrap());
    let by = |n: usize| Some(KeyRef::Digest(digests[n]));
    let found = tenant.resolve(by(0).as_ref(), &named).await.unwrap().unwrap();
    assert_eq!((found.account.id, found.key.unwrap().account), (id, id));
    assert_eq!(called(found.agent).id, agent(1).id);
    assert_eq!(found.providers, [provider("p1")]);
    assert_eq!(found.aliases.iter().map(|alias| alias.name.as_str()).collect::<Vec<_>>(), ["a1"]);
    let theirs = newest(AgentRef::Id(agent(2).id));
    let foreign = tenant.resolve(by(1).as_ref(), &theirs).await.unwrap().unwrap();
    assert_eq!((foreign.key, foreign.agent), (None, Called::Nobody));
    let anonymous = tenant.resolve(None, &named).await.unwrap().unwrap();
    assert!(anonymous.key.is_none());
    assert_eq!(called(anonymous.agent).id, agent(1).id);
    let nobody = world.directory().tenant(AccountId::new(NOON, [9; 10]));
    assert!(nobody.resolve(None, &named).await.unwrap().is_none());
}

#[tokio::test]
async fn a_run_is_resolved_by_the_ids_of_its_key_and_agent_and_a_number() {
    let world = world();
    let (id, tenant) = account(&world, 1).await;
    let (other, others) = account(&world, 2).await;
    let (own_key, digest) = key(id, 1);
    tenant.insert_key(&own_key, &digest, &change(own_key.id, NOON)).await.unwrap();
    let (their_key, digest) = key(other, 2);
    others.insert_key(&their_key, &digest, &change(their_key.id, NOON)).await.unwrap();
    let first = agent(1);
    insert(&tenant, &first).await.unwrap();
    let definition = Definition { instructions: "Second.".into(), ..first.definition.clone() };
    let second = Agent { definition, version: 2, updated_at: NOON.plus(1), ..first.clone() };
    update(&tenant, &second, &first).await.unwrap();
    for name in [AgentRef::Id(first.id), AgentRef::Slug(first.slug.clone())] {
        let at = |version| Target { agent: name.clone(), version };
        let resolve = async |target: Target| {
            tenant.resolve(Some(&KeyRef::Id(own_key.id)), &target).await.unwrap().unwrap()
        };
        let found = resolve(at(AgentVersion::Number(1))).await;
        assert_eq!(found.key.as_ref(), Some(&own_key));
        let pinned = Agent { version: 1, definition: first.definition.clone(), ..second.clone() };
        assert_eq!(called(found.agent), pinned, "all but the definition is of the row");
        for newest in [AgentVersion::Number(2), AgentVersion::Newest] {
            assert_eq!(called(resolve(at(newest)).await.agent), second);
        }
        assert_eq!(resolve(at(AgentVersion::Number(3))).await.agent, Called::NoVersion);
        let foreign = others.resolve(Some(&KeyRef::Id(own_key.id)), &at(AgentVersion::Number(1))).await;
        let foreign = foreign.unwrap().unwrap();
        assert_eq!((foreign.key, foreign.agent), (None, Called::Nobody));
    }
}

const fn newest(agent: AgentRef) -> Target {
    Target { agent, version: AgentVersion::Newest }
}

fn called(found: Called) -> Agent {
    let Called::Agent(agent) = found else { panic!("{found:?}") };
    *agent
}

fn provider(name: &str) -> Provider {
    let sealed = Sealed { nonce: "bm9uY2U=".into(), ciphertext: "Y2lwaGVy".into() };
    Provider {
        name: ProviderName::parse(name).unwrap(),
        wire: Wire::Anthropic,
        base_url: Some("https://llm.example.com".into()),
        key: Some(SealedKey { sealed, last4: "wxyz".into() }),
        dialect: serde_json::from_str(
            r#"{"system": "one", "models": [{"model": "a*", "dialect": {"stop": false}}]}"#,
        )
        .unwrap(),
        created_at: NOON,
        updated_at: NOON,
    }
}

#[tokio::test]
async fn a_provider_is_replaced_but_for_its_beginning() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    tenant.put_provider(&provider("mine"), None, 100, &change("a", NOON)).await.unwrap();
    let bare = Provider { wire: Wire::OpenAi, base_url: None, key: None, ..provider("mine") };
    let later = Provider { created_at: NOON.plus(9), updated_at: NOON.plus(9), ..bare };
    tenant.put_provider(&later, Some(NOON), 100, &change("a", NOON)).await.unwrap();
    let stored = tenant.provider("mine").await.unwrap().unwrap();
    assert_eq!(stored, Provider { created_at: NOON, ..later.clone() });
    let past = Provider { created_at: Millis(0), updated_at: Millis(0), ..later };
    tenant.put_provider(&past, Some(NOON.plus(9)), 100, &change("a", NOON)).await.unwrap();
    assert_eq!(tenant.provider("mine").await.unwrap().unwrap().updated_at, NOON, "a clock that went back");
    tenant.delete_provider("mine", NOON, &change("a", NOON)).await.unwrap();
    assert_eq!(tenant.delete_provider("mine", NOON, &change("a", NOON)).await, Err(WriteError::Moved));
    assert_eq!(logged(&tenant).await, 5, "the account and four writes");
}

#[tokio::test]
async fn a_write_over_what_was_not_read_leaves_neither_row_nor_line() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    let (of_alias, of_model) = (alias("openai:x", NOON), model("a", 1));
    tenant.put_alias(&of_alias, None, 100, &change("a", NOON)).await.unwrap();
    tenant.put_provider(&provider("mine"), None, 100, &change("a", NOON)).await.unwrap();
    tenant.put_model(&of_model, NOON, None, &change("a", NOON)).await.unwrap();
    for read in [None, Some(NOON.plus(1)), Some(Millis(0))] {
        let late = alias("openai:late", NOON.plus(2));
        let late_provider = Provider { wire: Wire::OpenAi, ..provider("mine") };
        let writes = [
            tenant.put_alias(&late, read, 100, &change("a", NOON)).await,
            tenant.put_provider(&late_provider, read, 100, &change("a", NOON)).await,
            tenant.put_model(&model("a", 2), NOON.plus(2), read, &change("a", NOON)).await,
            tenant.delete_alias("a", read.unwrap_or_default(), &change("a", NOON)).await,
            tenant.delete_provider("mine", read.unwrap_or_default(), &change("a", NOON)).await,
            tenant.delete_model("openai", "a", read.unwrap_or_default(), &change("a", NOON)).await,
        ];
        assert!(writes.iter().all(|write| *write == Err(WriteError::Moved)), "{read:?} {writes:?}");
    }
    // Nor does one come back that was deleted meanwhile.
    let gone = alias("openai:x", NOON);
    let gone = Alias { name: "gone".into(), ..gone };
    assert_eq!(tenant.put_alias(&gone, Some(NOON), 100, &change("a", NOON)).await, Err(WriteError::Moved));
    assert_eq!(tenant.aliases().await.unwrap(), [of_alias]);
    assert_eq!(tenant.providers().await.unwrap(), [provider("mine")]);
    assert_eq!(tenant.model("openai", "a").await.unwrap(), Some((of_model, Some(NOON))));
    assert_eq!(logged(&tenant).await, 4, "the account and three writes");
}

fn alias(line: &str, updated_at: Millis) -> Alias {
    Alias { name: "a".into(), line: line.into(), updated_at }
}

#[tokio::test]
async fn models_are_found_by_pairs_the_accounts_own_first_where_its_own_provider_answers() {
    let world = world();
    let (_, tenant) = account(&world, 1).await;
    let (_, other) = account(&world, 2).await;
    let sql =
        "INSERT INTO catalogue (provider, code, input_price, output_price, context_tokens, max_output_tokens,
        capabilities, priced_on) VALUES ('openai', ?1, 1, 1, 1, 1, '[]', '2026-11-20')";
    world.database().with(|db| ["a", "b"].map(|code| db.execute(sql, [code]).unwrap()));
    let own = model("a", 42);
    tenant.put_model(&own, NOON, None, &change("a", NOON)).await.unwrap();
    tenant.put_model(&model("c", 7), NOON, None, &change("a", NOON)).await.unwrap();
    other.put_model(&model("d", 8), NOON, None, &change("a", NOON)).await.unwrap();
    assert_eq!(tenant.model("openai", "a").await.unwrap(), Some((own.clone(), Some(NOON))));
    let offered = tenant.model("openai", "b").await.unwrap();
    assert!(matches!(offered, Some((_, None))), "the platform's: {offered:?}");
    let pairs = ["a", "b", "c", "d", "x'\"]"].map(|code| ("openai".to_owned(), code.to_owned()));
    let of_platform = tenant.models_of(&pairs).await.unwrap();
    assert_eq!(of_platform.iter().map(|m| m.price.base.input).collect::<Vec<_>>(), [1, 1], "a and b");
    let bound = Provider { wire: Wire::WorkersAi, base_url: None, key: None, ..provider("openai") };
    tenant.put_provider(&bound, None, 100, &change("openai", NOON)).await.unwrap();
    assert_eq!(tenant.models_of(&pairs).await.unwrap(), of_platform, "the binding is the platform's");
    tenant.put_provider(&provider("openai"), Some(NOON), 100, &change("openai", NOON)).await.unwrap();
    let mut found = tenant.models_of(&pairs).await.unwrap();
    found.sort_by(|a, b| a.code.cmp(&b.code));
    let codes: Vec<(&str, u64)> = found.iter().map(|m| (m.code.as_str(), m.price.base.input)).collect();
    assert_eq!(codes, [("a", 42), ("b", 1), ("c", 7)]);
    assert_eq!(found[0], own, "to the last digit");
    assert!(tenant.models_of(&[]).await.unwrap().is_empty());
    tenant.put_model(&model("a", 43), NOON.plus(1), Some(NOON), &change("a", NOON)).await.unwrap();
    assert_eq!(tenant.models_of(&pairs[..1]).await.unwrap()[0].price.base.input, 43);
    tenant.delete_model("openai", "a", NOON.plus(1), &change("a", NOON)).await.unwrap();
    let refused = tenant.delete_model("openai", "b", NOON, &change("a", NOON)).await;
    assert_eq!(refused, Err(WriteError::Moved), "the platform's is not the account's to delete");
    assert_eq!(tenant.models_of(&pairs[..2]).await.unwrap().len(), 2);
}

#[test]
fn statements_of_the_platform_touch_no_tenants_rows() {
    for query in queries().filter(|query| OF_THE_PLATFORM.contains(&query.name)) {
        for table in TENANT_TABLES {
            let words: Vec<&str> = query.sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            assert!(!words.contains(&table), "{}: {table}", query.name);
        }
    }
}

/// `UPDATE … FROM json_each` goes through all agents of the account for each that is written.
#[test]
fn agents_are_written_by_their_keys_alone() {
    let db = schema::migrated();
    for query in queries().filter(|query| query.name.ends_with("_AGENTS")) {
        let steps = plan(&db, query);
        let whole = steps.iter().any(|step| step.ends_with("(account_id=?)"));
        assert!(!whole, "{}: {steps:?}", query.name);
    }
}

/// What goes through all that an account has of something: a list of at most a hundred that has no pages, or of flags; a lower plan's
/// fitting, which looks for the newest; lines and agents that name what is about to be deleted; and what foreign keys would be checked by, were the row an update.
fn goes_through_all(query: &str) -> bool {
    [
        "ALIASES",
        "PROVIDERS",
        "FLAGS_OF_ACCOUNT",
        "INSERT_ACCOUNT",
        "NAMED_IN_LINES",
        "NAMING_WEBHOOK",
        "KEEP_DAYS",
    ]
    .contains(&query)
        || query.ends_with("_OFF")
        || query.ends_with("_ON")
}

#[test]
fn what_an_account_may_have_many_of_is_looked_up_by_more_than_the_account() {
    let db = schema::migrated();
    for query in queries().filter(|query| !goes_through_all(query.name)) {
        let steps = plan(&db, query);
        let whole = |step: &String| step.ends_with("(account_id=?)") && !step.contains(" account_counts ");
        assert!(!steps.iter().any(whole), "{}: {steps:?}", query.name);
    }
}
