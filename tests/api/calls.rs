//! `/api/v1/agents/{agent}/calls`.

use retinue::domain::admission::command::{CallRecord, CallStatus, UsageKind};
use retinue::domain::ids::{AgentId, CallId, KeyId};
use retinue::domain::message::Usage;
use retinue::domain::money::Nanos;
use serde_json::{Value, json};

use crate::support::{Api, NOON};

/// The `n`th call of an agent.
pub fn record(agent: AgentId, n: i64, cost: u64) -> CallRecord {
    CallRecord {
        call: CallId::new(NOON.plus(n), [0; 10]),
        agent,
        key: Some(KeyId::new(NOON, [1; 10])),
        version: 3,
        model: "openai:gpt-4.1-mini".to_owned(),
        status: CallStatus::Ok,
        usage: UsageKind::Reported,
        tokens: Usage {
            input_tokens: 100,
            cached_input_tokens: 40,
            cache_write_tokens: 10,
            hour_write_tokens: 0,
            audio_input_tokens: 0,
            output_tokens: 20,
            reasoning_tokens: 5,
        },
        held: Nanos::new(cost * 2),
        cost: Nanos::new(cost),
        at: NOON.plus(n),
        first_token_ms: Some(120),
        duration_ms: 900,
        run: None,
    }
}

#[tokio::test]
async fn the_ledger_is_read_newest_first_in_pages() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let triage = api.agent(&acme, &json!({"slug": "triage"})).await;
    let other = api.agent(&acme, &json!({"slug": "other"})).await;
    let id = |agent: &Value| AgentId::parse(agent["id"].as_str().unwrap()).unwrap();
    for n in 0..5 {
        api.world.objects().book(acme.id, record(id(&triage), n, 150_000));
        api.world.objects().book(acme.id, record(id(&other), 100 + n, 1));
    }
    let first = api.get("/api/v1/agents/triage/calls?limit=2").key(&acme.member).send().await.ok();
    assert_eq!(
        first["data"][0],
        json!({
            "id": CallId::new(NOON.plus(4), [0; 10]).to_string(), "key": KeyId::new(NOON, [1; 10]).to_string(),
            "version": 3, "model": "openai:gpt-4.1-mini", "status": "ok", "usage": "reported",
            "tokens": {"input": 100, "cached": 40, "cache_write": 10, "output": 20, "reasoning": 5},
            "held_usd": "0.000300", "cost_usd": "0.000150", "first_token_ms": 120, "duration_ms": 900,
            "run_id": null, "created_at": "2026-11-21T12:00:00.004Z",
        })
    );
    let mut ids = Vec::new();
    let mut page = first;
    loop {
        ids.extend(
            page["data"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        let path = format!("/api/v1/agents/triage/calls?limit=2&cursor={next}");
        page = api.get(&path).key(&acme.member).send().await.ok();
    }
    let expected: Vec<String> =
        (0..5).rev().map(|n| CallId::new(NOON.plus(n), [0; 10]).to_string()).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn an_archived_agents_ledger_is_found_by_its_id() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let triage = api.agent(&acme, &json!({"slug": "triage"})).await;
    let id = triage["id"].as_str().unwrap();
    api.world.objects().book(acme.id, record(AgentId::parse(id).unwrap(), 1, 1));
    api.delete("/api/v1/agents/triage").key(&acme.admin).send().await.no_content();
    let by_id = api.get(&format!("/api/v1/agents/{id}/calls")).key(&acme.member).send().await.ok();
    assert_eq!(by_id["data"].as_array().unwrap().len(), 1);
    for name in ["triage", "0190b0a0-0000-7000-8000-000000000000", "No_Slug"] {
        let gone = api.get(&format!("/api/v1/agents/{name}/calls")).key(&acme.member).send().await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn a_page_of_nonsense_is_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "triage"})).await;
    let bad = api.get("/api/v1/agents/triage/calls?limit=0&cursor=x").key(&acme.member).send().await;
    assert_eq!(bad.fields(), ["limit", "cursor"]);
}
