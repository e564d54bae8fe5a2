//! The API as a client sees it, over the real router or over HTTP against workerd.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use retinue::domain::ids::AccountId;
use retinue::ports::Settings;
use retinue::service::declared::KindList;
use serde_json::{Value, json};

use super::faults::SECRET;
use super::transport::Transport;
use super::world::{FakeWorld, MASTER_KEY, OPERATOR, settings};

#[derive(Clone)]
pub struct Api {
    pub world: FakeWorld,
    transport: Transport,
}

/// An account and its keys.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: AccountId,
    pub slug: String,
    pub admin: String,
    pub member: String,
    pub caller: String,
}

/// A request being written.
pub struct Call<'a> {
    api: &'a Api,
    request: axum::http::request::Builder,
    body: Body,
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Api {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: Settings) -> Self {
        Self::among(settings, 1)
    }

    /// The first of this many isolates of its world.
    pub fn among(settings: Settings, isolates: usize) -> Self {
        Self::of(FakeWorld::new(settings, isolates))
    }

    /// Over the router, whatever the tests' transport is.
    pub fn here() -> Self {
        Self::of(FakeWorld::here(settings()))
    }

    /// The same, with these declared kinds.
    pub fn with_kinds<L: KindList>(settings: Settings) -> Self {
        let world = FakeWorld::here(settings);
        Self { transport: Transport::router_of::<FakeWorld, L>(world.clone()), world }
    }

    fn of(world: FakeWorld) -> Self {
        let transport = Transport::to(&world, 0);
        Self { world, transport }
    }

    /// For what must be watched while it comes.
    pub async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.transport.send(request).await
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call<'_> {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Call<'_> {
        self.request(Method::PUT, path)
    }

    pub fn delete(&self, path: &str) -> Call<'_> {
        self.request(Method::DELETE, path)
    }

    pub fn request(&self, method: Method, path: &str) -> Call<'_> {
        Call { api: self, request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    /// A new account with a key of each role, and no plan's limits.
    pub async fn tenant(&self, slug: &str) -> Tenant {
        self.tenant_on(slug, "enterprise").await
    }

    /// A new account on this plan, with a key of each role.
    pub async fn tenant_on(&self, slug: &str, plan: &str) -> Tenant {
        let account = json!({"slug": slug, "name": slug, "plan": plan});
        let account = self.post("/api/v1/accounts").key(OPERATOR).json(&account).send().await.created();
        let id = AccountId::parse(account["id"].as_str().unwrap()).unwrap();
        let mut keys = Vec::new();
        for role in ["admin", "member", "caller"] {
            keys.push(self.issue(slug, &json!({"name": role, "role": role})).await);
        }
        let [admin, member, caller] = keys.try_into().unwrap();
        Tenant { id, slug: slug.to_owned(), admin, member, caller }
    }

    /// A new key of an account, by the operator.
    pub async fn issue(&self, account: &str, key: &Value) -> String {
        let path = format!("/api/v1/accounts/{account}/keys");
        let issued = self.post(&path).key(OPERATOR).json(key).send().await.created();
        issued["key"].as_str().unwrap().to_owned()
    }

    /// An agent as its member reads it, without what discovery adds.
    pub async fn configured(&self, tenant: &Tenant, agent: &str) -> Value {
        let path = format!("/api/v1/agents/{agent}");
        let mut read = self.get(&path).key(&tenant.member).send().await.ok();
        for more in ["urls", "capabilities", "healthy", "problems"] {
            assert!(read.as_object_mut().unwrap().remove(more).is_some(), "{more}");
        }
        read
    }

    /// A new agent, with these fields over the usual ones.
    pub async fn agent(&self, tenant: &Tenant, fields: &Value) -> Value {
        let mut agent =
            json!({"name": "Triage", "instructions": "Sort the mail.", "model": "openai:gpt-4.1-mini"});
        agent.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let mut made = self.post("/api/v1/agents").key(&tenant.admin).json(&agent).send().await.created();
        // What stands in the reply to a creation alone.
        made.as_object_mut().unwrap().remove("warnings");
        made
    }
}

impl Call<'_> {
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    /// A body that says it is JSON.
    pub fn bytes(self, body: impl Into<Bytes>) -> Self {
        self.header("content-type", "application/json").raw(Body::from(body.into()))
    }

    pub fn raw(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sends it, and holds every reply to what must be true of all.
    pub async fn send(self) -> Reply {
        let request = self.request.body(self.body).unwrap();
        let response = self.api.open(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        // What goes on as a WebSocket is nothing that anybody could keep.
        if reply.status != StatusCode::SWITCHING_PROTOCOLS {
            assert!(reply.header("cache-control").contains("no-store"), "{reply:?}");
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{reply:?}");
        }
        let text = String::from_utf8_lossy(&reply.body);
        for secret in [SECRET, MASTER_KEY, OPERATOR, "rusqlite", "D1_ERROR"] {
            assert!(!text.contains(secret), "{secret} leaks: {text}");
        }
        if reply.status.is_client_error() || reply.status.is_server_error() {
            reply.check_problem();
        }
        reply
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn created(self) -> Value {
        assert_eq!(self.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    pub fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    pub fn no_content(self) {
        assert_eq!(self.status, StatusCode::NO_CONTENT, "{}", String::from_utf8_lossy(&self.body));
        assert!(self.body.is_empty());
    }

    /// The status and type of a problem document.
    pub fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["type"].as_str().unwrap_or_default().to_owned())
    }

    /// The fields that do not fit.
    pub fn fields(&self) -> Vec<String> {
        assert_eq!(self.problem(), (400, "validation_failed".to_owned()), "{:?}", self.body);
        let errors = self.json()["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// RFC 9457; or OpenAI's shape, where its clients talk.
    fn check_problem(&self) {
        if self.header("content-type") == "application/json" {
            let error = &self.json()["error"];
            assert!(error["message"].is_string() && error["type"].is_string(), "{error}");
            return;
        }
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
    }
}
