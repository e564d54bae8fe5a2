//! A person is erased, and the server is killed in the middle of it: what was marked is on no disk afterwards.

use std::path::{Path, PathBuf};

use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Emulator, Price, Script};
use crate::harness::{Account, Agent, App, DEADLINE, Settings, eventually, live, unique};

/// How many the person has: more than the index needs pages for.
const THREADS: usize = 40;

/// The files below a folder that have this in them.
fn files_with(folder: &Path, mark: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(files_with(&path, mark));
        } else if std::fs::read(&path).is_ok_and(|bytes| has(&bytes, mark.as_bytes())) {
            found.push(path);
        }
    }
    found
}

fn has(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

async fn api(account: &Account, method: Method, path: &str) -> Value {
    let reply = account.anonymous(method, path).key(&account.admin.secret).send().await;
    assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
    reply.json()
}

/// All that a person leaves: threads, runs, a run in somebody else's thread, a call without a thread, memories.
async fn leave_traces(agent: &Agent, mark: &str) {
    let account = &agent.account;
    let says = |n: u32| format!("{mark} says {n} {}", "lorem ipsum ".repeat(200));
    for n in 0..THREADS {
        let thread = json!({"id": format!("t{n}"), "user": mark, "title": mark, "labels": [format!("l:{mark}")],
            "metadata": {"name": mark}});
        agent.call("/threads", &thread).send().await.expect(201);
        for m in 0..if n < 4 { 3 } else { 1 } {
            let run = json!({"message": says(m)});
            agent.call(&format!("/threads/t{n}/runs"), &run).send().await.expect(201);
        }
    }
    agent.call("/threads", &json!({"id": "other", "user": "somebody"})).send().await.expect(201);
    let issued = agent.call("/threads/other/tokens", &json!({"user": mark})).send().await.expect(201).json();
    let path = agent.path("/threads/other/runs");
    let token = issued["token"].as_str().expect("a token is issued");
    let run = account.anonymous(Method::POST, &path).key(token).json(&json!({"message": says(9)}));
    run.send().await.expect(201);
    agent.call("/threads/other/runs", &json!({"message": "Mine."})).send().await.expect(201);
    // It is kept for whoever asks again, and no list shows it.
    let call = json!({"messages": [{"role": "user", "content": says(8)}], "user": mark, "model": agent.slug});
    agent.call("/v1/chat/completions", &call).header("idempotency-key", "once").send().await.expect(200);
    for n in 0..20 {
        let memory = json!({"user": mark, "text": format!("{mark} likes {n}.")});
        account.post("/api/v1/memories", &memory).await.expect(201);
    }
    account.post("/api/v1/memories", &json!({"user": "somebody", "text": "Stays."})).await.expect(201);
    eventually("the index knows all", DEADLINE, async || {
        let runs = api(account, Method::GET, &format!("/api/v1/runs?user={mark}&limit=100")).await;
        (runs["data"].as_array()?.len() == THREADS + 9).then_some(())
    })
    .await;
}

#[test]
fn an_erasure_leaves_no_trace_of_a_marked_name_though_the_server_is_killed() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let model = account.model(Price::flat(1_000), Script::tokens(10, 5)).await;
        let line = format!("emu:{}", model.code);
        let agent = account.agent(&line).capped(1_000_000_000).create().await;
        let mark = unique("marked");
        leave_traces(&agent, &mark).await;
        agent.closed_books().await;
        let before = agent.calls().await.len();
        assert!(!files_with(&settings.folder.state(), &mark).is_empty(), "it is on the disk");

        let asked = api(&account, Method::DELETE, &format!("/api/v1/users/{mark}")).await;
        app.server.kill_workerd();
        app.server.stop().await;
        app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
        let account = account.on(app.client.clone());
        // The clock of the platform wakes the index where its alarm was lost.
        app.client.call(Method::GET, "/cdn-cgi/local/scheduled").send().await.expect(200);
        let path = format!("/api/v1/erasures/{}", asked["id"].as_str().expect("a receipt has an id"));
        let receipt = eventually("the erasure is done", DEADLINE, async || {
            let receipt = api(&account, Method::GET, &path).await;
            (receipt["status"] == "done").then_some(receipt)
        })
        .await;
        // What was being counted when the server was killed is not.
        assert!(receipt["threads"].as_u64() > Some(THREADS as u64 / 2), "{receipt}");
        let document = api(&account, Method::GET, "/api/v1/threads/other/export").await;
        assert_eq!(document["items"].as_array().expect("it has items").len(), 2, "{document}");
        let memories = api(&account, Method::GET, "/api/v1/memories?user=somebody").await;
        assert_eq!(memories["data"].as_array().expect("a list").len(), 1);
        let agent = Agent { account: account.clone(), ..agent };
        assert_eq!(agent.calls().await.len(), before, "the ledger stays");

        // What is still in the log of an object that has died is taken off the disk by its next life.
        app.server.kill_workerd();
        app.server.stop().await;
        app = App::start(&settings, emulator.clone()).await.expect("the server starts once more");
        eventually("no file has the name", DEADLINE, async || {
            files_with(&settings.folder.state(), &mark).is_empty().then_some(())
        })
        .await;
        app.server.stop().await;
        assert_eq!(files_with(&settings.folder.state(), &mark), Vec::<PathBuf>::new());
    });
}
