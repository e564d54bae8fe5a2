//! Versions in the real D1: none missing and none doubled, however many write; and a rollback holds from the next call.

use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Price, Script};
use crate::harness::live;

const WRITERS: u64 = 50;

fn numbers(page: &Value) -> Vec<u64> {
    let lines = page["data"].as_array().expect("a page has data").iter();
    lines.map(|line| line["version"].as_u64().expect("a version has a number")).collect()
}

#[test]
fn fifty_writers_at_once_make_fifty_versions() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let writes = (0..WRITERS).map(|n| {
            let fields = json!({"config": {(format!("writer_{n}")): n}});
            account.call(Method::PATCH, &agent.api("")).json(&fields).send()
        });
        let written = join_all(writes).await;
        let mut made: Vec<u64> = Vec::new();
        for reply in written {
            made.push(reply.expect(200).json()["version"].as_u64().expect("an agent has a version"));
        }
        made.sort_unstable();
        assert_eq!(made, (2..=WRITERS + 1).collect::<Vec<_>>(), "each writer made one of its own");
        let all = account.get(&agent.api("/versions?limit=200")).await.expect(200).json();
        assert_eq!(numbers(&all), (1..=WRITERS + 1).rev().collect::<Vec<_>>());
        let last = account.get(&agent.api("")).await.expect(200).json();
        assert_eq!(last["config"].as_object().map(serde_json::Map::len), Some(50), "nobody's change is lost");
        let first = account.get(&agent.api("/versions/1")).await.expect(200).json();
        assert_eq!(first["config"], json!({}));
    });
}

#[test]
fn a_rollback_holds_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let mut agent = account.agent(&format!("emu:{}", model.code)).create().await;
        agent.change("instructions", json!("The second.")).await;
        for round in 0..12 {
            let version = 2 - round % 2;
            account.post(&agent.api("/rollback"), &json!({"version": version})).await.expect(200);
            let reply = agent.chat(&format!("question {round}")).await.expect(200);
            let newest = account.get(&agent.api("")).await.expect(200).json();
            assert_eq!(reply.header("x-agent-version"), newest["version"].to_string());
            let told = model.last().system();
            assert_eq!(told.contains("The second."), version == 2, "round {round}: {told}");
        }
    });
}

#[test]
fn copies_made_at_once_are_all_made_and_told_apart() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let copies =
            join_all((0..10).map(|_| account.call(Method::POST, &agent.api("/duplicate")).send())).await;
        let mut names: Vec<String> = Vec::new();
        for copy in copies {
            names.push(copy.expect(201).json()["name"].to_string());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 10, "{names:?}");
    });
}

#[test]
fn lists_are_narrowed_by_every_filter() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let line = format!("emu:{}", model.code);
        let agent = account.agent(&line).with("labels", json!(["team-a"])).create().await;
        account.agent(&line).with("type", json!("router")).with("status", json!("draft")).create().await;
        let gone = account.agent(&line).with("labels", json!(["team-a"])).create().await;
        account.delete(&gone.api("")).await.expect(204);
        let found = async |query: String| -> Vec<Value> {
            let page = account.get(&format!("/api/v1/agents{query}")).await.expect(200).json();
            page["data"]
                .as_array()
                .expect("a page has data")
                .iter()
                .map(|agent| agent["id"].clone())
                .collect()
        };
        let (own, archived) = (vec![json!(agent.id)], vec![json!(gone.id)]);
        for query in
            ["?status=active", "?label=team-a", "?type=simple-chat", "?status=active&type=simple-chat"]
        {
            assert_eq!(found(query.to_owned()).await, own, "{query}");
        }
        assert_eq!(found(format!("?q={}", agent.slug)).await, own);
        for query in ["?status=archived", "?status=archived&label=team-a"] {
            assert_eq!(found(query.to_owned()).await, archived, "{query}");
        }
        let page = account.get("/api/v1/agents?limit=1").await.expect(200).json();
        assert_eq!((&page["data"][0]["healthy"], &page["data"][0]["problems"]), (&json!(true), &json!([])));
    });
}
