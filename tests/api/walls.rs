//! Who may do what, over every endpoint, and that no account reaches another's rows.

use axum::http::Method;
use retinue::ports::World;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Reply, Tenant};

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Operator,
    /// The operator, or an admin of the account.
    KeyKeeper,
    Admin,
    Member,
    /// Any key that acts for a member.
    Holder,
    /// The operator, or an admin of an account.
    Offerer,
    /// The operator, or a member of an account.
    Chooser,
}

/// A request that succeeds in a furnished account.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub method: Method,
    /// As the document writes it.
    pub template: &'static str,
    pub path: String,
    pub body: Option<Value>,
    pub who: Who,
}

impl Endpoint {
    pub async fn send(&self, api: &Api, key: &str) -> Reply {
        let call = api.request(self.method.clone(), &self.path).key(key);
        match &self.body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        }
    }

    pub const fn key<'a>(&self, tenant: &'a Tenant) -> &'a str {
        match self.who {
            Who::Operator => OPERATOR,
            Who::KeyKeeper | Who::Admin | Who::Offerer => tenant.admin.as_str(),
            Who::Member | Who::Holder | Who::Chooser => tenant.member.as_str(),
        }
    }
}

/// Names that are made up by the platform.
#[derive(Clone, Debug)]
pub struct Ids {
    pub key: String,
    pub member: String,
    pub delivery: String,
}

impl Ids {
    /// Of nothing there is.
    pub fn nobodys() -> Self {
        Self { key: "k".to_owned(), member: "m".to_owned(), delivery: "d".to_owned() }
    }
}

/// An account that has one of everything; its member key acts for a member.
pub async fn furnish(api: &Api, slug: &str) -> (Tenant, Ids) {
    let mut tenant = api.tenant(slug).await;
    let member = json!({"name": "Ada", "email": "ada@example.com", "role": "admin"});
    let member = api.post("/api/v1/members").key(&tenant.admin).json(&member).send().await.created();
    let member = member["id"].as_str().unwrap().to_owned();
    tenant.member = api.issue(slug, &json!({"name": "own", "role": "member", "member": member})).await;
    let budget = json!({"limit_usd": 1, "period": "day"});
    api.agent(&tenant, &json!({"slug": "triage", "budget": budget})).await;
    for endpoint in endpoints(slug, &Ids::nobodys()) {
        // The agent stays another than what its own PUT makes of it.
        if endpoint.method == Method::PUT && !names_what_is_there(&endpoint) {
            let key = endpoint.key(&tenant).to_owned();
            other(endpoint).send(api, &key).await.ok();
        }
    }
    let delivery = tried(api, &tenant).await;
    let spare = json!({"name": "spare", "role": "caller"});
    let path = format!("/api/v1/accounts/{slug}/keys");
    let spare = api.post(&path).key(OPERATOR).json(&spare).send().await.created();
    let key = spare["id"].as_str().unwrap().to_owned();
    (tenant, Ids { key, member, delivery })
}

/// A message to the account's webhook, once its receiver has it.
async fn tried(api: &Api, tenant: &Tenant) -> String {
    api.world.upstream().always("hooks.example.com", 204);
    let sent = api.post("/api/v1/webhooks/mine/test").key(&tenant.admin).send().await;
    let id = sent.json()["id"].as_str().unwrap().to_owned();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let list = api.get("/api/v1/webhooks/mine/deliveries").key(&tenant.admin).send().await.ok();
        if list["data"][0]["status"] == "sent" {
            return id;
        }
        assert!(std::time::Instant::now() < deadline, "{list}");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Whether its PUT changes something, and makes nothing.
fn names_what_is_there(endpoint: &Endpoint) -> bool {
    ["agents", "members"].iter().any(|word| endpoint.path.contains(word))
}

/// The endpoint with another body, so that its own is a change.
fn other(mut endpoint: Endpoint) -> Endpoint {
    let others = [
        ("model", json!("openai:y")),
        ("api_key", json!("k-12349999")),
        ("context_tokens", json!(10)),
        ("url", json!("https://hooks.example.com/other")),
    ];
    for (field, value) in others {
        if let Some(known) = endpoint.body.as_mut().and_then(|body| body.get_mut(field)) {
            *known = value;
        }
    }
    endpoint
}

/// Every endpoint of the control plane.
pub fn endpoints(account: &str, ids: &Ids) -> Vec<Endpoint> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let agent = json!({"name": "Another", "instructions": "Do.", "model": "openai:gpt-4.1-mini"});
    let rows = [
        (post.clone(), "/api/v1/accounts", Some(json!({"slug": "brand-new", "name": "New"})), Who::Operator),
        (
            post.clone(),
            "/api/v1/accounts/{account}/keys",
            Some(json!({"name": "k", "role": "caller"})),
            Who::KeyKeeper,
        ),
        (get.clone(), "/api/v1/accounts/{account}/keys", None, Who::KeyKeeper),
        (delete.clone(), "/api/v1/accounts/{account}/keys/{key}", None, Who::KeyKeeper),
        (get.clone(), "/api/v1/changes", None, Who::Member),
        (
            Method::PATCH,
            "/api/v1/accounts/{account}",
            Some(json!({"status": "active", "plan": "professional"})),
            Who::Operator,
        ),
        (get.clone(), "/api/v1/account", None, Who::Member),
        (Method::PATCH, "/api/v1/account", Some(json!({"variables": {"company": "Acme"}})), Who::Admin),
        (get.clone(), "/api/v1/profile", None, Who::Holder),
        (
            put.clone(),
            "/api/v1/profile",
            Some(json!({"settings": {"agent_prompts": {"triage": "Be brief."}}})),
            Who::Holder,
        ),
        (get.clone(), "/api/v1/agents/export", None, Who::Admin),
        (post.clone(), "/api/v1/agents/import", Some(json!([])), Who::Admin),
        (post.clone(), "/api/v1/agents", Some(agent.clone()), Who::Admin),
        (
            post.clone(),
            "/api/v1/agents/validate",
            Some(json!({"slug": "free", "name": "Free",
            "instructions": "Do.", "model": "openai:gpt-4.1-mini"})),
            Who::Admin,
        ),
        (get.clone(), "/api/v1/agents", None, Who::Holder),
        (get.clone(), "/api/v1/agents/{agent}", None, Who::Member),
        (put.clone(), "/api/v1/agents/{agent}", Some(agent), Who::Admin),
        (Method::PATCH, "/api/v1/agents/{agent}", Some(json!({"labels": ["new"]})), Who::Admin),
        (get.clone(), "/api/v1/agents/{agent}/versions", None, Who::Member),
        (get.clone(), "/api/v1/agents/{agent}/versions/{version}", None, Who::Member),
        (post.clone(), "/api/v1/agents/{agent}/rollback", Some(json!({"version": 1})), Who::Admin),
        (post.clone(), "/api/v1/agents/{agent}/duplicate", None, Who::Admin),
        (post.clone(), "/api/v1/agents/{agent}/status", Some(json!({"status": "inactive"})), Who::Admin),
        (post, "/api/v1/agents/{agent}/restore", None, Who::Admin),
        (get.clone(), "/api/v1/agents/{agent}/budget", None, Who::Member),
        (put, "/api/v1/agents/{agent}/budget", Some(json!({"limit_usd": 2, "period": "day"})), Who::Admin),
        (get, "/api/v1/agents/{agent}/calls", None, Who::Member),
        (delete, "/api/v1/agents/{agent}", None, Who::Admin),
    ];
    let names = [
        ("account", account),
        ("key", ids.key.as_str()),
        ("member", &ids.member),
        ("delivery", &ids.delivery),
        ("name", "mine"),
        ("provider", "mine"),
        ("code", "a/b"),
        ("agent", "triage"),
        ("template", "mine"),
        ("version", "1"),
    ];
    let endpoint = |(method, template, body, who): (Method, &'static str, Option<Value>, Who)| {
        let path = names
            .iter()
            .fold(template.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        Endpoint { method, template, path, body, who }
    };
    rows.into_iter().chain(of_kinds()).map(endpoint).collect()
}

/// Every endpoint of the declared kinds.
fn of_kinds() -> Vec<(Method, &'static str, Option<Value>, Who)> {
    let model = json!({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2, "context_tokens": 9, "max_output_tokens": 9,
        "capabilities": []});
    let provider = json!({"base_url": "https://example.com", "api_key": "k-12345678"});
    let alias = json!({"model": "openai:x"});
    let member = json!({"name": "Bob", "email": "bob@example.com", "role": "member"});
    let webhook = json!({"url": "https://hooks.example.com/in"});
    let kinds = [
        ("/api/v1/providers", "/{name}", provider, Who::Member, Who::Admin),
        ("/api/v1/models", "/{provider}/{code}", model, Who::Member, Who::Admin),
        ("/api/v1/aliases", "/{name}", alias.clone(), Who::Member, Who::Admin),
        ("/api/v1/model-aliases", "/{name}", alias, Who::Member, Who::Admin),
        ("/api/v1/templates", "/{template}", json!({"definition": {}}), Who::Chooser, Who::Offerer),
        ("/api/v1/webhooks", "/{name}", webhook, Who::Member, Who::Admin),
        ("/api/v1/members", "/{member}", member, Who::Admin, Who::Admin),
    ];
    let mut rows = Vec::new();
    for (all, one, body, reads, writes) in kinds {
        let one: &'static str = format!("{all}{one}").leak();
        rows.push((Method::GET, all, None, reads));
        if all.ends_with("members") {
            rows.push((Method::POST, all, Some(body), writes));
            let ada = json!({"name": "Ada", "email": "ada@example.com", "role": "admin"});
            rows.push((Method::PUT, one, Some(ada), writes));
        } else {
            rows.push((Method::PUT, one, Some(body), writes));
        }
        rows.push((Method::GET, one, None, reads));
        rows.push((Method::PATCH, one, Some(json!({})), writes));
        if all.ends_with("webhooks") {
            rows.extend(of_webhooks());
        }
        rows.push((Method::DELETE, one, None, writes));
    }
    rows
}

/// What there is of a webhook besides.
fn of_webhooks() -> [(Method, &'static str, Option<Value>, Who); 4] {
    let (get, post) = (Method::GET, Method::POST);
    [
        (get, "/api/v1/webhooks/{name}/deliveries", None, Who::Member),
        (post.clone(), "/api/v1/webhooks/{name}/deliveries/{delivery}/resend", None, Who::Admin),
        (post.clone(), "/api/v1/webhooks/{name}/test", None, Who::Admin),
        (post, "/api/v1/webhooks/{name}/rotate", None, Who::Admin),
    ]
}

#[tokio::test]
async fn every_endpoint_serves_who_may_and_nobody_else() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    for endpoint in endpoints("acme", &ids) {
        let keys = [
            ("operator", OPERATOR, !matches!(endpoint.who, Who::Admin | Who::Member | Who::Holder)),
            ("caller", &acme.caller, endpoint.who == Who::Holder),
            ("member", &acme.member, matches!(endpoint.who, Who::Member | Who::Holder | Who::Chooser)),
            ("admin", &acme.admin, endpoint.who != Who::Operator),
        ];
        let refused = keys.iter().filter(|(.., may)| !may);
        for (name, key, _) in refused {
            let problem = endpoint.send(&api, key).await.problem();
            assert_eq!(problem, (403, "forbidden".to_owned()), "{name} {endpoint:?}");
        }
        let nobody = api.request(endpoint.method.clone(), &endpoint.path).send().await;
        assert_eq!(nobody.problem(), (401, "unauthenticated".to_owned()), "{endpoint:?}");
        let served = endpoint.send(&api, endpoint.key(&acme)).await;
        assert!(served.status.is_success(), "{endpoint:?} {served:?}");
    }
}

#[tokio::test]
async fn what_acts_on_an_account_answers_alike_under_the_accounts_own_path() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    let mut tried = 0;
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.method == Method::GET) {
        let own = endpoint.send(&api, endpoint.key(&acme)).await;
        let rest = endpoint.path.strip_prefix("/api/v1/").unwrap();
        let rest = rest.strip_prefix("accounts/acme/").unwrap_or(rest);
        for account in ["acme", &acme.id.to_string()] {
            let path = if rest == "account" {
                format!("/accounts/{account}")
            } else {
                format!("/accounts/{account}/{rest}")
            };
            let reply = api.get(&path).key(endpoint.key(&acme)).send().await;
            assert_eq!((reply.status, &reply.body), (own.status, &own.body), "{path}");
            tried += 1;
        }
    }
    assert!(tried > 30);
    let alias = json!({"model": "openai:gpt-4.1-mini"});
    let theirs = api.tenant("eve").await;
    let put = api.put("/accounts/eve/aliases/quick").key(&acme.admin).json(&alias).send().await;
    assert_eq!(put.problem(), (404, "not_found".to_owned()));
    api.put("/accounts/eve/aliases/quick").key(&theirs.admin).json(&alias).send().await.ok();
    let model = json!({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2, "context_tokens": 9, "max_output_tokens": 9,
        "capabilities": []});
    api.put("/accounts/eve/models/own/a/b/c").key(&theirs.admin).json(&model).send().await.ok();
    api.delete("/api/v1/models/own/a/b/c").key(&theirs.admin).send().await.no_content();
}

#[tokio::test]
async fn the_right_to_a_thing_is_checked_before_the_body_is_read() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.body.is_some()) {
        let call = || api.request(endpoint.method.clone(), &endpoint.path);
        assert_eq!(call().bytes("{").send().await.problem().0, 401, "{endpoint:?}");
        if matches!(endpoint.who, Who::Admin | Who::Offerer) {
            assert_eq!(call().key(&acme.member).bytes("{").send().await.problem().0, 403, "{endpoint:?}");
        }
    }
}

#[tokio::test]
async fn no_account_reaches_anothers_rows() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    let agent = api.get("/api/v1/agents/triage").key(&acme.member).send().await.ok();
    let before = api.world.database().with(dump);
    let eve = api.tenant("eve").await;
    for endpoint in endpoints("acme", &ids) {
        let mut by_id = endpoint.clone();
        by_id.path = endpoint.path.replace("triage", agent["id"].as_str().unwrap());
        by_id.path = by_id.path.replace("acme", &acme.id.to_string());
        for mut endpoint in [endpoint, by_id] {
            if endpoint.method == Method::PUT && !names_what_is_there(&endpoint) {
                // Eve's own would be made.
                continue;
            }
            if let Some(body) = &mut endpoint.body
                && endpoint.path == "/api/v1/accounts"
            {
                body["slug"] = json!("acme");
            }
            let reply = endpoint.send(&api, &eve.admin).await;
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            for secret in
                [acme.id.to_string().as_str(), agent["id"].as_str().unwrap(), "Sort the mail", "k-12"]
            {
                assert!(!text.contains(secret) || endpoint.path.contains(secret), "{endpoint:?} {text}");
            }
            if endpoint.who == Who::Operator {
                assert_eq!(reply.problem(), (403, "forbidden".to_owned()), "{endpoint:?}");
            } else if endpoint.template.contains('{') {
                assert_eq!(reply.problem(), (404, "not_found".to_owned()), "{endpoint:?}");
            }
        }
    }
    let after = api.world.database().with(dump);
    let of_acme = |rows: &[String]| -> Vec<String> {
        rows.iter().filter(|row| row.contains(&acme.id.to_string())).cloned().collect()
    };
    assert_eq!(of_acme(&before), of_acme(&after));
}

/// Every row of every table, as text.
pub fn dump(db: &rusqlite::Connection) -> Vec<String> {
    let mut all = Vec::new();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let mut tables = db.prepare(tables).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for table in tables {
        let mut rows = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<String> = (0..columns).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
            let text: Vec<u8> = cells.join("|").into_bytes();
            all.push(format!("{table} {}", readable(row, columns, &text)));
        }
    }
    all.sort();
    all
}

fn readable(row: &rusqlite::Row<'_>, columns: usize, debug: &[u8]) -> String {
    let texts = (0..columns).filter_map(|i| row.get::<_, String>(i).ok());
    format!("{} {}", texts.collect::<Vec<_>>().join("|"), String::from_utf8_lossy(debug))
}
