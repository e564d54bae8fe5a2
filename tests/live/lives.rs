//! Where an agent is in its life holds from the very next call, while other clients keep the memory of the Worker warm.

use serde_json::json;

use crate::emulator::{Price, Script};
use crate::epoch::under_traffic;
use crate::harness::live;

const ROUNDS: u64 = 12;

#[test]
fn a_status_holds_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let put = async |status: &str| {
            account.post(&agent.api("/status"), &json!({"status": status})).await.expect(200);
        };
        under_traffic(&agent, async || {
            for round in 0..ROUNDS {
                put("inactive").await;
                let refused = agent.chat("hello").await.expect(403);
                assert_eq!(refused.problem(), "agent_not_active", "round {round}");
                put("active").await;
                assert_eq!(agent.chat("hello").await.expect(200).header("deprecation"), "");
            }
        })
        .await;
        put("deprecated").await;
        let since = agent.chat("hello").await.expect(200).header("deprecation").to_owned();
        let seconds = since.strip_prefix('@').and_then(|seconds| seconds.parse::<u64>().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 1_700_000_000), "{since}");
        let listed = agent.completion(&json!({})).send().await.expect(200);
        assert_eq!(listed.header("deprecation"), since);
    });
}

#[test]
fn the_archive_and_the_way_back_hold_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        under_traffic(&agent, async || {
            for round in 0..ROUNDS {
                account.delete(&agent.api("")).await.expect(204);
                assert_eq!(
                    agent.chat("hello").await.expect(410).problem(),
                    "agent_archived",
                    "round {round}"
                );
                let restore = format!("/api/v1/agents/{}/restore", agent.id);
                account.post(&restore, &json!({})).await.expect(200);
                agent.chat("hello").await.expect(200);
            }
        })
        .await;
    });
}

#[test]
fn a_draft_answers_once_it_is_published() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let draft = account.agent(&format!("emu:{}", model.code)).with("status", json!("draft"));
        let agent = draft.create().await;
        assert_eq!(agent.chat("hello").await.expect(403).problem(), "agent_not_active");
        let refused = agent.completion(&json!({})).send().await.expect(403).json();
        assert_eq!(refused["error"]["code"], "agent_not_active");
        account.post(&agent.api("/status"), &json!({"status": "published"})).await.expect(200);
        agent.chat("hello").await.expect(200);
    });
}
