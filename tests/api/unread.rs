//! A request that its head is enough to refuse is refused before a byte of its body is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use axum::body::{Body, Bytes};
use axum::http::Method;
use futures_util::stream;
use retinue::face;
use retinue::face::paths::Paths;
use retinue::ports::Settings;

use crate::support::{Api, FakeWorld, Reply, is_workerd, settings};
use crate::walls::{Endpoint, Who, endpoints, furnish};

/// One byte more than a body may have.
const TOO_LONG: &str = "4194305";

/// A body that records that it was read. Over HTTP the client sends it whoever reads it: there it never comes, so that a
/// request whose body is waited for has no answer.
fn watched() -> (Body, Arc<AtomicBool>) {
    let is_read = Arc::new(AtomicBool::new(false));
    let told = is_read.clone();
    let body = stream::poll_fn(move |_| -> Poll<Option<Result<Bytes, std::io::Error>>> {
        if is_workerd() {
            return Poll::Pending;
        }
        told.store(true, Ordering::Relaxed);
        Poll::Ready(None)
    });
    (Body::from_stream(body), is_read)
}

/// The answer to a JSON request of that length, and whether its body was read.
async fn ask(api: &Api, method: Method, path: &str, key: &str, length: &str) -> (Reply, bool) {
    let (body, is_read) = watched();
    let call = api.request(method, path).key(key).header("content-type", "application/json");
    let reply = call.header("content-length", length).raw(body).send().await;
    (reply, is_read.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_request_without_the_right_key_or_role_is_refused_before_its_body_is_read() {
    let api = Api::with(Settings { default_account: Some("acme".to_owned()), ..settings() });
    let (acme, ids) = furnish(&api, "acme").await;
    let eve = api.tenant("eve").await;
    let refused = async |endpoint: &Endpoint, key: &str, statuses: &[u16]| {
        let (reply, is_read) = ask(&api, endpoint.method.clone(), &endpoint.path, key, "10").await;
        assert!(statuses.contains(&reply.status.as_u16()), "{endpoint:?}: {:?}", reply.problem());
        assert!(!is_read, "{endpoint:?} reads the body of a request that it answers {}", reply.status);
    };
    for endpoint in endpoints("acme", &ids) {
        refused(&endpoint, "nonsense", &[401]).await;
        if endpoint.who != Who::Holder {
            refused(&endpoint, &acme.caller, &[403]).await;
        }
        if endpoint.template.contains("{account}") {
            refused(&endpoint, &eve.admin, &[403, 404]).await;
        }
    }
}

#[tokio::test]
async fn a_body_whose_declared_length_is_too_long_is_not_read() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.body.is_some()) {
        let (method, key) = (endpoint.method.clone(), endpoint.key(&acme));
        let (reply, is_read) = ask(&api, method, &endpoint.path, key, TOO_LONG).await;
        assert_eq!(reply.problem(), (413, "payload_too_large".to_owned()), "{endpoint:?}");
        assert!(!is_read, "{endpoint:?}");
    }
}

#[tokio::test]
async fn an_endpoint_without_a_body_reads_none() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.body.is_none()) {
        let (method, key) = (endpoint.method.clone(), endpoint.key(&acme));
        // A POST may have a body that can be left out.
        let takes_one = method == Method::POST;
        if takes_one && is_workerd() {
            continue;
        }
        let (reply, is_read) = ask(&api, method, &endpoint.path, key, "10").await;
        assert!(!reply.status.is_server_error() && (takes_one || !is_read), "{endpoint:?}");
    }
}

#[tokio::test]
async fn an_unknown_path_or_method_is_refused_before_the_body_is_read() {
    let api = Api::new();
    for (method, path, status) in [
        (Method::POST, "/nowhere", 404),
        (Method::PUT, "/", 405),
        (Method::POST, "/api/v1/accounts/acme/keys/k", 405),
        (Method::PATCH, "/agents/triage/v1/chat/completions", 405),
    ] {
        let (reply, is_read) = ask(&api, method, path, "", "10").await;
        assert_eq!((reply.status.as_u16(), is_read), (status, false), "{path}");
    }
}

#[tokio::test]
async fn a_call_without_the_right_key_is_refused_before_its_body_is_read() {
    let api = Api::with(Settings { default_account: Some("acme".to_owned()), ..settings() });
    let (acme, _) = furnish(&api, "acme").await;
    for template in Paths::of::<FakeWorld>(face::All).paths {
        let path = template.replace("{account}", "acme").replace("{agent}", "triage");
        let path = path.replace("{model}", "triage");
        // Threads and memories, and what is a thread by another name, have tests of their own.
        let others = ["/threads", "/runs", "/memories", "{response}", "/conversations"];
        if others.iter().any(|part| path.contains(part)) {
            continue;
        }
        let method = if path.contains("/models") { Method::GET } else { Method::POST };
        let (reply, is_read) = ask(&api, method.clone(), &path, "nonsense", "10").await;
        assert_eq!((reply.status.as_u16(), is_read), (401, false), "{path}");
        let (reply, is_read) = ask(&api, method.clone(), &path, &acme.caller, TOO_LONG).await;
        let expected = if method == Method::GET { 200 } else { 413 };
        assert_eq!((reply.status.as_u16(), is_read), (expected, false), "{path}");
        if template.starts_with("/v1/") {
            continue;
        }
        // An agent, or else an account, that there is not.
        let nobody = if template.contains("{agent}") {
            path.replace("triage", "nobody")
        } else {
            path.replace("acme", "nobody")
        };
        let (reply, is_read) = ask(&api, method, &nobody, &acme.caller, "10").await;
        assert_eq!((reply.status.as_u16(), is_read), (404, false), "{nobody}");
    }
}
