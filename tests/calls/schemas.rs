//! Calls on a database whose schema is older or newer than the code by one migration: what a deployment, or its way
//! back, goes through.

use serde_json::json;

use crate::ask::Face;
use crate::schema;
use crate::stage::Stage;

fn migrate(stage: &Stage, sql: &str) {
    stage.api.world.database().with(|db| {
        db.execute_batch(sql).unwrap();
        // What it knows of the columns is of the schema before.
        db.flush_prepared_statement_cache();
    });
}

/// Back to the schema of so many migrations.
fn back_to(stage: &Stage, count: usize) {
    for migration in schema::migrations()[count..].iter().rev() {
        migrate(stage, &migration.down);
    }
}

async fn assert_serves(stage: &Stage) {
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        let reply = stage.ask(face, "triage").send().await;
        assert_eq!(reply.status, 200, "{face:?}: {}", reply.text());
        stage.then(face.served((10, 5)));
        let reply = stage.ask(face, "open").anonymous().send().await;
        assert_eq!(reply.status, 200, "{face:?}: {}", reply.text());
        stage.ask(face, "nobody").send().await.assert_refusal(404, "not_found");
        stage.ask(face, "triage").anonymous().send().await.assert_refusal(401, "unauthenticated");
    }
    stage.api.world.settled().await;
}

#[tokio::test]
async fn calls_are_served_on_the_schema_before() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    back_to(&stage, schema::migrations().len() - 1);
    assert_serves(&stage.elsewhere()).await;
    stage.api.world.objects().advance(stage.acme.id);
    assert_serves(&stage).await;
}

#[tokio::test]
async fn calls_are_served_on_the_first_schema_and_without_limits() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    stage.limit("calls_per_minute = 0");
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(429, "rate_limited");
    back_to(&stage, 1);
    assert_serves(&stage.elsewhere()).await;
    stage.api.world.objects().advance(stage.acme.id);
    assert_serves(&stage).await;
}

#[tokio::test]
async fn calls_are_served_on_the_schema_after() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    for table in ["accounts", "plans", "keys", "agents", "providers", "models", "aliases"] {
        migrate(&stage, &format!("ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT 'x'"));
    }
    migrate(&stage, r#"UPDATE plans SET features = '["later"]'"#);
    assert_serves(&stage.elsewhere()).await;
}

#[tokio::test]
async fn an_archived_agent_is_gone_on_the_first_schema() {
    let stage = Stage::new().await;
    stage.api.delete("/api/v1/agents/triage").key(&stage.acme.admin).send().await.no_content();
    back_to(&stage, 1);
    for face in Face::ALL {
        stage.elsewhere().ask(face, "triage").send().await.assert_refusal(410, "agent_archived");
    }
}
