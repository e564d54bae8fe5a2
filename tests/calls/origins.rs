//! Pages that call from a browser.

use axum::http::Method;
use serde_json::json;

use crate::ask::{Ask, Face};
use crate::stage::Stage;

const PAGE: &str = "https://shop.example";

fn preflight<'a>(stage: &'a Stage, face: Face, agent: &str, origin: &str) -> Ask<'a> {
    stage
        .request(Method::OPTIONS, &format!("/accounts/acme/agents/{agent}/{}", face.path()))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, content-type, x-stainless-os")
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    stage.agent("shop", &json!({"access": "public", "allowed_origins": [PAGE]})).await;
    stage.agent("inner", &json!({"allowed_origins": [PAGE]})).await;
    stage
}

/// A preflight carries no key: who sends one must not learn what is there, nor make anybody look.
#[tokio::test]
async fn a_preflight_is_answered_alike_whatever_is_there_and_asks_nobody() {
    let stage = stage().await;
    let elsewhere = stage.elsewhere();
    elsewhere.api.world.faults().take_done();
    let mut heads = Vec::new();
    for face in Face::ALL {
        for (agent, origin) in [
            ("open", PAGE),
            ("shop", "https://evil.example"),
            ("inner", "null"),
            ("triage", PAGE),
            ("nobody", PAGE),
            ("No%20Slug", PAGE),
        ] {
            let reply = preflight(&elsewhere, face, agent, origin).send().await;
            assert_eq!(reply.status, 204, "{agent} {origin}: {reply:?}");
            assert_eq!(reply.header("access-control-allow-origin"), "*");
            assert!(reply.header("access-control-allow-methods").contains("POST"));
            assert!(reply.header("access-control-allow-headers").contains("x-stainless-os"));
            assert!(reply.header("access-control-allow-credentials").is_empty());
            assert!(reply.body.is_empty());
            let mut head: Vec<String> =
                reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            head.retain(|line| !line.starts_with("date"));
            heads.push(head);
        }
    }
    heads.dedup();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(elsewhere.api.world.faults().take_done().is_empty(), "no object was asked");
}

#[tokio::test]
async fn a_page_that_may_call_can_read_the_answer_and_its_headers() {
    let stage = stage().await;
    for face in Face::ALL {
        for (agent, allowed) in [("open", "*"), ("shop", PAGE)] {
            stage.then(face.served((10, 5)));
            let reply = stage.ask(face, agent).anonymous().header("origin", PAGE).send().await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("access-control-allow-origin"), allowed);
            assert!(reply.header("access-control-expose-headers").contains("x-call-id"));
        }
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_403_and_spends_nothing() {
    let stage = stage().await;
    for face in Face::ALL {
        for agent in ["shop", "inner"] {
            let reply = stage.ask(face, agent).header("origin", "https://evil.example").send().await;
            reply.assert_refusal(403, "origin_not_allowed");
            assert!(reply.words().contains("https://evil.example"));
            assert!(reply.header("access-control-allow-origin").is_empty());
        }
    }
    stage.assert_untouched("shop").await;
    stage.assert_untouched("inner").await;
}

#[tokio::test]
async fn who_calls_without_a_browser_needs_no_origin() {
    let stage = stage().await;
    for face in Face::ALL {
        for agent in ["shop", "inner", "triage"] {
            stage.then(face.served((10, 5)));
            assert_eq!(stage.ask(face, agent).send().await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_agent_that_names_no_origins_still_answers_a_key_from_anywhere() {
    let stage = stage().await;
    stage.then(Face::Chat.served((10, 5)));
    let reply = stage.ask(Face::Chat, "triage").header("origin", PAGE).send().await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("access-control-allow-origin").is_empty(), "but no page may read it");
}

#[tokio::test]
async fn a_page_that_may_call_can_read_why_it_was_refused() {
    let stage = stage().await;
    for face in Face::ALL {
        stage.set_budget("shop", &json!({"limit_usd": "0.000001", "period": "total"})).await;
        let reply = stage.ask(face, "shop").anonymous().header("origin", PAGE).send().await;
        reply.assert_refusal(402, "budget_exceeded");
        assert_eq!(reply.header("access-control-allow-origin"), PAGE, "{face:?}");
        let reply = stage.ask(face, "inner").anonymous().header("origin", PAGE).send().await;
        reply.assert_refusal(401, "unauthenticated");
    }
}
