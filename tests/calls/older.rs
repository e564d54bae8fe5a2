//! A deployment goes from one schema to the next while calls come in: on the one before, they are served too.

use axum::http::Method;
use serde_json::json;

use crate::ask::Face;
use crate::schema;
use crate::stage::Stage;

/// A stage whose directory has gone back by one migration.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.agent("gone", &json!({})).await;
    stage.api.delete("/api/v1/agents/gone").key(&stage.acme.admin).send().await.no_content();
    let last = schema::migrations().pop().unwrap();
    stage.api.world.database().with(|db| db.execute_batch(&last.down).unwrap());
    stage
}

#[tokio::test]
async fn calls_are_served_on_the_schema_before() {
    let stage = stage().await;
    for face in Face::ALL {
        for (agent, stage) in [("triage", &stage), ("triage", &stage.elsewhere())] {
            stage.then(face.served((10, 5)));
            let reply = stage.ask(face, agent).send().await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(stage.asked_once()["messages"][0]["content"], "Sort the mail.");
        }
        let path = "/accounts/acme/agents/triage/v1/models";
        stage.request(Method::GET, path).key(&stage.acme.caller).send().await.ok();
    }
    assert_eq!(stage.books("triage").await.ledger.len(), 8);
}

#[tokio::test]
async fn refusals_are_the_same_on_the_schema_before() {
    let stage = stage().await;
    for face in Face::ALL {
        let cold = stage.elsewhere();
        cold.ask(face, "triage").anonymous().send().await.assert_refusal(401, "unauthenticated");
        cold.ask(face, "gone").send().await.assert_refusal(410, "agent_archived");
        cold.ask(face, "nobody").send().await.assert_refusal(404, "not_found");
    }
}
