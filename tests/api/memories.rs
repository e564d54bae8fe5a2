//! What agents remember, as the account's members look after it.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

struct Stage {
    api: Api,
    acme: Tenant,
}

impl Stage {
    async fn new() -> Self {
        let api = Api::new();
        let acme = api.tenant("acme").await;
        Self { api, acme }
    }

    async fn get(&self, path: &str) -> Reply {
        self.api.get(&format!("/api/v1/memories{path}")).key(&self.acme.member).send().await
    }

    async fn post(&self, body: &Value) -> Reply {
        self.api.post("/api/v1/memories").key(&self.acme.member).json(body).send().await
    }

    async fn patch(&self, path: &str, body: &Value, if_match: Option<&str>) -> Reply {
        let request =
            self.api.request(Method::PATCH, &format!("/api/v1/memories{path}")).key(&self.acme.member);
        let request = if_match.into_iter().fold(request, |request, tag| request.header("if-match", tag));
        request.json(body).send().await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.api.delete(&format!("/api/v1/memories{path}")).key(&self.acme.member).send().await
    }

    async fn texts(&self, path: &str) -> Vec<String> {
        let page = self.get(path).await.ok();
        let texts = page["data"].as_array().unwrap().iter().map(|memory| memory["text"].as_str().unwrap());
        texts.map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_memory_is_written_found_changed_and_deleted() {
    let stage = Stage::new().await;
    let body = json!({"text": "Prefers short answers.", "user": "ada", "labels": ["style"], "metadata": {"from": "survey"}});
    let made = stage.post(&body).await;
    let tag = made.header("etag").to_owned();
    let memory = made.created();
    assert_eq!(
        memory,
        json!({"id": memory["id"], "kind": "user", "user": "ada", "text": "Prefers short answers.", "labels": ["style"],
            "metadata": {"from": "survey"}, "status": "active", "supersedes": null, "superseded_by": null,
            "source": {"key": memory["source"]["key"]}, "created_at": "2026-11-21T12:00:00.000Z",
            "updated_at": "2026-11-21T12:00:00.000Z"})
    );
    let again = stage.post(&body).await;
    assert_eq!(
        (again.status.as_u16(), again.json()),
        (200, memory.clone()),
        "the same text is the same memory"
    );
    let path = format!("/{}?user=ada", memory["id"].as_str().unwrap());
    assert_eq!(stage.get(&path).await.ok(), memory);

    stage.api.world.clock().advance(1_000);
    let changed =
        stage.patch(&path, &json!({"text": "Prefers long answers.", "labels": null}), Some(&tag)).await;
    let new_tag = changed.header("etag").to_owned();
    let changed = changed.ok();
    assert_eq!((&changed["text"], &changed["labels"]), (&json!("Prefers long answers."), &json!([])));
    assert_eq!(changed["updated_at"], "2026-11-21T12:00:01.000Z");
    let stale = stage.patch(&path, &json!({"status": "archived"}), Some(&tag)).await;
    assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
    assert_eq!(stage.patch(&path, &changed, None).await.ok(), changed, "what GET shows changes nothing");
    let archived = stage.patch(&path, &json!({"status": "archived"}), Some(&new_tag)).await.ok();
    assert_eq!(archived["status"], "archived");
    assert_eq!(stage.texts("?user=ada&status=active").await, Vec::<String>::new());
    assert_eq!(stage.texts("?user=ada&q=LONG").await, ["Prefers long answers."]);
    assert_eq!(stage.texts("?user=ada&q=short").await, Vec::<String>::new(), "its first wording is gone");

    stage.delete(&path).await.no_content();
    assert_eq!(stage.get(&path).await.problem(), (404, "not_found".to_owned()));
    assert_eq!(stage.delete(&path).await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn operations_of_a_json_patch_are_done_on_what_is_shown() {
    let stage = Stage::new().await;
    let memory = stage.post(&json!({"text": "Opens at nine.", "labels": ["a"]})).await.created();
    let path = format!("/api/v1/memories/{}", memory["id"].as_str().unwrap());
    let patch = |operations: Value| {
        let request = stage.api.request(Method::PATCH, &path).key(&stage.acme.member);
        request
            .header("content-type", "application/json-patch+json")
            .raw(operations.to_string().into())
            .send()
    };
    let added = patch(
        json!([{"op": "test", "path": "/kind", "value": "work"}, {"op": "add", "path": "/labels/-", "value": "b"}]),
    );
    assert_eq!(added.await.ok()["labels"], json!(["a", "b"]));
    let failed = patch(json!([{"op": "test", "path": "/status", "value": "archived"}])).await;
    assert_eq!(failed.problem(), (409, "conflict".to_owned()));
    let other = patch(json!([{"op": "replace", "path": "/kind", "value": "user"}])).await;
    assert_eq!(other.fields(), ["kind"]);
}

#[tokio::test]
async fn memories_of_people_and_of_the_work_stand_apart() {
    let stage = Stage::new().await;
    for body in [
        json!({"text": "Ada's.", "user": "ada"}),
        json!({"text": "Bob's.", "user": "bob", "kind": "user"}),
        json!({"text": "The work's."}),
        json!({"text": "The work's, too.", "memory_type": "work"}),
        json!({"text": "Of somebody called as the work is.", "user": "@work"}),
    ] {
        stage.post(&body).await.created();
    }
    for (query, texts) in [
        ("", &["The work's, too.", "The work's."][..]),
        ("?kind=work", &["The work's, too.", "The work's."]),
        ("?memory_type=work", &["The work's, too.", "The work's."]),
        ("?user=ada", &["Ada's."]),
        ("?user=bob&kind=user", &["Bob's."]),
        ("?user=bob&memory_type=user&kind=user", &["Bob's."]),
        ("?user=%40work", &["Of somebody called as the work is."]),
        ("?user=nobody", &[]),
    ] {
        assert_eq!(stage.texts(query).await, texts, "{query}");
    }
    for (query, fields) in [
        ("?kind=user", &["user"][..]),
        ("?kind=work&user=ada", &["user"]),
        ("?kind=people", &["kind"]),
        ("?memory_type=people", &["memory_type"]),
        ("?kind=work&memory_type=user", &["memory_type"]),
        ("?user=", &["user"]),
        ("?status=gone&limit=0&cursor=x", &["status", "limit", "cursor"]),
        ("?q=", &["q"]),
        ("?usr=ada", &["usr"]),
        ("?user=ada&user=bob", &["user"]),
    ] {
        let refused = stage.get(query).await;
        assert_eq!(refused.problem(), (400, "validation_failed".to_owned()), "{query}");
        let mut found = refused.fields();
        found.dedup();
        assert!(fields.iter().all(|field| found.contains(&(*field).to_owned())), "{query}: {found:?}");
    }
    let nearest = stage.get("?usr=ada").await;
    assert!(nearest.detail().contains("`user`"), "{}", nearest.detail());
    let ada = stage.get("?user=ada").await.ok()["data"][0]["id"].clone();
    let elsewhere = format!("/{}", ada.as_str().unwrap());
    assert_eq!(
        stage.get(&elsewhere).await.problem(),
        (404, "not_found".to_owned()),
        "of the work it is none"
    );
    assert_eq!(stage.get(&format!("{elsewhere}?user=bob")).await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let stage = Stage::new().await;
    for (body, field) in [
        (json!({"user": "ada"}), "text"),
        (json!({"text": ""}), "text"),
        (json!({"text": "x".repeat(4_001)}), "text"),
        (json!({"text": "The key is sk-proj-abcdefghijklmnop."}), "text"),
        (json!({"text": "x", "user": "u".repeat(256)}), "user"),
        (json!({"text": "x", "kind": "user"}), "user"),
        (json!({"text": "x", "labels": ["", "b"]}), "labels[0]"),
        (json!({"text": "x", "metadata": {"a": 1}}), "metadata.a"),
        (json!({"text": "x", "supersedes": "nothing"}), "supersedes"),
        (json!({"text": "x", "supersedes": "0199f000-0000-7000-8000-000000000000"}), "supersedes"),
        (json!({"texts": "x", "text": "y"}), "texts"),
    ] {
        assert_eq!(stage.post(&body).await.fields(), [field], "{body}");
    }
    assert_eq!(stage.texts("").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_newer_memory_takes_the_place_of_an_older_one() {
    let stage = Stage::new().await;
    let old = stage.post(&json!({"text": "Opens at nine."})).await.created();
    let new = json!({"text": "Opens at ten.", "supersedes": old["id"]});
    let new = stage.post(&new).await.created();
    assert_eq!(new["supersedes"], old["id"]);
    let path = format!("/{}", old["id"].as_str().unwrap());
    let old = stage.get(&path).await.ok();
    assert_eq!((&old["status"], &old["superseded_by"]), (&json!("superseded"), &new["id"]));
    let late = stage.post(&json!({"text": "Opens at eleven.", "supersedes": old["id"]})).await;
    assert!(late.detail().contains(new["id"].as_str().unwrap()), "{}", late.detail());
    let by_hand = stage
        .patch(&format!("/{}", new["id"].as_str().unwrap()), &json!({"status": "superseded"}), None)
        .await;
    assert_eq!(by_hand.fields(), ["status"]);
    let back = stage.patch(&path, &json!({"status": "active"}), None).await.ok();
    assert_eq!((&back["status"], &back["superseded_by"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn pages_have_every_memory_once() {
    let stage = Stage::new().await;
    for n in 0..7 {
        stage.post(&json!({"text": format!("Rule {n} of the house.")})).await.created();
    }
    for query in ["?limit=3", "?limit=3&q=house"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stage.get(&format!("{query}{cursor}")).await.ok();
            seen.extend(page["data"].as_array().unwrap().iter().map(|memory| memory["text"].to_string()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 7, "{query}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 7, "{query}");
    }
    let next = stage.get("?limit=3").await.ok()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(
        stage.get(&format!("?q=house&cursor={next}")).await.fields(),
        ["cursor"],
        "a cursor of another list"
    );
}

#[tokio::test]
async fn no_other_account_and_no_caller_sees_anything() {
    let stage = Stage::new().await;
    let memory = stage.post(&json!({"text": "Ada's.", "user": "ada"})).await.created();
    let eve = stage.api.tenant("eve").await;
    let listed = stage.api.get("/api/v1/memories?user=ada").key(&eve.admin).send().await.ok();
    assert_eq!(listed["data"], json!([]));
    let path = format!("/api/v1/memories/{}?user=ada", memory["id"].as_str().unwrap());
    for method in [Method::GET, Method::DELETE] {
        let foreign = stage.api.request(method, &path).key(&eve.admin).send().await;
        assert_eq!(foreign.problem(), (404, "not_found".to_owned()));
    }
    let caller = stage.api.get("/api/v1/memories?user=ada").key(&stage.acme.caller).send().await;
    assert_eq!(caller.problem(), (403, "forbidden".to_owned()));
    let key = json!({"name": "scoped", "role": "member", "scopes": ["memories:read"]});
    let reads = stage.api.issue("acme", &key).await;
    stage.api.get(&path).key(&reads).send().await.ok();
    let refused = stage.api.delete(&path).key(&reads).send().await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    assert!(refused.detail().contains("memories:write"), "{}", refused.detail());
    assert_eq!(stage.texts("?user=ada").await, ["Ada's."]);
}
