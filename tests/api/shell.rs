//! What a client sends reaches the handlers, and what they answer reaches the client: nothing is lost on the way through
//! the shell. Over the router all of this is plain; over HTTP it is what users meet.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use retinue::face;
use retinue::face::paths::Paths;
use serde_json::{Value, json};

use crate::support::{Api, FakeWorld, OPERATOR, Reply, Tenant};
use crate::walls::{endpoints, furnish};

const AGENT: &str = "/api/v1/agents/triage";

async fn furnished() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "triage"})).await;
    (api, acme)
}

/// A change that makes the n-th description.
fn described(n: usize) -> Value {
    json!({"description": format!("The {n}th.")})
}

#[tokio::test]
async fn every_form_of_if_match_reaches_every_handler_that_reads_it() {
    let (api, acme) = furnished().await;
    let tag = |reply: &Reply| reply.header("etag").to_owned();
    let stale = tag(&api.get(AGENT).key(&acme.member).send().await);
    api.request(Method::PATCH, AGENT).key(&acme.admin).json(&described(0)).send().await.ok();
    let [rollback, status, budget] = ["rollback", "status", "budget"].map(|word| format!("{AGENT}/{word}"));
    let config = "/accounts/acme/agents/triage/config";
    for (method, path) in [
        (Method::PATCH, AGENT),
        (Method::PUT, AGENT),
        (Method::PUT, config),
        (Method::POST, rollback.as_str()),
        (Method::POST, status.as_str()),
        (Method::PUT, budget.as_str()),
    ] {
        for n in 1..=7 {
            let fresh = tag(&api.get(AGENT).key(&acme.member).send().await);
            let weak = format!("W/{fresh}");
            let (values, expected): (&[&str], u16) = match n {
                1 => (&[&stale], 412),
                2 => (&["W/\"1\""], 412),
                3 => (&["no quotes"], 400),
                4 => (&[&fresh], 200),
                5 => (&[&weak], 200),
                6 => (&[&stale, &fresh], 200),
                _ => (&["*"], 200),
            };
            let body = match path.rsplit('/').next() {
                Some("rollback") => json!({"version": 1}),
                Some("status") => json!({"status": if n % 2 == 0 { "inactive" } else { "active" }}),
                Some("budget") => json!({"limit_usd": n, "period": "day"}),
                _ => described(n),
            };
            let call = api.request(method.clone(), path).key(&acme.admin).json(&body);
            let reply = values.iter().fold(call, |call, value| call.header("if-match", value)).send().await;
            assert_eq!(reply.status.as_u16(), expected, "{method} {path} {values:?}: {reply:?}");
        }
    }
    let archive = |tag: &str| api.delete(AGENT).key(&acme.admin).header("if-match", tag).send();
    assert_eq!(archive(&stale).await.problem().0, 412);
    let fresh = tag(&api.get(AGENT).key(&acme.member).send().await);
    archive(&fresh).await.no_content();
    let restore = format!("{AGENT}/restore");
    let restore = |tag: &str| api.post(&restore).key(&acme.admin).header("if-match", tag).send();
    assert_eq!(restore(&fresh).await.problem().0, 412, "it was archived since");
    restore("*").await.ok();
}

#[tokio::test]
async fn every_form_of_content_type_reaches_the_handlers() {
    let (api, acme) = furnished().await;
    for (content_type, status) in [
        (Some("application/json"), 200),
        (Some("APPLICATION/JSON ; charset=\"utf-8\""), 200),
        (Some("application/merge-patch+json"), 200),
        (Some("application/vnd.some.thing+json;v=1"), 200),
        (Some("text/json"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("nonsense"), 415),
        (Some(""), 415),
        (None, 415),
    ] {
        let call =
            api.request(Method::PATCH, AGENT).key(&acme.admin).raw(Body::from(described(1).to_string()));
        let call = content_type.into_iter().fold(call, |call, kind| call.header("content-type", kind));
        assert_eq!(call.send().await.status.as_u16(), status, "{content_type:?}");
    }
    let file = "name: Second\nmodel: a:b\ninstructions: Help.\n";
    let call = api.post("/api/v1/agents/import").key(&acme.admin).header("content-type", "application/yaml");
    assert_eq!(call.raw(Body::from(file)).send().await.ok()["created"], 1);
}

#[tokio::test]
async fn a_key_reaches_the_handlers_by_either_header_and_in_every_form() {
    let (api, acme) = furnished().await;
    let key = acme.member.as_str();
    let bearer = format!("bEARER   {key} ");
    for (headers, status) in [
        (&[("authorization", bearer.as_str())][..], 200),
        (&[("x-api-key", key)], 200),
        (&[("X-API-Key", key)], 200),
        (&[("authorization", "Basic dTpw"), ("x-api-key", key)], 200),
        (&[("authorization", "Bearer nobody"), ("x-api-key", key)], 401),
        (&[("authorization", key)], 401),
        (&[("x-api-key", "\u{e9}")], 401),
        (&[("proxy-authorization", bearer.as_str())], 401),
        (&[], 401),
    ] {
        let call = headers.iter().fold(api.get(AGENT), |call, (name, value)| call.header(name, value));
        assert_eq!(call.send().await.status.as_u16(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn a_browsers_question_reaches_the_handlers() {
    let (api, acme) = furnished().await;
    let page = json!({"slug": "shop", "allowed_origins": ["https://shop.example"]});
    api.agent(&acme, &page).await;
    let paths = Paths::of::<FakeWorld>(face::All).paths;
    for path in paths.iter().filter(|path| path.starts_with("/accounts/{account}/agents/")) {
        let path = path.replace("{account}", "acme").replace("{agent}", "shop").replace("{model}", "shop");
        let preflight = api.request(Method::OPTIONS, &path).header("origin", "https://shop.example");
        let wanted = "x-one, x-two, content-type";
        let preflight = preflight.header("access-control-request-method", "POST");
        let reply = preflight.header("access-control-request-headers", wanted).send().await;
        assert_eq!(reply.status, 204, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(reply.header("access-control-allow-headers"), wanted, "{path}");
    }
}

#[tokio::test]
async fn every_method_reaches_the_handlers_with_its_body() {
    let (api, acme) = furnished().await;
    for method in ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "MKCOL"] {
        let reply = api.request(method.parse().unwrap(), AGENT).key(&acme.admin).send().await;
        let status = if method == "HEAD" { 200 } else { 405 };
        assert_eq!(reply.status.as_u16(), status, "{method}");
    }
    let alias = "/api/v1/model-aliases/fast";
    let line = json!({"model": "a:b"});
    api.put(alias).key(&acme.admin).json(&line).send().await.ok();
    // A body that nobody reads keeps nothing from being done.
    api.delete(alias).key(&acme.admin).json(&line).send().await.no_content();
    let read = api.get(AGENT).key(&acme.member).json(&json!({"ignored": true})).send().await;
    assert_eq!(read.ok()["slug"], "triage");
    let rollback = api.post(&format!("{AGENT}/restore")).key(&acme.admin).send().await;
    assert_ne!(rollback.status.as_u16(), 415, "no body is needed: {rollback:?}");
}

/// In pieces, so that nothing says beforehand how long it is.
fn pieces(text: &str) -> Body {
    let pieces: Vec<Bytes> = text.as_bytes().chunks(7).map(Bytes::copy_from_slice).collect();
    let frames = pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Frame::data(piece)));
    Body::new(StreamBody::new(stream::iter(frames)))
}

#[tokio::test]
async fn a_body_of_unknown_length_reaches_the_handlers() {
    let (api, acme) = furnished().await;
    for method in [Method::PATCH, Method::PUT] {
        let text = json!({"description": method.as_str().repeat(300)});
        let call =
            api.request(method.clone(), AGENT).key(&acme.admin).header("content-type", "application/json");
        assert_eq!(call.raw(pieces(&text.to_string())).send().await.ok()["description"], text["description"]);
    }
    let call = api.request(Method::PATCH, AGENT).key(&acme.admin).header("content-type", "application/json");
    assert_eq!(call.raw(pieces("")).send().await.problem().0, 400, "an empty one is none");
}

/// The answer to a refused request does not wait for a body that may never come.
#[tokio::test]
async fn a_body_that_never_ends_keeps_no_refusal_back() {
    let (api, acme) = furnished().await;
    let endless = || {
        let first = stream::iter([Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"{")))]);
        Body::new(StreamBody::new(futures_util::StreamExt::chain(first, stream::pending())))
    };
    for (key, path, status) in
        [("nobody", AGENT, 401), (acme.member.as_str(), AGENT, 403), (acme.admin.as_str(), "/nothing", 404)]
    {
        let call = api.request(Method::PATCH, path).key(key).header("content-type", "application/json");
        let reply = tokio::time::timeout(Duration::from_secs(10), call.raw(endless()).send()).await;
        assert_eq!(reply.unwrap().status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn paths_and_queries_reach_the_handlers_as_they_were_written() {
    let (api, acme) = furnished().await;
    api.agent(&acme, &json!({"slug": "odd", "name": "a&b=c+d é #1", "labels": ["x y"]})).await;
    for query in ["q=a%26b%3Dc%2Bd%20%C3%A9%20%231", "q=%61%26b", "label=x%20y", "label=x+y&limit=1"] {
        let found = api.get(&format!("/api/v1/agents?{query}")).key(&acme.member).send().await.ok();
        assert_eq!(found["data"][0]["slug"], "odd", "{query}: {found}");
    }
    let model = json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "1", "context_tokens": 1000,
        "max_output_tokens": 100, "capabilities": []});
    for code in ["a/b", "a%2Fb", "a%20b", "%40cf%2Fmeta", "a%3Fb"] {
        let put = api.put(&format!("/api/v1/models/own/{code}")).key(&acme.admin).json(&model).send().await;
        let here = Api::here();
        let twin = here.tenant("acme").await;
        let same = here.put(&format!("/api/v1/models/own/{code}")).key(&twin.admin).json(&model).send().await;
        assert_eq!((put.status, masked(&put)), (same.status, masked(&same)), "{code}");
    }
}

/// The body without what differs in every world: ids, keys and what is made of them, and the order of what was made at
/// one moment.
fn masked(reply: &Reply) -> Vec<String> {
    let mut leaves = Vec::new();
    match serde_json::from_slice(&reply.body) {
        Ok(json) => collect(&json, "", &mut leaves),
        Err(_) => leaves.push(masked_text(&String::from_utf8_lossy(&reply.body))),
    }
    leaves.sort();
    leaves
}

fn collect(json: &Value, path: &str, leaves: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            for (name, member) in
                members.iter().filter(|(name, _)| !["hint", "last4"].contains(&name.as_str()))
            {
                collect(member, &format!("{path}/{name}"), leaves);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, &format!("{path}/-"), leaves)),
        leaf => leaves.push(format!("{path}: {}", masked_text(&leaf.to_string()))),
    }
}

fn masked_text(text: &str) -> String {
    // The end of a secret that was drawn.
    if text.starts_with("\"…") {
        return "…".to_owned();
    }
    // Base64, whose signs would cut it into words.
    if text.starts_with("\"whsec_") {
        return "whsec_…".to_owned();
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut masked = String::new();
    for piece in text.split_inclusive(|c| !is_word(c)) {
        let word = piece.trim_end_matches(|c| !is_word(c));
        let is_drawn = word.len() >= 12 && word.bytes().any(|byte| byte.is_ascii_digit());
        masked.push_str(if is_drawn { "…" } else { word });
        masked.push_str(&piece[word.len()..]);
    }
    masked
}

/// Every header but those of HTTP itself, repeated ones in their order.
fn head(reply: &Reply) -> Vec<String> {
    let of_http = ["content-length", "transfer-encoding", "connection", "date"];
    let own = reply.headers.iter().filter(|(name, _)| !of_http.contains(&name.as_str()));
    let mut head: Vec<String> =
        own.map(|(name, value)| format!("{name}: {}", masked_text(value.to_str().unwrap()))).collect();
    head.sort();
    head
}

/// Over the router this compares it with itself; over HTTP with the router.
#[tokio::test]
async fn every_endpoint_answers_alike_over_both_transports() {
    let (near, far) = (Api::here(), Api::new());
    let (near_acme, near_ids) = furnish(&near, "acme").await;
    let (far_acme, far_ids) = furnish(&far, "acme").await;
    for (here, there) in endpoints("acme", &near_ids).into_iter().zip(endpoints("acme", &far_ids)) {
        for (near_key, far_key) in [
            (here.key(&near_acme), there.key(&far_acme)),
            (near_acme.caller.as_str(), far_acme.caller.as_str()),
            ("nobody", "nobody"),
            (OPERATOR, OPERATOR),
        ] {
            let near = here.send(&near, near_key).await;
            let far = there.send(&far, far_key).await;
            let seen = |reply: &Reply| (reply.status, head(reply), masked(reply));
            assert_eq!(seen(&near), seen(&far), "{here:?}");
        }
    }
}
