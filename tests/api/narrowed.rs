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

#[tokio::test]
async fn a_name_that_is_no_agents_is_answered_with_those_that_may_be_called() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "triage"})).await;
    api.agent(&acme, &json!({"slug": "secret"})).await;
    let key = json!({"name": "c", "role": "caller", "agents": ["triage"]});
    let caller = api.issue("acme", &key).await;
    let path = "/accounts/acme/v1/chat/completions";
    for (name, told) in [("gpt-3.5-turbo", "such as `triage`"), ("triag", "did you mean `triage`?")] {
        let body = json!({"model": name, "messages": [{"role": "user", "content": "Hi"}]});
        for reply in [
            api.post(path).key(&caller).json(&body).send().await,
            api.get(&format!("/accounts/acme/v1/models/{name}")).key(&caller).send().await,
        ] {
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            assert_eq!(reply.status.as_u16(), 404, "{text}");
            assert!(text.contains(told) && !text.contains("secret"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_model_of_an_account_is_shown_to_who_may_see_the_list() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let budget = json!({"limit_usd": "1", "period": "day"});
    api.agent(&acme, &json!({"slug": "pub", "access": "public", "budget": budget})).await;
    for path in ["v1/models", "v1/models/pub"] {
        let status = api.get(&format!("/accounts/acme/{path}")).send().await.status.as_u16();
        assert_eq!(status, 401, "{path}");
        api.get(&format!("/accounts/acme/{path}")).key(&acme.admin).send().await.ok();
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_a_call_says_nothing() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    let call = async |body: String| {
        let call = api.post("/accounts/acme/agents/a/chat").key(&acme.admin);
        call.header("content-type", "application/json").raw(body.into()).send().await
    };
    let body = json!({"message": "Hi"}).to_string();
    let (plain, marked) = (call(body.clone()).await, call(format!("\u{feff}{body}")).await);
    assert_ne!(plain.status.as_u16(), 400, "{plain:?}");
    assert_eq!(marked.problem(), plain.problem());
}
