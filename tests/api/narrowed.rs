//! Queries as people write them: words in any case, slugs for ids, the form of a list; and what no path reads.

use serde_json::json;

use crate::support::{Api, OPERATOR};

#[tokio::test]
async fn a_type_is_asked_for_as_it_is_written_in_bodies() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "a", "type": "SIMPLE_CHAT"})).await;
    api.agent(&acme, &json!({"slug": "b", "type": "router"})).await;
    for word in ["SIMPLE_CHAT", "simple-chat", "Simple%20Chat"] {
        let listed = api.get(&format!("/api/v1/agents?type={word}")).key(&acme.member).send().await.ok();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{word}");
        assert_eq!(listed["data"][0]["slug"], "a", "{word}");
    }
}

#[tokio::test]
async fn the_changes_of_an_agent_are_found_by_its_slug_also_when_it_is_archived() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let id = api.agent(&acme, &json!({"slug": "a"})).await["id"].clone();
    api.agent(&acme, &json!({"slug": "b"})).await;
    let changes = async |query: &str| {
        api.get(&format!("/api/v1/changes?{query}")).key(&acme.member).send().await.ok()["data"].clone()
    };
    for query in ["subject=agent&id=a", "subject=Agent&id=a"] {
        assert_eq!(changes(query).await[0]["subject_id"], id, "{query}");
        assert_eq!(changes(query).await.as_array().unwrap().len(), 1, "{query}");
    }
    api.delete("/api/v1/agents/a").key(&acme.admin).send().await.no_content();
    assert_eq!(changes("subject=agent&id=a").await.as_array().unwrap().len(), 2);
    assert_eq!(changes("subject=agent&id=nobody").await, json!([]));
}

#[tokio::test]
async fn the_list_of_flags_is_an_array_when_that_is_asked_for() {
    let api = Api::new();
    let whole = api.get("/api/v1/flags").key(OPERATOR).send().await.ok();
    assert_eq!(api.get("/api/v1/flags?format=array").key(OPERATOR).send().await.ok(), whole["data"]);
}

#[tokio::test]
async fn paths_of_calls_refuse_what_they_do_not_read_of_the_query() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    let body = json!({"message": "Hi", "messages": [{"role": "user", "content": "Hi"}], "model": "a"});
    for path in ["agents/a/chat", "agents/a/stream", "agents/a/v1/chat/completions", "v1/chat/completions"] {
        let call = api.post(&format!("/accounts/acme/{path}?surprise=1")).key(&acme.admin).json(&body);
        let reply = call.send().await;
        assert_eq!(reply.status.as_u16(), 400, "{path}: {reply:?}");
        assert!(String::from_utf8_lossy(&reply.body).contains("surprise"), "{path}: {reply:?}");
    }
    for path in ["agents/a/v1/models", "agents/a/v1/models/a", "v1/models", "v1/models/a"] {
        let list = async |query: &str| {
            api.get(&format!("/accounts/acme/{path}?{query}")).key(&acme.admin).send().await.status.as_u16()
        };
        assert_eq!((list("surprise=1").await, list("api-version=2024-10-21").await), (400, 200), "{path}");
    }
}
