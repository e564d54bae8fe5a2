//! What is wrong with a request before it means anything: paths, methods, bodies.

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use serde_json::json;

use crate::document::{FILES, document, operations};
use crate::support::{Api, OPERATOR, native_only};
use crate::walls::{Ids, endpoints, furnish};

const MAX_BODY: usize = 4 * 1024 * 1024;

#[tokio::test]
async fn a_path_that_is_none_is_a_problem() {
    let api = Api::new();
    for path in [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v2/agents",
        "/api/v1/agents//",
        "/api/v1//agents",
        "/api/v1/agents/a/b",
        "//",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = api.request(method, path).key(OPERATOR).send().await;
            assert_eq!(reply.problem(), (404, "not_found".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_says_nothing() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.method == Method::GET) {
        let read = async |path: &str| api.get(path).key(endpoint.key(&acme)).send().await;
        let (plain, slashed) = (read(&endpoint.path).await, read(&format!("{}/?", endpoint.path)).await);
        assert_eq!((slashed.status, &slashed.body), (plain.status, &plain.body), "{endpoint:?}");
        assert!(plain.status.is_success(), "{endpoint:?}: {plain:?}");
    }
    let health = api.get("/health/").send().await;
    assert_eq!((health.status.as_u16(), health.header("location")), (200, ""), "not by a redirect");
    let made = json!({"name": "Another", "instructions": "Do.", "model": "openai:gpt-4.1-mini"});
    api.post("/api/v1/agents/").key(&acme.admin).json(&made).send().await.created();
    let wrong = api.put("/api/v1/agents/").key(&acme.admin).json(&made).send().await;
    assert_eq!(wrong.problem(), (405, "method_not_allowed".to_owned()));
    api.delete("/api/v1/agents/another/").key(&acme.admin).send().await.no_content();
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_told_which_it_has() {
    let api = Api::new();
    let paths: Vec<String> =
        endpoints("acme", &Ids::nobodys()).into_iter().map(|endpoint| endpoint.path).collect();
    let has = |path: &str| -> Vec<String> {
        let of = |endpoint: &crate::walls::Endpoint| endpoint.path == path;
        let mut methods: Vec<String> = endpoints("acme", &Ids::nobodys())
            .iter()
            .filter(|e| of(e))
            .map(|e| e.method.to_string())
            .collect();
        if methods.contains(&"GET".to_owned()) || methods.is_empty() {
            methods.extend(["HEAD".to_owned()]);
        }
        if methods.len() == 1 && methods[0] == "HEAD" {
            methods.push("GET".to_owned());
        }
        methods.sort();
        methods
    };
    let open = ["/", "/health"].map(str::to_owned);
    for path in paths.iter().chain(&open) {
        let methods = has(path);
        let wrong = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::OPTIONS,
            Method::TRACE,
        ];
        for method in wrong.into_iter().filter(|method| !methods.contains(&method.to_string())) {
            let reply = api.request(method.clone(), path).send().await;
            assert_eq!(reply.problem(), (405, "method_not_allowed".to_owned()), "{method} {path}");
            let mut allowed: Vec<String> =
                reply.header("allow").split(',').map(|method| method.trim().to_owned()).collect();
            allowed.sort();
            assert_eq!(allowed, methods, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_part_of_a_path_that_is_not_utf8_is_refused() {
    let api = Api::new();
    let (acme, _) = furnish(&api, "acme").await;
    for path in ["/api/v1/agents/%FF", "/api/v1/models/x/%FF%FE", "/api/v1/accounts/%C3/keys"] {
        let method = if path.contains("models") { Method::DELETE } else { Method::GET };
        let reply = api.request(method, path).key(&acme.admin).send().await;
        assert_eq!(reply.problem(), (400, "invalid_request".to_owned()), "{path}");
    }
}

/// Of every operation but those that clients of other products' protocols call; nothing else of the request is looked at first.
#[tokio::test]
async fn every_path_refuses_what_it_does_not_read_of_the_query() {
    let api = Api::new();
    let mut many = 0;
    for (method, path, operation) in operations(&document()) {
        if FILES.contains(&path.as_str()) || operation["tags"] == json!(["calls"]) {
            continue;
        }
        let path = path.replace(['{', '}'], "");
        let call = |query: String| api.request(method.parse().unwrap(), &format!("{path}?{query}")).send();
        let refused = call("zzz=1&%79yy=2&zzz=3".to_owned()).await;
        assert_eq!(refused.fields(), ["zzz", "yyy"], "{method} {path}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            let refused = call(format!("{name}x=1&{name}=1")).await;
            assert_eq!(refused.fields(), [format!("{name}x")], "{method} {path}");
            let meant = format!("did you mean `{name}`?");
            assert!(refused.detail().contains(&meant), "{method} {path}: {}", refused.detail());
            many += 1;
        }
    }
    assert!(many > 50, "{many}");
}

/// config-10.
#[tokio::test]
async fn a_query_that_asks_for_less_never_does_more() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let agents = json!([{"name": "T", "instructions": "x", "model": "openai:gpt-4o"}]);
    for query in ["dryRun=true", "dry-run=true", "dry_run=yes", "dry_run=true&dry_run=false"] {
        let path = format!("/api/v1/agents/import?{query}");
        let reply = api.post(&path).key(&acme.admin).json(&agents).send().await;
        assert_eq!((reply.status.as_u16(), reply.fields().len()), (400, 1), "{query}");
    }
    let none = api.get("/api/v1/agents/t").key(&acme.member).send().await;
    assert_eq!(none.problem().0, 404);
    for query in ["labels=nope", "offset=10"] {
        let reply = api.get(&format!("/api/v1/agents?{query}")).key(&acme.member).send().await;
        assert_eq!(reply.problem(), (400, "validation_failed".to_owned()), "{query}");
    }
    api.agent(&acme, &json!({"slug": "t2"})).await;
    let kept = api.delete("/api/v1/agents/t2?dry_run=true").key(&acme.admin).send().await;
    assert_eq!(kept.fields(), ["dry_run"]);
    api.get("/api/v1/agents/t2").key(&acme.member).send().await.ok();
}

#[tokio::test]
async fn every_body_must_be_json_and_say_so() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.body.is_some()) {
        let call = || api.request(endpoint.method.clone(), &endpoint.path).key(endpoint.key(&acme));
        let json = endpoint.body.clone().unwrap().to_string();
        let unsaid = call().raw(Body::from(json.clone())).send().await;
        assert_eq!(unsaid.problem(), (415, "unsupported_media_type".to_owned()), "{endpoint:?}");
        let form = call()
            .header("content-type", "application/x-www-form-urlencoded")
            .raw(Body::from(json))
            .send()
            .await;
        assert_eq!(form.problem(), (415, "unsupported_media_type".to_owned()), "{endpoint:?}");
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"{", "line 1 column 1"),
            (b"not json", "line 1"),
            (b"{\"name\": \"\xff\xfe\"}", "UTF-8"),
            (b"\xef\xbb\xbf{", "line 1 column 1"),
        ] {
            let reply = call().bytes(bytes).send().await;
            assert_eq!(reply.problem(), (400, "invalid_request".to_owned()), "{endpoint:?} {bytes:?}");
            assert!(reply.detail().contains(word), "{}", reply.detail());
        }
        let trailing = format!("{} {{}}", endpoint.body.as_ref().unwrap());
        let reply = call().bytes(trailing).send().await;
        assert_eq!(reply.problem(), (400, "invalid_request".to_owned()), "{endpoint:?}");
        if endpoint.path.ends_with("/import") {
            // A file may be a list, and tells its faults agent by agent.
            continue;
        }
        for value in ["[]", "null", "7", "\"text\"", "[{}]"] {
            let reply = call().bytes(value).send().await;
            assert_eq!(reply.fields(), ["(body)"], "{endpoint:?} {value}");
        }
        let reply =
            call().bytes(r#"{"surprise": 1, "surprise": 2, "in": {"a": [{"b": 1, "b": 1}]}}"#).send().await;
        assert_eq!(reply.fields(), ["surprise", "in.a[0].b"], "{endpoint:?}");
        let reply = call().bytes("\u{feff}{\"surprise\": 1, \"another\": {}}").send().await;
        let unknown =
            reply.fields().into_iter().filter(|field| ["surprise", "another"].contains(&field.as_str()));
        assert_eq!(unknown.count(), 2, "{endpoint:?}: {:?}", reply.fields());
    }
}

#[tokio::test]
async fn json_may_say_its_charset() {
    let api = Api::new();
    for content_type in
        ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"]
    {
        let call = api.post("/api/v1/accounts").key(OPERATOR).header("content-type", content_type);
        let reply = call.raw(Body::from("{}")).send().await;
        assert_eq!(reply.fields(), ["slug", "name"], "{content_type}");
    }
}

#[tokio::test]
async fn a_body_above_4_mib_is_refused() {
    let api = Api::new();
    let filler = |length: usize| {
        let empty = json!({"slug": "acme", "name": ""}).to_string().len();
        json!({"slug": "acme", "name": "x".repeat(length - empty)}).to_string()
    };
    let post = || api.post("/api/v1/accounts").key(OPERATOR);
    let largest = post().bytes(filler(MAX_BODY)).send().await;
    assert_eq!(largest.fields(), ["name"], "read, and found too long a name");
    let larger = post().bytes(filler(MAX_BODY + 1)).send().await;
    assert_eq!(larger.problem(), (413, "payload_too_large".to_owned()));
    let announced = post().header("content-length", "4194305").bytes("{}").send().await;
    assert_eq!(announced.problem().0, 413, "before it is read");
    let pieces =
        (0..5).map(|_| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(vec![b' '; 1 << 20]))));
    let streamed = Body::new(StreamBody::new(stream::iter(pieces)));
    let reply = post().header("content-type", "application/json").raw(streamed).send().await;
    assert_eq!(reply.problem().0, 413);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    native_only!("over HTTP the client of a body that breaks off is gone and reads no answer");
    let api = Api::new();
    let pieces = [Ok(http_body::Frame::data(Bytes::from_static(b"{"))), Err(std::io::Error::other("gone"))];
    let broken = Body::new(StreamBody::new(stream::iter(pieces)));
    let call = api.post("/api/v1/accounts").key(OPERATOR).header("content-type", "application/json");
    assert_eq!(call.raw(broken).send().await.problem(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn what_a_client_sent_is_not_sent_back_at_length() {
    let api = Api::new();
    let post = |body: String| api.post("/api/v1/accounts").key(OPERATOR).bytes(body).send();
    let long = "x".repeat(1_000_000);
    for body in [
        json!({"slug": "a", "name": "b", "plan": long}).to_string(),
        json!({"slug": "a", "name": "b", &long: 1}).to_string(),
        json!({"slug": long, "name": long}).to_string(),
        format!("\"{long}\""),
    ] {
        let reply = post(body).await;
        assert_eq!(reply.status.as_u16(), 400);
        assert!(reply.body.len() < 2_000, "{} bytes", reply.body.len());
    }
}

#[tokio::test]
async fn anyone_may_ask_how_it_is() {
    let api = Api::new();
    let health = api.get("/health").send().await.ok();
    assert_eq!(health, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    let root = api.get("/").send().await;
    assert_eq!((root.status.as_u16(), root.header("location")), (307, "/docs"));
    let head = api.request(Method::HEAD, "/health").send().await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
}

/// Whatever a text of a fault quotes, it is not sent back at length.
#[tokio::test]
async fn no_answer_quotes_a_long_value_whole() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let long = "x".repeat(200_000);
    let tricky = format!("a, expected {long}");
    for word in [&long, &tricky] {
        let bodies = [
            (
                Method::PUT,
                "/api/v1/providers/own",
                json!({"wire": word, "base_url": "https://own.example.com"}),
            ),
            (Method::PUT, "/api/v1/providers/own", json!({"wire": "openai", "base_url": word})),
            (Method::PUT, "/api/v1/models/own/x", json!({"input_usd_per_mtok": word})),
            (Method::PUT, "/api/v1/aliases/fast", json!({"model": word})),
            (Method::PATCH, "/api/v1/account", json!({word.as_str(): word})),
            (
                Method::POST,
                "/api/v1/agents",
                json!({"slug": word, "name": word, "model": word, "status": word, "type": word,
                "tools": [word], "template": word, "access": word, "budget": {"period": word}, "config": {"variables": {word.as_str(): 1}}}),
            ),
            (
                Method::POST,
                "/api/v1/accounts/acme/keys",
                json!({"name": word, "role": word, "scopes": [word], "agents": [word]}),
            ),
            (Method::POST, "/api/v1/members", json!({"email": word, "role": word, "status": word})),
            (Method::PUT, "/api/v1/templates/t", json!({"name": word, "type": word, "model": word})),
        ];
        for (method, path, body) in bodies {
            let reply = api.request(method.clone(), path).key(&acme.admin).json(&body).send().await;
            assert!(reply.status.is_client_error(), "{method} {path}: {}", reply.status);
            assert!(reply.body.len() < 60_000, "{method} {path}: {} bytes", reply.body.len());
        }
    }
    let query = format!("/api/v1/agents?{}=1&status={}", "y".repeat(3_000), "z".repeat(3_000));
    let reply = api.get(&query).key(&acme.admin).send().await;
    assert!(reply.body.len() < 6_000, "{} bytes", reply.body.len());
}
