//! Keys that act for a member: what the member has appended to an agent's instructions, and who may call at all.

use retinue::domain::ids::MemberId;
use retinue::domain::time::Millis;
use serde_json::json;

use crate::ask::Face;
use crate::stage::{BIG, Stage};

/// Makes the account's caller a key of a member with this profile.
fn employ(stage: &Stage, settings: &serde_json::Value) -> String {
    let id = MemberId::new(Millis(1_795_262_400_000), [7; 10]).to_string();
    let profile = json!({"settings": settings});
    stage.write(&format!(
        "INSERT INTO members (account_id, id, email, name, role, created_at, profile)
         VALUES (?1, '{id}', 'ann@acme.example', 'Ann', 'member', 1, '{profile}')"
    ));
    stage.write(&format!("UPDATE keys SET member_id = '{id}' WHERE account_id = ?1 AND role = 'caller'"));
    id
}

#[tokio::test]
async fn a_members_prompt_ends_the_instructions_of_its_own_calls_from_the_next_one() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.agent("other", &json!({})).await;
        let told = async |agent: &str, key: &str| {
            stage.then(face.served((10, 5)));
            assert_eq!(stage.ask(face, agent).key(key).send().await.status, 200);
            stage.asked_once()["messages"][0]["content"].as_str().unwrap().to_owned()
        };
        let (caller, admin) = (&stage.acme.caller, &stage.acme.admin);
        assert_eq!(told("triage", caller).await, "Sort the mail.");
        employ(&stage, &json!({"agent_prompts": {"triage": "Mine first, {{today}}."}}));
        assert_eq!(told("triage", caller).await, "Sort the mail.\n\nMine first, {{today}}.");
        assert_eq!(told("other", caller).await, "Sort the mail.");
        assert_eq!(told("triage", admin).await, "Sort the mail.", "a key of nobody's");
        stage.write("UPDATE members SET profile = replace(profile, 'Mine', 'Theirs') WHERE account_id = ?1");
        assert_eq!(told("triage", caller).await, "Sort the mail.\n\nTheirs first, {{today}}.");
        stage.write("UPDATE members SET profile = '{}' WHERE account_id = ?1");
        assert_eq!(told("triage", caller).await, "Sort the mail.");
    }
}

#[tokio::test]
async fn the_hold_covers_a_members_prompt() {
    let stage = Stage::new().await;
    for settings in [json!({}), json!({"agent_prompts": {"triage": "x".repeat(100)}})] {
        stage.api.world.database().with(|db| db.execute("DELETE FROM members", []).unwrap());
        employ(&stage, &settings);
        stage.then(Face::Chat.served((10, 5)));
        stage.ask(Face::Chat, "triage").send().await.ok();
    }
    assert_eq!(stage.books("triage").await.spread(), (2 + 100) * BIG.0);
}

#[tokio::test]
async fn a_profile_that_is_not_as_it_should_be_stops_no_call() {
    let stage = Stage::new().await;
    employ(&stage, &json!({}));
    for profile in [
        r#"{"settings": 7}"#,
        r#"{"settings": {"agent_prompts": "x"}}"#,
        r#"{"settings": {"agent_prompts": {"triage": 7}}}"#,
    ] {
        stage.write(&format!("UPDATE members SET profile = '{profile}' WHERE account_id = ?1"));
        stage.then(Face::Chat.served((10, 5)));
        stage.ask(Face::Chat, "triage").send().await.ok();
        assert_eq!(stage.asked_once()["messages"][0]["content"], "Sort the mail.");
    }
}

#[tokio::test]
async fn a_key_opens_nothing_while_it_or_its_member_is_inactive() {
    for (table, also) in [("members", ""), ("keys", " AND role = 'caller'")] {
        for face in Face::ALL {
            let stage = Stage::new().await;
            employ(&stage, &json!({}));
            let call = async || {
                stage.then(face.served((10, 5)));
                let status = stage.ask(face, "triage").send().await.status.as_u16();
                (status, stage.take_asked().len())
            };
            assert_eq!(call().await, (200, 1));
            stage.write(&format!("UPDATE {table} SET inactive_at = 5 WHERE account_id = ?1{also}"));
            let refused = stage.ask(face, "triage").send().await;
            refused.assert_refusal(401, "unauthenticated");
            let cold = stage.elsewhere();
            cold.ask(face, "triage").send().await.assert_refusal(401, "unauthenticated");
            cold.ask(face, "nobody").send().await.assert_refusal(401, "unauthenticated");
            stage.write(&format!("UPDATE {table} SET inactive_at = NULL WHERE account_id = ?1{also}"));
            assert_eq!(call().await, (200, 1));
        }
    }
}

#[tokio::test]
async fn an_inactive_members_key_opens_nothing_of_the_control_plane_either() {
    let stage = Stage::new().await;
    employ(&stage, &json!({}));
    stage.write(
        "UPDATE keys SET member_id = (SELECT id FROM members) WHERE account_id = ?1 AND role = 'member'",
    );
    let list = || stage.api.get("/api/v1/agents").key(&stage.acme.member).send();
    assert_eq!(list().await.status, 200);
    stage.write("UPDATE members SET inactive_at = 5 WHERE account_id = ?1");
    assert_eq!(list().await.status, 401);
}
