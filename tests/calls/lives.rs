//! Where an agent is in its life decides whether its calls are answered, from the very next one.

use axum::http::Method;
use serde_json::json;

use crate::ask::{Ask, Face};
use crate::stage::Stage;

/// Moves `triage`.
fn put(stage: &Stage, status: &str) {
    stage.write(&format!(
        "UPDATE agents SET status = '{status}', updated_at = updated_at + 1500
         WHERE account_id = ?1 AND slug = 'triage'"
    ));
}

fn models(stage: &Stage) -> Ask<'_> {
    stage.request(Method::GET, "/accounts/acme/agents/triage/v1/models").key(&stage.acme.caller)
}

#[tokio::test]
async fn each_status_answers_or_refuses_from_the_next_call() {
    let stage = Stage::new().await;
    for (status, refused) in [
        ("draft", Some("published")),
        ("published", None),
        ("inactive", Some("active")),
        ("active", None),
        ("draft", Some("published")),
        ("deprecated", None),
    ] {
        put(&stage, status);
        for face in Face::ALL {
            if let Some(mended) = refused {
                let reply = stage.ask(face, "triage").send().await;
                reply.assert_refusal(403, "agent_not_active");
                let words = reply.words();
                assert!(words.contains(&format!("The agent is {status}")), "{words}");
                let way = format!("POST /api/v1/agents/triage/status {{\"status\": \"{mended}\"}}");
                assert!(words.contains(&way), "{words}");
                if face.is_openai() {
                    assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
                }
            } else {
                stage.then(face.served((10, 5)));
                assert_eq!(stage.ask(face, "triage").send().await.status, 200, "{status}");
            }
        }
        let listed = models(&stage).send().await;
        match refused {
            Some(_) => listed.assert_refusal(403, "agent_not_active"),
            None => assert_eq!(listed.status, 200),
        }
    }
    assert_eq!(stage.books("triage").await.ledger.len(), 12);
    assert_eq!(stage.take_asked().len(), 12, "no provider is asked for the others");
}

#[tokio::test]
async fn a_warm_refusal_asks_the_epoch_and_no_directory() {
    let stage = Stage::new().await;
    put(&stage, "inactive");
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(403, "agent_not_active");
    stage.api.world.faults().take_done();
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(403, "agent_not_active");
    assert_eq!(stage.api.world.faults().take_done(), ["epoch"]);
}

#[tokio::test]
async fn a_status_that_changes_between_reading_and_admission_is_seen() {
    let stage = Stage::new().await;
    stage.then(Face::Chat.served((10, 5)));
    stage.ask(Face::Chat, "triage").send().await.ok();
    let mut is_first = true;
    let world = stage.clone();
    stage.api.world.faults().meddle("admit", move || {
        if std::mem::take(&mut is_first) {
            put(&world, "inactive");
        }
    });
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(403, "agent_not_active");
    assert_eq!(stage.take_asked().len(), 1);
}

#[tokio::test]
async fn a_deprecated_agent_says_since_when() {
    let stage = Stage::new().await;
    for (status, header) in [("active", ""), ("deprecated", "@1795262403")] {
        put(&stage, status);
        for face in Face::ALL {
            stage.then(face.served((10, 5)));
            let reply = stage.ask(face, "triage").send().await;
            assert_eq!(reply.header("deprecation"), header, "{face:?} {status}");
        }
        assert_eq!(models(&stage).send().await.header("deprecation"), header);
    }
}

#[tokio::test]
async fn an_archived_agent_is_gone_by_slug_and_by_id() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        let id =
            stage.api.get("/api/v1/agents/triage").key(&stage.acme.member).send().await.ok()["id"].clone();
        let id = id.as_str().unwrap();
        stage.then(face.served((10, 5))).then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        assert_eq!(stage.ask(face, id).send().await.status, 200);
        stage.api.delete("/api/v1/agents/triage").key(&stage.acme.admin).send().await.no_content();
        for stage in [&stage, &stage.elsewhere()] {
            for agent in ["triage", id] {
                let reply = stage.ask(face, agent).send().await;
                reply.assert_refusal(410, "agent_archived");
                assert!(reply.words().contains(&format!("/api/v1/agents/{id}/restore")), "{}", reply.words());
                stage.ask(face, agent).anonymous().send().await.assert_refusal(401, "unauthenticated");
            }
            stage.ask(face, "nobody").send().await.assert_refusal(404, "not_found");
        }
        models(&stage).send().await.assert_refusal(410, "agent_archived");
        stage.agent("triage", &json!({"instructions": "Begin anew."})).await;
        stage.take_asked();
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200, "the slug is another's now");
        assert_eq!(stage.asked_once()["messages"][0]["content"], "Begin anew.");
        stage.ask(face, id).send().await.assert_refusal(410, "agent_archived");
    }
}

#[tokio::test]
async fn a_slug_that_several_had_stands_for_the_one_that_had_it_last() {
    let stage = Stage::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let agent = stage.agent("passed-on", &json!({})).await;
        ids.push(agent["id"].as_str().unwrap().to_owned());
        stage.api.delete("/api/v1/agents/passed-on").key(&stage.acme.admin).send().await.no_content();
        stage.api.world.clock().advance(1_000);
    }
    let put_off = |ms: &str, n: usize| {
        stage.write(&format!(
            "UPDATE agents SET archived_at = archived_at + {ms} WHERE account_id = ?1 AND id = '{}'",
            ids[n]
        ));
    };
    for (ahead, last) in [("0", 2), ("5000", 0), ("9000", 1)] {
        put_off(ahead, last);
        let reply = stage.ask(Face::Chat, "passed-on").send().await;
        reply.assert_refusal(410, "agent_archived");
        assert!(reply.words().contains(&ids[last]), "{}", reply.words());
    }
}

#[tokio::test]
async fn who_may_not_know_is_not_told() {
    let stage = Stage::new().await;
    let other = stage.agent("other", &json!({})).await["id"].as_str().unwrap().to_owned();
    let elsewhere = stage.api.issue("acme", &json!({"name": "o", "role": "caller", "agents": [other]})).await;
    for status in ["draft", "inactive"] {
        put(&stage, status);
        for face in Face::ALL {
            stage.ask(face, "triage").anonymous().send().await.assert_refusal(401, "unauthenticated");
            stage.ask(face, "triage").key(&elsewhere).send().await.assert_refusal(403, "forbidden");
        }
        models(&stage).anonymous().send().await.assert_refusal(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_public_agent_tells_anyone() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"access": "public"})).await;
    put(&stage, "inactive");
    for face in Face::ALL {
        stage.ask(face, "triage").anonymous().send().await.assert_refusal(403, "agent_not_active");
    }
    stage.api.delete("/api/v1/agents/triage").key(&stage.acme.admin).send().await.no_content();
    for face in Face::ALL {
        stage.ask(face, "triage").anonymous().send().await.assert_refusal(410, "agent_archived");
    }
}
