//! The matrix: every operation of the OpenAPI document with every kind of key, and whether each is served or refused as the
//! document says (`x-role`). Made of the document, so that an operation that is added is tried without a word here.

use axum::body::Body;
use axum::http::Method;
use retinue::domain::scope::{Scope, Scopes};
use retinue::http::document;
use retinue::ports::{Settings, World};
use serde_json::{Map, Value, json};

use crate::document::{FILES, conforms, operations};
use crate::sample;
use crate::support::{Api, FakeWorld, OPERATOR, Reply, Script, Tenant, Turn, settings};

/// A key that was never one.
const MALFORMED: &str = "nonsense";

/// The document as the handlers make it, whatever the file says.
pub fn made() -> Value {
    serde_json::to_value(document::document::<FakeWorld>()).unwrap()
}

/// An operation, and how it is asked for in a furnished account.
#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub template: String,
    pub role: String,
    /// What a key with scopes of its own must have.
    scope: Option<Scope>,
    pub spec: Value,
}

pub fn all(document: &Value) -> Vec<Operation> {
    let operation = |(method, template, spec): (String, String, Value)| Operation {
        id: spec["operationId"].as_str().unwrap().to_owned(),
        method: method.parse().unwrap(),
        role: spec["x-role"].as_str().unwrap().to_owned(),
        scope: spec["security"][0]["key"][0].as_str().map(|name| Scope::parse(name).unwrap()),
        template,
        spec,
    };
    let answered = |(_, path, _): &(String, String, Value)| !FILES.contains(&path.as_str());
    operations(document).into_iter().filter(answered).map(operation).collect()
}

/// Two accounts: the first has one of everything, the second an agent of the same slug.
pub struct Stage {
    pub api: Api,
    document: Value,
    pub acme: Tenant,
    eve: Tenant,
    /// What paths name.
    pub names: Map<String, Value>,
    /// The agent's id.
    agent: Value,
    /// What nobody else may see.
    secrets: Vec<String>,
    /// The thread that every call is on.
    pub on_thread: Option<String>,
}

/// What is tried: an API and the document of it.
#[derive(Clone, Copy)]
pub struct Subject {
    pub api: fn(Settings) -> Api,
    pub document: fn() -> Value,
}

impl Stage {
    pub async fn new(subject: Subject) -> Self {
        let api = (subject.api)(Settings { default_account: Some("acme".to_owned()), ..settings() });
        let document = (subject.document)();
        api.world.offer("openai", None, Some("sk-0123456789abcdef"));
        let sql = "INSERT INTO catalogue (provider, code, input_price, output_price, context_tokens, max_output_tokens,
            capabilities, priced_on)
            VALUES ('openai', 'gpt-4.1-mini', 1, 1, 100000, 1000, '[\"streaming\",\"tools\"]', '2026-11-20'),
                ('openai', 'text-embedding-3-small', 1, 0, 8000, 1, '[\"embeddings\"]', '2026-11-20')";
        api.world.database().with(|db| db.execute(sql, []).unwrap());
        let acme = api.tenant("acme").await;
        let eve = api.tenant("eve").await;
        let agent = json!({"slug": "triage", "instructions": "Sort the mail of Acme.", "model": "openai:gpt-4.1-mini",
            "embeddings": "openai:text-embedding-3-small", "budget": {"limit_usd": 1, "period": "day"}});
        api.agent(&eve, &json!({"slug": "triage"})).await;
        let agent = api.agent(&acme, &agent).await;
        let spare = api.post("/api/v1/accounts/acme/keys").key(OPERATOR);
        let spare = spare.json(&json!({"name": "spare", "role": "caller"})).send().await.created();
        let names = json!({"account": "acme", "agent": "triage", "key": spare["id"], "name": "mine", "provider": "mine",
            "code": "a/b", "template": "mine", "version": "1", "model": "triage",
            "delivery": "msg_none", "user": "ada", "erasure": "none", "flag": "batched_admissions", "object": format!("{}:account", acme.id)});
        let secrets = [&acme.id.to_string(), agent["id"].as_str().unwrap(), "mail of Acme", "k-secret-12"];
        let secrets = secrets.map(str::to_owned).to_vec();
        let names = names.as_object().unwrap().clone();
        let mut stage =
            Self { api, document, acme, eve, names, agent: agent["id"].clone(), secrets, on_thread: None };
        stage.furnish().await;
        stage
    }

    /// A second version of the agent, a member whose key the member's is, and whatever is made by PUT of its name.
    async fn furnish(&mut self) {
        self.api.world.upstream().always("hooks.example.com", 204);
        let described = json!({"description": "Second."});
        self.api
            .request(Method::PATCH, "/api/v1/agents/triage")
            .key(&self.acme.admin)
            .json(&described)
            .send()
            .await
            .ok();
        if self.document["paths"].get("/api/v1/members").is_some() {
            let member = json!({"name": "Grace", "email": "grace@example.com", "role": "admin"});
            let member =
                self.api.post("/api/v1/members").key(&self.acme.admin).json(&member).send().await.created();
            for (role, key) in [
                ("caller", &mut self.acme.caller),
                ("member", &mut self.acme.member),
                ("admin", &mut self.acme.admin),
            ] {
                *key = self
                    .api
                    .issue("acme", &json!({"name": "own", "role": role, "member": member["id"]}))
                    .await;
            }
            self.names.insert("member".to_owned(), member["id"].clone());
        }
        if self.document["paths"].get("/api/v1/memories").is_some() {
            let memory = json!({"text": "The mail of Acme comes at nine."});
            let made = self.api.post("/api/v1/memories").key(&self.acme.admin).json(&memory).send().await;
            self.names.insert("memory".to_owned(), made.created()["id"].clone());
        }
        for operation in all(&self.document) {
            let names_what_it_makes = operation.method == Method::PUT && operation.template.ends_with('}');
            let is_agents = operation.template.contains("{agent}") || operation.template.contains("{member}");
            if names_what_it_makes && !is_agents && operation.role != "operator" {
                self.ask(&operation, Some(&self.acme.admin)).await.ok();
            }
        }
    }

    /// What must be so before an operation can be served.
    async fn prepare(&mut self, operation: &Operation) {
        if is_of_thread(operation) {
            return self.prepare_threads(operation).await;
        }
        if operation.id.starts_with("restore_agent") {
            self.api.delete("/api/v1/agents/triage").key(&self.acme.admin).send().await.no_content();
        }
        if matches!(operation.id.as_str(), "delete_template" | "patch_template") {
            // The operator's is the platform's.
            let put =
                all(&self.document).into_iter().find(|operation| operation.id == "put_template").unwrap();
            self.ask(&put, Some(OPERATOR)).await.ok();
        }
        if operation.template.contains("{erasure}") {
            let asked = self.api.delete("/api/v1/users/ada").key(&self.acme.admin).send().await;
            self.names.insert("erasure".to_owned(), asked.json()["id"].clone());
        }
        if operation.id.starts_with("show_hold") || operation.id.starts_with("release_user") {
            self.api.put("/api/v1/users/ada/hold").key(&self.acme.admin).json(&json!({})).send().await.ok();
        }
        if operation.template.contains("/webhooks/{name}/") {
            let sent = self.api.post("/api/v1/webhooks/mine/test").key(&self.acme.admin).send().await;
            self.names.insert("delivery".to_owned(), sent.json()["id"].clone());
        }
        if operation.role == "caller" {
            let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
            let choice =
                |member: &str| json!({"index": 0, "finish_reason": "stop", member: {"content": "Hello"}});
            let whole = json!({"model": "m", "choices": [choice("message")], "usage": usage}).to_string();
            let piece = json!({"model": "m", "choices": [choice("delta")], "usage": usage});
            let pieces = format!("data: {piece}\n\ndata: [DONE]\n\n");
            let vectors = json!({"data": [{"index": 0, "embedding": [1]}], "usage": usage}).to_string();
            // What is kept is a run, which asks for a stream.
            let is_kept = operation.id.ends_with("respond");
            let is_whole = operation.spec["responses"]["200"]["content"]["application/json"].is_object();
            let reply = match is_whole && !is_kept {
                _ if operation.id.ends_with("embed") => vectors,
                true => whole,
                false => pieces,
            };
            for _ in 0..4 {
                self.api.world.upstream().then(Turn::Replies(Script::ok(reply.clone())));
            }
        }
    }

    /// A thread with a run that waits for its client; none where a run is to be started.
    pub async fn prepare_threads(&mut self, operation: &Operation) {
        let upstream = self.api.world.upstream();
        if operation.id.ends_with("start_run") {
            let chunk = json!({"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "delta": {"content": "Hello"}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
            for _ in 0..4 {
                upstream.then(Turn::Replies(Script::ok(format!("data: {chunk}\n\ndata: [DONE]\n\n"))));
            }
            self.names.insert("thread".to_owned(), "t".into());
            return;
        }
        let call = json!({"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}});
        let chunk = json!({"model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls", "delta": {"tool_calls": [call]}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
        upstream.then(Turn::Replies(Script::ok(format!("data: {chunk}\n\ndata: [DONE]\n\n"))));
        let run = json!({"message": "Look", "tools": [{"name": "look"}]});
        let run =
            self.api.post("/accounts/acme/agents/triage/threads/t/runs").key(&self.acme.caller).json(&run);
        let run = run.send().await.created();
        let call = run["waiting_on"][0]["call_id"].clone();
        let text = |name: &str| run[name].as_str().unwrap().replace('-', "");
        // The same, by OpenAI's names.
        let (response, conversation) =
            (format!("resp_{}", text("id")), format!("conv_{}", text("thread_id")));
        let mut item = format!("msg_{}-1", text("id"));
        if operation.id.ends_with("delete_conversation_item") {
            // The run is at work, and so are its items.
            let items = json!({"items": [{"role": "user", "content": "Besides"}]});
            let appended =
                self.api.post("/accounts/acme/agents/triage/threads/t/items").key(&self.acme.caller);
            let appended = appended.json(&items).send().await.created();
            item = format!("msg_{}", appended["items"][0]["id"].as_str().unwrap());
        }
        for (name, value) in [
            ("thread", "t".into()),
            ("run", run["id"].clone()),
            ("call", call),
            ("response", response.into()),
            ("conversation", conversation.into()),
            ("item", item.into()),
        ] {
            self.names.insert(name.to_owned(), value);
        }
    }

    fn path(&self, operation: &Operation, names: &Map<String, Value>) -> String {
        let mut path = String::new();
        for part in operation.template.split_inclusive('}') {
            let Some((before, name)) = part.trim_end_matches('}').split_once('{') else {
                path.push_str(part);
                continue;
            };
            let value = names.get(name).and_then(Value::as_str);
            let value = value.unwrap_or_else(|| {
                panic!("{}: `{{{name}}}` is new: add it to `names` in tests/api/matrix.rs, with what it names in a \
                    furnished account", operation.id)
            });
            path.push_str(before);
            path.push_str(value);
        }
        path + &self.query(operation)
    }

    /// What must be in the query.
    fn query(&self, operation: &Operation) -> String {
        let parameters = operation.spec["parameters"].as_array().into_iter().flatten();
        let required =
            parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let pair = |parameter: &Value| {
            let value = parameter.get("example").cloned();
            let value = value.unwrap_or_else(|| sample::of_schema(&parameter["schema"], &self.document));
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{}={value}", parameter["name"].as_str().unwrap())
        };
        let pairs: Vec<String> = required.map(pair).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    pub async fn ask(&self, operation: &Operation, key: Option<&str>) -> Reply {
        self.ask_of(operation, key, &self.names).await
    }

    async fn ask_of(&self, operation: &Operation, key: Option<&str>, names: &Map<String, Value>) -> Reply {
        let mut call = self.api.request(operation.method.clone(), &self.path(operation, names));
        if let Some(key) = key {
            call = call.key(key);
        }
        if operation.spec["responses"]["101"].is_object() {
            for (name, value) in [
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] {
                call = call.header(name, value);
            }
        }
        if let Some(thread) = &self.on_thread {
            call = call.header("x-thread", thread);
        }
        // As a list: a stream of a thread has no end.
        let answers = &operation.spec["responses"]["200"]["content"];
        if answers["text/event-stream"].is_object() && answers["application/json"].is_object() {
            call = call.header("accept", "application/json");
        }
        let Some((kind, mut body)) = sample::body(&operation.spec, &self.document) else {
            return call.send().await;
        };
        // The examples' own names are taken, and nothing has their template.
        if let Some(members) = body.as_object_mut() {
            if let Some(call) = members.get_mut("inputs").and_then(|inputs| inputs[0].get_mut("call_id")) {
                *call = names["call"].clone();
            }
            members.remove("template");
            if members.contains_key("slug") {
                members.insert("slug".to_owned(), "brand-new".into());
            }
            if operation.id.starts_with("put_provider") {
                members.insert("api_key".to_owned(), "k-secret-1234567".into());
            }
        }
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        call.header("content-type", &kind).raw(Body::from(text)).send().await
    }

    /// An answer is one that the document speaks of.
    pub fn check(&self, operation: &Operation, reply: &Reply, place: &str) {
        let status = reply.status.as_u16();
        let response = &operation.spec["responses"][reply.status.as_str()];
        assert!(response.is_object(), "{place}: answers {status}, which is not documented");
        let kind = reply.header("content-type");
        let schema = &response["content"][kind]["schema"];
        // Each face has its own errors.
        assert!(schema.is_object() || status < 400, "{place}: {status} is {kind}, which is not documented");
        if schema.is_object() && kind.ends_with("json") {
            assert_eq!(conforms(&reply.json(), schema, &self.document), Ok(()), "{place}");
        }
    }

    /// Every row of the first account, but what its objects are still to be told: that goes by itself.
    pub fn rows(&self) -> Vec<String> {
        let of_acme =
            |row: &String| row.contains(&self.acme.id.to_string()) && !row.starts_with("declaration_outbox ");
        self.api.world.database().with(crate::walls::dump).into_iter().filter(of_acme).collect()
    }
}

/// Whether a thread is to be there, with a run.
pub fn is_of_thread(operation: &Operation) -> bool {
    let names = ["/threads", "/runs", "{response}", "{conversation}"];
    names.iter().any(|name| operation.template.contains(name))
}

/// Whose keys there are, weakest first.
const KEYS: [&str; 7] = ["nobody", "malformed", "foreign", "caller", "member", "operator", "admin"];

/// What a role's operation does for a kind of key: the status it must answer, or `None` to be served.
fn refusal(operation: &Operation, key: &str) -> Option<u16> {
    let stands_in_an_account = operation.template.contains("{account}");
    match (operation.role.as_str(), key) {
        ("open", _) => None,
        // Keys are none: see the matrix of tokens.
        ("token", "nobody" | "malformed" | "operator") => Some(401),
        ("token", "foreign") => Some(404),
        ("token", _) => Some(403),
        ("visitor", "nobody") if stands_in_an_account => None,
        (_, "nobody" | "malformed") => Some(401),
        // Where agents are called, the operator's is no key; nor is a public agent's account told apart from none.
        ("caller", "operator") => Some(401),
        ("caller", "foreign") => Some(404),
        ("operator", "operator") | ("member-or-operator" | "admin-or-operator", "operator" | "admin") => None,
        ("operator", _) | ("self" | "visitor" | "member" | "admin", "operator") => Some(403),
        (_, "foreign") if stands_in_an_account => Some(404),
        ("caller" | "self" | "visitor", _) | (_, "foreign") => None,
        ("member" | "member-or-operator", "member" | "admin") | ("admin", "admin") => None,
        ("member" | "member-or-operator" | "admin" | "admin-or-operator", "caller" | "member") => Some(403),
        (role, key) => panic!(
            "{}: x-role {role} with {key}: say in `refusal` of tests/api/matrix.rs what is to come",
            operation.id
        ),
    }
}

impl Stage {
    fn key<'a>(&'a self, kind: &str) -> Option<&'a str> {
        match kind {
            "nobody" => None,
            "malformed" => Some(MALFORMED),
            "foreign" => Some(&self.eve.admin),
            "caller" => Some(&self.acme.caller),
            "member" => Some(&self.acme.member),
            "operator" => Some(OPERATOR),
            "admin" => Some(&self.acme.admin),
            other => panic!("{other}"),
        }
    }

    /// A key of the account's admin with these scopes.
    async fn scoped(&self, scopes: &[&str]) -> String {
        let mut key = json!({"name": "scoped", "role": "admin", "scopes": scopes});
        if let Some(member) = self.names.get("member") {
            key["member"] = member.clone();
        }
        self.api.issue("acme", &key).await
    }

    /// What another account's admin is answered where no path says that it is another's.
    async fn foreign(&self, operation: &Operation, place: &str) {
        // By slug it would be the asker's own.
        let mut names = self.names.clone();
        names.insert("agent".to_owned(), self.agent.clone());
        let reply = self.ask_of(operation, Some(&self.eve.admin), &names).await;
        let text = String::from_utf8_lossy(&reply.body);
        for secret in &self.secrets {
            assert!(!text.contains(secret), "{place}: shows {secret}: {text}");
        }
        // A patch of what the platform offers makes an own one, too.
        // Whoever it is that is named so belongs to who asks.
        let names_a_person = operation.template.contains("{user}");
        let may_make =
            names_a_person || operation.method == Method::PUT || operation.id.starts_with("patch_template");
        let makes_its_own = may_make && reply.status.is_success();
        if operation.role != "open" && operation.template.contains('{') && !makes_its_own {
            assert_eq!(reply.problem(), (404, "not_found".to_owned()), "{place}");
        }
        self.check(operation, &reply, place);
    }
}

/// Tries an operation with every kind of key: those that it refuses first, as they change nothing.
async fn try_out(subject: Subject, operation: Operation) {
    let mut stage = Stage::new(subject).await;
    stage.prepare(&operation).await;
    let scoped = scoped(&stage, &operation).await;
    let before = stage.rows();
    let (refused, served): (Vec<&str>, Vec<&str>) =
        KEYS.into_iter().partition(|key| *key == "foreign" || refusal(&operation, key).is_some());
    let place =
        |key: &str| format!("{} {} ({}) with {key}", operation.method, operation.template, operation.id);
    for key in refused {
        let place = place(key);
        let Some(status) = refusal(&operation, key) else {
            stage.foreign(&operation, &place).await;
            continue;
        };
        let reply = stage.ask(&operation, stage.key(key)).await;
        assert_eq!(reply.status.as_u16(), status, "{place}: {reply:?}");
        stage.check(&operation, &reply, &place);
    }
    let scope = operation.scope.map_or("", Scope::name);
    if let Some([lacking, _]) = &scoped {
        let reply = stage.ask(&operation, Some(lacking)).await;
        assert_eq!(reply.status, 403, "{}: {reply:?}", place("all scopes but its own"));
        let text = String::from_utf8_lossy(&reply.body);
        assert!(text.contains(&format!("scope `{scope}`")), "{}: {text}", place("all scopes but its own"));
        stage.check(&operation, &reply, &place("all scopes but its own"));
    }
    assert_eq!(stage.rows(), before, "{}: one who may not has written", operation.id);
    let mut is_served = false;
    let alone = scoped.iter().map(|[_, alone]| (scope, Some(alone.as_str())));
    for (name, key) in alone.chain(served.into_iter().map(|kind| (kind, stage.key(kind)))) {
        let place = place(name);
        let reply = stage.ask(&operation, key).await;
        stage.check(&operation, &reply, &place);
        // Which it is not here: nothing else would be served.
        let is_for_maintenance = operation.id == "restore_object" && reply.status.as_u16() == 409;
        let goes_on = reply.status.as_u16() == 101;
        let done =
            reply.status.is_success() || reply.status.is_redirection() || is_for_maintenance || goes_on;
        // What the first of them made or deleted, the next finds so.
        let is_done_already = is_served && matches!(reply.status.as_u16(), 404 | 409);
        // With the member go, or are lowered, the keys that act for it.
        let is_of_member = is_served && operation.template.contains("{member}");
        let is_done_already = is_done_already || is_of_member && matches!(reply.status.as_u16(), 401 | 403);
        assert!(done || is_done_already, "{place}: {reply:?}");
        is_served |= done;
    }
    assert!(is_served || operation.role == "token", "{}: nobody may", operation.id);
}

/// Keys of an admin that have scopes of their own: every one but the operation's, and that one alone.
async fn scoped(stage: &Stage, operation: &Operation) -> Option<[String; 2]> {
    let scope = operation.scope?;
    let others = Scope::ALL.into_iter().filter(|other| !Scopes::NONE.with(*other).has(scope));
    let mut alone = vec![scope.name()];
    // A file of several kinds needs the scope of each, besides.
    if operation.id.starts_with("export_declarations") {
        alone.extend(["agents:read", "models:read", "providers:read"]);
    } else if operation.id.starts_with("import_declarations") {
        alone.extend(["agents:write", "models:write", "providers:write"]);
    }
    if operation.id.starts_with("issue_key") {
        // What the example gives.
        alone.push(Scope::Calls.name());
    }
    Some([stage.scoped(&others.map(Scope::name).collect::<Vec<_>>()).await, stage.scoped(&alone).await])
}

#[tokio::test]
async fn every_operation_serves_the_keys_that_the_document_says_and_no_other() {
    let subject = Subject { api: Api::with, document: made };
    assert!(try_all(subject, |_| true).await > 40);
}

/// Tries the operations with these ids; how many there are.
pub async fn try_all(subject: Subject, which: impl Fn(&str) -> bool) -> usize {
    let mut operations = all(&(subject.document)());
    operations.retain(|operation| which(&operation.id));
    let tried = operations.len();
    let unscoped = operations.iter().filter(|operation| operation.scope.is_none());
    let needs_none = |operation: &Operation| ["open", "operator", "token"].contains(&operation.role.as_str());
    assert!(unscoped.clone().all(needs_none), "{unscoped:?}");
    Stage::new(subject).await;
    let mut failed = Vec::new();
    for operation in operations {
        let id = operation.id.clone();
        // All of them are tried, so that one run tells of everything.
        if tokio::spawn(try_out(subject, operation)).await.is_err() {
            failed.push(id);
        }
    }
    assert!(failed.is_empty(), "{failed:?}: see the panics above");
    tried
}
