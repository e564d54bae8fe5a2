//! A face is its file and its line in the list. This is such a file, with a protocol that nobody speaks: text in, text out.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use retinue::domain::message::{ChatReply, ChatRequest, Event, Message, Part};
use retinue::domain::warning::Warning;
use retinue::face::call::{Call, Encoder, Ticket};
use retinue::face::drive;
use retinue::face::paths::{HEADERS, Paths};
use retinue::face::{self, Face, Faces, Mount, Operations, Visitor};
use retinue::http::document::document_of;
use retinue::http::problem::{Kind, Problem};
use retinue::http::router::{router_of, serve};
use retinue::ports::World;
use retinue::service::App;
use retinue::service::call::{Asked, Passed, Receipt};
use retinue::service::declared::Kinds;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::ask::Face as Ask;
use crate::provider::{answer, hello};
use crate::stage::Stage;
use crate::support::{FakeWorld, native_only};

/// Its place in the list.
#[derive(Clone, Copy)]
struct WithParrot;

impl<W: World> Faces<W> for WithParrot {
    fn each(self, v: &mut impl Visitor<W>) {
        face::All.each(v);
        v.face(Parrot);
    }
}

#[derive(Clone, Copy)]
struct Parrot;

#[derive(Deserialize, ToSchema)]
#[schema(as = ParrotRequest)]
struct Said {
    to: Option<String>,
    words: String,
    #[serde(default)]
    slowly: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ParrotReply)]
struct Heard {
    words: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ParrotFault)]
struct Squawk {
    squawk: String,
}

impl Face for Parrot {
    const NAME: &'static str = "parrot";
    const BASE: &'static str = "parrot/v9";
    const MOUNTS: &'static [Mount] = &Mount::ALL;
    const HEADERS: &'static [&'static str] = &["parrot-version", "accept"];

    type Error = Squawk;
    const ERROR_TYPE: &'static str = "application/parrot+json";

    fn error(problem: &Problem) -> Vec<u8> {
        serde_json::to_vec(&Squawk { squawk: problem.kind.slug().to_owned() }).unwrap()
    }

    fn operations<W: World>(v: &mut impl Operations<W>) {
        v.operation(__path_say, drive::call::<W, Say>);
        v.operation(__path_forget, forget);
    }
}

/// Say something
#[utoipa::path(post, path = "/parrot/v9/say", tag = "calls", request_body = Said,
    responses((status = 200, description = "It says something", body = Heard)))]
#[expect(dead_code, reason = "it is only described here")]
fn say() {}

/// Forget a word
#[utoipa::path(delete, path = "/parrot/v9/words/{word}", tag = "calls",
    params(("word" = String, Path, description = "The word")),
    responses((status = 204, description = "It is forgotten")))]
async fn forget(headers: HeaderMap) -> (StatusCode, HeaderMap) {
    (StatusCode::NO_CONTENT, headers)
}

struct Say;

impl Call for Say {
    type Face = Parrot;
    type Encoder = Slowly;
    const PROTOCOL: &'static str = "parrot";

    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem> {
        let said: Said = serde_json::from_slice(body)
            .map_err(|error| Problem::new(Kind::InvalidRequest, error.to_string()))?;
        let messages = vec![Message::User { name: None, parts: vec![Part::Text(said.words)] }];
        let request = ChatRequest { messages, ..ChatRequest::default() };
        Ok((
            Asked {
                request,
                variables: Passed::Metadata,
                model: said.to,
                stream: said.slowly,
                sent: None,
                most: None,
                last: Vec::new(),
            },
            Self,
        ))
    }

    fn whole(self, _: &Ticket, reply: &ChatReply, _: &Receipt) -> Vec<u8> {
        let words = reply.choices[0].text().unwrap().into_owned();
        serde_json::to_vec(&Heard { words }).unwrap()
    }

    fn encoder(self, ticket: Ticket) -> Slowly {
        Slowly(ticket)
    }
}

struct Slowly(Ticket);

impl Encoder for Slowly {
    fn warn(&mut self, _: Vec<Warning>) {}

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if let Event::Text { delta, .. } = event {
            out.extend_from_slice(delta.as_bytes());
        }
    }

    fn done(&mut self, receipt: &Receipt, out: &mut Vec<u8>) {
        out.extend_from_slice(
            format!(" ({}, {})", self.0.model.as_deref().unwrap_or_default(), receipt.usage.output_tokens)
                .as_bytes(),
        );
    }

    fn failed(&mut self, problem: &Problem, out: &mut Vec<u8>) {
        out.extend_from_slice(problem.kind.slug().as_bytes());
    }
}

/// An agent `triage`, served with the list of ours.
struct Aviary {
    stage: Stage,
    router: axum::Router,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn assert_squawks(&self, status: u16, squawk: &str) {
        let body = json!({"squawk": squawk}).to_string();
        assert_eq!((self.status, self.text.as_str()), (status, body.as_str()));
        assert_eq!(self.header("content-type"), "application/parrot+json");
    }
}

impl Aviary {
    async fn new() -> Self {
        let stage = Stage::new().await;
        let router = router_of::<_, Kinds>(WithParrot)
            .with_state(App::new(stage.api.world.clone(), std::sync::Arc::default()));
        Self { stage, router }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let (parts, body) = serve(&mut self.router.clone(), request).await.into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(text.to_vec()).unwrap(),
        }
    }

    async fn say(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.ask(Method::POST, path, &[("x-api-key", key)], body).await
    }
}

const AT: [&str; 3] = ["/accounts/acme/agents/triage", "/agents/triage", "/accounts/acme"];

#[tokio::test]
async fn it_serves_calls_under_every_mount() {
    native_only!("the Worker serves the faces that there are");
    let aviary = Aviary::new().await;
    let key = &aviary.stage.acme.caller;
    for at in AT {
        let path = format!("{at}/parrot/v9/say");
        aviary.stage.then(answer("Hello", Some((10, 5)))).then(hello((10, 5)));
        let whole = aviary.say(&path, key, &json!({"to": "triage", "words": "Hi"})).await;
        assert_eq!((whole.status, whole.text.as_str()), (200, r#"{"words":"Hello"}"#), "{path}");
        assert!(!whole.header("x-call-id").is_empty());
        let slowly = aviary
            .say(&format!("{path}/"), key, &json!({"to": "triage", "words": "Hi", "slowly": true}))
            .await;
        assert_eq!((slowly.status, slowly.text.as_str()), (200, "Hello (own:big, 5)"), "{path}");
        let path = format!("{at}/parrot/v9/words/hi");
        let forget = aviary.ask(Method::DELETE, &path, &[("parrot-version", "1")], &json!({})).await;
        assert_eq!((forget.status, forget.header("parrot-version")), (204, "1"), "{at}");
    }
    assert_eq!(aviary.stage.books("triage").await.ledger.len(), 6);
    // Those that there were are served as before.
    aviary.stage.then(Ask::Chat.served((10, 5)));
    let chat = aviary.say("/agents/triage/chat", key, &Ask::Chat.body("triage")).await;
    assert_eq!(chat.status, 200);
}

#[tokio::test]
async fn its_errors_have_its_shape_wherever_they_arise() {
    native_only!("the Worker serves the faces that there are");
    let aviary = Aviary::new().await;
    let key = &aviary.stage.acme.caller;
    let words = json!({"to": "triage", "words": "Hi"});
    for at in AT {
        let path = format!("{at}/parrot/v9/say");
        aviary.say(&path, "nonsense", &words).await.assert_squawks(401, "unauthenticated");
        aviary.say(&path, key, &json!(1)).await.assert_squawks(400, "invalid_request");
        let long = [("x-api-key", key.as_str()), ("content-length", "4194305")];
        aviary.ask(Method::POST, &path, &long, &words).await.assert_squawks(413, "payload_too_large");
        let nobody = path.replace("triage", "nobody");
        aviary
            .say(&nobody, key, &json!({"to": "nobody", "words": "Hi"}))
            .await
            .assert_squawks(404, "not_found");
        aviary.say(&path.replace("acme", "nobody"), "", &words).await.assert_squawks(401, "unauthenticated");
        let wrong = aviary.ask(Method::PUT, &path, &[], &words).await;
        wrong.assert_squawks(405, "method_not_allowed");
        assert!(wrong.header("allow").contains("POST"), "{wrong:?}");
        for unknown in ["parrot/v9", "parrot/v9/nothing", "parrot/v9/say/more", "parrot/v9/words/a/b"] {
            aviary.say(&format!("{at}/{unknown}"), key, &words).await.assert_squawks(404, "not_found");
        }
        for others in ["parrot", "parrot/v8/say", "nothing"] {
            let reply = aviary.say(&format!("{at}/{others}"), key, &words).await;
            assert_eq!(
                (reply.status, reply.header("content-type")),
                (404, "application/problem+json"),
                "{others}"
            );
        }
        let openais = aviary.say(&format!("{at}/v1/nothing"), key, &words).await;
        assert_eq!((openais.status, openais.header("content-type")), (404, "application/json"));
    }
    aviary.stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn its_paths_answer_preflights_with_their_methods() {
    native_only!("the Worker serves the faces that there are");
    let aviary = Aviary::new().await;
    aviary.stage.agent("open", &json!({"access": "public"})).await;
    for (path, methods) in [("say", "OPTIONS, POST"), ("words/hi", "OPTIONS, DELETE")] {
        let path = format!("/agents/open/parrot/v9/{path}");
        let origin =
            [("origin", "https://shop.example"), ("access-control-request-headers", "parrot-version")];
        let reply = aviary.ask(Method::OPTIONS, &path, &origin, &json!({})).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, "*"), "{path}");
        assert_eq!(reply.header("access-control-allow-methods"), methods, "{path}");
        assert_eq!(reply.header("access-control-allow-headers"), "parrot-version", "{path}");
    }
}

#[test]
fn its_paths_and_headers_cross() {
    let (without, with) = (Paths::of::<FakeWorld>(face::All), Paths::of::<FakeWorld>(WithParrot));
    let more: Vec<&String> = with.paths.iter().filter(|path| !without.paths.contains(path)).collect();
    assert_eq!(
        more,
        [
            "/accounts/{account}/agents/{agent}/parrot/v9/say",
            "/agents/{agent}/parrot/v9/say",
            "/accounts/{account}/parrot/v9/say",
            "/parrot/v9/say",
            "/accounts/{account}/agents/{agent}/parrot/v9/words/{word}",
            "/agents/{agent}/parrot/v9/words/{word}",
            "/accounts/{account}/parrot/v9/words/{word}",
            "/parrot/v9/words/{word}",
        ]
    );
    assert_eq!(without.headers, HEADERS);
    assert_eq!(with.headers, [&HEADERS[..], &["parrot-version"]].concat());
}

#[tokio::test]
async fn it_stands_among_the_agents_urls() {
    native_only!("the Worker serves the faces that there are");
    let aviary = Aviary::new().await;
    let member = [("x-api-key", aviary.stage.acme.member.as_str())];
    let read = aviary.ask(Method::GET, "/api/v1/agents/triage", &member, &json!({})).await;
    let read: Value = serde_json::from_str(&read.text).unwrap();
    let urls = json!({
        "chat": "/accounts/acme/agents/triage/chat", "stream": "/accounts/acme/agents/triage/stream",
        "openai": "/accounts/acme/agents/triage/v1", "responses": "/accounts/acme/agents/triage/v1",
        "anthropic": "/accounts/acme/agents/triage", "threads": "/accounts/acme/agents/triage/threads", "parrot": "/accounts/acme/agents/triage/parrot/v9",
    });
    assert_eq!(read["urls"], urls);
    let list = aviary.ask(Method::GET, "/api/v1/agents", &member, &json!({})).await;
    let list: Value = serde_json::from_str(&list.text).unwrap();
    assert_eq!(list["data"][0]["urls"], urls);
}

#[test]
fn it_is_documented() {
    let document = serde_json::to_value(document_of::<FakeWorld, Kinds>(WithParrot)).unwrap();
    let mut ids = Vec::new();
    for at in ["/accounts/{account}/agents/{agent}", "/agents/{agent}", "/accounts/{account}"] {
        let operation = &document["paths"][format!("{at}/parrot/v9/say")]["post"];
        ids.push(operation["operationId"].as_str().unwrap());
        let json = |content: &Value| content["content"]["application/json"]["schema"]["$ref"].clone();
        assert_eq!(json(&operation["requestBody"]), "#/components/schemas/ParrotRequest");
        assert_eq!(json(&operation["responses"]["200"]), "#/components/schemas/ParrotReply");
        for status in ["400", "401", "402", "404", "413", "429", "503"] {
            let error = &operation["responses"][status]["content"]["application/parrot+json"]["schema"];
            assert_eq!(error["$ref"], "#/components/schemas/ParrotFault", "{at} {status}");
        }
        assert_eq!(operation["x-role"], "caller");
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let named: Vec<String> =
            parameters.map(|one| format!("{{{}}}", one["name"].as_str().unwrap())).collect();
        assert_eq!(named, at.split('/').filter(|part| part.starts_with('{')).collect::<Vec<_>>());
        assert!(document["paths"][format!("{at}/parrot/v9/words/{{word}}")]["delete"].is_object());
    }
    assert_eq!(ids, ["say", "default_say", "account_say"]);
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["ParrotRequest"]["required"], json!(["words"]));
    assert_eq!(
        schemas["AgentUrls"]["required"],
        json!(["chat", "stream", "openai", "responses", "anthropic", "threads", "parrot"])
    );
}
